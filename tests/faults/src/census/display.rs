//! The census as text.

use std::fmt;

use postback_core::delivery::State;

use super::{Census, Defect};

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "orders {}, attempts {}, effects {}, duplicates {}, lost {}, falsely delivered {}, \
             reported after cancellation {}, untrue {}, unpublished {}, unresolved {}",
            self.orders,
            self.attempts,
            self.effects,
            self.count(Defect::Duplicate),
            self.count(Defect::Lost),
            self.count(Defect::FalselyDelivered),
            self.count(Defect::ReportedAfterCancellation),
            self.count(Defect::Untrue),
            self.count(Defect::Unpublished),
            self.unresolved.values().sum::<u64>(),
        )
    }
}

impl Census {
    /// The deliveries by state, and those that wait for a person by network and reason.
    #[must_use]
    pub fn ends(&self) -> String {
        let states = self.states.iter();
        let states: Vec<_> =
            states.map(|(state, count)| format!("{} {count}", State::as_str(*state))).collect();
        let reasons = self.unresolved.iter().map(|(reason, count)| format!("{reason}: {count}"));
        let reasons: Vec<_> = reasons.collect();
        format!("{} ({})", states.join(", "), reasons.join(", "))
    }
}
