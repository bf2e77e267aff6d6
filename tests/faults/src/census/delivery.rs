//! One delivery, judged by facts from outside the ledger.

use std::fmt;

use postback_core::{
    delivery::{Record, Recovery, State},
    redaction::Reason,
};
use postback_sandbox::Effect;

use super::Defect;
use crate::{
    Ending, Line, Scenario,
    network_case::VARIANTS,
    scenario::{NetworkFunction, Story, order_of, shares_click},
};

/// One delivery with the facts from outside the ledger.
pub(super) struct Delivery<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) story: &'a Story,
    /// The number of its function.
    pub(super) number: usize,
    pub(super) function: &'a dyn NetworkFunction,
    pub(super) line: Line,
    pub(super) effects: Vec<&'a Effect>,
    pub(super) answered: Vec<State>,
}

impl fmt::Display for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.name.as_deref().unwrap_or("-");
        let count = self.effects.len();
        write!(f, "{} {} line {line}, {count} effects", self.story.id, self.function.name())
    }
}

impl Delivery<'_> {
    /// Returns whether the order came to this function as completed.
    pub(super) fn came(&self) -> bool {
        self.story.variants(self.number).next().is_some()
    }

    /// Finds a defect.
    pub(super) fn defect(&self, record: &Record) -> Option<(Defect, &'static str)> {
        let protocol = &record.protocol;
        let count = self.effects.len();
        let most = match self.function.ending() {
            Ending::Delivered | Ending::Held => 1,
            Ending::Consented => protocol.attempt as usize,
        };
        match protocol.state {
            _ if count > most => Some((Defect::Duplicate, "reported twice")),
            _ if self.is_sent_after_cancellation(record) => {
                let what = "reported after its cancellation was known";
                Some((Defect::ReportedAfterCancellation, what))
            }
            State::Delivered | State::Accepted if count == 0 => {
                Some((Defect::FalselyDelivered, "the network holds nothing of it"))
            }
            State::Skipped | State::Rejected | State::Withdrawn if count > 0 => {
                Some((Defect::Untrue, "said not to be there"))
            }
            State::Withdrawn if !self.story.is_cancelled(self.number) => {
                Some((Defect::Lost, "withdrawn although the shop completed it later"))
            }
            State::Skipped => Some((Defect::Lost, "there is something to report")),
            State::Rejected if !self.is_click_used(record) && !is_refused(record) => {
                Some((Defect::Lost, "rejected although nothing is wrong with it"))
            }
            state if state.is_final() => None,
            State::Unconfirmed | State::Parked if self.waits_for_a_person(record) => None,
            _ => Some((Defect::Lost, "nothing carries it on")),
        }
        .or_else(|| self.untruth(record))
    }

    /// Returns whether the other order of its click was reported, which its refusal says.
    fn is_click_used(&self, record: &Record) -> bool {
        let reason = record.protocol.reason.as_ref().map(Reason::as_str);
        let number = self.story.number;
        let other = if shares_click(number) { number.checked_sub(1) } else { Some(number + 1) };
        let other = other.filter(|other| shares_click(number.max(*other)));
        let is_there = other.is_some_and(|other| {
            let key = self.function.key(&format!("A{other}"));
            !self.scenario.bed.sandbox.held(self.function.at(), &key).is_empty()
        });
        reason == Some("click_used") && is_there
    }

    /// Returns whether only a person can go on with it, and why that is right.
    fn waits_for_a_person(&self, record: &Record) -> bool {
        let protocol = &record.protocol;
        let is_held = protocol.doubt.as_ref().is_some_and(|doubt| doubt.recovery == Recovery::Hold);
        let key = (self.number, self.story.id.clone());
        let is_touched = self.scenario.settings.contains_key(&self.number)
            || self.scenario.decided.contains(&key)
            || shares_click(self.story.number)
            || shares_click(self.story.number + 1);
        let is_cancelled = !self.story.cancellations.is_empty();
        match protocol.state {
            State::Unconfirmed if self.function.ending() != Ending::Delivered => true,
            State::Unconfirmed if is_cancelled || is_refused(record) => true,
            State::Parked if is_cancelled && protocol.in_doubt() => true,
            _ => is_held && is_touched,
        }
    }

    /// Finds a final state that a caller was answered and that did not last, or a report with other
    /// content than the ledger's.
    fn untruth(&self, record: &Record) -> Option<(Defect, &'static str)> {
        let state = record.protocol.state;
        if state == State::Withdrawn {
            return None;
        }
        let is_decided = self.scenario.decided.contains(&(self.number, self.story.id.clone()));
        let mut variants = self.story.variants(self.number);
        let is_one = variants.by_ref().count() == 1 && self.story.cancellations.is_empty();
        let has_changed = |answered: &State| {
            let lasts = answered.is_success() || is_one;
            *answered != state && lasts && !is_decided
        };
        if self.line.name.is_none() && self.answered.iter().any(has_changed) {
            return Some((Defect::Untrue, "callers were answered another final state"));
        }
        let holds = |variant: &u8| {
            let contents = self.function.contents(&order_of(self.story.number, *variant));
            contents.contains(&record.protocol.facts)
        };
        let Some(variant) = self.story.variants(self.number).find(holds) else {
            return Some((Defect::Untrue, "a content that never came"));
        };
        let total = format!("3{}", variant % VARIANTS);
        let is_other = |amount: &String| amount.trim_end_matches(".00") != total;
        let others = self.effects.iter().filter_map(|effect| effect.amount.as_ref());
        if self.line.amount.is_none() && others.into_iter().any(is_other) {
            return Some((Defect::Untrue, "reported with another content"));
        }
        None
    }

    /// Finds an attempt that began after the ledger knew of the cancellation, or a request that the
    /// network got after it.
    fn is_sent_after_cancellation(&self, record: &Record) -> bool {
        let cancelled = record.protocol.cancelled.as_ref();
        let known = cancelled.map(|cancelled| cancelled.at);
        let is_claimed = known.is_some_and(|known| {
            record.attempts.entries().iter().any(|attempt| attempt.started_at > known)
        });
        let key = (self.number, self.story.id.clone());
        let is_decided = self.scenario.decided.contains(&key);
        let requests = self.scenario.requests_when_cancelled.get(&key);
        let is_sent = requests
            .is_some_and(|known| self.scenario.requests(self.number, &self.story.id) > *known);
        (is_claimed && !is_decided) || is_sent
    }
}

/// Returns whether the network refused its last attempt: of one in doubt that says nothing about the
/// attempts before.
fn is_refused(record: &Record) -> bool {
    record.protocol.reason.as_ref().map(Reason::as_str) == Some("http_refused")
}
