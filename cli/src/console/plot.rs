//! Small plots, drawn here as SVG: bars by hour, and a delivery's life on a line.

use std::time::Duration;

use maud::{Markup, html};
use postback_core::{
    clock::Timestamp,
    delivery::{Record, State},
};

use super::survey::{HOURS, Traffic};
use crate::{
    screen::Zone,
    view::{Wait, clear, decided, other_content, outcome, pairs, visible, waits, word},
};

const HEIGHT: usize = 60;
const STEP: usize = 29;

/// The attempts of the last day by hour: a bar each, those that failed on top.
pub(super) fn hours(traffic: &Traffic) -> Markup {
    let most = traffic.ended.iter().map(|(passed, failed)| passed + failed).max();
    let most = most.unwrap_or_default().max(1);
    let passed: usize = traffic.ended.iter().map(|(passed, _)| passed).sum();
    let failed: usize = traffic.ended.iter().map(|(_, failed)| failed).sum();
    let label = format!(
        "Attempts of the last 24 hours by hour: {passed} reported, {failed} not; at most {most} an hour"
    );
    let height = |count: usize| (count * HEIGHT).div_ceil(most);
    html! {
        svg viewBox={ "0 0 " (HOURS * STEP) " " (HEIGHT + 18) } role="img" aria-label=(label) {
            @for (hour, (passed, failed)) in traffic.ended.iter().enumerate() {
                @let (x, passed, failed) = (hour * STEP + 2, height(*passed), height(*failed));
                rect class="good" x=(x) y=(HEIGHT - passed.min(HEIGHT)) width="25" height=(passed) {}
                rect class="bad" x=(x) y=(HEIGHT.saturating_sub(passed + failed)) width="25" height=(failed) {}
            }
            line class="axis" x1="0" x2=(HOURS * STEP) y1=(HEIGHT) y2=(HEIGHT) {}
            text x="0" y=(HEIGHT + 14) { "24 hours ago" }
            text x=(HOURS * STEP) y=(HEIGHT + 14) text-anchor="end" { "now; at most " (most) " an hour" }
        }
    }
}

/// Something that happened to a delivery, or will.
pub(super) struct Mark {
    pub(super) at: Timestamp,
    pub(super) shape: Shape,
    pub(super) text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Seen,
    Passed,
    Failed,
    Doubtful,
    Asked,
    Person,
    Next,
}

impl Shape {
    const fn class(self) -> &'static str {
        match self {
            Self::Seen => "axis",
            Self::Passed => "hollow",
            Self::Failed => "failed",
            Self::Doubtful => "doubt",
            Self::Asked => "asked",
            Self::Person => "person",
            Self::Next => "next",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Seen => "order",
            Self::Passed | Self::Failed | Self::Doubtful => "attempt",
            Self::Asked => "network",
            Self::Person => "person or shop",
            Self::Next => "to come",
        }
    }
}

/// Everything that is kept of a delivery's life, oldest first.
pub(super) fn marks(record: &Record, now: Timestamp) -> Vec<Mark> {
    let protocol = &record.protocol;
    let mut marks = Vec::new();
    let mut add = |at, shape, text: String| marks.push(Mark { at, shape, text });
    add(protocol.first_seen_at, Shape::Seen, "first seen".to_owned());
    for attempt in record.attempts.entries() {
        let shape = match attempt.state {
            Some(state) if state.is_success() => Shape::Passed,
            Some(State::Unconfirmed) | None => Shape::Doubtful,
            Some(_) => Shape::Failed,
        };
        let text = format!("attempt {}, {}", attempt.number, outcome(attempt));
        add(attempt.started_at, shape, text);
    }
    for lookup in record.lookups.entries() {
        let text = format!("asked the network: {}, so {}", lookup.result, lookup.state.as_str());
        add(lookup.at, Shape::Asked, text);
    }
    for status in record.statuses.entries() {
        let text = format!("the network's status: {}", pairs(&status.status));
        add(status.at, Shape::Asked, text);
    }
    for conflict in record.conflicts.entries() {
        let text = format!("came with other content: {}", other_content(record, conflict));
        add(conflict.at, Shape::Person, text);
    }
    for cancellation in record.cancellations.entries() {
        let text = format!("the shop: {}", word(&cancellation.word).replace('_', " "));
        add(cancellation.at, Shape::Person, text);
    }
    for (id, refund) in protocol.refunds.entries() {
        // One whose time the shop does not give is shown with the last that came.
        let at = refund.at.or(record.returned.map(|returned| returned.at));
        let text = format!("the shop: refund of {}: {}", clear(refund.amount), visible(id));
        add(at.unwrap_or(record.updated_at), Shape::Person, text);
    }
    for decision in record.decisions.entries() {
        add(decision.at, Shape::Person, format!("decided: {}", decided(decision)));
    }
    for Wait { name, at, bound } in waits(record) {
        if at > now {
            add(at, Shape::Next, [name, bound].join(" ").trim_end().to_owned());
        }
    }
    marks.sort_by_key(|mark| mark.at);
    marks
}

const WIDTH: u64 = 640;

/// The life of a delivery on a line: attempts as dots, those that failed filled.
pub(super) fn lane(marks: &[Mark], title: &str, zone: Zone) -> Markup {
    let times = || marks.iter().map(|mark| mark.at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return html! {} };
    let whole = last.since(first).max(Duration::from_millis(1)).as_millis();
    let place = |at: Timestamp| {
        let part = at.since(first).as_millis() * u128::from(WIDTH - 40) / whole;
        20 + u64::try_from(part).unwrap_or_default()
    };
    let (begin, end) = (zone.time(first), zone.time(last));
    let label = format!("{title}: {} marks between {begin} and {end}, listed below", marks.len());
    html! {
        svg viewBox={ "0 0 " (WIDTH) " 44" } role="img" aria-label=(label) {
            line class="axis" x1="10" x2=(WIDTH - 10) y1="16" y2="16" {}
            @for mark in marks {
                @let x = place(mark.at);
                @match mark.shape {
                    Shape::Seen => line class="axis" x1=(x) x2=(x) y1="6" y2="26" {},
                    Shape::Asked => rect class=(mark.shape.class()) x=(x - 6) y="10" width="12" height="12" {},
                    Shape::Person => path class=(mark.shape.class())
                        d={ "M" (x - 7) " 24 L" (x) " 9 L" (x + 7) " 24 Z" } {},
                    _ => circle class=(mark.shape.class()) cx=(x) cy="16" r="7" {},
                }
            }
            text x="10" y="40" { (begin) }
            text x=(WIDTH - 10) y="40" text-anchor="end" { (end) }
        }
    }
}
