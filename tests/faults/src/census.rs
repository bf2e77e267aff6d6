//! A comparison of what the networks hold with what the ledger says.

use std::collections::{BTreeMap, BTreeSet};

use postback_core::delivery::{Record, State};
use postback_harness::{RecordingBus, publish_to};
use serde_json::Value;

use crate::Scenario;

mod delivery;
mod display;

use delivery::Delivery;

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
    /// The number of deliveries by state.
    pub states: BTreeMap<State, u64>,
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
    /// The ledger says that it was reported, and the network holds nothing of it.
    FalselyDelivered,
    /// It was reported although the ledger knew that it was cancelled.
    ReportedAfterCancellation,
    /// The ledger contradicts the network, or what it said before.
    Untrue,
    /// Its state is not on the bus.
    Unpublished,
}

/// The events on the bus, once the ledger's stream is read: detail type, order, network and line.
async fn published(scenario: &Scenario) -> BTreeSet<[String; 4]> {
    let bus = RecordingBus::default();
    publish_to(&bus, &scenario.bed.table.stream()).await.expect("published");
    let text = |detail: &Value, name: &str| detail[name].as_str().unwrap_or_default().to_owned();
    let events = bus.events();
    let event = |(kind, detail): &(String, Value)| {
        let [order_id, network, line] =
            ["order_id", "network", "line"].map(|name| text(detail, name));
        [kind.clone(), order_id, network, line]
    };
    events.iter().map(event).collect()
}

/// Returns whether the state of a delivery is on the bus, where it is announced.
fn is_published(record: &Record, published: &BTreeSet<[String; 4]>) -> bool {
    let state = record.protocol.state;
    let line = record.line().unwrap_or_default();
    let of = [record.order_id.as_str(), record.network(), line].map(str::to_owned);
    let [order_id, network, line] = of;
    let event = [format!("postback.{}", state.as_str()), order_id, network, line];
    !state.is_announced() || published.contains(&event)
}

impl Census {
    /// Counts a scenario that has been closed.
    pub async fn of(scenario: &Scenario) -> Self {
        let mut census = Self::default();
        for violation in scenario.bed.sandbox.violations() {
            census.defects.push((Defect::Untrue, format!("{violation:?}")));
        }
        let published = published(scenario).await;
        for story in &scenario.stories {
            census.orders += 1;
            let id = &story.id;
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
                    let delivery = Delivery {
                        scenario,
                        story,
                        number,
                        function: &**function,
                        line,
                        effects,
                        answered,
                    };
                    census.add(&delivery, record.as_ref());
                    if let Some(record) = record.filter(|record| !is_published(record, &published))
                    {
                        let story = serde_json::to_string(&record).unwrap_or_default();
                        census.defects.push((Defect::Unpublished, story));
                    }
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
        for (state, count) in other.states {
            *self.states.entry(state).or_default() += count;
        }
        self.defects.extend(other.defects);
        for (reason, count) in other.unresolved {
            *self.unresolved.entry(reason).or_default() += count;
        }
    }

    fn add(&mut self, delivery: &Delivery<'_>, record: Option<&Record>) {
        let effects = delivery.effects.len();
        self.effects += effects as u64;
        let Some(record) = record else {
            if effects > 0 || delivery.came() {
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
        *self.states.entry(protocol.state).or_default() += 1;
        if matches!(protocol.state, State::Unconfirmed | State::Parked) {
            let reason = protocol.reason.as_ref().map_or("none", |reason| reason.as_str());
            *self
                .unresolved
                .entry(format!("{} {reason}", delivery.function.name()))
                .or_default() += 1;
        }
    }
}
