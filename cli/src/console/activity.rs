//! Who decided, replayed and paused what, and why.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use maud::{Markup, html};

use super::{
    Console,
    layout::{Sheet, how_much, id, page, time},
    orders::link,
    pauses, replays,
    survey::Decided,
    watching::in_time,
};
use crate::{pause, replay, view::word};

pub(super) async fn show(State(console): State<Arc<Console>>) -> Response {
    let (mut reading, changes, replays) = tokio::join!(
        console.survey.look(&console),
        pause::history(&console.account),
        in_time("EventBridge", "ListReplays", replay::history(&console.account)),
    );
    reading.value.sort();
    let decisions = &reading.value.decisions;
    let body = html! {
        p {
            "The decisions of people, as the ledger keeps them: the latest 500, and of each network's pauses the \
             latest 10. Then the latest 20 replays of the archive, as EventBridge keeps them. Redrives change no \
             delivery and leave no trace; CloudTrail has them."
        }
        @if !decisions.is_empty() { div.scroll tabindex="0" role="group" aria-label="Table" { table {
            caption { "Decisions, the latest first" }
            thead { tr {
                th scope="col" { "When" } th scope="col" { "Order" } th scope="col" { "Network" }
                th scope="col" { "Decision" } th scope="col" { "Why" } th scope="col" { "By" }
            } }
            tbody { @for decided in decisions { (row(&console, decided)) } }
        } } }
        @else if reading.ended_at.is_some() { p { "Nobody has decided anything." } }
        (pauses::history(&console, &changes))
        (replays::history(&console, &replays))
        (how_much(&console, &reading, "/activity"))
    };
    let refresh = reading.goes_on();
    page(&console, &Sheet { title: "Who did what", at: "/activity", refresh, body })
}

fn row(console: &Console, decided: &Decided) -> Markup {
    html! { tr {
        td { (time(console, decided.at)) }
        td.id { a href=(link("/order", &[("id", &decided.order_id)])) { (id(&decided.order_id)) } }
        td { (id(&decided.delivery)) }
        td { (word(&decided.decision).replace('_', " ")) ", attempt " (decided.attempt) }
        td {
            (decided.why)
            @if let Some(report) = &decided.evidence { " (by the report " span.id { (report) } ")" }
        }
        td.id { (decided.by) }
    } }
}
