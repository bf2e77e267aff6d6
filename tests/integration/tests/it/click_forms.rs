//! The form of a click id: what the published schema calls reported is reported, and nothing else. The
//! API takes any, because a click id that one network can't read is no reason to refuse an order.

use jsonschema::Validator;
use postback_integration::{Bundle, bare};
use postback_sandbox::Network;
use serde_json::{Value, json};

/// The networks whose click is a text of a form of its own, with the member that holds it.
const CLICKS: [(Network, &str); 2] =
    [(Network::CashMyCell, "cmc_id"), (Network::ShopBack, "transaction_id")];

/// The form of a click id that is reported, as the order's schema has it.
fn form(network: &str, member: &str) -> Validator {
    let schema = include_str!("../../../../functions/intake/order.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    let place = format!(
        "/else/properties/clicks/anyOf/0/properties/{network}/anyOf/0/properties/{member}/anyOf/0"
    );
    let form = schema.pointer(&place).unwrap_or_else(|| panic!("nothing at {place}"));
    jsonschema::validator_for(form).expect("a schema")
}

fn clicks() -> Vec<Value> {
    let mut clicks: Vec<_> = [1, 2, 30, 63, 64, 65, 255, 256, 257]
        .into_iter()
        .map(|length| json!("a".repeat(length)))
        .collect();
    clicks.extend((0..128_u8).map(|byte| json!(format!("a{}b", char::from(byte)))));
    for text in [
        " abc\t",
        "abc%2",
        "abc%",
        "%41bc",
        "abc%zz",
        "abc%C3%A9",
        "%3Cscript%3E",
        "abcé",
        "a+b/c==",
        "a\u{200b}b",
        "102b983f153f632c9a0a1469e27b55",
        "undefined",
        "NaN",
        "0",
        "false",
        "{cmc_id}",
        "%%cmc_id%%",
        "[object Object]",
        "",
        " ",
    ] {
        clicks.push(json!(text));
    }
    clicks.push(json!(format!(" {} ", "a".repeat(256))));
    clicks.push(json!("%41".repeat(85)));
    clicks.push(json!("%41".repeat(86)));
    clicks.extend([json!(1_234_567_890), json!(true), json!(["abc"]), json!({ "a": "b" })]);
    clicks
}

#[tokio::test]
async fn a_click_id_is_reported_if_it_has_the_form_of_the_schema_and_the_api_takes_any() {
    for (network, member) in CLICKS {
        let bundle = Bundle::new(1).await;
        let form = form(&network.to_string(), member);
        let (mut reported, mut rejected) = (0, 0);
        for (number, click) in clicks().into_iter().enumerate() {
            let id = format!("A-{number}");
            let mut order = bare(&id);
            order["clicks"] = json!({ network.to_string(): { member: click } });
            let before = bundle.bed.sandbox.requests();

            let reply = bundle.post(&format!("/orders/{network}"), &order).await;

            assert_eq!(reply.status, 200, "{network}: {click}: {}", reply.text);
            let body = reply.body();
            let is_sent = bundle.bed.sandbox.requests() > before;
            let is_rejected = !is_sent && body["state"] == "rejected";
            let why = format!("{network}: {click}: {}", reply.text);
            assert!(!is_sent || form.is_valid(&click), "reported: {why}");
            assert!(!is_rejected || !form.is_valid(&click), "rejected: {why}");
            assert!(is_sent || is_rejected || body["reason"] == "no_click", "{why}");
            assert!(!is_rejected || body["reason"] == "invalid_click", "{why}");
            reported += usize::from(is_sent);
            rejected += usize::from(is_rejected);
        }
        assert!(reported > 60 && rejected > 40, "{network}: {reported}, {rejected}");
    }
}
