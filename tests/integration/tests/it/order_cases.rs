//! Orders as shops really send them: empty members, broken numbers, telephone numbers of every kind.
//! Each has the same outcome by the API and by the bus, as a whole and by lines.
//!
//! Longer than 300 lines, because one list of cases is asked for all of it.

use std::{collections::BTreeMap, time::Duration};

use cpa_moe::OurId;
use postback_core::order::OrderId;
use postback_integration::{Bundle, Reply, api_event, bare, with};
use postback_sandbox::{Network, Received, ShopBackDuplicates};
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

/// Members of a request; `None` where one is left out.
type Members = BTreeMap<String, Option<String>>;

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
    /// The members that networks are sent with it, by delivery: `shopback`, or its line `shopback/1`.
    #[serde(default)]
    sends: BTreeMap<String, Members>,
    /// A part of the query at a network, as it is written.
    #[serde(default)]
    query: BTreeMap<String, String>,
    /// The answers of networks that it does not concern, if they are asked all the same.
    #[serde(default)]
    direct: BTreeMap<String, String>,
    /// The outcome at the network of lines, where that differs.
    #[serde(default)]
    lines: OfLines,
    /// The fault that refuses the order.
    fault: Option<Refusal>,
}

#[derive(Default, Deserialize)]
struct OfLines {
    #[serde(default)]
    states: BTreeMap<String, String>,
    #[serde(default)]
    sends: BTreeMap<String, Members>,
}

/// The network that can be sent each line as an order of its own.
const OF_LINES: &str = "shopback";

#[derive(Deserialize)]
struct Refusal {
    pointer: String,
    code: String,
}

/// The cases with their orders, each with clicks and an address of its own.
fn cases(by_lines: bool) -> Vec<(Case, Value)> {
    let Cases { fine, orders } =
        serde_json::from_str(include_str!("../../order_cases.json")).expect("the cases");
    let with_order = |(index, mut case): (usize, Case)| {
        let order = order_of(index, &case);
        let states = std::mem::take(&mut case.states);
        case.states = fine.clone().into_iter().chain(states).collect();
        if by_lines {
            // Of an order that is rejected for a line, nothing is sent.
            case.sends.retain(|network, _| !case.lines.states.contains_key(network));
            case.states.append(&mut case.lines.states);
            case.sends.append(&mut case.lines.sends);
            let lines = order["items"].as_array().map_or(0, Vec::len);
            case.states = of_lines(case.states, lines, |state| !state.starts_with("rejected"));
            case.sends = of_lines(case.sends, lines, |_| true);
        }
        case.states.retain(|_, state| case.fault.is_none() && state != "none");
        let id = OrderId::from_json(&order["order_id"]).ok();
        let members = case.sends.values_mut().flat_map(BTreeMap::values_mut).flatten();
        for member in members {
            match (&**member, &id) {
                ("{order_id}", Some(id)) => id.as_str().clone_into(member),
                ("{digest}", Some(id)) => OurId::of(id).as_str().clone_into(member),
                _ => {}
            }
        }
        (case, order)
    };
    orders.into_iter().enumerate().map(with_order).collect()
}

/// The order of a case.
fn order_of(index: usize, case: &Case) -> Value {
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
    order
}

/// The same with a delivery for each line of the network of lines, if it has any.
fn of_lines<T: Clone>(
    mut by_delivery: BTreeMap<String, T>,
    lines: usize,
    has_lines: impl Fn(&T) -> bool,
) -> BTreeMap<String, T> {
    if let Some(whole) = by_delivery.get(OF_LINES).filter(|whole| has_lines(whole)).cloned() {
        by_delivery.remove(OF_LINES);
        for line in 1..=lines {
            by_delivery.entry(format!("{OF_LINES}/{line}")).or_insert_with(|| whole.clone());
        }
    }
    by_delivery
}

/// A bundle whose ShopBack is sent whole orders, or lines.
async fn bundle(seed: u64, by_lines: bool) -> Box<Bundle> {
    let bundle = Bundle::new(seed).await;
    if by_lines {
        bundle.bed.sandbox.change_settings(|settings| {
            settings.shopback.duplicates = ShopBackDuplicates::Never;
        });
        let secret = json!({
            "offer_id": 1234, "security_token": "fake0token0fake0token0fake0token",
            "mode": "line_items", "adv_sub2": "{item_name}", "adv_sub3": "{quantity}",
        });
        bundle.shopback.services.rotate(&secret.to_string());
        bundle.bed.advance(Duration::from_mins(10));
    }
    bundle
}

/// The deliveries of an order: `delivered`, `rejected <reason>`. Those of lines have their number.
async fn states(bundle: &Bundle, order: &Value) -> BTreeMap<String, String> {
    let body = bundle.get(order["order_id"].as_str().expect("an id")).await.body();
    let deliveries = body["deliveries"].as_array().cloned().unwrap_or_default();
    let state = |delivery: &Value| {
        let network = delivery["network"].as_str().expect("a network");
        let line = delivery["line"].as_str().map_or(String::new(), |line| format!("/{line}"));
        (format!("{network}{line}"), in_words(delivery))
    };
    deliveries.iter().map(state).collect()
}

fn in_words(delivery: &Value) -> String {
    let text = |name: &str| delivery[name].as_str().unwrap_or_default().to_owned();
    match text("state").as_str() {
        state @ ("rejected" | "skipped") => format!("{state} {}", text("reason")),
        state => state.to_owned(),
    }
}

/// The reports that a network received, but for those before.
fn received(bundle: &Bundle, network: &str, before: u64) -> Vec<Received> {
    let network = NETWORKS.into_iter().find(|each| each.to_string() == network);
    let mut reports = bundle.bed.sandbox.received(network.expect("a network"));
    reports.retain(|report| report.seq > before && report.call != "list");
    reports
}

/// The members of a request.
fn members(request: Received) -> BTreeMap<String, String> {
    let body: BTreeMap<String, Value> = serde_json::from_str(&request.body).unwrap_or_default();
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) => (name, text),
        value => (name, value.to_string()),
    };
    request.params.into_iter().chain(body.into_iter().map(text)).collect()
}

/// Compares what the networks were sent since `before` with what the case has: one report for each
/// delivery that ends well, nothing for any other.
fn assert_sent(bundle: &Bundle, case: &Case, before: u64) {
    let ended_well = |network: &str| {
        let own = case.states.iter().filter(|(name, _)| name.split('/').next() == Some(network));
        own.filter(|(_, state)| matches!(state.as_str(), "delivered" | "accepted")).count()
    };
    for network in NETWORKS.map(|network| network.to_string()) {
        let reports = received(bundle, &network, before).len();
        assert_eq!(reports, ended_well(&network), "{}: {network}", case.name);
    }
    for (delivery, wanted) in &case.sends {
        let (network, line) = delivery.split_once('/').unwrap_or((delivery, "1"));
        let place = line.parse::<usize>().expect("a line").saturating_sub(1);
        let sent = members(received(bundle, network, before).swap_remove(place));
        for (member, value) in wanted {
            assert_eq!(sent.get(member), value.as_ref(), "{}: {member} at {delivery}", case.name);
        }
    }
    for (network, part) in &case.query {
        let query = received(bundle, network, before).swap_remove(0).query;
        assert!(query.split('&').any(|written| written == part), "{}: {query}", case.name);
    }
}

#[tokio::test]
async fn each_order_has_its_outcome_by_the_api() {
    for by_lines in [false, true] {
        let bundle = bundle(1, by_lines).await;
        for (case, order) in cases(by_lines) {
            let before = bundle.bed.sandbox.requests();
            let reply = bundle.post("/orders", &order).await;
            bundle.work().await;

            assert_answer(&case, &reply);
            assert_eq!(states(&bundle, &order).await, case.states, "{}", case.name);
            for (network, state) in &case.direct {
                let reply = bundle.post(&format!("/orders/{network}"), &order).await;
                assert_eq!(in_words(&reply.body()), *state, "{}", case.name);
            }
            assert_sent(&bundle, &case, before);
        }
    }
}

fn assert_answer(case: &Case, reply: &Reply) {
    let (name, body) = (&case.name, reply.body());
    if let Some(Refusal { pointer, code }) = &case.fault {
        let error = &body["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{name}");
        return;
    }
    assert_eq!(reply.status, 202, "{name}: {body:?}");
    let mut networks: Vec<_> =
        case.states.keys().filter_map(|name| name.split('/').next()).collect();
    networks.dedup();
    assert_eq!(body["networks"], json!(networks), "{name}");
}

#[tokio::test]
async fn each_order_has_the_same_outcome_by_the_bus() {
    for by_lines in [false, true] {
        let bundle = bundle(2, by_lines).await;
        for (case, order) in cases(by_lines) {
            let before = bundle.bed.sandbox.requests();
            bundle.put_on_bus("order.completed", &order).await;
            bundle.work().await;

            assert_eq!(states(&bundle, &order).await, case.states, "{}", case.name);
            assert_sent(&bundle, &case, before);
        }
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
    let misspelt = with(bare("A-1"), "/clicks", json!({ "shopbak": {}, "cashmycell": {} }));
    let reply = bundle.post("/orders/shopback", &misspelt).await;
    assert_eq!(reply.status, 422);
    assert_eq!(reply.body()["errors"][0]["pointer"], "/clicks/shopbak");
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
