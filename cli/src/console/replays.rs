//! A replay of the archive: previewed and started as `orders replay` does.

use std::sync::Arc;

use axum::extract::{Query, State};
use maud::{Markup, html};
use postback_core::redaction::OperatorNote;

use super::{
    Console, Page,
    fields::Fields,
    layout::{Sheet, failure, key, page, time},
    orders::{Pairs, value},
};
use crate::{
    account::Network,
    dry_run::{count, count_table},
    failure::Failure,
    replay::{Past, ReplayTarget},
    span::Span,
};

/// The read units that a preview may spend.
const READ_UNITS: u32 = 20_000;

const TITLE: &str = "Replay";

pub(super) async fn choose(
    State(console): State<Arc<Console>>,
    Query(pairs): Query<Pairs>,
) -> Page {
    let (from, to) = (value(&pairs, "from"), value(&pairs, "to"));
    let network = value(&pairs, "network");
    let preview = if from.is_empty() {
        html! {}
    } else {
        preview(&console, network, from, to).await.map_err(|it| failure(&console, &it))?
    };
    let names = console.account.networks();
    let answer = console.works.answers.of(&pairs);
    let body = html! {
        @if let Some(answer) = answer { (answer) }
        p {
            "Puts the orders of a span of time on their networks' queues again, from the bus's archive. What was \
             reported is not reported again; what was never seen is sent."
        }
        form.filter action="/replay" method="get" {
            div { label for="network" { "Network" } select #network name="network" {
                option value="" { "all" }
                @for one in &names { option value=(one.name) selected[one.name == network] { (one.name) } }
            } }
            div { label for="from" { "From" } input #from name="from" value=(from) required placeholder="24h, 7d or 2026-11-21" autocomplete="off"; }
            div { label for="to" { "To" } input #to name="to" value=(to) placeholder="now" autocomplete="off"; }
            div { button type="submit" { "Preview" } }
        }
        (preview)
    };
    Ok(page(&console, &Sheet { title: TITLE, at: "/replay", refresh: false, body }))
}

fn networks(console: &Console, name: &str) -> Result<Vec<Network>, Failure> {
    if name.is_empty() {
        return Ok(console.account.networks());
    }
    console.account.network(name).map(|network| vec![network])
}

fn span(console: &Console, from: &str, to: &str) -> Result<Span, Failure> {
    Span::parse(from, Some(to).filter(|to| !to.is_empty()), console.now())
}

async fn preview(
    console: &Console,
    network: &str,
    from: &str,
    to: &str,
) -> Result<Markup, Failure> {
    let span = span(console, from, to)?;
    let networks = networks(console, network)?;
    let target = ReplayTarget::find(&console.account, None, &networks).await?;
    let names: Vec<_> = networks.into_iter().map(|network| network.name).collect();
    let (counts, _) = count(&console.account, &names, span, READ_UNITS).await?;
    Ok(html! {
        section.card {
            h2 { "From " (time(console, span.from)) " to " (time(console, span.to)) }
            @if let Some(warning) = target.too_old(span, console.now()) { p role="alert" { (warning) } }
            pre tabindex="0" { (count_table(&counts).join("\n")) }
            @if console.writes {
                form.act action="/replay/run" method="post" {
                    (key(console))
                    input type="hidden" name="network" value=(network);
                    input type="hidden" name="from" value=(span.from.to_string());
                    input type="hidden" name="to" value=(span.to.to_string());
                    label for="why" { "Why, in one line without customer data" }
                    input #why name="why" required maxlength="200" autocomplete="off";
                    button type="submit" { "Replay to " (names.join(", ")) }
                }
            } @else { p.reading { (Failure::ReadOnly.to_string()) } }
        }
    })
}

pub(super) async fn run(State(console): State<Arc<Console>>, fields: Fields) -> Page {
    let answer = started(&console, &fields).await.map_err(|it| failure(&console, &it))?;
    Ok(console.works.answers.redirect(answer, "/replay", &[]))
}

async fn started(console: &Console, fields: &Fields) -> Result<Markup, Failure> {
    let why = OperatorNote::new(fields.get("why")).map_err(Failure::BadReason)?;
    let span = span(console, fields.get("from"), fields.get("to"))?;
    let networks = networks(console, fields.get("network"))?;
    let target = ReplayTarget::find(&console.account, None, &networks).await?;
    let replay = target.start(&console.account, span, &why).await?;
    console.forget();
    Ok(html! {
        p role="status" { "Started: replay " code { (replay) } ". It takes some minutes." }
        ul.links { li { a href="/activity" { "See its progress" } } }
    })
}

/// The latest replays.
pub(super) fn history(console: &Console, replays: &Result<Vec<Past>, Failure>) -> Markup {
    let replays = match replays {
        Ok(replays) => replays,
        Err(failure) => {
            return html! { p role="alert" { "Replays are not shown: " (failure.to_string()) } };
        }
    };
    html! {
        @if replays.is_empty() { p { "The archive was not replayed in the last 90 days." } }
        @else { div.scroll tabindex="0" role="group" aria-label="Table" { table {
            caption { "Replays of the archive, the latest first" }
            thead { tr {
                th scope="col" { "When" } th scope="col" { "Replay" } th scope="col" { "Orders from" } th scope="col" { "to" }
                th scope="col" { "State" } th scope="col" { "Done" } th scope="col" { "Why" } th scope="col" { "By" }
            } }
            tbody { @for past in replays { tr {
                td { (time(console, past.started_at)) } td.id { (past.name) }
                td { (time(console, past.from)) } td { (time(console, past.to)) }
                td { (past.state) } td { (past.progress()) } td { (past.why) } td.id { (past.by) }
            } } }
        } } }
    }
}
