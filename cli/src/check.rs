//! `orders check`: the shop's export against the ledger.

use std::collections::{HashMap, HashSet};

use postback_core::{
    clock::Timestamp,
    delivery::{RETENTION, Record},
    order::{Arrived, Status},
};
use postback_orders::CookieKeys;
use serde_json::Value;

use crate::{
    account::Account, args::Check, failure::Failure, networks, screen, span::Span, view::Output,
};

mod cookie;
mod file;
mod judge;
mod order;
mod others;
mod repeated;
mod report;
mod send;
#[cfg(test)]
mod tests;

pub(crate) use file::Export;
use judge::{Bucket, Judgement, judge};
use order::Checked;
use repeated::Orders;
use report::{Report, Subject};

/// The orders of the file, as far as they are needed later.
#[derive(Default)]
struct Known {
    /// The ids of the orders, if the other direction is wanted, too.
    ids: HashSet<String>,
    /// The orders that were never seen, by network.
    unseen: HashSet<(String, String)>,
    /// The orders that a line of the file cancels or refunds, with that line: none of them is sent.
    cancelled: HashMap<String, u64>,
}

/// The functions' answers about orders that were never seen, by order and network.
type Answers = HashMap<(String, String), Judgement>;

/// A network of the stack.
struct Active {
    name: String,
    /// True if every completed order concerns it, by a parameter.
    every_order: bool,
}

struct Checker<'a> {
    account: Option<&'a Account>,
    wanted: &'a Check,
    active: Vec<Active>,
    keys: CookieKeys,
    now: Timestamp,
    /// The time of what was reported and is looked at alone.
    between: Option<Span>,
    known: Known,
    orders: u64,
}

/// Checks without an account: only which networks each order concerns.
pub(crate) async fn offline(
    wanted: &Check,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let active = networks::NETWORKS.iter();
    let active = active.map(|network| Active { name: network.name.to_owned(), every_order: false });
    let active = active.collect();
    let keys = cookie::unsigned();
    run(Checker::new(None, wanted, active, keys, now)?, output).await
}

/// Checks against the ledger, and sends what was never seen if that is wanted.
pub(crate) async fn online(
    account: &Account,
    wanted: &Check,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let active = account.networks().into_iter().map(|network| {
        let parameter = account.place.parameters.get(&format!("{}Concerns", network.prefix));
        let every_order = parameter.is_some_and(|it| it == "every-order");
        Active { name: network.name, every_order }
    });
    let keys = cookie::keys(account, &wanted.file).await?;
    run(Checker::new(Some(account), wanted, active.collect(), keys, now)?, output).await
}

async fn run(mut checker: Checker<'_>, output: &mut Output<'_>) -> Result<(), Failure> {
    let wanted = checker.wanted;
    let new = || Report::new(wanted.limit, wanted.offline, wanted.out.as_deref());
    let mut report = new()?;
    checker.read_cancellations()?;
    checker.judge_all(&mut report, &Answers::new()).await?;
    let mut answers = checker.ask().await?;
    if !answers.is_empty() {
        report = new()?;
        checker.judge_all(&mut report, &answers).await?;
    }
    checker.look_for_others(&mut report).await?;
    let unseen = checker.known.unseen.len();
    if wanted.send && unseen > 0 {
        if !wanted.yes {
            let lines = report.lines(checker.orders, screen::width());
            let instead =
                "See what is never seen without --send, then give --yes. Nothing was sent.";
            output.ask(&lines, &format!("Send these {unseen}?"), instead)?;
        }
        answers.extend(checker.send().await?);
        report = new()?;
        checker.judge_all(&mut report, &answers).await?;
        checker.look_for_others(&mut report).await?;
    }
    let orders = checker.orders;
    output.answer(&report.lines(orders, screen::width()), &report.view(orders));
    match report.count(Bucket::is_need) {
        0 => Ok(()),
        1 => Err(Failure::NeedsPerson("1 result needs a person.".to_owned())),
        count => Err(Failure::NeedsPerson(format!("{count} results need a person."))),
    }
}

/// Returns whether the delivery became a success in this time.
fn was_reported_in(record: &Record, span: Span) -> bool {
    record.protocol.state.is_success() && span.from <= record.state_at && record.state_at < span.to
}

/// The total and the currency of an order.
fn money(order: &Arrived) -> Option<(String, String)> {
    match order {
        Arrived::Order(order) => Some((order.total.shortest(), order.currency.code().to_owned())),
        Arrived::Cancelled(_) | Arrived::PartlyRefunded(_) => None,
    }
}

impl<'a> Checker<'a> {
    fn new(
        account: Option<&'a Account>,
        wanted: &'a Check,
        active: Vec<Active>,
        keys: CookieKeys,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let between = wanted.between(now)?;
        Ok(Self { account, wanted, active, keys, now, between, known: Known::default(), orders: 0 })
    }

    fn checked(&self, value: &Value) -> Result<Checked, String> {
        Checked::from_json(value, &self.keys, self.now)
    }

    /// The time of which the ledger's deliveries are compared with the file.
    fn span(&self) -> Result<Option<Span>, Failure> {
        match (&self.wanted.from, self.between) {
            (Some(from), _) => Span::parse(from, self.wanted.to.as_deref(), self.now).map(Some),
            (None, between) => Ok(between),
        }
    }

    /// Reads which orders the file cancels, wherever in it.
    fn read_cancellations(&mut self) -> Result<(), Failure> {
        for (line, value) in Export::open(&self.wanted.file)? {
            let checked = value.and_then(|value| self.checked(&value));
            if let Ok(Checked { order: Arrived::Cancelled(cancelled), .. }) = checked {
                self.known.cancelled.insert(cancelled.order_id.as_str().to_owned(), line);
            }
        }
        Ok(())
    }

    /// Judges every order of the file; where a function has answered, its answer counts.
    async fn judge_all(&mut self, report: &mut Report, answers: &Answers) -> Result<(), Failure> {
        self.orders = 0;
        let mut completed = Orders::default();
        for (line, value) in Export::open(&self.wanted.file)? {
            self.orders += 1;
            let id = value.as_ref().ok().and_then(|value| value["order_id"].as_str());
            let id = id.unwrap_or_default().to_owned();
            let checked = match value.and_then(|value| self.checked(&value)) {
                Ok(checked) => checked,
                Err(why) => {
                    let (line, order_id) = (Some(line), id.as_str());
                    let subject = Subject { line, order_id, network: "-", money: None };
                    report.add(&subject, Judgement::new(Bucket::Invalid, why))?;
                    self.known.ids.insert(id);
                    continue;
                }
            };
            let order_id = checked.order.order_id().as_str().to_owned();
            if self.wanted.from.is_some() || self.between.is_some() {
                self.known.ids.insert(order_id.clone());
            }
            if let Some(judgement) = completed.again(line, &checked.order) {
                // At no network, and without its money: that is counted once.
                let (line, order_id) = (Some(line), order_id.as_str());
                let subject = Subject { line, order_id, network: "-", money: None };
                report.add(&subject, judgement)?;
                continue;
            }
            for (network, mut judgement) in self.judge(&checked).await? {
                if matches!(judgement.bucket, Bucket::NeverSeen | Bucket::Concerns)
                    && checked.order.status() == Status::Completed
                    && let Some(other) = self.known.cancelled.get(&order_id)
                {
                    judgement = Judgement::new(
                        Bucket::Contradicts,
                        format!("is cancelled in line {other}"),
                    );
                }
                let money = money(&checked.order);
                let subject =
                    Subject { line: Some(line), order_id: &order_id, network: &network, money };
                let key = (order_id.clone(), network.clone());
                let answer = answers.get(&key).cloned();
                if judgement.bucket == Bucket::NeverSeen && answer.is_none() {
                    self.known.unseen.insert(key);
                }
                report.add(&subject, answer.unwrap_or(judgement))?;
            }
        }
        Ok(())
    }

    /// The result of an order at every network of the stack.
    async fn judge(&self, checked: &Checked) -> Result<Vec<(String, Judgement)>, Failure> {
        let order = &checked.order;
        let records = match self.account {
            Some(account) => account.of_order(order.order_id().as_str()).await?,
            None => Vec::new(),
        };
        let too_old = order.too_old(self.now, RETENTION).map(|fault| fault.to_string());
        let mut results = Vec::new();
        for network in &self.active {
            let own = |record: &&Record| {
                let is_own = record.network() == network.name && !record.is_validation();
                is_own && !record.is_order_of_lines()
            };
            let own: Vec<_> = records.iter().filter(own).collect();
            if let Some(span) = self.between
                && !own.iter().any(|record| was_reported_in(record, span))
            {
                continue;
            }
            let why = if network.every_order { None } else { checked.not_concerned(&network.name) };
            let judgement = match (self.account, judge(order, &own, why.as_deref())) {
                (_, Judgement { bucket: Bucket::NeverSeen, .. }) if too_old.is_some() => {
                    Judgement::new(Bucket::Invalid, too_old.clone().unwrap_or_default())
                }
                (None, Judgement { bucket: Bucket::NeverSeen, .. }) => {
                    Judgement::new(Bucket::Concerns, "")
                }
                (_, judgement) => judgement,
            };
            results.push((network.name.clone(), judgement));
        }
        Ok(results)
    }
}
