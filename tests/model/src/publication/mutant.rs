//! The publication with one rule taken out.

use postback_core::events::{DeliveryEvent, events};

use super::{Change, PublicationWorld};

/// A rule that is taken out of the publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicationMutant {
    /// The stream is taken for read before the events are on the bus.
    PassedBeforePut,
    /// Of a batch only the events of its last version are derived.
    LastVersionAlone,
    /// All events of a batch go to the bus in one call, of which it may take any.
    PutTogether,
    /// The id of an event differs from try to try.
    IdOfTheTry,
    /// The events of a write are those of the record as it is now.
    RecordReadAnew,
}

impl PublicationWorld {
    /// The events of these changes, in their order.
    pub(super) fn events_of(&self, changes: &[Change]) -> Vec<DeliveryEvent> {
        let derived = |changes: &[Change]| changes.iter().flat_map(Change::events).collect();
        if self.lacks(PublicationMutant::LastVersionAlone) {
            return derived(&changes[changes.len().saturating_sub(1)..]);
        }
        if self.lacks(PublicationMutant::RecordReadAnew)
            && let (Some(Change::Write(since, _)), Some(Change::Write(_, last))) =
                (changes.first(), changes.last())
        {
            return events(*since, last);
        }
        derived(changes)
    }

    /// The id under which an event is put.
    pub(super) fn id(&self, event: &DeliveryEvent, failures: u8) -> String {
        if self.lacks(PublicationMutant::IdOfTheTry) {
            return format!("{}-{failures}", event.id);
        }
        event.id.clone()
    }
}
