//! Following what a network took until it has said its last word on the money.
//!
//! Every announced delivery has a message on the following queue, put there by a rule on the bus. A
//! schedule calls for a round: all messages that are due are asked about, as many at once as the
//! network allows; each then comes again, later as it ages, or is done with.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use super::{Courier, Trouble};
use crate::{
    clock::Timestamp,
    http::Outcome as Sent,
    ledger::{Key, Put},
    network::{Follows, Progress},
    surroundings::{Announcement, Followed, Following, Unavailable},
    word::{Evidence, Reason},
};

/// A message older than this is renewed: the queue would drop it at 14 days.
const OLDEST: Duration = Duration::from_hours(12 * 24);

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// How many requests were sent.
    pub requests: u32,
    /// How many deliveries were asked about.
    pub asked: u32,
    /// How many had changed.
    pub changed: u32,
    /// How many have come to their end.
    pub ended: u32,
}

/// Why a round ended early. What it had not come to comes again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    /// A service around did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The ledger did not say.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// The network did not answer the question.
    #[error("the network did not say how far its deliveries are: {0}")]
    NotAnswered(Reason),
}

/// A delivery that is followed.
struct Open {
    followed: Followed,
    key: Key,
    id: String,
    since: Timestamp,
}

/// The event on the bus that says a delivery was delivered.
#[derive(Deserialize)]
struct Delivered {
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    order_id: String,
    network: String,
    #[serde(default)]
    line: Option<String>,
    references: Evidence,
    at: Timestamp,
}

impl<N: Follows, S: Following> Courier<N, S> {
    /// Asks about every delivery that is due, as far as `deadline` allows.
    pub async fn follow(&self, deadline: Timestamp) -> Result<Round, RoundError> {
        let configured = self.settings().await;
        let mut round = Round::default();
        loop {
            let open = self.due(N::AT_ONCE).await?;
            let need = N::TIMEOUT + Duration::from_secs(10);
            if open.is_empty() || self.surroundings.now() + need > deadline {
                return Ok(round);
            }
            let mut ids: Vec<_> = open.iter().map(|open| open.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            round.requests += 1;
            round.asked += u32::try_from(ids.len()).unwrap_or(u32::MAX);
            let request = configured.network.ask(&ids);
            let progress = match self.sender.send(&request, self.surroundings.now()).await {
                Sent::Answered(answer) => configured.network.progress(&answer),
                Sent::NotSent(reason) | Sent::MaybeSent(reason) => Err(reason),
            };
            let progress = progress.map_err(RoundError::NotAnswered)?;
            for open in &open {
                self.take_in(open, &progress, &mut round).await?;
            }
        }
    }

    /// At most `most` deliveries that are due; all of them, if there are fewer. A queue hands over
    /// as many at once as it likes.
    async fn due(&self, most: usize) -> Result<Vec<Open>, Unavailable> {
        let mut due = Vec::new();
        while due.len() < most {
            let messages = self.surroundings.receive(most - due.len()).await?;
            if messages.is_empty() {
                break;
            }
            for followed in messages {
                if let Some((key, id, since)) = open::<N>(&followed) {
                    due.push(Open { followed, key, id, since });
                } else {
                    let code = "not_followed";
                    tracing::error!(code, network = N::NAME, "a message can't be followed");
                }
            }
        }
        Ok(due)
    }

    async fn take_in(
        &self,
        open: &Open,
        progress: &BTreeMap<String, Progress>,
        round: &mut Round,
    ) -> Result<(), RoundError> {
        let now = self.surroundings.now();
        let progress = progress.get(&open.id);
        if let Some(progress) = progress {
            let changed = self.record_progress(&open.key, progress).await?;
            round.changed += u32::from(changed);
            if changed && progress.is_dropped {
                self.metrics().silent_refusal();
            }
            if progress.is_final {
                round.ended += 1;
                return Ok(self.surroundings.done(&open.followed).await?);
            }
        }
        if now.since(open.followed.sent_at) > OLDEST {
            self.surroundings.renew(&open.followed).await?;
            return Ok(self.surroundings.done(&open.followed).await?);
        }
        let pause = pause(now.since(open.since));
        Ok(self.surroundings.later(&open.followed, pause).await?)
    }

    /// Tells the bus, then writes it down: an event may come twice, with the same id, but none is
    /// lost. Whether anything had changed.
    async fn record_progress(&self, key: &Key, progress: &Progress) -> Result<bool, RoundError> {
        let mut held = self.ledger.get(key).await.map_err(Trouble::from)?;
        while let Some(record) = held {
            let chance = self.surroundings.chance();
            let Some(next) = record.with_progress(progress, self.surroundings.now(), chance) else {
                return Ok(false);
            };
            self.surroundings.announce(&Announcement::of_progress(&next)).await?;
            let put = self.ledger.put(&next, Some(record.version)).await.map_err(Trouble::from)?;
            match put {
                Put::Written => return Ok(true),
                Put::Refused(actual) => held = actual.map(|record| *record),
            }
        }
        Ok(false)
    }
}

fn open<N: Follows>(followed: &Followed) -> Option<(Key, String, Timestamp)> {
    let Delivered { detail } = serde_json::from_str(&followed.body).ok()?;
    let id = detail.references.get(N::REFERENCE)?.to_owned();
    let key = Key::known(detail.order_id, &detail.network, detail.line.as_deref());
    (detail.network == N::NAME).then_some((key, id, detail.at))
}

/// The older a delivery is, the less often it is asked about.
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
    fn asks_less_often_as_time_goes_by_and_never_beyond_what_a_queue_can_wait() {
        let pauses = [0, 5, 6, 47, 48, 167, 168, 10_000].map(|h| pause(Duration::from_hours(h)));

        assert!(pauses.is_sorted());
        assert_eq!(pauses[0], Duration::from_mins(15));
        assert!(pauses.iter().all(|pause| *pause < Duration::from_hours(12)));
    }
}
