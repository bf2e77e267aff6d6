//! Requests with odd things in the parts of a gateway's event that nobody reads: control characters in
//! headers, claims that are no text, members of another type. They refuse no order.

use postback_integration::{
    Bundle, PATHS, api_event, minimal,
    sign::{KEY, message},
};
use serde_json::{Value, json};

/// Text with control characters, marks of direction and what is left of bytes that are no UTF-8.
const ODD: &str =
    "a\u{0}\u{1}b\nc\r\u{7f}\u{80}\u{9f}\u{2028}\u{202e}\u{feff}\u{fffd}\u{fffe}é🎉 \"\\";

/// The same event with odd parts.
fn odd(mut event: Value) -> Value {
    for (name, value) in [
        ("x-odd", json!(ODD)),
        ("user-agent", json!(ODD)),
        ("cookie", json!(ODD)),
        ("x-forwarded-for", json!(ODD)),
        (ODD, json!(ODD)),
        ("x-number", json!(7)),
        ("x-nothing", Value::Null),
        ("x-list", json!([ODD, 7])),
    ] {
        event["headers"][name] = value;
    }
    for (name, value) in [
        ("cookies", json!([ODD, 7, null])),
        ("queryStringParameters", json!({ ODD: [ODD] })),
        ("rawQueryString", json!(7)),
        ("stageVariables", json!(ODD)),
        ("routeKey", json!({ ODD: ODD })),
        ("version", json!(2.0)),
        (ODD, json!({ ODD: ODD })),
    ] {
        event[name] = value;
    }
    let context = &mut event["requestContext"];
    context["authorizer"] = json!({
        "iam": { "userArn": [ODD], "cognitoIdentity": ODD },
        "jwt": { "claims": { "sub": 7, ODD: { ODD: ODD }, "groups": [ODD] }, "scopes": ODD },
        "lambda": ODD,
    });
    context["http"]["userAgent"] = json!(ODD);
    context["http"]["sourceIp"] = json!([ODD]);
    context["authentication"] = json!({ "clientCert": ODD });
    context["timeEpoch"] = json!(ODD);
    event
}

#[tokio::test]
async fn what_nobody_reads_of_an_event_refuses_no_order() {
    let bundle = Bundle::new(1).await;

    for path in PATHS {
        let order = minimal(&format!("A{}", path.replace('/', "-")));
        let reply = bundle.call(&odd(api_event("POST", path, &order.to_string()))).await;

        let expected = if path == "/orders" { 202 } else { 200 };
        assert_eq!(reply.status, expected, "{path}: {}", reply.text);
    }
    bundle.work().await;
    assert_eq!(bundle.states("A-orders").await.len(), 4);

    let reply = bundle.call(&odd(api_event("GET", "/orders/A-orders", ""))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn what_nobody_reads_of_an_event_refuses_no_signed_order() {
    let bundle = Bundle::new(2).await;
    let body = minimal("A-1").to_string();

    let reply = bundle.call(&odd(message(KEY, "msg_1", bundle.bed.now(), &body))).await;

    assert_eq!(reply.status, 202, "{}", reply.text);
}
