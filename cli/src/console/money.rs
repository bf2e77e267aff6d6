//! Money by month and network, as far as the ledger knows.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use super::{
    Console, Page,
    layout::{Sheet, failure, how_much, page, thousands},
    report,
    survey::Survey,
};
use crate::money::{COLUMNS, csv};

pub(super) async fn show(State(console): State<Arc<Console>>) -> Response {
    let reading = console.survey.look(&console).await;
    let body = html! {
        p {
            "By the month in which an order was first seen. Validated, to be validated and turned down are parts of what \
             was reported, by the validating call or the network's status. \"To claim back\" came back after it was \
             approved or, where nothing is validated, was cancelled or refunded after it was reported; once a person has \
             acknowledged it, it is \"Claimed back\". What a network pays is in its report alone, which is compared below."
        }
        @if !reading.value.money.is_empty() { (table(&reading.value)) }
        @else if reading.ended_at.is_some() { p { "The ledger holds no money." } }
        @if let Some(line) = reading.read.unclaimed.line() { p.quiet { (line) } }
        ul.links { li { a href="/money.csv" { "Download as CSV" } } }
        (how_much(&console, &reading, "/money"))
        (report::form(&console))
        (report::comparisons(&console))
    };
    page(&console, &Sheet { title: "Money", at: "/money", refresh: reading.goes_on(), body })
}

fn table(survey: &Survey) -> Markup {
    html! { div.scroll tabindex="0" role="group" aria-label="Table" { table {
        caption { "Money by month, network and currency; in brackets the number of deliveries" }
        thead { tr {
            th scope="col" { "Month" } th scope="col" { "Network" } th scope="col" { "Currency" }
            @for (name, _) in COLUMNS { th.number scope="col" { (name) } }
        } }
        tbody { @for (month, money) in survey.money.iter().rev() { tr {
            td { time { (month.month) } } td { (month.network) } td { (month.currency) }
            @for (_, sum) in COLUMNS {
                @let sum = sum(money);
                td.number { @if sum.count > 0 { (sum.amount(&month.currency)) " (" (thousands(sum.count)) ")" } @else { "–" } }
            }
        } } }
    } } }
}

pub(super) async fn download(State(console): State<Arc<Console>>) -> Page {
    let reading = console.survey.whole(&console).await.map_err(|it| failure(&console, &it))?;
    let mut file = csv(&reading.value.money);
    file.extend(reading.read.last_lines());
    Ok(attachment("money.csv", file))
}

/// A file to be kept.
pub(super) fn attachment(name: &str, content: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let kind = "text/csv; charset=utf-8".to_owned();
    ([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)], content).into_response()
}
