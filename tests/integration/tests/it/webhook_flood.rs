//! A flood of forged messages: each is refused and counted, costs no call of AWS, and leaves the
//! orders of others alone.

use std::time::Duration;

use postback_integration::{
    Bundle, minimal,
    sign::{KEY, NEXT_KEY, message},
};
use serde_json::{Value, json};

const FORGED: u32 = 10_000;
/// A good order comes by the API with every one of so many.
const EVERY: u32 = 1_000;

/// A message that a stranger has signed, several times over.
fn forged(bundle: &Bundle, number: u32) -> Value {
    let body = minimal(&format!("F-{number}")).to_string();
    let mut event = message(NEXT_KEY, &format!("msg_{number}"), bundle.bed.now(), &body);
    let signature = event["headers"]["webhook-signature"].as_str().unwrap_or_default();
    event["headers"]["webhook-signature"] = json!([signature; 3].join(" "));
    event
}

#[tokio::test]
async fn ten_thousand_forged_messages_are_refused_and_counted_and_stop_nobody() {
    let bundle = Bundle::new(1).await;

    for number in 0..FORGED {
        if number % EVERY == 0 {
            let good = minimal(&format!("G-{number}"));
            assert_eq!(bundle.post("/orders", &good).await.status, 202);
        }
        let reply = bundle.call(&forged(&bundle, number)).await;
        assert_eq!(reply.problem(), (401, "webhook_signature_wrong".to_owned()));
        bundle.bed.advance(Duration::from_millis(40));
    }

    // 400 seconds of a flood: the secret is read at most every ten.
    assert!(bundle.webhook_services.reads() <= 41, "{}", bundle.webhook_services.reads());
    assert_eq!(bundle.bed.table.calls(), [], "to the ledger");
    assert_eq!(bundle.bus.events().len(), (FORGED / EVERY) as usize, "the good ones alone");
    let measured = bundle.webhook_services.measured();
    assert_eq!(measured.len(), FORGED as usize);
    for document in &measured {
        assert_eq!((&document["WebhookRefusals"], &document["Stack"]), (&json!(1), &json!("shop")));
        let directive = &document["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["Stack"]]));
    }
    bundle.work().await;
    for number in (0..FORGED).step_by(EVERY as usize) {
        assert_eq!(bundle.states(&format!("G-{number}")).await.len(), 4, "G-{number}");
    }
}

#[tokio::test]
async fn a_sender_who_is_known_is_not_counted_whatever_it_sends() {
    let bundle = Bundle::new(2).await;
    let at = bundle.bed.now();
    let good = minimal("A-1").to_string();

    for (id, body) in [("msg_1", good.as_str()), ("msg_2", "{}"), ("msg_3", "no JSON")] {
        bundle.call(&message(KEY, id, at, body)).await;
    }

    let refusals = || {
        let measured = bundle.webhook_services.measured();
        measured.into_iter().filter(|document| document["WebhookRefusals"] == 1).count()
    };
    assert_eq!(refusals(), 0);
    let stale = message(KEY, "msg_4", at - Duration::from_hours(1), &good);
    assert_eq!(bundle.call(&stale).await.status, 401);
    assert_eq!(refusals(), 1);
}
