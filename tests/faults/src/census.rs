//! A comparison of what the networks hold with what the ledger says.

use std::{collections::BTreeMap, fmt};

use postback_core::delivery::{Record, State};
use postback_sandbox::Effect;

use crate::{
    Ending, Line, Scenario,
    network_case::{VARIANTS, order},
    scenario::NetworkFunction,
};

/// The counts and the defects of a scenario that has been closed.
#[derive(Clone, Debug, Default)]
pub struct Census {
    /// The number of orders.
    pub orders: u64,
    /// The number of deliveries: orders times networks, lines counted one by one.
    pub deliveries: u64,
    /// The number of attempts that the ledger knows of.
    pub attempts: u64,
    /// The number of effects that the networks hold.
    pub effects: u64,
    /// The number of deliveries that were withdrawn.
    pub withdrawn: u64,
    /// The defects, each with its story.
    pub defects: Vec<(Defect, String)>,
    /// The deliveries that wait for a person, by network and reason.
    pub unresolved: BTreeMap<String, u64>,
}

/// A defect of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The network holds it more than once and nobody asked for that.
    Duplicate,
    /// There is no effect and nothing that says so, or nobody will ever come back to it.
    Lost,
    /// The ledger contradicts the network, or what it said before.
    Untrue,
}

impl Census {
    /// Counts a scenario that has been closed.
    pub async fn of(scenario: &Scenario) -> Self {
        let mut census = Self::default();
        for violation in scenario.bed.sandbox.violations() {
            census.defects.push((Defect::Untrue, format!("{violation:?}")));
        }
        for (id, variants) in &scenario.orders {
            census.orders += 1;
            for (number, function) in scenario.functions.iter().enumerate() {
                let held = scenario.bed.sandbox.held(function.at(), &function.key(id));
                for line in function.lines() {
                    let record = function.record(id, line.name.as_deref()).await;
                    let effects: Vec<_> = held
                        .iter()
                        .filter(|effect| line.amount.is_none() || effect.amount == line.amount)
                        .collect();
                    let answered = scenario.answered.iter();
                    let answered = answered.filter(|(by, of, _)| *by == number && of == id);
                    let answered: Vec<_> = answered.map(|(_, _, state)| *state).collect();
                    let came = scenario.came.contains(&(number, id.clone()));
                    let delivery = Delivery {
                        id,
                        variants,
                        came,
                        cancelled: scenario.cancelled.contains(id),
                        function: &**function,
                        line,
                        effects,
                        answered,
                    };
                    census.add(&delivery, record.as_ref());
                }
            }
        }
        census
    }

    /// The number of deliveries with this defect.
    #[must_use]
    pub fn count(&self, defect: Defect) -> usize {
        self.defects.iter().filter(|(known, _)| *known == defect).count()
    }

    /// Adds another census.
    pub fn join(&mut self, other: Self) {
        self.orders += other.orders;
        self.deliveries += other.deliveries;
        self.attempts += other.attempts;
        self.effects += other.effects;
        self.withdrawn += other.withdrawn;
        self.defects.extend(other.defects);
        for (reason, count) in other.unresolved {
            *self.unresolved.entry(reason).or_default() += count;
        }
    }

    fn add(&mut self, delivery: &Delivery<'_>, record: Option<&Record>) {
        let effects = delivery.effects.len();
        self.effects += effects as u64;
        let Some(record) = record else {
            if effects > 0 || delivery.came {
                self.defects.push((Defect::Lost, format!("{delivery}: not in the ledger")));
            }
            return;
        };
        self.deliveries += 1;
        self.attempts += u64::from(record.protocol.attempt);
        if let Some((defect, what)) = delivery.defect(record) {
            let story = serde_json::to_string(record).unwrap_or_default();
            self.defects.push((defect, format!("{delivery}: {what}: {story}")));
        }
        let protocol = &record.protocol;
        self.withdrawn += u64::from(protocol.state == State::Withdrawn);
        if matches!(protocol.state, State::Unconfirmed | State::Parked) {
            let reason = protocol.reason.as_ref().map_or("none", |reason| reason.as_str());
            *self
                .unresolved
                .entry(format!("{} {reason}", delivery.function.name()))
                .or_default() += 1;
        }
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "orders {}, attempts {}, effects {}, duplicates {}, lost {}, unresolved {}",
            self.orders,
            self.attempts,
            self.effects,
            self.count(Defect::Duplicate),
            self.count(Defect::Lost) + self.count(Defect::Untrue),
            self.unresolved.values().sum::<u64>(),
        )?;
        let reasons = self.unresolved.iter().map(|(reason, count)| format!("{reason}: {count}"));
        let reasons: Vec<_> = reasons.collect();
        if reasons.is_empty() { Ok(()) } else { write!(f, " ({})", reasons.join(", ")) }
    }
}

/// One delivery with the facts from outside the ledger.
struct Delivery<'a> {
    id: &'a str,
    variants: &'a [u8],
    came: bool,
    cancelled: bool,
    function: &'a dyn NetworkFunction,
    line: Line,
    effects: Vec<&'a Effect>,
    answered: Vec<State>,
}

impl fmt::Display for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.name.as_deref().unwrap_or("-");
        let count = self.effects.len();
        write!(f, "{} {} line {line}, {count} effects", self.id, self.function.name())
    }
}

impl Delivery<'_> {
    fn defect(&self, record: &Record) -> Option<(Defect, &'static str)> {
        let protocol = &record.protocol;
        let count = self.effects.len();
        let most = match self.function.ending() {
            Ending::Delivered | Ending::Held => 1,
            Ending::Consented => protocol.attempt as usize,
        };
        let held =
            protocol.state == State::Unconfirmed && self.function.ending() != Ending::Delivered;
        match protocol.state {
            _ if count > most => Some((Defect::Duplicate, "reported twice")),
            _ if is_sent_after_cancellation(record) => {
                Some((Defect::Untrue, "reported after its cancellation was known"))
            }
            State::Delivered | State::Accepted if count == 0 => {
                Some((Defect::Lost, "said to be there"))
            }
            State::Skipped | State::Rejected | State::Withdrawn if count > 0 => {
                Some((Defect::Untrue, "said not to be there"))
            }
            state if state.is_final() => None,
            State::Unconfirmed if held || self.cancelled => None,
            State::Parked if self.cancelled && protocol.in_doubt() => None,
            _ => Some((Defect::Lost, "nothing carries it on")),
        }
        .or_else(|| self.untruth(record))
    }

    /// Finds a final state that a caller was answered and that did not last, or a report with other
    /// content than the ledger's.
    fn untruth(&self, record: &Record) -> Option<(Defect, &'static str)> {
        let state = record.protocol.state;
        if state == State::Withdrawn && self.cancelled {
            return None;
        }
        if self.line.name.is_none() && self.answered.iter().any(|answered| *answered != state) {
            return Some((Defect::Untrue, "callers were answered another final state"));
        }
        let known = (0..VARIANTS).find(|variant| {
            let contents = self.function.contents(&order(self.id, *variant));
            contents.contains(&record.protocol.facts)
        });
        let Some(variant) = known.filter(|variant| self.variants.contains(variant)) else {
            return Some((Defect::Untrue, "a content that never came"));
        };
        let total = format!("3{variant}");
        let is_other = |amount: &String| amount.trim_end_matches(".00") != total;
        let others = self.effects.iter().filter_map(|effect| effect.amount.as_ref());
        if self.line.amount.is_none() && others.into_iter().any(is_other) {
            return Some((Defect::Untrue, "reported with another content"));
        }
        None
    }
}

/// Finds an attempt that began after the ledger knew of the cancellation.
fn is_sent_after_cancellation(record: &Record) -> bool {
    let known = record.protocol.cancelled.as_ref().map(|cancelled| cancelled.at);
    known.is_some_and(|known| {
        record.attempts.entries().iter().any(|attempt| attempt.started_at > known)
    })
}
