//! The checks that hold for any network.

use postback_core::{
    delivery::{Attempt, Verdict},
    fields::UnknownFields,
    http::Answer,
    network::{Classification, Network, Plan, configure},
    order::Order,
};
use serde_json::Value;

use crate::{NOW, report};

mod answers;
mod orders;
mod requests;

/// The facts that a network's crate gives the suite.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Its settings, with a canary for each secret.
    pub settings: Value,
    /// Other settings, as different as they can be for the same deliveries to be sent.
    pub other_settings: Value,
    /// A whole order that concerns it, with a canary for each personal datum and a click.
    pub order: Value,
    /// Secrets and personal data, the click id among them: what may stand in the request and
    /// nowhere else. Each at least 6 characters and part of no other word.
    pub canaries: &'a [&'a str],
    /// The names of the facts by which its content is recognised, in order.
    pub facts: &'a [&'a str],
    /// Those of [`Self::other_settings`] that scope the network's memory.
    pub scoped_by: &'a [&'a str],
    /// The query parameters that are credentials, with their values.
    pub credentials: &'a [(&'a str, &'a str)],
    /// The member of the order without which it does not concern the network, as a JSON pointer.
    pub concern: &'a str,
    /// The reason of the skip without [`Self::concern`].
    pub without: &'a str,
    /// True if it ever confirms. If not, an answer that says nothing may be accepted.
    pub confirms: bool,
    /// The folder of its answers.
    pub answers: &'a str,
}

/// Checks what holds for any network: requests, transport, noise, redaction, content, clicks.
///
/// # Panics
/// If something does not hold, naming all of it.
pub fn conforms<N: Network>(subject: &Subject<'_>) {
    let network = configured::<N>(&subject.settings);
    let order = order(&subject.order);
    let reports = reports(&network, &order);
    assert!(!reports.is_empty(), "the order does not concern the network");
    let bench = Bench { network, reports, subject };

    let checks: [(&str, Check<'_, N>); 9] = [
        ("requests", Bench::requests_are_well_formed),
        ("transport", Bench::the_transport_is_read_alike),
        ("redirects", Bench::a_redirect_is_parked_whatever_its_body_says),
        ("noise", Bench::nothing_is_delivered_from_noise),
        ("redaction", Bench::nothing_panics_and_nothing_is_given_away),
        ("content", Bench::the_content_is_the_orders_alone),
        ("scope", Bench::the_scope_is_of_the_named_settings),
        ("concern", Bench::orders_without_concern_are_skipped),
        ("clicks", Bench::clicks_are_checked),
    ];
    let mut faults = Vec::new();
    for (name, check) in checks {
        let mut found = Vec::new();
        check(&bench, &mut found);
        found.dedup();
        let more = found.len().saturating_sub(MOST);
        faults.extend(found.into_iter().take(MOST).map(|fault| format!("{name}: {fault}")));
        faults.extend((more > 0).then(|| format!("{name}: and {more} more")));
    }
    report(N::NAME, &faults);
}

/// The number of faults of one kind that are named.
const MOST: usize = 40;

type Check<'a, N> = fn(&Bench<'a, N>, &mut Vec<String>);

struct Bench<'a, N: Network> {
    network: N,
    reports: Vec<N::Report>,
    subject: &'a Subject<'a>,
}

impl<N: Network> Bench<'_, N> {
    fn classify(&self, answer: &Answer, attempt: &Attempt) -> Classification {
        self.network.verdict(&self.reports[0], answer, attempt)
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        self.classify(answer, &Attempt::first(NOW)).verdict
    }

    fn canary_in(&self, text: &str) -> Option<&str> {
        self.subject.canaries.iter().copied().find(|canary| text.contains(canary))
    }
}

fn configured<N: Network>(settings: &Value) -> N {
    let configured = configure::<N>(&settings.to_string());
    configured.unwrap_or_else(|faults| panic!("the settings are refused: {faults:?}"))
}

fn order(value: &Value) -> Order {
    let order = Order::from_json(value, UnknownFields::Deny);
    order.unwrap_or_else(|faults| panic!("the order is refused: {faults:?}"))
}

fn reports<N: Network>(network: &N, order: &Order) -> Vec<N::Report> {
    match network.plan(order) {
        Plan::Send(parts) => parts.into_iter().map(|part| part.report).collect(),
        Plan::Skip(_) | Plan::Reject(_) => Vec::new(),
    }
}
