//! The keys of the webhook: rotated without a gap, read seldom, revoked by an empty secret.

use std::time::Duration;

use postback_integration::{
    Bundle, Reply, minimal,
    sign::{KEY, NEXT_KEY, message, secret},
};
use serde_json::Value;

const CANARY: &str = "canary7351";

async fn send(bundle: &Bundle, key: &str, id: &str, order: &Value) -> Reply {
    bundle.call(&message(key, id, bundle.bed.now(), &order.to_string())).await
}

fn refusal(code: &str, status: u64) -> (u64, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn keys_are_rotated_without_a_gap() {
    let bundle = Bundle::new(7).await;
    assert_eq!(send(&bundle, KEY, "msg_1", &minimal("A-1")).await.status, 202);

    // The next key is in force at the first message signed with it, well before a minute.
    bundle.webhook_services.rotate(Some(&secret(&[NEXT_KEY, KEY])));
    bundle.bed.advance(Duration::from_secs(10));
    assert_eq!(send(&bundle, NEXT_KEY, "msg_2", &minimal("A-2")).await.status, 202);
    assert_eq!(send(&bundle, KEY, "msg_3", &minimal("A-3")).await.status, 202);

    bundle.webhook_services.rotate(Some(&secret(&[NEXT_KEY])));
    bundle.bed.advance(Duration::from_mins(1));
    let late = send(&bundle, KEY, "msg_4", &minimal("A-4")).await;
    assert_eq!(late.problem(), refusal("webhook_signature_wrong", 401));
    assert_eq!(send(&bundle, NEXT_KEY, "msg_5", &minimal("A-5")).await.status, 202);
}

#[tokio::test]
async fn strangers_cannot_have_the_secret_read_at_will() {
    let bundle = Bundle::new(8).await;

    for number in 0..20 {
        send(&bundle, NEXT_KEY, &format!("msg_{number}"), &minimal("A-1")).await;
    }
    assert_eq!(bundle.webhook_services.reads(), 1);

    bundle.webhook_services.rotate(None);
    bundle.bed.advance(Duration::from_secs(10));
    for number in 0..20 {
        send(&bundle, NEXT_KEY, &format!("msg_{number}"), &minimal("A-1")).await;
    }
    assert_eq!(bundle.webhook_services.reads(), 2);
}

#[tokio::test]
async fn without_keys_the_sender_is_asked_to_come_again() {
    for unset in [Some("{}"), Some(""), Some(r#"{"keys": ["canary7351"]}"#), None] {
        let bundle = Bundle::new(9).await;
        bundle.webhook_services.rotate(unset);

        let reply = send(&bundle, KEY, "msg_1", &minimal("A-1")).await;

        assert_eq!(reply.problem(), refusal("webhook_keys_unavailable", 503));
        assert!(reply.header("retry-after").is_some());
        assert!(reply.text.contains("postback secret webhook"));
        assert!(!reply.text.contains(CANARY));
        bundle.assert_described("post", "/webhooks/orders", &reply).await;
        bundle.assert_untouched("no keys");

        bundle.webhook_services.rotate(Some(&secret(&[KEY])));
        bundle.bed.advance(Duration::from_secs(10));
        assert_eq!(send(&bundle, KEY, "msg_1", &minimal("A-1")).await.status, 202);
    }
}

#[tokio::test]
async fn a_secret_without_a_valid_key_revokes_those_before() {
    for emptied in ["{}", "", r#"{"keys": []}"#, r#"{"keys": ["canary7351"]}"#, "null", "[]"] {
        let bundle = Bundle::new(10).await;
        assert_eq!(send(&bundle, KEY, "msg_1", &minimal("A-1")).await.status, 202);

        bundle.webhook_services.rotate(Some(emptied));
        bundle.bed.advance(Duration::from_mins(1));

        let leaked = send(&bundle, KEY, "msg_2", &minimal("A-2")).await;
        assert_eq!(leaked.problem(), refusal("webhook_keys_unavailable", 503), "{emptied}");
        assert_eq!(bundle.bus.events().len(), 1);
    }
}

#[tokio::test]
async fn keys_stay_for_an_hour_while_the_secret_cannot_be_read() {
    let bundle = Bundle::new(11).await;
    assert_eq!(send(&bundle, KEY, "msg_1", &minimal("A-1")).await.status, 202);
    bundle.webhook_services.rotate(None);

    bundle.bed.advance(Duration::from_mins(59));
    assert_eq!(send(&bundle, KEY, "msg_2", &minimal("A-2")).await.status, 202);
    bundle.bed.advance(Duration::from_mins(1));
    let late = send(&bundle, KEY, "msg_3", &minimal("A-3")).await;
    assert_eq!(late.problem(), refusal("webhook_keys_unavailable", 503));

    bundle.webhook_services.rotate(Some(&secret(&[KEY])));
    bundle.bed.advance(Duration::from_secs(10));
    assert_eq!(send(&bundle, KEY, "msg_4", &minimal("A-4")).await.status, 202);
}
