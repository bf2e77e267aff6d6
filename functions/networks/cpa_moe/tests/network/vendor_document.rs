//! The vendor's own examples, as the document has them: <https://cpa.moe/en/api-wm.html>.

#![expect(clippy::expect_used, reason = "a test that can't go on fails")]

use cpa_moe::{CancelReason, CpaMoe, Stage, Status, read_list};
use postback_conformance::NOW;
use postback_core::{
    delivery::{Attempt, Proof, Verdict},
    fields::UnknownFields,
    http::{Answer, Request},
    network::{Network, Plan, TracksStatus, configure},
    order::Order,
};
use serde_json::{Value, json};
use url::Url;

const SIMPLE_LEAD: &str = r#"{
    "id": 112358,
    "wm": 42,
    "offer": 217,
    "ip": "12.34.56.78",
    "name": "John Doe",
    "phone": "77000000000",
    "country": "kz",
}"#;

const LEAD_WITH_GOODS: &str = r#"{
    "id": 112358,
    "wm": 42,
    "offer": 217,
    "ip": "12.34.56.78",
    "name": "Jane Doe",
    "phone": "79000000000",
    "country": "ru",
    "items": [
        {
            "id": 135,
            "price": 9900,
            "count": 1
        }
    ]
}"#;

const LEAD_WITH_PARAMS: &str = r#"{
    "id": 112358,
    "wm": 42,
    "offer": 217,
    "ip": "12.34.56.78",
    "name": "John",
    "phone": "77000000000",
    "country": "kz",
    "params": {
        "sirname": "Doe",
        "phonecc": "+7"		
    }
}"#;

/// The example of a list, as printed.
const LIST_AS_PRINTED: &str = r#"[
 1234 : {
  "id": 1234, // Order ID on the agency side
  "uid": 432, // Order ID on our side
  "status": 5, // Status code
  "stage": "cancel", // Stage code
  "reason": 2, // Reason code
  "comment: "Purr-purr-purr", // Order comment
 },
 2345 : {
  "id": 2345, // Order ID on the agency side
  "uid": 543, // Order ID on our side
  "status": 6, // Status code
  "count: 2, // Items amount
 }
]"#;

/// The example of a list, with only those changes that make it JSON.
const LIST: &str = r#"{
 "1234" : {
  "id": 1234,
  "uid": 432,
  "status": 5,
  "stage": "cancel",
  "reason": 2,
  "comment": "Purr-purr-purr"
 },
 "2345" : {
  "id": 2345,
  "uid": 543,
  "status": 6,
  "count": 2
 }
}"#;

/// The document's own JSON has a comma before the last bracket in places.
fn example(text: &str) -> Value {
    serde_json::from_str(&text.replace(",\n}", "\n}")).expect("JSON but for that comma")
}

fn network() -> CpaMoe {
    configure(r#"{ "user": 2718, "key": "0123456789abcdef" }"#).expect("settings")
}

fn order(name: &str, phone: &str, country: &str, more: &Value) -> Order {
    let mut order = json!({
        "order_id": "112358", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "KZT", "total": "9900.00",
        "customer": { "ip": "12.34.56.78", "name": name, "phone": phone, "country": country },
        "clicks": { "cpa_moe": { "offer": 217, "wm": 42 } }
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        order[name] = value.clone();
    }
    Order::from_json(&order, UnknownFields::Deny).expect("an order")
}

fn request(order: &Order) -> Request {
    let Plan::Send(parts) = network().plan(order) else { panic!("not sent") };
    network().request(&parts[0].report, &Attempt::first(NOW))
}

/// The body of the request without the currency: an order always has one, the examples never.
fn body(order: &Order) -> Value {
    let mut body = request(order).body().cloned().expect("a body");
    let currency = body.as_object_mut().and_then(|body| body.remove("currency"));
    assert_eq!(currency, Some(json!("KZT")));
    body
}

#[test]
fn a_simple_lead_is_the_documents_simple_lead() {
    let order = order("John Doe", "+7 (700) 000-00-00", "KZ", &json!({}));

    assert_eq!(body(&order), example(SIMPLE_LEAD));
}

#[test]
fn a_lead_with_goods_is_the_documents_lead_with_goods() {
    let items =
        json!([{ "sku": "s", "unit_price": "9900.00", "quantity": 1, "refs": { "cpa_moe": 135 } }]);
    let order = order("Jane Doe", "7 900 000 00 00", "ru", &json!({ "items": items }));

    assert_eq!(body(&order), example(LEAD_WITH_GOODS));
}

#[test]
fn a_lead_with_custom_fields_is_the_documents_lead_with_custom_fields() {
    let custom = json!({ "custom": { "sirname": "Doe", "phonecc": "+7" } });
    let order = order("John", "77000000000", "kz", &custom);

    assert_eq!(body(&order), example(LEAD_WITH_PARAMS));
}

#[test]
fn the_urls_are_the_documents_with_the_credentials_in_the_query() {
    let endpoint = Url::parse(CpaMoe::ENDPOINT).expect("a URL");
    let order = order("John Doe", "77000000000", "kz", &json!({}));

    let add = request(&order).url(&endpoint);
    let list = network().ask(&["1", "2", "3"]).url(&endpoint);

    assert_eq!(add.as_str(), "https://api.cpa.moe/ext/add.json?id=2718-0123456789abcdef");
    assert_eq!(
        list.as_str(),
        "https://api.cpa.moe/ext/list.json?id=2718-0123456789abcdef&ids=1,2,3"
    );
}

#[test]
fn the_documents_answer_is_read_with_its_ids_the_right_way_round() {
    let order = order("John Doe", "77000000000", "kz", &json!({}));
    let Plan::Send(parts) = network().plan(&order) else { panic!("not sent") };
    let answer = Answer::new(200, r#"{ "status": "ok", "id": 1234, "uid": 123456 }"#);

    let classification = network().verdict(&parts[0].report, &answer, &Attempt::first(NOW));

    assert_eq!(classification.verdict, Verdict::Delivered(Proof::Response));
    assert_eq!(classification.references.get("lead_id"), Some("1234"));
    assert_eq!(classification.references.get("our_id"), Some("112358"));
}

#[test]
fn the_documents_broken_json_is_refused() {
    for broken in [SIMPLE_LEAD, LIST_AS_PRINTED] {
        assert_eq!(Answer::new(200, broken).json(), None, "{broken}");
    }
    let refused = read_list(&Answer::new(200, LIST_AS_PRINTED)).expect_err("no list");
    assert_eq!(refused.as_str(), "lookup_unreadable");
}

#[test]
fn the_documents_list_is_read_once_it_is_json() {
    let list = read_list(&Answer::new(200, LIST)).expect("a list");

    let [cancelled, packed] = list.leads.as_slice() else { panic!("two leads") };
    assert!(list.is_whole);
    assert_eq!(cancelled.our_id.as_str(), "1234");
    assert_eq!(cancelled.lead_id.as_deref(), Some("432"));
    assert_eq!(cancelled.stage, Some(Stage::Cancel));
    assert_eq!(cancelled.status.as_ref().and_then(Status::name), Some("cancelled"));
    assert_eq!(cancelled.reason.as_ref().and_then(CancelReason::name), Some("changed_mind"));
    assert!(cancelled.is_final());
    assert_eq!(packed.status.as_ref().and_then(Status::name), Some("packing"));
    assert_eq!((packed.stage.as_ref(), packed.count), (None, Some(2)));
    assert!(!packed.is_final());
}

#[test]
fn nothing_of_the_lists_comment_is_kept() {
    let list = read_list(&Answer::new(200, LIST)).expect("a list");

    let kept = serde_json::to_string(&list.leads).expect("JSON") + &format!("{list:?}");

    assert!(!kept.contains("Purr"));
}
