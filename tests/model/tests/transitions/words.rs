//! The words of the table for a step.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Policy, Recovery, State, Step, Then},
};

use crate::states::{LAG, NOW, RETRY_AFTER, TIMEOUT, claim_expires_at, due, pause_end};

pub(crate) const UNCHANGED: &str = "unchanged";
pub(crate) const NOTHING: &str = "nothing";

fn when(at: Timestamp) -> String {
    let policy = Policy::new(Recovery::LookUp, TIMEOUT, LAG);
    if at <= NOW {
        return "at once".to_owned();
    }
    let known = [
        (claim_expires_at(), "when its sender is dead"),
        (
            claim_expires_at() + LAG,
            "when its sender is dead and the network has had time to show it",
        ),
        (NOW + LAG, "when the network has had time to show it"),
        (due(), "when it is due"),
        (pause_end(), "when the pause ends"),
        (NOW + policy.backoff, "after a pause of at most the backoff"),
        (NOW + policy.backoff * 2, "after a pause of at most the backoff"),
        (NOW + policy.backoff * 8, "after a pause of at most eight times the first backoff"),
        (NOW + RETRY_AFTER, "after `Retry-After`"),
        (NOW + policy.park, "in an hour"),
        (NOW + Duration::from_hours(400 * 24), "when a setting has changed"),
    ];
    known
        .iter()
        .find(|(instant, _)| *instant == at)
        .map_or_else(|| format!("in {:?}", NOW.until(at)), |(_, words)| (*words).to_owned())
}

pub(crate) fn words(step: &Step) -> (String, String) {
    let next = match &step.next {
        None => UNCHANGED.to_owned(),
        Some(next) => {
            let doubt = next.in_doubt && next.state != State::Unconfirmed;
            let doubt = if doubt { ", in doubt" } else { "" };
            format!("`{}`{doubt}", next.state.as_str())
        }
    };
    let then = match step.then {
        Then::Send(_) => "send".to_owned(),
        Then::LookUp => "look up".to_owned(),
        Then::Wait(until) => format!("come back {}", when(until)),
        Then::Rest => NOTHING.to_owned(),
        Then::Conflict => "conflict".to_owned(),
    };
    (next, then)
}
