//! The measurements of a function: collected while an invocation runs, written once at its end in
//! `CloudWatch`'s embedded metric format. A metric costs no call.
//!
//! The format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
//!
//! More than 300 lines: every metric once, with its name, its unit and its way into a document.

use std::{collections::BTreeMap, time::Duration};

use rust_decimal::Decimal;
use serde_json::{Value, json};

use postback_core::{clock::Timestamp, delivery::State, order::Order, redaction::Reason};

mod document;
mod gauge;
mod intake;
mod platform;
#[cfg(test)]
mod tests;
mod webhook;

use document::{Document, number};
pub use gauge::{Gauge, gauges};
pub use intake::Intake;
pub use platform::{platform_message, platform_refusal};
pub use webhook::webhook_message;

/// The namespace of the metrics in `CloudWatch`.
pub const NAMESPACE: &str = "Postback";

/// The most values of one metric that a document may hold.
const MOST_VALUES: usize = 100;

/// Everything that is measured. All have the dimensions `Stack` and `Network`, some one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The time that the network took for each request of an attempt.
    AttemptLatency,
    /// 1 for each attempt without a judgement on the order and each message that was not taken, 0
    /// for each other attempt: the average is the error rate.
    AttemptFailed,
    /// The states that deliveries came to, by `Outcome`. One that changes nothing does not count.
    Outcomes,
    /// The age of each delivery that has to wait, each time it comes round.
    UnresolvedAge,
    /// Refusals and drops behind a success: a 2xx status, or something it had taken before.
    SilentRefusals,
    /// Orders refused for a reason that a person should see: money may be lost.
    UnclearRefusals,
    /// Deliveries that became unconfirmed and wait for a person.
    UnconfirmedHeld,
    /// The totals of orders whose delivery came in doubt, by `Currency`.
    AmountAtRisk,
    /// 1 while orders wait for a wrong setting or an outage; 0 when an order has passed.
    Paused,
    /// Answers by which the network asked for a pause, as with a 429: orders wait that long.
    Throttled,
    /// Orders that came again with other content.
    Conflicts,
    /// Attempts that ended before they began, because the network's certificate does not hold.
    TlsFailures,
    /// 1 for each order that was rejected here and never sent, 0 for each other: the least of them is
    /// 1 if all were. Those of 1 have the dimension `Reason` as well.
    RejectedUnsent,
    /// Deliveries whose later status is polled, counted at each round.
    TrackedLeads,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::AttemptLatency,
        Self::AttemptFailed,
        Self::Outcomes,
        Self::UnresolvedAge,
        Self::SilentRefusals,
        Self::UnclearRefusals,
        Self::UnconfirmedHeld,
        Self::AmountAtRisk,
        Self::Paused,
        Self::Throttled,
        Self::Conflicts,
        Self::TlsFailures,
        Self::RejectedUnsent,
        Self::TrackedLeads,
    ];

    /// Its name in `CloudWatch`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AttemptLatency => "AttemptLatency",
            Self::AttemptFailed => "AttemptFailed",
            Self::Outcomes => "Outcomes",
            Self::UnresolvedAge => "UnresolvedAge",
            Self::SilentRefusals => "SilentRefusals",
            Self::UnclearRefusals => "UnclearRefusals",
            Self::UnconfirmedHeld => "UnconfirmedHeld",
            Self::AmountAtRisk => "AmountAtRisk",
            Self::Paused => "Paused",
            Self::Throttled => "Throttled",
            Self::Conflicts => "Conflicts",
            Self::TlsFailures => "TlsFailures",
            Self::RejectedUnsent => "RejectedUnsent",
            Self::TrackedLeads => "TrackedLeads",
        }
    }

    /// Its unit in `CloudWatch`.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::AttemptLatency => "Milliseconds",
            Self::UnresolvedAge => "Seconds",
            Self::Outcomes
            | Self::SilentRefusals
            | Self::UnclearRefusals
            | Self::UnconfirmedHeld
            | Self::Throttled
            | Self::Conflicts
            | Self::TlsFailures
            | Self::TrackedLeads => "Count",
            Self::AttemptFailed | Self::AmountAtRisk | Self::Paused | Self::RejectedUnsent => {
                "None"
            }
        }
    }

    /// Its dimension besides `Stack` and `Network`.
    #[must_use]
    pub const fn dimension(self) -> Option<&'static str> {
        match self {
            Self::Outcomes => Some("Outcome"),
            Self::AmountAtRisk => Some("Currency"),
            _ => None,
        }
    }
}

/// The measurements of one invocation so far: numbers, words of closed lists, totals with currencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    latencies: Vec<u64>,
    failed: Vec<u8>,
    outcomes: BTreeMap<&'static str, u32>,
    oldest: Option<Duration>,
    silent_refusals: u32,
    unclear_refusals: u32,
    held: u32,
    at_risk: BTreeMap<&'static str, Decimal>,
    paused: Option<bool>,
    throttled: u32,
    conflicts: u32,
    tls_failures: u32,
    orders_sent: usize,
    rejected_unsent: BTreeMap<Option<Reason>, usize>,
    tracked: Option<u64>,
    direct: Vec<Intake>,
}

impl Metrics {
    /// An attempt came to a verdict; `latency` unless nothing was sent.
    pub fn record_attempt(&mut self, latency: Option<Duration>, failed: bool) {
        self.latencies.extend(latency.map(millis));
        self.failed.push(u8::from(failed));
    }

    /// A message or a call failed: nothing was sent.
    pub fn record_not_taken(&mut self) {
        self.failed.push(1);
    }

    /// A delivery came to `state`.
    pub fn record_outcome(&mut self, state: State) {
        *self.outcomes.entry(state.as_str()).or_default() += 1;
    }

    /// A delivery has to wait, first heard of `age` ago.
    pub fn record_waiting(&mut self, age: Duration) {
        self.oldest = self.oldest.max(Some(age));
    }

    /// The network refused something behind a success.
    pub const fn record_silent_refusal(&mut self) {
        self.silent_refusals = self.silent_refusals.saturating_add(1);
    }

    /// An order was refused for a reason that a person should see.
    pub const fn record_unclear_refusal(&mut self) {
        self.unclear_refusals = self.unclear_refusals.saturating_add(1);
    }

    /// A delivery became unconfirmed and waits for a person.
    pub const fn record_held(&mut self) {
        self.held = self.held.saturating_add(1);
    }

    /// Nobody knows any more whether the network has processed `order`.
    pub fn record_at_risk(&mut self, order: &Order) {
        let sum = self.at_risk.entry(order.currency.code()).or_default();
        *sum = sum.saturating_add(order.total.decimal());
    }

    /// An order was sent, so it was not rejected here.
    pub const fn record_sent(&mut self) {
        self.orders_sent = self.orders_sent.saturating_add(1);
    }

    /// An order was rejected here and never sent.
    pub fn record_unsent(&mut self, reason: Option<Reason>) {
        *self.rejected_unsent.entry(reason).or_default() += 1;
    }

    /// A direct call brought an order, or what was refused as one.
    pub fn record_order(&mut self, order: Intake) {
        self.direct.push(order);
    }

    /// An order came again with other content.
    pub const fn record_conflict(&mut self) {
        self.conflicts = self.conflicts.saturating_add(1);
    }

    /// TLS failed, so nothing was sent.
    pub const fn record_tls_failure(&mut self) {
        self.tls_failures = self.tls_failures.saturating_add(1);
    }

    /// The network asked for a pause.
    pub const fn record_throttled(&mut self) {
        self.throttled = self.throttled.saturating_add(1);
    }

    /// So many deliveries are polled.
    pub const fn record_tracked(&mut self, count: u64) {
        self.tracked = Some(count);
    }

    /// The network is known to be paused, or known not to be.
    pub const fn record_paused(&mut self, paused: bool) {
        self.paused = Some(paused);
    }

    /// The documents to be written, each a line of its own; none if nothing was measured. All are
    /// in the first one but for what needs another value of a dimension, or more room.
    #[must_use]
    pub fn documents(&self, stack: &str, network: &str, now: Timestamp) -> Vec<Value> {
        let mut latencies = self.latencies.chunks(MOST_VALUES);
        let mut failed = self.failed.chunks(MOST_VALUES);
        let mut unsent = self.rejections().into_iter();
        let mut outcomes = self.outcomes.iter();
        let mut at_risk = self.at_risk.iter();
        let mut once = Some(self.counts());
        let mut documents = Vec::new();
        loop {
            let mut document = Document::default();
            document.add(Metric::AttemptLatency, latencies.next().map(|values| json!(values)));
            document.add(Metric::AttemptFailed, failed.next().map(|values| json!(values)));
            if let Some((reason, values)) = unsent.next() {
                document.add(Metric::RejectedUnsent, Some(json!(values)));
                document.also_by(Metric::RejectedUnsent, "Reason", reason);
            }
            for (metric, value) in once.take().into_iter().flatten() {
                document.add(metric, value);
            }
            if let Some((outcome, count)) = outcomes.next() {
                document.add_by(Metric::Outcomes, outcome, json!(count));
            }
            if let Some((currency, sum)) = at_risk.next() {
                document.add_by(Metric::AmountAtRisk, currency, number(*sum));
            }
            match document.finish(stack, network, now) {
                Some(document) => documents.push(document),
                None => break,
            }
        }
        documents.extend(self.direct.iter().flat_map(|order| order.documents(stack, now)));
        documents
    }

    /// The values of `RejectedUnsent`: 0 for each order that was sent, and 1 for each rejected one, by
    /// its reason.
    fn rejections(&self) -> Vec<(Option<&str>, Vec<u8>)> {
        let rejected = self.rejected_unsent.iter();
        let rejected =
            rejected.map(|(reason, count)| (reason.as_ref().map(Reason::as_str), 1, *count));
        let all = std::iter::once((None, 0, self.orders_sent)).chain(rejected);
        let chunks = all.flat_map(|(reason, value, count)| {
            let starts = (0..count).step_by(MOST_VALUES);
            starts.map(move |start| (reason, vec![value; MOST_VALUES.min(count - start)]))
        });
        chunks.collect()
    }

    fn counts(&self) -> [(Metric, Option<Value>); 9] {
        let count = |count: u32| (count > 0).then(|| json!(count));
        [
            (Metric::UnresolvedAge, self.oldest.map(|age| json!(age.as_secs()))),
            (Metric::SilentRefusals, count(self.silent_refusals)),
            (Metric::UnclearRefusals, count(self.unclear_refusals)),
            (Metric::UnconfirmedHeld, count(self.held)),
            (Metric::Paused, self.paused.map(|paused| json!(u8::from(paused)))),
            (Metric::Throttled, count(self.throttled)),
            (Metric::Conflicts, count(self.conflicts)),
            (Metric::TlsFailures, count(self.tls_failures)),
            (Metric::TrackedLeads, self.tracked.map(|count| json!(count))),
        ]
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
