//! The shop systems' webhooks while an AWS service is slow: the answer comes before a shop system gives
//! up. The services are in memory and the clock is virtual.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use postback_core::{clock::Timestamp, platform::Platform};
use postback_integration::sign::{PLATFORM_KEY, platform_message, secret};
use postback_orders::platform::PlatformWebhook;
use postback_runtime::{
    lambda::messages::ApiAndQueueHandler,
    ledger::{LedgerError, Receipt, UnclaimedOrder},
    services::{
        BusEvent, CookieSecret, EventBus, FaultyOrder, IntakeServices, OrderServices, Secret,
        Unavailable, WebhookServices,
    },
};
use serde_json::{Value, json};
use shopify::Shopify;
use tokio::time::{Instant, sleep};

/// Shop systems give up after five seconds; the way there and a cold start take some of them.
const LONGEST: Duration = Duration::from_secs(3);
const HANGS: Duration = Duration::from_mins(1);

/// Services whose calls take as long as `delays` says, and succeed. No network is on.
#[derive(Clone, Debug, Default)]
struct SlowServices {
    delays: Arc<Mutex<BTreeMap<&'static str, Duration>>>,
    /// The calls that came to their end.
    done: Arc<Mutex<Vec<&'static str>>>,
}

impl SlowServices {
    fn new(delays: &[(&'static str, Duration)]) -> Self {
        let delays = Arc::new(Mutex::new(delays.iter().copied().collect()));
        Self { delays, ..Self::default() }
    }

    fn slow_down(&self, name: &'static str, delay: Duration) {
        self.delays.lock().unwrap_or_else(PoisonError::into_inner).insert(name, delay);
    }

    #[expect(clippy::disallowed_methods, reason = "the clock is virtual")]
    async fn call(&self, name: &'static str) {
        let delay = self.delays.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied();
        sleep(delay.unwrap_or_default()).await;
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    }

    fn done(&self) -> Vec<&'static str> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl EventBus for SlowServices {
    async fn put_all(&self, _: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        self.call("bus").await;
        Ok(())
    }
}

impl OrderServices for SlowServices {
    async fn cookie_secret(&self, _: Timestamp) -> CookieSecret {
        self.call("cookie_keys").await;
        CookieSecret::Unsigned
    }

    async fn put_unclaimed(&self, _: &UnclaimedOrder) -> Result<(), LedgerError> {
        self.call("unclaimed").await;
        Ok(())
    }
}

impl IntakeServices for SlowServices {
    async fn put_faulty(&self, _: &str, _: &FaultyOrder) -> Result<(), Unavailable> {
        self.call("faulty").await;
        Ok(())
    }
}

impl WebhookServices for SlowServices {
    async fn secret(&self) -> Result<Secret, Unavailable> {
        self.call("keys").await;
        Ok(Secret { json: secret(&[PLATFORM_KEY]).into(), version: "1".to_owned() })
    }

    async fn receipt(&self, _: &str) -> Result<Option<Receipt>, LedgerError> {
        self.call("receipt").await;
        Ok(None)
    }

    async fn put_receipt(&self, _: &Receipt) -> Result<(), LedgerError> {
        self.call("put_receipt").await;
        Ok(())
    }
}

fn webhook(services: &SlowServices) -> PlatformWebhook<Shopify, SlowServices> {
    PlatformWebhook::new(Shopify::configure(&|_| None), services.clone())
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T00:00:00Z").expect("an instant")
}

/// Sends a paid order with these changes to a new instance. Returns the answer's status and the time it
/// took.
async fn send(services: &SlowServices, changes: Value) -> (u16, Duration) {
    send_to(&webhook(services), changes, now()).await
}

async fn send_to(
    webhook: &PlatformWebhook<Shopify, SlowServices>,
    changes: Value,
    now: Timestamp,
) -> (u16, Duration) {
    let recorded = include_str!("../../../../functions/platforms/shopify/payloads/01-paid.json");
    let mut recorded: Value = serde_json::from_str(recorded).expect("JSON");
    let mut payload = recorded["payload"].take();
    let members = payload.as_object_mut().expect("an order");
    members.extend(changes.as_object().expect("members").clone());
    let headers = ["x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-event-id"];
    let (path, body) = ("/webhooks/shopify", payload.to_string());
    let event = platform_message(path, headers, PLATFORM_KEY, "orders/paid", "d1", &body);
    let request = serde_json::from_value(event).expect("a request");
    let before = Instant::now();
    let answer = webhook.answer(request, now).await;
    (answer.status_code, before.elapsed())
}

#[tokio::test(start_paused = true)]
async fn whatever_hangs_the_answer_comes_in_time() {
    for (hanging, status, last) in [
        ("keys", 503, None),
        // Cookies count unsigned, and their keys take no more than a part of the time.
        ("cookie_keys", 202, Some("put_receipt")),
        ("receipt", 503, Some("cookie_keys")),
        ("bus", 503, Some("receipt")),
        // The order is on the bus: it is not asked for again.
        ("put_receipt", 202, Some("unclaimed")),
        ("unclaimed", 202, Some("put_receipt")),
    ] {
        let services = SlowServices::new(&[(hanging, HANGS)]);

        let (answered, took) = send(&services, json!({})).await;

        assert_eq!(answered, status, "{hanging}");
        assert!(took <= LONGEST + Duration::from_millis(10), "{hanging} took {took:?}");
        assert_eq!(services.done().last().copied(), last, "{hanging}");
    }
}

#[tokio::test(start_paused = true)]
async fn known_keys_stay_in_force_while_secrets_manager_hangs() {
    let services = SlowServices::new(&[]);
    let webhook = webhook(&services);
    assert_eq!(send_to(&webhook, json!({}), now()).await.0, 202);

    services.slow_down("keys", HANGS);
    for minutes in 2..6 {
        let later = now() + Duration::from_mins(minutes);
        let (answered, took) = send_to(&webhook, json!({}), later).await;

        assert_eq!(answered, 202, "after {minutes} minutes");
        assert!(took < LONGEST, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_with_faults_that_cant_be_kept_in_time_is_asked_for_again() {
    let services = SlowServices::new(&[("faulty", HANGS)]);

    let (answered, took) = send(&services, json!({ "currency": "rupees" })).await;

    assert_eq!(answered, 503);
    assert!(took <= LONGEST + Duration::from_millis(10), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn while_every_call_is_slow_the_order_is_taken_with_its_receipt() {
    let calls = ["keys", "cookie_keys", "receipt", "bus", "put_receipt", "unclaimed"];
    let services = SlowServices::new(&calls.map(|call| (call, Duration::from_millis(550))));

    let (answered, took) = send(&services, json!({})).await;

    // The two writes after the bus took it run beside each other.
    assert_eq!((answered, services.done().len()), (202, calls.len()));
    assert!(took < LONGEST, "{took:?}");
}
