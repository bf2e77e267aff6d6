//! Outages of AWS that last for many rounds, and changes of the settings.

use std::time::Duration;

use postback_harness::Strike;

use super::{Happened, Scenario};

/// A service of AWS that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// The ledger: every call fails.
    Ledger,
    /// The secrets: nothing is read, and no instance can start.
    Secrets,
    /// The queues: they take no message.
    Queues,
}

impl Scenario {
    /// Begins an outage of `time`.
    pub fn begin_outage(&mut self, outage: Outage, time: Duration) {
        self.outages.push((outage, self.bed.now() + time));
        self.tally.add(
            match outage {
                Outage::Ledger => Happened::LedgerOutage,
                Outage::Secrets => Happened::SecretsOutage,
                Outage::Queues => Happened::QueueOutage,
            },
            1,
        );
        self.apply_outages();
    }

    /// Ends the outages whose time has passed.
    pub(super) fn end_outages(&mut self) {
        let now = self.bed.now();
        self.outages.retain(|(_, end)| now < *end);
        self.apply_outages();
    }

    fn apply_outages(&self) {
        let ledger = if self.is_down(Outage::Ledger) { Strike::Fail } else { Strike::Pass };
        self.bed.table.always(ledger);
        for function in &self.functions {
            function.services().queue_down(self.is_down(Outage::Queues));
            function.services().secret_down(self.is_down(Outage::Secrets));
        }
    }

    /// Returns whether a service is missing now.
    #[must_use]
    pub fn is_down(&self, outage: Outage) -> bool {
        self.outages.iter().any(|(missing, _)| *missing == outage)
    }

    /// Gives a function other settings of the merchant's; 0 are the first ones.
    pub fn change_settings(&mut self, function: usize, choice: usize) {
        let secrets = self.functions[function].secrets();
        let choice = choice % secrets.len();
        self.functions[function].services().rotate(&secrets[choice]);
        self.settings.insert(function, choice);
        self.tally.add(Happened::SettingChange, 1);
    }

    /// The secret of a function with the settings in force.
    pub(super) fn secret(&self, function: usize) -> String {
        let choice = self.settings.get(&function).copied().unwrap_or_default();
        self.functions[function].secrets().swap_remove(choice)
    }

    /// Brings back the settings with which every function began.
    pub(super) fn restore_settings(&mut self) {
        for (function, choice) in &mut self.settings {
            if *choice != 0 {
                let secrets = self.functions[*function].secrets();
                self.functions[*function].services().rotate(&secrets[0]);
                *choice = 0;
            }
        }
    }
}
