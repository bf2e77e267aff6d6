//! A person's pause of this network, as last read from the ledger.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Open, State},
    network::Network,
    redaction::Reason,
};
use tokio::sync::RwLock;

use super::{Circuit, Dispatcher};
use crate::{
    ledger::{Ledger, LedgerError, Pause},
    services::Services,
};

/// The age at which it is read again: a pause takes effect within this time, at one read for each
/// instance that is busy.
const MAX_AGE: Duration = Duration::from_secs(5);
/// The time after which an order that waits is looked at again, at the latest.
const PAUSE: Duration = Duration::from_mins(15);

/// A person's pause of this network.
#[derive(Debug, Default)]
pub(super) struct Pauses(RwLock<Option<LastRead>>);

#[derive(Clone, Copy, Debug)]
struct LastRead {
    read_at: Timestamp,
    /// The time of the latest pause in force.
    since: Option<Timestamp>,
}

impl Pauses {
    /// Reads the ledger, unless it was read in the last seconds. If it can't be read, the last state
    /// stays in force; an error only where there is none.
    pub(super) async fn refresh(
        &self,
        ledger: &Ledger,
        network: &'static str,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let is_fresh =
            |held: &Option<LastRead>| held.is_some_and(|held| now.since(held.read_at) < MAX_AGE);
        if is_fresh(&*self.0.read().await) {
            return Ok(());
        }
        let mut slot = self.0.write().await;
        if is_fresh(&slot) {
            return Ok(());
        }
        let since = match (ledger.pauses().await, *slot) {
            (Ok(pauses), _) => {
                Pause::of(&pauses, network).and_then(Pause::in_force).map(|change| change.at)
            }
            (Err(_), Some(held)) => {
                let code = "pauses_not_read";
                tracing::warn!(code, network, "the last state stays in force");
                held.since
            }
            (Err(error), None) => return Err(error),
        };
        *slot = Some(LastRead { read_at: now, since });
        drop(slot);
        Ok(())
    }

    /// The time since which the network is paused.
    pub(super) async fn since(&self) -> Option<Timestamp> {
        self.0.read().await.and_then(|held| held.since)
    }
}

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Reads the pauses anew, if they are old.
    pub(super) async fn refresh_pauses(&self) -> Result<(), LedgerError> {
        self.pauses.refresh(&self.ledger, N::NAME, self.services.now()).await
    }

    /// Returns whether a person has paused this network.
    pub async fn is_paused(&self) -> bool {
        // The last state stays in force where the ledger does not answer.
        let _unread = self.refresh_pauses().await;
        self.pauses.since().await.is_some()
    }
}

/// The circuit while a person's pause is in force, or something else that only a person ends: nothing
/// is sent, not even a probe.
pub(super) fn circuit(reason: &'static str, now: Timestamp) -> Circuit {
    let reason = Reason::new(reason);
    let until = now + PAUSE;
    Circuit::Open(Open { until, state: State::Parked, reason, only_refused: false })
}

/// The version of the settings while a pause is in force. It is another one once that is over: what
/// was parked meanwhile is sent when it next comes.
pub(super) fn settings(version: &str, since: Option<Timestamp>) -> String {
    since.map_or_else(|| version.to_owned(), |since| format!("{version} paused {since}"))
}
