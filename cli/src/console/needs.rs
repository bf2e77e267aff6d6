//! What needs a person: one card for each network and reason.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use maud::{Markup, html};
use postback_core::clock::Timestamp;

use super::{
    Console,
    explain::to_do,
    layout::{Sheet, how_much, page, thousands, time},
    lock,
    orders::link,
    pauses, runbook,
};
use crate::{
    status::{Need, needs},
    view::{age, visible},
};

pub(super) async fn show(State(console): State<Arc<Console>>) -> Response {
    let (reading, watched) =
        tokio::join!(console.needs.look(&console), console.watching.look(&console));
    let mut counted = reading.value.clone();
    let (read, now) = (&reading.read, console.now());
    let needs = match &watched {
        Ok(watched) => {
            watched.count(&console.account, &mut counted);
            needs(&counted, &watched.alarms, &watched.mappings, read, now)
        }
        Err(_) => needs(&counted, &[], &[], read, now),
    };
    let goes_on = reading.goes_on();
    let is_seen = watched.as_ref().is_ok_and(|watched| watched.pauses_unread.is_none());
    let is_calm = needs.is_empty() && is_seen && reading.ended_at.is_some();
    let since = {
        let mut since = lock(&console.calm_since);
        if is_calm {
            *since = since.or(Some(now));
        } else if !needs.is_empty() {
            *since = None;
        }
        *since
    };
    let body = html! {
        @if let Some(since) = since.filter(|_| is_calm) {
            div.calm { p {
                strong { "Nothing needs you." }
                " This console has seen nothing that does since " (time(&console, since)) "."
            } }
        }
        @if let Err(failure) = &watched {
            p role="alert" {
                "Alarms, queues and dead letters are not shown: " (failure.to_string())
            }
        }
        @if let Ok(watched) = &watched { (pauses::unread(watched)) }
        @for need in &needs { (card(&console, need, now)) }
        (how_much(&console, &reading, "/"))
    };
    page(&console, &Sheet { title: "What needs me", at: "/", refresh: goes_on, body })
}

/// The title of a need, for its deliveries and without.
fn title(need: &Need) -> String {
    let Need { subject, what, code, .. } = need;
    match *code {
        "alarm" => format!("Alarm {subject}"),
        _ => format!("{subject}: {what}"),
    }
}

fn card(console: &Console, need: &Need, now: Timestamp) -> Markup {
    let networks = console.account.networks();
    let runbook = Some(&need.subject).filter(|_| need.code == "alarm");
    let runbook = runbook.and_then(|alarm| runbook::section(alarm, &networks));
    html! {
        section.card {
            h2 { (console.zone.line(&visible(&title(need)))) }
            @if let Some(group) = &need.deliveries {
                dl.facts {
                    div { dt { "Deliveries" } dd { (thousands(group.sum.count)) } }
                    div { dt { "Money" } dd { (group.sum.money()) } }
                    div { dt { "Oldest" } dd { (age(now.since(group.first_seen_at))) } }
                    div { dt { "First seen" } dd { (time(console, group.first_seen_at)) } }
                    div { dt { "Last seen" } dd { (time(console, group.last_seen_at)) } }
                }
            }
            @if let Some(section) = &runbook { (runbook::shown(section)) }
            @else { p { (to_do(need.code)) } }
            p.quiet { "On the command line: " code { (need.command) } }
            (links(console, need))
        }
    }
}

fn links(console: &Console, need: &Need) -> Markup {
    let network = ("network", need.subject.as_str());
    // The bus is no network: its letters are those of none.
    let letters = ("network", if need.subject == "bus" { "" } else { network.1 });
    let reason = ("reason", need.reason.as_deref().unwrap_or_default());
    let list = match need.code {
        "held" => Some(vec![("which", "held"), network, reason]),
        "validation" => Some(vec![("which", "validations"), network, reason]),
        "claim_back" => Some(vec![("which", "claim-back"), network]),
        "parked" => Some(vec![("which", "parked"), network, reason]),
        "unclear_refusal" => Some(vec![("which", "unclear"), network, reason]),
        "unwatched" => Some(vec![("which", "unwatched"), network, reason]),
        "conflict" => Some(vec![("which", "conflicts"), network]),
        _ => None,
    };
    html! {
        ul.links {
            @if let Some(query) = &list {
                li { a href=(link("/orders", query)) { "See them" } }
                @if console.writes {
                    li { a href=(link("/decide", query)) { "Decide about them" } }
                }
            }
            @if need.code == "claim_back" { li { a href="/money" { "See the money" } } }
            @if need.code == "paused" { li { a href="/networks" { "Resume it with the networks" } } }
            @if need.code == "unwatched" { li { a href=(link("/replay", &[network])) { "Replay" } } }
            @if need.code == "dead_letters" { li { a href=(link("/letters", &[letters])) { "See the letters" } } }
            @if need.code == "status_letters" { li { a href=(link("/letters", &[network, ("status", "1")])) { "See the messages" } } }
            @if need.code == "faulty_orders" { li { a href="/letters" { "See the orders" } } }
        }
    }
}
