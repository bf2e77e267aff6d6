//! Each network: its last hour and day, alarms, money that is open or in doubt.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{extract::State, response::Response};
use futures_util::future::join_all;
use maud::{Markup, html};
use postback_core::delivery::State as Word;
use postback_runtime::ledger::ALL_NETWORKS;

use super::{
    Console,
    circuits::{self, OpenCircuit},
    layout::{self, Sheet, how_much, page, thousands},
    orders::{link, state},
    pauses, plot,
    survey::{HOURS, Traffic},
    watching::in_time,
};
use crate::{account::Network, failure::Failure, list::Sum, watch::Watched};

/// The open circuits of a network, or why they are not known.
type Circuits = Result<Vec<OpenCircuit>, Failure>;

pub(super) async fn show(State(console): State<Arc<Console>>) -> Response {
    let (reading, watched) =
        tokio::join!(console.survey.look(&console), console.watching.look(&console));
    let deployed = console.account.networks();
    let circuits = circuits_of(&console, &deployed, watched.as_ref().ok()).await;
    let names = deployed.iter().map(|network| network.name.as_str());
    let names: BTreeSet<_> =
        names.chain(reading.value.networks.keys().map(String::as_str)).collect();
    let (none, is_whole) = (Traffic::default(), reading.ended_at.is_some());
    let body = html! {
        @if let Err(failure) = &watched {
            p role="alert" { "Alarms and dead letters are not shown: " (failure.to_string()) }
        }
        @if let Ok(watched) = &watched {
            (pauses::unread(watched))
            (pauses::state(&console, ALL_NETWORKS, &watched.pauses))
        }
        @for name in names {
            @let traffic = reading.value.networks.get(name).unwrap_or(&none);
            @let network = deployed.iter().find(|network| network.name == name);
            (card(&console, name, network, (traffic, is_whole), watched.as_ref().ok(), circuits.get(name)))
        }
        (how_much(&console, &reading, "/networks"))
    };
    let refresh = reading.goes_on();
    page(&console, &Sheet { title: "Networks", at: "/networks", refresh, body })
}

/// The open circuits of the networks whose alarm says that there are any.
async fn circuits_of<'a>(
    console: &Console,
    deployed: &'a [Network],
    watched: Option<&Watched>,
) -> BTreeMap<&'a str, Circuits> {
    let is_paused = |network: &&Network| {
        let alarm = format!("{}PausedAlarm", network.prefix);
        let mut alarms = watched.iter().flat_map(|watched| &watched.alarms);
        alarms.any(|on| on.is_on && on.logical == alarm)
    };
    let reading = deployed.iter().filter(is_paused).map(async |network| {
        let name = network.name.as_str();
        let open = circuits::of(&console.account, name, console.now());
        (name, in_time("CloudWatch Logs", "FilterLogEvents", open).await)
    });
    join_all(reading).await.into_iter().collect()
}

fn card(
    console: &Console,
    name: &str,
    network: Option<&Network>,
    (traffic, is_whole): (&Traffic, bool),
    watched: Option<&Watched>,
    circuits: Option<&Circuits>,
) -> Markup {
    let (passed, failed) = traffic.ended[HOURS - 1];
    let time = |percent| {
        traffic.time_of(percent).map_or_else(|| "–".to_owned(), |time| format!("{time} ms"))
    };
    let letters = watched.and_then(|watched| {
        watched.dead_letters.iter().find(|(network, _)| network == name).map(|(_, count)| *count)
    });
    html! {
        section.card {
            h2 { (name) }
            @if network.is_none() { p.quiet { "This stack has no such network: its deliveries are of an earlier deployment." } }
            (alarms(console, network, watched))
            @if let Some(circuits) = circuits { (circuits::shown(console, circuits)) }
            @if let Some(watched) = watched.filter(|_| network.is_some()) {
                (pauses::state(console, name, &watched.pauses))
            }
            dl.facts {
                div { dt { "First seen, last hour" } dd { (thousands(traffic.arrived[HOURS - 1])) } }
                div { dt { "Reported, last hour" } dd { (thousands(passed)) } }
                div { dt { "Other attempts, last hour" } dd { (thousands(failed)) } }
                div { dt { "Half of these attempts within" } dd { (time(50)) } }
                div { dt { "99 % of these attempts within" } dd { (time(99)) } }
                div { dt { "Open" } dd { (sum(&traffic.open)) } }
                div { dt { "In doubt" } dd { (sum(&traffic.in_doubt)) } }
                div { dt { "To be validated" } dd { (sum(&traffic.unvalidated)) } }
                @if let Some(letters) = letters {
                    div { dt { "Dead letters" } dd {
                        @if letters > 0 { a href=(link("/letters", &[("network", name)])) { (thousands(letters)) } }
                        @else { "0" }
                    } }
                }
            }
            (plot::hours(traffic))
            @if !traffic.results.is_empty() { (results(name, traffic)) }
            @else if is_whole { p.quiet { "Nothing changed in the last 24 hours." } }
        }
    }
}

fn alarms(console: &Console, network: Option<&Network>, watched: Option<&Watched>) -> Markup {
    let prefix = network.map_or("", |network| network.prefix.as_str());
    let on = watched
        .iter()
        .flat_map(|watched| &watched.alarms)
        .filter(|alarm| !prefix.is_empty() && alarm.is_on && alarm.logical.starts_with(prefix));
    html! { @for alarm in on { p.reading {
        strong { "Alarm on: " } (alarm.logical)
        @if let Some(since) = alarm.since { " since " (layout::time(console, since)) }
        @if alarm.logical.ends_with("PausedAlarm") { ". The network refuses the settings or does not answer: orders wait, unsent." }
    } } }
}

fn sum(sum: &Sum) -> String {
    let (count, money) = (thousands(sum.count), sum.money());
    if money.is_empty() { count } else { format!("{count}: {money}") }
}

fn results(name: &str, traffic: &Traffic) -> Markup {
    html! { div.scroll tabindex="0" role="group" aria-label="Table" { table {
        caption { "Deliveries to " (name) " whose state was reached in the last 24 hours" }
        thead { tr { th scope="col" { "State" } th scope="col" { "Reason" } th.number scope="col" { "Deliveries" } th.number scope="col" { "Money" } } }
        tbody { @for ((word, reason), counted) in &traffic.results { (row(name, *word, reason.as_deref(), counted)) } }
    } } }
}

fn row(name: &str, word: Word, reason: Option<&str>, sum: &Sum) -> Markup {
    let mut query = vec![("network", name), ("which", word.as_str()), ("since", "24h")];
    query.extend(reason.map(|reason| ("reason", reason)));
    html! { tr {
        td { (state(word)) }
        td { a href=(link("/orders", &query)) { (reason.unwrap_or("all of this state")) } }
        td.number { (thousands(sum.count)) }
        td.number { (sum.money()) }
    } }
}
