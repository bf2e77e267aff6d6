//! The services of one sweep, in memory.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use postback_core::clock::Timestamp;
use postback_runtime::{
    ledger::Ledger,
    services::{DueValidation, SweepServices, Unavailable, VALIDATION_DUE},
};
use serde_json::{Value, json};

use crate::TestBed;

/// The services of one sweep over a test bed's ledger.
#[derive(Debug)]
pub struct FakeSweep {
    ledger: Ledger,
    now: Timestamp,
    measured: Mutex<Vec<Value>>,
    due: Mutex<Vec<String>>,
    calls: AtomicU32,
    validating: Vec<String>,
}

impl FakeSweep {
    /// The services of a sweep at the test bed's time.
    #[must_use]
    pub fn new(bed: &TestBed) -> Self {
        let (measured, due) = (Mutex::default(), Mutex::default());
        // A page of a large ledger takes its time on a busy machine.
        let ledger = bed.table.ledger_within(Duration::from_mins(1));
        let (calls, validating) = (AtomicU32::new(0), Vec::new());
        Self { ledger, now: bed.now(), measured, due, calls, validating }
    }

    /// The services, with these networks' validations measured although there are none.
    #[must_use]
    pub fn validating(mut self, networks: &[&str]) -> Self {
        self.validating = networks.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// The metrics that were written.
    ///
    /// # Panics
    ///
    /// If a thread panicked while it wrote some.
    #[must_use]
    pub fn measured(&self) -> Vec<Value> {
        self.measured.lock().expect("a lock").clone()
    }

    /// The validations that are due, as messages of their networks' queues.
    ///
    /// # Panics
    ///
    /// If a thread panicked while it put one.
    #[must_use]
    pub fn due(&self) -> Vec<String> {
        self.due.lock().expect("a lock").clone()
    }

    /// The number of calls that put them.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}

impl SweepServices for FakeSweep {
    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn random(&self) -> u64 {
        // Another one for each write of a test, whose outcome does not depend on the number.
        fastrand::u64(..)
    }

    fn stack(&self) -> String {
        "stack".to_owned()
    }

    fn networks(&self) -> Vec<String> {
        Vec::new()
    }

    fn validating(&self) -> Vec<String> {
        self.validating.clone()
    }

    fn measure(&self, document: &Value) {
        self.measured.lock().expect("a lock").push(document.clone());
    }

    async fn put_validations(&self, _: &str, due: &[DueValidation]) -> Result<usize, Unavailable> {
        let bodies = due.iter().map(|due| json!({ "detail-type": VALIDATION_DUE, "detail": due }));
        let bodies = bodies.map(|body| body.to_string());
        self.due.lock().expect("a lock").extend(bodies);
        self.calls.fetch_add(1, Ordering::Relaxed);
        // The call has gone out, and its answer is not here: the sweep may be killed here.
        tokio::task::yield_now().await;
        Ok(due.len())
    }
}
