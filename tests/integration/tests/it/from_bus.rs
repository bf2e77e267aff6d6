//! Orders that senders put on the bus themselves: each is seen, whatever is wrong with it.

use postback_integration::{
    Bundle, api_event, concerns, minimal,
    sign::{KEY, message},
    with,
};
use postback_runtime::ledger::Filter;
use serde_json::{Value, json};

const CANARY: &str = "canary7351";

/// The values of a metric in what intake measured.
fn measured(bundle: &Bundle, name: &str, dimension: &str) -> Vec<(Value, Value)> {
    let documents = bundle.intake_services.measured();
    let written = documents.iter().filter(|document| document.get(name).is_some());
    written.map(|document| (document[dimension].clone(), document[name].clone())).collect()
}

/// The reason, the order's id and the faults of the only event that was kept.
fn kept(bundle: &Bundle) -> (&'static str, Option<String>, String) {
    let faulty = bundle.intake_services.faulty();
    let [(_, fault)] = &faulty[..] else { panic!("{faulty:?}") };
    (fault.reason, fault.order_id.clone(), fault.faults.clone())
}

fn without_clicks(order_id: &str) -> Value {
    let order = with(minimal(order_id), "/clicks", json!({}));
    with(order, "/customer", json!({}))
}

#[tokio::test]
async fn an_order_is_counted_by_its_source_and_for_each_network() {
    let bundle = Bundle::new(1).await;

    bundle.put_on_bus("order.completed", &minimal("A-1")).await;
    assert_eq!(bundle.bed.table.calls(), [], "the look costs no unit of the ledger");
    bundle.post("/orders", &minimal("A-2")).await;

    assert_eq!(
        measured(&bundle, "OrdersTaken", "Source"),
        [(json!("bus"), json!(1)), (json!("api"), json!(1))]
    );
    assert_eq!(measured(&bundle, "OrdersConcerning", "Network").len(), 8);
    assert_eq!(bundle.intake_services.faulty(), []);
}

#[tokio::test]
async fn intake_judges_as_the_rules_on_the_bus_do() {
    let networks = ["cartstack", "cashmycell", "cpa_moe", "shopback"];
    let clicks = minimal("A-1")["clicks"].clone();
    for network in ["cashmycell", "cpa_moe", "shopback"] {
        let mut order = without_clicks("A-1");
        order["clicks"] = json!({ network: clicks[network] });
        let bundle = Bundle::new(7).await;

        bundle.put_on_bus("order.completed", &order).await;

        let concerned = measured(&bundle, "OrdersConcerning", "Network");
        let by_rule = networks.into_iter().filter(|name| concerns(name, "order.completed", &order));
        let by_rule: Vec<_> = by_rule.map(|name| (json!(name), json!(1))).collect();
        assert_eq!(concerned, by_rule);
        assert_eq!(measured(&bundle, "OrdersWithClick", "Stack"), [(json!("postback"), json!(1))]);
    }
}

#[tokio::test]
async fn an_order_without_clicks_is_kept_whichever_way_it_came() {
    let bundle = Bundle::new(2).await;

    bundle.put_on_bus("order.completed", &without_clicks("A-1")).await;
    bundle.post("/orders", &without_clicks("A-2")).await;

    let ledger = bundle.bed.table.ledger();
    let shown = bundle.get("A-1").await;
    assert_eq!(shown.body()["unclaimed"]["source"], "bus/shop");
    bundle.assert_described("get", "/orders/{order_id}", &shown).await;
    for (order_id, source) in [("A-1", "bus/shop"), ("A-2", "api")] {
        let item = ledger.unclaimed(order_id).await.expect("the ledger").expect("an item");
        assert_eq!((item.source.as_str(), item.amount.as_str()), (source, "1499"));
        assert_eq!((item.currency.as_str(), item.clicks), ("INR", Vec::<String>::new()));
    }
    assert_eq!(
        measured(&bundle, "OrdersWithClick", "Stack"),
        vec![(json!("postback"), json!(0)); 2]
    );
    // It is no delivery.
    assert_eq!(ledger.scan(&Filter::default(), None).await.expect("a page").records, []);
    assert_eq!(ledger.of_order("A-1").await.expect("the ledger"), []);
    assert_eq!(bundle.intake_services.faulty(), []);
}

#[tokio::test]
async fn what_no_rule_takes_or_nobody_can_read_is_kept_with_its_reason() {
    let misspelt = json!({ "shopback": { "transactionid": "T-1" } });
    let unknown = json!({ "shopbak": { "transaction_id": "T-1" } });
    let at = |pointer: &str, value: Value| with(minimal("A-1"), pointer, value);
    for (detail, reason, faults) in [
        (at("/status", json!("Completed")), "invalid_order", "unknown_word at /status"),
        (at("/status", json!("paid")), "invalid_order", "unknown_word at /status"),
        (at("/total", json!("a lot")), "invalid_order", "not_a_decimal at /total"),
        (
            at("/completed_at", json!("2027-11-21T10:15:00Z")),
            "invalid_order",
            "in_the_future at /completed_at",
        ),
        (at("/clicks", misspelt), "unknown_click", "unknown_member at /clicks"),
        (at("/clicks", unknown), "unknown_click", "unknown_member at /clicks"),
        (
            at("/clicks", json!([{ "network": "shopback" }])),
            "unknown_click",
            "wrong_type at /clicks",
        ),
        (
            with(without_clicks("A-1"), "/click", minimal("A-1")["clicks"].clone()),
            "unknown_click",
            "unknown_member at /click",
        ),
        (
            with(without_clicks("A-1"), "/clickCookie", json!("v1.e30")),
            "unknown_click",
            "unknown_member at / (did you mean `click_cookie`?)",
        ),
    ] {
        let bundle = Bundle::new(3).await;

        bundle.put_on_bus("order.completed", &detail).await;
        let answer = bundle.post("/orders", &detail).await;

        assert_eq!(kept(&bundle), (reason, Some("A-1".to_owned()), faults.to_owned()), "{detail}");
        assert_eq!(answer.status, 422);
        // By its first fault, alike whichever way it came.
        let code = faults.split(' ').next();
        let counted = vec![(json!(code), json!(1)); 2];
        assert_eq!(measured(&bundle, "OrdersRefused", "Reason"), counted);
    }
}

#[tokio::test]
async fn an_event_of_a_type_that_does_not_fit_its_order_is_kept() {
    for (detail_type, reason) in [("order.paid", "other_type"), ("order.pending", "type_differs")] {
        let bundle = Bundle::new(3).await;

        bundle.put_on_bus(detail_type, &minimal("A-1")).await;

        assert_eq!(kept(&bundle), (reason, Some("A-1".to_owned()), String::new()));
        assert_eq!(measured(&bundle, "OrdersRefused", "Reason"), [(json!(reason), json!(1))]);
    }
}

#[tokio::test]
async fn a_cancellation_whose_order_still_says_pending_is_kept() {
    let pending = with(minimal("A-1"), "/status", json!("pending"));
    for (detail_type, is_kept) in [
        ("order.cancelled", true),
        ("order.refunded", true),
        ("order.pending", false),
        // A pipe gives all of its orders one type.
        ("order.completed", false),
    ] {
        let bundle = Bundle::new(13).await;

        bundle.put_on_bus(detail_type, &pending).await;

        let reasons: Vec<_> = bundle.intake_services.faulty();
        let reasons: Vec<_> = reasons.iter().map(|(_, fault)| fault.reason).collect();
        assert_eq!(reasons, vec!["type_differs"; usize::from(is_kept)], "{detail_type}");
    }
}

#[tokio::test]
async fn a_cancellation_is_taken_whatever_its_clicks_are() {
    let bundle = Bundle::new(10).await;
    let clicks = json!({ "shopbak": {}, "shopback": { "transactionid": "T-1" } });
    let cancelled =
        |id: &str| json!({ "order_id": id, "status": "cancelled", "clicks": clicks.clone() });

    bundle.put_on_bus("order.cancelled", &cancelled("A-1")).await;
    bundle.post("/orders", &cancelled("A-2")).await;
    bundle.post("/orders/shopback", &cancelled("A-3")).await;
    bundle.work().await;

    assert_eq!(bundle.intake_services.faulty(), []);
    for (order_id, networks) in [("A-1", 4), ("A-2", 4), ("A-3", 1)] {
        let states = bundle.states(order_id).await;
        assert_eq!(states.len(), networks, "{order_id}");
        assert!(states.iter().all(|(_, state, _)| state == "withdrawn"), "{states:?}");
    }
}

#[tokio::test]
async fn an_order_with_a_member_given_twice_is_kept() {
    let bundle = Bundle::new(9).await;
    let order = minimal("A-1").to_string();
    let doubled = order.replacen('{', r#"{"total":"1.00","#, 1);
    let event = |detail: &str| {
        format!(r#"{{"source":"shop","detail-type":"order.completed","detail":{detail}}}"#)
    };

    bundle.take(&event(&order)).await.expect("taken");
    assert_eq!(bundle.intake_services.faulty(), []);
    bundle.take(&event(&doubled)).await.expect("taken");

    let (reason, order_id, faults) = kept(&bundle);
    assert_eq!((reason, faults.as_str()), ("invalid_order", "given_twice at /total"));
    assert_eq!(order_id.as_deref(), Some("A-1"));
}

#[tokio::test]
async fn an_order_with_thousands_of_faults_is_kept_with_the_first() {
    let bundle = Bundle::new(12).await;
    let many =
        minimal("A-1").to_string().replacen('{', &format!("{{{}", r#""":0,"#.repeat(20_000)), 1);
    let refunds = json!(vec![json!({ "id": 7, "amount": "-1" }); 1_000]);

    for detail in [many, with(minimal("A-1"), "/refunds", refunds).to_string()] {
        let event =
            format!(r#"{{"source":"shop","detail-type":"order.completed","detail":{detail}}}"#);
        bundle.take(&event).await.expect("taken");
    }

    for (_, fault) in bundle.intake_services.faulty() {
        // SQS counts it towards the size of the message.
        assert_eq!((fault.reason, fault.order_id.as_deref()), ("invalid_order", Some("A-1")));
        assert!(fault.faults.ends_with(" more") && fault.faults.len() < 1_024, "{}", fault.faults);
    }
    assert_eq!(bundle.intake_services.faulty().len(), 2);
}

#[tokio::test]
async fn an_event_that_is_none_is_kept() {
    let bundle = Bundle::new(4).await;

    for message in ["", "no event", "{}", r#"{"detail-type": 7, "detail": {}}"#] {
        bundle.take(message).await.expect("taken");
    }

    let faulty = bundle.intake_services.faulty();
    assert_eq!(faulty.len(), 4);
    assert!(faulty.iter().all(|(_, fault)| fault.reason == "not_an_event"));
}

#[tokio::test]
async fn a_pending_and_a_cancelled_order_are_taken_and_kept_by_nobody() {
    let bundle = Bundle::new(5).await;

    bundle.put_on_bus("order.pending", &with(minimal("A-1"), "/status", json!("pending"))).await;
    let cancelled = json!({ "order_id": "A-2", "status": "cancelled" });
    bundle.put_on_bus("order.cancelled", &cancelled).await;

    assert_eq!(bundle.intake_services.faulty(), []);
    assert_eq!(measured(&bundle, "OrdersTaken", "Source").len(), 2);
    assert_eq!(measured(&bundle, "OrdersWithClick", "Stack"), []);
    assert_eq!(measured(&bundle, "OrdersConcerning", "Network").len(), 4);
}

#[tokio::test]
async fn nothing_of_a_faulty_order_but_its_id_is_said_of_it() {
    let bundle = Bundle::new(6).await;
    let order = json!({
        "order_id": { CANARY: 1 }, "status": CANARY, "total": CANARY, "currency": CANARY,
        "clicks": { CANARY: { CANARY: CANARY } }, "customer": { "email": CANARY },
    });

    bundle.put_on_bus("order.completed", &order).await;

    let (reason, order_id, faults) = kept(&bundle);
    assert_eq!((reason, order_id), ("invalid_order", None));
    assert!(!faults.contains(CANARY), "{faults}");
    let measured = format!("{:?}", bundle.intake_services.measured());
    assert!(!measured.contains(CANARY), "{measured}");
}

#[tokio::test]
async fn the_source_of_an_event_is_a_short_name_of_its_sender() {
    let bundle = Bundle::new(8).await;
    let mut event = api_event("POST", "/orders", &minimal("A-1").to_string());
    bundle.call(&event).await;
    let role = "arn:aws:sts::123456789012:assumed-role/ShopRole/asha.rao@shop.example";
    event["requestContext"]["authorizer"] = json!({ "iam": { "userArn": role } });
    bundle.call(&event).await;
    let claims = json!({ "sub": "checkout", "groups": ["a", 1], "email": CANARY });
    event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims } });
    bundle.call(&event).await;
    let body = minimal("A-2").to_string();
    bundle.call(&message(KEY, "msg_1", bundle.bed.now(), &body)).await;

    let sources =
        ["postback.api", "postback.api/ShopRole", "postback.api/checkout", "postback.webhook/1"];
    assert_eq!(bundle.bus.sources(), sources);
}
