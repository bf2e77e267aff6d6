//! `money`: the money by month, network and currency, as far as the ledger knows; the console's sums.

use std::collections::BTreeMap;

use postback_core::delivery::{MoneyStanding, Record, State};
use postback_runtime::ledger::Filter;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    account::Account,
    args::{Format, MoneyByMonth},
    failure::Failure,
    list::{Sum, harmless},
    scan::gather_all,
    screen::{width, wrapped},
    status::Unclaimed,
    view::Output,
};

/// The money of all months.
pub(crate) type Months = BTreeMap<Period, Money>;

/// A month of a network, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Period {
    /// `2026-11`.
    pub(crate) month: String,
    pub(crate) network: String,
    pub(crate) currency: String,
}

/// The money of a month, by what is known of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Money {
    /// The network has it.
    pub(crate) reported: Sum,
    /// The network has approved it.
    pub(crate) validated: Sum,
    /// The network has it pending.
    pub(crate) to_be_validated: Sum,
    /// The network has not approved it.
    pub(crate) turned_down: Sum,
    /// To be taken back at the network: what came back after it was approved or, where nothing is
    /// validated, after it was reported.
    pub(crate) to_claim_back: Sum,
    /// Taken back there, as a person has acknowledged.
    pub(crate) claimed_back: Sum,
    pub(crate) in_doubt: Sum,
    /// Not settled, and certainly not in doubt.
    pub(crate) waiting: Sum,
    pub(crate) rejected: Sum,
    /// Cancelled before it was reported, or nothing to report.
    pub(crate) withdrawn_or_skipped: Sum,
    /// Given up by a person.
    pub(crate) given_up: Sum,
}

/// The title of a column, and its sum.
type Column = (&'static str, fn(&Money) -> &Sum);

/// The columns of money.
pub(crate) const COLUMNS: [Column; 11] = [
    ("Reported", |money| &money.reported),
    ("Validated", |money| &money.validated),
    ("To be validated", |money| &money.to_be_validated),
    ("Turned down", |money| &money.turned_down),
    ("To claim back", |money| &money.to_claim_back),
    ("Claimed back", |money| &money.claimed_back),
    ("In doubt", |money| &money.in_doubt),
    ("Waiting", |money| &money.waiting),
    ("Rejected", |money| &money.rejected),
    ("Withdrawn or skipped", |money| &money.withdrawn_or_skipped),
    ("Given up", |money| &money.given_up),
];

/// Adds the money of a delivery, or of a validation, to its month.
pub(crate) fn add(months: &mut Months, record: &Record) {
    let Some((amount, currency)) = record.money() else { return };
    let month = record.protocol.first_seen_at.to_string().chars().take(7).collect();
    let network = record.network().to_owned();
    let money = months.entry(Period { month, network, currency: currency.to_owned() }).or_default();
    if !record.is_validation() {
        money.of_delivery(record).add(Some((amount, currency)));
    }
    if let Some((standing, amount, _)) = record.validated_money() {
        money.of_standing(standing).add(Some((amount.to_string(), currency)));
    }
    if let Some(back) = record.open_claim_back() {
        money.to_claim_back.add(Some((back.to_string(), currency)));
    }
    let back = record.came_back().map(|back| back.amount).unwrap_or_default();
    let claimed = record.claim_back_acknowledged().min(back);
    if claimed > Decimal::ZERO {
        money.claimed_back.add(Some((claimed.to_string(), currency)));
    }
}

impl Money {
    fn of_delivery(&mut self, record: &Record) -> &mut Sum {
        match record.protocol.state {
            State::Delivered | State::Accepted => &mut self.reported,
            State::Rejected => &mut self.rejected,
            State::Withdrawn | State::Skipped => &mut self.withdrawn_or_skipped,
            State::Abandoned => &mut self.given_up,
            _ if record.protocol.in_doubt() => &mut self.in_doubt,
            _ => &mut self.waiting,
        }
    }

    fn of_standing(&mut self, standing: MoneyStanding) -> &mut Sum {
        match standing {
            MoneyStanding::Pending => &mut self.to_be_validated,
            MoneyStanding::Validated => &mut self.validated,
            MoneyStanding::Rejected => &mut self.turned_down,
            MoneyStanding::GivenUp => &mut self.given_up,
        }
    }
}

/// The sums as comma-separated values, a row for each month, network and currency.
pub(crate) fn csv(months: &Months) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let heads = ["month", "network", "currency"].map(str::to_owned).into_iter();
    let columns = COLUMNS.map(|(name, _)| name.to_lowercase().replace(' ', "_"));
    let columns = columns.into_iter().flat_map(|name| [name.clone(), format!("{name}_count")]);
    // Writing to memory can't fail.
    let _infallible = writer.write_record(heads.chain(columns));
    for (Period { month, network, currency }, money) in months {
        let heads = [month, network, currency].map(|cell| harmless(cell)).into_iter();
        let sums = COLUMNS.iter().flat_map(|(_, sum)| {
            let sum = sum(money);
            [sum.amount(currency), sum.count.to_string()]
        });
        let _infallible = writer.write_record(heads.chain(sums));
    }
    writer.into_inner().unwrap_or_default()
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    period: &'a Period,
    #[serde(flatten)]
    money: &'a Money,
}

#[derive(Serialize)]
struct View<'a> {
    months: Vec<Row<'a>>,
    /// The orders of the last 30 days that concern no network.
    #[serde(skip_serializing_if = "Option::is_none")]
    unclaimed: Option<&'a Unclaimed>,
    read: usize,
    read_units: f64,
    /// The number of deliveries that a later version wrote.
    unreadable: usize,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &MoneyByMonth,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let network = wanted.network.as_deref().map(|name| account.name_of(name)).transpose()?;
    let unclaimed = network.is_none();
    let filter = Filter { network, validations: true, unclaimed, ..Filter::default() };
    let mut months = Months::new();
    let read = gather_all(account, &filter, |record| add(&mut months, &record)).await?;
    if wanted.format == Format::Csv && !output.json {
        output.raw(&[csv(&months), read.last_lines()].concat());
    } else {
        let rows = months.iter().map(|(period, money)| Row { period, money }).collect();
        let unclaimed = unclaimed.then_some(&read.unclaimed);
        let (items, units, unreadable) = (read.items, read.units, read.unreadable);
        let view = View { months: rows, unclaimed, read: items, read_units: units, unreadable };
        let mut lines = lines(&months);
        let more = unclaimed.and_then(Unclaimed::line);
        lines.extend(more.iter().flat_map(|line| wrapped(line, width())));
        output.answer(&lines, &view);
    }
    let count = months.values().map(|money| money.reported.count).sum();
    output.note(&read.cost(count));
    read.all_read()
}

/// The sums for a person: those that there are, the latest month first.
fn lines(months: &Months) -> Vec<String> {
    if months.is_empty() {
        return vec!["The ledger holds no money.".to_owned()];
    }
    let mut lines = Vec::new();
    for (Period { month, network, currency }, money) in months.iter().rev() {
        lines.push(format!("{month}  {network}  {currency}"));
        for (name, sum) in COLUMNS {
            let sum = sum(money);
            if sum.count > 0 {
                let (amount, count) = (sum.amount(currency), sum.count);
                lines.push(format!("  {:<22}{amount:>16}  ({count})", name.to_lowercase()));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use postback_core::delivery::Proof;
    use serde_json::{from_value, json};

    use super::*;
    use crate::fixtures::{FakeAws, paid, unclaimed, validation};

    #[test]
    fn what_was_validated_is_counted_beside_what_was_reported() {
        let mut delivered = paid("net", "delivered", "10.5", "EUR");
        delivered.protocol.reported = validation("retrying", None).protocol.reported;
        let of = |validation: Record| {
            let mut months = Months::new();
            add(&mut months, &delivered);
            add(&mut months, &validation);
            let sums = months.into_values().next().expect("money");
            assert_eq!(sums.reported.count, 1);
            [sums.validated, sums.to_be_validated, sums.turned_down, sums.to_claim_back]
                .map(|sum| sum.amount("EUR"))
        };

        let of_call = |call| of(validation("delivered", Some(call)));
        assert_eq!(of(validation("retrying", None)), ["0", "10.5", "0", "0"]);
        assert_eq!(of_call(("approved", "10.5")), ["10.5", "0", "0", "0"]);
        assert_eq!(of_call(("approved", "12")), ["12", "0", "0", "1.5"]);
        assert_eq!(of_call(("rejected", "10.5")), ["0", "0", "10.5", "0"]);
        // A person found out what became of a call whose answer was lost.
        let mut confirmed = validation("delivered", Some(("rejected", "10.5")));
        confirmed.protocol.proof = Some(Proof::Operator);
        assert_eq!(of(confirmed), ["0", "0", "10.5", "0"]);
    }

    #[tokio::test]
    async fn the_sums_of_a_month_are_lines_values_and_json() {
        let aws = FakeAws::start().await;
        let mut claimed = validation("delivered", Some(("approved", "10.5")));
        claimed.protocol.refunds =
            from_value(json!({ "r-1": { "amount": "4" } })).expect("refunds");
        claimed.decisions = from_value(json!({ "entries": [{
            "version": 2, "at": "2026-11-22T10:15:00Z", "attempt": 1, "decision": "acknowledge",
            "by": "arn", "why": "claimed", "claim_back": "3",
        }]}))
        .expect("decisions");
        for record in [paid("net", "delivered", "10.5", "EUR"), claimed] {
            aws.table.ledger().put(&record, None).await.expect("a write");
        }
        let shown = async |format: Format, json: bool| {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let mut output = Output { json, out: &mut out, err: &mut err };
            let wanted = MoneyByMonth { network: Some("net".to_owned()), format };
            run(&aws.account, &wanted, &mut output).await.expect("an answer");
            String::from_utf8(out).expect("text")
        };

        let lines = shown(Format::Table, false).await;
        let lines: Vec<_> = lines.lines().collect();
        let expected = [
            "reported 10.5 (1)",
            "validated 10.5 (1)",
            "to claim back 1 (1)",
            "claimed back 3 (1)",
        ];
        assert_eq!(lines[0], "2026-11  net  EUR");
        let words = |line: &&str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(lines[1..].iter().map(words).collect::<Vec<_>>(), expected);
        let values = shown(Format::Csv, false).await;
        assert!(values.starts_with("month,network,currency,reported,reported_count,"), "{values}");
        assert!(values.contains("\n2026-11,net,EUR,10.5,1,10.5,1,0,0,0,0,1,1,3,1,"), "{values}");
        let view: serde_json::Value =
            serde_json::from_str(&shown(Format::Json, true).await).expect("JSON");
        assert_eq!(view["months"][0]["claimed_back"]["amounts"]["EUR"], "3", "{view}");
    }

    #[tokio::test]
    async fn the_orders_that_concerned_no_network_are_counted_unless_one_is_asked_for() {
        let aws = FakeAws::start().await;
        for (order_id, clicks) in [("U-1", &["net.transactionid"][..]), ("U-2", &[])] {
            let order = unclaimed(order_id, clicks);
            aws.table.ledger().put_unclaimed(&order).await.expect("a write");
        }
        let shown = async |network: Option<&str>| {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let mut output = Output { json: false, out: &mut out, err: &mut err };
            let network = network.map(str::to_owned);
            let wanted = MoneyByMonth { network, format: Format::Table };
            run(&aws.account, &wanted, &mut output).await.expect("an answer");
            String::from_utf8(out).expect("text")
        };

        let line = "No network, last 30 days: 1 without a click: 10.5 EUR; 1 with one: 10.5 EUR\n";
        assert_eq!(shown(None).await, format!("The ledger holds no money.\n{line}"));
        assert_eq!(shown(Some("net")).await, "The ledger holds no money.\n");
    }
}
