//! The results of a check: counted with their money, and those shown that a person should look at.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
};

use serde::Serialize;

use rust_decimal::Decimal;

use super::judge::{Bucket, Judgement, difference};
use crate::{
    failure::Failure,
    list::{Sum, harmless},
    view::fitted,
};

/// A result that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    line: Option<u64>,
    order_id: String,
    network: String,
    result: Bucket,
    why: String,
    amount: String,
    currency: String,
    was_amount: String,
    was_currency: String,
    /// The amount less what it was, where both are of one currency.
    difference: String,
}

/// The results so far.
#[derive(Default)]
pub(super) struct Report {
    /// The counts by network and result.
    totals: BTreeMap<String, BTreeMap<Bucket, Sum>>,
    /// The sums of the differences by network and currency.
    differences: BTreeMap<String, BTreeMap<String, Decimal>>,
    rows: Vec<Row>,
    left_out: usize,
    limit: usize,
    /// True if every result is shown, the harmless ones, too.
    shows_all: bool,
    out: Option<(PathBuf, csv::Writer<File>)>,
}

/// An order at a network, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Subject<'a> {
    /// The line of the file; `None` for what only the ledger holds.
    pub(super) line: Option<u64>,
    pub(super) order_id: &'a str,
    pub(super) network: &'a str,
    /// The total and the currency of the file.
    pub(super) money: Option<(String, String)>,
}

#[derive(Serialize)]
pub(super) struct View<'a> {
    orders: u64,
    networks: &'a BTreeMap<String, BTreeMap<Bucket, Sum>>,
    /// The totals of the file less the amounts reported, where they differ.
    differences: BTreeMap<&'a str, BTreeMap<&'a str, String>>,
    /// What a person should look at.
    rows: &'a [Row],
    rows_left_out: usize,
}

impl Report {
    pub(super) fn new(limit: usize, shows_all: bool, out: Option<&Path>) -> Result<Self, Failure> {
        let bad = |path: &Path, fault: String| Failure::BadFile {
            file: path.display().to_string(),
            fault,
        };
        let create = |path: &Path| {
            let mut writer =
                csv::Writer::from_path(path).map_err(|error| bad(path, error.to_string()))?;
            let header = [
                "line",
                "order_id",
                "network",
                "result",
                "why",
                "amount",
                "currency",
                "was_amount",
                "was_currency",
                "difference",
            ];
            writer.write_record(header).map_err(|error| bad(path, error.to_string()))?;
            Ok::<_, Failure>((path.to_owned(), writer))
        };
        let out = out.map(create).transpose()?;
        Ok(Self { limit, shows_all, out, ..Self::default() })
    }

    /// Counts a result, and keeps it if a person should look at it.
    pub(super) fn add(
        &mut self,
        subject: &Subject<'_>,
        judgement: Judgement,
    ) -> Result<(), Failure> {
        let Judgement { bucket, why, was } = judgement;
        let money = subject.money.as_ref().or(was.as_ref());
        let money = money.map(|(amount, currency)| (amount.as_str(), currency.as_str()));
        let network = self.totals.entry(subject.network.to_owned()).or_default();
        network.entry(bucket).or_default().add(money);
        let differs = self.difference(subject, bucket, was.as_ref());
        let is_new = matches!(bucket, Bucket::Open | Bucket::Sent | Bucket::LeftOut);
        let is_shown = self.shows_all || bucket.is_need() || is_new;
        if !is_shown && self.out.is_none() {
            return Ok(());
        }
        let (amount, currency) = subject.money.clone().unwrap_or_default();
        let (was_amount, was_currency) = was.unwrap_or_default();
        let row = Row {
            line: subject.line,
            order_id: subject.order_id.to_owned(),
            network: subject.network.to_owned(),
            result: bucket,
            why,
            amount,
            currency,
            was_amount,
            was_currency,
            difference: differs.map(|differs| differs.to_string()).unwrap_or_default(),
        };
        if let Some((path, writer)) = &mut self.out {
            let bad = |error: csv::Error| Failure::BadFile {
                file: path.display().to_string(),
                fault: error.to_string(),
            };
            writer.write_record(row.cells()).map_err(bad)?;
        }
        match (is_shown, self.rows.len() < self.limit) {
            (true, true) => self.rows.push(row),
            (true, false) => self.left_out += 1,
            (false, _) => {}
        }
        Ok(())
    }

    /// Adds up the difference between the file's total and the amount reported, if that is the result.
    fn difference(
        &mut self,
        subject: &Subject<'_>,
        bucket: Bucket,
        was: Option<&(String, String)>,
    ) -> Option<Decimal> {
        let ((amount, currency), (was, was_currency)) = (subject.money.as_ref()?, was?);
        let differs = difference(was, was_currency, amount, currency)
            .filter(|_| bucket == Bucket::Otherwise)?;
        let sums = self.differences.entry(subject.network.to_owned()).or_default();
        let sum = sums.entry(currency.clone()).or_default();
        *sum = sum.saturating_add(differs);
        Some(differs)
    }

    /// The number of results of one kind.
    pub(super) fn count(&self, is: impl Fn(Bucket) -> bool) -> usize {
        let buckets = self.totals.values().flatten();
        buckets.filter(|(bucket, _)| is(**bucket)).map(|(_, sum)| sum.count).sum()
    }

    pub(super) fn view(&self, orders: u64) -> View<'_> {
        let differences = self.differences.iter();
        let differences = differences.map(|(network, sums)| (network.as_str(), texts(sums)));
        let differences = differences.collect();
        let (networks, rows) = (&self.totals, &self.rows);
        View { orders, networks, differences, rows, rows_left_out: self.left_out }
    }

    /// The answer for people: what to look at, then the totals.
    pub(super) fn lines(&self, orders: u64, width: usize) -> Vec<String> {
        let row = |row: &Row| {
            let line = row.line.map(|line| line.to_string()).unwrap_or_default();
            let result = row.result.as_str().to_owned();
            vec![line, row.order_id.clone(), row.network.clone(), result, row.why.clone()]
        };
        let mut lines = Vec::new();
        if !self.rows.is_empty() {
            let rows: Vec<_> = self.rows.iter().map(row).collect();
            lines.extend(fitted(&["line", "order", "network", "result", "why"], &rows, width));
            if self.left_out > 0 {
                let left = self.left_out;
                lines.push(format!("{left} more: show them with --limit, or write all with --out"));
            }
            lines.push(String::new());
        }
        let total = |(network, buckets): (&String, &BTreeMap<Bucket, Sum>)| {
            let row = |(bucket, sum): (&Bucket, &Sum)| {
                let bucket = bucket.as_str().to_owned();
                vec![network.clone(), bucket, sum.count.to_string(), sum.money()]
            };
            buckets.iter().map(row).collect::<Vec<_>>()
        };
        let totals: Vec<_> = self.totals.iter().flat_map(total).collect();
        lines.extend(fitted(&["network", "result", "orders", "money"], &totals, width));
        for (network, sums) in &self.differences {
            let sums = sums.iter().map(|(currency, sum)| format!("{sum:+} {currency}"));
            let sums = sums.collect::<Vec<_>>().join(", ");
            lines.push(format!(
                "{network}: the file's totals differ by {sums} from what was reported"
            ));
        }
        lines.push(format!("{orders} orders read"));
        lines
    }
}

/// The sums as text: JSON's numbers are no decimals.
fn texts(sums: &BTreeMap<String, Decimal>) -> BTreeMap<&str, String> {
    sums.iter().map(|(currency, sum)| (currency.as_str(), sum.to_string())).collect()
}

impl Row {
    fn cells(&self) -> [String; 10] {
        let line = self.line.map(|line| line.to_string()).unwrap_or_default();
        let text = |text: &String| harmless(text);
        [
            line,
            text(&self.order_id),
            text(&self.network),
            self.result.as_str().to_owned(),
            text(&self.why),
            text(&self.amount),
            text(&self.currency),
            text(&self.was_amount),
            text(&self.was_currency),
            self.difference.clone(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_is_counted_and_what_needs_a_look_is_shown() {
        let mut report = Report::new(1, false, None).expect("a report");
        let subject = |order_id: &'static str, amount: &str| Subject {
            line: Some(2),
            order_id,
            network: "net",
            money: Some((amount.to_owned(), "EUR".to_owned())),
        };

        for (order_id, amount, bucket) in [
            ("A-1", "10.50", Bucket::Alike),
            ("A-2", "1.50", Bucket::Alike),
            ("A-3", "7", Bucket::NeverSeen),
            ("A-4", "8", Bucket::NeverSeen),
        ] {
            report.add(&subject(order_id, amount), Judgement::new(bucket, "")).expect("counted");
        }

        let view = serde_json::to_value(report.view(4)).expect("JSON");
        assert_eq!(view["networks"]["net"]["alike"]["count"], 2);
        assert_eq!(view["networks"]["net"]["alike"]["amounts"]["EUR"], "12");
        assert_eq!(view["networks"]["net"]["never_seen"]["amounts"]["EUR"], "15");
        assert_eq!(view["rows"].as_array().map(Vec::len), Some(1));
        assert_eq!(
            (&view["rows"][0]["order_id"], &view["rows_left_out"]),
            (&"A-3".into(), &1.into())
        );
        let changed = Judgement {
            was: Some(("10".to_owned(), "EUR".to_owned())),
            ..Judgement::new(Bucket::Otherwise, "")
        };
        let other = Judgement {
            was: Some(("10".to_owned(), "SGD".to_owned())),
            ..Judgement::new(Bucket::Otherwise, "")
        };
        report.add(&subject("A-5", "7.50"), changed.clone()).expect("counted");
        report.add(&subject("A-6", "11"), changed).expect("counted");
        report.add(&subject("A-7", "9"), other).expect("counted");
        let view = serde_json::to_value(report.view(7)).expect("JSON");
        assert_eq!(view["differences"], serde_json::json!({ "net": { "EUR": "-1.50" } }));
        assert_eq!(report.count(Bucket::is_need), 5);
        let lines = report.lines(4, 80);
        assert!(lines.iter().any(|line| line.contains("4 more")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("differ by -1.50 EUR")), "{lines:#?}");
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    }
}
