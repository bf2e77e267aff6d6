//! What must hold, always. No property excuses a case.

use postback_core::delivery::{Delivery, Proof, Recovery, State as DeliveryState};
use stateright::{Model, Property};

use crate::{
    script::facts,
    state::{Action, Order, Outcome, State, Turn},
    world::{Person, World},
};

/// The network holds at most one conversion of an order, and one more for
/// the merchant's consent and for each permission of a person who did not look.
pub const TWICE: &str = "never reported twice";
/// A delivery that is called delivered has had an effect of this very order.
pub const UNFOUNDED: &str = "never delivered without an effect";
/// An effect is never denied.
pub const DISCLAIMED: &str = "never an effect that is disclaimed";
/// The content that the network holds is the one that the record names.
pub const CONTENT: &str = "never other content than recorded";
/// No attempt is claimed of an order that is known to be cancelled.
pub const CANCELLED: &str = "never reported after a known cancellation";
/// No attempt is claimed of a version after a later one was taken, or while a later one waits, unless
/// an attempt of it is in doubt.
pub const OUTDATED: &str = "never an outdated version";
/// No attempt is claimed of a delivery that a person has given up, but of a later version of one that was
/// never sent.
pub const ABANDONED: &str = "never sent after it was abandoned";
/// No attempt is claimed that exceeds a bound of the operator's, unless a person who saw it permitted it.
pub const IMPLAUSIBLE: &str = "never beyond a bound without a permission";
/// While messages and time go on, everything ends: final, with no message left, or held for a person.
pub const STUCK: &str = "never stuck";
/// An open delivery has a message, or is held for a person.
pub const UNWATCHED: &str = "never open without a message or a person";

/// More turns than any delivery needs once nothing goes wrong any more.
const PATIENCE: usize = 300;

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.first()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.after(state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn each(state: &State, holds: impl Fn(&Order) -> bool) -> bool {
            state.orders.iter().all(holds)
        }
        vec![
            Property::always(TWICE, |world: &Self, state: &State| {
                each(state, |order| world.is_reported_once(order))
            }),
            Property::always(UNFOUNDED, |_, state: &State| each(state, is_founded)),
            Property::always(DISCLAIMED, |world: &Self, state: &State| {
                each(state, |order| world.admits_its_effects(order))
            }),
            Property::always(CONTENT, |world: &Self, state: &State| {
                each(state, |order| world.is_content_recorded(order))
            }),
            Property::always(CANCELLED, |_, state: &State| {
                each(state, |order| !order.ghost.sent_cancelled)
            }),
            Property::always(OUTDATED, |_, state: &State| {
                each(state, |order| !order.ghost.sent_outdated)
            }),
            Property::always(ABANDONED, |_, state: &State| {
                each(state, |order| !order.ghost.sent_abandoned)
            }),
            Property::always(IMPLAUSIBLE, |_, state: &State| {
                each(state, |order| !order.ghost.sent_implausible)
            }),
            Property::always(UNWATCHED, |_, state: &State| {
                !state.running.is_empty() || each(state, is_watched)
            }),
            Property::always(STUCK, |world: &Self, state: &State| {
                !state.running.is_empty() || world.comes_to_an_end(state)
            }),
        ]
    }
}

fn is_founded(order: &Order) -> bool {
    let Some(held) = delivery(order) else { return true };
    let by_a_person = held.proof == Some(Proof::Operator);
    !held.state.is_success() || by_a_person || !order.effects.is_empty()
}

/// Returns whether the record leaves room for an effect.
fn admits_an_effect(order: &Order) -> bool {
    let Some(held) = delivery(order) else { return false };
    held.in_doubt() || held.state.is_success() || held.state == DeliveryState::Sending
}

fn delivery(order: &Order) -> Option<&Delivery> {
    order.ledger.as_ref().map(|held| &held.delivery)
}

/// Returns whether nothing more will happen to it by itself: final, or for a person to decide.
fn is_at_rest(order: &Order) -> bool {
    let Some(held) = delivery(order) else { return true };
    let is_held = held.doubt.as_ref().is_some_and(|doubt| doubt.recovery == Recovery::Hold);
    match held.state {
        state if state.is_final() => true,
        DeliveryState::Unconfirmed | DeliveryState::Parked => is_held,
        _ => false,
    }
}

/// Returns whether a message still comes round for a delivery that is final.
fn circles(order: &Order) -> bool {
    delivery(order).is_some_and(|held| held.state.is_final()) && !order.queue.is_empty()
}

/// Returns whether a doubt is held because the settings are others than those under which it began.
fn is_held_for_its_settings(order: &Order) -> bool {
    let reason = delivery(order).and_then(|held| held.reason.as_ref());
    reason.is_some_and(|reason| reason.as_str() == "settings_changed")
}

/// Returns whether it exceeds a bound, and no person has permitted to send it.
fn waits_for_a_permission(order: &Order) -> bool {
    let reason = delivery(order).and_then(|held| held.reason.as_ref());
    let is_held_back = reason.is_some_and(|reason| reason.as_str() == "implausible");
    is_held_back && !order.ghost.permitted_implausible
}

fn is_watched(order: &Order) -> bool {
    !order.ghost.promised || !order.queue.is_empty() || is_at_rest(order)
}

impl World {
    fn is_reported_once(&self, order: &Order) -> bool {
        let permits = if self.person == Person::Erring { order.ghost.permits } else { 0 };
        let allowed = 1 + usize::from(order.ghost.consents) + usize::from(permits);
        order.effects.len() <= allowed
    }

    /// A person who did not look may have denied an effect.
    fn is_denied_by_a_person(&self, order: &Order) -> bool {
        self.person == Person::Erring && order.ghost.permits > 0
    }

    fn admits_its_effects(&self, order: &Order) -> bool {
        order.effects.is_empty() || admits_an_effect(order) || self.is_denied_by_a_person(order)
    }

    fn is_content_recorded(&self, order: &Order) -> bool {
        let Some(held) = delivery(order).filter(|held| held.state.is_success()) else {
            return true;
        };
        let is_recorded = order.effects.iter().any(|effect| *facts(effect.content) == held.facts);
        order.effects.is_empty() || is_recorded || self.is_denied_by_a_person(order)
    }

    /// Returns whether every delivery ends final or held if nothing goes wrong from here on.
    fn comes_to_an_end(&self, state: &State) -> bool {
        let mut state = state.clone();
        let mut round = 0;
        for _ in 0..PATIENCE {
            let Some(action) = self.next_of_a_fair_day(&state, round) else { break };
            if matches!(action, Action::Begin { .. }) {
                round += 1;
                state = self.after(&state, Action::Tick);
            }
            state = self.after(&state, action);
        }
        let ends = |order: &Order| {
            !order.ghost.promised
                || (is_at_rest(order) && !circles(order))
                || is_held_for_its_settings(order)
                || waits_for_a_permission(order)
        };
        state.orders.iter().all(ends)
    }

    /// What happens next when nothing goes wrong; `None` when nothing is left to happen.
    fn next_of_a_fair_day(&self, state: &State, round: usize) -> Option<Action> {
        if usize::from(state.settings) + 1 < self.script.settings.len() {
            return Some(Action::Change);
        }
        let Some(invocation) = state.running.first() else { return next_message(state, round) };
        let order = &state.orders[usize::from(invocation.order)];
        Some(match invocation.turn {
            Turn::Put { .. } => Action::Put(0),
            Turn::Write { .. } => Action::Land(0),
            Turn::Send { .. } => Action::Send(0, Outcome::Answered),
            Turn::Judge(_) => Action::Judge(0),
            Turn::Ask => {
                let is_there = order.is_shown(self.scope_of(invocation));
                Action::Ask(0, Some(is_there && order.hidden == 0))
            }
            Turn::FollowUp(_) => Action::End(0),
        })
    }
}

/// The messages of the orders come in turn.
fn next_message(state: &State, round: usize) -> Option<Action> {
    let waiting = state.orders.iter().enumerate().filter(|(_, order)| !order.queue.is_empty());
    let waiting: Vec<_> = waiting.collect();
    let (order, held) = waiting.get(round % waiting.len().max(1))?;
    let message = (round / waiting.len()) % held.queue.len();
    Some(Action::Begin { order: *order, message, ahead: 0, copy: false, paused: false })
}
