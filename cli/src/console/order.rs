//! An order: a lane for each network, and what is known, comes next and can be done.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    response::Response,
};
use maud::{Markup, html};
use postback_core::{
    clock::Timestamp,
    delivery::{Decision, PartialView, Record},
};
use postback_runtime::ledger::{UNCLAIMED_PREFIX, UnclaimedOrder};

use super::{
    Console, Page,
    explain::{explain, to_do},
    layout::{Sheet, failure, id, key, page, time},
    orders::{Pairs, link, money, state, value},
    pauses,
    plot::{lane, marks},
};
use crate::{
    failure::Failure,
    pause::{self, PauseView},
    settle::check_open,
    view::{Wait, clear, pairs, reason, story::no_longer_kept, validation_facts, visible, waits},
};

/// The most bytes of a key of `DynamoDB`, which takes a query for a longer one as a mistake.
const MOST_KEY_BYTES: usize = 2_048;

/// The deliveries of an order, and those that this version can't read. Of what can be no order's id
/// there are none.
pub(super) async fn deliveries(
    console: &Console,
    order_id: &str,
) -> Result<(Vec<Record>, Vec<PartialView>), Failure> {
    if order_id.is_empty() || order_id.len() > MOST_KEY_BYTES {
        return Ok((Vec::new(), Vec::new()));
    }
    let found = console.account.ledger.readable_of_order(order_id).await;
    found.map_err(console.account.ledger_failed("Query"))
}

/// The order, if it concerned no network.
pub(super) async fn concerned_no_network(
    console: &Console,
    order_id: &str,
) -> Result<Option<UnclaimedOrder>, Failure> {
    if order_id.is_empty() || UNCLAIMED_PREFIX.len() + order_id.len() > MOST_KEY_BYTES {
        return Ok(None);
    }
    let order = console.account.ledger.unclaimed(order_id).await;
    order.map_err(console.account.ledger_failed("Query"))
}

pub(super) async fn show(State(console): State<Arc<Console>>, Query(query): Query<Pairs>) -> Page {
    let failed = |it| failure(&console, &it);
    let order_id = value(&query, "id");
    let (records, others) = deliveries(&console, order_id).await.map_err(failed)?;
    if records.is_empty() && others.is_empty() {
        return unclaimed(&console, order_id).await.map_err(failed);
    }
    let pauses = pause::over(&console.account, &records).await.map_err(failed)?;
    let now = console.now();
    let body = html! {
        p.quiet {
            "The ledger keeps states, times, amounts and the networks' ids. It keeps no request, no answer and \
             nothing personal: the order's content is in the bus's archive, if it came over the bus."
        }
        @for record in &records {
            (delivery(&console, record, pause::of_delivery(&pauses, record), others.is_empty(), now))
        }
        @for other in &others { (unreadable(&console, other)) }
        p.quiet { "On the command line: " code { "postback orders show " (id(order_id)) } }
    };
    let title = format!("Order {}", visible(order_id));
    Ok(page(&console, &Sheet { title: &title, at: "/orders", refresh: false, body }))
}

/// An order that concerned no network.
async fn unclaimed(console: &Console, order_id: &str) -> Result<Response, Failure> {
    let order = concerned_no_network(console, order_id).await?;
    let order = order.ok_or_else(|| Failure::UnknownOrder { order_id: order_id.to_owned() })?;
    let clicks = if order.clicks.is_empty() { "none".to_owned() } else { order.clicks.join(", ") };
    let body = html! {
        section.card {
            h2 { "It concerned no network" }
            dl.facts {
                div { dt { "Amount" } dd { (order.amount) " " (order.currency) } }
                div { dt { "Sender" } dd { (order.source) } }
                div { dt { "Accepted" } dd { (time(console, order.accepted_at)) } }
                div { dt { "Clicks" } dd { (visible(&clicks)) } }
            }
            p { (to_do("unclaimed")) }
        }
        p.quiet { "On the command line: " code { "postback orders show " (id(order_id)) } }
    };
    let title = format!("Order {}", visible(order_id));
    Ok(page(console, &Sheet { title: &title, at: "/orders", refresh: false, body }))
}

/// A delivery; `whole` says that this version can read all of its order, and decide about it.
fn delivery(
    console: &Console,
    record: &Record,
    pause: Option<&PauseView>,
    whole: bool,
    now: Timestamp,
) -> Markup {
    let protocol = &record.protocol;
    let explained = explain(record, pause.is_some());
    let marks = marks(record, now);
    let references = pairs(&record.references);
    html! {
        section.card {
            h2 { (visible(&record.delivery)) ": " (state(protocol.state)) }
            @if let Some(pause) = pause { (pauses::line(console, pause)) }
            dl.facts {
                div { dt { "Reason or proof" } dd { (reason(record)) } }
                div { dt { "Amount" } dd { (money(record)) } }
                @if !protocol.refunds.is_empty() { div { dt { "Refunded" } dd { (clear(protocol.refunds.sum())) } } }
                @for (name, text) in validation_facts(record) { div { dt { (sentence(name)) } dd { (console.zone.line(&text)) } } }
                div { dt { "First seen" } dd { (time(console, protocol.first_seen_at)) } }
                div { dt { "Last change" } dd { (time(console, record.updated_at)) } }
                @if let Some(source) = &record.source { div { dt { "Came from" } dd { (source) } } }
                div { dt { "Attempt" } dd { (protocol.attempt) } }
                div { dt { "In doubt" } dd { @if protocol.in_doubt() { "yes" } @else { "no" } } }
                @for Wait { name, at, bound } in waits(record) {
                    div { dt { (sentence(name)) @if !bound.is_empty() { ", " (bound) } } dd { (time(console, at)) } }
                }
                @if !references.is_empty() { div { dt { "The network's ids" } dd { (references) } } }
            }
            dl.facts.wide {
                div { dt { "Why" } dd { (explained.why) } }
                div { dt { "What happens next by itself" } dd { (explained.next) } }
                div { dt { "What a person can do" } dd { (explained.person) } }
                @if record.has_open_conflict() { div { dt { "Other content" } dd { (to_do("conflict")) } } }
            }
            (lane(&marks, &visible(&record.delivery), console.zone))
            p.legend { "● attempt that failed, ○ attempt that passed, □ the network, ▲ a person or the shop" }
            div.scroll tabindex="0" role="group" aria-label="Table" { table {
                caption { "Everything that is kept of it" }
                thead { tr { th scope="col" { "When" } th scope="col" { "Kind" } th scope="col" { "What" } } }
                tbody { @for mark in &marks { tr {
                    td { (time(console, mark.at)) } td { (mark.shape.name()) } td { (mark.text) }
                } } }
            } }
            @for text in no_longer_kept(record) { p.quiet { (text) "." } }
            @if whole { (decisions(console, record)) }
        }
    }
}

/// Words with a capital letter.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A delivery that this version can't read, with the parts that it can.
fn unreadable(console: &Console, other: &PartialView) -> Markup {
    let line = other.line.as_ref().map(|line| format!("#{line}")).unwrap_or_default();
    html! {
        section.card {
            h2 { (visible(&other.network)) (visible(&line)) ": " (other.state.as_deref().unwrap_or("state unknown")) }
            p role="alert" {
                "This version can't read it (format " (other.format) "), and decides nothing about this order. "
                (to_do("unreadable_items"))
            }
            dl.facts {
                @if let Some(reason) = &other.reason { div { dt { "Reason" } dd { (reason.to_string()) } } }
                @if let Some(attempt) = other.attempt { div { dt { "Attempt" } dd { (attempt) } } }
                @if let Some(at) = other.first_seen_at { div { dt { "First seen" } dd { (time(console, at)) } } }
                @if let Some(at) = other.updated_at { div { dt { "Last change" } dd { (time(console, at)) } } }
            }
        }
    }
}

/// The decisions, with the words of a form.
pub(super) const DECISIONS: [(Decision, &str, &str); 5] = [
    (Decision::Confirm, "confirm", "The network has it"),
    (Decision::PermitSending, "permit", "Send it again"),
    (Decision::Abandon, "abandon", "Give it up: nobody will find out"),
    (Decision::Reopen, "reopen", "Take the last decision back"),
    (
        Decision::Acknowledge,
        "acknowledge",
        "It was dealt with: other content, an unclear refusal, or money to claim back",
    ),
];

/// The words of a decision, which are others about a validation than about a delivery.
pub(super) fn words(
    decision: Decision,
    of_delivery: &'static str,
    is_validation: bool,
) -> &'static str {
    match decision {
        Decision::Confirm if is_validation => "The network has validated it",
        Decision::PermitSending if is_validation => "Permit a call",
        _ => of_delivery,
    }
}

fn decisions(console: &Console, record: &Record) -> Markup {
    let open: Vec<_> = DECISIONS
        .into_iter()
        .filter(|(decision, ..)| check_open(record, *decision).is_ok())
        .collect();
    let why = format!("why-{}", record.delivery);
    let is_validation = record.is_validation();
    // A list has no validations but those that wait for a person.
    let which = if is_validation { "validations" } else { record.protocol.state.as_str() };
    html! {
        @if !open.is_empty() && !console.writes {
            p.quiet { "To decide about it, start the console with " code { "--write" } "." }
        } @else if !open.is_empty() {
            form.act action="/decide/preview" method="post" {
                (key(console))
                input type="hidden" name="order" value=(record.order_id);
                input type="hidden" name="delivery" value=(record.delivery);
                input type="hidden" name="attempt" value=(record.protocol.attempt);
                input type="hidden" name="conflicts" value=(record.conflicts.count());
                @if let Some(back) = record.came_back() { input type="hidden" name="came_back" value=(back.amount); }
                input type="hidden" name="decisions" value=(record.protocol.decisions);
                fieldset {
                    legend { "Decide about attempt " (record.protocol.attempt) }
                    @for (at, (decision, word, label)) in open.iter().enumerate() {
                        label.check { input type="radio" name="decision" value=(word) required checked[at == 0]; (words(*decision, label, is_validation)) }
                    }
                    @if !is_validation { div { label.check { input type="checkbox" name="from_archive" value="1"; "Bring the order from the archive, to send it again" } } }
                    label for=(why) { "Why, in one line without customer data" }
                    input id=(why) name="why" required maxlength="200" autocomplete="off";
                }
                button type="submit" { "Preview the decision" }
            }
        }
        p.quiet { a href=(link("/orders", &[("network", record.network()), ("which", which)])) { "Others like it" } }
    }
}
