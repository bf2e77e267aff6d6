//! Orders that are reported by lines: guarded against a change of the mode, cancelled between two
//! lines, and as good as their worst line.
//!
//! More than 300 lines: the life of one order by lines.

use std::time::Duration;

use postback_core::delivery::{Decision, Facts, Key};
use postback_harness::Strike;
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
async fn bundle(mode: &str) -> Box<Bundle> {
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

/// The second line meets a 429; the first is delivered.
async fn with_a_waiting_line(mode: &str) -> Box<Bundle> {
    let bundle = bundle(mode).await;
    let after = u64::from(mode == "line_items");
    let rule = Rule::on(Network::ShopBack, Fault::status(429)).after(after);
    bundle.bed.sandbox.script(rule).expect("a rule");
    bundle.post("/orders/shopback", &changed_at(of_lines(), 10)).await;
    bundle
}

#[tokio::test]
async fn what_is_open_outlives_a_change_of_the_mode_and_is_reported_after_it() {
    for (before, after, amounts_in_the_end) in [
        ("line_items", "order", vec!["1000", "499", "499"]),
        ("order", "line_items", vec!["1499"; 2]),
    ] {
        let bundle = with_a_waiting_line(before).await;
        change(&bundle, after);

        bundle.bed.work_off(&bundle.shopback, DAY).await;
        let reply = bundle.post("/orders/shopback", &changed_at(of_lines(), 10)).await;

        assert_eq!(reply.body()["state"], "parked", "{before}: {}", reply.text);
        assert!(reply.text.contains("mode_changed"), "{before}: {}", reply.text);
        let waiting = amounts(&bundle);
        let found = lines(&bundle).await;
        assert!(found.iter().any(|(_, state)| state == "parked"), "{before}: {found:?}");

        change(&bundle, before);
        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await, "{before}");

        let found = lines(&bundle).await;
        assert!(found.iter().all(|(_, state)| state == "delivered"), "{before}: {found:?}");
        assert_eq!(amounts(&bundle), amounts_in_the_end, "{before}");
        assert_eq!(waiting.len() + 1, amounts_in_the_end.len(), "nothing is sent meanwhile");
    }
}

#[tokio::test]
async fn a_line_that_waits_is_corrected_and_what_stands_is_not_sent_again() {
    for by_queue in [true, false] {
        let bundle = with_a_waiting_line("line_items").await;
        let corrected = with(changed_at(of_lines(), 20), "/total", json!("1498.00"));
        let corrected = with(corrected, "/items/1/unit_price", json!("498.00"));
        if by_queue {
            bundle.shopback.enqueue(&corrected);
        } else {
            let reply = bundle.post("/orders/shopback", &corrected).await;
            assert_eq!(reply.status, 202, "{}", reply.text);
        }

        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

        let found = lines(&bundle).await;
        assert!(found.iter().all(|(_, state)| state == "delivered"), "{found:?}");
        assert_eq!(amounts(&bundle), ["1000", "499", "498"], "by the queue: {by_queue}");
        assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 2);
    }
}

/// An order of lines with these amounts.
fn of(amounts: &[&str]) -> Value {
    let items: Vec<_> = amounts.iter().map(|amount| json!({ "unit_price": amount })).collect();
    with(with(order("A-1", "a"), "/items", json!(items)), "/total", json!("1499.00"))
}

/// The network refuses the line of this number, and takes every other one.
async fn with_a_refused_line(amounts: &[&str], number: u64) -> Box<Bundle> {
    let bundle = bundle("line_items").await;
    let invalid = Answer::of("text/plain", "success=false;error=Invalid Trans. ID");
    let refused = Rule::on(Network::ShopBack, Fault::answer(invalid)).after(number - 1);
    bundle.bed.sandbox.script(refused).expect("a rule");
    bundle.post("/orders/shopback", &changed_at(of(amounts), 10)).await;
    bundle
}

#[tokio::test]
async fn a_version_that_changes_a_reported_line_is_a_conflict_and_nothing_of_it_is_sent() {
    for later in [&["499", "1000"][..], &["999", "500"], &["999", "500", "7"]] {
        for by_queue in [true, false] {
            let bundle = with_a_refused_line(&["1000", "499"], 2).await;
            let later = changed_at(of(later), 20);
            if by_queue {
                bundle.shopback.enqueue(&later);
            } else {
                let reply = bundle.post("/orders/shopback", &later).await;
                assert_eq!(reply.status, 409, "{}", reply.text);
                let lines = &reply.body()["lines"];
                assert_eq!((&lines[0]["line"], &lines[0]["replayed"]), (&json!("1"), &json!(true)));
                assert!(reply.text.contains("Nothing was sent"), "{}", reply.text);
                assert!(reply.text.contains("1000 INR"), "{}", reply.text);
                bundle.assert_described("post", "/orders/shopback", &reply).await;
            }

            assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

            assert_eq!(amounts(&bundle), ["1000", "499"], "{later}, by the queue: {by_queue}");
            let events = published(&bundle, "shopback").await;
            let conflicts = events.iter().filter(|kind| *kind == "conflict").count();
            assert_eq!(conflicts, usize::from(by_queue), "{events:?}");
        }
    }
}

#[tokio::test]
async fn a_conflict_of_one_line_is_noted_once_though_its_message_comes_round_for_another() {
    let bundle = with_a_waiting_line("line_items").await;
    for message in bundle.shopback.services.queue() {
        bundle.shopback.services.delete(&message.id);
    }
    bundle.bed.advance(Duration::from_hours(3));
    bundle.shopback.enqueue(&changed_at(of(&["999", "500"]), 10));

    let is_empty = bundle.bed.work_off(&bundle.shopback, Duration::from_hours(6)).await;

    assert!(!is_empty, "it carries the other line on");
    let key = Key::known("A-1".to_owned(), "shopback", Some("1"));
    let line = bundle.shopback.record_of(&key).await.expect("a record");
    assert_eq!(line.conflicts.arrivals(), 1);
}

#[tokio::test]
async fn more_lines_without_a_later_version_are_a_conflict_of_the_order() {
    for by_queue in [true, false] {
        let bundle = bundle("line_items").await;
        bundle.post("/orders/shopback", &changed_at(of(&["1000", "499"]), 10)).await;
        let more = changed_at(of(&["1000", "499", "7"]), 10);
        if by_queue {
            bundle.shopback.enqueue(&more);
        } else {
            let reply = bundle.post("/orders/shopback", &more).await;
            assert_eq!(reply.status, 409, "{}", reply.text);
            let detail = reply.body()["detail"].as_str().unwrap_or_default().to_owned();
            assert!(detail.starts_with("This order was reported"), "no line differs: {detail}");
            assert!(detail.contains("1499 INR"), "{detail}");
            bundle.assert_described("post", "/orders/shopback", &reply).await;
        }

        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

        assert_eq!(amounts(&bundle), ["1000", "499"], "by the queue: {by_queue}");
        let events = published(&bundle, "shopback").await;
        let conflicts = events.iter().filter(|kind| *kind == "conflict").count();
        assert_eq!(conflicts, usize::from(by_queue), "{events:?}");
        let key = Key::known("A-1".to_owned(), "shopback", Some("1"));
        let line = bundle.shopback.record_of(&key).await.expect("a record");
        let noted: Vec<_> = line.conflicts.entries().iter().map(|it| &it.facts).collect();
        let of_the_line = |facts: &&Facts| facts.get("line_amount") == Some("1000");
        assert!(noted.iter().all(of_the_line), "{noted:?}");
        assert_eq!(noted.len(), usize::from(by_queue));
    }
}

#[tokio::test]
async fn a_version_with_more_lines_and_another_refused_one_goes_out() {
    let bundle = with_a_refused_line(&["1000", "499"], 2).await;

    let later = changed_at(of(&["1000", "498", "7"]), 20);
    let reply = bundle.post("/orders/shopback", &later).await;
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(amounts(&bundle), ["1000", "499", "498", "7"]);
    assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 3);
}

#[tokio::test]
async fn a_line_that_is_under_way_holds_up_a_version_that_changes_it() {
    let bundle = bundle("line_items").await;
    let fault = Rule::on(Network::ShopBack, Fault::hang());
    bundle.bed.sandbox.script(fault).expect("a rule");
    let change = async {
        bundle.bed.sandbox.wait_for_received(Network::ShopBack, "A-1", 1).await;
        let later = changed_at(of(&["499", "1000"]), 20);
        let reply = bundle.post("/orders/shopback", &later).await;
        bundle.bed.sandbox.release();
        reply
    };
    let first = changed_at(of(&["1000", "499"]), 10);
    let (_, reply) = tokio::join!(bundle.post("/orders/shopback", &first), change);

    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!((reply.status, &reply.body()["state"]), (202, &json!("sending")), "{}", reply.text);
    assert_eq!(amounts(&bundle), ["1000", "499"], "the version before goes on");
    let events = published(&bundle, "shopback").await;
    assert!(events.contains(&"conflict".to_owned()), "{events:?}");
}

#[tokio::test]
async fn a_version_whose_function_died_while_its_lines_were_compared_delays_the_one_before() {
    let bundle = with_a_waiting_line("line_items").await;
    bundle.shopback.enqueue(&changed_at(of(&["999", "500"]), 20));
    // The order's item is closed; the lines can't be read.
    bundle.bed.table.script([Strike::Pass, Strike::Pass, Strike::Pass, Strike::Fail]);

    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert!(bundle.bed.table.struck() > 0, "the ledger never failed");
    let found = lines(&bundle).await;
    assert!(found.iter().all(|(_, state)| state == "delivered"), "{found:?}");
    assert_eq!(amounts(&bundle), ["1000", "499", "499"]);
}

#[tokio::test]
async fn a_line_that_the_order_has_lost_is_withdrawn_though_the_function_died_between() {
    let bundle = with_a_waiting_line("line_items").await;
    let one = json!([{ "unit_price": "1000.00" }]);
    let shorter = with(changed_at(of_lines(), 20), "/items", one);
    bundle.shopback.enqueue(&shorter);
    // The order's item is written; the write about the line fails.
    bundle.bed.table.script([Strike::Pass, Strike::Pass, Strike::Pass, Strike::Fail]);

    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert!(bundle.bed.table.struck() > 0, "the ledger never failed");
    let found = lines(&bundle).await;
    assert!(found.contains(&line("2", "withdrawn")), "{found:?}");
    assert_eq!(amounts(&bundle).len(), 2);
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
async fn the_answer_and_the_events_of_a_cancellation_are_those_of_the_lines() {
    let bundle = bundle("line_items").await;
    bundle.post("/orders/shopback", &of_lines()).await;

    let reply = bundle.post("/orders/shopback", &cancelled("A-1")).await;

    assert_eq!((reply.status, &reply.body()["state"]), (200, &json!("delivered")));
    let events = published(&bundle, "shopback").await;
    let of_kind = |wanted: &str| events.iter().filter(|kind| *kind == wanted).count();
    assert_eq!((of_kind("withdrawn"), of_kind("cancelled_after_delivery")), (0, 2), "{events:?}");
    let shown = bundle.get("A-1").await.body();
    let states = shown["deliveries"].as_array().expect("deliveries").iter();
    let states: Vec<_> = states.map(|it| (it["line"].is_string(), it["state"].as_str())).collect();
    assert_eq!(states, [(true, Some("delivered")); 2], "the order's own item is no delivery");
}

#[tokio::test]
async fn an_earlier_version_is_answered_by_the_lines_of_the_one_held() {
    let bundle = with_a_waiting_line("line_items").await;
    bundle.post("/orders/shopback", &changed_at(of_lines(), 20)).await;

    let order = bundle.post("/orders/shopback", &changed_at(of_lines(), 10)).await.body();
    let cancelled = bundle.post("/orders/shopback", &changed_at(cancelled("A-1"), 10)).await;

    assert_eq!(order["state"], "retrying", "{order}");
    let body = cancelled.body();
    assert_eq!((&body["state"], &body["reason"]), (&json!("retrying"), &json!("superseded")));
    let shown = bundle.get("A-1").await.body();
    for line in shown["deliveries"].as_array().expect("lines") {
        assert_eq!(line["cancellations"][0]["word"], "superseded", "{line}");
    }
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

/// Of two versions the later one holds, in whatever order they come: also one that is a conflict.
#[tokio::test]
async fn a_later_version_that_is_a_conflict_ends_an_earlier_cancellation_of_reported_lines() {
    for cancelled_before in [false, true] {
        let bundle = bundle("line_items").await;
        bundle.post("/orders/shopback", &changed_at(of_lines(), 10)).await;
        let cancellation = changed_at(cancelled("A-1"), 20);
        if cancelled_before {
            bundle.post("/orders/shopback", &cancellation).await;
        }
        let later = changed_at(of(&["1200.00", "299.00"]), 30);
        assert_eq!(bundle.post("/orders/shopback", &later).await.status, 409);

        bundle.post("/orders/shopback", &cancellation).await;
        bundle.post("/orders/shopback", &changed_at(of_lines(), 10)).await;

        for line in ["1", "2"] {
            let key = Key::known("A-1".to_owned(), "shopback", Some(line));
            let held = bundle.shopback.record_of(&key).await.expect("a record").protocol;
            assert_eq!(held.cancelled, None, "the shop's latest word is completed");
        }
        assert_eq!(amounts(&bundle), ["1000", "499"], "nothing more is sent");
    }
}
