//! The beginning of an invocation, and the event it decides on.

use postback_core::{
    clock::Timestamp,
    delivery::{
        Arrival, Decision, Event, Facts, Lookup, Open, Recovery, Refunds, State as DeliveryState,
    },
    redaction::{Details, Reason},
};

use crate::{
    clock::{LIFE, NOW, Ticks, long_ago, ticks},
    script::{Plan, Word, facts, updated_at},
    state::{Cause, Invocation, Kind, Message, State, Turn},
    turns::go_on,
    world::World,
};

fn invocation(state: &State, kind: Kind, order: usize, message: Message) -> Invocation {
    Invocation {
        kind,
        order: u8::try_from(order).unwrap_or(u8::MAX),
        message,
        ahead: 0,
        deadline: long_ago(),
        settings: state.settings,
        paused: None,
        held: state.orders[order].ledger.clone(),
        current: true,
        turn: Turn::FollowUp(false),
    }
}

impl World {
    pub(crate) fn begin(
        &self,
        state: &mut State,
        kind: Kind,
        order: usize,
        message: Message,
        ahead: Ticks,
        paused: bool,
    ) {
        let mut invocation = Invocation {
            ahead,
            deadline: NOW + ticks(ahead + LIFE),
            paused: paused.then(|| NOW + ticks(ahead + 1)),
            ..invocation(state, kind, order, message)
        };
        self.decide(state, &mut invocation, Cause::Arrival);
        // One that has nothing to do is gone at once and changes nothing.
        if !matches!(invocation.turn, Turn::FollowUp(_)) {
            state.starts = state.starts.saturating_sub(1);
            state.ahead = state.ahead.saturating_sub(ahead);
        }
        go_on(state, invocation);
    }

    /// A person sees the delivery and the truth, and decides.
    pub(crate) fn look(&self, state: &mut State, order: usize, decision: Decision) {
        state.looks -= 1;
        let what = self.script.latest().and_then(|what| u8::try_from(what).ok()).unwrap_or(0);
        let message = Message { what, delayed: false, name: 0 };
        let mut person = invocation(state, Kind::Person, order, message);
        let (attempt, decisions) =
            person.delivery().map_or((0, 0), |held| (held.attempt, held.decisions));
        self.decide(state, &mut person, Cause::Decided(attempt, decisions, decision));
        go_on(state, person);
    }

    pub(crate) fn sweep(&self, state: &mut State, order: usize) {
        state.sweeps -= 1;
        let message = Message { what: 0, delayed: true, name: 0 };
        let mut sweep = invocation(state, Kind::Sweep, order, message);
        self.decide(state, &mut sweep, Cause::Swept);
        go_on(state, sweep);
    }

    /// The event in full.
    pub(crate) fn event(&self, invocation: &Invocation, cause: Cause) -> Event {
        let jitter = 0;
        let settings = invocation.settings.to_string();
        match cause {
            Cause::Arrival => self.arrival(invocation, settings),
            Cause::Settled(attempt, meaning) => {
                Event::Settle { attempt, verdict: meaning.verdict(), settings, jitter }
            }
            Cause::LookedUp(asked, shown) => {
                let lookup = lookup(shown);
                let is_plannable = matches!(self.plan_of(invocation), Plan::Send(_));
                let deadline = invocation.deadline;
                Event::LookedUp { asked, lookup, is_plannable, deadline, jitter }
            }
            Cause::Decided(attempt, decisions, decision) => {
                Event::Decide { attempt, decisions, decision }
            }
            Cause::Swept => Event::Expire,
        }
    }

    /// The plan for the word in hand under the settings that an invocation has read.
    fn plan_of(&self, invocation: &Invocation) -> Plan {
        let plan = self.script.settings[usize::from(invocation.settings)];
        match self.word(invocation.message.what) {
            Word::Complete { content, .. }
                if invocation.settings > 0 && self.script.unplannable == Some(content) =>
            {
                Plan::Skip
            }
            _ => plan,
        }
    }

    fn arrival(&self, invocation: &Invocation, settings: String) -> Event {
        let plan = self.plan_of(invocation);
        let is_shown = self.policy.recovery == Recovery::LookUp;
        let open = |until: Timestamp| Open {
            until,
            state: DeliveryState::Parked,
            reason: Reason::new("key"),
            only_refused: false,
        };
        let word = self.word(invocation.message.what);
        match word {
            Word::Cancel { version } => Event::Cancel {
                facts: Facts::none(),
                updated_at: updated_at(version),
                by_refunds: false,
            },
            Word::Complete { version, content } => Event::Arrive(Arrival {
                facts: facts(content).clone(),
                updated_at: updated_at(version),
                planned: plan.planned(),
                shown_scope: is_shown.then(|| self.scope_of(invocation).to_owned()),
                deadline: invocation.deadline,
                settings,
                open: invocation.paused.map(open),
                is_implausible: self.script.is_implausible(word),
                is_delayed: invocation.message.delayed,
                has_waited: invocation.message.name > 0,
                refunds: Refunds::default(),
                reported: None,
            }),
        }
    }
}

fn lookup(shown: Option<bool>) -> Lookup {
    match shown {
        Some(true) => Lookup::Found { references: Details::none() },
        Some(false) => Lookup::Absent,
        None => Lookup::Failed { reason: Reason::new("lost") },
    }
}
