//! The events of the table.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, Delivery, Event, Fingerprint, Jitter, Lookup, Proof, State, Verdict},
    redaction::{Details, Reason},
};

use crate::states::{HOUR, NOW, RETRY_AFTER, SETTINGS, pause_end};

/// An event, and the deliveries that it can happen to.
pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) event: fn(attempt: u32) -> Event,
    pub(crate) concerns: fn(Option<&Delivery>) -> bool,
    /// The event that it is a variant of: only what differs from that is listed.
    pub(crate) usual: Option<fn(attempt: u32) -> Event>,
}

fn arrive(content: &str, left: Duration, paused: bool) -> Event {
    Event::Arrive {
        content: Fingerprint::of(&content),
        deadline: NOW + left,
        settings: SETTINGS.to_owned(),
        paused: paused.then(|| (pause_end(), Reason::new("key"))),
    }
}

fn settle(attempt: u32, verdict: Verdict) -> Event {
    Event::Settle { attempt, verdict, settings: SETTINGS.to_owned(), jitter: Jitter::MAX }
}

fn looked_up(asked: Timestamp, lookup: Lookup) -> Event {
    Event::LookedUp { asked, lookup, deadline: NOW + Duration::from_secs(30), jitter: Jitter::MAX }
}

fn sending(delivery: Option<&Delivery>) -> bool {
    delivery.is_some_and(|delivery| delivery.state == State::Sending)
}

fn known(delivery: Option<&Delivery>) -> bool {
    delivery.is_some()
}

fn later_than_a_sender(delivery: Option<&Delivery>) -> bool {
    delivery.is_some_and(|delivery| delivery.attempt > 0)
}

fn plain(_: u32) -> Event {
    arrive("order", Duration::from_secs(30), false)
}

pub(crate) fn arrivals() -> Vec<Class> {
    let variant = |name, event| Class {
        name,
        event,
        concerns: |_| true,
        usual: Some(plain as fn(u32) -> Event),
    };
    vec![
        Class { name: "the order comes", event: plain, concerns: |_| true, usual: None },
        variant("the same, too little time is left", |_| {
            arrive("order", Duration::from_secs(10), false)
        }),
        variant("the same, the network is paused", |_| {
            arrive("order", Duration::from_secs(30), true)
        }),
        variant("the order comes with other content", |_| {
            arrive("other", Duration::from_secs(30), false)
        }),
        variant("the order comes and is rejected before any request", |_| Event::Refuse {
            content: Fingerprint::of(&"whole"),
            reason: Reason::new("refused"),
        }),
    ]
}

pub(crate) fn verdicts() -> Vec<Class> {
    let of = |name, event| Class { name, event, concerns: sending, usual: None };
    vec![
        of("its sender: delivered", |n| settle(n, Verdict::Delivered(Proof::Response))),
        of("its sender: accepted", |n| settle(n, Verdict::Accepted(None))),
        of("its sender: nothing to report", |n| settle(n, Verdict::Skipped(Reason::new("none")))),
        of("its sender: refused for good", |n| settle(n, Verdict::rejected("never"))),
        of("its sender: refused now", |n| settle(n, Verdict::rejected_now("cap"))),
        of("its sender: a setting is wrong", |n| settle(n, Verdict::parked("key"))),
        of("its sender: a setting is wrong, no probing", |n| {
            settle(n, Verdict::parked_until_mended("code"))
        }),
        of("its sender: not sent", |n| {
            let reason = Reason::new("connect_failed");
            settle(n, Verdict::Retry { reason, after: None, sent: false })
        }),
        of("its sender: not now, `Retry-After`", |n| {
            settle(n, Verdict::retry("busy", Some(RETRY_AFTER)))
        }),
        of("its sender: answer lost", |n| settle(n, Verdict::unconfirmed("timeout"))),
    ]
}

pub(crate) fn others() -> Vec<Class> {
    vec![
        Class {
            name: "an earlier sender: delivered",
            event: |n| settle(n.saturating_sub(1), Verdict::Delivered(Proof::Response)),
            concerns: later_than_a_sender,
            usual: None,
        },
        Class {
            name: "an earlier sender: accepted",
            event: |n| settle(n.saturating_sub(1), Verdict::Accepted(None)),
            concerns: later_than_a_sender,
            usual: None,
        },
        Class {
            name: "an earlier sender: anything else",
            event: |n| settle(n.saturating_sub(1), Verdict::retry("busy", None)),
            concerns: later_than_a_sender,
            usual: None,
        },
        Class {
            name: "lookup: found",
            event: |_| looked_up(NOW, Lookup::Found { references: Details::none() }),
            concerns: known,
            usual: None,
        },
        Class {
            name: "lookup: not there",
            event: |_| looked_up(NOW, Lookup::Absent),
            concerns: known,
            usual: None,
        },
        Class {
            name: "lookup: not there, but asked too early",
            event: |_| looked_up(NOW - HOUR, Lookup::Absent),
            concerns: known,
            usual: None,
        },
        Class {
            name: "lookup: not answered",
            event: |_| looked_up(NOW, Lookup::Failed { reason: Reason::new("timeout") }),
            concerns: known,
            usual: None,
        },
        Class {
            name: "a person: it is there",
            event: |n| Event::Decide { attempt: n, decision: Decision::Delivered },
            concerns: known,
            usual: None,
        },
        Class {
            name: "a person: send it again",
            event: |n| Event::Decide { attempt: n, decision: Decision::SendAgain },
            concerns: known,
            usual: None,
        },
    ]
}
