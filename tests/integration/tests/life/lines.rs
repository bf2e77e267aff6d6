//! Orders that are reported by lines: guarded against a change of the mode, cancelled between two
//! lines, and as good as their worst line.

use std::time::Duration;

use postback_core::delivery::{Decision, Key};
use postback_integration::{Bundle, with};
use postback_sandbox::{Answer, Fault, Network, Rule, ShopBackDuplicates};
use serde_json::{Value, json};

use super::{DAY, amounts, cancelled, changed_at, order, published};

fn secret(mode: &str) -> String {
    let token = "fake0token0fake0token0fake0token";
    json!({ "offer_id": 1234, "security_token": token, "mode": mode }).to_string()
}

fn of_lines() -> Value {
    let items = ["1000.00", "499.00"].map(|price| json!({ "unit_price": price }));
    with(order("A-1", "a"), "/items", json!(items))
}

/// A bundle whose ShopBack takes several conversions of one click, in this mode.
async fn bundle(mode: &str) -> Bundle {
    let bundle = Bundle::new(1).await;
    bundle.bed.sandbox.change_settings(|settings| {
        settings.shopback.duplicates = ShopBackDuplicates::Never;
    });
    change(&bundle, mode);
    bundle
}

fn change(bundle: &Bundle, mode: &str) {
    bundle.shopback.services.rotate(&secret(mode));
    bundle.bed.advance(Duration::from_mins(10));
}

/// State and line of each delivery.
async fn lines(bundle: &Bundle) -> Vec<(String, String)> {
    let body = bundle.get("A-1").await.body();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let deliveries = body["deliveries"].as_array().cloned().unwrap_or_default();
    deliveries.iter().map(|line| (text(&line["line"]), text(&line["state"]))).collect()
}

fn line(line: &str, state: &str) -> (String, String) {
    (line.to_owned(), state.to_owned())
}

#[tokio::test]
async fn an_order_claimed_in_one_mode_is_answered_from_the_ledger_in_the_other() {
    for (before, after, requests) in [("order", "line_items", 1), ("line_items", "order", 2)] {
        let bundle = bundle(before).await;
        bundle.post("/orders/shopback", &of_lines()).await;
        change(&bundle, after);

        let reply = bundle.post("/orders/shopback", &of_lines()).await;

        assert_eq!(reply.body()["reason"], "mode_changed", "{before}: {}", reply.text);
        assert_eq!(amounts(&bundle).len(), requests, "{before}");
    }
}

#[tokio::test]
async fn the_worst_line_is_the_whole() {
    let bundle = bundle("line_items").await;
    let invalid = Answer::of("text/plain", "success=false;error=Invalid Trans. ID");
    let second = Rule::on(Network::ShopBack, Fault::answer(invalid)).after(1);
    bundle.bed.sandbox.script(second).expect("a rule");

    let reply = bundle.post("/orders/shopback", &of_lines()).await;

    let body = reply.body();
    assert_eq!(
        (&body["lines"][0]["state"], &body["lines"][1]["state"]),
        (&json!("delivered"), &json!("rejected"))
    );
    assert_eq!((reply.status, &body["state"]), (200, &json!("rejected")));
}

#[tokio::test]
async fn a_line_that_waits_makes_the_whole_wait() {
    let bundle = bundle("line_items").await;
    let second = Rule::on(Network::ShopBack, Fault::status(429)).after(1);
    bundle.bed.sandbox.script(second).expect("a rule");

    let reply = bundle.post("/orders/shopback", &of_lines()).await;

    assert_eq!((reply.status, &reply.body()["state"]), (202, &json!("retrying")));
}

#[tokio::test]
async fn a_cancellation_withdraws_the_lines_that_certainly_wait() {
    let bundle = bundle("line_items").await;
    let second = Rule::on(Network::ShopBack, Fault::status(429)).after(1);
    bundle.bed.sandbox.script(second).expect("a rule");
    bundle.post("/orders/shopback", &of_lines()).await;

    bundle.post("/orders/shopback", &cancelled("A-1")).await;
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    let found = lines(&bundle).await;
    assert!(found.contains(&line("1", "delivered")), "{found:?}");
    assert!(found.contains(&line("2", "withdrawn")), "{found:?}");
    assert_eq!(amounts(&bundle).len(), 2);
}

#[tokio::test]
async fn lines_of_an_order_cancelled_before_are_never_reported() {
    let orders = [of_lines(), changed_at(of_lines(), 20)];
    for order in orders {
        let bundle = bundle("line_items").await;
        bundle.post("/orders/shopback", &cancelled("A-1")).await;

        let reply = bundle.post("/orders/shopback", &order).await;
        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

        assert_eq!(reply.body()["state"], "withdrawn");
        assert_eq!(amounts(&bundle), [""; 0], "{order}");
    }
}

#[tokio::test]
async fn lines_that_come_after_their_cancellation_are_an_event_and_a_person_may_send_them() {
    for cancelled_first in [true, false] {
        let bundle = bundle("line_items").await;
        if !cancelled_first {
            let fault = Rule::on(Network::ShopBack, Fault::status(429)).times(2);
            bundle.bed.sandbox.script(fault).expect("a rule");
            bundle.post("/orders/shopback", &of_lines()).await;
        }
        bundle.post("/orders/shopback", &cancelled("A-1")).await;
        let key = Key::known("A-1".to_owned(), "shopback", None);
        bundle.bed.decide(&key, Decision::PermitSending).await;
        let refused = bundle.post("/orders/shopback", &of_lines()).await;
        let before = amounts(&bundle).len();

        bundle.bed.decide(&key, Decision::PermitSending).await;
        let permitted = bundle.post("/orders/shopback", &of_lines()).await;
        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

        assert_eq!(refused.body()["state"], "withdrawn", "not before the shop has said so");
        let events = published(&bundle, "shopback").await;
        let completed = events.iter().filter(|kind| *kind == "completed_after_withdrawal");
        assert_eq!(completed.count(), 1, "{events:?}");
        assert_eq!(permitted.body()["state"], "delivered", "{}", permitted.text);
        assert_eq!(amounts(&bundle)[before..], ["1000", "499"]);
        assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 2);
    }
}
