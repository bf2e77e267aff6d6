//! What the published schemas accept, the routes of the API accept, and the other way round; but for
//! what a schema can't say.
//!
//! More than 300 lines: orders of all kinds, and the cases that are drawn seldom.

use std::sync::LazyLock;

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use jsonschema::Validator;
use postback_core::{clock::Timestamp, fields::Fault, network::Network};
use postback_orders::{CheckedOrder, CookieKeys};
use postback_runtime::lambda::parse_direct;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use shopback::ShopBack;

/// A fault that a schema can't say. The end-to-end tests read the same list.
#[derive(Deserialize)]
struct Unsayable {
    code: String,
    /// The start of the pointers to the member.
    member: String,
    /// The one route that has it; every route unless set.
    only: Option<String>,
}

static UNSAYABLE: LazyLock<Vec<Unsayable>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../unsayable.json")).expect("the list"));

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00Z").expect("an instant")
}

/// A route that takes orders: its faults, and what its schema says.
struct Route {
    network: Option<&'static str>,
    faults: fn(&Value) -> Vec<Fault>,
    schema: Validator,
}

/// `POST /orders`, with the schema that is published by itself, and each network's own route.
static ROUTES: LazyLock<[Route; 5]> = LazyLock::new(|| {
    let document: Value =
        serde_json::from_str(include_str!("../../../../functions/intake/openapi.json"))
            .expect("JSON");
    let order =
        serde_json::from_str(include_str!("../../../../functions/intake/order.schema.json"))
            .expect("JSON");
    let schema = jsonschema::validator_for(&order).expect("a schema");
    [
        Route { network: None, faults, schema },
        direct::<CartStack>(&document),
        direct::<CashMyCell>(&document),
        direct::<CpaMoe>(&document),
        direct::<ShopBack>(&document),
    ]
});

fn direct<N: Network>(document: &Value) -> Route {
    let path = format!("/orders/{}", N::NAME);
    let body = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"];
    let mut schema = body["schema"].clone();
    schema["components"] = document["components"].clone();
    Route {
        network: Some(N::NAME),
        faults: |order| {
            let read = parse_direct::<N>(&order.to_string(), now());
            read.err().map(|problem| problem.errors).unwrap_or_default()
        },
        schema: jsonschema::validator_for(&schema).expect("a schema"),
    }
}

fn faults(order: &Value) -> Vec<Fault> {
    let checked = CheckedOrder::check_unheld(order.clone(), CookieKeys::UNSIGNED, now());
    checked.err().map(|problem| problem.errors).unwrap_or_default()
}

impl Route {
    fn is_unsayable(&self, fault: &Fault) -> bool {
        let path = self.network.map_or("/orders", |_| "/orders/{network}");
        UNSAYABLE.iter().any(|it| {
            fault.code == it.code
                && fault.pointer.starts_with(it.member.as_str())
                && it.only.as_deref().is_none_or(|only| only == path)
        })
    }

    fn agrees(&self, order: &Value) -> Result<(), String> {
        let faults = (self.faults)(order);
        let (accepts, fits) = (faults.is_empty(), self.schema.is_valid(order));
        let only_unsayable = !accepts && faults.iter().all(|fault| self.is_unsayable(fault));
        if accepts == fits || (fits && only_unsayable) {
            return Ok(());
        }
        let errors: Vec<_> =
            self.schema.iter_errors(order).map(|error| error.to_string()).collect();
        let network = self.network;
        Err(format!("{network:?} {order}\nthe API: {faults:?}\nthe schema: {errors:?}"))
    }
}

fn agree(order: &Value) -> Result<(), String> {
    ROUTES.iter().try_for_each(|route| route.agrees(order))
}

fn whole() -> Value {
    json!({
        "order_id": "A-1001", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "updated_at": "2026-11-21T10:15:00Z", "currency": "INR", "total": "1499.00", "tax": "0.00",
        "customer": {
            "email": "a@example.com", "phone": "+91 98765 43210", "name": "A", "ip": "203.0.113.9",
            "country": "IN", "address": { "postal_code": "1", "line": "2" }
        },
        "clicks": {
            "shopback": { "transaction_id": "abc", "clicked_at": "2026-11-20T09:00:00Z" },
            "cpa_moe": { "offer": 217, "wm": 42 }
        },
        "items": [{ "sku": "s", "quantity": 2, "unit_price": "749.50", "total": 1499,
                    "refs": { "cpa_moe": 135 } }],
        "refunds": [{ "id": "r-1", "at": "2026-11-21T11:00:00Z", "amount": 1,
                      "lines": [{ "line": "1", "quantity": 1, "amount": 1 }] }],
        "utm": { "source": "a" }, "comment": "…", "custom": { "any": "string" }
    })
}

const WORDS: &[&str] = &[
    "",
    " ",
    "\t\u{3000}",
    "x",
    "-1",
    "-0.00",
    "0",
    "1499",
    "1499.005",
    "1e3",
    "00001499.50",
    "1.",
    "auto",
    "UNDEFINED",
    " A",
    "A ",
    "a\u{7}b",
    "a\nb",
    "{id}",
    "%7Bid%7D",
    "A\u{fffd}",
    "A\u{ffff}",
    "inr",
    "EUR",
    "XXZ",
    "JPY",
    "Completed",
    "completed",
    "pending",
    "cancelled",
    "refunded",
    "partially_refunded",
    "2026-11-21T10:15:00+05:30",
    "2026-11-21T10:15:00",
    "2026-13-21T10:15:00Z",
    "2026-02-30T10:15:00Z",
    "2026-11-21 10:15:00Z",
    "2026-11-21t10:15:00z",
    "2026-11-21T10:15:60Z",
    "2020-01-01T00:00:00Z",
    "2027-01-01T00:00:00Z",
];

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "1.5",
    "1.5e3",
    "1e15",
    "999999999999999",
    "17.169999999999998",
    "1e400",
    "217.0",
    "1e-7",
    "1499000000000000000000000000000e-27",
];

/// Any JSON, with a liking for what orders hold.
fn value() -> impl Strategy<Value = Value> {
    let (words, numbers) = (prop::sample::select(WORDS), prop::sample::select(NUMBERS));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        words.prop_map(Value::from),
        numbers.prop_map(|number| serde_json::from_str(number).expect("a number")),
        "\\PC{0,140}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..3)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    let names = vec![
        "id",
        "amount",
        "lines",
        "transaction_id",
        "shopback",
        "shopbak",
        "cartstack",
        "cpa_moe",
        "offer",
        "order_id",
        "totl",
        "email",
        "sku",
    ];
    prop::sample::select(names).prop_map(str::to_owned)
}

/// All places of a value, as pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let members =
        value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value));
    let values = value.as_array().into_iter().flatten().enumerate();
    for (name, value) in members.chain(values.map(|(index, value)| (index.to_string(), value))) {
        let place = format!("{at}/{name}");
        places(value, &place, found);
        found.push(place);
    }
}

#[derive(Clone, Debug)]
enum Change {
    Set(Value),
    Remove,
    Add(String, Value),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => value().prop_map(Change::Set),
        1 => Just(Change::Remove),
        2 => (name(), value()).prop_map(|(name, value)| Change::Add(name, value)),
    ]
}

fn apply(order: &mut Value, place: &str, change: &Change) {
    match change {
        Change::Set(value) => {
            if let Some(old) = order.pointer_mut(place) {
                *old = value.clone();
            }
        }
        Change::Remove => {
            let (parent, name) = place.rsplit_once('/').expect("a pointer");
            if let Some(Value::Object(members)) = order.pointer_mut(parent) {
                members.remove(name);
            }
        }
        Change::Add(name, value) => {
            if let Some(Value::Object(members)) = order.pointer_mut(place) {
                members.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Each word and each number at each place, so that no fault of theirs depends on luck.
#[test]
fn the_schema_and_the_api_agree_about_every_word_at_every_place() {
    let numbers = NUMBERS.iter().map(|number| serde_json::from_str(number).expect("a number"));
    let values: Vec<Value> = WORDS.iter().map(|word| json!(word)).chain(numbers).collect();
    let mut all = Vec::new();
    places(&whole(), "", &mut all);
    let mut differ = Vec::new();
    for place in &all {
        for value in &values {
            let mut order = whole();
            apply(&mut order, place, &Change::Set(value.clone()));
            if agree(&order).is_err() {
                differ.push(format!("{value} at {place}: {:?}", faults(&order)));
            }
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_schema_and_the_api_accept_the_same_orders(
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 1..3),
    ) {
        let mut order = whole();
        for (index, change) in &changes {
            let mut all = Vec::new();
            places(&order, "", &mut all);
            if !all.is_empty() {
                apply(&mut order, &all[index.index(all.len())].clone(), change);
            }
        }
        prop_assert!(agree(&order).is_ok(), "{}", agree(&order).unwrap_err());
    }

    #[test]
    fn no_member_that_only_some_network_needs_refuses_an_order(
        index in any::<prop::sample::Index>(),
        value in value(),
    ) {
        let mut all = Vec::new();
        places(&whole(), "", &mut all);
        let strict = ["order_id", "status", "updated_at", "completed_at", "currency", "total", "refunds"];
        all.retain(|place| !strict.contains(&place.split('/').nth(1).unwrap_or_default()));
        let mut order = whole();
        apply(&mut order, &all[index.index(all.len())].clone(), &Change::Set(value));

        let faults = faults(&order);
        // A misspelt member and clicks that are no object are named, so that no click gets lost.
        let is_named = |fault: &Fault| fault.code == "unknown_member" || fault.pointer == "/clicks";
        prop_assert!(faults.iter().all(is_named), "{order}: {faults:?}");
    }
}

#[test]
fn a_cancellation_is_not_refused_for_a_click_that_nobody_reads() {
    for (status, is_refused) in [
        ("cancelled", false),
        ("refunded", false),
        ("partially_refunded", false),
        ("completed", true),
    ] {
        let mut order = whole();
        order["status"] = json!(status);
        order["clicks"] = json!({ "shopbak": {}, "shopback": { "transactionid": "1" } });

        assert_eq!(!faults(&order).is_empty(), is_refused, "{status}");
        assert_eq!(agree(&order), Ok(()));
    }
}

#[test]
fn a_refund_of_a_line_that_does_not_exist_is_a_fault() {
    let pointer = "/refunds/0/lines/0/line";
    for (line, fault) in [
        (json!(1), None),
        (json!("1"), None),
        (json!(null), None),
        (json!(0), Some("not_a_line")),
        (json!("0"), Some("not_a_line")),
        (json!("01"), Some("not_a_line")),
        (json!("S1"), Some("not_a_line")),
        (json!(1.5), Some("not_a_line")),
        (json!(2), Some("unknown_line")),
    ] {
        let mut order = whole();
        *order.pointer_mut(pointer).expect("a line") = line;

        let found: Vec<_> = faults(&order).into_iter().map(|it| (it.pointer, it.code)).collect();

        let expected: Vec<_> = fault.map(|code| (pointer.to_owned(), code)).into_iter().collect();
        assert_eq!(found, expected, "{order}");
        assert_eq!(agree(&order), Ok(()));
    }
}

#[test]
fn each_fault_that_a_schema_can_not_say_is_one() {
    for (member, value) in [
        ("currency", json!("XXZ")),
        ("total", json!("1499.005")),
        ("completed_at", json!("2026-02-30T10:15:00Z")),
        ("completed_at", json!("2027-01-01T00:00:00Z")),
        ("completed_at", json!("2020-01-01T00:00:00Z")),
        ("updated_at", json!("2027-01-01T00:00:00Z")),
        ("order_id", json!("{order_id}")),
        ("order_id", json!("\u{958}".repeat(128))),
        ("refunds", json!([{ "id": "r", "amount": "0.001" }])),
        ("refunds", json!([{ "id": "r", "amount": "1", "lines": [{ "line": 2 }] }])),
    ] {
        let mut order = whole();
        order[member] = value;
        let (found, route) = (faults(&order), &ROUTES[0]);
        assert!(route.schema.is_valid(&order), "{order}");
        let is_unsayable = found.iter().all(|fault| route.is_unsayable(fault));
        assert!(!found.is_empty() && is_unsayable, "{order}: {found:?}");
    }
}

/// The route of a network knows its own click alone, and `POST /orders` those of all.
#[test]
fn a_networks_route_judges_its_own_click_and_passes_over_others() {
    let (whole_api, networks) = ROUTES.split_first().expect("routes");
    for route in networks {
        let own = route.network.expect("a network");
        let other = if own == "shopback" { "cashmycell" } else { "shopback" };
        let misspelt = &own[1..];
        for (clicks, accepts, fits) in [
            (json!({ other: { "nobodys": 1 }, "nobody": 7 }), true, true),
            (json!({ own: {}, other: null }), true, true),
            (json!({ own: { "nobodys": 1 } }), false, false),
            (json!({ misspelt: { "id": "1" } }), false, true),
            (json!({ own: null, misspelt: { "id": "1" } }), false, true),
        ] {
            let mut order = whole();
            order["clicks"] = clicks;

            let found = ((route.faults)(&order).is_empty(), route.schema.is_valid(&order));
            assert_eq!(found, (accepts, fits), "{own}: {order}");
            assert_eq!(route.agrees(&order), Ok(()));
            assert_eq!(whole_api.agrees(&order), Ok(()));
        }
    }
}
