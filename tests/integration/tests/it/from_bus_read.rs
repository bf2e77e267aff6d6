//! Orders on the bus are judged as the networks' functions read them, not by the rules alone; and what
//! one way reads, every way reads.

use postback_integration::{
    Bundle, api_event, minimal,
    sign::{KEY, message},
    with,
};
use serde_json::{Value, json};

/// The values of a metric in what intake measured.
fn measured(bundle: &Bundle, name: &str) -> Vec<Value> {
    let documents = bundle.intake_services.measured();
    documents.iter().filter_map(|document| document.get(name).cloned()).collect()
}

fn without_clicks(order_id: &str) -> Value {
    let order = with(minimal(order_id), "/clicks", json!({}));
    with(order, "/customer", json!({}))
}

#[tokio::test]
async fn an_order_whose_click_or_address_stands_for_none_concerns_no_network() {
    let shopback = |value: Value| json!({ "shopback": { "transaction_id": value } });
    let encoded = json!({ "cashmycell": { "cmc_id": "%7Bcmc_id%7D" } });
    for (pointer, value) in [
        ("/clicks", shopback(json!(""))),
        ("/clicks", shopback(json!("undefined"))),
        ("/clicks", shopback(json!(null))),
        ("/clicks", encoded),
        ("/customer", json!({ "email": "" })),
        ("/customer", json!({ "email": "undefined" })),
    ] {
        let bundle = Bundle::new(11).await;
        let order = |id: &str| with(without_clicks(id), pointer, value.clone());

        bundle.put_on_bus("order.completed", &order("A-1")).await;
        let reply = bundle.post("/orders", &order("A-2")).await;
        bundle.work().await;

        assert_eq!(reply.body()["networks"], json!([]), "{value}");
        for order_id in ["A-1", "A-2"] {
            let shown = bundle.get(order_id).await;
            assert_eq!(shown.status, 200, "{value}");
            assert_eq!(shown.body()["unclaimed"]["amount"], "1499", "{value}");
        }
        assert_eq!(measured(&bundle, "OrdersConcerning"), Vec::<Value>::new(), "{value}");
        assert_eq!(measured(&bundle, "OrdersWithClick"), [0, 0], "{value}");
    }
}

#[tokio::test]
async fn a_click_that_no_rule_sees_is_kept_beside_what_its_other_networks_got() {
    let bundle = Bundle::new(12).await;
    let order =
        with(minimal("A-1"), "/clicks", json!({ "cashmycell": { "cmc_id": { "id": "x" } } }));

    bundle.put_on_bus("order.completed", &order).await;
    bundle.work().await;

    let networks: Vec<_> = bundle.states("A-1").await.into_iter().map(|(name, ..)| name).collect();
    assert_eq!(networks, ["cartstack"]);
    let item = bundle.bed.table.ledger().unclaimed("A-1").await.expect("the ledger");
    assert_eq!(item.expect("an item").clicks, ["cashmycell.cmc_id"]);
    assert_eq!(measured(&bundle, "OrdersWithClick"), [0]);
}

#[tokio::test]
async fn clicks_under_a_misspelt_name_are_kept_beside_what_needs_no_click() {
    let bundle = Bundle::new(14).await;
    let mut order = minimal("A-1");
    order["click"] = order["clicks"].take();
    let mut more = minimal("A-2");
    more["_links"] = json!({ "self": { "href": "https://shop.example/orders/A-2" } });

    bundle.put_on_bus("order.completed", &order).await;
    bundle.put_on_bus("order.completed", &more).await;
    bundle.work().await;

    let networks: Vec<_> = bundle.states("A-1").await.into_iter().map(|(name, ..)| name).collect();
    assert_eq!(networks, ["cartstack"]);
    let faulty = bundle.intake_services.faulty();
    let kept: Vec<_> = faulty.iter().map(|(_, it)| (it.reason, it.order_id.as_deref())).collect();
    assert_eq!(kept, [("unknown_click", Some("A-1"))], "an event may hold more");
    assert_eq!(bundle.states("A-2").await.len(), 4);
}

#[tokio::test]
async fn an_address_under_a_misspelt_name_is_kept_beside_what_needs_a_click() {
    let bundle = Bundle::new(15).await;
    let misspelt = |id: &str| {
        let mut order = minimal(id);
        order["customer"]["mail"] = order["customer"]["email"].take();
        order
    };

    bundle.put_on_bus("order.completed", &misspelt("A-1")).await;
    let answer = bundle.post("/orders", &misspelt("A-2")).await;
    bundle.work().await;

    let networks: Vec<_> = bundle.states("A-1").await.into_iter().map(|(name, ..)| name).collect();
    assert_eq!(networks, ["cashmycell", "cpa_moe", "shopback"]);
    let [(_, kept)] = &bundle.intake_services.faulty()[..] else { panic!("one letter") };
    assert_eq!((kept.reason, kept.order_id.as_deref()), ("unknown_click", Some("A-1")));
    assert_eq!(kept.faults, "unknown_member at /customer");
    assert_eq!(answer.status, 422);
    assert_eq!(measured(&bundle, "OrdersRefused"), [1, 1]);
}

#[tokio::test]
async fn a_character_that_no_queue_takes_loses_no_order_whichever_way_it_comes() {
    let bundle = Bundle::new(16).await;
    let odd = |id: &str| {
        let order = with(minimal(id), "/comment", json!("nice \u{ffff}!"));
        with(order, "/items", json!([{ "name": "a\u{fffe}" }])).to_string()
    };

    for (path, id) in [("/orders", "A-1"), ("/orders/shopback", "A-2")] {
        let reply = bundle.call(&api_event("POST", path, &odd(id))).await;
        assert!(matches!(reply.status, 200 | 202), "{path}: {:?}", reply.body());
    }
    bundle.call(&message(KEY, "msg_1", bundle.bed.now(), &odd("A-3"))).await;
    let as_id = with(minimal("A-4"), "/order_id", json!("A-4\u{ffff}")).to_string();
    let refused = bundle.call(&api_event("POST", "/orders", &as_id)).await;

    assert_eq!(refused.body()["errors"][0]["code"], "replacement_character");
    let events = bundle.bus.events();
    assert_eq!(events.len(), 2);
    for (_, detail) in events {
        assert!(!detail.contains(['\u{fffe}', '\u{ffff}']) && detail.contains("nice \u{fffd}!"));
    }
    bundle.work().await;
    for (order_id, networks) in [("A-1", 4), ("A-2", 1), ("A-3", 4)] {
        assert_eq!(bundle.states(order_id).await.len(), networks, "{order_id}");
    }
}

#[tokio::test]
async fn a_text_that_was_cut_within_a_character_refuses_no_order_whichever_way_it_comes() {
    let bundle = Bundle::new(13).await;
    let cut = |id: &str| {
        let order = with(minimal(id), "/comment", json!("nice CUT")).to_string();
        order.replace("CUT", r"\ud83d")
    };
    let event = |id: &str| {
        let detail = cut(id);
        format!(r#"{{"source":"shop","detail-type":"order.completed","detail":{detail}}}"#)
    };

    bundle.take(&event("A-1")).await.expect("taken");
    bundle.shopback.services.enqueue(event("A-1"));
    for (path, id) in [("/orders", "A-2"), ("/orders/shopback", "A-3")] {
        let reply = bundle.call(&api_event("POST", path, &cut(id))).await;
        assert!(matches!(reply.status, 200 | 202), "{path}: {:?}", reply.body());
    }
    bundle.call(&message(KEY, "msg_1", bundle.bed.now(), &cut("A-4"))).await;
    bundle.work().await;

    assert_eq!(bundle.intake_services.faulty(), []);
    for (order_id, networks) in [("A-1", 1), ("A-2", 4), ("A-3", 1), ("A-4", 4)] {
        assert_eq!(bundle.states(order_id).await.len(), networks, "{order_id}");
    }
    assert!(bundle.shopback.services.dead_letters().is_empty());
}
