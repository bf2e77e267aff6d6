//! The deliveries that a list found: all are counted, the first are kept.

use std::cmp::Ordering;

use postback_core::{
    delivery::{DIGEST_BYTES, Record, State},
    digest::sha256,
};
use rust_decimal::Decimal;
use serde_json::Value;

use super::Totals;
use crate::{
    args::{List, Sort},
    scan::{cursor, token},
};

/// The deliveries found so far.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub(crate) struct Found {
    states: Vec<State>,
    open: bool,
    held: bool,
    claim_back: bool,
    conflicts: bool,
    reason: Option<String>,
    find: Option<Sought>,
    min_amount: Option<Decimal>,
    sort: Option<Sort>,
    limit: usize,
    /// The number of those that were taken to be shown.
    pub(crate) taken: usize,
    /// The first of them; without those that were taken.
    pub(crate) shown: Vec<Record>,
    /// The counts of all.
    pub(crate) totals: Totals,
}

/// A text that somebody looks for.
#[derive(Clone)]
struct Sought {
    text: String,
    /// Its digest: of a click the ledger keeps no more.
    digest: String,
}

impl Sought {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), digest: sha256(text, DIGEST_BYTES) }
    }

    fn is_in(&self, record: &Record) -> bool {
        let has = |value: Value, text: &str| {
            value.as_object().is_some_and(|members| members.values().any(|value| value == text))
        };
        let json = |it: serde_json::Result<Value>| it.unwrap_or_default();
        record.order_id.contains(&self.text)
            || has(json(serde_json::to_value(&record.references)), &self.text)
            || has(json(serde_json::to_value(&record.protocol.facts)), &self.digest)
    }
}

impl Found {
    pub(crate) fn new(wanted: &List) -> Self {
        Self {
            states: wanted.state.clone(),
            open: wanted.open,
            held: wanted.held,
            claim_back: wanted.claim_back,
            conflicts: wanted.conflicts,
            reason: wanted.reason.clone(),
            find: wanted.find.as_deref().map(Sought::new),
            min_amount: wanted.min_amount,
            sort: wanted.sort,
            limit: wanted.most(),
            taken: 0,
            shown: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// Counts the delivery if it matches, and keeps it if it is among the first.
    pub(crate) fn add(&mut self, record: Record) {
        if !self.matches(&record) {
            return;
        }
        self.totals.add(&record, self.claim_back);
        if self.sort.is_none() && self.is_full() {
            return;
        }
        self.shown.push(record);
        // Sorted now and then, so that a million are never held at once.
        if self.shown.len() >= self.limit.saturating_mul(2).saturating_add(1_000) {
            self.finish();
        }
    }

    /// Sorts what is kept, and drops what is not among the first.
    pub(crate) fn finish(&mut self) {
        if let Some(sort) = self.sort {
            self.shown.sort_by(|one, other| compare(sort, one, other));
        }
        self.shown.truncate(self.limit - self.taken);
    }

    /// Returns whether there is no room for more.
    pub(super) fn is_full(&self) -> bool {
        self.taken + self.shown.len() >= self.limit
    }

    /// Those that were found since the last time, to be shown now.
    pub(super) fn take(&mut self) -> Vec<Record> {
        self.finish();
        self.taken += self.shown.len();
        std::mem::take(&mut self.shown)
    }

    /// The number of those that are shown.
    pub(crate) fn count_shown(&self) -> usize {
        self.taken + self.shown.len()
    }

    /// The place to go on, if there are more in the ledger's order than are shown.
    pub(crate) fn next(&self) -> Option<String> {
        let more = self.sort.is_none() && self.totals.count > self.shown.len();
        self.shown.last().filter(|_| more).map(|last| token(&cursor(last)))
    }

    fn matches(&self, record: &Record) -> bool {
        let reason = record.protocol.reason.as_ref().map(ToString::to_string);
        (self.states.is_empty() || self.states.contains(&record.protocol.state))
            && (!self.open || is_open(record))
            && (!self.held || record.is_held() || record.is_validation_for_a_person())
            && (!self.claim_back || record.open_claim_back().is_some())
            && (!self.conflicts || record.has_open_conflict())
            && self.reason.as_ref().is_none_or(|wanted| reason.as_ref() == Some(wanted))
            && self.min_amount.is_none_or(|least| amount(record).is_some_and(|(_, it)| it >= least))
            && self.find.as_ref().is_none_or(|sought| sought.is_in(record))
    }
}

/// Returns whether it is not final and not being sent, or a person has permitted to send it again.
fn is_open(record: &Record) -> bool {
    record.protocol.state.is_waiting() || record.protocol.permission.is_some()
}

/// The sum of money that a delivery is about, behind its currency.
fn amount(record: &Record) -> Option<(&str, Decimal)> {
    let (amount, currency) = record.money()?;
    Some((currency, amount.parse().ok()?))
}

fn compare(sort: Sort, one: &Record, other: &Record) -> Ordering {
    let by = match sort {
        Sort::Age => one.protocol.first_seen_at.cmp(&other.protocol.first_seen_at),
        Sort::Change => other.updated_at.cmp(&one.updated_at),
        Sort::Order => Ordering::Equal,
        Sort::State => {
            let state =
                |record: &Record| (record.protocol.state.as_str(), record.protocol.reason.clone());
            state(one).cmp(&state(other))
        }
        Sort::Amount => match (amount(one), amount(other)) {
            (Some((currency, sum)), Some((other, than))) => {
                currency.cmp(other).then(than.cmp(&sum))
            }
            (one, other) => other.is_some().cmp(&one.is_some()),
        },
    };
    let key = |record: &Record| (record.order_id.clone(), record.delivery.clone());
    by.then_with(|| key(one).cmp(&key(other)))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{
        args::{Arguments, Command, Orders},
        fixtures::{paid, record},
    };

    fn found(options: &[&str], records: Vec<Record>) -> Found {
        let line = ["postback", "orders", "list"].iter().chain(options);
        let arguments = Arguments::try_parse_from(line).expect("arguments");
        let Command::Orders(Orders::List(wanted)) = &arguments.command else {
            panic!("another command");
        };
        let mut found = Found::new(wanted);
        for record in records {
            found.add(record);
        }
        found.finish();
        found
    }

    fn shown(found: &Found) -> Vec<&str> {
        found.shown.iter().map(|record| record.delivery.as_str()).collect()
    }

    #[test]
    fn everything_is_counted_and_the_first_are_shown() {
        let records = (0..5).map(|n| paid(&format!("net#{n}"), "parked", "10.50", "EUR"));

        let found = found(&["--limit", "2"], records.collect());

        assert_eq!(shown(&found), ["net#0", "net#1"]);
        assert_eq!(found.next().as_deref(), Some("net#1/A-1"));
        let totals = serde_json::to_value(&found.totals).expect("JSON");
        assert_eq!(totals["count"], 5);
        assert_eq!(totals["amounts"]["EUR"], "52.5");
        assert_eq!(totals["states"]["parked"]["count"], 5);
    }

    #[test]
    fn the_largest_come_first_whatever_the_limit_is() {
        let amounts = ["9", "100", "20"].iter().enumerate();
        let records = amounts.map(|(n, amount)| paid(&format!("net#{n}"), "parked", amount, "EUR"));

        let found = found(&["--sort", "amount", "--limit", "2"], records.collect());

        assert_eq!(shown(&found), ["net#1", "net#2"]);
        // No place in the ledger to go on from.
        assert_eq!((found.next(), found.totals.count), (None, 3));
    }

    #[test]
    fn other_content_is_listed_until_a_decision_answers_it() {
        let conflict = || {
            let mut record = paid("net#1", "delivered", "10", "EUR");
            record.conflicts = serde_json::from_value(serde_json::json!({ "entries": [{
                "version": 2, "at": "2026-11-21T10:20:00Z", "last_at": "2026-11-21T10:20:00Z",
                "count": 1, "facts": { "amount": "11" },
            }]}))
            .expect("conflicts");
            record
        };
        let mut answered = Record { delivery: "net#2".to_owned(), ..conflict() };
        answered.decisions = serde_json::from_value(serde_json::json!({ "entries": [{
            "version": 3, "at": "2026-11-21T10:25:00Z", "attempt": 1, "decision": "acknowledge",
            "by": "arn", "why": "the first is right",
        }]}))
        .expect("decisions");
        let records = vec![paid("net", "delivered", "10", "EUR"), conflict(), answered];

        assert_eq!(shown(&found(&["--conflicts"], records)), ["net#1"]);
    }

    #[test]
    fn several_states_and_a_reason_select() {
        let mut refused = record("net#1", "rejected", 1);
        refused.protocol.reason = Some(postback_core::redaction::Reason::new("click_used"));
        let records = vec![record("net", "parked", 1), refused, record("net#2", "delivered", 1)];

        let of_states = found(&["--state", "parked", "--state", "rejected"], records.clone());
        assert_eq!(shown(&of_states), ["net", "net#1"]);
        assert_eq!(shown(&found(&["--reason", "click_used"], records)), ["net#1"]);
    }
}
