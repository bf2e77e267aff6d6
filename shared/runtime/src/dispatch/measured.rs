//! The measurements of an order's results.

use postback_core::{
    delivery::{State, UNCLEAR_REFUSALS},
    order::Order,
};

use super::DeliveryResult;
use crate::metrics::Metrics;

impl Metrics {
    /// Records the results of an order's deliveries.
    pub(super) fn record_results(&mut self, order: &Order, results: &[DeliveryResult]) {
        for result in results.iter().filter(|result| result.changed) {
            self.record_outcome(result.state);
            if result.attempt > 0 {
                self.record_sent();
            } else if result.state == State::Rejected {
                self.record_unsent(result.reason.clone());
            }
            if result.state == State::Unconfirmed && result.wait_until.is_none() {
                self.record_held();
            }
            if result
                .reason
                .as_ref()
                .is_some_and(|reason| UNCLEAR_REFUSALS.contains(&reason.as_str()))
            {
                self.record_unclear_refusal();
            }
        }
        // Lines of one order are parts of one total.
        if results.iter().any(|result| result.newly_in_doubt) {
            self.record_at_risk(order);
        }
    }
}
