//! Pauses: seen with the networks, begun and ended as `pause` and `resume` do, and listed with who did
//! what.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use maud::{Markup, html};
use postback_core::redaction::OperatorNote;
use postback_runtime::ledger::ALL_NETWORKS;

use super::{
    Console, Page,
    fields::Fields,
    layout::{failure, key, time},
};
use crate::{
    failure::Failure,
    pause::{PauseView, pause, resume},
    watch::Watched,
};

pub(super) async fn run(State(console): State<Arc<Console>>, fields: Fields) -> Page {
    changed(&console, &fields).await.map_err(|it| failure(&console, &it))?;
    console.forget();
    Ok(Redirect::to("/networks").into_response())
}

async fn changed(console: &Console, fields: &Fields) -> Result<PauseView, Failure> {
    let why = OperatorNote::new(fields.get("why")).map_err(Failure::BadReason)?;
    let network = Some(fields.get("network")).filter(|name| *name != ALL_NETWORKS);
    match fields.get("change") {
        "pause" => pause(&console.account, network, why).await,
        "resume" => resume(&console.account, network, why).await,
        _ => Err(Failure::Usage("Choose to pause or to resume.".to_owned())),
    }
}

/// An alert about pauses that could not be read.
pub(super) fn unread(watched: &Watched) -> Markup {
    html! { @if let Some(failure) = &watched.pauses_unread {
        p role="alert" { "Pauses are not shown: " (failure.to_string()) }
    } }
}

/// The pause of a network, or of all, if it is in force; and the form that changes it.
pub(super) fn state(console: &Console, name: &str, pauses: &[PauseView]) -> Markup {
    let own = pauses.iter().find(|pause| pause.network == name);
    let whom = subject(name);
    let (change, verb) = if own.is_some() { ("resume", "Resume") } else { ("pause", "Pause") };
    let id = format!("why-{change}-{name}");
    html! {
        @if let Some(own) = own { (line(console, own)) }
        @if console.writes {
            details {
                summary { (verb) " " (whom) }
                form.act action="/pause" method="post" {
                    (key(console))
                    input type="hidden" name="network" value=(name);
                    input type="hidden" name="change" value=(change);
                    label for=(id) { "Why, in one line without customer data" }
                    input id=(id) name="why" required maxlength="200" autocomplete="off";
                    button type="submit" { (verb) " " (whom) }
                }
            }
        }
    }
}

fn subject(name: &str) -> &str {
    if name == ALL_NETWORKS { "all networks" } else { name }
}

/// A pause that is in force.
pub(super) fn line(console: &Console, pause: &PauseView) -> Markup {
    html! { p.reading {
        strong { "Paused: " (subject(&pause.network)) } " since " (time(console, pause.at)) " by " (pause.by.as_str())
        ": " (pause.why.as_str())
    } }
}

/// The latest changes of all pauses.
pub(super) fn history(console: &Console, changes: &Result<Vec<PauseView>, Failure>) -> Markup {
    let changes = match changes {
        Ok(changes) => changes,
        Err(failure) => {
            return html! { p role="alert" { "Pauses are not shown: " (failure.to_string()) } };
        }
    };
    html! {
        @if changes.is_empty() { p { "Nothing was ever paused." } }
        @else { div.scroll tabindex="0" role="group" aria-label="Table" { table {
            caption { "Pauses and resumes, the latest first" }
            thead { tr {
                th scope="col" { "When" } th scope="col" { "Network" } th scope="col" { "What" }
                th scope="col" { "Why" } th scope="col" { "By" }
            } }
            tbody { @for change in changes { tr {
                td { (time(console, change.at)) }
                td { @if change.network == ALL_NETWORKS { "all" } @else { (change.network) } }
                td { @if change.paused { "paused" } @else { "resumed" } }
                td { (change.why.as_str()) }
                td.id { (change.by.as_str()) }
            } } }
        } } }
    }
}
