//! The log line and the measurements of one attempt.

use std::time::Duration;

use postback_core::delivery::{Key, Verdict};

use crate::metrics::{Metrics, millis};

/// The facts of an attempt that the ledger does not keep. The line is written before the settling
/// write: if that fails, the line is all that is known of the answer.
pub(super) struct AttemptTrace {
    /// The attempt's number.
    pub(super) attempt: u32,
    /// The HTTP status of a whole answer.
    pub(super) status: Option<u16>,
    /// The time the network took; `None` when nothing was sent.
    pub(super) network_time: Option<Duration>,
    /// The time from the arrival to the verdict, the claim included.
    pub(super) total_time: Duration,
}

impl AttemptTrace {
    /// Writes the line and the metrics.
    pub(super) fn record(
        &self,
        network: &'static str,
        key: &Key,
        verdict: &Verdict,
        metrics: &mut Metrics,
    ) {
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
            attempt = self.attempt,
            verdict = word,
            reason,
            proof,
            http_status = self.status,
            network_ms = self.network_time.map(millis),
            total_ms = millis(self.total_time),
            "attempt"
        );
        metrics.record_attempt(self.network_time, has_failed(verdict));
        if reason == Some("tls_failed") {
            metrics.record_tls_failure();
        }
        if matches!(verdict, Verdict::Retry { after: Some(_), .. }) {
            metrics.record_throttled();
        }
        if self.is_refused_silently(verdict) {
            metrics.record_silent_refusal();
        }
    }

    /// Returns whether the status says success and the body says no.
    fn is_refused_silently(&self, verdict: &Verdict) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
            && matches!(verdict, Verdict::Rejected { .. } | Verdict::Parked { .. })
    }
}

/// Returns whether an attempt ended without a judgement on the order.
const fn has_failed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Retry { .. } | Verdict::Parked { .. } | Verdict::Unconfirmed { .. })
}
