//! The network: it processes an attempt or does not, and the meaning of its answer.

use postback_core::delivery::{
    Attempt, Delivery, Key, Note, Others, Record, Recovery, Stamp, judge,
};

use crate::{
    clock::NOW,
    mutant::Mutant,
    script::{Plan, Word},
    state::{Cause, Effect, Invocation, Meaning, Order, Outcome, State, Turn},
    turns::go_on,
    world::World,
};

impl World {
    pub(crate) fn send(&self, state: &mut State, i: usize, outcome: Outcome) {
        let mut invocation = state.running.remove(i);
        let Turn::Send { attempt, .. } = invocation.turn else {
            unreachable!("only a claim sends")
        };
        let meaning = match outcome {
            Outcome::NotSent => Some(Meaning::NotSent),
            Outcome::Answered => self.process(state, &invocation, &attempt),
            Outcome::AnswerLost => {
                self.process(state, &invocation, &attempt);
                Some(Meaning::Lost)
            }
            Outcome::RequestLost => Some(Meaning::Lost),
            Outcome::NotNow => Some(Meaning::NotNow),
            Outcome::WrongSetting => {
                state.wrong_settings -= 1;
                Some(Meaning::WrongSetting)
            }
            Outcome::Refused => Some(Meaning::Refused),
            Outcome::Nothing => Some(Meaning::Nothing),
        };
        match meaning {
            Some(meaning) => {
                self.decide(state, &mut invocation, Cause::Settled(attempt.number, meaning));
            }
            None => invocation.turn = Turn::Judge(attempt),
        }
        go_on(state, invocation);
    }

    /// The network takes the request. The meaning of its answer to us; `None` when a "duplicate"
    /// has to be judged.
    fn process(
        &self,
        state: &mut State,
        invocation: &Invocation,
        attempt: &Attempt,
    ) -> Option<Meaning> {
        // Orders of one click have one key.
        let scope = self.scope_of(invocation);
        let is_known = state.orders.iter().any(|order| order.is_shown(scope));
        if state.elsewhere || (self.deduplicates() && is_known) {
            return self.duplicate(attempt);
        }
        let Word::Complete { content, .. } = self.word(invocation.message.what) else {
            unreachable!("a cancellation is not sent")
        };
        let order = &mut state.orders[usize::from(invocation.order)];
        // Elsewhere nobody asks.
        if order.effects.is_empty() && self.policy.recovery == Recovery::LookUp {
            order.hidden = self.lag;
        }
        order.effects.push(Effect { content, scope });
        order.effects.sort_unstable();
        Some(Meaning::Success)
    }

    /// The scope of the settings that an invocation has read: also where they build no report.
    pub(crate) fn scope_of(&self, invocation: &Invocation) -> &'static str {
        match self.script.settings[usize::from(invocation.settings)] {
            Plan::Send(scope) => scope,
            Plan::Skip | Plan::Reject => "a",
        }
    }

    /// The meaning of a "duplicate", as the networks' crates read it.
    fn duplicate(&self, attempt: &Attempt) -> Option<Meaning> {
        let is_believed = attempt.in_doubt && self.lacks(Mutant::DuplicateOursFromDoubt);
        match self.policy.recovery {
            _ if self.lacks(Mutant::DuplicateAlwaysOurs) || is_believed => {
                Some(Meaning::OurDuplicate)
            }
            Recovery::SendAgain => None,
            // Whose it is can be asked.
            Recovery::LookUp => Some(Meaning::DuplicateOfWhom),
            Recovery::SendOnceMore | Recovery::Hold if attempt.in_doubt => Some(Meaning::Held),
            Recovery::SendOnceMore | Recovery::Hold => Some(Meaning::DuplicateElsewhere),
        }
    }

    /// Reads the other orders' records and judges a "duplicate".
    pub(crate) fn judge(&self, state: &mut State, i: usize) {
        let mut invocation = state.running.remove(i);
        let Turn::Judge(attempt) = invocation.turn else {
            unreachable!("only a duplicate is judged")
        };
        let own = usize::from(invocation.order);
        let others = state.orders.iter().enumerate().filter(|(number, _)| *number != own);
        let used = others.filter(|(_, order)| order.used);
        let records = used.map(|(number, order)| (number.to_string(), record(order))).collect();
        let claim = invocation.delivery().and_then(|held| held.claim.as_ref());
        let scope = claim.map_or("", |claim| &claim.scope);
        let judgement = judge(attempt.in_doubt, scope, &Others { records, many: false });
        let meaning = Meaning::of(&judgement.verdict);
        self.decide(state, &mut invocation, Cause::Settled(attempt.number, meaning));
        go_on(state, invocation);
    }
}

impl Order {
    /// Returns whether the network holds a conversion of it in this scope.
    pub(crate) fn is_shown(&self, scope: &str) -> bool {
        self.effects.iter().any(|effect| effect.scope == scope)
    }
}

/// The record of an order, with nothing but the protocol's part.
pub(crate) fn record(order: &Order) -> Option<Record> {
    let delivery: &Delivery = &order.ledger.as_ref()?.delivery;
    let key = Key::known("order".to_owned(), "network", None);
    let stamp = Stamp { now: NOW, write_id: 0 };
    Some(Record::after(None, &key, delivery.clone(), Note::default(), stamp))
}
