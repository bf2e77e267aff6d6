//! The record after the words that were written.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{
        Arrival, Decision, DecisionRecord, Event, Facts, Key, Lookup, Note, Open, Planned, Proof,
        Record, Refunds, Stamp, State, Step, Then, Verdict, step,
    },
    redaction::{Details, OperatorNote, Reason},
};

use super::{Change, PublicationWorld, Writing};
use crate::{
    clock::NOW,
    script::{facts, updated_at},
};

/// The time between two writes: longer than everything that has to be waited for.
const HOUR: Duration = Duration::from_hours(1);

impl PublicationWorld {
    /// Those of the words that change the record.
    pub(super) fn changing(
        &self,
        written: &[Writing],
        words: &'static [Writing],
    ) -> impl Iterator<Item = Writing> {
        let (changes, count) = (self.changes_of(written), written.len());
        let changes_it = move |word: &Writing| self.written(held(&changes), *word, count).is_some();
        words.iter().copied().filter(changes_it)
    }

    /// The changes of the table that these words make.
    pub(super) fn changes_of(&self, written: &[Writing]) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for (count, word) in written.iter().enumerate() {
            changes.extend(self.written(held(&changes), *word, count));
        }
        changes
    }

    /// The change that a word makes; `None` if it makes none.
    fn written(&self, held: Option<&Record>, word: Writing, count: usize) -> Option<Change> {
        let now = NOW + HOUR * u32::try_from(count).unwrap_or(u32::MAX);
        let stamp = Stamp { now, write_id: 1 };
        let since = held.map_or(0, |held| held.version);
        let next = match word {
            Writing::Delete => return held.cloned().map(Box::new).map(Change::Delete),
            Writing::Status => {
                let status = Details::none().code("status", "paid");
                let held = held.filter(|held| held.protocol.state == State::Delivered)?;
                held.with_status(&status, None, stamp)?
            }
            _ => self.stepped(held, word, stamp)?,
        };
        Some(Change::Write(since, Box::new(next)))
    }

    fn stepped(&self, held: Option<&Record>, word: Writing, stamp: Stamp) -> Option<Record> {
        let is_sent = held.is_some_and(|held| held.protocol.attempt > 0);
        let is_answer = matches!(
            word,
            Writing::Confirmed | Writing::Lost | Writing::Refused | Writing::WrongSetting
        );
        if is_answer && !is_sent {
            return None;
        }
        let event = event(held, word, stamp.now);
        let protocol = held.map(|record| &record.protocol);
        let Step { next, then } = step(protocol, &event, &self.policy, stamp.now);
        if let (Some(held), Event::Arrive(arrival), Then::Conflict) = (held, &event, then) {
            // That its version is noted is no event.
            return Some(held.with_conflict(&arrival.facts, stamp));
        }
        let next = next?;
        if let (Some(held), Event::Decide { decision, .. }) = (held, &event) {
            return Some(held.decided(next, decided(held, *decision), stamp));
        }
        let lookup = match &event {
            Event::LookedUp { lookup, .. } => Some(lookup.result()),
            _ => None,
        };
        let attempt = match event {
            Event::Settle { attempt, .. } => Some(attempt),
            _ => None,
        };
        let key = Key::known("A-1001".to_owned(), "network", None);
        let note = Note { lookup, attempt, ..Note::default() };
        Some(Record::after(held, &key, next, note, stamp))
    }
}

/// The record that the table holds after these changes.
pub(super) fn held(changes: &[Change]) -> Option<&Record> {
    match changes.last()? {
        Change::Write(_, record) => Some(record),
        Change::Delete(_) => None,
    }
}

fn decided(held: &Record, decision: Decision) -> DecisionRecord {
    let note = |text: &str| OperatorNote::new(text).unwrap_or_else(|_| unreachable!("plain words"));
    DecisionRecord {
        version: 0,
        at: NOW,
        attempt: held.protocol.attempt,
        decision,
        by: note("a person"),
        why: note("it was looked up"),
        evidence: None,
        claim_back: None,
        contents_left_out: 0,
    }
}

/// The event of a word that meets the record.
fn event(held: Option<&Record>, word: Writing, now: Timestamp) -> Event {
    let attempt = held.map_or(0, |held| held.protocol.attempt);
    let decisions = held.map_or(0, |held| held.protocol.decisions);
    let settings = "v1".to_owned();
    let settle =
        |verdict| Event::Settle { attempt, verdict, settings: settings.clone(), jitter: 0 };
    match word {
        Writing::Arrive(content) => arrive(content, Planned::Send("a".to_owned()), None, now),
        Writing::ArrivePaused => {
            let open = Open {
                until: now + HOUR,
                state: State::Parked,
                reason: Reason::new("key"),
                only_refused: false,
            };
            arrive(0, Planned::Send("a".to_owned()), Some(open), now)
        }
        Writing::ArriveRejected(reason) => {
            arrive(0, Planned::Reject(Reason::new(reason)), None, now)
        }
        Writing::Confirmed => settle(Verdict::Delivered(Proof::Response)),
        Writing::Lost => settle(Verdict::unconfirmed("lost")),
        Writing::Refused => settle(Verdict::rejected("refused")),
        Writing::WrongSetting => settle(Verdict::parked("key")),
        Writing::LookedUp(is_there) => Event::LookedUp {
            asked: now,
            lookup: if is_there {
                Lookup::Found { references: Details::none() }
            } else {
                Lookup::Absent
            },
            is_plannable: true,
            deadline: now + HOUR / 4,
            jitter: 0,
        },
        Writing::Cancel => {
            Event::Cancel { facts: Facts::none(), updated_at: None, by_refunds: false }
        }
        Writing::Sweep => Event::Expire,
        Writing::Decide(decision) => Event::Decide { attempt, decisions, decision },
        Writing::Status | Writing::Delete => unreachable!("no event of the protocol"),
    }
}

fn arrive(content: u8, planned: Planned, open: Option<Open>, now: Timestamp) -> Event {
    Event::Arrive(Arrival {
        facts: facts(content).clone(),
        updated_at: updated_at(Some(content)),
        planned,
        shown_scope: None,
        deadline: now + HOUR / 4,
        settings: "v1".to_owned(),
        open,
        is_implausible: false,
        is_delayed: false,
        has_waited: false,
        refunds: Refunds::default(),
        reported: None,
    })
}
