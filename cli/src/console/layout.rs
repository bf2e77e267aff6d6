//! The frame of every page.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};
use postback_core::clock::Timestamp;

use super::{
    Console,
    reading::{ANEW, Reading},
};
use crate::{failure::Failure, scan::Read, view::visible};

/// The pages of the navigation.
const PAGES: [(&str, &str); 7] = [
    ("/", "What needs me"),
    ("/networks", "Networks"),
    ("/orders", "Orders"),
    ("/decide", "Decide many"),
    ("/replay", "Replay"),
    ("/money", "Money"),
    ("/activity", "Who did what"),
];

/// A page to be written.
pub(super) struct Sheet<'a> {
    pub(super) title: &'a str,
    /// The path of its entry in the navigation.
    pub(super) at: &'a str,
    /// True if it will change within seconds.
    pub(super) refresh: bool,
    pub(super) body: Markup,
}

/// A whole page.
pub(super) fn page(console: &Console, sheet: &Sheet<'_>) -> Response {
    let Sheet { title, at, refresh, body } = sheet;
    let place = &console.account.place;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (place.stack) }
                link rel="stylesheet" href="/console.css";
                link rel="icon" href="data:,";
                script src="/console.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    p.place {
                        strong { "Postback" } " " (place.stack) " in " (place.region) " "
                        span.mode { @if console.writes { "may write" } @else { "read-only" } }
                    }
                    nav aria-label="Pages" {
                        ul {
                            @for (path, name) in PAGES {
                                li { a href=(path) aria-current=[(path == *at).then_some("page")] { (name) } }
                            }
                        }
                    }
                }
                main #main tabindex="-1" data-refresh=[refresh.then_some("2")] {
                    h1 { (title) }
                    (body)
                }
            }
        }
    };
    Html(markup.into_string()).into_response()
}

/// A page that explains a failure.
pub(super) fn failure(console: &Console, failure: &Failure) -> Response {
    let body = html! {
        p role="alert" { (visible(&failure.to_string())) }
        p { "Code: " code { (failure.code()) } }
    };
    let title = "This did not work";
    let mut response = page(console, &Sheet { title, at: "", refresh: false, body });
    *response.status_mut() = match failure {
        Failure::ReadOnly => StatusCode::FORBIDDEN,
        Failure::UnknownOrder { .. } | Failure::UnknownDelivery { .. } => StatusCode::NOT_FOUND,
        _ => match failure.exit_status() {
            1 => StatusCode::BAD_GATEWAY,
            4 => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        },
    };
    response
}

/// Sentences about how much of the ledger was read, and when; with a link that reads it again.
pub(super) fn how_much<T>(console: &Console, reading: &Reading<T>, path: &str) -> Markup {
    let count = thousands(reading.read.items);
    let (whole, part) = if reading.is_of_index {
        ("The ledger's index of what waits", "a part of what waits")
    } else {
        ("The whole ledger", "a part of the ledger")
    };
    let anew = format!("{path}{}{ANEW}", if path.contains('?') { '&' } else { '?' });
    html! {
        (unreadable(&reading.read))
        @if let Some(failure) = &reading.failure {
            p role="alert" {
                (failure.to_string()) " What is shown is " (part) " only. "
                a href=(anew) { "Read it again" }
            }
        } @else if let Some(ended) = reading.ended_at {
            p.quiet {
                (whole) " was read at " (time(console, ended)) ": " (count) " items, "
                (format!("{:.1}", reading.read.units)) " read units. "
                a href=(anew) { "Read it again" }
            }
        } @else {
            p.reading role="status" {
                strong { "Still reading the ledger: the counts are too low. " }
                (count) " items so far. " a href=(path) { "Refresh" }
            }
        }
    }
}

/// An alert about what this version can't read.
pub(super) fn unreadable(read: &Read) -> Markup {
    html! { @if let Some(text) = read.left_out() { p role="alert" { (text) } } }
}

/// An id that somebody else has chosen: it can't turn the text beside it around.
pub(super) fn id(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// A time, for people and for programs.
pub(super) fn time(console: &Console, at: Timestamp) -> Markup {
    html! { time datetime=(at) { (console.zone.time(at)) } }
}

pub(super) use crate::view::thousands;

/// The number with a noun: `1 order`, `2 orders`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    let several = if noun.ends_with('y') {
        format!("{}ies", noun.trim_end_matches('y'))
    } else {
        format!("{noun}s")
    };
    let noun = if number == 1 { noun } else { &several };
    format!("{} {noun}", thousands(number))
}

/// The hidden field that makes a form one of this console.
pub(super) fn key(console: &Console) -> Markup {
    html! { input type="hidden" name="key" value=(console.keys.form()); }
}

pub(super) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("assets/console.css"))
        .into_response()
}

pub(super) async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("assets/console.js"))
        .into_response()
}

pub(super) async fn missing(State(console): State<Arc<Console>>) -> Response {
    let body = html! { p { "There is no such page. " a href="/" { "What needs me" } } };
    let sheet = Sheet { title: "Not here", at: "", refresh: false, body };
    let mut response = page(&console, &sheet);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
