//! The faults of one round.

use std::time::Duration;

use postback_harness::{Strike, TIMEOUT};

use super::{Happened, Outage, Scenario};

/// A fault of a round.
#[derive(Clone, Debug)]
pub enum InjectedFault {
    /// The next request to this function's network meets this fault.
    Network(usize, postback_sandbox::Fault),
    /// This function's network does not answer during the round; it processes what it is sent at
    /// once, or (`true`) when the round is over.
    Hang(usize, bool),
    /// The next connection to any network meets this fault.
    Connection(postback_sandbox::Fault),
    /// The next calls of the ledger meet these.
    Ledger(Vec<Strike>),
    /// This function's queue takes nothing during the round.
    QueueDown(usize),
    /// The networks refuse the functions' keys during the round. `true`: afterwards the secrets get
    /// a new version, as if the functions had had wrong keys.
    WrongKeys(bool),
    /// The invocations have only this much time.
    Hurry(Duration),
}

/// The changes that a round's faults make to its invocations.
pub(super) struct Limits {
    /// The time of an invocation.
    pub(super) time: Duration,
    /// The functions whose networks hang.
    pub(super) hanging: Vec<usize>,
    /// True if calls of the ledger hang.
    pub(super) ledger_hangs: bool,
    wrong_keys: Option<bool>,
}

impl Scenario {
    /// Injects the faults of a round.
    pub(super) fn inject(&mut self, faults: &[InjectedFault]) -> Limits {
        let mut limits =
            Limits { time: TIMEOUT, hanging: Vec::new(), ledger_hangs: false, wrong_keys: None };
        for fault in faults {
            let kind = match fault {
                InjectedFault::Ledger(_) => Happened::LedgerFault,
                InjectedFault::QueueDown(_) => Happened::QueueOutage,
                InjectedFault::WrongKeys(true) => Happened::SettingChange,
                _ => Happened::NetworkFault,
            };
            self.tally.add(kind, 1);
            self.inject_one(fault, &mut limits);
        }
        limits
    }

    fn inject_one(&self, fault: &InjectedFault, limits: &mut Limits) {
        let sandbox = &self.bed.sandbox;
        match fault {
            InjectedFault::Network(function, fault) => {
                let rule =
                    postback_sandbox::Rule::on(self.functions[*function].at(), fault.clone());
                sandbox.script(rule).expect("a rule");
            }
            InjectedFault::Hang(function, late) => {
                let hang = postback_sandbox::Fault::hang();
                let hang = if *late { hang.processed_late() } else { hang };
                sandbox.outage(self.functions[*function].at(), Some(hang)).expect("an outage");
                limits.hanging.push(*function);
            }
            InjectedFault::Connection(fault) => {
                let rule = postback_sandbox::Rule::on_connection(fault.clone());
                sandbox.script(rule).expect("a rule");
            }
            InjectedFault::Ledger(strikes) => {
                self.bed.table.script(strikes.iter().copied());
                let hangs = |strike: &Strike| matches!(strike, Strike::Hang | Strike::Stall);
                limits.ledger_hangs = strikes.iter().any(hangs);
            }
            InjectedFault::QueueDown(function) => {
                self.functions[*function].services().queue_down(true);
            }
            InjectedFault::WrongKeys(rotate) => {
                self.change_keys("0");
                limits.wrong_keys = Some(*rotate);
            }
            InjectedFault::Hurry(time) => limits.time = *time,
        }
    }

    /// Ends the faults that last as long as the round.
    pub(super) fn end_faults(&self, limits: &mut Limits) {
        for function in limits.hanging.drain(..) {
            self.bed.sandbox.outage(self.functions[function].at(), None).expect("no outage");
        }
        if limits.ledger_hangs {
            self.bed.table.script([]);
        }
        if let Some(rotate) = limits.wrong_keys.take() {
            self.change_keys("");
            for (number, function) in self.functions.iter().enumerate().filter(|_| rotate) {
                function.services().rotate(&self.secret(number));
            }
        }
        self.bed.sandbox.release();
        for function in &self.functions {
            function.services().queue_down(self.is_down(Outage::Queues));
        }
    }

    /// Lets the networks accept other keys: the right ones with `suffix`.
    fn change_keys(&self, suffix: &str) {
        let right = postback_sandbox::Accounts::default();
        self.bed.sandbox.change_accounts(|accounts| {
            accounts.cpa_moe.key = format!("{}{suffix}", right.cpa_moe.key);
            accounts.cartstack.key = format!("{}{suffix}", right.cartstack.key);
            accounts.shopback.security_token = format!("{}{suffix}", right.shopback.security_token);
        });
    }
}
