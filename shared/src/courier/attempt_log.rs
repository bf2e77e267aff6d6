//! The one line that the log has of every attempt, and what is measured of it.

use std::time::Duration;

use crate::{
    delivery::Event,
    ledger::Key,
    metrics::{Metrics, millis},
    network::Verdict,
};

/// What was seen of an attempt besides its verdict. The line is written while the ledger takes the
/// verdict, whether it takes it or not: should it not, this line is all that tells of the attempt.
pub(super) struct Seen {
    /// The HTTP status of a whole answer.
    pub(super) status: Option<u16>,
    /// How long the network took; `None` when nothing was sent.
    pub(super) network_time: Option<Duration>,
    /// How long it took from taking the delivery up to the verdict, the claim included.
    pub(super) whole_time: Duration,
}

impl Seen {
    /// Writes the line of the attempt that `event` settles.
    pub(super) fn log(
        &self,
        network: &'static str,
        key: &Key,
        event: &Event,
        metrics: &mut Metrics,
    ) {
        let Event::Settle { attempt, verdict, .. } = event else { return };
        let (word, reason) = verdict.words();
        let proof = match verdict {
            Verdict::Delivered(proof) => Some(proof.as_str()),
            _ => None,
        };
        tracing::info!(
            code = "attempt",
            order_id = key.order_id,
            network,
            line = key.line(),
            attempt,
            verdict = word,
            reason,
            proof,
            http_status = self.status,
            network_ms = self.network_time.map(millis),
            total_ms = millis(self.whole_time),
            "attempt"
        );
        metrics.attempt(self.network_time, has_failed(verdict));
        if self.is_refused_silently(verdict) {
            metrics.silent_refusal();
        }
    }

    /// Whether the status says success and the rest says no.
    fn is_refused_silently(&self, verdict: &Verdict) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
            && matches!(verdict, Verdict::Rejected { .. } | Verdict::Parked { .. })
    }
}

/// Whether an attempt ended without a judgement on the order.
const fn has_failed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Retry { .. } | Verdict::Parked { .. } | Verdict::Unconfirmed { .. })
}
