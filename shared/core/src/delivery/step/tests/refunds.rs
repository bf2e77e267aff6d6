//! Refunds that come without their order: each counts once, in every state, and sends nothing.

use rust_decimal::Decimal;
use serde_json::json;

use super::*;
use crate::order::Currency;

fn currency(code: &str) -> Currency {
    Currency::of_code(code).expect("a currency")
}

fn refunds(amounts: &[(&str, i64)]) -> Refunds {
    let entry = |amount: i64| RefundEntry { amount: Some(amount.into()), at: None };
    Refunds::of(amounts.iter().map(|(id, amount)| ((*id).to_owned(), entry(*amount))))
}

fn alone(amounts: &[(&str, i64)]) -> Event {
    Event::Refund { refunds: refunds(amounts), currency: currency("INR") }
}

/// The content of an order of 100 rupees.
fn hundred() -> Facts {
    serde_json::from_value(json!({ "amount": "100", "currency": "INR" })).expect("facts")
}

fn arrive_for_hundred(now: Timestamp) -> Event {
    Event::Arrive(Arrival { facts: hundred(), ..arrival(now) })
}

/// A delivery in each state that the network may have, or is to get.
fn in_every_state() -> Vec<Delivery> {
    let states = State::ALL.into_iter().filter(|state| *state != State::Withdrawn);
    let of = |state| Delivery { state, facts: hundred(), ..held() };
    states.map(of).collect()
}

#[test]
fn a_refund_counts_once_in_every_state_and_changes_nothing_else() {
    let policy = policy(Recovery::Hold);
    for held in in_every_state() {
        let noted = next(&held, &alone(&[("r-1", 30)]), &policy, NOW);

        let refunds = refunds(&[("r-1", 30)]);
        assert_eq!(noted, Delivery { refunds, ..held.clone() }, "{:?}", held.state);
        let again = step(Some(&noted), &alone(&[("r-1", 30)]), &policy, NOW);
        assert_eq!(again, unchanged(Then::Rest), "{:?}", held.state);
    }
}

#[test]
fn refunds_that_reach_the_amount_cancel_the_order_in_every_state() {
    let policy = policy(Recovery::Hold);
    for held in in_every_state() {
        let part = next(&held, &alone(&[("r-1", 30)]), &policy, NOW);

        let whole = next(&part, &alone(&[("r-2", 70)]), &policy, NOW);

        assert!(whole.cancelled.is_some_and(|noted| noted.by_refunds), "{:?}", held.state);
        assert_eq!(whole.refunds.sum(), Some(Decimal::from(100)));
        let is_withdrawn = held.is_certainly_absent();
        let expected = if is_withdrawn { State::Withdrawn } else { held.state };
        assert_eq!(whole.state, expected, "{:?}", held.state);
    }
}

#[test]
fn refunds_before_the_order_are_kept_and_it_arrives_as_for_the_first_time() {
    let policy = policy(Recovery::Hold);
    let first = step(None, &alone(&[("r-1", 30)]), &policy, NOW);
    let kept = first.next.expect("a record");

    let arrived = next(&kept, &arrive_for_hundred(NOW + DAY), &policy, NOW + DAY);

    assert!(kept.has_refunds_alone() && first.then == Then::Rest);
    let expected = step(None, &arrive_for_hundred(NOW + DAY), &policy, NOW + DAY).next;
    let expected = Delivery { refunds: refunds(&[("r-1", 30)]), ..expected.expect("a claim") };
    assert_eq!(arrived, expected);
}

#[test]
fn refunds_of_the_whole_amount_before_the_order_keep_it_from_being_reported() {
    let policy = policy(Recovery::Hold);
    let kept = step(None, &alone(&[("r-1", 30), ("r-2", 70)]), &policy, NOW).next;

    let Step { next, then } = step(kept.as_ref(), &arrive_for_hundred(NOW + DAY), &policy, NOW);

    assert_eq!((next.map(|next| next.state), then), (Some(State::Withdrawn), Then::Rest));
}

#[test]
fn an_order_that_reports_nothing_leaves_the_refunds_for_a_later_version() {
    let policy = policy(Recovery::Hold);
    let kept = step(None, &alone(&[("r-1", 30)]), &policy, NOW).next;

    let skipped = step(kept.as_ref(), &arrive_planned(NOW, skip()), &policy, NOW);

    assert_eq!(skipped, unchanged(Then::Rest));
}

#[test]
fn an_order_that_reports_nothing_is_not_cancelled_by_its_refunds() {
    let event = Arrival { facts: hundred(), refunds: refunds(&[("r-1", 100)]), ..arrival(NOW) };
    let event = Event::Arrive(Arrival { planned: skip(), ..event });

    assert_eq!(step(None, &event, &policy(Recovery::Hold), NOW), unchanged(Then::Rest));
}

#[test]
fn refunds_cancel_content_that_takes_the_place_of_what_the_network_does_not_hold() {
    let policy = policy(Recovery::Hold);
    let held = versioned(settled(&policy, Verdict::rejected("never")), 2);
    let cancels = |number, has_waited| {
        let arrival =
            Arrival { facts: hundred(), refunds: refunds(&[("r-1", 100)]), ..arrival(NOW) };
        let arrival = Arrival { updated_at: version(number), has_waited, ..arrival };
        let next = step(Some(&held), &Event::Arrive(arrival), &policy, NOW).next;
        next.is_some_and(|next| next.cancelled.is_some())
    };

    assert!(cancels(3, true) && cancels(2, false));
    // What waited is older than the version that took its place.
    assert!(!cancels(2, true) && !cancels(1, false));
}

#[test]
fn the_amount_of_a_refund_in_another_currency_is_not_clear() {
    let policy = policy(Recovery::Hold);
    let euros = Event::Refund { refunds: refunds(&[("r-1", 100)]), currency: currency("EUR") };
    let held = Delivery { facts: hundred(), ..held() };

    let after = next(&held, &euros, &policy, NOW);
    let before = step(None, &euros, &policy, NOW).next.expect("a record");
    let before = next(&before, &arrive_for_hundred(NOW), &policy, NOW);

    for noted in [after, before] {
        assert_eq!((noted.refunds.sum(), noted.cancelled), (None, None));
        assert_eq!(noted.refunds.entries().count(), 1);
    }
}

#[test]
fn a_cancellation_and_a_refund_are_both_noted_whichever_comes_first() {
    let policy = policy(Recovery::Hold);
    let refunded = step(None, &alone(&[("r-1", 30)]), &policy, NOW).next.expect("a record");
    let cancelled = withdrawn(None);

    let one = next(&refunded, &cancel(None), &policy, NOW);
    let other = next(&cancelled, &alone(&[("r-1", 30)]), &policy, NOW);

    for held in [one, other] {
        assert_eq!((held.state, held.refunds.sum()), (State::Withdrawn, Some(30.into())));
        let then = step(Some(&held), &arrive_for_hundred(NOW), &policy, NOW).then;
        assert_eq!(then, Then::Rest);
    }
}
