//! The events of the bus: one for each change that a pipeline may want to react to.

use std::{collections::BTreeSet, time::Duration};

use postback_core::{
    delivery::{Decision, DecisionRecord, Delivery, Proof, Stamp, State},
    redaction::OperatorNote,
};
use postback_integration::{Bundle, minimal, with};
use postback_runtime::{lambda::POLL_STATUS, ledger::Put};
use postback_sandbox::{Answer, Fault, Network, Rule};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);

fn script(bundle: &Bundle, network: Network, fault: Fault) {
    bundle.bed.sandbox.script(Rule::on(network, fault)).expect("a rule");
}

/// Detail type and reason of each event about a network's deliveries.
async fn published(bundle: &Bundle, network: &str) -> Vec<(String, Option<String>)> {
    let events = bundle.bed.published_of(network).await.into_iter();
    events.map(|(kind, detail)| (kind, detail["reason"].as_str().map(str::to_owned))).collect()
}

async fn kinds(bundle: &Bundle, network: &str) -> Vec<String> {
    published(bundle, network).await.into_iter().map(|(kind, _)| kind).collect()
}

fn event(word: &str, reason: Option<&str>) -> (String, Option<String>) {
    (format!("postback.{word}"), reason.map(str::to_owned))
}

#[tokio::test]
async fn a_delivery_is_published_in_full_and_without_personal_data() {
    let bundle = Bundle::new(1).await;

    bundle.post("/orders/cpa_moe", &minimal("A-1")).await;

    let [(detail_type, detail)] = &bundle.bed.published().await[..] else { panic!("not one") };
    let expected = json!({
        "order_id": "A-1", "network": "cpa_moe", "state": "delivered", "proof": "response",
        "attempt": 1, "source": "api", "references": { "lead_id": "500001", "our_id": "A-1" },
        "at": "2026-11-21T10:15:00Z", "version": 2, "id": detail["id"],
    });
    assert_eq!(detail_type, "postback.delivered");
    assert_eq!(*detail, expected);
    assert!(detail["id"].as_str().is_some_and(|id| id.len() == 32), "{detail}");
}

#[tokio::test]
async fn each_state_that_an_attempt_ends_in_is_one_event_with_its_reason() {
    let bundle = Bundle::new(1).await;
    let click = |id: &str| with(minimal("A-1"), "/clicks/shopback/transaction_id", json!(id));
    let nocart = with(minimal("A-1"), "/customer/email", json!("nocart@example.com"));
    script(&bundle, Network::CashMyCell, Fault::close_after_reading());
    script(&bundle, Network::CpaMoe, Fault::redirect("https://elsewhere.example/"));

    bundle.post("/orders/cartstack", &nocart).await;
    bundle.post("/orders/shopback", &click("unknown00000000000000000000000")).await;
    bundle.post("/orders/cashmycell", &minimal("A-1")).await;
    bundle.post("/orders/cpa_moe", &minimal("A-1")).await;
    bundle.post("/orders/cashmycell", &minimal("A-2")).await;

    assert_eq!(published(&bundle, "cartstack").await, [event("skipped", Some("no_cart"))]);
    assert_eq!(published(&bundle, "shopback").await, [event("rejected", Some("invalid_click"))]);
    assert_eq!(published(&bundle, "cpa_moe").await, [event("parked", Some("redirected"))]);
    let cashmycell = [event("unconfirmed", Some("connection_lost")), event("accepted", None)];
    assert_eq!(published(&bundle, "cashmycell").await, cashmycell);
}

#[tokio::test]
async fn a_refusal_before_any_attempt_is_one_event_and_the_fixed_order_another() {
    let bundle = Bundle::new(1).await;
    let bad = with(minimal("A-1"), "/clicks/shopback/transaction_id", json!("?"));

    for _ in 0..2 {
        bundle.post("/orders/shopback", &bad).await;
    }
    bundle.post("/orders/shopback", &minimal("A-1")).await;

    let expected = [event("rejected", Some("invalid_click")), event("delivered", None)];
    assert_eq!(published(&bundle, "shopback").await, expected);
}

#[tokio::test]
async fn an_order_that_is_rejected_for_another_reason_is_another_event() {
    let bundle = Bundle::new(1).await;
    let bad_phone = with(minimal("A-1"), "/customer/phone", json!("12"));
    let no_phone = with(minimal("A-1"), "/customer/phone", json!(""));

    for order in [&bad_phone, &no_phone, &no_phone] {
        bundle.post("/orders/cpa_moe", order).await;
    }

    let expected = [event("rejected", Some("bad_phone")), event("rejected", Some("no_phone"))];
    assert_eq!(published(&bundle, "cpa_moe").await, expected);
}

#[tokio::test]
async fn an_order_that_waits_behind_an_open_circuit_is_one_event() {
    let bundle = Bundle::new(1).await;
    let order = |id: &str, click: &str| {
        with(minimal(id), "/clicks/shopback/transaction_id", json!(click.repeat(30)))
    };
    let refusal = "success=false;Invalid Advertiser security token";
    let refused = Fault::answer(Answer::of("text/plain", refusal));
    bundle.bed.sandbox.script(Rule::on(Network::ShopBack, refused).times(2)).expect("a rule");
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    bundle.post("/orders/shopback", &order("A-2", "b")).await;

    bundle.post("/orders/shopback", &order("A-3", "c")).await;
    bundle.bed.advance(Duration::from_mins(1));
    bundle.shopback.work().await;

    assert_eq!(kinds(&bundle, "shopback").await, ["postback.parked"; 3]);
    assert_eq!(bundle.bed.sandbox.received(Network::ShopBack).len(), 2);
}

#[tokio::test]
async fn a_state_on_the_way_is_not_published() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::status(429));

    bundle.post("/orders/shopback", &minimal("A-1")).await;
    let on_its_way = kinds(&bundle, "shopback").await;
    bundle.bed.work_off(&bundle.shopback, DAY).await;

    assert_eq!(on_its_way, Vec::<String>::new());
    assert_eq!(kinds(&bundle, "shopback").await, ["postback.delivered"]);
}

#[tokio::test]
async fn a_doubt_and_its_resolution_are_two_events() {
    for (network, path) in
        [(Network::ShopBack, "/orders/shopback"), (Network::CpaMoe, "/orders/cpa_moe")]
    {
        let bundle = Bundle::new(1).await;
        script(&bundle, network, Fault::close_after_reading());

        bundle.post(path, &minimal("A-1")).await;
        bundle.bed.work_off(&bundle.shopback, DAY).await;
        bundle.bed.work_off(&bundle.cpa_moe, DAY).await;

        let expected = [event("unconfirmed", Some("connection_lost")), event("delivered", None)];
        assert_eq!(published(&bundle, &network.to_string()).await, expected);
    }
}

#[tokio::test]
async fn a_success_that_the_ledger_did_not_take_is_published_once_it_is_settled() {
    let bundle = Bundle::new(1).await;
    // The claim and the use of its click are written, the settlement is not.
    let (pass, fail) = (postback_harness::Strike::Pass, postback_harness::Strike::Fail);
    bundle.bed.table.script([pass, pass, fail, fail, fail]);

    let reply = bundle.post("/orders/shopback", &minimal("A-1")).await;
    let unsettled = kinds(&bundle, "shopback").await;
    bundle.bed.work_off(&bundle.shopback, DAY).await;

    assert_eq!((reply.status, &reply.body()["state"]), (202, &json!("sending")));
    assert_eq!(unsettled, Vec::<String>::new());
    let settled = kinds(&bundle, "shopback").await;
    assert_eq!(settled, ["postback.unconfirmed", "postback.delivered"]);
    assert_eq!(bundle.bed.sandbox.held(Network::ShopBack, "A-1").len(), 1);
}

#[tokio::test]
async fn a_duplicate_publishes_nothing() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &minimal("A-1")).await;

    bundle.post("/orders/shopback", &minimal("A-1")).await;
    bundle.shopback.enqueue(&minimal("A-1"));
    bundle.shopback.work().await;

    assert_eq!(kinds(&bundle, "shopback").await, ["postback.delivered"]);
}

#[tokio::test]
async fn each_of_the_first_eight_other_contents_is_one_event_however_often_it_comes() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &minimal("A-1")).await;

    for total in (1..=10).chain(1..=10) {
        bundle.shopback.enqueue(&with(minimal("A-1"), "/total", json!(total)));
        bundle.shopback.work().await;
    }

    let events = bundle.bed.published_of("shopback").await;
    let numbers: Vec<_> =
        events[1..].iter().map(|(_, detail)| detail["conflicts"].clone()).collect();
    assert!(events[1..].iter().all(|(kind, _)| kind == "postback.conflict"), "{events:?}");
    assert_eq!(numbers, (1..=8).map(Value::from).collect::<Vec<_>>());
}

#[tokio::test]
async fn each_status_that_a_network_reports_later_is_one_event() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/cpa_moe", &minimal("A-1")).await;
    bundle.bed.track(&bundle.cpa_moe).await;
    let event = serde_json::value::to_raw_value(&json!({ "detail-type": POLL_STATUS }));
    let event = event.expect("JSON");

    for _ in 0..2 {
        let deadline = bundle.bed.now() + Duration::from_mins(1);
        let dispatcher = &bundle.cpa_moe.dispatcher;
        let round =
            postback_runtime::lambda::handle_and_poll_status(dispatcher, &event, deadline).await;
        round.expect("a round");
        bundle.bed.advance(Duration::from_mins(15));
    }

    let events = bundle.bed.published_of("cpa_moe").await;
    let [(_, delivered), (kind, status)] = &events[..] else { panic!("not two: {events:?}") };
    assert_eq!(kind, "postback.status_changed");
    assert_eq!(
        (&status["state"], &status["status"]["stage"]),
        (&json!("delivered"), &json!("wait"))
    );
    assert_eq!((&delivered["version"], &status["version"]), (&json!(2), &json!(3)));
}

#[tokio::test]
async fn a_decision_is_one_event_beside_the_state_that_it_leads_to() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::CashMyCell, Fault::close_after_reading());
    bundle.post("/orders/cashmycell", &minimal("A-1")).await;
    let record = bundle.cashmycell.record("A-1").await.expect("a record");
    let proof = Some(Proof::Operator);
    let next = Delivery { state: State::Delivered, proof, doubt: None, ..record.protocol.clone() };
    let decision = DecisionRecord {
        version: 0,
        at: bundle.bed.now(),
        attempt: 1,
        decision: Decision::Confirm,
        by: OperatorNote::identity("arn:aws:iam::123456789012:user/canary"),
        why: OperatorNote::new("canary").expect("words"),
        evidence: None,
        claim_back: None,
        contents_left_out: 0,
    };
    let stamp = Stamp { now: bundle.bed.now(), write_id: 7 };

    let ledger = bundle.bed.table.ledger();
    let put = ledger.put(&record.decided(next, decision, stamp), Some(record.version)).await;

    assert_eq!(put, Ok(Put::Written));
    let events = bundle.bed.published_of("cashmycell").await;
    let [_, (state, delivered), (decided, decision)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((state.as_str(), decided.as_str()), ("postback.delivered", "postback.decided"));
    assert_eq!(
        (&delivered["proof"], &decision["decision"]),
        (&json!("operator"), &json!("confirm"))
    );
    assert_eq!(delivered["version"], decision["version"]);
    assert_ne!(delivered["id"], decision["id"]);
    assert!(!decision.to_string().contains("canary"), "{decision}");
}

#[tokio::test]
async fn no_two_events_share_an_id() {
    let bundle = Bundle::new(1).await;
    let secret = r#"{"offer_id": 1234, "security_token": "fake0token0fake0token0fake0token", "mode": "line_items"}"#;
    let lines = with(minimal("A-3"), "/items", json!(vec![json!({ "unit_price": "749.50" }); 2]));

    for id in ["A-1", "A-2", "A-1/shopback"] {
        bundle.post("/orders", &minimal(id)).await;
        bundle.work().await;
    }
    bundle.shopback.services.rotate(secret);
    bundle.bed.advance(Duration::from_mins(2));
    bundle.post("/orders/shopback", &lines).await;

    let events = bundle.bed.published().await;
    let ids: BTreeSet<_> = events.iter().map(|(_, detail)| detail["id"].to_string()).collect();
    assert_eq!((events.len(), ids.len()), (14, 14), "{events:?}");
}

#[tokio::test]
async fn an_item_that_was_erased_and_is_written_anew_has_events_of_its_own() {
    let bundle = Bundle::new(1).await;
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    bundle.post("/orders/cashmycell", &minimal("A-1")).await;
    let delete = bundle.bed.table.client().delete_item().table_name(bundle.bed.table.name());
    let delete = delete.key("order_id", text("A-1")).key("delivery", text("cashmycell"));
    delete.send().await.expect("erased");
    bundle.bed.advance(Duration::from_secs(1));

    bundle.post("/orders/cashmycell", &minimal("A-1")).await;

    let events = bundle.bed.published().await;
    let [(_, before), (_, after)] = &events[..] else { panic!("not two: {events:?}") };
    assert_eq!(before["version"], after["version"]);
    assert_ne!(before["id"], after["id"]);
}
