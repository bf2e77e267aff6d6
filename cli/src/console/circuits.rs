//! The instances of a network whose circuit breaker is open, from what they have logged.

use std::{collections::BTreeMap, time::Duration};

use maud::{Markup, html};
use postback_core::clock::Timestamp;
use serde::Deserialize;

use super::{Console, layout};
use crate::{
    account::{Account, failed},
    failure::Failure,
    logs,
};

/// The time for which a log is looked through. An instance seldom lives longer.
const SPAN: Duration = Duration::from_hours(6);
/// The lines about a circuit breaker.
const LINES: &str = r#"{ $.code = "network_paused" || $.code = "network_resumed" }"#;

/// An instance that sends nothing for now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OpenCircuit {
    reason: String,
    since: Timestamp,
}

/// A line about a circuit breaker.
#[derive(Deserialize)]
struct Line {
    code: String,
    #[serde(default)]
    reason: String,
}

/// What an instance logged last: the time, and the reason if its circuit breaker opened.
type Last = (Timestamp, Option<String>);

/// Reads the log of a network to its end.
pub(super) async fn of(
    account: &Account,
    network: &str,
    now: Timestamp,
) -> Result<Vec<OpenCircuit>, Failure> {
    let resources = account.resources().await?;
    let Some(group) = logs::group_of(&account.place.stack, &resources, network) else {
        return Ok(Vec::new());
    };
    let client = aws_sdk_cloudwatchlogs::Client::new(&account.place.config);
    let events = client.filter_log_events().log_group_name(group).filter_pattern(LINES);
    let events = events.start_time((now - SPAN).as_millis()).end_time(now.as_millis());
    let mut pages = events.into_paginator().send();
    let mut last = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failed("CloudWatch Logs", "FilterLogEvents", &error))?;
        for event in page.events.unwrap_or_default() {
            let at = Timestamp::from_millis(event.timestamp.unwrap_or_default());
            let instance = event.log_stream_name.unwrap_or_default();
            note(&mut last, instance, at, &event.message.unwrap_or_default());
        }
    }
    Ok(open(last))
}

fn note(last: &mut BTreeMap<String, Last>, instance: String, at: Timestamp, message: &str) {
    let Ok(line) = serde_json::from_str::<Line>(message) else { return };
    let reason = (line.code == "network_paused").then_some(line.reason);
    let noted = last.entry(instance).or_insert((at, None));
    if noted.0 <= at {
        *noted = (at, reason);
    }
}

/// The instances whose last word is that it opened, the longest first.
fn open(last: BTreeMap<String, Last>) -> Vec<OpenCircuit> {
    let open = |(since, reason): Last| Some(OpenCircuit { reason: reason?, since });
    let mut open: Vec<_> = last.into_values().filter_map(open).collect();
    open.sort_by_key(|open| open.since);
    open
}

/// The instances by reason: how many, and since when.
pub(super) fn shown(console: &Console, circuits: &Result<Vec<OpenCircuit>, Failure>) -> Markup {
    let circuits = match circuits {
        Ok(circuits) => circuits,
        Err(failure) => {
            return html! { p role="alert" { "The reason is not shown: " (failure.to_string()) } };
        }
    };
    let mut reasons = BTreeMap::new();
    for circuit in circuits {
        let (count, _) = reasons.entry(&circuit.reason).or_insert((0, circuit.since));
        *count += 1;
    }
    html! { @for (reason, (count, since)) in reasons { p.reading {
        "In the last six hours the circuit opened in " (count) @if count == 1 { " instance" } @else { " instances" }
        ", and was not seen to close: " strong { (reason) } " since " (layout::time(console, since))
    } } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::FakeAws;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_795_255_200_000 + seconds * 1000)
    }

    #[test]
    fn an_instance_counts_by_its_last_word_however_the_lines_are_ordered() {
        let paused = |reason: &str| format!(r#"{{"code":"network_paused","reason":"{reason}"}}"#);
        let resumed = r#"{"code":"network_resumed"}"#.to_owned();
        let mut last = BTreeMap::new();
        for (instance, seconds, message) in [
            ("one", 3, paused("wrong_key")),
            ("two", 2, paused("network_down")),
            ("one", 1, resumed.clone()),
            ("three", 1, paused("network_down")),
            ("three", 4, resumed),
            ("four", 1, "no line of ours".to_owned()),
        ] {
            note(&mut last, instance.to_owned(), at(seconds), &message);
        }

        let wanted = [("network_down", 2), ("wrong_key", 3)];
        let wanted = wanted
            .map(|(reason, seconds)| OpenCircuit { reason: reason.to_owned(), since: at(seconds) });
        assert_eq!(open(last), wanted);
    }

    #[tokio::test]
    async fn the_log_of_a_network_is_read_to_its_end() {
        let aws = FakeAws::start().await;

        let found = of(&aws.account, "net", at(60)).await;

        // Its lines are about attempts.
        assert_eq!(found, Ok(Vec::new()));
        assert_eq!(aws.calls("FilterLogEvents"), 3);
        assert_eq!(of(&aws.account, "unknown", at(60)).await, Ok(Vec::new()));
    }
}
