//! The world of the publication: a record that is written again and again, its stream, and the
//! function that turns each write into events and puts them on the bus. It dies, its batch is
//! repeated, and the bus refuses.
//!
//! The writes are those of [`postback_core::delivery::step`] and of the record itself, the events
//! those of [`postback_core::events::events`]. A moment keeps the words that were written: the record
//! of each of them follows.

use std::time::Duration;

use postback_core::{
    delivery::{Decision, Policy, Record, Recovery},
    events::{DeliveryEvent, events, expired},
};

mod mutant;
mod properties;
mod written;

pub use mutant::PublicationMutant;
pub use properties::{ANNOUNCED, IN_ORDER, ONE_ID, REPLAYED};

/// A word that may be written to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writing {
    /// The order arrives with this version and content.
    Arrive(u8),
    /// It arrives while the network is paused.
    ArrivePaused,
    /// It arrives, and the network can never take it, for this reason.
    ArriveRejected(&'static str),
    /// The network confirms the attempt.
    Confirmed,
    /// The attempt's answer is lost.
    Lost,
    /// The network refuses the attempt.
    Refused,
    /// A setting is wrong.
    WrongSetting,
    /// The network is asked, and shows it or does not.
    LookedUp(bool),
    /// The shop cancels the order.
    Cancel,
    /// The sweep looks.
    Sweep,
    /// A person decides.
    Decide(Decision),
    /// The network has a status.
    Status,
    /// The table deletes the item, because its time is over.
    Delete,
}

/// How far the world is explored.
#[derive(Clone, Copy, Debug)]
pub struct PublicationBounds {
    /// The words that may be written.
    pub words: &'static [Writing],
    /// The number of writes.
    pub writes: usize,
    /// The most writes in a batch.
    pub batch: usize,
    /// The number of times that the function dies or the bus refuses.
    pub failures: u8,
}

/// The world: everything that does not change while it is explored.
#[derive(Clone, Debug)]
pub struct PublicationWorld {
    pub(crate) bounds: PublicationBounds,
    pub(crate) mutant: Option<PublicationMutant>,
    pub(crate) policy: Policy,
}

/// All that is true at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Publication {
    /// The words that were written.
    pub written: Vec<Writing>,
    /// The number of writes that the stream no longer gives.
    pub(crate) cursor: usize,
    pub(crate) run: Option<Run>,
    /// The events on the bus, in their order; a repetition is left out.
    pub bus: Vec<OnTheBus>,
    pub(crate) failures: u8,
}

/// An event on the bus.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OnTheBus {
    /// The number of times that the item was deleted before, and the version of its record.
    pub version: (usize, u64),
    /// The detail type.
    pub detail_type: String,
    /// The id.
    pub id: String,
}

/// The function at work on a batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    /// The beginning of the batch.
    pub(crate) from: usize,
    /// Its end.
    pub(crate) until: usize,
    /// The events of the batch that are on the bus, by place.
    pub(crate) put: Vec<usize>,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publishing {
    /// A word is written.
    Write(Writing),
    /// The function begins with a batch of that many writes.
    Begin(usize),
    /// The event in this place reaches the bus.
    Put(usize),
    /// All are on the bus: the batch is done with.
    End,
    /// The function dies, or the bus refuses: the stream gives the batch again.
    Fail,
}

/// A change of the table as the stream shows it.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A write of the record, after the one of this version.
    Write(u64, Box<Record>),
    /// The item was deleted.
    Delete(Box<Record>),
}

impl Change {
    fn events(&self) -> Vec<DeliveryEvent> {
        match self {
            Self::Write(since, record) => events(*since, record),
            Self::Delete(record) => expired(record).into_iter().collect(),
        }
    }
}

impl PublicationWorld {
    /// A world with all rules in force.
    #[must_use]
    pub const fn new(bounds: PublicationBounds) -> Self {
        let moment = Duration::from_secs(1);
        let policy = Policy::new(Recovery::LookUp, moment, moment);
        Self { bounds, mutant: None, policy: Policy { park: moment, ..policy } }
    }

    /// The same world without one rule.
    #[must_use]
    pub const fn without(mut self, mutant: PublicationMutant) -> Self {
        self.mutant = Some(mutant);
        self
    }

    pub(crate) fn lacks(&self, mutant: PublicationMutant) -> bool {
        self.mutant == Some(mutant)
    }

    pub(crate) fn possible(&self, moment: &Publication, happens: &mut Vec<Publishing>) {
        if moment.written.len() < self.bounds.writes {
            let words = self.changing(&moment.written, self.bounds.words);
            happens.extend(words.map(Publishing::Write));
        }
        let Some(run) = &moment.run else {
            let left = moment.written.len() - moment.cursor;
            happens.extend((1..=left.min(self.bounds.batch)).map(Publishing::Begin));
            return;
        };
        if moment.failures > 0 {
            happens.push(Publishing::Fail);
        }
        let count = self.batch(moment, run).len();
        let mut left = (0..count).filter(|place| !run.put.contains(place));
        match left.next() {
            None => happens.push(Publishing::End),
            // No two events of one delivery go to the bus in the same call.
            Some(next) => {
                happens.push(Publishing::Put(next));
                if self.lacks(PublicationMutant::PutTogether) {
                    happens.extend(left.map(Publishing::Put));
                }
            }
        }
    }

    pub(crate) fn after(&self, last: &Publication, happens: Publishing) -> Publication {
        let mut moment = last.clone();
        match happens {
            Publishing::Write(word) => moment.written.push(word),
            Publishing::Begin(count) => {
                let (from, until) = (moment.cursor, moment.cursor + count);
                moment.run = Some(Run { from, until, put: Vec::new() });
                if self.lacks(PublicationMutant::PassedBeforePut) {
                    moment.cursor = until;
                }
            }
            Publishing::Put(place) => self.put(&mut moment, place),
            Publishing::End => {
                if let Some(run) = moment.run.take() {
                    moment.cursor = run.until;
                }
            }
            Publishing::Fail => {
                moment.run = None;
                moment.failures = moment.failures.saturating_sub(1);
            }
        }
        moment
    }

    fn put(&self, moment: &mut Publication, place: usize) {
        let Some(run) = moment.run.clone() else { return };
        if let Some((life, event)) = self.batch(moment, &run).into_iter().nth(place) {
            let id = self.id(&event, moment.failures);
            let (version, detail_type) = ((life, event.version), event.detail_type());
            let event = OnTheBus { version, detail_type, id };
            if !moment.bus.contains(&event) {
                moment.bus.push(event);
            }
        }
        if let Some(run) = &mut moment.run {
            run.put.push(place);
            run.put.sort_unstable();
        }
    }

    /// The events of the batch, in their order, each with the number of deletions before it.
    fn batch(&self, moment: &Publication, run: &Run) -> Vec<(usize, DeliveryEvent)> {
        let changes = self.changes_of(&moment.written);
        let deletions = |changes: &[Change]| {
            changes.iter().filter(|change| matches!(change, Change::Delete(_))).count()
        };
        let life = deletions(&changes[..run.from]);
        let batch = &changes[run.from..run.until];
        match batch.iter().position(|change| matches!(change, Change::Delete(_))) {
            // One of each life.
            Some(end) if end + 1 < batch.len() => {
                let (one, other) = batch.split_at(end + 1);
                let one = self.events_of(one).into_iter().map(|event| (life, event));
                one.chain(self.events_of(other).into_iter().map(|event| (life + 1, event)))
                    .collect()
            }
            _ => self.events_of(batch).into_iter().map(|event| (life, event)).collect(),
        }
    }
}
