//! The one line that the log has of every attempt, and what is measured of it.

use std::time::Duration;

use crate::{
    ledger::Key,
    metrics::{Metrics, millis},
    network::Verdict,
};

/// What is known of an attempt once it has a verdict. It is written then and not when the ledger
/// has taken the verdict: should the ledger not take it, this line is all that tells of it.
pub(super) struct Line<'a> {
    pub(super) network: &'static str,
    pub(super) key: &'a Key,
    pub(super) attempt: u32,
    pub(super) verdict: &'a Verdict,
    /// The HTTP status of a whole answer.
    pub(super) status: Option<u16>,
    /// How long the network took; `None` when nothing was sent.
    pub(super) network_time: Option<Duration>,
    /// How long it took from taking the delivery up to the verdict, the claim included.
    pub(super) whole_time: Duration,
}

impl Line<'_> {
    pub(super) fn write(&self, metrics: &mut Metrics) {
        let (verdict, reason) = self.verdict.words();
        let proof = match self.verdict {
            Verdict::Delivered(proof) => Some(proof.as_str()),
            _ => None,
        };
        tracing::info!(
            code = "attempt",
            order_id = self.key.order_id,
            network = self.network,
            line = self.key.line(),
            attempt = self.attempt,
            verdict,
            reason,
            proof,
            http_status = self.status,
            network_ms = self.network_time.map(millis),
            total_ms = millis(self.whole_time),
            "attempt"
        );
        metrics.attempt(self.network_time, self.has_failed());
        if self.is_refused_silently() {
            metrics.silent_refusal();
        }
    }

    /// Whether it ended without a judgement on the order.
    const fn has_failed(&self) -> bool {
        matches!(
            self.verdict,
            Verdict::Retry { .. } | Verdict::Parked { .. } | Verdict::Unconfirmed { .. }
        )
    }

    /// Whether the status says success and the rest says no.
    fn is_refused_silently(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
            && matches!(self.verdict, Verdict::Rejected { .. } | Verdict::Parked { .. })
    }
}
