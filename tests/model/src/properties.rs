//! What must hold, always. Those that speak of an end name every end that there is: [`End`].

use std::time::Duration;

use postback_core::delivery::{Delivery, Proof, State as DeliveryState};
use stateright::{Model, Property};

use crate::{
    clock::NOW,
    network::record,
    script::{Plan, facts, updated_at},
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
/// No attempt of a doubt is claimed under settings that hold it, unless a person permitted it.
pub const WITHHELD: &str = "never sent again under settings that hold";
/// Of two versions the later one holds: no cancellation is noted of an earlier one than the latest that came as
/// completed, once every message was decided on.
pub const OVERTAKEN: &str = "never cancelled by an earlier version";
/// No attempt is claimed of a version after a later one was taken, or while a later one waits, unless
/// an attempt of it is in doubt.
pub const OUTDATED: &str = "never an outdated version";
/// No attempt is claimed of a delivery that a person has given up, but of a later version of one that was
/// never sent.
pub const ABANDONED: &str = "never sent after it was abandoned";
/// No attempt is claimed that exceeds a bound of the operator's, unless a person who saw it permitted it.
pub const IMPLAUSIBLE: &str = "never beyond a bound without a permission";
/// The network's own yes to an attempt, once it has come back, makes the delivery a success.
pub const UNBELIEVED: &str = "never a yes that is not written";
/// No attempt is claimed after the network refused the order while it was in doubt, unless a person
/// permitted it.
pub const REFUSED: &str = "never sent again after a refusal in doubt";
/// No attempt of what is held for a person is claimed by a permission that has lapsed.
pub const LAPSED: &str = "never sent by a permission that has lapsed";
/// While messages and time go on, everything comes to an [`End`].
pub const STUCK: &str = "never stuck";
/// An open delivery has a message, is held for a person, or nobody was promised that it is carried on
/// and the sweep counts it as unwatched.
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
            Property::always(WITHHELD, |_, state: &State| {
                each(state, |order| !order.ghost.sent_withheld)
            }),
            Property::always(OVERTAKEN, |_, state: &State| {
                !state.running.is_empty() || each(state, is_cancelled_by_the_latest)
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
            Property::always(UNBELIEVED, |_, state: &State| each(state, is_believed)),
            Property::always(REFUSED, |_, state: &State| {
                each(state, |order| !order.ghost.sent_refused)
            }),
            Property::always(LAPSED, |_, state: &State| {
                each(state, |order| !order.ghost.sent_lapsed)
            }),
            Property::always(UNWATCHED, |world: &Self, state: &State| {
                !state.running.is_empty() || each(state, |order| world.is_watched(order))
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

/// Returns whether a cancellation with a version that is noted is not of an earlier one than a completion
/// that was decided on.
fn is_cancelled_by_the_latest(order: &Order) -> bool {
    let noted = delivery(order).and_then(|held| held.cancelled.as_ref());
    let version = noted.and_then(|noted| noted.updated_at);
    !order.queue.is_empty() || version.is_none() || version >= updated_at(order.ghost.latest)
}

/// Returns whether the network's own yes is written, where one has come back.
fn is_believed(order: &Order) -> bool {
    !order.ghost.confirmed || delivery(order).is_some_and(|held| held.state.is_success())
}

/// Returns whether the record leaves room for an effect.
fn admits_an_effect(order: &Order) -> bool {
    let Some(held) = delivery(order) else { return false };
    held.in_doubt() || held.state.is_success() || held.state == DeliveryState::Sending
}

fn delivery(order: &Order) -> Option<&Delivery> {
    order.ledger.as_ref().map(|held| &*held.delivery)
}

/// The end of a delivery while messages and time go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The ledger holds nothing of it: nobody was promised anything, or some settings report nothing.
    Unknown,
    /// It is final, and no message is left.
    Final,
    /// It is in doubt, and counted as held for a person.
    Held,
    /// It exceeds a bound, is counted as held for a person, and none has permitted it.
    BeyondABound,
    /// Its doubt began under other settings: its message comes round until they are back.
    OtherSettings,
    /// Whoever brought it died before anybody was promised that it is carried on, so that it has no
    /// message: the sweep counts it as unwatched.
    CountedAsUnwatched,
}

/// Longer than the time after which the sweep counts an open delivery as unwatched.
const A_DAY: Duration = Duration::from_hours(24);

impl World {
    fn end(&self, order: &Order) -> Option<End> {
        let Some(record) = record(order) else {
            let reports_nothing = |plan: &Plan| !matches!(plan, Plan::Send(_));
            let may_be = self.script.settings.iter().any(reports_nothing);
            return (may_be || !order.ghost.promised).then_some(End::Unknown);
        };
        let is_quiet = order.queue.is_empty();
        let because = |word| record.protocol.reason.as_ref().is_some_and(|it| it.as_str() == word);
        let is_unpermitted = record.is_implausible() && !order.ghost.permitted_implausible;
        match record.protocol.state {
            state if state.is_final() => is_quiet.then_some(End::Final),
            _ if record.is_held_in_doubt() => Some(End::Held),
            _ if is_unpermitted => Some(End::BeyondABound),
            _ if because("settings_changed") && !is_quiet => Some(End::OtherSettings),
            _ if !order.ghost.promised && record.is_unwatched(NOW + A_DAY) => {
                Some(End::CountedAsUnwatched)
            }
            _ => None,
        }
    }

    fn is_watched(&self, order: &Order) -> bool {
        !order.queue.is_empty() || self.end(order).is_some()
    }

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
        state.orders.iter().all(|order| self.end(order).is_some())
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
