//! The world of a validation: a delivery that the network has, or may have, the item of its
//! validation, a shop that refunds and cancels, the sweep that brings what is due, functions that die
//! between any two things they do, a network that loses requests and answers, and a person.
//!
//! Each write is decided on the item as stored: the compare-and-set is explored in the other world.

use std::sync::Arc;

use postback_core::{
    clock::Timestamp,
    delivery::{
        Attempt, Call, Decision, Delivery, Event, Key, Note, Policy, RETENTION, Record, Recovery,
        Stamp, Standing, State as DeliveryState, Step, Terms, Then,
    },
};
use rust_decimal::Decimal;

use crate::{
    clock::{NOW, TICK, ticks},
    world::Person,
};

mod mutant;
mod properties;
mod turns;

pub use mutant::ValidationMutant;
pub use properties::{
    CLAIMED_BACK, EARLY_REFUND, FOLLOWED, LOCKED, TOO_MUCH, UNREPORTED, VALIDATED_CANCELLED,
    VALIDATED_TWICE,
};

/// The total of the order.
pub(crate) const TOTAL: u8 = 10;
/// The time at which the return period ends.
pub(crate) const LOCK: u32 = 1;
pub(crate) const TERMS: Terms = Terms { return_period: TICK, decimals: 2 };

/// The shop's word about its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// The order comes again, unchanged.
    Nothing,
    /// So much is refunded, under an id of its own.
    Refund(u8),
    /// The same by a message of the refund alone.
    RefundAlone(u8),
    /// The order is cancelled.
    Cancel,
}

/// The item that a person decides about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The delivery.
    Delivery,
    /// Its validation.
    Validation,
}

/// What the network does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It takes it and says so.
    Taken,
    /// It takes it, and the answer is lost.
    AnswerLost,
    /// The request is lost.
    RequestLost,
    /// It has no time.
    NotNow,
    /// It refuses it.
    Refused,
}

/// How far the world is explored.
#[derive(Clone, Copy, Debug)]
pub struct ValidationBounds {
    /// True if the first answer is lost: the network may have the conversion.
    pub in_doubt: bool,
    /// So much is refunded by a message that comes before the order; 0 for none.
    pub before: u8,
    /// The shop's words. All come at any time, in any order.
    pub words: &'static [Return],
    /// The number of times that the sweep brings what is due.
    pub sweeps: u8,
    /// The number of functions that may live at once.
    pub at_once: usize,
    /// What the network may do.
    pub replies: &'static [Reply],
    /// The number of times that a person decides.
    pub looks: u8,
    /// The decisions that a person may take.
    pub decisions: &'static [(About, Decision)],
    /// How the person decides.
    pub person: Person,
    /// The last tick.
    pub last: u32,
}

/// The world: everything that does not change while it is explored.
#[derive(Clone, Debug)]
pub struct ValidationWorld {
    pub(crate) bounds: ValidationBounds,
    pub(crate) mutant: Option<ValidationMutant>,
    pub(crate) policy: Policy,
}

/// A record: its version and the protocol's part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kept {
    pub(crate) version: u64,
    pub(crate) delivery: Delivery,
}

/// All that is true at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    pub(crate) now: u32,
    /// The delivery's record.
    pub delivery: Arc<Kept>,
    /// The validation's record.
    pub validation: Option<Arc<Kept>>,
    /// The words that are still to come, by their place.
    pub(crate) queue: Vec<u8>,
    pub(crate) running: Vec<Run>,
    /// True if the network has the conversion.
    pub(crate) is_held: bool,
    /// The calls that the network has taken.
    pub calls: Vec<Made>,
    /// The refunds that came, or that the ledger knew, before the return period ended.
    pub(crate) early: u8,
    pub(crate) permits: u8,
    pub(crate) sweeps: u8,
    pub(crate) looks: u8,
}

/// A call that the network has taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Made {
    pub(crate) call: Call,
    pub(crate) at: u32,
    pub(crate) known: Known,
    /// True if the network had the conversion, or a person said so and permitted the call.
    pub(crate) is_founded: bool,
}

/// What the ledger said of the order when a function began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Known {
    pub(crate) refunded: u8,
    pub(crate) is_cancelled: bool,
}

/// A function at work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Run {
    /// It has written a word on the delivery; the validation is about to follow what it wrote.
    Follows {
        /// The word, which comes again should the function die.
        word: u8,
        /// The delivery as it wrote it.
        seen: Arc<Kept>,
    },
    /// The sweep has brought the validation.
    Due {
        /// The tick at which it is ended.
        until: u32,
        /// What the ledger said of the order when it began.
        known: Known,
        /// Its next turn.
        turn: Turn,
    },
}

/// The next turn of a function that validates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// The delivery is about to be read.
    Read,
    /// What was read is about to be written on the validation.
    Follow(Arc<Kept>),
    /// It is about to be decided.
    Decide,
    /// The call is claimed and about to leave.
    Send(Attempt),
    /// The answer is about to be written.
    Settle(u32, Ending),
}

/// The end of a call, as the function sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// Confirmed.
    Taken,
    /// No answer.
    Lost,
    /// Not now.
    NotNow,
    /// Refused.
    Refused,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happens {
    /// Time passes.
    Tick,
    /// A word of the shop is written on the delivery.
    Hear(usize),
    /// The sweep brings the validation.
    Sweep,
    /// The sweep turns an expired claim into a doubt.
    Expire,
    /// A person decides.
    Decide(About, Decision),
    /// A function takes its next turn.
    Turn(usize),
    /// The call leaves, or does not.
    Send(usize, Reply),
    /// A function dies.
    Die(usize),
}

impl ValidationWorld {
    /// A world with all rules in force.
    #[must_use]
    pub fn new(bounds: ValidationBounds) -> Self {
        let policy = Policy {
            need: TICK / 4,
            skew: ticks(1),
            backoff: TICK / 8,
            backoff_cap: TICK / 8,
            budget: RETENTION,
            park: ticks(1),
            ..Policy::new(Recovery::Hold, TICK / 8, TICK)
        };
        Self { bounds, mutant: None, policy }
    }

    /// The same world without one rule.
    #[must_use]
    pub fn without(self, mutant: ValidationMutant) -> Self {
        Self { mutant: Some(mutant), ..self }
    }

    pub(crate) fn lacks(&self, mutant: ValidationMutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Decides on the validation as stored and writes the decision.
    pub(crate) fn apply(&self, moment: &mut Moment, event: &Event) -> Then {
        let held = moment.validation.as_ref().map(|kept| &kept.delivery);
        let Step { next, then } = self.mutated(held, event, instant(moment.now));
        if let Some(next) = next {
            let version = moment.validation.as_ref().map_or(1, |kept| kept.version + 1);
            moment.validation = Some(Arc::new(Kept { version, delivery: next }));
        }
        then
    }

    /// Returns whether the sweep brings the validation.
    pub(crate) fn is_due(moment: &Moment) -> bool {
        let Some(kept) = &moment.validation else { return false };
        let key = Key::known("order".to_owned(), "network", None).validation();
        let stamp = Stamp { now: instant(moment.now), write_id: 0 };
        let record = Record::after(None, &key, kept.delivery.clone(), Note::default(), stamp);
        record.is_validation_due(instant(moment.now))
    }
}

impl Moment {
    /// What the ledger says of the order.
    pub(crate) fn known(&self) -> Known {
        let delivery = &self.delivery.delivery;
        let cancelled = delivery.cancelled.as_ref();
        Known {
            refunded: number(delivery.refunds.sum()),
            is_cancelled: cancelled.is_some_and(|cancelled| !cancelled.by_refunds),
        }
    }

    /// Returns whether the delivery waits for a person before its validation can go on.
    pub(crate) fn waits_for_its_delivery(&self) -> bool {
        Standing::of(&self.delivery.delivery) == Standing::InDoubt
    }

    pub(crate) fn state(&self) -> Option<DeliveryState> {
        self.validation.as_ref().map(|kept| kept.delivery.state)
    }
}

/// The instant of a tick.
pub(crate) fn instant(now: u32) -> Timestamp {
    NOW + TICK * now
}

pub(crate) fn number(amount: Option<Decimal>) -> u8 {
    amount.and_then(|amount| amount.try_into().ok()).unwrap_or(u8::MAX)
}
