//! Dead letters: seen as `orders redrive --dry-run` shows them, and put back as it does.

use std::sync::Arc;

use axum::extract::{Query, State};
use maud::{Markup, html};

use super::{
    Console, Page,
    fields::Fields,
    layout::{Sheet, counted, failure, id, key, page},
    orders::{Pairs, link, value},
};
use crate::{
    args::Redrive,
    failure::Failure,
    redrive::{Done, Letter, redrive},
    view::visible,
};

/// The most letters that are shown or put back at once.
const MOST: usize = 1_000;

fn wanted(network: &str, dry_run: bool) -> Redrive {
    let bus = network.is_empty();
    let network = (!bus).then(|| network.to_owned());
    Redrive { network, bus, dry_run, limit: MOST, ..Redrive::default() }
}

pub(super) async fn show(State(console): State<Arc<Console>>, Query(pairs): Query<Pairs>) -> Page {
    let network = value(&pairs, "network");
    let body = match console.works.answers.of(&pairs) {
        Some(answer) => answer,
        None => handled(&console, network, true).await.map_err(|it| failure(&console, &it))?,
    };
    let title = format!("Dead letters of {}", name(network));
    Ok(page(&console, &Sheet { title: &title, at: "/", refresh: false, body }))
}

pub(super) async fn run(State(console): State<Arc<Console>>, fields: Fields) -> Page {
    let network = fields.get("network");
    let answer = handled(&console, network, false).await;
    console.forget();
    let answer = answer.map_err(|it| failure(&console, &it))?;
    Ok(console.works.answers.redirect(answer, "/letters", &[("network", network)]))
}

fn name(network: &str) -> &str {
    if network.is_empty() { "the bus" } else { network }
}

/// The letters, seen or put back.
async fn handled(console: &Console, network: &str, dry_run: bool) -> Result<Markup, Failure> {
    let (letters, worked) =
        redrive(&console.account, &wanted(network, dry_run), console.now()).await?;
    Ok(html! {
        @if let Err(failure) = &worked { p role="alert" { (failure.to_string()) } }
        @if !letters.is_empty() { (table(&letters)) }
        @else if worked.is_ok() { p { "There are no dead letters of " (name(network)) "." } }
        @if dry_run && console.writes && !letters.is_empty() {
            form.act action="/letters/run" method="post" {
                (key(console))
                input type="hidden" name="network" value=(network);
                button type="submit" { "Put back " (counted(letters.len(), "letter")) }
            }
            p.quiet { "What was reported is not reported again. Faulty ones stay." }
        }
        ul.links { li { a href=(link("/letters", &[("network", network)])) { "See what is there now" } } }
    })
}

fn table(letters: &[Letter]) -> Markup {
    html! { div.scroll tabindex="0" role="group" aria-label="Table" { table {
        caption { (counted(letters.len(), "letter")) }
        thead { tr { th scope="col" { "Order" } th scope="col" { "Why it is here" } th scope="col" { "Done" } th scope="col" { "Message" } } }
        tbody { @for letter in letters { tr {
            td.id { @match &letter.order_id {
                Some(order) => { a href=(link("/order", &[("id", order)])) { (id(order)) } },
                None => "–",
            } }
            td { (visible(&letter.why)) @for fault in &letter.faults { "; " (visible(fault)) } }
            td { @match letter.done { Done::Redriven => "put back", Done::Corrected => "corrected", Done::Discarded => "deleted", Done::Left => "left there" } }
            td.id { (letter.message_id) }
        } } }
    } } }
}
