//! The ways to a validation: by lines, by a workbook, and with what comes back by the webhook or by the
//! bus.
//!
//! More than 300 lines: all of them begin with the same bundles.

use std::time::Duration;

use postback_core::{
    delivery::{Decision, Key},
    redaction::Reason,
};
use postback_integration::{
    Bundle,
    sign::{KEY, message},
    with,
};
use postback_reconcile::{
    format::Format,
    month::{Month, Period},
};
use postback_sandbox::{Network, ShopBackDuplicates};
use serde_json::{Value, json};

use crate::reconcile::records;

use super::{
    DAY, cancelled, order,
    validation::{bundle, lock_at, one, refunds, shown, terms, validate, validated},
};

/// A bundle that validates each line.
pub(super) async fn bundle_of_lines() -> Box<Bundle> {
    bundle_of_lines_validated(&terms()).await
}

async fn bundle_of_lines_validated(validation: &Value) -> Box<Bundle> {
    let bundle = Bundle::new(1).await;
    bundle.bed.sandbox.change_settings(|settings| {
        settings.shopback.duplicates = ShopBackDuplicates::Never;
    });
    let secret = json!({
        "offer_id": 1234, "security_token": "fake0token0fake0token0fake0token",
        "mode": "line_items", "adv_sub2": "{line}", "validation": validation,
    });
    bundle.shopback.services.rotate(&secret.to_string());
    bundle.bed.advance(Duration::from_mins(10));
    bundle
}

pub(super) fn of_lines(id: &str, click: &str) -> Value {
    let items = ["1000.00", "499.00"].map(|price| json!({ "unit_price": price }));
    with(order(id, click), "/items", json!(items))
}

/// A refund of a line, or of no line in particular.
fn returned(order: Value, id: &str, amount: &str, line: Option<u32>) -> Value {
    let mut refund = json!({ "id": id, "amount": amount });
    if let Some(line) = line {
        refund["lines"] = json!([{ "line": line.to_string(), "amount": amount }]);
    }
    let mut refunds = order["refunds"].as_array().cloned().unwrap_or_default();
    refunds.push(refund);
    with(order, "/refunds", json!(refunds))
}

/// The lines that were validated, each with its status and amount.
pub(super) fn lines(bundle: &Bundle) -> Vec<(String, String, String)> {
    let all = bundle.bed.sandbox.validations().into_iter();
    let all = all.inspect(|one| assert_eq!(one.breach, None, "{one:?}"));
    let mut all: Vec<_> =
        all.map(|one| (one.ids["adv_sub2"].clone(), one.status, one.amount)).collect();
    all.sort();
    all
}

pub(super) fn line(line: &str, status: &str, amount: &str) -> (String, String, String) {
    (line.to_owned(), status.to_owned(), amount.to_owned())
}

#[tokio::test]
async fn each_line_is_validated_with_what_is_left_of_it() {
    let bundle = bundle_of_lines().await;
    let order = of_lines("A-1", "a");
    bundle.post("/orders/shopback", &order).await;
    let part = returned(order.clone(), "r-1", "0.01", Some(1));
    bundle.post("/orders/shopback", &part).await;
    // All of the second line, in two parts of which the first comes twice.
    let more = returned(part, "r-2", "400", Some(2));
    for refunded in [more.clone(), returned(more, "r-3", "99", Some(2))] {
        bundle.post("/orders/shopback", &refunded).await;
    }

    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;
    bundle.bed.advance(DAY);
    validate(&bundle).await;

    let expected = [line("1", "approved", "999.99"), line("2", "rejected", "499")];
    assert_eq!(lines(&bundle), expected);
}

#[tokio::test]
async fn a_refund_that_names_no_line_leaves_all_lines_to_a_person() {
    let bundle = bundle_of_lines().await;
    bundle.post("/orders/shopback", &of_lines("A-1", "a")).await;
    let refunded = returned(of_lines("A-1", "a"), "r-1", "5", None);
    bundle.post("/orders/shopback", &refunded).await;

    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    assert_eq!(lines(&bundle), []);
    for number in ["1", "2"] {
        let key = Key::known("A-1".to_owned(), "shopback", Some(number)).validation();
        let held = bundle.shopback.record_of(&key).await.expect("a validation").protocol;
        let reason = held.reason.as_ref().map(Reason::as_str);
        assert_eq!(reason, Some("refund_unclear"), "{held:?}");
    }
}

/// The order as it was changed at this minute.
fn version(order: &Value, minute: u32) -> Value {
    with(order.clone(), "/updated_at", json!(format!("2026-11-21T10:{minute:02}:00Z")))
}

#[tokio::test]
async fn refunds_that_reach_the_total_reject_each_line_and_no_later_version_takes_them_back() {
    let bundle = bundle_of_lines().await;
    let order = of_lines("A-1", "a");
    bundle.post("/orders/shopback", &version(&order, 20)).await;
    for (id, amount) in [("r-1", "1000"), ("r-2", "499")] {
        let part = returned(version(&order, 20), id, amount, None);
        bundle.post("/orders/shopback", &part).await;
    }
    bundle.post("/orders/shopback", &version(&order, 30)).await;

    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;
    bundle.bed.advance(DAY);
    validate(&bundle).await;

    assert_eq!(lines(&bundle), [line("1", "rejected", "1000"), line("2", "rejected", "499")]);
}

#[tokio::test]
async fn a_refund_of_the_whole_before_the_lines_are_reported_withdraws_them() {
    let bundle = bundle_of_lines().await;

    let refunded = returned(of_lines("A-1", "a"), "r-1", "1499", None);
    let reply = bundle.post("/orders/shopback", &refunded).await;
    bundle.post("/orders/shopback", &of_lines("A-1", "a")).await;

    assert_eq!(reply.body()["state"], "withdrawn");
    assert_eq!(bundle.bed.sandbox.requests(), 0);
}

#[tokio::test]
async fn a_refund_counts_whatever_becomes_of_its_version() {
    let bundle = bundle_of_lines().await;
    let order = of_lines("A-1", "a");
    bundle.post("/orders/shopback", &version(&order, 20)).await;
    let earlier = returned(version(&order, 10), "r-1", "0.01", Some(1));
    let other = with(version(&order, 30), "/items/0/unit_price", json!("999.00"));
    let conflict = returned(other, "r-2", "0.02", Some(1));
    let without_click = with(version(&order, 20), "/clicks", json!({}));
    let skipped = returned(without_click, "r-3", "0.04", Some(2));
    for refunded in [earlier, conflict, skipped] {
        bundle.post("/orders/shopback", &refunded).await;
    }

    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;
    bundle.bed.advance(DAY);
    validate(&bundle).await;

    assert_eq!(lines(&bundle), [line("1", "approved", "999.97"), line("2", "approved", "498.96")]);
}

#[tokio::test]
async fn refunds_above_the_total_leave_all_lines_to_a_person() {
    let bundle = bundle_of_lines().await;
    bundle.post("/orders/shopback", &of_lines("A-1", "a")).await;
    for amount in ["1499", "1"] {
        let refunded = returned(of_lines("A-1", "a"), &format!("r-{amount}"), amount, None);
        bundle.post("/orders/shopback", &refunded).await;
    }

    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    assert_eq!(lines(&bundle), []);
}

#[tokio::test]
async fn what_comes_back_by_the_webhook_and_by_the_bus_counts_alike() {
    let bundle = bundle().await;
    for (id, click) in [("A-1", "a"), ("A-2", "b"), ("A-3", "c")] {
        bundle.put_on_bus("order.completed", &order(id, click)).await;
    }
    bundle.work().await;
    let refunded = refunds(order("A-1", "a"), &[("r-1", "9.01")]);
    for id in ["msg_1", "msg_2"] {
        let message = message(KEY, id, bundle.bed.now(), &refunded.to_string());
        assert_eq!(bundle.call(&message).await.status, 202);
    }
    bundle.put_on_bus("order.completed", &refunds(order("A-2", "b"), &[("r-1", "9.02")])).await;
    let whole = with(cancelled("A-3"), "/status", json!("refunded"));
    bundle.put_on_bus("order.refunded", &whole).await;
    bundle.work().await;

    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    let mut found = validated(&bundle);
    found.sort();
    let expected = [("approved", "1489.98"), ("approved", "1489.99"), ("rejected", "1499")];
    assert_eq!(found, expected.map(|(status, amount)| (status.to_owned(), amount.to_owned())));
}

/// The decisions of the workbook of November, and the reasons that stand in its way.
async fn workbook(bundle: &Bundle) -> (Vec<(String, String)>, Vec<String>) {
    let mut month = Month::new(Period::month("2026-11", None).expect("a month"));
    for record in records(bundle, "shopback").await {
        month.add(record);
    }
    let format = Format::of_network("shopback").expect("a format");
    let decided = month.decide(&format, None, bundle.bed.now());
    let rows = decided.conversions.iter();
    let rows = rows.map(|row| (row.status.as_str().to_owned(), row.amount.normalize().to_string()));
    (rows.collect(), decided.in_the_way.into_iter().map(|remark| remark.reason).collect())
}

#[tokio::test]
async fn a_shop_without_the_api_keeps_the_ids_of_its_lines_and_calls_nothing() {
    let by = json!({ "by": "workbook", "return_period_days": 30 });
    let bundle = bundle_of_lines_validated(&by).await;
    let order = of_lines("A-1", "a");
    bundle.post("/orders/shopback", &order).await;
    let part = returned(order, "r-1", "499", Some(2));
    bundle.post("/orders/shopback", &part).await;
    assert_eq!(workbook(&bundle).await, (vec![], vec!["return_period".to_owned(); 2]));

    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    assert_eq!((lines(&bundle), bundle.bed.sandbox.violations()), (vec![], vec![]));
    let kept = records(&bundle, "shopback").await;
    let subs: Vec<_> = kept
        .iter()
        .filter_map(|it| it.protocol.reported.as_ref()?.ids.get("adv_sub2").map(String::as_str))
        .collect();
    assert_eq!(subs, ["1", "2"], "{kept:#?}");
    assert!(kept.iter().all(|record| !record.is_validation()));
    let rows = [("approved", "1000"), ("rejected", "499")];
    let rows = rows.map(|(status, amount)| (status.to_owned(), amount.to_owned()));
    let (mut found, in_the_way) = workbook(&bundle).await;
    found.sort();
    assert_eq!((found, in_the_way), (rows.to_vec(), vec![]));
}

#[tokio::test]
async fn what_two_decimals_can_not_hold_waits_for_a_person_both_ways() {
    let bundle = bundle().await;
    let order = with(order("A-1", "a"), "/currency", json!("KWD"));
    bundle.post("/orders/shopback", &order).await;
    let part = refunds(order, &[("r-1", "0.125")]);
    bundle.post("/orders/shopback", &part).await;
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    let held = shown(&bundle, "A-1").await;
    assert_eq!((validated(&bundle), held["status"].clone()), (vec![], json!("held")));
    assert_eq!(held["reason"], "amount_too_precise");
    assert_eq!(workbook(&bundle).await, (vec![], vec!["amount_too_precise".to_owned()]));

    // With another refund it fits.
    let more = refunds(part, &[("r-1", "0.125"), ("r-2", "0.875")]);
    bundle.post("/orders/shopback", &more).await;
    assert_eq!(workbook(&bundle).await, (one("approved", "1498"), vec![]));
    validate(&bundle).await;
    assert_eq!(validated(&bundle), one("approved", "1498"));
}

#[tokio::test]
async fn a_delivery_that_is_decided_again_is_never_validated_twice() {
    let delivery = Key::known("A-1".to_owned(), "shopback", None);
    for decisions in [
        vec![(delivery.clone(), Decision::Reopen)],
        vec![(delivery.clone(), Decision::Reopen), (delivery.clone(), Decision::PermitSending)],
        vec![(delivery.clone(), Decision::Abandon)],
        vec![(delivery.validation(), Decision::Reopen)],
        vec![(delivery.validation(), Decision::PermitSending)],
        vec![(delivery.validation(), Decision::Abandon), (delivery.validation(), Decision::Reopen)],
    ] {
        let bundle = bundle().await;
        super::script(
            &bundle,
            Network::ShopBack,
            postback_sandbox::Fault::close_after_reading().processed(),
        );
        bundle.post("/orders/shopback", &order("A-1", "a")).await;
        bundle.bed.decide(&delivery, Decision::Confirm).await;
        bundle.bed.advance_to(lock_at());
        validate(&bundle).await;
        // A person has confirmed the delivery, so a person permits the call.
        bundle.bed.decide(&delivery.validation(), Decision::PermitSending).await;
        validate(&bundle).await;
        assert_eq!(validated(&bundle), one("approved", "1499"));

        for (key, decision) in &decisions {
            bundle.bed.decide(key, *decision).await;
        }
        for _ in 0..3 {
            bundle.post("/orders/shopback", &order("A-1", "a")).await;
            bundle.bed.advance(DAY);
            validate(&bundle).await;
        }

        assert_eq!(validated(&bundle), one("approved", "1499"), "{decisions:?}");
        assert_eq!(shown(&bundle, "A-1").await["status"], "approved", "{decisions:?}");
    }
}
