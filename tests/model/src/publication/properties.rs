//! What must hold of the publication, always.

use postback_core::{
    delivery::{Record, State},
    events::events,
};
use stateright::{Model, Property};

use super::{Change, OnTheBus, Publication, PublicationWorld, Publishing, written::held};

/// Once the stream is read, every change to a state that is announced, every conflict, status,
/// cancellation and decision, and the end of what was open is on the bus.
pub const ANNOUNCED: &str = "never a change that is not announced";
/// The events of a delivery come first in the order of their versions.
pub const IN_ORDER: &str = "never an event before an earlier one";
/// However often an event comes, its id is the same, and no other event has it.
pub const ONE_ID: &str = "never two ids of one event";
/// What a replay from the ledger publishes is what the stream published, under the same ids.
pub const REPLAYED: &str = "never an event of a replay that the stream did not give";

impl Model for PublicationWorld {
    type State = Publication;
    type Action = Publishing;

    fn init_states(&self) -> Vec<Publication> {
        vec![Publication {
            written: Vec::new(),
            cursor: 0,
            run: None,
            bus: Vec::new(),
            failures: self.bounds.failures,
        }]
    }

    fn actions(&self, moment: &Publication, happens: &mut Vec<Publishing>) {
        self.possible(moment, happens);
    }

    fn next_state(&self, moment: &Publication, happens: Publishing) -> Option<Publication> {
        Some(self.after(moment, happens))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ANNOUNCED, |world: &Self, moment: &Publication| {
                let is_read = moment.run.is_none() && moment.cursor == moment.written.len();
                !is_read || world.is_announced(moment)
            }),
            Property::always(IN_ORDER, |_, moment: &Publication| {
                moment.bus.is_sorted_by_key(|event| event.version)
            }),
            Property::always(ONE_ID, |_, moment: &Publication| has_one_id_each(&moment.bus)),
            Property::always(REPLAYED, |world: &Self, moment: &Publication| {
                world.is_replayed_alike(moment)
            }),
        ]
    }
}

fn has_one_id_each(bus: &[OnTheBus]) -> bool {
    let is_same = |one: &OnTheBus, other: &OnTheBus| {
        (one.version, &one.detail_type) == (other.version, &other.detail_type)
    };
    bus.iter().enumerate().all(|(place, one)| {
        bus[..place].iter().all(|other| is_same(one, other) == (one.id == other.id))
    })
}

impl PublicationWorld {
    /// Returns whether all that the changes owe is on the bus. The judgement is made from two records,
    /// without their events.
    fn is_announced(&self, moment: &Publication) -> bool {
        let mut before: Option<Record> = None;
        let mut life = 0;
        for change in self.changes_of(&moment.written) {
            let owed = match &change {
                Change::Write(_, after) => owed(before.as_ref(), after),
                Change::Delete(last) if last.protocol.state.is_final() => Vec::new(),
                Change::Delete(last) => vec![(last.version + 1, "expired")],
            };
            let is_there = |(version, word): &(u64, &str)| {
                moment.bus.iter().any(|event| {
                    let kind = event.detail_type.strip_prefix("postback.");
                    event.version == (life, *version) && kind == Some(*word)
                })
            };
            if !owed.iter().all(is_there) {
                return false;
            }
            before = match change {
                Change::Write(_, after) => Some(*after),
                Change::Delete(_) => {
                    life += 1;
                    None
                }
            };
        }
        true
    }

    /// Returns whether every event of a replay of the record has the id that the stream's has.
    fn is_replayed_alike(&self, moment: &Publication) -> bool {
        let changes = self.changes_of(&moment.written);
        let Some(record) = held(&changes) else { return true };
        let streamed: Vec<_> = changes.iter().flat_map(Change::events).collect();
        events(0, record).iter().all(|event| streamed.iter().any(|it| it.id == event.id))
    }
}

/// The events that a write owes, by version and word.
fn owed(before: Option<&Record>, after: &Record) -> Vec<(u64, &'static str)> {
    let was = before.map(|record| &record.protocol);
    let is = &after.protocol;
    let mut owed = Vec::new();
    let is_as_before = was.is_some_and(|was| {
        (was.state, &was.reason, was.attempt) == (is.state, &is.reason, is.attempt)
    });
    let is_announced = !matches!(is.state, State::Sending | State::Retrying);
    if !is_as_before && is_announced {
        owed.push(is.state.as_str());
    }
    let grew = |count: fn(&Record) -> u32| before.map_or(0, count) < count(after);
    if grew(|record| record.decisions.count()) {
        owed.push("decided");
    }
    if grew(|record| u32::try_from(record.conflicts.entries().len()).unwrap_or(0)) {
        owed.push("conflict");
    }
    if grew(|record| record.statuses.count()) {
        owed.push("status_changed");
    }
    let is_news = was.and_then(|was| was.cancelled.as_ref()) != is.cancelled.as_ref();
    match &is.cancelled {
        Some(cancelled) if is_news && cancelled.completed_after => {
            owed.push("completed_after_withdrawal");
        }
        Some(_) if is_news => owed.push("cancelled"),
        _ => {}
    }
    let is_reported = is.cancelled.is_some() && is.state.is_success();
    let was_reported = was.is_some_and(|was| was.cancelled.is_some() && was.state.is_success());
    if is_reported && !was_reported {
        owed.push("cancelled_after_delivery");
    }
    owed.into_iter().map(|word| (after.version, word)).collect()
}
