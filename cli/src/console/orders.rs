//! Orders: found by a search and filters that are in the URL.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    response::{IntoResponse, Redirect},
};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use postback_core::{
    clock::Timestamp,
    delivery::{Record, State as Word},
};

use super::{
    Console, Page,
    layout::{Sheet, counted, failure, how_much, id, page, thousands},
    money::attachment,
    order::{concerned_no_network, deliveries},
};
use crate::{
    list::{Found, csv, validations},
    view::{age, left_out, reason},
};

mod listing;

use listing::WHICH;
pub(super) use listing::{Lists, is_wish, look, wanted, whole};

/// The rows of a file.
const FILE_ROWS: usize = 100_000;

pub(super) type Pairs = Vec<(String, String)>;

/// A path with a query; pairs without a value are left out.
pub(super) fn link(path: &str, pairs: &[(&str, &str)]) -> String {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// The value of a pair; empty if there is none.
pub(super) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.trim()).unwrap_or_default()
}

pub(super) async fn show(State(console): State<Arc<Console>>, Query(pairs): Query<Pairs>) -> Page {
    let failed = |it| failure(&console, &it);
    let sought = value(&pairs, "find");
    if !sought.is_empty() {
        let (records, others) = deliveries(&console, sought).await.map_err(failed)?;
        let is_there = !records.is_empty() || !others.is_empty();
        if is_there || matches!(concerned_no_network(&console, sought).await, Ok(Some(_))) {
            return Ok(Redirect::to(&link("/order", &[("id", sought)])).into_response());
        }
    }
    let wanted = wanted(&pairs).map_err(failed)?;
    let reading = look(&console, &wanted).await.map_err(failed)?;
    let now = console.now();
    let found = &reading.value.found;
    let query = query(&pairs);
    let again = |path| link(path, &query);
    let body = html! {
        (form(&console, &pairs, "/orders"))
        (totals(found))
        @if found.totals.count > 0 { (table(&found.shown, now)) }
        @else if reading.ended_at.is_some() { p { "Nothing matches." } }
        ul.links {
            @if found.totals.count > found.shown.len() {
                li { a href=(more(&query, wanted.list.most())) { "Show more: " (found.shown.len()) " of " (thousands(found.totals.count)) " are shown" } }
            }
            @if found.totals.count > 0 {
                li { a href=(again("/orders.csv")) { "Download as CSV" } }
                @if console.writes { li { a href=(again("/decide")) { "Decide about these" } } }
            }
        }
        (how_much(&console, &reading, &again("/orders")))
    };
    let refresh = reading.goes_on();
    Ok(page(&console, &Sheet { title: "Orders", at: "/orders", refresh, body }))
}

pub(super) fn query(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.trim())).collect()
}

fn more(query: &[(&str, &str)], limit: usize) -> String {
    let limit = (limit * 4).to_string();
    let mut query: Vec<_> = query.iter().copied().filter(|(name, _)| *name != "limit").collect();
    query.push(("limit", &limit));
    link("/orders", &query)
}

/// The count and the money of what was found.
pub(super) fn totals(found: &Found) -> Markup {
    let totals = &found.totals;
    html! {
        p { strong { (super::layout::counted(totals.count, "delivery")) } " " (totals.money()) }
        @if totals.states.len() > 1 {
            p.quiet {
                @for (at, (word, sum)) in totals.states.iter().enumerate() {
                    @if at > 0 { "; " } (word) " " (thousands(sum.count)) " " (sum.money())
                }
            }
        }
    }
}

/// The form of the filters.
pub(super) fn form(console: &Console, pairs: &[(String, String)], path: &str) -> Markup {
    let networks = console.account.networks();
    let networks: Vec<_> = networks.iter().map(|network| network.name.as_str()).collect();
    let states = Word::ALL.map(Word::as_str);
    let which: Vec<_> = WHICH.into_iter().chain(states).collect();
    let text = |name: &'static str, label: &str, hint: &str| {
        html! { div {
            label for=(name) { (label) }
            input id=(name) name=(name) value=(value(pairs, name)) placeholder=(hint) autocomplete="off";
        } }
    };
    let select = |name: &'static str, label: &str, words: &[&str], any: &str| {
        let chosen = value(pairs, name);
        html! { div {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { (any) }
                @for word in words { option value=(word) selected[*word == chosen] { (word) } }
            }
        } }
    };
    html! {
        form.filter action=(path) method="get" role="search" aria-label="Deliveries" {
            (text("find", "Order id, network's id or click", ""))
            (select("network", "Network", &networks, "all"))
            (select("which", "Which", &which, "all"))
            (text("reason", "Reason", ""))
            (text("since", "First seen since", "24h, 7d or 2026-11-21"))
            (text("until", "First seen before", "2h or 2026-11-21"))
            (text("min-amount", "Amount at least", ""))
            (select("sort", "Sorted by", &["age", "amount", "change", "order", "state"], "age"))
            div { button type="submit" { "Find" } }
        }
    }
}

/// A table of deliveries, with what is to be claimed back of them, if anything is.
pub(super) fn table(records: &[Record], now: Timestamp) -> Markup {
    let has_back = records.iter().any(|record| record.open_claim_back().is_some());
    html! { div.scroll tabindex="0" role="group" aria-label="Table" { table {
        caption { (counted(records.len(), "row")) }
        thead { tr {
            th scope="col" { "Order" } th scope="col" { "Network" } th scope="col" { "State" }
            th scope="col" { "Reason" } th.number scope="col" { "Age" } th.number scope="col" { "Amount" }
            @if has_back { th.number scope="col" { "To claim back" } }
        } }
        tbody { @for record in records { tr {
            td.id { a href=(link("/order", &[("id", &record.order_id)])) { (id(&record.order_id)) } }
            td { (id(&record.delivery)) }
            td { (state(record.protocol.state)) }
            td { (reason(record)) }
            td.number { (age(now.since(record.protocol.first_seen_at))) }
            td.number { (money(record)) }
            @if has_back { td.number { @if let Some(back) = record.open_claim_back() { (back) } @else { "–" } } }
        } } }
    } } }
}

pub(super) fn money(record: &Record) -> String {
    let money = record.money().map(|(amount, currency)| format!("{amount} {currency}"));
    money.unwrap_or_default()
}

/// The word of a state, coloured.
pub(super) fn state(state: Word) -> Markup {
    let class = match state {
        Word::Delivered | Word::Accepted => "state good",
        Word::Rejected | Word::Abandoned => "state bad",
        Word::Skipped | Word::Withdrawn => "state",
        _ => "state wait",
    };
    html! { span class=(class) { (state.as_str()) } }
}

pub(super) async fn download(
    State(console): State<Arc<Console>>,
    Query(pairs): Query<Pairs>,
) -> Page {
    let failed = |it| failure(&console, &it);
    let wanted = wanted(&pairs).map_err(failed)?.up_to(FILE_ROWS);
    let reading = whole(&console, &wanted).await.map_err(failed)?;
    let found = &reading.value.found;
    let (validations, partial) =
        validations(&console.account, &found.shown).await.map_err(failed)?;
    let mut file = csv(&found.shown, &validations, console.now());
    for partial in &partial {
        file.extend(format!("{}\n", left_out(partial)).bytes());
    }
    if found.totals.count > found.shown.len() {
        let cut = format!("CUT: {} of {} rows\n", found.shown.len(), found.totals.count);
        file.extend(cut.bytes());
    }
    file.extend(reading.read.last_lines());
    Ok(attachment("orders.csv", file))
}
