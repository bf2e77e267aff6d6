//! Orders as shops really send them: empty members, broken numbers, telephone numbers of every kind.
//! Each has the same outcome by the API and by the bus.

use std::collections::BTreeMap;

use postback_integration::{Bundle, api_event, bare, with};
use postback_sandbox::Network;
use serde::Deserialize;
use serde_json::{Value, json};

const NETWORKS: [Network; 4] =
    [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack];

/// The cases, which the end-to-end tests read as well.
#[derive(Deserialize)]
struct Cases {
    /// The outcome at each network where nothing stands in the way.
    fine: BTreeMap<String, String>,
    orders: Vec<Case>,
}

/// An order as a shop really sent one, and its outcome.
#[derive(Deserialize)]
struct Case {
    name: String,
    /// The members that differ from an order that is fine, by pointer.
    change: BTreeMap<String, Value>,
    /// The outcome at each network; in the file, where it differs from `fine`. `none` means that the
    /// order does not concern it.
    #[serde(default)]
    states: BTreeMap<String, String>,
    /// What networks are sent of it: members of the request, `None` where one is left out.
    #[serde(default)]
    sends: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// The fault that refuses the order.
    fault: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    pointer: String,
    code: String,
}

/// The cases with their orders, each with clicks and an address of its own.
fn cases() -> Vec<(Case, Value)> {
    let Cases { fine, orders } =
        serde_json::from_str(include_str!("../../order_cases.json")).expect("the cases");
    let with_order = |(index, mut case): (usize, Case)| {
        case.states = expected(&case, &fine);
        let name = &case.name;
        let mut order = bare(&format!("T-{name}"));
        order["customer"] = json!({
            "email": format!("{name}@example.com"), "phone": "+91 98765 43210", "name": "A Buyer",
            "ip": "203.0.113.9", "country": "IN",
        });
        order["clicks"] = json!({
            "cashmycell": { "cmc_id": format!("cmc{index:012}") },
            "cpa_moe": { "offer": 217, "wm": 42 },
            "shopback": { "transaction_id": format!("{index:030}") },
        });
        order["items"] =
            json!([{ "sku": "S-1", "name": "A thing", "quantity": 1, "unit_price": "1499.00" }]);
        for (pointer, value) in &case.change {
            if pointer == "/items/1" {
                order["items"].as_array_mut().expect("lines").push(value.clone());
            } else {
                order = with(order, pointer, value.clone());
            }
        }
        (case, order)
    };
    orders.into_iter().enumerate().map(with_order).collect()
}

/// The outcome at each network that an order concerns; none of a refused order.
fn expected(case: &Case, fine: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut states = fine.clone();
    states.extend(case.states.clone());
    states.retain(|_, state| case.fault.is_none() && state != "none");
    states
}

/// The deliveries of an order: `delivered`, `rejected <reason>`.
async fn states(bundle: &Bundle, order: &Value) -> BTreeMap<String, String> {
    let states = bundle.states(order["order_id"].as_str().expect("an id")).await;
    let state =
        |(network, state, reason): (String, String, Option<String>)| match (state.as_str(), reason)
        {
            ("rejected", Some(reason)) => (network, format!("rejected {reason}")),
            _ => (network, state),
        };
    states.into_iter().map(state).collect()
}

/// The members of the last request at a network.
fn sent(bundle: &Bundle, network: Network) -> BTreeMap<String, String> {
    let Some(request) = bundle.bed.sandbox.received(network).pop() else { return BTreeMap::new() };
    let body: BTreeMap<String, Value> = serde_json::from_str(&request.body).unwrap_or_default();
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) => (name, text),
        value => (name, value.to_string()),
    };
    request.params.into_iter().chain(body.into_iter().map(text)).collect()
}

/// Compares what the networks were sent last with what the case says.
fn assert_sent(bundle: &Bundle, case: &Case) {
    for (name, members) in &case.sends {
        let network = NETWORKS.into_iter().find(|network| network.to_string() == *name);
        let sent = sent(bundle, network.expect("a network"));
        assert!(!sent.is_empty(), "{}: {name} was sent nothing", case.name);
        for (member, value) in members {
            assert_eq!(sent.get(member), value.as_ref(), "{}: {member} at {name}", case.name);
        }
    }
}

#[tokio::test]
async fn each_order_has_its_outcome_by_the_api() {
    let bundle = Bundle::new(1).await;

    for (case, order) in cases() {
        let (name, expected) = (&case.name, &case.states);
        let reply = bundle.post("/orders", &order).await;
        bundle.work().await;

        if let Some(Refusal { pointer, code }) = &case.fault {
            let error = &reply.body()["errors"][0];
            assert_eq!(
                (&error["pointer"], &error["code"]),
                (&json!(pointer), &json!(code)),
                "{name}"
            );
        } else {
            assert_eq!(reply.status, 202, "{name}: {:?}", reply.body());
            let networks: Vec<_> = expected.keys().collect();
            assert_eq!(reply.body()["networks"], json!(networks), "{name}");
        }
        assert_eq!(states(&bundle, &order).await, *expected, "{name}");
        assert_sent(&bundle, &case);
    }
}

#[tokio::test]
async fn each_order_has_the_same_outcome_by_the_bus() {
    let bundle = Bundle::new(2).await;

    for (case, order) in cases() {
        bundle.put_on_bus("order.completed", &order).await;
        bundle.work().await;

        assert_eq!(states(&bundle, &order).await, case.states, "{}", case.name);
        assert_sent(&bundle, &case);
    }
}

#[tokio::test]
async fn an_order_that_concerns_no_network_is_found_again() {
    let bundle = Bundle::new(4).await;
    let mut order = bare("A-1");
    order["clicks"] =
        json!({ "shopback": { "clicked_at": "2026-11-20T09:00:00Z", "transaction_id": "" } });

    let reply = bundle.post("/orders", &order).await;
    assert_eq!(reply.body()["networks"], json!([]));
    bundle.assert_described("post", "/orders", &reply).await;
    bundle.work().await;

    let reply = bundle.get("A-1").await;
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
    let found = &reply.body()["unclaimed"];
    assert_eq!(
        (&found["amount"], &found["currency"], &found["source"]),
        (&json!("1499"), &json!("INR"), &json!("api"))
    );
    assert_eq!(found["clicks"], json!(["shopback.clicked_at"]));
    let puts = bundle.bed.table.calls().iter().filter(|call| call.operation == "PutItem").count();
    assert_eq!(puts, 1);
}

#[tokio::test]
async fn a_pending_or_cancelled_order_is_not_kept_as_unclaimed() {
    let bundle = Bundle::new(5).await;

    let pending = bundle.post("/orders", &with(bare("P-1"), "/status", json!("pending"))).await;
    let cancelled = bundle.post("/orders", &with(bare("C-1"), "/status", json!("cancelled"))).await;

    assert_eq!(pending.body()["networks"], json!([]));
    let all = json!(["cartstack", "cashmycell", "cpa_moe", "shopback"]);
    assert_eq!(cancelled.body()["networks"], all);
    assert_eq!(bundle.get("P-1").await.status, 404);
}

#[tokio::test]
async fn a_misspelt_network_or_member_names_the_right_one() {
    let bundle = Bundle::new(6).await;
    let order = with(
        bare("A-1"),
        "/clicks",
        json!({ "shopbak": {}, "shopback": { "transactionId": "x" } }),
    );

    let reply = bundle.post("/orders", &order).await;
    let details: Vec<_> = reply.body()["errors"].as_array().cloned().unwrap_or_default();
    let details: Vec<_> = details.iter().filter_map(|error| error["detail"].as_str()).collect();
    assert!(
        details.iter().any(|detail| detail.ends_with("did you mean `shopback`?")),
        "{details:?}"
    );
    assert!(
        details.iter().any(|detail| detail.ends_with("did you mean `transaction_id`?")),
        "{details:?}"
    );

    let reply = bundle
        .post(
            "/orders/shopback",
            &with(bare("A-1"), "/clicks", json!({ "shopback": { "transactionid": 1 } })),
        )
        .await;
    assert!(
        reply.body()["errors"][0]["detail"]
            .as_str()
            .is_some_and(|d| d.contains("`transaction_id`"))
    );
    let reply = bundle.post("/orders/shopbak", &order).await;
    assert!(
        reply.body()["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("Did you mean `shopback`?"))
    );
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let bundle = Bundle::new(7).await;

    bundle.post("/orders", &bare("A-1")).await;
    for (path, status) in [("/openapi.json", 200), ("/orders/A-1", 200), ("/orders/A-2", 404)] {
        let get = bundle.call(&api_event("GET", path, "")).await;
        let reply = bundle.call(&api_event("HEAD", path, "")).await;

        assert_eq!((get.status, reply.status), (status, status), "{path}");
        assert_eq!(reply.header("content-type"), get.header("content-type"), "{path}");
        assert!(reply.text.is_empty() && !get.text.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn an_id_is_found_in_either_form_of_unicode() {
    let bundle = Bundle::new(8).await;
    let order =
        with(bare("Bestellung-e\u{301}"), "/customer", json!({ "email": "asha@example.com" }));

    bundle.post("/orders", &order).await;
    bundle.work().await;

    assert_eq!(bundle.get("Bestellung-\u{e9}").await.status, 200);
    assert_eq!(bundle.get("Bestellung-e\u{301}").await.status, 200);
}
