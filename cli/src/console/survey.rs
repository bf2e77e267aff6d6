//! The whole ledger in numbers: traffic of each network, money by month, decisions.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, MoneyStanding, Record, State},
};
use serde::Serialize;

use crate::{
    list::Sum,
    money::{self, Months},
};

/// The number of decisions that are kept: the latest.
const DECISIONS: usize = 500;

/// The hours of a plot.
pub(super) const HOURS: usize = 24;

/// The most attempts whose times are kept for a network.
const TIMES: usize = 50_000;

#[derive(Clone, Default)]
pub(super) struct Survey {
    pub(super) networks: BTreeMap<String, Traffic>,
    pub(super) money: Months,
    /// The latest first.
    pub(super) decisions: Vec<Decided>,
}

/// The last day of a network.
#[derive(Clone, Default)]
pub(super) struct Traffic {
    /// The deliveries first seen in each of the last hours, the latest last.
    pub(super) arrived: [usize; HOURS],
    /// The attempts that ended in each of them: those after which the network has the order, and the
    /// others.
    pub(super) ended: [(usize, usize); HOURS],
    /// The times of attempts that ended in the last hour, in milliseconds.
    times: Vec<u32>,
    /// The deliveries whose state was reached in the last day, by state and reason.
    pub(super) results: BTreeMap<(State, Option<String>), Sum>,
    pub(super) open: Sum,
    pub(super) in_doubt: Sum,
    /// The network has it, and has not validated it so far.
    pub(super) unvalidated: Sum,
}

/// A person's decision.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Decided {
    pub(super) at: Timestamp,
    pub(super) order_id: String,
    pub(super) delivery: String,
    pub(super) decision: Decision,
    pub(super) attempt: u32,
    pub(super) by: String,
    pub(super) why: String,
    /// The digest of the report that it rests on.
    pub(super) evidence: Option<String>,
}

impl Survey {
    pub(super) fn add(&mut self, record: &Record, now: Timestamp) {
        let network = record.network();
        if !self.networks.contains_key(network) {
            self.networks.insert(network.to_owned(), Traffic::default());
        }
        if let Some(traffic) = self.networks.get_mut(network) {
            if !record.is_validation() {
                traffic.add(record, now);
            }
            if let Some((MoneyStanding::Pending, amount, currency)) = record.validated_money() {
                traffic.unvalidated.add(Some((amount.to_string(), currency)));
            }
        }
        money::add(&mut self.money, record);
        for taken in record.decisions.entries() {
            self.decisions.push(Decided {
                at: taken.at,
                order_id: record.order_id.clone(),
                delivery: record.delivery.clone(),
                decision: taken.decision,
                attempt: taken.attempt,
                by: taken.by.as_str().to_owned(),
                why: taken.why.as_str().to_owned(),
                evidence: taken.evidence.clone(),
            });
        }
        if self.decisions.len() > 2 * DECISIONS {
            self.sort();
        }
    }

    /// The latest decisions first.
    pub(super) fn sort(&mut self) {
        self.decisions.sort_by_key(|decided| Reverse(decided.at));
        self.decisions.truncate(DECISIONS);
    }
}

/// The hour of the last ones in which it was, the latest last.
fn hour(at: Timestamp, now: Timestamp) -> Option<usize> {
    let ago = usize::try_from(now.since(at).as_secs() / 3_600).ok()?;
    (ago < HOURS).then(|| HOURS - 1 - ago)
}

impl Traffic {
    fn add(&mut self, record: &Record, now: Timestamp) {
        let protocol = &record.protocol;
        if let Some(hour) = hour(protocol.first_seen_at, now) {
            self.arrived[hour] += 1;
        }
        for attempt in record.attempts.entries() {
            let Some(ended_at) = attempt.ended_at else { continue };
            let Some(hour) = hour(ended_at, now) else { continue };
            let (passed, failed) = &mut self.ended[hour];
            let has_passed = attempt.state.is_some_and(State::is_success);
            *if has_passed { passed } else { failed } += 1;
            if hour == HOURS - 1 && self.times.len() < TIMES {
                let took: Duration = ended_at.since(attempt.started_at);
                self.times.push(u32::try_from(took.as_millis()).unwrap_or(u32::MAX));
            }
        }
        if hour(record.state_at, now).is_some() {
            let reason = protocol.reason.as_ref().map(ToString::to_string);
            self.results.entry((protocol.state, reason)).or_default().add(record.money());
        }
        if !protocol.state.is_final() {
            self.open.add(record.money());
        }
        if protocol.in_doubt() {
            self.in_doubt.add(record.money());
        }
    }

    /// The time in milliseconds that `percent` of the attempts of the last hour did not exceed.
    pub(super) fn time_of(&self, percent: usize) -> Option<u32> {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(at).copied()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;
    use crate::fixtures::{paid, validation};

    #[test]
    fn the_time_of_attempts_is_of_the_last_hour() {
        let mut record = paid("net", "delivered", "10.5", "EUR");
        let attempt = |number: u32, begin: &str, end: &str| json!({ "number": number, "started_at": begin, "ended_at": end, "state": "delivered" });
        let attempts = json!({ "entries": [
            attempt(1, "2026-11-21T09:00:00Z", "2026-11-21T09:00:09Z"),
            attempt(2, "2026-11-21T10:15:00Z", "2026-11-21T10:15:02Z"),
        ] });
        record.attempts = from_value(attempts).expect("attempts");
        let mut traffic = Traffic::default();

        traffic.add(&record, Timestamp::parse("2026-11-21T10:45:00Z").expect("an instant"));

        assert_eq!(traffic.ended[HOURS - 2..], [(1, 0), (1, 0)]);
        assert_eq!((traffic.time_of(50), traffic.time_of(99)), (Some(2_000), Some(2_000)));
    }

    #[test]
    fn what_waits_for_its_validation_is_counted_by_network() {
        let mut survey = Survey::default();
        survey.add(&validation("retrying", None), Timestamp::EPOCH);
        survey.add(&validation("delivered", Some(("approved", "10.5"))), Timestamp::EPOCH);

        let unvalidated = &survey.networks["net"].unvalidated;
        assert_eq!((unvalidated.count, unvalidated.amount("EUR").as_str()), (1, "10.5"));
    }
}
