//! The line of a refused call: its faults, and the order's id where that can be read.

use std::collections::BTreeMap;

use postback_harness::Strike;
use postback_integration::{
    Bundle, api_event,
    log::Log,
    minimal,
    sign::{KEY, message},
    with,
};
use serde_json::json;

#[tokio::test]
async fn a_refused_order_is_logged_with_its_faults_and_no_name_of_the_senders() {
    let bundle = Bundle::new(78).await;
    let (log, _guard) = Log::capture();
    let mut order = with(minimal("A-1"), "/total", json!("14,99"));
    order["canary7351"] = json!(1);

    let by_webhook = message(KEY, "msg_1", bundle.bed.now(), &order.to_string());

    for path in ["/orders", "/orders/shopback"] {
        bundle.post(path, &order).await;
    }
    bundle.call(&by_webhook).await;

    let refused = log.coded("request_refused");
    let faults: Vec<_> = refused.iter().map(|line| line["faults"].as_str()).collect();
    assert_eq!(faults, ["not_a_decimal at /total, unknown_member at /"; 3]);
    assert_eq!(ids(&refused), [Some("A-1"); 3]);
    let lines = log.lines();
    assert!(lines.iter().all(|line| !line.contains("canary7351")), "{lines:?}");
}

/// The id of the order in each line.
fn ids(lines: &[BTreeMap<String, String>]) -> Vec<Option<&str>> {
    lines.iter().map(|line| line.get("order_id").map(String::as_str)).collect()
}

#[tokio::test]
async fn whatever_refuses_a_call_its_line_names_the_order_where_the_id_can_be_read() {
    let bundle = Bundle::new(79).await;
    let (log, _guard) = Log::capture();
    let order = minimal("A-1");
    let doubled = |member: &str| {
        let twice = format!("{{{member},");
        order.to_string().replacen('{', &twice, 1)
    };

    for path in ["/orders", "/orders/shopback"] {
        for bad in [json!("canary7351\tid"), json!({ "canary7351": 1 }), json!("")] {
            bundle.post(path, &with(order.clone(), "/order_id", bad)).await;
        }
        bundle.call(&api_event("POST", path, &doubled(r#""order_id":"canary7351""#))).await;
        bundle.call(&api_event("POST", path, "{")).await;
    }
    let unread = log.coded("request_refused");
    assert_eq!(ids(&unread), [None; 10]);

    for path in ["/orders", "/orders/shopback"] {
        bundle.call(&api_event("POST", path, &doubled(r#""total":"1.00""#))).await;
    }
    bundle.bus.down(true);
    bundle.post("/orders", &order).await;
    bundle.bed.table.always(Strike::Fail);
    bundle.post("/orders/shopback", &order).await;
    let by_webhook = message(KEY, "msg_1", bundle.bed.now(), &order.to_string());
    bundle.call(&by_webhook).await;

    assert_eq!(ids(&log.coded("request_refused")[10..]), [Some("A-1"); 5]);
    let lines = log.lines();
    assert!(lines.iter().all(|line| !line.contains("canary7351")), "{lines:?}");
}
