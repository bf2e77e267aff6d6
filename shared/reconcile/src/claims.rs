//! Claims: a network's list of missing cashback, and one verdict with evidence for each line.

use std::collections::BTreeMap;

use postback_core::{clock::Timestamp, delivery::Record};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    fault::Fault,
    format::Format,
    source::Source,
    understand::{Hints, Report},
};

mod evidence;

use evidence::{Back, Money, Part, apart, of_record, of_validations, reported_at, without};

/// The headings of the file of answers.
pub const ANSWERS: [&str; 10] = [
    "line",
    "order_id",
    "verdict",
    "evidence",
    "claimed_amount",
    "claimed_currency",
    "our_amount",
    "our_currency",
    "reported_at",
    "answer",
];

/// A line of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The number of the line.
    pub line: u64,
    /// The order's id.
    pub order_id: String,
    /// The date of the purchase.
    pub date: Option<Timestamp>,
    /// The amount that is claimed.
    pub amount: Option<Decimal>,
    /// Its currency.
    pub currency: Option<&'static str>,
    /// The reason that the line can't be read.
    pub fault: Option<&'static str>,
}

/// The answer to a claim: closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Reported, and confirmed or accepted by the network.
    Reported,
    /// Reported with another amount than claimed.
    OtherAmount,
    /// Sent, and the network's answer was lost: a person decides.
    Held,
    /// On its way, or it resolves itself.
    Open,
    /// Refused by the network, or not reported for a reason.
    Refused,
    /// The order came without a click id of this network.
    NoClick,
    /// Another order of the shop holds the click.
    ClickUsed,
    /// Cancelled or refunded.
    Cancelled,
    /// Not in the ledger.
    Unknown,
    /// Older than the ledger keeps.
    OutsideRetention,
    /// The line can't be read.
    Unreadable,
}

impl Verdict {
    /// The word in files and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::OtherAmount => "other_amount",
            Self::Held => "held",
            Self::Open => "open",
            Self::Refused => "refused",
            Self::NoClick => "no_click",
            Self::ClickUsed => "click_used",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::OutsideRetention => "outside_retention",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What the ledger holds of the order of a claim.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The order's deliveries, at all networks.
    pub records: Vec<Record>,
    /// The time when it was accepted, if it concerned no network, and the members of clicks that came.
    pub unclaimed: Option<(Timestamp, Vec<String>)>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The number of the line.
    pub line: u64,
    /// The order's id.
    pub order_id: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The sentence that explains it.
    pub evidence: String,
    /// The amount that is claimed.
    pub claimed: String,
    /// Its currency.
    pub claimed_currency: String,
    /// The amount that was reported: of lines those that the network has, or may have.
    pub amount: String,
    /// Its currency.
    pub currency: String,
    /// The time of the attempt that the network took, or may have taken.
    pub reported_at: Option<Timestamp>,
    /// The network's answer: the redacted details of the last attempt.
    pub answer: String,
}

/// Loads a list of claims whose columns have plain names.
pub fn load(source: Source, hints: &Hints) -> Result<Vec<Claim>, Fault> {
    load_by(source, format()?, hints)
}

/// The format of lists of claims.
pub fn format() -> Result<Format, Fault> {
    Format::parse("claims", include_str!("../claims.toml"))
}

/// Loads a list of claims by a format of its own.
pub fn load_by(source: Source, format: Format, hints: &Hints) -> Result<Vec<Claim>, Fault> {
    let report = Report::understand(source, format, hints)?;
    let mut claims = Vec::new();
    report.each(|line| {
        let no_order = line.order.is_empty().then_some("no order id");
        claims.push(Claim {
            line: line.number,
            order_id: line.order.to_owned(),
            date: line.date,
            amount: line.amount,
            currency: line.currency,
            fault: line.fault.or(no_order),
        });
        Ok(())
    })?;
    Ok(claims)
}

/// Answers a claim from what the ledger holds.
#[must_use]
pub fn answer(claim: &Claim, network: &str, known: &Known, now: Timestamp) -> Answer {
    let of_network = |record: &&Record| record.network() == network && !record.is_order_of_lines();
    let all = || known.records.iter().filter(of_network);
    let own: Vec<_> = all().filter(|record| !record.is_validation()).collect();
    let validations: Vec<_> = all().filter(|record| record.is_validation()).collect();
    // Of several lines one that is not settled, else one that is reported, says what is to be said.
    let record = own.iter().copied().min_by_key(|record| Part::of(record));
    let (reported, others) = parts(&own, record);
    let sum: Option<Decimal> =
        reported.iter().map(|record| record.money()?.0.parse::<Decimal>().ok()).sum();
    let sum = sum.filter(|_| !reported.is_empty());
    let currency = reported.first().and_then(|record| record.money()).map(|(_, named)| named);
    let (verdict, evidence) = match (claim.fault, record) {
        (Some(fault), _) => (Verdict::Unreadable, format!("The line has {fault}.")),
        (None, Some(record)) => {
            let back = Back::of(&reported, &validations);
            let more = of_validations(&validations) + &apart(&others);
            of_record(claim, record, &Money { sum, currency, back }, &more)
        }
        (None, None) => without(claim, known, now),
    };
    let last = record.and_then(|record| record.attempts.last());
    Answer {
        line: claim.line,
        order_id: claim.order_id.clone(),
        verdict,
        evidence,
        claimed: crate::output::amount(claim.amount),
        claimed_currency: claim.currency.unwrap_or_default().to_owned(),
        amount: crate::output::amount(sum),
        currency: currency.unwrap_or_default().to_owned(),
        reported_at: record.and_then(reported_at),
        answer: last.map(|attempt| words(&attempt.details)).unwrap_or_default(),
    }
}

/// The deliveries whose amounts are the order's at the network, and the others. Where the network
/// has a line, nothing that is cancelled or refused beside it is money there.
fn parts<'a>(own: &[&'a Record], decisive: Option<&Record>) -> (Vec<&'a Record>, Vec<&'a Record>) {
    let has_one = decisive.is_some_and(|record| Part::of(record) == Part::There);
    own.iter().copied().partition(|record| match Part::of(record) {
        Part::There => true,
        _ if has_one => false,
        _ => !record.protocol.is_certainly_absent(),
    })
}

fn words(details: &postback_core::redaction::Details) -> String {
    let value = serde_json::to_value(details).unwrap_or_default();
    let pairs = value.as_object().into_iter().flatten();
    let pairs = pairs.map(|(name, value)| format!("{name} {}", value.as_str().unwrap_or_default()));
    pairs.collect::<Vec<_>>().join(", ")
}

/// The counts of answers by verdict.
#[must_use]
pub fn counts(answers: &[Answer]) -> BTreeMap<Verdict, u64> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.verdict).or_default() += 1;
    }
    counts
}

impl Answer {
    /// The cells of its row.
    #[must_use]
    pub fn cells(&self) -> [String; 10] {
        [
            self.line.to_string(),
            self.order_id.clone(),
            self.verdict.as_str().to_owned(),
            self.evidence.clone(),
            self.claimed.clone(),
            self.claimed_currency.clone(),
            self.amount.clone(),
            self.currency.clone(),
            self.reported_at.map(|at| at.to_string()).unwrap_or_default(),
            self.answer.clone(),
        ]
    }
}
