//! What comes of each thing that can happen. One match has them all, so that none can be
//! forgotten, which takes more than 300 lines.

use postback_core::{
    clock::Timestamp,
    delivery::{Attempt, Decision, Delivery, Policy, Recovery, Step, Then},
};

use crate::{
    clock::{NOW, Ticks, far_away, long_ago, older},
    ghost::Ghost,
    mutant::{Mutant, mutated},
    script::{Word, facts, updated_at},
    shared::Shared,
    state::{Act, Action, Cause, Entry, Invocation, Kind, Meaning, Message, Order, State, Turn},
    world::{Host, World},
};

impl World {
    pub(crate) fn after(&self, last: &State, action: Action) -> State {
        let mut state = last.clone();
        match action {
            Action::Tick => pass(&mut state),
            Action::Change => state.settings += 1,
            Action::Begin { order, message, ahead, copy, paused } => {
                let in_hand = state.orders[order].queue[message];
                state.orders[order].queue.remove(message);
                if copy {
                    add(&mut state.orders[order], Message { delayed: true, ..in_hand });
                }
                self.begin(&mut state, Kind::Message, order, in_hand, ahead, paused);
            }
            Action::Call { order, call } => {
                let what = state.orders[order].calls.remove(call);
                let message = Message { what, delayed: false, name: 0 };
                self.begin(&mut state, Kind::Call, order, message, 0, false);
            }
            Action::Look(order, decision) => self.look(&mut state, order, decision),
            Action::Sweep(order) => self.sweep(&mut state, order),
            Action::Put(i) => self.put(&mut state, i),
            Action::Land(i) => self.land(&mut state, i),
            Action::WriteFails(i, stands) => self.fail(&mut state, i, stands),
            Action::Send(i, outcome) => self.send(&mut state, i, outcome),
            Action::Judge(i) => self.judge(&mut state, i),
            Action::TimeOut(i) => {
                let mut invocation = state.running.remove(i);
                if let Turn::Send { attempt, .. } = invocation.turn {
                    let cause = Cause::Settled(attempt.number, Meaning::Lost);
                    self.decide(&mut state, &mut invocation, cause);
                }
                go_on(&mut state, invocation);
            }
            Action::Ask(i, shown) => {
                let mut invocation = state.running.remove(i);
                let asked = invocation.clock();
                self.decide(&mut state, &mut invocation, Cause::LookedUp(asked, shown));
                go_on(&mut state, invocation);
            }
            Action::End(i) => {
                let invocation = state.running.remove(i);
                if invocation.turn == Turn::FollowUp(true) {
                    put_back(&mut state, &invocation);
                }
            }
            Action::Crash(i) => {
                let invocation = state.running.remove(i);
                if invocation.kind == Kind::Message {
                    put_back(&mut state, &invocation);
                }
            }
        }
        renumber(&mut state);
        state.running.sort_unstable();
        state
    }

    /// One turn of the dispatcher: asks the protocol, then writes or does what it says.
    pub(crate) fn decide(&self, state: &mut State, invocation: &mut Invocation, cause: Cause) {
        let event = self.event(invocation, cause);
        let now = invocation.clock();
        let ignored = self.lacks(Mutant::ConsentOutlivesSettings);
        let recovery =
            if self.holds(invocation) && !ignored { Recovery::Hold } else { self.policy.recovery };
        let policy = Policy { recovery, ..self.policy.clone() };
        let Step { next, then } = mutated(self.mutant, invocation.delivery(), &event, &policy, now);
        let writes = next.is_some();
        let act = match then {
            Then::Send(attempt) => Act::Send(Attempt { at: long_ago(), ..attempt }),
            Then::LookUp => Act::Ask,
            Then::Wait(until) if writes && until <= now && cause == Cause::Arrival => Act::Again,
            Then::Wait(_) => Act::FollowUp(writes || self.waits_on(invocation)),
            Then::Conflict | Then::Superseded | Then::ModeChanged => Act::Conflict,
            Then::Rest => Act::FollowUp(false),
        };
        let act = match cause {
            // The person brings the order once the decision is written.
            Cause::Decided(_, _, Decision::PermitSending) if writes => Act::FollowUp(true),
            Cause::Swept => Act::FollowUp(false),
            _ => act,
        };
        let Some(next) = next else {
            let word = self.word(invocation.message.what);
            let order = &mut state.orders[usize::from(invocation.order)];
            if cause == Cause::Arrival {
                order.ghost.heard(word, invocation.message.delayed);
            }
            order.ghost.heard_back(cause);
            invocation.turn = self.acting(state, invocation, act);
            return;
        };
        if matches!(act, Act::Send(_)) {
            let order = &mut state.orders[usize::from(invocation.order)];
            order.ghost.decided_to_send(invocation.delivery());
        }
        let next = Shared::new(essence(next));
        invocation.turn = if !self.puts_first(invocation, &next, cause, act) {
            Turn::Write { cause, next: Some(next), name: 0, act }
        } else if self.lacks(Mutant::WrittenBeforePut) {
            let name = later_name(state, usize::from(invocation.order));
            Turn::Write { cause, next: Some(next), name, act }
        } else {
            Turn::Put { cause, next, act }
        };
    }

    /// The turn in which it acts, where nothing is left to write.
    fn acting(&self, state: &mut State, invocation: &Invocation, act: Act) -> Turn {
        match act {
            Act::Ask => Turn::Ask,
            Act::FollowUp(waits) => {
                let order = &mut state.orders[usize::from(invocation.order)];
                let word = self.word(invocation.message.what);
                match invocation.kind {
                    Kind::Message | Kind::Call if waits => order.ghost.knew(word),
                    Kind::Message | Kind::Call => order.ghost.took(word),
                    Kind::Person | Kind::Sweep => {}
                }
                Turn::FollowUp(waits)
            }
            Act::Conflict => Turn::FollowUp(false),
            Act::Send(_) | Act::Again => {
                unreachable!("the protocol neither sends nor goes on without a write")
            }
        }
    }

    /// Whether a waiting arrival has to be put back: it may be surplus beside another message.
    fn waits_on(&self, invocation: &Invocation) -> bool {
        use postback_core::delivery::State::Sending;
        let Some(held) = &invocation.held else { return true };
        let is_held = self.version_of(invocation) == held.delivery.order_updated_at;
        let is_later = held.named > invocation.message.name;
        let is_other = held.named != 0 && held.named != invocation.message.name;
        let is_named = is_later || (is_other && self.lacks(Mutant::EarlierNameBelieved));
        let may_be_surplus = is_held || self.lacks(Mutant::LaterVersionTakenForSurplus);
        held.delivery.state == Sending || !may_be_surplus || !is_named
    }

    /// Returns whether the settings that it has read send nothing again after a lost answer.
    fn holds(&self, invocation: &Invocation) -> bool {
        self.script.holds_from.is_some_and(|from| from <= invocation.settings)
    }

    fn version_of(&self, invocation: &Invocation) -> Option<Timestamp> {
        updated_at(self.word(invocation.message.what).version())
    }

    /// Returns whether a message is put on the queue before the write.
    fn puts_first(&self, invocation: &Invocation, next: &Delivery, cause: Cause, act: Act) -> bool {
        let held = invocation.delivery();
        let is_later = next.order_updated_at > held.and_then(|held| held.order_updated_at);
        let is_replaced = invocation.kind == Kind::Call && (is_later || begins_to_wait(held, next));
        match act {
            // A person brings the order after the decision.
            Act::FollowUp(true) if matches!(cause, Cause::Decided(..)) => false,
            Act::FollowUp(true) if self.version_of(invocation) == next.order_updated_at => true,
            // A later version is on its queue before it replaces the record, or is noted as waiting.
            _ => is_replaced && matches!(self.word(invocation.message.what), Word::Complete { .. }),
        }
    }

    fn put(&self, state: &mut State, i: usize) {
        let mut invocation = state.running.remove(i);
        let Turn::Put { cause, next, act } = invocation.turn.clone() else {
            unreachable!("only a message that waits is put")
        };
        let name =
            later_name(state, usize::from(invocation.order)).max(invocation.message.name + 1);
        let message = Message { delayed: true, name, ..invocation.message };
        add(&mut state.orders[usize::from(invocation.order)], message);
        invocation.turn = Turn::Write { cause, next: Some(next), name, act };
        if !invocation.current && !self.lacks(Mutant::FenceDropped) {
            refuse(&mut invocation);
        }
        go_on(state, invocation);
    }

    fn land(&self, state: &mut State, i: usize) {
        let mut invocation = state.running.remove(i);
        let Turn::Write { cause, next, name, act } = invocation.turn.clone() else {
            unreachable!("only a write lands")
        };
        let unwritten = self.lacks(Mutant::IntentDropped) && matches!(act, Act::Send(_));
        let order = usize::from(invocation.order);
        match next {
            Some(next) if unwritten => {
                invocation.held = Some(Entry { delivery: next, named: 0 });
            }
            Some(next) if invocation.current || self.lacks(Mutant::FenceDropped) => {
                self.write(state, &mut invocation, cause, &next, name, act);
            }
            _ => {
                invocation.held.clone_from(&state.orders[order].ledger);
                invocation.current = true;
                self.decide(state, &mut invocation, cause);
                go_on(state, invocation);
                return;
            }
        }
        let now = invocation.clock();
        match act {
            Act::Again => self.decide(state, &mut invocation, Cause::Arrival),
            // It dies before it puts the message that the record names.
            Act::FollowUp(true) if name != 0 && self.lacks(Mutant::WrittenBeforePut) => {
                put_back(state, &invocation);
                return;
            }
            // A message that is named, or one that a person brings, is on the queue already.
            Act::FollowUp(true) if name != 0 => {
                let word = self.word(invocation.message.what);
                state.orders[order].ghost.knew(word);
                invocation.turn = Turn::FollowUp(false);
            }
            Act::Send(attempt) => {
                let in_time = now + self.policy.need <= invocation.deadline;
                if in_time || self.lacks(Mutant::DeadlineNotChecked) {
                    let until = match self.host {
                        Host::KillsAtTheDeadline => invocation.deadline,
                        Host::LetsItRun => now + self.policy.need,
                    };
                    invocation.turn = Turn::Send { attempt, until };
                } else {
                    let cause = Cause::Settled(attempt.number, Meaning::NotSent);
                    self.decide(state, &mut invocation, cause);
                }
            }
            act => invocation.turn = self.acting(state, &invocation, act),
        }
        go_on(state, invocation);
    }

    /// The write succeeds.
    fn write(
        &self,
        state: &mut State,
        invocation: &mut Invocation,
        cause: Cause,
        next: &Shared<Delivery>,
        name: u8,
        act: Act,
    ) {
        let order = &mut state.orders[usize::from(invocation.order)];
        let before = order.ledger.take();
        let word = self.word(invocation.message.what);
        let delayed = invocation.message.delayed;
        let held = before.as_ref().map(|held| &*held.delivery);
        order.note(held, next, cause, act, word, delayed);
        order.ghost.permission = self.permission(&order.ghost, next, cause);
        if matches!(cause, Cause::Decided(_, _, Decision::PermitSending)) {
            let is_seen = |content| held.is_some_and(|held| held.facts == *facts(content));
            order.ghost.permitted_implausible |= self.script.implausible.is_some_and(is_seen);
        }
        let is_sent = matches!(act, Act::Send(_)) && self.script.is_implausible(word);
        order.ghost.sent_implausible |= is_sent && !order.ghost.permitted_implausible;
        let is_resent = matches!(act, Act::Send(_)) && held.is_some_and(is_doubted_unpermitted);
        order.ghost.sent_withheld |= is_resent && self.holds(invocation);
        // The use of the click is written beside the claim; nothing is sent before both answers.
        order.used |= matches!(act, Act::Send(_)) && !self.lacks(Mutant::ClickUseNotKept);
        let named = match (act, cause) {
            // A later version that waits has a message of its own.
            _ if begins_to_wait(held, next) => before.as_ref().map_or(0, |before| before.named),
            (Act::FollowUp(true), _) => name,
            // It changes nothing: the message that waits stays the one that is named.
            (_, Cause::Decided(_, _, Decision::Acknowledge)) => {
                before.as_ref().map_or(0, |before| before.named)
            }
            _ => 0,
        };
        let entry = Entry { delivery: next.clone(), named };
        order.ledger = Some(entry.clone());
        self.outdate(state, invocation.order);
        invocation.held = Some(entry);
        invocation.current = true;
    }

    /// The time that the permission holds after a write, where it lapses at all.
    fn permission(&self, ghost: &Ghost, next: &Delivery, cause: Cause) -> Option<Ticks> {
        match cause {
            _ if next.permission.is_none() => None,
            Cause::Decided(_, _, Decision::PermitSending) => self.lapse,
            _ => ghost.permission,
        }
    }

    /// The write of an outcome fails for the writer; it may stand all the same.
    fn fail(&self, state: &mut State, i: usize, stands: bool) {
        let mut invocation = state.running.remove(i);
        if let Turn::Write { cause, next: Some(next), name, act } = invocation.turn.clone()
            && stands
            && invocation.current
        {
            self.write(state, &mut invocation, cause, &next, name, act);
        }
        invocation.turn = Turn::FollowUp(true);
        go_on(state, invocation);
    }

    /// The ledger has been written: what others believe of it is old.
    fn outdate(&self, state: &mut State, order: u8) {
        for other in state.running.iter_mut().filter(|other| other.order == order) {
            other.current = false;
            if !self.lacks(Mutant::FenceDropped) && !self.lacks(Mutant::IntentDropped) {
                refuse(other);
            }
        }
    }
}

fn is_doubted_unpermitted(held: &Delivery) -> bool {
    held.in_doubt() && held.permission.is_none()
}

/// Returns whether a later version is noted as one that waits.
fn begins_to_wait(held: Option<&Delivery>, next: &Delivery) -> bool {
    held.and_then(|held| held.waiting_version) < next.waiting_version
}

/// A write that is certain to be refused: fewer states differ.
fn refuse(invocation: &mut Invocation) {
    if let Turn::Write { next, name, act, .. } = &mut invocation.turn {
        *next = None;
        *name = 0;
        *act = Act::Again;
        invocation.held = None;
    }
}

/// The names that messages, the record and everybody at work have for this order.
fn names(state: &mut State, number: usize) -> Vec<&mut u8> {
    let order = &mut state.orders[number];
    let mut names: Vec<&mut u8> = order.queue.iter_mut().map(|message| &mut message.name).collect();
    if let Some(held) = order.ledger.as_mut() {
        names.push(&mut held.named);
    }
    for run in state.running.iter_mut().filter(|run| usize::from(run.order) == number) {
        names.push(&mut run.message.name);
        if let Some(held) = run.held.as_mut() {
            names.push(&mut held.named);
        }
        if let Turn::Write { name, .. } = &mut run.turn {
            names.push(name);
        }
    }
    names
}

/// A later name than all there are.
fn later_name(state: &mut State, number: usize) -> u8 {
    names(state, number).into_iter().map(|name| *name).max().unwrap_or(0) + 1
}

/// Numbers the names anew: only their order counts.
fn renumber(state: &mut State) {
    for number in 0..state.orders.len() {
        let mut used: Vec<u8> = names(state, number).into_iter().map(|name| *name).collect();
        used.push(0);
        used.sort_unstable();
        used.dedup();
        if used.iter().enumerate().all(|(rank, name)| rank == usize::from(*name)) {
            continue;
        }
        for name in names(state, number) {
            let rank = used.iter().position(|used| used == name).unwrap_or(0);
            *name = u8::try_from(rank).unwrap_or(u8::MAX);
        }
        state.orders[number].queue.sort_unstable();
    }
}

/// A message is put on the queue, which is a promise to carry the order on.
fn add(order: &mut Order, message: Message) {
    // One that is delivered may stay on the queue: two that are alike are like one.
    if !order.queue.contains(&message) {
        order.queue.push(message);
        order.queue.sort_unstable();
    }
    order.ghost.promised = true;
}

/// The message in hand, or the order that a caller or a person brings.
fn put_back(state: &mut State, invocation: &Invocation) {
    let delayed = invocation.kind != Kind::Person;
    let message = Message { delayed, ..invocation.message };
    add(&mut state.orders[usize::from(invocation.order)], message);
}

/// The invocation goes on, unless all that is left of it is to end. A direct call or a person may
/// be gone before they bring the order; a message that comes again is nothing new.
pub(crate) fn go_on(state: &mut State, invocation: Invocation) {
    match (&invocation.turn, invocation.kind) {
        (Turn::FollowUp(false), _) => {}
        (Turn::FollowUp(true), Kind::Message) => put_back(state, &invocation),
        _ => state.running.push(invocation),
    }
}

/// One tick.
fn pass(state: &mut State) {
    let aged = |held: &mut Option<Entry>| {
        if let Some(entry) = held {
            let delivery = aged(&entry.delivery);
            if delivery != *entry.delivery {
                entry.delivery = Shared::new(delivery);
            }
        }
    };
    for order in &mut state.orders {
        aged(&mut order.ledger);
        order.hidden = order.hidden.saturating_sub(1);
        order.ghost.permission = order.ghost.permission.map(|left| left.saturating_sub(1));
    }
    for invocation in &mut state.running {
        aged(&mut invocation.held);
        invocation.deadline = older(invocation.deadline);
        invocation.paused = invocation.paused.map(older);
        match &mut invocation.turn {
            Turn::Put { next, .. } => *next = Shared::new(self::aged(next)),
            Turn::Write { cause, next, .. } => {
                if let Some(next) = next {
                    *next = Shared::new(self::aged(next));
                }
                if let Cause::LookedUp(asked, _) = cause {
                    *asked = older(*asked);
                }
            }
            Turn::Send { until, .. } => *until = older(*until),
            Turn::Judge(_) | Turn::Ask | Turn::FollowUp(_) => {}
        }
    }
}

/// The delivery one tick later.
fn aged(delivery: &Delivery) -> Delivery {
    let mut next = delivery.clone();
    next.claim_expires_at = older(next.claim_expires_at);
    next.not_before = older(next.not_before);
    next.throttled_until = still_ahead(next.throttled_until.map(older));
    if let Some(doubt) = &mut next.doubt {
        doubt.absent_at = doubt.absent_at.map(older);
    }
    if let Some(permission) = &mut next.permission {
        permission.until = older(permission.until);
    }
    next
}

/// An instant that is not over by any clock.
fn still_ahead(instant: Option<Timestamp>) -> Option<Timestamp> {
    instant.filter(|instant| *instant > NOW)
}

/// A delivery without what the protocol never reads, so that fewer states differ.
fn essence(mut delivery: Delivery) -> Delivery {
    let settled = delivery.state.is_final();
    let sending = delivery.state == postback_core::delivery::State::Sending;
    delivery.first_seen_at = long_ago();
    delivery.reason = delivery.reason.filter(|reason| {
        matches!(
            reason.as_str(),
            "not_plannable" | "settings_changed" | "no_offer" | "no_click" | "implausible"
        )
    });
    delivery.claim_expires_at = if sending { delivery.claim_expires_at } else { long_ago() };
    delivery.throttled_until = still_ahead(delivery.throttled_until);
    let waits_for_a_person = delivery.not_before > far_away();
    delivery.not_before = match delivery.not_before {
        _ if settled => long_ago(),
        _ if waits_for_a_person => far_away(),
        not_before => not_before.max(long_ago()),
    };
    for doubt in [
        delivery.doubt.as_mut(),
        delivery.undecided.as_mut().and_then(|undecided| undecided.doubt.as_mut()),
    ]
    .into_iter()
    .flatten()
    {
        doubt.since = long_ago();
    }
    if let Some(cancelled) = &mut delivery.cancelled {
        cancelled.at = long_ago();
    }
    if let Some(permission) = &mut delivery.permission {
        permission.until = permission.until.min(far_away());
    }
    delivery
}
