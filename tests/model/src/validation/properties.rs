//! What must hold of a validation, always.

use std::time::Duration;

use postback_core::delivery::{Standing, State, Status};
use stateright::{Model, Property};

use super::{Happens, LOCK, Moment, Reply, Run, TOTAL, Turn, ValidationWorld, number};
use crate::{
    clock::{NOW, TICK},
    world::Person,
};

/// The network takes one call, and one more for each permission of a person who did not look.
pub const VALIDATED_TWICE: &str = "never validated twice";
/// No call is made of a conversion that the network does not have, but by a person's permission.
pub const UNREPORTED: &str = "never validated what was not reported";
/// No call is made before the return period is over.
pub const LOCKED: &str = "never validated before the lock";
/// No more is approved than the total without the refunds that the ledger knew when the function that
/// calls began.
pub const TOO_MUCH: &str = "never approved more than is left";
/// A refund that the ledger knew before the return period ended lowers the amount.
pub const EARLY_REFUND: &str = "never approved what was refunded before the lock";
/// An order that the ledger knew to be cancelled is not approved.
pub const VALIDATED_CANCELLED: &str = "never approved after a known cancellation";
/// What came back after the call is claimed back, to the last unit.
pub const CLAIMED_BACK: &str = "never money that came back and is not claimed";
/// While words, sweeps and time go on, what the network has is validated, or held for a person.
pub const FOLLOWED: &str = "never stuck on the way to its validation";

/// More turns than any validation needs once nothing goes wrong any more.
const PATIENCE: usize = 100;

impl Model for ValidationWorld {
    type State = Moment;
    type Action = Happens;

    fn init_states(&self) -> Vec<Moment> {
        self.first()
    }

    fn actions(&self, moment: &Moment, happens: &mut Vec<Happens>) {
        self.possible(moment, happens);
    }

    fn next_state(&self, moment: &Moment, happens: Happens) -> Option<Moment> {
        Some(self.after(moment, happens))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(VALIDATED_TWICE, |world: &Self, moment: &Moment| {
                let is_erring = world.bounds.person == Person::Erring;
                let permits = if is_erring { moment.permits } else { 0 };
                moment.calls.len() <= 1 + usize::from(permits)
            }),
            Property::always(UNREPORTED, |_, moment: &Moment| {
                moment.calls.iter().all(|made| made.is_founded)
            }),
            Property::always(LOCKED, |_, moment: &Moment| {
                moment.calls.iter().all(|made| made.at >= LOCK)
            }),
            Property::always(TOO_MUCH, |_, moment: &Moment| {
                approved(moment).all(|(amount, known)| amount + known <= TOTAL)
            }),
            Property::always(EARLY_REFUND, |_, moment: &Moment| {
                approved(moment).all(|(amount, _)| amount + moment.early <= TOTAL)
            }),
            Property::always(VALIDATED_CANCELLED, |_, moment: &Moment| {
                let is_approved = |status| status == Status::Approved;
                let mut calls = moment.calls.iter();
                calls.all(|made| !(made.known.is_cancelled && is_approved(made.call.status)))
            }),
            Property::always(CLAIMED_BACK, |_, moment: &Moment| is_claimed_back(moment)),
            Property::always(FOLLOWED, |world: &Self, moment: &Moment| {
                !moment.running.is_empty() || world.comes_to_an_end(moment)
            }),
        ]
    }
}

/// What was approved, and what was known to be refunded.
fn approved(moment: &Moment) -> impl Iterator<Item = (u8, u8)> + '_ {
    let calls = moment.calls.iter().filter(|made| made.call.status == Status::Approved);
    calls.map(|made| (number(Some(made.call.amount)), made.known.refunded))
}

fn is_claimed_back(moment: &Moment) -> bool {
    let at_rest = moment.running.is_empty() && moment.queue.is_empty();
    let Some(kept) = moment.validation.as_ref().filter(|_| at_rest) else { return true };
    let call = kept.delivery.validation.as_ref().and_then(|own| own.call.as_ref());
    let is_approved = |status| status == Status::Approved;
    let Some(call) = call.filter(|call| is_approved(call.status)) else { return true };
    if kept.delivery.state != State::Delivered {
        return true;
    }
    let order = moment.known();
    let left = if order.is_cancelled { 0 } else { TOTAL.saturating_sub(order.refunded) };
    let back = number(Some(call.amount)).saturating_sub(left);
    kept.delivery.claim_back().map_or(0, |back| number(Some(back))) == back
}

impl ValidationWorld {
    /// Returns whether the validation ends, or waits for a person, if nothing goes wrong from here on.
    fn comes_to_an_end(&self, moment: &Moment) -> bool {
        let mut moment = Moment { sweeps: u8::MAX, ..moment.clone() };
        for _ in 0..PATIENCE {
            let Some(happens) = next_of_a_fair_day(&moment) else { break };
            moment = self.after(&moment, happens);
            if happens == Happens::Tick {
                moment.now = moment.now.max(waking(&moment));
            }
        }
        if moment.waits_for_its_delivery() {
            return true;
        }
        let is_reported = Standing::of(&moment.delivery.delivery) == Standing::Reported;
        match moment.state() {
            None => !is_reported,
            Some(state) => !matches!(state, State::Retrying | State::Sending),
        }
    }
}

/// What happens next when nothing goes wrong; `None` when nothing is left to happen.
fn next_of_a_fair_day(moment: &Moment) -> Option<Happens> {
    match moment.running.first() {
        Some(Run::Due { turn: Turn::Send(_), .. }) => Some(Happens::Send(0, Reply::Taken)),
        Some(_) => Some(Happens::Turn(0)),
        None if !moment.queue.is_empty() => Some(Happens::Hear(0)),
        None => match moment.state() {
            Some(State::Retrying) if moment.now >= LOCK && ValidationWorld::is_due(moment) => {
                Some(Happens::Sweep)
            }
            Some(State::Sending) if is_expired(moment) => Some(Happens::Expire),
            Some(State::Retrying | State::Sending) => Some(Happens::Tick),
            _ => None,
        },
    }
}

/// The tick at which the validation is due.
fn waking(moment: &Moment) -> u32 {
    let due = moment.validation.as_ref().map(|kept| kept.delivery.not_before);
    let wait = due.map_or(Duration::ZERO, |due| due.since(NOW));
    u32::try_from(wait.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u32::MAX)
}

fn is_expired(moment: &Moment) -> bool {
    let until = moment.validation.as_ref().map(|kept| kept.delivery.claim_expires_at);
    until.is_some_and(|until| until <= super::instant(moment.now))
}
