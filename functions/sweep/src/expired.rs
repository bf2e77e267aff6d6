//! The claims whose sender died: each becomes a doubt.

use std::time::Duration;

use postback_core::delivery::{Event, Note, Policy, Record, Recovery, Stamp, State, step};
use postback_runtime::{ledger::Change, services::SweepServices};

/// The time that a network may take to show what it accepted, where the sweep can't know better.
const LAG: Duration = Duration::from_mins(2);
/// The claims that the ledger may refuse to end before a sweep leaves the others to the next one: it
/// has everything else to count in time.
const MOST_REFUSED: u32 = 3;

/// The expired claims of one sweep.
#[derive(Debug, Default)]
pub(crate) struct Expired {
    refused: u32,
}

impl Expired {
    /// Turns a claim that has expired into a doubt. One that the ledger does not take stays as it is:
    /// nothing else goes uncounted for it.
    pub(crate) async fn end(&mut self, record: Record, services: &impl SweepServices) -> Record {
        let now = services.now();
        let expires_at = record.protocol.claim_expires_at;
        let is_expired = record.protocol.state == State::Sending && now >= expires_at;
        if !is_expired || self.refused >= MOST_REFUSED {
            return record;
        }
        let policy = Policy::new(Recovery::Hold, Duration::ZERO, LAG);
        let decide = |held: Option<&Record>| {
            let stamp = Stamp { now, write_id: services.random() };
            let step = step(held.map(|held| &held.protocol), &Event::Expire, &policy, now);
            match (held, step.next) {
                (Some(held), Some(next)) => {
                    let next = Record::after(Some(held), &held.key(), next, Note::default(), stamp);
                    Change::Write(Box::new(next), ())
                }
                _ => Change::Keep(()),
            }
        };
        let (order_id, delivery) = (&record.order_id, &record.delivery);
        match services.ledger().update(Some(record.clone()), decide).await {
            Ok(updated) => {
                let code = "claim_expired";
                tracing::warn!(code, order_id, delivery, "the sender of an attempt died");
                updated.after.unwrap_or(record)
            }
            Err(error) => {
                self.refused += 1;
                let code = "claim_not_ended";
                tracing::error!(code, order_id, delivery, %error, "the next sweep tries again");
                record
            }
        }
    }
}
