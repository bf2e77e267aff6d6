//! The parts that all functions of one test share.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, DecisionRecord, Event, Key, Policy, Record, Recovery, Stamp, step},
    network::Network,
    redaction::OperatorNote,
};
use postback_runtime::{
    client::Sender,
    ledger::{Change, PauseChange},
};
use postback_sandbox::Sandbox;
use url::Url;

use crate::{
    fake_services::FakeServices,
    function::Function,
    table::{self, Table},
};

/// One ledger, the sandbox of the networks, and one clock for all.
#[derive(Debug)]
pub struct TestBed {
    /// The ledger's table.
    pub table: Table,
    /// The networks.
    pub sandbox: Sandbox,
    now: std::sync::Mutex<Timestamp>,
    services: std::sync::Mutex<Vec<FakeServices>>,
    seed: u64,
}

/// The time that a function waits, by the machine's clock: it runs on while the test bed's stands.
/// The default is so long that nothing is given up because the machine is busy: a request given up
/// is a doubt, and at some networks one that a person has to settle.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the network: one request in all.
    pub network: Duration,
    /// For the ledger: one answer; the client tries three times.
    pub ledger: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { network: Duration::from_mins(1), ledger: table::PATIENCE }
    }
}

/// The time at which every test begins.
const BEGINNING: &str = "2026-11-21T10:15:00Z";

impl TestBed {
    /// A fresh test bed; all randomness follows from `seed`.
    ///
    /// # Panics
    ///
    /// If loopback can't be listened on.
    pub async fn new(seed: u64) -> Self {
        let now = Timestamp::parse(BEGINNING).expect("an instant");
        let sandbox = Sandbox::start().await;
        sandbox.set_clock(u64::try_from(now.as_millis()).expect("after 1970"));
        Self {
            table: Table::start().await,
            sandbox,
            now: std::sync::Mutex::new(now),
            services: std::sync::Mutex::default(),
            seed,
        }
    }

    /// The function of network `N`, sending to its part of the sandbox with the right secret.
    pub async fn function<N: Network>(&self) -> Function<N> {
        let endpoint = format!("{}/{}", self.sandbox.base_url(), N::NAME);
        self.function_at(&endpoint, &secret(N::NAME)).await
    }

    /// The function of network `N`, sending to `endpoint` with `secret`.
    ///
    /// # Panics
    ///
    /// If the function can't start.
    pub async fn function_at<N: Network>(&self, endpoint: &str, secret: &str) -> Function<N> {
        let services = FakeServices::new(self.now(), self.seed, secret);
        self.services.lock().expect("a lock").push(services.clone());
        self.instance(endpoint, services).await
    }

    /// One more running instance of a function, with the same queue and secret.
    ///
    /// # Panics
    ///
    /// If the function can't start.
    pub async fn instance<N: Network>(
        &self,
        endpoint: &str,
        services: FakeServices,
    ) -> Function<N> {
        let sender = sender(endpoint, Patience::default().network);
        Function::start(self.table.ledger(), sender, services).await
    }

    /// One more running instance of a function that waits as long as `patience` says, with its own
    /// connections to the ledger.
    ///
    /// # Panics
    ///
    /// If the function can't start.
    pub async fn instance_with<N: Network>(
        &self,
        endpoint: &str,
        services: FakeServices,
        patience: Patience,
    ) -> Function<N> {
        let sender = sender(endpoint, patience.network);
        Function::start(self.table.ledger_within(patience.ledger), sender, services).await
    }

    /// Like [`Self::instance_with`], for an instance that finds the ledger at `ledger`.
    ///
    /// # Panics
    ///
    /// If the function can't start.
    pub async fn instance_on<N: Network>(
        &self,
        ledger: &str,
        endpoint: &str,
        services: FakeServices,
        patience: Patience,
    ) -> Function<N> {
        let sender = sender(endpoint, patience.network);
        Function::start(Table::ledger_at(ledger, patience.ledger), sender, services).await
    }

    /// Writes a person's decision about a delivery, as the tool does. One that does not fit its
    /// state changes nothing.
    ///
    /// # Panics
    ///
    /// If the ledger fails.
    pub async fn decide(&self, key: &Key, decision: Decision) {
        let policy = Policy::new(Recovery::Hold, Duration::ZERO, Duration::ZERO);
        let decide = |held: Option<&Record>| {
            let Some(held) = held else { return Change::Keep(()) };
            let (attempt, decisions) = (held.protocol.attempt, held.protocol.decisions);
            let event = Event::Decide { attempt, decisions, decision };
            let now = self.now();
            let Some(next) = step(Some(&held.protocol), &event, &policy, now).next else {
                return Change::Keep(());
            };
            let note = |text| OperatorNote::new(text).expect("a note");
            let (by, why) = (note("an operator"), note("asked the network"));
            let evidence = None;
            let decided = DecisionRecord {
                version: 0,
                at: now,
                attempt,
                decision,
                by,
                why,
                evidence,
                claim_back: None,
                contents_left_out: 0,
            };
            let stamp = Stamp { now, write_id: fastrand::u64(..) };
            Change::Write(Box::new(held.decided(next, decided, stamp)), ())
        };
        let ledger = self.table.ledger();
        let held = ledger.get(key).await.expect("the ledger");
        ledger.update(held, decide).await.expect("the ledger");
    }

    /// Pauses a network as the tool does, or resumes it.
    ///
    /// # Panics
    ///
    /// If the ledger fails.
    pub async fn pause(&self, network: &str, paused: bool) {
        let note = |text| OperatorNote::new(text).expect("a note");
        let (by, why) = (note("an operator"), note("the network asked for it"));
        let change = PauseChange { paused, at: self.now(), by, why };
        self.table.ledger().change_pause(network, &change).await.expect("the ledger");
    }

    /// The time.
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        *self.now.lock().expect("a lock")
    }

    /// Lets time pass, everywhere.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn advance(&self, by: Duration) {
        let now = self.now() + by;
        *self.now.lock().expect("a lock") = now;
        for services in self.services.lock().expect("a lock").iter() {
            services.set_now(now);
        }
        self.sandbox.set_clock(u64::try_from(now.as_millis()).expect("after 1970"));
    }

    /// Lets time pass until `instant`, everywhere.
    pub fn advance_to(&self, instant: Timestamp) {
        self.advance(self.now().until(instant));
    }

    /// Works off a function's queue until it is empty, and lets time pass while messages wait, but
    /// no more than `most`. Returns whether the queue is empty.
    pub async fn work_off<N: Network>(&self, function: &Function<N>, most: Duration) -> bool {
        let end = self.now() + most;
        loop {
            function.work().await;
            match function.services.next_visible() {
                None => return true,
                Some(at) if at > end => return false,
                Some(at) => self.advance_to(at),
            }
        }
    }
}

fn sender(endpoint: &str, timeout: Duration) -> Sender {
    let endpoint = Url::parse(endpoint).expect("a URL");
    Sender::new(endpoint, timeout, Duration::from_secs(3))
}

/// The secret that the sandbox accepts.
///
/// # Panics
///
/// If there is none for the network.
fn secret(network: &str) -> String {
    let path = format!("{}/../sandbox/secrets/{network}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned())
}
