//! Orders that are reported by lines.
//!
//! More than 300 lines: each way of a version, and of what comes beside it, is a case.

use std::collections::BTreeMap;

use serde_json::json;

use super::{super::plan::blank, *};

fn amount(units: u32) -> Facts {
    let one = json!({ "line_amount": units.to_string() });
    serde_json::from_value(one).expect("facts")
}

/// Lines of these amounts, with the ids from 1.
fn lines(amounts: &[u32], updated_at: Option<Timestamp>) -> Lines {
    let parts =
        amounts.iter().zip(1..).map(|(units, id): (_, u32)| (id.to_string(), amount(*units)));
    Lines {
        facts: content(),
        updated_at,
        parts: parts.collect(),
        until: NOW + MINUTE,
        is_delayed: false,
        has_waited: false,
        are_permitted: false,
        refunds: Refunds::default(),
    }
}

/// A line's delivery.
fn line(state: State, units: u32, attempt: u32, updated_at: Option<Timestamp>) -> Delivery {
    Delivery { state, attempt, ..blank(&amount(units), updated_at, NOW) }
}

fn deliveries(lines: &[Delivery]) -> BTreeMap<String, Delivery> {
    lines.iter().zip(1..).map(|(line, id): (_, u32)| (id.to_string(), line.clone())).collect()
}

fn deliver(held: Option<&Delivery>, lines: &Lines) -> Option<Delivery> {
    match by_lines(held, &BTreeMap::new(), lines, NOW) {
        ByLines::Deliver { next } => next.map(|next| *next),
        ByLines::Close { next } => deliver(Some(&next), lines),
        other => panic!("{other:?}"),
    }
}

/// An order of the lines 100 and 50, as held.
fn of_two() -> Delivery {
    deliver(None, &lines(&[100, 50], version(1))).expect("an item")
}

#[test]
fn lines_that_a_later_version_lacks_are_remembered_until_they_are_back() {
    let first = deliver(None, &lines(&[10, 20, 30], version(1))).expect("an item");
    assert_eq!(first.former_lines, [""; 0]);

    let second = deliver(Some(&first), &lines(&[10], version(2))).expect("a change");
    assert_eq!(second.former_lines, ["2", "3"]);
    assert_eq!(deliver(Some(&second), &lines(&[10], version(2))), None, "it is written once");

    let third = deliver(Some(&second), &lines(&[10, 20], version(3))).expect("a change");
    assert_eq!(third.former_lines, ["3"]);
}

#[test]
fn a_version_that_would_change_a_line_at_the_network_is_a_conflict_as_a_whole() {
    let held = of_two();
    let swapped = lines(&[50, 100], version(2));
    let doubted = Delivery {
        doubt: Some(doubt(Recovery::Hold)),
        ..line(State::Unconfirmed, 100, 1, version(1))
    };
    for first in [line(State::Delivered, 100, 1, version(1)), doubted] {
        let lines = deliveries(&[first, line(State::Rejected, 50, 1, version(1))]);

        let way = by_lines(Some(&held), &lines, &swapped, NOW);

        let noted = Delivery { conflict_version: version(2), ..held.clone() };
        let next = Some(Box::new(noted));
        assert_eq!(way, ByLines::Conflict { lines: vec!["1".to_owned()], next });
    }
}

#[test]
fn a_version_that_adds_lines_or_replaces_absent_ones_is_taken_once_the_item_is_closed() {
    let held = of_two();
    let present = deliveries(&[
        line(State::Delivered, 100, 1, version(1)),
        line(State::Rejected, 50, 1, version(1)),
    ]);
    let later = lines(&[100, 60, 25], version(2));

    let ByLines::Close { next: closed } = by_lines(Some(&held), &present, &later, NOW) else {
        panic!("it is not closed first");
    };
    assert_eq!(closed.not_before, later.until);
    assert_eq!(closed.order_updated_at, version(1), "nothing is replaced yet");

    let of_before = by_lines(Some(&closed), &present, &lines(&[100, 50], version(1)), NOW);
    assert!(matches!(of_before, ByLines::Wait { until, .. } if until == later.until));

    let ByLines::Deliver { next: Some(next) } = by_lines(Some(&closed), &present, &later, NOW)
    else {
        panic!("it is not taken");
    };
    assert_eq!((next.order_updated_at, next.not_before), (version(2), Timestamp::EPOCH));
}

#[test]
fn a_line_claimed_while_the_item_was_being_closed_holds_the_later_version_up() {
    let closed = Delivery { not_before: NOW + MINUTE, ..of_two() };
    let sending =
        Delivery { claim_expires_at: NOW + MINUTE, ..line(State::Sending, 100, 1, version(1)) };
    let under_way = deliveries(std::slice::from_ref(&sending));
    let swapped = lines(&[50, 100], version(2));

    let way = by_lines(Some(&closed), &under_way, &swapped, NOW);
    let ByLines::Wait { until, lines: waiting, next: Some(open) } = way else {
        panic!("{way:?}");
    };
    assert!(until > sending.claim_expires_at);
    assert_eq!((waiting, open.not_before), (vec!["1".to_owned()], Timestamp::EPOCH));

    let settled = deliveries(&[line(State::Delivered, 100, 1, version(1))]);
    let way = by_lines(Some(&closed), &settled, &swapped, NOW);
    let ByLines::Conflict { next: Some(open), .. } = way else { panic!("{way:?}") };
    assert_eq!((open.order_updated_at, open.not_before), (version(1), Timestamp::EPOCH));
}

#[test]
fn of_the_versions_that_wait_for_a_line_the_newest_is_delivered() {
    let held = of_two();
    let sending =
        Delivery { claim_expires_at: NOW + MINUTE, ..line(State::Sending, 100, 1, version(1)) };
    let under_way = deliveries(&[sending]);
    let third = lines(&[50, 100], version(3));

    let ByLines::Wait { next: Some(item), .. } = by_lines(Some(&held), &under_way, &third, NOW)
    else {
        panic!("it does not wait");
    };
    assert_eq!((item.order_updated_at, item.waiting_version), (version(1), version(3)));
    let failed = deliveries(&[line(State::Retrying, 100, 1, version(1))]);
    for deliveries in [&under_way, &failed] {
        let second = by_lines(Some(&item), deliveries, &lines(&[60, 90], version(2)), NOW);
        assert_eq!(second, ByLines::Superseded { next: None });
    }
    let taken = deliver(Some(&item), &third).expect("a change");
    assert_eq!((taken.order_updated_at, taken.waiting_version), (version(3), None));
    // A conflict ends the waiting, too: the version before goes on.
    let delivered = deliveries(&[line(State::Delivered, 100, 1, version(1))]);
    let ByLines::Conflict { next: Some(left), .. } = by_lines(Some(&item), &delivered, &third, NOW)
    else {
        panic!("it is no conflict");
    };
    assert_eq!((left.order_updated_at, left.waiting_version), (version(1), None));
}

#[test]
fn the_version_held_is_no_waiting_version_and_a_later_one_stays_one_while_the_item_is_closed() {
    let none = BTreeMap::new();
    let closed = Delivery { not_before: NOW + MINUTE, ..of_two() };
    let way = by_lines(Some(&closed), &none, &lines(&[100, 50], version(1)), NOW);
    assert!(matches!(way, ByLines::Wait { next: None, .. }), "{way:?}");

    let waited_for = Delivery { waiting_version: version(3), ..of_two() };
    let ByLines::Close { next } =
        by_lines(Some(&waited_for), &none, &lines(&[50, 100], version(3)), NOW)
    else {
        panic!("it is not closed");
    };
    assert_eq!(next.waiting_version, version(3));
}

#[test]
fn lines_of_a_version_that_another_took_the_place_of_are_superseded() {
    let none = BTreeMap::new();
    let held = Delivery { waiting_version: version(3), ..of_two() };
    let way = |amounts: &[u32], number, has_waited| {
        let lines = Lines { has_waited, ..lines(amounts, version(number)) };
        by_lines(Some(&held), &none, &lines, NOW)
    };
    let superseded = ByLines::Superseded { next: None };

    assert_eq!(way(&[60, 60, 30], 0, false), superseded, "it is an earlier one");
    assert_eq!(way(&[60, 60, 30], 1, true), superseded, "other content waited, and was replaced");
    assert_eq!(way(&[60, 60, 30], 2, false), superseded, "a later one waits already");
    assert_eq!(way(&[100, 50], 1, true), ByLines::Deliver { next: None }, "the one held waited");
    assert!(matches!(way(&[60, 60, 30], 1, false), ByLines::Close { .. }));
    assert!(matches!(way(&[60, 60, 30], 3, true), ByLines::Close { .. }));
}

#[test]
fn the_item_of_a_later_version_keeps_what_is_known_of_the_order() {
    let refunds = refunded(&[("a", 10)], None).refunds;
    let first_seen_at = NOW - DAY;
    let held = Delivery { decisions: 2, refunds: refunds.clone(), first_seen_at, ..of_two() };

    let item = deliver(Some(&held), &lines(&[100], version(2))).expect("an item");

    assert_eq!((item.state, item.reason), (State::Skipped, Some(Reason::new("by_lines"))));
    assert_eq!((item.lines, item.former_lines), (Some(vec!["1".to_owned()]), vec!["2".to_owned()]));
    assert_eq!((item.decisions, item.refunds, item.first_seen_at), (2, refunds, first_seen_at));
}

#[test]
fn a_withdrawn_line_is_permitted_with_its_order_and_no_other_one() {
    let until = NOW + MINUTE;
    let withdrawn = line(State::Withdrawn, 100, 0, version(1));

    let permitted = super::super::lines::permit(&withdrawn, until).next.expect("a change");

    assert_eq!(permitted, Delivery { permission: Some(Permission { until }), ..withdrawn });
    for held in [permitted, line(State::Delivered, 100, 1, version(1))] {
        assert_eq!(super::super::lines::permit(&held, until), Step::rest());
    }
}

#[test]
fn an_item_is_opened_by_the_comparison_that_closed_it() {
    let delivered = deliveries(&[line(State::Delivered, 100, 1, version(1))]);
    let opened = |not_before| {
        let held = Delivery { not_before, ..of_two() };
        match by_lines(Some(&held), &delivered, &lines(&[50, 100], version(1)), NOW) {
            ByLines::Conflict { next, .. } => next.map(|next| next.not_before),
            other => panic!("{other:?}"),
        }
    };

    assert_eq!(opened(NOW + MINUTE), Some(Timestamp::EPOCH));
    assert_eq!(opened(Timestamp::EPOCH), None, "it is open");
    assert_eq!(opened(NOW + HOUR), None, "another one closed it");
    let held = Delivery { not_before: NOW, ..of_two() };
    let way = by_lines(Some(&held), &BTreeMap::new(), &lines(&[100, 50], version(1)), NOW);
    assert_eq!(way, ByLines::Deliver { next: None }, "it was closed until now");
}

#[test]
fn the_word_that_lines_are_completed_after_all_is_noted_once_and_no_repetition_counts() {
    let none = BTreeMap::new();
    let cancel = cancel(version(2));
    let held = next(&of_two(), &cancel, &policy(Recovery::Hold), NOW);
    let take = |held: &Delivery, lines: &Lines| match by_lines(Some(held), &none, lines, NOW) {
        ByLines::Withdrawn { next } => next.map(|next| *next),
        other => panic!("{other:?}"),
    };
    let word = lines(&[100, 50], version(2));

    let heard = take(&held, &word).expect("news");
    assert!(heard.cancelled.as_ref().is_some_and(|cancelled| cancelled.completed_after));
    assert_eq!(take(&heard, &word), None, "it is noted");
    assert_eq!(take(&held, &lines(&[100, 50], version(1))), None, "an earlier version");
    assert!(take(&held, &lines(&[100, 50], None)).is_some());
    assert_eq!(take(&held, &Lines { is_delayed: true, ..word }), None, "it was put back");
}

#[test]
fn an_order_that_was_claimed_as_a_whole_stays_whole() {
    let none = BTreeMap::new();
    let way = |held: &Delivery| by_lines(Some(held), &none, &lines(&[100, 50], version(2)), NOW);

    let claimed = sending(&policy(Recovery::Hold));
    assert_eq!(way(&claimed), ByLines::ModeChanged { next: None });
    assert!(matches!(way(&withdrawn(version(1))), ByLines::Deliver { .. }));
}

#[test]
fn a_person_permits_lines_of_a_cancelled_order_until_the_permission_lapses() {
    let none = BTreeMap::new();
    let permission = Some(Permission { until: NOW + MINUTE });
    let cancelled = next(&of_two(), &cancel(None), &policy(Recovery::Hold), NOW);
    let held = Delivery { permission, waiting_version: version(3), ..cancelled };
    let way = |are_permitted, now| {
        let lines = Lines { are_permitted, ..lines(&[100, 50], version(1)) };
        by_lines(Some(&held), &none, &lines, now)
    };

    assert_eq!(way(false, NOW), ByLines::Permitted { until: NOW + MINUTE });
    let ByLines::Deliver { next: Some(next) } = way(true, NOW) else { panic!("not delivered") };
    assert_eq!(next.waiting_version, version(3));
    for are_permitted in [false, true] {
        let lapsed = way(are_permitted, NOW + MINUTE);
        assert!(matches!(lapsed, ByLines::Withdrawn { .. }), "{lapsed:?}");
    }
}

#[test]
fn refunds_cancel_an_order_whatever_becomes_of_the_version_that_brings_them() {
    let none = BTreeMap::new();
    let held = deliver(None, &refunded(&[("a", 100)], version(2))).expect("an item");
    let earlier = by_lines(Some(&held), &none, &refunded(&[("b", 50)], version(1)), NOW);
    assert!(matches!(earlier, ByLines::Withdrawn { next: Some(_) }), "{earlier:?}");

    let facts = refunded(&[], None).facts;
    let whole = Delivery { facts, ..sending(&policy(Recovery::Hold)) };
    let changed = by_lines(Some(&whole), &none, &refunded(&[("a", 150)], version(1)), NOW);
    let ByLines::ModeChanged { next: Some(next) } = changed else { panic!("{changed:?}") };
    assert!(next.cancelled.is_some_and(|cancelled| cancelled.by_refunds));

    // A person saw the refunds, and permits what is left.
    let permitted = Lines { are_permitted: true, ..refunded(&[("a", 150)], version(1)) };
    assert!(matches!(by_lines(None, &none, &permitted, NOW), ByLines::Deliver { .. }));
}

fn refunded(entries: &[(&str, u32)], updated_at: Option<Timestamp>) -> Lines {
    let amount = |(id, units): &(&str, u32)| {
        ((*id).to_owned(), RefundEntry { amount: Some((*units).into()), at: None })
    };
    Lines {
        facts: serde_json::from_value(json!({ "amount": "150" })).expect("facts"),
        refunds: Refunds::of(entries.iter().map(amount)),
        ..lines(&[100, 50], updated_at)
    }
}

#[test]
fn refunds_that_reach_the_total_withdraw_the_order_and_no_later_version_takes_them_back() {
    let item = |way: ByLines| match way {
        ByLines::Withdrawn { next: Some(next) } => *next,
        other => panic!("{other:?}"),
    };
    let none = BTreeMap::new();
    let held = deliver(None, &refunded(&[("a", 100)], version(1))).expect("an item");
    assert_eq!(held.refunds.sum(), Some(100.into()));
    let first = by_lines(None, &none, &refunded(&[("a", 150)], version(1)), NOW);
    assert_eq!(item(first).state, State::Withdrawn);

    let second = item(by_lines(Some(&held), &none, &refunded(&[("b", 50)], version(1)), NOW));
    assert!(second.is_refunded_exactly() && second.state == State::Withdrawn);
    let later = refunded(&[], version(2));
    let ByLines::Close { next: closed } = by_lines(Some(&second), &none, &later, NOW) else {
        panic!("it is not closed first");
    };
    let later = item(by_lines(Some(&closed), &none, &later, NOW));
    assert_eq!(later.cancelled.expect("a cancellation").updated_at, version(2));
    let repeated = by_lines(Some(&second), &none, &refunded(&[("b", 50)], version(1)), NOW);
    assert_eq!(repeated, ByLines::Withdrawn { next: None });
}

#[test]
fn refunds_are_kept_whatever_becomes_of_the_version() {
    let none = BTreeMap::new();
    let held = deliver(None, &refunded(&[], version(2))).expect("an item");
    let claimed = deliveries(&[line(State::Delivered, 100, 1, version(2))]);
    let other =
        Lines { parts: vec![("1".into(), amount(99))], ..refunded(&[("a", 7)], version(3)) };
    let whole = Delivery { lines: None, attempt: 1, ..held.clone() };
    for way in [
        by_lines(Some(&held), &none, &refunded(&[("a", 7)], version(1)), NOW),
        by_lines(Some(&held), &claimed, &other, NOW),
        by_lines(Some(&whole), &none, &refunded(&[("a", 7)], version(2)), NOW),
    ] {
        let sum = way.next().map(|next| next.refunds.sum());
        assert_eq!(sum, Some(Some(7.into())), "{way:?}");
    }
}

#[test]
fn other_content_of_the_same_version_is_a_conflict_once_a_line_was_claimed() {
    let held = of_two();
    let other = Lines { facts: other_content(), ..lines(&[100, 50], version(1)) };
    let fewer = lines(&[100], version(1));
    for (attempt, is_conflict) in [(0, false), (1, true)] {
        let lines = deliveries(&[line(State::Rejected, 100, attempt, version(1))]);
        for another in [&other, &fewer] {
            let way = by_lines(Some(&held), &lines, another, NOW);
            assert_eq!(matches!(way, ByLines::Conflict { .. }), is_conflict, "{way:?}");
        }
    }
}

#[test]
fn a_conflict_names_the_lines_that_differ() {
    let held = of_two();
    let tried = line(State::Delivered, 100, 1, version(1));
    let untried = line(State::Rejected, 50, 0, version(1));
    for (amounts, differing) in
        [(&[100, 60][..], &["2"][..]), (&[100], &["2"]), (&[99, 60], &["1"]), (&[100, 50, 7], &[])]
    {
        let other = Lines { facts: other_content(), ..lines(amounts, version(1)) };
        let present = deliveries(&[tried.clone(), untried.clone()]);

        let way = by_lines(Some(&held), &present, &other, NOW);

        let ByLines::Conflict { lines, .. } = way else { panic!("{way:?}") };
        assert_eq!(lines, differing, "{amounts:?}");
    }
}

#[test]
fn a_later_version_that_is_a_conflict_ends_the_cancellation_of_what_the_network_has() {
    let policy = policy(Recovery::SendAgain);
    let cancelled = |number| Event::Cancel {
        facts: Facts::none(),
        updated_at: version(number),
        by_refunds: false,
    };
    let completed = |updated_at| Event::Complete { updated_at };
    let next = |held: &Delivery, event| step(Some(held), &event, &policy, NOW).next;
    let reported = next(&line(State::Delivered, 100, 1, version(1)), cancelled(5)).expect("noted");
    let withdrawn = next(&line(State::Rejected, 50, 1, version(1)), cancelled(5)).expect("noted");

    for updated_at in [version(3), version(5), None] {
        assert_eq!(next(&reported, completed(updated_at)), None, "{updated_at:?}");
    }
    let revoked = next(&reported, completed(version(9))).expect("a change");

    assert_eq!((&revoked.cancelled, revoked.state), (&None, State::Delivered));
    let again = step(Some(&revoked), &cancelled(5), &policy, NOW);
    assert_eq!(again, Step { next: None, then: Then::Superseded });
    assert!(next(&revoked, cancelled(10)).is_some_and(|held| held.cancelled.is_some()));
    // Nothing of a conflict is sent.
    assert_eq!(next(&withdrawn, completed(version(9))), None);
}
