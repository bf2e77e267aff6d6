//! Polling the later status of what a network took, until it is final.
//!
//! `publish` puts one message on the status queue for each delivery. A schedule starts a round: all
//! messages that are due are asked about, as many at once as the network allows; each is then
//! deferred, longer as it ages, or deleted.
//!
//! More than 300 lines: a round and the end of each of its messages.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Key, RETENTION, Record},
    network::{Progress, TracksStatus},
    redaction::{Details, Reason},
};
use serde::Deserialize;

use super::Dispatcher;
use crate::{
    client::SendResult,
    ledger::{Change, UpdateError},
    services::{StatusServices, TrackedLead, Unavailable},
};

/// A message older than this is renewed: the queue would drop it at 14 days.
const OLDEST: Duration = Duration::from_hours(12 * 24);
/// The pause of a delivery whose status can't be read.
const SKIPPED: Duration = Duration::from_hours(1);
/// The time that the writes about one delivery may take.
const SETTLING: Duration = Duration::from_secs(5);

/// The counts of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// The requests sent.
    pub requests: u32,
    /// The requests that were answered with a list.
    pub answered: u32,
    /// The deliveries asked about.
    pub asked: u32,
    /// The deliveries with a new status.
    pub changed: u32,
    /// The deliveries with a final status.
    pub ended: u32,
    /// The deliveries that were not asked about or written. They come again.
    pub failed: u32,
    /// The messages that nobody can read: they are among the queue's dead letters.
    pub unreadable: u32,
}

/// The reason that a round ended early. Its other deliveries come again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    /// The queue did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
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
        // A round is seldom: a correction does not wait for the next one.
        let configured = self.settings.current(&self.services, true).await;
        let mut round = Round::default();
        if configured.is_faulty {
            return Ok(round);
        }
        let polled = self.poll(&configured.network, deadline, &mut round).await;
        if let Ok(count) = self.services.count_tracked().await {
            self.metrics().record_tracked(count);
        }
        polled.map(|()| round)
    }

    async fn poll(
        &self,
        network: &N,
        deadline: Timestamp,
        round: &mut Round,
    ) -> Result<(), RoundError> {
        // A message that was received and not asked about is invisible for some minutes.
        while self.has_time(deadline) {
            let due = self.due(N::AT_ONCE, round).await?;
            if due.is_empty() {
                return Ok(());
            }
            let mut batches = vec![due];
            while let Some(batch) = batches.pop()
                && self.has_time(deadline)
            {
                batches.extend(self.ask(network, batch, deadline, round).await?);
            }
        }
        Ok(())
    }

    /// Returns whether there is time for one more request and what follows from it.
    fn has_time(&self, deadline: Timestamp) -> bool {
        self.services.now() + N::TIMEOUT + Duration::from_secs(10) <= deadline
    }

    /// Asks about a batch. Where the answer can't be read, one delivery may be the reason: returns
    /// the halves, to be asked about by themselves.
    async fn ask(
        &self,
        network: &N,
        mut batch: Vec<Tracked>,
        deadline: Timestamp,
        round: &mut Round,
    ) -> Result<Vec<Vec<Tracked>>, RoundError> {
        let mut ids: Vec<_> = batch.iter().map(|tracked| tracked.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        round.requests += 1;
        round.asked += u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let answer = match self.sender.send(&network.ask(&ids), self.services.now()).await {
            SendResult::Answered(answer) => answer,
            SendResult::NotSent(reason) | SendResult::MaybeSent(reason) => {
                return Err(RoundError::NotAnswered(reason));
            }
        };
        match network.progress(&answer) {
            Ok(progress) => {
                round.answered += 1;
                for tracked in &batch {
                    self.settle_status(tracked, progress.get(&tracked.id), deadline, round).await;
                }
                Ok(Vec::new())
            }
            Err(reason) if !answer.is_success() => Err(RoundError::NotAnswered(reason)),
            Err(_) if batch.len() > 1 => {
                let half = batch.split_off(batch.len() / 2);
                Ok(vec![half, batch])
            }
            // The second by itself, and no answer yet: it is not about one delivery.
            Err(reason) if round.answered == 0 && round.failed > 0 => {
                Err(RoundError::NotAnswered(reason))
            }
            Err(reason) => {
                for tracked in &batch {
                    self.skip(tracked, reason.as_str(), round).await;
                }
                Ok(Vec::new())
            }
        }
    }

    /// Receives at most `most` deliveries that are due; all of them, if there are fewer. A queue
    /// hands over as many at once as it likes.
    async fn due(&self, most: usize, round: &mut Round) -> Result<Vec<Tracked>, Unavailable> {
        let mut due = Vec::new();
        while due.len() < most {
            let messages = self.services.receive(most - due.len()).await?;
            if messages.is_empty() {
                break;
            }
            for lead in messages {
                match read_lead::<N>(lead) {
                    Ok(tracked) => due.push(tracked),
                    Err(lead) => self.dead_letter(&lead, round).await,
                }
            }
        }
        Ok(due)
    }

    /// Moves a message that nobody can read to the queue's dead letters.
    async fn dead_letter(&self, lead: &TrackedLead, round: &mut Round) {
        round.unreadable += 1;
        let code = "status_message_unreadable";
        tracing::error!(code, network = N::NAME, "a message of the status queue");
        // It comes again if either fails.
        if self.services.dead_letter_tracked(lead).await.is_ok() {
            let _comes_again = self.services.delete(lead).await;
        }
    }

    /// Leaves a delivery that can't be asked about for later.
    async fn skip(&self, tracked: &Tracked, reason: &str, round: &mut Round) {
        round.failed += 1;
        let (code, order_id) = ("status_not_read", &tracked.key.order_id);
        tracing::error!(code, network = N::NAME, order_id, reason, "its status can't be read");
        let _comes_again_sooner = self.services.defer(&tracked.lead, SKIPPED).await;
    }

    /// Notes the status of one delivery and lets its message come again, or go. A failure is that
    /// message's alone.
    async fn settle_status(
        &self,
        tracked: &Tracked,
        progress: Option<&Progress>,
        deadline: Timestamp,
        round: &mut Round,
    ) {
        let in_time = self.services.now() + SETTLING <= deadline;
        let settled = if in_time { self.settle_one(tracked, progress, round).await } else { None };
        if settled.is_none() {
            round.failed += 1;
            let (code, order_id) = ("status_not_settled", &tracked.key.order_id);
            tracing::error!(code, network = N::NAME, order_id, "its message comes again");
        }
    }

    /// `None` if a service did not answer.
    async fn settle_one(
        &self,
        Tracked { lead, key, delivered_at, .. }: &Tracked,
        progress: Option<&Progress>,
        round: &mut Round,
    ) -> Option<()> {
        let age = self.services.now().since(*delivered_at);
        if let Some(progress) = progress {
            let changed = self.record_status(key, progress).await.ok()?;
            round.changed += u32::from(changed);
            if changed && progress.is_dropped {
                self.metrics().record_silent_refusal();
            }
            if progress.is_final {
                round.ended += 1;
                return self.services.delete(lead).await.ok();
            }
        }
        if age > RETENTION {
            // The ledger has forgotten it.
            return self.services.delete(lead).await.ok();
        }
        if self.services.now().since(lead.sent_at) > OLDEST {
            self.services.renew(lead).await.ok()?;
            return self.services.delete(lead).await.ok();
        }
        self.services.defer(lead, pause(age)).await.ok()
    }

    /// Notes the status on the delivery. Returns whether it is a new one.
    async fn record_status(&self, key: &Key, progress: &Progress) -> Result<bool, UpdateError> {
        let held = self.ledger.get(key).await?;
        let decide = |held: Option<&Record>| {
            let (status, validation) = (&progress.status, progress.validation());
            let next = held.and_then(|held| held.with_status(status, validation, self.stamp()));
            next.map_or(Change::Keep(()), |next| Change::Write(Box::new(next), ()))
        };
        Ok(self.ledger.update(held, decide).await?.wrote())
    }
}

fn read_lead<N: TracksStatus>(lead: TrackedLead) -> Result<Tracked, TrackedLead> {
    let Ok(delivered) = serde_json::from_str::<Delivered>(&lead.body) else { return Err(lead) };
    let Delivered { order_id, network, line, references, at } = delivered;
    match references.get(N::REFERENCE) {
        Some(id) if network == N::NAME => {
            let (id, key) = (id.to_owned(), Key::known(order_id, &network, line.as_deref()));
            Ok(Tracked { lead, key, id, delivered_at: at })
        }
        _ => Err(lead),
    }
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
