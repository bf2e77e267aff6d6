//! A flood of forged messages: each is refused and counted, costs no call of AWS, and leaves the
//! orders of others alone.

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use postback_core::clock::Timestamp;
use postback_integration::{
    Bundle, api_event, minimal,
    sign::{KEY, NEXT_KEY, message, secret},
};
use postback_orders::{
    keyring::Keyring,
    keys::{KeyKind, Keys, standard_key},
};
use serde_json::{Value, json};

use crate::hostile_shopper::order;

const FORGED: u32 = 10_000;
/// A good order comes by the API, and another on the bus, with every one of so many.
const EVERY: u32 = 1_000;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(40);
/// The size of a body that the webhook does not take.
const LARGE: usize = 300 * 1024;

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
    let mut came = BTreeMap::new();

    for number in 0..FORGED {
        if number % EVERY == 0 {
            let (called, put) = (format!("g{number}"), format!("b{number}"));
            assert_eq!(bundle.post("/orders", &order(&called)).await.status, 202);
            bundle.put_on_bus("order.completed", &order(&put)).await;
            bundle.work().await;
            came.extend([called, put].map(|id| (id, bundle.bed.now())));
        }
        let reply = bundle.call(&forged(&bundle, number)).await;
        assert_eq!(reply.problem(), (401, "webhook_signature_wrong".to_owned()));
        bundle.bed.advance(PAUSE);
        bundle.work_until(bundle.bed.now()).await;
    }

    // 400 seconds of a flood: the secret is read at most every ten.
    assert!(bundle.webhook_services.reads() <= 41, "{}", bundle.webhook_services.reads());
    assert_eq!(bundle.bus.sources().len(), (FORGED / EVERY) as usize, "the good ones alone");
    let measured = bundle.webhook_services.measured();
    assert_eq!(measured.len(), FORGED as usize);
    for document in &measured {
        assert_eq!((&document["WebhookRefusals"], &document["Stack"]), (&json!(1), &json!("shop")));
        let directive = &document["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["Stack"]]));
    }
    assert_eq!(reported(&bundle).await, came.into_iter().map(|it| (it, 4)).collect());
}

/// A wrong key is compared with the keys once more only where they have changed.
#[tokio::test]
async fn a_forged_message_is_compared_with_each_key_once_though_the_secret_is_read_again() {
    let bundle = Bundle::new(2).await;
    let keyring = Keyring::new(KeyKind { secret: "webhook", shape: "", parse: standard_key });
    let services = &bundle.webhook_services;
    let compared = async |now| {
        let compared = Cell::new(0);
        let compare = |keys: &Keys| {
            compared.set(compared.get() + keys.iter().count());
            None::<()>
        };
        assert_eq!(keyring.find(services, now, compare).await.expect("keys"), None);
        compared.get()
    };

    for second in 0..100 {
        assert_eq!(compared(bundle.bed.now()).await, 1, "after {second} s");
        bundle.bed.advance(Duration::from_secs(1));
    }
    assert!(services.reads() >= 10, "{}", services.reads());

    // A rotation is seen all the same.
    services.rotate(Some(&secret(&[NEXT_KEY, KEY])));
    bundle.bed.advance(Duration::from_secs(10));
    assert_eq!(compared(bundle.bed.now()).await, 1 + 2);
}

/// The orders that were reported and the time of that, with the number of networks.
async fn reported(bundle: &Bundle) -> BTreeMap<(String, Timestamp), usize> {
    let mut reported = BTreeMap::new();
    for (kind, detail) in bundle.bed.published().await {
        if matches!(&*kind, "postback.delivered" | "postback.accepted") {
            let id = detail["order_id"].as_str().expect("an order's id").to_owned();
            let at = detail["at"].as_str().and_then(Timestamp::parse).expect("a time");
            *reported.entry((id, at)).or_default() += 1;
        }
    }
    reported
}

#[tokio::test]
async fn a_flood_of_large_bodies_is_counted_as_one_of_strangers_and_as_no_order() {
    let bundle = Bundle::new(3).await;
    let large = "x".repeat(LARGE);

    for number in 0..100 {
        let stranger = message(NEXT_KEY, &format!("msg_{number}"), bundle.bed.now(), &large);
        assert_eq!(bundle.call(&stranger).await.problem(), (413, "too_large".to_owned()));
    }

    bundle.assert_untouched("large bodies");
    assert_eq!(bundle.webhook_services.reads(), 0, "before a key is looked for");
    let measured = bundle.webhook_services.measured();
    let is_refusal = |document: &&Value| document["WebhookRefusals"] == 1;
    assert_eq!(measured.iter().filter(is_refusal).count(), 100);
    assert!(measured.iter().all(|document| document.get("OrderRefused").is_none()));
}

#[tokio::test]
async fn a_flood_of_pings_is_counted_and_touches_nothing() {
    let bundle = Bundle::new(4).await;

    for number in 0..1_000 {
        let ping = api_event("POST", "/webhooks/woocommerce", &format!("webhook_id={number}"));
        assert_eq!(bundle.call(&ping).await.status, 200);
    }

    bundle.assert_untouched("pings");
    assert_eq!(bundle.platform_services.reads(), 0, "the secret is not read");
    let measured = bundle.platform_services.measured();
    assert_eq!(measured.len(), 1_000);
    for document in &measured {
        assert_eq!(
            (&document["PlatformMessages"], &document["Result"]),
            (&json!(1), &json!("ping"))
        );
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
    // Where every message is refused, the minimum is 1.
    let known = bundle.webhook_services.measured();
    assert_eq!(known.iter().filter(|document| document["WebhookRefusals"] == 0).count(), 3);
    let stale = message(KEY, "msg_4", at - Duration::from_hours(1), &good);
    assert_eq!(bundle.call(&stale).await.status, 401);
    assert_eq!(refusals(), 1);
}
