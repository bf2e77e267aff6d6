//! The comparison of an order's lines with what the network has, or may have, of them.

use std::collections::BTreeMap;

use serde_json::json;

use super::{super::plan::blank, *};

fn amount(units: u32) -> Facts {
    let one = json!({ "line_amount": units.to_string() });
    serde_json::from_value(one).expect("facts")
}

/// The order with its line 1 of this amount.
fn one_line(units: u32, number: u32) -> Lines {
    Lines {
        facts: content(),
        updated_at: version(number),
        parts: vec![("1".to_owned(), amount(units))],
        until: NOW + MINUTE,
        is_delayed: false,
        has_waited: false,
        are_permitted: false,
        refunds: Refunds::default(),
    }
}

fn refunds(amounts: &[(&str, Option<i64>)]) -> Refunds {
    Refunds::of(amounts.iter().map(|(id, amount)| {
        ((*id).to_owned(), RefundEntry { amount: amount.map(Into::into), at: None })
    }))
}

/// The order's item at version 1, with a line of 100.
fn item() -> Delivery {
    match by_lines(None, &BTreeMap::new(), &one_line(100, 1), NOW) {
        ByLines::Deliver { next: Some(next) } => *next,
        other => panic!("{other:?}"),
    }
}

/// The line of 100 at version 1.
fn line(state: State, attempt: u32) -> Delivery {
    Delivery { state, attempt, ..blank(&amount(100), version(1), NOW) }
}

fn doubtful(recovery: Recovery) -> Delivery {
    Delivery { doubt: Some(doubt(recovery)), ..line(State::Unconfirmed, 1) }
}

/// A line that is being sent, whose sender is dead at `dead_at`.
fn sending(recovery: Recovery, dead_at: Timestamp) -> Delivery {
    let claim = Some(Claim { recovery, scope: String::new() });
    Delivery { claim, claim_expires_at: dead_at, ..line(State::Sending, 1) }
}

fn permitted(held: Delivery, until: Timestamp) -> Delivery {
    Delivery { permission: Some(Permission { until }), ..held }
}

#[test]
fn each_state_of_a_line_lets_other_content_pass_or_wait_or_stands_in_its_way() {
    use Recovery::{Hold, SendAgain};
    let (later, now) = (NOW + MINUTE, NOW);
    let of_a_later_version = Delivery { order_updated_at: version(2), ..line(State::Delivered, 1) };
    for (held, units, number, expected) in [
        (line(State::Delivered, 1), 100, 2, "passes"),
        (line(State::Delivered, 1), 60, 2, "differs"),
        (line(State::Delivered, 1), 60, 1, "differs"),
        (of_a_later_version, 60, 1, "passes"),
        (line(State::Rejected, 1), 60, 2, "passes"),
        (line(State::Rejected, 1), 60, 1, "differs"),
        (line(State::Rejected, 0), 60, 1, "passes"),
        (doubtful(Hold), 60, 2, "differs"),
        (doubtful(SendAgain), 60, 2, "waits"),
        (permitted(doubtful(Hold), later), 60, 2, "passes"),
        (permitted(doubtful(Hold), now), 60, 2, "differs"),
        (permitted(line(State::Delivered, 1), later), 60, 2, "differs"),
        (permitted(sending(Hold, later), later), 60, 2, "waits"),
        (sending(Hold, later), 60, 1, "differs"),
        (sending(SendAgain, now), 60, 2, "waits"),
        (sending(Hold, now), 60, 2, "differs"),
    ] {
        let deliveries = BTreeMap::from([("1".to_owned(), held.clone())]);
        let found = match by_lines(Some(&item()), &deliveries, &one_line(units, number), NOW) {
            ByLines::Conflict { lines, .. } if lines == ["1"] => "differs",
            ByLines::Wait { lines, .. } if lines == ["1"] => "waits",
            ByLines::Deliver { .. } | ByLines::Close { .. } => "passes",
            other => panic!("{other:?} of {held:?}"),
        };
        assert_eq!(found, expected, "{units} at version {number}: {held:?}");
    }
}

#[test]
fn refunds_before_the_order_are_clear_where_the_order_names_them() {
    let currency = crate::order::Currency::of_code("INR").expect("a currency");
    let before = refunds(&[("named", Some(5)), ("other", Some(7))]);
    let event = Event::Refund { refunds: before, currency };
    let kept = step(None, &event, &policy(Recovery::Hold), NOW).next.expect("a record");
    let lines =
        Lines { refunds: refunds(&[("named", Some(5)), ("new", Some(2))]), ..one_line(100, 1) };

    let way = by_lines(Some(&kept), &BTreeMap::new(), &lines, NOW);

    let ByLines::Deliver { next: Some(next) } = way else { panic!("{way:?}") };
    assert_eq!(next.refunds, refunds(&[("named", Some(5)), ("new", Some(2)), ("other", None)]));
}

#[test]
fn a_claimed_line_is_void_once_its_order_says_otherwise() {
    let is_void = |held: &Delivery, facts: &Facts, number| {
        crate::delivery::is_void(held, facts, version(number), NOW)
    };
    let cancelled = next(&item(), &cancel(version(1)), &policy(Recovery::Hold), NOW);
    let cancelled = Delivery { state: State::Skipped, ..cancelled };
    let closed_until = |not_before| Delivery { not_before, ..item() };

    assert!(!is_void(&item(), &content(), 1) && !is_void(&item(), &content(), 2));
    assert!(is_void(&cancelled, &content(), 1) && !is_void(&cancelled, &content(), 2));
    assert!(is_void(&item(), &content(), 0), "a later version is held");
    assert!(is_void(&item(), &other_content(), 1));
    assert!(is_void(&closed_until(NOW + SECOND), &content(), 1));
    assert!(!is_void(&closed_until(NOW), &content(), 1));
    assert!(is_void(&Delivery { state: State::Withdrawn, ..item() }, &content(), 1));
}
