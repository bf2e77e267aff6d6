//! The services around the sweep.

use postback_core::clock::Timestamp;
use postback_harness::TestBed;
use postback_runtime::{ledger::Ledger, services::SweepServices};
use serde_json::Value;

/// The services of one sweep.
#[derive(Debug)]
pub(super) struct Services {
    ledger: Ledger,
    now: Timestamp,
}

impl Services {
    pub(super) fn new(bed: &TestBed) -> Self {
        Self { ledger: bed.table.ledger(), now: bed.now() }
    }
}

impl SweepServices for Services {
    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn random(&self) -> u64 {
        fastrand::u64(..)
    }

    fn stack(&self) -> String {
        "stack".to_owned()
    }

    fn measure(&self, _: &Value) {}
}
