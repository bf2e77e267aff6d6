//! What the networks hold against what the ledger says.

use std::{collections::BTreeMap, fmt};

use postback_core::delivery::{Record, State};
use postback_sandbox::Effect;

use crate::{
    Ends, Line, Scenario,
    network_case::{VARIANTS, order},
    scenario::Part,
};

/// The sum of a play that has been closed.
#[derive(Clone, Debug, Default)]
pub struct Census {
    /// How many orders.
    pub orders: u64,
    /// How many deliveries: orders times networks, lines counted one by one.
    pub deliveries: u64,
    /// How many attempts the ledger knows of.
    pub attempts: u64,
    /// How many effects the networks hold.
    pub effects: u64,
    /// What is wrong.
    pub faults: Vec<(Fault, String)>,
    /// What waits for a person: by network and reason.
    pub unresolved: BTreeMap<String, u64>,
}

/// What can be wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The network holds it more than once and nobody asked for that.
    Duplicate,
    /// There is no effect and nothing that says so, or nobody will ever come back to it.
    Lost,
    /// The ledger says something else than what is, or than it said before.
    Untrue,
}

impl Census {
    /// Takes the census of a play that has been closed.
    pub async fn of(play: &Scenario) -> Self {
        let mut census = Self::default();
        for violation in play.stage.sandbox.violations() {
            census.faults.push((Fault::Untrue, format!("{violation:?}")));
        }
        for (id, variants) in &play.orders {
            census.orders += 1;
            for (number, part) in play.parts.iter().enumerate() {
                let held = play.stage.sandbox.held(part.at(), &part.key(id));
                for line in part.lines() {
                    let record = part.record(id, line.name.as_deref()).await;
                    let effects: Vec<_> = held
                        .iter()
                        .filter(|effect| line.amount.is_none() || effect.amount == line.amount)
                        .collect();
                    let told = play.told.iter().filter(|(by, of, _)| *by == number && of == id);
                    let told: Vec<_> = told.map(|(_, _, state)| *state).collect();
                    let came = play.came.contains(&(number, id.clone()));
                    let part = &**part;
                    let delivery = Delivery { id, variants, came, part, line, effects, told };
                    census.add(&delivery, record.as_ref());
                }
            }
        }
        census
    }

    /// How many deliveries have this fault.
    #[must_use]
    pub fn count(&self, fault: Fault) -> usize {
        self.faults.iter().filter(|(known, _)| *known == fault).count()
    }

    /// Adds another one.
    pub fn join(&mut self, other: Self) {
        self.orders += other.orders;
        self.deliveries += other.deliveries;
        self.attempts += other.attempts;
        self.effects += other.effects;
        self.faults.extend(other.faults);
        for (reason, count) in other.unresolved {
            *self.unresolved.entry(reason).or_default() += count;
        }
    }

    fn add(&mut self, delivery: &Delivery<'_>, record: Option<&Record>) {
        let effects = delivery.effects.len();
        self.effects += effects as u64;
        let Some(record) = record else {
            if effects > 0 || delivery.came {
                self.faults.push((Fault::Lost, format!("{delivery}: not in the ledger")));
            }
            return;
        };
        self.deliveries += 1;
        self.attempts += u64::from(record.protocol.attempt);
        if let Some((fault, what)) = delivery.fault(record) {
            let story = serde_json::to_string(record).unwrap_or_default();
            self.faults.push((fault, format!("{delivery}: {what}: {story}")));
        }
        let protocol = &record.protocol;
        if matches!(protocol.state, State::Unconfirmed | State::Parked) {
            let reason = protocol.reason.as_ref().map_or("none", |reason| reason.as_str());
            *self.unresolved.entry(format!("{} {reason}", delivery.part.name())).or_default() += 1;
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
            self.count(Fault::Duplicate),
            self.count(Fault::Lost) + self.count(Fault::Untrue),
            self.unresolved.values().sum::<u64>(),
        )?;
        let reasons = self.unresolved.iter().map(|(reason, count)| format!("{reason}: {count}"));
        let reasons: Vec<_> = reasons.collect();
        if reasons.is_empty() { Ok(()) } else { write!(f, " ({})", reasons.join(", ")) }
    }
}

/// One delivery with all that is known of it outside the ledger.
struct Delivery<'a> {
    id: &'a str,
    variants: &'a [u8],
    came: bool,
    part: &'a dyn Part,
    line: Line,
    effects: Vec<&'a Effect>,
    told: Vec<State>,
}

impl fmt::Display for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.name.as_deref().unwrap_or("-");
        let count = self.effects.len();
        write!(f, "{} {} line {line}, {count} effects", self.id, self.part.name())
    }
}

impl Delivery<'_> {
    fn fault(&self, record: &Record) -> Option<(Fault, &'static str)> {
        let protocol = &record.protocol;
        let count = self.effects.len();
        let most = match self.part.ends() {
            Ends::Delivered | Ends::Held => 1,
            Ends::Consented => protocol.attempt as usize,
        };
        let held = protocol.state == State::Unconfirmed && self.part.ends() == Ends::Held;
        match protocol.state {
            _ if count > most => Some((Fault::Duplicate, "told twice")),
            State::Delivered | State::Accepted if count == 0 => {
                Some((Fault::Lost, "said to be there"))
            }
            State::Skipped | State::Rejected if count > 0 => {
                Some((Fault::Untrue, "said not to be there"))
            }
            State::Delivered | State::Accepted | State::Skipped | State::Rejected => None,
            State::Unconfirmed if held => None,
            _ => Some((Fault::Lost, "nobody comes back to it")),
        }
        .or_else(|| self.untruth(record))
    }

    /// What the callers were told has to last, and what the network was told is the content that
    /// the ledger holds.
    fn untruth(&self, record: &Record) -> Option<(Fault, &'static str)> {
        let state = record.protocol.state;
        if self.line.name.is_none() && self.told.iter().any(|told| *told != state) {
            return Some((Fault::Untrue, "callers were told another final state"));
        }
        let known = (0..VARIANTS).find(|variant| {
            let contents = self.part.contents(&order(self.id, *variant));
            contents.contains(&record.protocol.content)
        });
        let Some(variant) = known.filter(|variant| self.variants.contains(variant)) else {
            return Some((Fault::Untrue, "a content that never came"));
        };
        let total = format!("3{variant}");
        let is_other = |amount: &String| amount.trim_end_matches(".00") != total;
        let others = self.effects.iter().filter_map(|effect| effect.amount.as_ref());
        if self.line.amount.is_none() && others.into_iter().any(is_other) {
            return Some((Fault::Untrue, "told with another content"));
        }
        None
    }
}
