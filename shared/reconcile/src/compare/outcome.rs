//! The terms, the files and the result of a comparison.

use std::collections::BTreeMap;

use postback_core::clock::Timestamp;
use serde::Serialize;

use crate::{
    bucket::Bucket, decide::DecisionCounts, money::Sums, output::Table, understand::Understood,
};

/// The terms of a comparison.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The network's name.
    pub network: String,
    /// The beginning of the time that the report covers; its earliest date unless set.
    pub from: Option<Timestamp>,
    /// The end of that time; its latest date unless set.
    pub to: Option<Timestamp>,
}

/// The files that a comparison writes.
#[derive(Default)]
pub struct Files<'a> {
    /// Every line of each side, with its bucket.
    pub lines: Option<Table<'a>>,
    /// What the network is asked about.
    pub disputes: Option<Table<'a>>,
    /// What a person may decide.
    pub decisions: Option<Table<'a>>,
}

/// The headings of the file of lines.
pub const LINES: [&str; 19] = [
    "bucket",
    "reason",
    "side",
    "line",
    "matched_by",
    "order_id",
    "delivery",
    "conversion",
    "date",
    "status",
    "amount",
    "currency",
    "our_state",
    "our_attempt_at",
    "our_amount",
    "our_currency",
    "our_validation",
    "our_validated_amount",
    "claim_back",
];
/// The headings of the file of disputes.
pub const DISPUTES: [&str; 12] = [
    "order_id",
    "conversion",
    "line",
    "claim",
    "reported_at",
    "our_amount",
    "our_currency",
    "your_amount",
    "your_currency",
    "came_back_at",
    "claim_back",
    "claim_back_by",
];

/// A bucket's counts and sums.
#[derive(Clone, Debug, Serialize)]
pub struct BucketTotal {
    /// The bucket.
    pub bucket: Bucket,
    /// The number of the report's lines.
    pub lines: u64,
    /// The number of the ledger's deliveries.
    pub deliveries: u64,
    /// The sums of the report.
    pub theirs: Sums,
    /// The sums of the ledger.
    pub ours: Sums,
    /// The counts by reason.
    pub reasons: BTreeMap<&'static str, u64>,
    /// The next step for a person.
    pub what_to_do: &'static str,
}

/// The result of a comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The network's name.
    pub network: String,
    /// The account of what was understood.
    pub report: Understood,
    /// The beginning of the time that was compared.
    pub from: Option<Timestamp>,
    /// The end of that time.
    pub to: Option<Timestamp>,
    /// All buckets.
    pub buckets: Vec<BucketTotal>,
    /// The sums of all deliveries that were compared.
    pub ours: Sums,
    /// The number of deliveries that were compared.
    pub deliveries: u64,
    /// The number of deliveries outside the time that the report covers, or never reported.
    pub left_out: u64,
    /// The number of lines by the way in which they were matched.
    pub matched_by: BTreeMap<&'static str, u64>,
    /// The number of disputes.
    pub disputes: u64,
    /// What is to be claimed back.
    pub claim_back: Sums,
    /// The decisions that the report suggests.
    pub decisions: DecisionCounts,
    /// What a person should know.
    pub warnings: Vec<String>,
}

impl Outcome {
    /// The counts and sums of a bucket.
    #[must_use]
    pub fn bucket(&self, bucket: Bucket) -> Option<&BucketTotal> {
        self.buckets.iter().find(|total| total.bucket == bucket)
    }
}
