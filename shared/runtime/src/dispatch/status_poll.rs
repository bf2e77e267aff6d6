//! Polling the later status of what a network took, until it is final.
//!
//! `publish` puts one message on the status queue for each delivery. A schedule starts a round: all
//! messages that are due are asked about, as many at once as the network allows; each is then
//! deferred, longer as it ages, or deleted.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Key, Record},
    network::{Progress, TracksStatus},
    redaction::{Details, Reason},
};
use serde::Deserialize;

use super::{DeliverError, Dispatcher};
use crate::{
    client::SendResult,
    ledger::{Change, UpdateError},
    services::{StatusServices, TrackedLead, Unavailable},
};

/// A message older than this is renewed: the queue would drop it at 14 days.
const OLDEST: Duration = Duration::from_hours(12 * 24);

/// The counts of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// The requests sent.
    pub requests: u32,
    /// The deliveries asked about.
    pub asked: u32,
    /// The deliveries with a new status.
    pub changed: u32,
    /// The deliveries with a final status.
    pub ended: u32,
}

/// The reason that a round ended early. Its other deliveries come again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    /// The queue did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The ledger did not answer.
    #[error(transparent)]
    Ledger(#[from] DeliverError),
    /// The network did not answer.
    #[error("the network did not answer with the status of its deliveries: {0}")]
    NotAnswered(Reason),
}

/// A message of the status queue, understood.
struct Tracked {
    lead: TrackedLead,
    key: Key,
    /// The network's id for the conversion.
    id: String,
    delivered_at: Timestamp,
}

/// The part of a delivery's event that is used here.
#[derive(Deserialize)]
struct Delivered {
    order_id: String,
    network: String,
    #[serde(default)]
    line: Option<String>,
    references: Details,
    at: Timestamp,
}

impl<N: TracksStatus, S: StatusServices> Dispatcher<N, S> {
    /// Asks about every delivery that is due, as far as `deadline` allows.
    pub async fn poll_status(&self, deadline: Timestamp) -> Result<Round, RoundError> {
        let is_open = self.breaker().is_open();
        let configured = self.settings.current(&self.services, is_open).await;
        let need = N::TIMEOUT + Duration::from_secs(10);
        let mut round = Round::default();
        loop {
            let due = self.due(N::AT_ONCE).await?;
            if due.is_empty() || self.services.now() + need > deadline {
                return Ok(round);
            }
            let mut ids: Vec<_> = due.iter().map(|tracked| tracked.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            round.requests += 1;
            round.asked += u32::try_from(ids.len()).unwrap_or(u32::MAX);
            let request = configured.network.ask(&ids);
            let progress = match self.sender.send(&request, self.services.now()).await {
                SendResult::Answered(answer) => configured.network.progress(&answer),
                SendResult::NotSent(reason) | SendResult::MaybeSent(reason) => Err(reason),
            };
            let progress = progress.map_err(RoundError::NotAnswered)?;
            for tracked in &due {
                self.settle_status(tracked, progress.get(&tracked.id), &mut round).await?;
            }
        }
    }

    /// Receives at most `most` deliveries that are due; all of them, if there are fewer. A queue
    /// hands over as many at once as it likes.
    async fn due(&self, most: usize) -> Result<Vec<Tracked>, Unavailable> {
        let mut due = Vec::new();
        while due.len() < most {
            let messages = self.services.receive(most - due.len()).await?;
            if messages.is_empty() {
                break;
            }
            for lead in messages {
                if let Some(tracked) = read::<N>(lead) {
                    due.push(tracked);
                } else {
                    let code = "status_message_unreadable";
                    tracing::error!(code, network = N::NAME, "a message of the status queue");
                }
            }
        }
        Ok(due)
    }

    async fn settle_status(
        &self,
        Tracked { lead, key, delivered_at, .. }: &Tracked,
        progress: Option<&Progress>,
        round: &mut Round,
    ) -> Result<(), RoundError> {
        let now = self.services.now();
        if let Some(progress) = progress {
            let changed = self.record_status(key, progress).await?;
            round.changed += u32::from(changed);
            if changed && progress.is_dropped {
                self.metrics().record_silent_refusal();
            }
            if progress.is_final {
                round.ended += 1;
                return Ok(self.services.delete(lead).await?);
            }
        }
        if now.since(lead.sent_at) > OLDEST {
            self.services.renew(lead).await?;
            return Ok(self.services.delete(lead).await?);
        }
        Ok(self.services.defer(lead, pause(now.since(*delivered_at))).await?)
    }

    /// Notes the status on the delivery. Returns whether it is a new one.
    async fn record_status(&self, key: &Key, progress: &Progress) -> Result<bool, DeliverError> {
        let held = self.ledger.get(key).await.map_err(UpdateError::from)?;
        let decide = |held: Option<&Record>| {
            let next = held.and_then(|held| held.with_status(&progress.status, self.stamp()));
            next.map_or(Change::Keep(()), |next| Change::Write(Box::new(next), ()))
        };
        Ok(self.ledger.update(held, decide).await?.wrote())
    }
}

fn read<N: TracksStatus>(lead: TrackedLead) -> Option<Tracked> {
    let delivered: Delivered = serde_json::from_str(&lead.body).ok()?;
    let Delivered { order_id, network, line, references, at } = delivered;
    let id = references.get(N::REFERENCE)?.to_owned();
    let key = Key::known(order_id, &network, line.as_deref());
    (network == N::NAME).then_some(Tracked { lead, key, id, delivered_at: at })
}

/// The pause until the next question: it grows with the age of the delivery.
fn pause(age: Duration) -> Duration {
    const HOUR: u64 = 60 * 60;
    let hours = age.as_secs() / HOUR;
    match hours {
        0..6 => Duration::from_mins(15),
        6..48 => Duration::from_hours(1),
        48..168 => Duration::from_hours(4),
        _ => Duration::from_hours(11),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_less_often_with_age_and_never_beyond_a_queues_longest_delay() {
        let pauses = [0, 5, 6, 47, 48, 167, 168, 10_000].map(|h| pause(Duration::from_hours(h)));

        assert!(pauses.is_sorted());
        assert_eq!(pauses[0], Duration::from_mins(15));
        assert!(pauses.iter().all(|pause| *pause < Duration::from_hours(12)));
    }
}
