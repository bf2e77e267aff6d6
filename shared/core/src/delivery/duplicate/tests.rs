//! Each case of "who holds the click".

use super::*;
use crate::{
    clock::Timestamp,
    delivery::{Arrival, Event, Facts, Key, Note, Planned, Policy, Recovery, Refunds, Stamp, step},
};

const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);
const SCOPE: &str = "scope";

#[expect(clippy::unnecessary_wraps, reason = "a record that is gone is `None`")]
/// An order of the same click, after its first attempt had `verdict`; still sending without one.
fn other(verdict: Option<Verdict>) -> Option<Record> {
    let policy =
        Policy::new(Recovery::SendAgain, std::time::Duration::ZERO, std::time::Duration::ZERO);
    let arrival = Arrival {
        refunds: Refunds::default(),
        reported: None,
        facts: Facts::none(),
        updated_at: None,
        planned: Planned::Send(SCOPE.to_owned()),
        shown_scope: None,
        deadline: NOW + std::time::Duration::from_mins(1),
        settings: "v1".to_owned(),
        open: None,
        is_implausible: false,
        is_delayed: false,
        has_waited: false,
    };
    let mut delivery = step(None, &Event::Arrive(arrival), &policy, NOW).next.expect("a claim");
    if let Some(verdict) = verdict {
        let settings = "v1".to_owned();
        let event = Event::Settle { attempt: 1, verdict, settings, jitter: 0 };
        delivery = step(Some(&delivery), &event, &policy, NOW).next.expect("a settlement");
    }
    let key = Key::known("B".to_owned(), "network", None);
    let stamp = Stamp { now: NOW, write_id: 1 };
    Some(Record::after(None, &key, delivery, Note::default(), stamp))
}

fn verdict(in_doubt: bool, records: Vec<Option<Record>>) -> Verdict {
    let records = records.into_iter().map(|record| ("B".to_owned(), record)).collect();
    judge(in_doubt, SCOPE, &Others { records, many: false }).verdict
}

#[test]
fn without_doubt_a_duplicate_is_never_ours() {
    let failed = || other(Some(Verdict::retry("http_429", None)));
    let elsewhere = Verdict::rejected("duplicate_elsewhere");

    assert_eq!(verdict(false, vec![]), elsewhere);
    assert_eq!(verdict(false, vec![failed()]), elsewhere);
    assert_eq!(verdict(false, vec![other(Some(Verdict::unconfirmed("lost")))]), Verdict::ClickUsed);
    assert_eq!(verdict(false, vec![None]), Verdict::ClickUsed);
}

#[test]
fn in_doubt_it_is_ours_when_no_other_order_can_be_the_one() {
    let failed = other(Some(Verdict::retry("http_429", None)));

    assert_eq!(verdict(true, vec![]), Verdict::Delivered(Proof::Duplicate));
    assert_eq!(verdict(true, vec![failed]), Verdict::Delivered(Proof::Duplicate));
}

#[test]
fn an_order_that_the_network_confirmed_holds_the_click() {
    let confirmed = || other(Some(Verdict::Delivered(Proof::Response)));

    let records = vec![("B".to_owned(), confirmed())];
    let judgement = judge(true, SCOPE, &Others { records: records.clone(), many: false });
    assert_eq!(judgement, Judgement { verdict: Verdict::ClickUsed, other: Some("B".to_owned()) });
    // Under other settings the network may hold both.
    let elsewhere = judge(true, "other", &Others { records, many: false });
    assert_eq!(elsewhere.verdict, Verdict::Held(Reason::new("click_used")));
}

#[test]
fn an_order_that_a_person_found_at_the_network_may_hold_the_click_without_an_attempt() {
    let mut confirmed = other(Some(Verdict::Delivered(Proof::Operator))).expect("a record");
    confirmed.protocol.attempt = 0;

    let of = |in_doubt| verdict(in_doubt, vec![Some(confirmed.clone())]);

    assert_eq!(of(true), Verdict::Held(Reason::new("click_used")));
    assert_eq!(of(false), Verdict::ClickUsed);
}

#[test]
fn an_order_that_is_reported_by_lines_since_may_hold_the_click() {
    let mut by_lines = other(Some(Verdict::Skipped(Reason::new("by_lines")))).expect("a record");
    by_lines.protocol.lines = Some(vec!["1".to_owned()]);

    assert_eq!(verdict(true, vec![Some(by_lines)]), Verdict::Held(Reason::new("click_used")));
}

#[test]
fn an_order_under_way_is_waited_for_and_every_other_doubt_is_a_persons() {
    let held = Verdict::Held(Reason::new("click_used"));

    assert!(matches!(verdict(true, vec![other(None)]), Verdict::Retry { .. }));
    for unclear in [
        other(Some(Verdict::unconfirmed("lost"))),
        other(Some(Verdict::Delivered(Proof::Duplicate))),
        other(Some(Verdict::Delivered(Proof::Operator))),
        None,
    ] {
        assert_eq!(verdict(true, vec![unclear]), held);
    }
    let many = Others { records: Vec::new(), many: true };
    assert_eq!(judge(true, SCOPE, &many).verdict, held);
    assert_eq!(judge(false, SCOPE, &many).verdict, Verdict::ClickUsed);
}
