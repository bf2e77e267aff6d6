//! Refunds that come without their orders: recorded once by every way, before the order and after it, and
//! taken off at the validation.
//!
//! More than 300 lines: all of them begin with the same order.

use std::time::Duration;

use postback_core::{
    delivery::{Key, Record},
    redaction::Reason,
};
use postback_integration::{
    Bundle,
    sign::{KEY, message},
    with,
};
use postback_sandbox::{Fault, Network};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    DAY, amounts, at_shopback, cancelled, changed_at, delivery, order, published, script, state,
    validation::{bundle, lock_at, one, refunds, shown, validate, validated},
    validation_ways::{bundle_of_lines, line, lines, of_lines},
};

/// A refund by itself, of no line.
fn alone(order_id: &str, id: &str, amount: &str) -> Value {
    let refund = json!({ "id": id, "at": "2026-11-25T09:00:00Z", "amount": amount });
    let status = "partially_refunded";
    json!({ "order_id": order_id, "status": status, "currency": "INR", "refunds": [refund] })
}

/// The same of one line.
fn alone_of_line(order_id: &str, id: &str, amount: &str, line: u32) -> Value {
    let lines = json!([{ "line": line, "quantity": 1, "amount": amount }]);
    with(alone(order_id, id, amount), "/refunds/0/lines", lines)
}

async fn held(bundle: &Bundle, line: Option<&str>) -> Record {
    let key = Key::known("A-1".to_owned(), "shopback", line);
    bundle.shopback.record_of(&key).await.expect("a delivery")
}

async fn sum(bundle: &Bundle) -> Option<Decimal> {
    held(bundle, None).await.protocol.refunds.sum()
}

/// Sends to ShopBack's function.
async fn post(bundle: &Bundle, order: &Value) -> (u64, Value) {
    let reply = bundle.post("/orders/shopback", order).await;
    bundle.assert_described("post", "/orders/shopback", &reply).await;
    (reply.status, reply.body()["state"].clone())
}

async fn validated_after(bundle: &Bundle) -> Vec<(String, String)> {
    bundle.bed.advance_to(lock_at());
    validate(bundle).await;
    validated(bundle)
}

async fn reason_of_validation(bundle: &Bundle, line: Option<&str>) -> Option<String> {
    let key = Key::known("A-1".to_owned(), "shopback", line).validation();
    let held = bundle.shopback.record_of(&key).await.expect("a validation").protocol;
    held.reason.as_ref().map(Reason::as_str).map(str::to_owned)
}

#[tokio::test]
async fn a_refund_by_itself_counts_once_by_every_way() {
    let refund = alone("A-1", "r-1", "700");
    for way in ["call", "api", "webhook", "bus"] {
        let bundle = bundle().await;
        post(&bundle, &order("A-1", "a")).await;

        for id in ["msg_1", "msg_2"] {
            match way {
                "call" => assert_eq!(post(&bundle, &refund).await, (200, json!("delivered"))),
                "api" => {
                    let reply = bundle.post("/orders", &refund).await;
                    let networks = ["cartstack", "cashmycell", "cpa_moe", "shopback"];
                    let expected = (202, json!(networks));
                    assert_eq!((reply.status, reply.body()["networks"].clone()), expected);
                    bundle.assert_described("post", "/orders", &reply).await;
                }
                "webhook" => {
                    let message = message(KEY, id, bundle.bed.now(), &refund.to_string());
                    assert_eq!(bundle.call(&message).await.status, 202);
                }
                _ => bundle.put_on_bus("order.partially_refunded", &refund).await,
            }
            bundle.work().await;
        }
        // The order brings it, too.
        post(&bundle, &refunds(order("A-1", "a"), &[("r-1", "700")])).await;

        assert_eq!(bundle.intake_services.faulty(), [], "{way}");
        assert_eq!(sum(&bundle).await, Some(700.into()), "{way}");
        assert_eq!(published(&bundle, "shopback").await, ["delivered", "refunded"], "{way}");
        assert_eq!(amounts(&bundle), ["1499"], "{way}");
        assert_eq!(validated_after(&bundle).await, one("approved", "799"), "{way}");
        assert_eq!(bundle.bed.sandbox.violations(), [], "{way}");
    }
}

#[tokio::test]
async fn a_refund_that_comes_before_its_order_is_kept_for_it() {
    for is_named in [false, true] {
        let bundle = bundle().await;
        let reply = bundle.post("/orders/shopback", &alone("A-1", "r-1", "700")).await;
        // Refunds are no delivery.
        let (before, announced) = (bundle.get("A-1").await, published(&bundle, "shopback").await);
        post(&bundle, &alone("A-1", "r-2", "9")).await;
        bundle.bed.advance(Duration::from_mins(3));

        let named: &[_] = if is_named { &[("r-1", "700")] } else { &[] };
        let taken = post(&bundle, &refunds(order("A-1", "a"), named)).await;

        let body = reply.body();
        assert_eq!((reply.status, &body["state"]), (200, &json!("skipped")));
        assert_eq!(body["reason"], "order_unknown");
        assert_eq!((before.problem().1.as_str(), announced), ("unknown_order", vec![]));
        assert_eq!(taken, (200, json!("delivered")));
        assert_eq!(sum(&bundle).await, Some(709.into()));
        // As if it had come for the first time.
        let held = held(&bundle, None).await;
        assert_eq!((held.protocol.attempt, held.protocol.first_seen_at), (1, bundle.bed.now()));
        assert_eq!(published(&bundle, "shopback").await, ["refunded", "delivered"]);
        assert_eq!(validated_after(&bundle).await, one("approved", "790"));
    }
}

#[tokio::test]
async fn an_order_that_concerns_no_network_leaves_the_refund_where_it_is() {
    let bundle = bundle().await;
    post(&bundle, &alone("A-1", "r-1", "700")).await;

    let unclaimed = with(order("A-1", "a"), "/clicks", json!({}));
    let skipped = bundle.post("/orders/shopback", &unclaimed).await;
    post(&bundle, &order("A-1", "a")).await;

    assert_eq!((skipped.status, &skipped.body()["state"]), (200, &json!("skipped")));
    assert_eq!(skipped.body()["reason"], "no_click");
    assert_eq!(validated_after(&bundle).await, one("approved", "799"));
}

#[tokio::test]
async fn refunds_by_themselves_that_reach_the_total_cancel_the_order() {
    for way in ["before", "waiting", "reported"] {
        let bundle = bundle().await;
        let (part, rest) = (alone("A-1", "r-1", "1000"), alone("A-1", "r-2", "499"));
        if way == "waiting" {
            script(&bundle, Network::ShopBack, Fault::status(429));
        }
        if way != "before" {
            post(&bundle, &order("A-1", "a")).await;
        }
        for refund in [&part, &rest, &part] {
            post(&bundle, refund).await;
        }
        if way == "before" {
            post(&bundle, &order("A-1", "a")).await;
        }
        bundle.work_until(bundle.bed.now() + DAY).await;
        // No later version takes that back.
        post(&bundle, &changed_at(order("A-1", "a"), 30)).await;

        let expected = if way == "reported" { "delivered" } else { "withdrawn" };
        assert_eq!(at_shopback(&bundle, "A-1").await, state(expected), "{way}");
        let is_reported = way == "reported";
        let rejected = if is_reported { one("rejected", "1499") } else { vec![] };
        assert_eq!(validated_after(&bundle).await, rejected, "{way}");
    }
}

#[tokio::test]
async fn a_refund_changes_nothing_of_an_order_that_waits() {
    let bundle = bundle().await;
    script(&bundle, Network::ShopBack, Fault::status(429));
    post(&bundle, &order("A-1", "a")).await;
    let waiting = held(&bundle, None).await;

    let answer = post(&bundle, &alone("A-1", "r-1", "700")).await;
    let noted = held(&bundle, None).await;
    bundle.work_until(bundle.bed.now() + DAY).await;

    assert_eq!(answer, (202, json!("retrying")));
    assert!(waiting.message_until.is_some());
    assert_eq!(noted.message_until, waiting.message_until);
    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(validated_after(&bundle).await, one("approved", "799"));
}

#[tokio::test]
async fn a_refund_and_a_cancellation_are_noted_in_any_order() {
    for refund_first in [true, false] {
        for is_reported in [true, false] {
            let bundle = bundle().await;
            if is_reported {
                post(&bundle, &order("A-1", "a")).await;
            }
            let mut messages = [alone("A-1", "r-1", "700"), cancelled("A-1")];
            if !refund_first {
                messages.reverse();
            }
            for message in &messages {
                post(&bundle, message).await;
            }
            post(&bundle, &order("A-1", "a")).await;

            let (expected, called) = if is_reported {
                ("delivered", one("rejected", "1499"))
            } else {
                ("withdrawn", vec![])
            };
            let case = format!("refund first: {refund_first}, reported: {is_reported}");
            assert_eq!(at_shopback(&bundle, "A-1").await.0, expected, "{case}");
            assert_eq!(sum(&bundle).await, Some(700.into()), "{case}");
            let delivery = delivery(&bundle, "A-1", "shopback").await;
            assert_eq!(delivery["conflicts"].as_array().map_or(0, Vec::len), 0, "{case}");
            if !is_reported {
                continue;
            }
            // A completion behind a cancellation is a person's.
            assert_ne!(validated_after(&bundle).await, one("approved", "799"), "{case}");
            assert!(validated(&bundle).is_empty() || validated(&bundle) == called, "{case}");
        }
    }
}

#[tokio::test]
async fn a_refund_in_another_currency_or_with_two_amounts_is_a_person_s() {
    let euros = with(alone("A-1", "r-1", "7.72"), "/currency", json!("EUR"));
    for (first, second) in [
        (order("A-1", "a"), euros.clone()),
        (euros, order("A-1", "a")),
        (refunds(order("A-1", "a"), &[("r-1", "700")]), alone("A-1", "r-1", "699")),
    ] {
        let bundle = bundle().await;
        post(&bundle, &first).await;
        post(&bundle, &second).await;

        assert_eq!(validated_after(&bundle).await, []);
        let reason = reason_of_validation(&bundle, None).await;
        assert_eq!(reason.as_deref(), Some("refund_unclear"), "{first}");
    }
}

#[tokio::test]
async fn a_refund_after_the_validation_is_claimed_back() {
    let bundle = bundle().await;
    post(&bundle, &order("A-1", "a")).await;
    let approved = validated_after(&bundle).await;

    post(&bundle, &alone("A-1", "r-1", "700")).await;

    assert_eq!(approved, one("approved", "1499"));
    assert_eq!(shown(&bundle, "A-1").await["amount_left"], json!(null));
    assert!(published(&bundle, "shopback").await.contains(&"claim_back".to_owned()));
}

#[tokio::test]
async fn a_refund_by_itself_is_taken_off_its_line() {
    let bundle = bundle_of_lines().await;
    post(&bundle, &of_lines("A-1", "a")).await;

    for refund in [
        alone_of_line("A-1", "r-1", "0.01", 1),
        alone_of_line("A-1", "r-2", "499", 2),
        alone_of_line("A-1", "r-2", "499", 2),
    ] {
        let reply = bundle.post("/orders/shopback", &refund).await;
        assert_eq!((reply.status, &reply.body()["state"]), (200, &json!("delivered")));
        assert_eq!(reply.body()["lines"].as_array().map(Vec::len), Some(2));
    }
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;
    bundle.bed.advance(DAY);
    validate(&bundle).await;

    let expected = [line("1", "approved", "999.99"), line("2", "rejected", "499")];
    assert_eq!(lines(&bundle), expected);
}

#[tokio::test]
async fn refunds_by_themselves_of_all_lines_withdraw_each() {
    let bundle = bundle_of_lines().await;
    script(&bundle, Network::ShopBack, Fault::status(429));
    script(&bundle, Network::ShopBack, Fault::status(429));
    post(&bundle, &of_lines("A-1", "a")).await;

    let whole = alone("A-1", "r-1", "1499");
    for _ in 0..2 {
        let reply = bundle.post("/orders/shopback", &whole).await;
        assert_eq!((reply.status, &reply.body()["state"]), (200, &json!("withdrawn")));
    }
    bundle.work_until(bundle.bed.now() + DAY).await;

    for number in ["1", "2"] {
        assert_eq!(held(&bundle, Some(number)).await.protocol.state.as_str(), "withdrawn");
    }
    assert_eq!(lines(&bundle), []);
}

#[tokio::test]
async fn a_refund_before_an_order_by_lines_leaves_its_lines_to_a_person() {
    let bundle = bundle_of_lines().await;
    post(&bundle, &alone_of_line("A-1", "r-1", "5", 1)).await;

    let taken = post(&bundle, &of_lines("A-1", "a")).await;
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    assert_eq!((taken, lines(&bundle)), ((200, json!("delivered")), vec![]));
    for number in ["1", "2"] {
        let reason = reason_of_validation(&bundle, Some(number)).await;
        assert_eq!(reason.as_deref(), Some("refund_unclear"));
    }
}

#[tokio::test]
async fn a_refund_before_an_order_by_lines_that_names_it_is_that_of_its_line() {
    let bundle = bundle_of_lines().await;
    let refund = alone_of_line("A-1", "r-1", "5", 1);
    post(&bundle, &refund).await;

    post(&bundle, &with(of_lines("A-1", "a"), "/refunds", refund["refunds"].clone())).await;
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    assert_eq!(lines(&bundle), [line("1", "approved", "995"), line("2", "approved", "499")]);
}

#[tokio::test]
async fn a_refund_by_itself_of_a_line_that_a_later_version_adds_leaves_that_line_to_a_person() {
    let bundle = bundle_of_lines().await;
    script(&bundle, Network::ShopBack, Fault::status(429));
    post(&bundle, &changed_at(of_lines("A-1", "a"), 20)).await;
    post(&bundle, &alone_of_line("A-1", "r-1", "5", 3)).await;

    let items = ["1000.00", "499.00", "7.00"].map(|price| json!({ "unit_price": price }));
    let more = with(of_lines("A-1", "a"), "/items", json!(items));
    let more = with(more, "/total", json!("1506.00"));
    post(&bundle, &changed_at(more, 30)).await;
    bundle.work_until(bundle.bed.now() + DAY).await;
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    assert_eq!(lines(&bundle), [line("1", "approved", "1000"), line("2", "approved", "499")]);
    let reason = reason_of_validation(&bundle, Some("3")).await;
    assert_eq!(reason.as_deref(), Some("refund_unclear"));
}

#[tokio::test]
async fn a_refund_by_itself_of_a_line_that_is_not_yet_claimed_is_noted_once_it_is() {
    let bundle = bundle_of_lines().await;
    script(&bundle, Network::ShopBack, Fault::hang());
    let refund = async {
        bundle.bed.sandbox.wait_for_received(Network::ShopBack, "A-1", 1).await;
        let answer = post(&bundle, &alone_of_line("A-1", "r-1", "5", 2)).await;
        bundle.bed.sandbox.release();
        answer
    };
    let first = of_lines("A-1", "a");

    let (taken, answer) = tokio::join!(post(&bundle, &first), refund);
    bundle.work_until(bundle.bed.now() + DAY).await;
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    assert_eq!((taken, answer), ((200, json!("delivered")), (202, json!("retrying"))));
    assert_eq!(lines(&bundle), [line("1", "approved", "1000"), line("2", "approved", "494")]);
}

#[tokio::test]
async fn two_amounts_of_one_line_s_refund_leave_the_other_line_as_it_is() {
    let bundle = bundle_of_lines().await;
    for message in [
        of_lines("A-1", "a"),
        alone_of_line("A-1", "r-1", "5", 2),
        alone_of_line("A-1", "r-1", "6", 2),
        of_lines("A-1", "a"),
    ] {
        post(&bundle, &message).await;
    }
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    assert_eq!(lines(&bundle), [line("1", "approved", "1000")]);
    let reason = reason_of_validation(&bundle, Some("2")).await;
    assert_eq!(reason.as_deref(), Some("refund_unclear"));
}

#[tokio::test]
async fn a_second_refund_under_the_id_of_the_first_is_refused() {
    let bundle = bundle().await;
    let first = alone("A-1", "r-1", "700");
    let mut statuses = Vec::new();
    for refund in [
        first.clone(),
        first.clone(),
        alone("A-1", "r-2", "700"),
        alone("A-1", "r-1", "7"),
        with(first, "/currency", json!("EUR")),
    ] {
        let message = message(KEY, "msg_1", bundle.bed.now(), &refund.to_string());
        statuses.push(bundle.call(&message).await.status);
    }

    assert_eq!(statuses, [202, 202, 409, 409, 409]);
}

#[tokio::test]
async fn the_sender_of_an_order_is_not_that_of_a_refund_before_it() {
    let bundle = bundle().await;
    bundle.put_on_bus("order.partially_refunded", &alone("A-1", "r-1", "700")).await;
    bundle.work().await;
    let before = held(&bundle, None).await.source;

    post(&bundle, &order("A-1", "a")).await;

    let after = held(&bundle, None).await.source;
    assert_ne!(before, after);
    assert_eq!(after.as_deref(), Some("api"));
}

#[tokio::test]
async fn a_refund_by_itself_with_faults_is_refused_and_kept() {
    let refund = alone("A-1", "r-1", "700");
    let without = |name: &str| {
        let mut refund = refund.clone();
        refund.as_object_mut().expect("an object").remove(name);
        refund
    };
    for (faulty, pointer, code) in [
        (without("refunds"), "/refunds", "missing"),
        (with(refund.clone(), "/refunds", json!([])), "/refunds", "missing"),
        (without("currency"), "/currency", "missing"),
        (without("order_id"), "/order_id", "missing"),
        (with(refund.clone(), "/refunds/0/id", json!("")), "/refunds/0/id", "missing"),
        (
            with(refund.clone(), "/refunds/0/amount", json!("7.001")),
            "/refunds/0/amount",
            "too_precise",
        ),
        (with(refund.clone(), "/refund", json!([])), "/refund", "unknown_member"),
    ] {
        let bundle = bundle().await;
        for path in ["/orders", "/orders/shopback"] {
            let reply = bundle.post(path, &faulty).await;
            assert_eq!(reply.status, 422, "{path}: {faulty}");
            let found = reply.faults();
            let places: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
            assert_eq!(places, [pointer], "{path}: {faulty}");
            if code != "too_precise" {
                assert_eq!(found[0].1, code, "{path}: {faulty}");
            }
        }
        bundle.put_on_bus("order.partially_refunded", &faulty).await;
        bundle.work().await;
        let is_kept = usize::from(code != "unknown_member");
        assert_eq!(bundle.intake_services.faulty().len(), is_kept, "{faulty}");
    }
    // Nothing else of it is read.
    let bundle = bundle().await;
    let more = json!({ "total": "x", "completed_at": 7, "clicks": { "shopbak": 1 }, "items": 3 });
    let mut loose = refund;
    loose.as_object_mut().expect("an object").extend(more.as_object().expect("members").clone());
    assert_eq!(post(&bundle, &loose).await, (200, json!("skipped")));
}
