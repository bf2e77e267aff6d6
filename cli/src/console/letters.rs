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

/// The letters that a page or a form is about.
struct Wanted<'a> {
    /// Empty for the bus.
    network: &'a str,
    /// True for the messages about conversions' statuses.
    status: bool,
    /// The id of the one that is to be deleted; empty for none.
    discard: &'a str,
}

impl<'a> Wanted<'a> {
    fn of(value: impl Fn(&str) -> &'a str) -> Self {
        let status = value("status") == "1";
        Self { network: value("network"), status, discard: value("discard") }
    }

    fn redrive(&self, dry_run: bool) -> Redrive {
        let bus = self.network.is_empty();
        let network = (!bus).then(|| self.network.to_owned());
        let discard = Some(self.discard).filter(|id| !id.is_empty());
        let discard = discard.into_iter().map(str::to_owned).collect();
        let status = self.status && !bus;
        Redrive { network, bus, status, discard, dry_run, limit: MOST, ..Redrive::default() }
    }

    /// The pairs of the queue, whatever is to be deleted.
    fn queue(&self) -> [(&'static str, &'a str); 2] {
        [("network", self.network), ("status", if self.status { "1" } else { "" })]
    }

    fn name(&self) -> String {
        let name = if self.network.is_empty() { "the bus" } else { self.network };
        if self.status { format!("{name}'s statuses") } else { name.to_owned() }
    }
}

pub(super) async fn show(State(console): State<Arc<Console>>, Query(pairs): Query<Pairs>) -> Page {
    let wanted = Wanted::of(|name| value(&pairs, name));
    let body = match console.works.answers.of(&pairs) {
        Some(answer) => answer,
        None => handled(&console, &wanted, true).await.map_err(|it| failure(&console, &it))?,
    };
    let title = format!("Dead letters of {}", wanted.name());
    Ok(page(&console, &Sheet { title: &title, at: "/", refresh: false, body }))
}

pub(super) async fn run(State(console): State<Arc<Console>>, fields: Fields) -> Page {
    let wanted = Wanted::of(|name| fields.get(name));
    let answer = handled(&console, &wanted, false).await;
    console.forget();
    let answer = answer.map_err(|it| failure(&console, &it))?;
    Ok(console.works.answers.redirect(answer, "/letters", &wanted.queue()))
}

/// The letters, seen or put back; or the one that is named, seen or deleted.
async fn handled(console: &Console, wanted: &Wanted<'_>, dry_run: bool) -> Result<Markup, Failure> {
    let redriven = redrive(&console.account, &wanted.redrive(dry_run), console.now()).await?;
    let (letters, worked) = redriven;
    let may_act = dry_run && console.writes;
    Ok(html! {
        @if let Err(failure) = &worked { p role="alert" { (failure.to_string()) } }
        @if !letters.is_empty() { (table(&letters, wanted, may_act)) }
        @else if worked.is_ok() && wanted.discard.is_empty() { p { "There are no dead letters of " (wanted.name()) "." } }
        @else if worked.is_ok() { p { "This message is not there any more." } }
        @if may_act && !letters.is_empty() {
            form.act action="/letters/run" method="post" {
                (key(console))
                @for (name, value) in wanted.queue() { input type="hidden" name=(name) value=(value); }
                @if wanted.discard.is_empty() {
                    button type="submit" { "Put back " (counted(letters.len(), "letter")) }
                } @else {
                    input type="hidden" name="discard" value=(wanted.discard);
                    button type="submit" { "Delete this message for good" }
                }
            }
            @if wanted.discard.is_empty() {
                p.quiet { "What was reported is not reported again. Faulty ones stay." }
            } @else {
                p.quiet { "If it holds an order that was not reported, the order is lost with it." }
            }
        }
        ul.links { li { a href=(link("/letters", &wanted.queue())) { "See what is there now" } } }
    })
}

fn table(letters: &[Letter], wanted: &Wanted<'_>, may_act: bool) -> Markup {
    let [network, status] = wanted.queue();
    let deletes = may_act && wanted.discard.is_empty();
    html! { div.scroll tabindex="0" role="group" aria-label="Table" { table {
        caption { (counted(letters.len(), "letter")) }
        thead { tr { th scope="col" { "Order" } th scope="col" { "Why it is here" } th scope="col" { "Done" } th scope="col" { "Message" } @if deletes { th scope="col" { "Not needed" } } } }
        tbody { @for letter in letters { tr {
            td.id { @match &letter.order_id {
                Some(order) => { a href=(link("/order", &[("id", order)])) { (id(order)) } },
                None => "–",
            } }
            td { (visible(&letter.why)) @for fault in &letter.faults { "; " (visible(fault)) } }
            td { @match letter.done { Done::Redriven => "put back", Done::Corrected => "corrected", Done::Discarded => "deleted", Done::Left => "left there" } }
            td.id { (letter.message_id) }
            @if deletes { td { a href=(link("/letters", &[network, status, ("discard", &letter.message_id)])) { "Delete" } } }
        } } }
    } } }
}
