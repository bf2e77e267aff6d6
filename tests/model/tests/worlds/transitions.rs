//! The table of transitions, made by asking `step`: `transitions.md`. `UPDATE_TRANSITIONS=1` writes it
//! anew. Its columns alone, one for each event, take most of its more than 300 lines.

use std::{collections::BTreeMap, env, fs, path::PathBuf, time::Duration};

use postback_core::{
    clock::Timestamp,
    delivery::{
        Arrival, Cancellation, Claim, Decision, Delivery, Doubt, Event, Facts, IfAbsent, Jitter,
        Lookup, Open, Planned, Policy, Proof, Recovery, RefundEntry, Refunds, State, Step, Then,
        Verdict, step,
    },
    order::Currency,
    redaction::{Details, Reason},
};

const HOUR: Duration = Duration::from_hours(1);
/// 2026-11-21T10:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);
const TIMEOUT: Duration = Duration::from_secs(10);
const LAG: Duration = Duration::from_mins(2);
/// Longer than any backoff here.
const RETRY_AFTER: Duration = Duration::from_mins(7);
const SETTINGS: &str = "v1";
const UNCHANGED: &str = "unchanged";
const NOTHING: &str = "nothing";

/// When the last attempt's sender is dead, in the states where it is still to come.
fn claim_expires_at() -> Timestamp {
    NOW + Duration::from_secs(41)
}

/// When a delivery that waits may be carried on.
fn due() -> Timestamp {
    NOW + Duration::from_secs(1_234)
}

/// Until when the network is paused.
fn pause_end() -> Timestamp {
    NOW + Duration::from_secs(234)
}

fn facts(content: &str) -> Facts {
    Facts::none().digest("amount", content)
}

/// The `updated_at` of the version held.
fn held_version() -> Timestamp {
    NOW - HOUR * 5
}

#[expect(clippy::unnecessary_wraps, reason = "a delivery may have none")]
fn doubt(if_absent: IfAbsent) -> Option<Doubt> {
    let (recovery, scope) = (Recovery::Hold, "a".to_owned());
    Some(Doubt { since: NOW - HOUR, recovery, scope, if_absent, absent_at: None })
}

fn delivery(state: State) -> Delivery {
    let is_doubtful = matches!(state, State::Unconfirmed | State::Abandoned);
    let cancelled =
        Cancellation { at: NOW, updated_at: None, completed_after: false, by_refunds: false };
    Delivery {
        state,
        reason: None,
        proof: (state == State::Delivered).then_some(Proof::Response),
        attempt: u32::from(!matches!(state, State::Skipped | State::Withdrawn)),
        facts: facts("order"),
        order_updated_at: Some(held_version()),
        waiting_version: None,
        conflict_version: None,
        throttled_until: None,
        first_seen_at: NOW - HOUR,
        claim_expires_at: NOW - HOUR,
        not_before: NOW,
        claim: Some(Claim { recovery: Recovery::Hold, scope: "a".to_owned() }),
        scope: None,
        doubt: doubt(IfAbsent::SendAgain).filter(|_| is_doubtful),
        parked_settings: (state == State::Parked).then(|| SETTINGS.to_owned()),
        cancelled: (state == State::Withdrawn).then_some(cancelled),
        permission: None,
        judged_plausible: false,
        undecided: None,
        lines: None,
        former_lines: Vec::new(),
        decisions: 0,
        refunds: Refunds::default(),
        reported: None,
        validation: None,
    }
}

/// The delivery, its doubt and its claim under this recovery.
fn under(recovery: Recovery, mut delivery: Delivery) -> Delivery {
    if let Some(doubt) = &mut delivery.doubt {
        doubt.recovery = recovery;
    }
    if let Some(claim) = &mut delivery.claim {
        claim.recovery = recovery;
    }
    delivery
}

fn absent_once(if_absent: IfAbsent) -> Option<Doubt> {
    doubt(if_absent).map(|doubt| Doubt { absent_at: Some(NOW - HOUR), ..doubt })
}

fn states() -> Vec<(&'static str, Option<Delivery>)> {
    let of = |name, delivery| (name, Some(delivery));
    let sending = Delivery {
        claim_expires_at: claim_expires_at(),
        not_before: claim_expires_at(),
        ..delivery(State::Sending)
    };
    let unconfirmed = delivery(State::Unconfirmed);
    let parked = delivery(State::Parked);
    vec![
        ("nothing", None),
        of("`sending`", sending.clone()),
        of(
            "`sending`, an earlier attempt in doubt",
            Delivery { doubt: doubt(IfAbsent::SendAgain), attempt: 2, ..sending },
        ),
        of("`sending`, its sender dead", delivery(State::Sending)),
        of("`retrying`", Delivery { not_before: due(), ..delivery(State::Retrying) }),
        of("`retrying`, due", delivery(State::Retrying)),
        of(
            "`retrying`, due, a later version waits",
            Delivery { waiting_version: Some(held_version() + HOUR), ..delivery(State::Retrying) },
        ),
        of("`parked`", Delivery { not_before: due(), ..parked.clone() }),
        of("`parked`, due", parked.clone()),
        of(
            "`parked`, its setting fixed",
            Delivery { not_before: due(), parked_settings: Some("v0".into()), ..parked.clone() },
        ),
        of(
            "`parked` beyond a bound",
            Delivery {
                reason: Some(Reason::new("implausible")),
                not_before: NOW + Duration::from_hours(400 * 24),
                ..parked.clone()
            },
        ),
        of("`parked` in doubt, due", Delivery { doubt: doubt(IfAbsent::SendAgain), ..parked }),
        of("`unconfirmed`", Delivery { not_before: due(), ..unconfirmed.clone() }),
        of("`unconfirmed`, due", unconfirmed.clone()),
        of(
            "`unconfirmed`, not there once, due",
            Delivery { doubt: absent_once(IfAbsent::SendAgain), ..unconfirmed.clone() },
        ),
        of(
            "`unconfirmed` of a duplicate, not there once, due",
            Delivery { doubt: absent_once(IfAbsent::Reject), ..unconfirmed },
        ),
        of("`delivered`", delivery(State::Delivered)),
        of("`accepted`", delivery(State::Accepted)),
        of("`skipped`", delivery(State::Skipped)),
        of("`rejected`", delivery(State::Rejected)),
        of("`rejected` before any attempt", Delivery { attempt: 0, ..delivery(State::Rejected) }),
        of("`withdrawn`", delivery(State::Withdrawn)),
        of("`abandoned`", delivery(State::Abandoned)),
    ]
}

/// What happens, and whether it happens to a delivery like this at all.
struct Class {
    name: &'static str,
    event: fn(attempt: u32) -> Event,
    concerns: fn(Option<&Delivery>) -> bool,
    /// What it is a variant of: only what differs from that is listed.
    usual: Option<fn(attempt: u32) -> Event>,
}

fn arrival() -> Arrival {
    Arrival {
        facts: facts("order"),
        updated_at: Some(held_version()),
        planned: Planned::Send("a".to_owned()),
        shown_scope: None,
        deadline: NOW + Duration::from_secs(30),
        settings: SETTINGS.to_owned(),
        open: None,
        is_implausible: false,
        is_delayed: false,
        has_waited: false,
        refunds: Refunds::default(),
        reported: None,
    }
}

fn refunds() -> Refunds {
    let entry = RefundEntry { amount: Some(1.into()), at: None };
    Refunds::of([("r-1".to_owned(), entry)].into_iter())
}

fn inr() -> Currency {
    Currency::of_code("INR").unwrap_or_else(|| unreachable!("a currency"))
}

fn other_version(later: bool) -> Arrival {
    let updated_at = if later { held_version() + HOUR } else { held_version() - HOUR };
    Arrival { facts: facts("other"), updated_at: Some(updated_at), ..arrival() }
}

fn settle(attempt: u32, verdict: Verdict) -> Event {
    Event::Settle { attempt, verdict, settings: SETTINGS.to_owned(), jitter: Jitter::MAX }
}

fn looked_up(asked: Timestamp, lookup: Lookup) -> Event {
    Event::LookedUp {
        asked,
        lookup,
        is_plannable: true,
        deadline: NOW + Duration::from_secs(30),
        jitter: Jitter::MAX,
    }
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
    Event::Arrive(arrival())
}

fn arrivals() -> Vec<Class> {
    let variant = |name, event| Class {
        name,
        event,
        concerns: |_| true,
        usual: Some(plain as fn(u32) -> Event),
    };
    vec![
        Class { name: "the order comes", event: plain, concerns: |_| true, usual: None },
        variant("the same, too little time is left", |_| {
            let deadline = NOW + Duration::from_secs(10);
            Event::Arrive(Arrival { deadline, ..arrival() })
        }),
        variant("the same, the circuit breaker is open", |_| {
            let (until, state, reason) = (pause_end(), State::Parked, Reason::new("key"));
            let open = Open { until, state, reason, only_refused: false };
            Event::Arrive(Arrival { open: Some(open), ..arrival() })
        }),
        variant("the same, it exceeds a bound", |_| {
            Event::Arrive(Arrival { is_implausible: true, ..arrival() })
        }),
        variant("the same, under settings of another scope", |_| {
            Event::Arrive(Arrival { planned: Planned::Send("b".to_owned()), ..arrival() })
        }),
        variant("the same, there is nothing to report under today's settings", |_| {
            let planned = Planned::Skip(Reason::new("no_click"));
            Event::Arrive(Arrival { planned, ..arrival() })
        }),
        variant("the same, it is refused under today's settings", |_| {
            let planned = Planned::Reject(Reason::new("no_offer"));
            Event::Arrive(Arrival { planned, ..arrival() })
        }),
        variant("the order comes with other content", |_| {
            Event::Arrive(Arrival { facts: facts("other"), ..arrival() })
        }),
        variant("a later version comes with other content", |_| Event::Arrive(other_version(true))),
        variant("an earlier version comes", |_| Event::Arrive(other_version(false))),
    ]
}

fn verdicts() -> Vec<Class> {
    let of = |name, event| Class { name, event, concerns: sending, usual: None };
    vec![
        of("its sender: delivered", |n| settle(n, Verdict::Delivered(Proof::Response))),
        of("its sender: accepted", |n| settle(n, Verdict::Accepted(None))),
        of("its sender: nothing to report", |n| settle(n, Verdict::Skipped(Reason::new("none")))),
        of("its sender: refused", |n| settle(n, Verdict::rejected("never"))),
        of("its sender: another order of ours holds the click", |n| settle(n, Verdict::ClickUsed)),
        of("its sender: only a person can find out", |n| {
            settle(n, Verdict::Held(Reason::new("click_used")))
        }),
        of("its sender: a setting is wrong", |n| settle(n, Verdict::parked("key"))),
        of("its sender: a setting is wrong, no probing", |n| {
            settle(n, Verdict::parked_until_fixed("code"))
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

fn decide(attempt: u32, decision: Decision) -> Event {
    Event::Decide { attempt, decisions: 0, decision }
}

fn others() -> Vec<Class> {
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
    ]
}

fn from_outside() -> Vec<Class> {
    vec![
        Class {
            name: "the shop cancels it",
            event: |_| Event::Cancel { facts: Facts::none(), updated_at: None, by_refunds: false },
            concerns: |_| true,
            usual: None,
        },
        Class {
            name: "parts of it are refunded, and come without the order",
            event: |_| Event::Refund { refunds: refunds(), currency: inr() },
            concerns: |_| true,
            usual: None,
        },
        Class { name: "the sweep looks", event: |_| Event::Expire, concerns: known, usual: None },
        Class {
            name: "its line is gone, or the order is reported in another mode",
            event: |_| Event::Unplanned { settings: SETTINGS.to_owned() },
            concerns: known,
            usual: None,
        },
        Class {
            name: "a person permitted the order of which this is a line",
            event: |_| Event::Permit { until: NOW + Duration::from_hours(7 * 24) },
            concerns: known,
            usual: None,
        },
        Class {
            name: "a person: the network has it",
            event: |n| decide(n, Decision::Confirm),
            concerns: known,
            usual: None,
        },
        Class {
            name: "a person: it is given up",
            event: |n| decide(n, Decision::Abandon),
            concerns: known,
            usual: None,
        },
        Class {
            name: "a person: other content, or a refusal, is dealt with",
            event: |n| decide(n, Decision::Acknowledge),
            concerns: known,
            usual: None,
        },
    ]
}

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
        (NOW + policy.absence, "after some minutes"),
        (NOW + RETRY_AFTER, "after `Retry-After`"),
        (NOW + policy.park, "in an hour"),
        (NOW + Duration::from_hours(400 * 24), "when a setting or the bound has changed"),
    ];
    known
        .iter()
        .find(|(instant, _)| *instant == at)
        .map_or_else(|| format!("in {:?}", NOW.until(at)), |(_, words)| (*words).to_owned())
}

fn words(held: Option<&Delivery>, step: &Step) -> (String, String) {
    let is_counted = |next: &Delivery| {
        held.is_some_and(|held| *next == Delivery { decisions: next.decisions, ..held.clone() })
    };
    let is_noted = |next: &Delivery| {
        let conflict_version = next.conflict_version;
        held.is_some_and(|held| *next == Delivery { conflict_version, ..held.clone() })
    };
    let is_refunded = |next: &Delivery| {
        let refunds = next.refunds.clone();
        held.is_some_and(|held| *next == Delivery { refunds, ..held.clone() })
    };
    let next = match &step.next {
        None => UNCHANGED.to_owned(),
        Some(next) if is_noted(next) => "unchanged, and the version is noted".to_owned(),
        Some(next) if is_counted(next) => "unchanged, and the decision is counted".to_owned(),
        Some(next) if is_refunded(next) => "unchanged, and the refunds are noted".to_owned(),
        Some(next) => {
            let doubt = next.in_doubt() && next.state != State::Unconfirmed;
            let doubt = if doubt { ", in doubt" } else { "" };
            let cancelled = next.cancelled.is_some() && next.state != State::Withdrawn;
            let cancelled = if cancelled { ", cancelled" } else { "" };
            format!("`{}`{doubt}{cancelled}", next.state.as_str())
        }
    };
    let then = match step.then {
        Then::Send(_) => "send".to_owned(),
        Then::LookUp => "ask the network".to_owned(),
        Then::Wait(until) => format!("come back {}", when(until)),
        Then::Rest => NOTHING.to_owned(),
        Then::Conflict => "conflict".to_owned(),
        Then::Superseded => "superseded".to_owned(),
        Then::ModeChanged => "mode changed".to_owned(),
    };
    (next, then)
}

const RESOLUTIONS: [(Recovery, &str); 3] =
    [(Recovery::SendAgain, "send again"), (Recovery::LookUp, "look up"), (Recovery::Hold, "hold")];

/// The rows of one class: what comes of it, and in which states.
fn rows(class: &Class) -> Vec<String> {
    let mut order = Vec::new();
    let mut grouped: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (name, delivery) in states() {
        if !(class.concerns)(delivery.as_ref()) {
            continue;
        }
        let attempt = delivery.as_ref().map_or(0, |delivery| delivery.attempt);
        let outcomes = RESOLUTIONS.map(|(recovery, _)| {
            let policy = Policy::new(recovery, TIMEOUT, LAG);
            let held = delivery.clone().map(|held| under(recovery, held));
            let comes_to = |event: fn(u32) -> Event| {
                words(held.as_ref(), &step(held.as_ref(), &event(attempt), &policy, NOW))
            };
            let outcome = comes_to(class.event);
            (class.usual.map(comes_to).as_ref() != Some(&outcome)).then_some(outcome)
        });
        let alike = outcomes.iter().all(|outcome| *outcome == outcomes[0]);
        for (outcome, (_, recovery)) in outcomes.into_iter().zip(RESOLUTIONS) {
            let Some(outcome) = outcome else { continue };
            if outcome == (UNCHANGED.to_owned(), NOTHING.to_owned()) {
                continue;
            }
            let label = if alike { name.to_owned() } else { format!("{name} ({recovery})") };
            if !order.contains(&outcome) {
                order.push(outcome.clone());
            }
            let labels = grouped.entry(outcome).or_default();
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
    }
    let row = |outcome: &(String, String)| {
        let (next, then) = outcome;
        format!("| {} | {} | {next} | {then} |\n", class.name, grouped[outcome].join("; "))
    };
    order.iter().map(row).collect()
}

fn table() -> String {
    let mut table =
        String::from("| what happens | to a delivery that is | it becomes | and then |\n");
    table.push_str("|---|---|---|---|\n");
    for class in arrivals().iter().chain(&verdicts()).chain(&others()).chain(&from_outside()) {
        for row in rows(class) {
            table.push_str(&row);
        }
    }
    table.push_str(
        "\nWhat is not listed changes nothing and leaves nothing to do. Of the variants of an order's \
         coming,\nonly what differs from the first is listed.\n",
    );
    table
}

fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Writes `fresh` to `path` when asked to; else says whether it is what is there.
fn is_current(path: &PathBuf, fresh: &str) -> bool {
    if env::var_os("UPDATE_TRANSITIONS").is_some() {
        return fs::write(path, fresh).is_ok();
    }
    fs::read_to_string(path).is_ok_and(|held| held == fresh)
}

#[test]
fn the_table_is_current() {
    assert!(is_current(&here("transitions.md"), &table()), "run with UPDATE_TRANSITIONS=1");
}

#[test]
fn every_state_and_every_event_has_a_row() {
    let table = table();

    for state in State::ALL {
        assert!(table.contains(&format!("`{}`", state.as_str())), "{state:?}");
    }
    assert!(table.lines().all(|row| !row.contains("come back in ") || row.contains("in an hour")));
}
