//! Requests that hold no order: not JSON, not declared as such, too large, or for nothing here.

use base64::{Engine, prelude::BASE64_STANDARD};
use postback_core::{fields::UnknownFields, order::Order};
use postback_integration::{Bundle, PATHS, Reply, api_event, bare, minimal, with};
use serde_json::{Value, json};

const CANARY: &str = "canary7351";

/// The most bytes a body may have.
const LARGEST: usize = 256 * 1024;

async fn post_text(bundle: &Bundle, path: &str, body: &str) -> Reply {
    bundle.call(&api_event("POST", path, body)).await
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let bundle = Bundle::new(1).await;
    let nan = minimal("A-1").to_string().replace("\"1499.00\"", "NaN");
    let texts = [
        "",
        " ",
        CANARY,
        "{",
        "{}{}",
        "[1",
        "{'order_id': 'canary7351'}",
        r#"{"order_id": "canary7351""#,
        &nan,
    ];

    for path in PATHS {
        for text in texts {
            let reply = post_text(&bundle, path, text).await;
            assert_eq!(reply.problem(), (400, "not_json".to_owned()), "{path} {text}");
            assert!(!reply.text.contains(CANARY), "{path} {text}");
        }
    }
    bundle.assert_untouched("what is not JSON");
}

#[tokio::test]
async fn json_that_is_no_object_is_one_fault() {
    let bundle = Bundle::new(1).await;

    for path in PATHS {
        for text in ["[]", "7", "null", "true", "\"canary7351\""] {
            let reply = post_text(&bundle, path, text).await;
            assert_eq!(reply.problem(), (422, "invalid_order".to_owned()), "{path} {text}");
            assert_eq!(reply.faults(), [(String::new(), "wrong_type".to_owned())]);
            assert!(!reply.text.contains(CANARY), "{path} {text}");
        }
    }
    bundle.assert_untouched("what is no order");
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_is_refused() {
    let bundle = Bundle::new(1).await;

    for path in PATHS {
        for declared in [
            json!("text/plain"),
            json!("application/x-www-form-urlencoded"),
            json!("canary7351"),
            Value::Null,
        ] {
            let mut event = api_event("POST", path, &minimal(CANARY).to_string());
            event["headers"] = match declared {
                Value::Null => json!({}),
                declared => json!({ "content-type": declared }),
            };
            let reply = bundle.call(&event).await;
            assert_eq!(reply.problem(), (415, "unsupported_media_type".to_owned()), "{path}");
            assert!(!reply.text.contains(CANARY), "{path}");
        }
    }
    bundle.assert_untouched("other content types");
}

#[tokio::test]
async fn a_body_that_the_gateway_has_encoded_is_read_or_refused_as_any_other() {
    let bundle = Bundle::new(1).await;
    let encoded = |body: &[u8]| {
        let mut event = api_event("POST", "/orders", &BASE64_STANDARD.encode(body));
        event["isBase64Encoded"] = json!(true);
        event
    };
    let mut garbage = encoded(b"");
    garbage["body"] = json!("canary7351 *");

    let broken = bundle.call(&garbage).await;
    let binary = bundle.call(&encoded(&[0xff, 0xfe, 0x7b])).await;
    let long = bundle.call(&encoded(&vec![b' '; LARGEST + 1])).await;
    bundle.assert_untouched("encoded garbage");
    let good = bundle.call(&encoded(bare("A-1").to_string().as_bytes())).await;

    assert_eq!(broken.problem(), (400, "not_json".to_owned()));
    assert_eq!(binary.problem(), (400, "not_json".to_owned()));
    assert_eq!(long.problem(), (413, "too_large".to_owned()));
    assert_eq!(good.status, 202);
    assert_eq!(bundle.bus.events().len(), 1);
}

#[tokio::test]
async fn an_order_may_be_as_large_as_the_limit_and_no_byte_larger() {
    let bundle = Bundle::new(1).await;
    let line = json!({ "name": "n".repeat(200) });
    let order = with(bare("A-1"), "/items", json!(vec![line; 900]));
    let text = order.to_string();
    let padded = |bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));

    for path in PATHS {
        let larger = post_text(&bundle, path, &padded(LARGEST + 1)).await;
        assert_eq!(larger.problem(), (413, "too_large".to_owned()), "{path}");
    }
    bundle.assert_untouched("a body that is too large");
    for path in PATHS {
        let largest = post_text(&bundle, path, &padded(LARGEST)).await;
        assert!(matches!(largest.status, 200 | 202), "{path}: {largest:?}");
    }
}

/// An order that is an event of so many bytes.
fn filled(bytes: usize) -> Value {
    // The last ten lines take up what the others leave.
    let mut lines = vec![json!({ "name": "n".repeat(500) }); bytes / 530];
    let first = lines.len();
    lines.extend(vec![json!({ "name": "n" }); 10]);
    let mut order = with(bare("A-1"), "/items", json!(lines));
    let read = Order::from_json(&order, UnknownFields::Deny).expect("an order");
    let missing = bytes - serde_json::to_string(&read).expect("JSON").len();
    for line in 0..10 {
        let more = missing / 10 + usize::from(line < missing % 10);
        order["items"][first + line]["name"] = json!("n".repeat(1 + more));
    }
    order
}

#[tokio::test]
async fn an_order_that_no_event_can_hold_is_refused_before_the_bus() {
    let bundle = Bundle::new(1).await;
    let larger = bundle.post("/orders", &filled(LARGEST - 1024 + 1)).await;
    bundle.assert_untouched("an order that is too large for the bus");
    let largest = bundle.post("/orders", &filled(LARGEST - 1024)).await;

    assert_eq!(larger.problem(), (413, "too_large".to_owned()));
    assert_eq!(largest.status, 202, "{}", largest.text);
    assert_eq!(bundle.bus.events()[0].1.len(), LARGEST - 1024);
}

#[tokio::test]
async fn an_unknown_network_an_unknown_path_and_a_wrong_method_each_have_their_answer() {
    let bundle = Bundle::new(1).await;
    let body = minimal(CANARY).to_string();

    for (method, path, status, code) in [
        ("POST", "/orders/nobody", 404, "unknown_network"),
        ("POST", "/orders/canary7351/x", 404, "unknown_network"),
        ("POST", "/", 404, "unknown_path"),
        ("GET", "/canary7351", 404, "unknown_path"),
        ("POST", "/order", 404, "unknown_path"),
        ("GET", "/orders", 405, "method_not_allowed"),
        ("PUT", "/orders", 405, "method_not_allowed"),
        ("DELETE", "/openapi.json", 405, "method_not_allowed"),
    ] {
        let reply = bundle.call(&api_event(method, path, &body)).await;
        assert_eq!(reply.problem(), (status, code.to_owned()), "{method} {path}");
        assert!(!reply.text.contains(CANARY), "{method} {path}");
    }
    bundle.assert_untouched("requests for nothing");
}
