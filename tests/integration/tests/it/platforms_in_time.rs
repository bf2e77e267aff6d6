//! The time for the answers of the shop systems' webhooks: Shopify's come within a second whatever hangs.
//! `WooCommerce` sends nothing again, so it waits up to three seconds for the bus and for the first keys;
//! an order that the bus does not take by then is kept. The services are in memory and the clock is
//! virtual.
//!
//! Longer than 300 lines, because the services whose calls take time are all here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use postback_core::{clock::Timestamp, order::OrderId, platform::Platform};
use postback_integration::{
    api_event,
    sign::{PLATFORM_KEY, platform_message, secret},
};
use postback_orders::platform::PlatformWebhook;
use postback_runtime::{
    lambda::messages::ApiAndQueueHandler,
    ledger::{Kept, LedgerError, Receipt, ShopOrder, UnclaimedOrder},
    services::{
        BusEvent, CookieSecret, EventBus, FaultyOrder, IntakeServices, OrderServices, Secret,
        Unavailable, WebhookServices,
    },
};
use serde_json::{Value, json};
use shopify::Shopify;
use tokio::time::{Instant, sleep};
use woocommerce::WooCommerce;

const SECOND: Duration = Duration::from_secs(1);
/// Three seconds, and the clock's ticks.
const LONGEST: Duration = Duration::from_millis(3_010);
const HANGS: Duration = Duration::from_mins(1);
/// The calls for an order that is taken.
const CALLS: [&str; 6] = ["keys", "receipt", "cookie_keys", "bus", "put_receipt", "unclaimed"];
/// The call beside that of the receipt, where refunds come without their orders.
const BESIDE: &str = "shop_order";

const SHOPIFY: &str = include_str!("../../../../functions/platforms/shopify/payloads/01-paid.json");
const WOOCOMMERCE: &str =
    include_str!("../../../../functions/platforms/woocommerce/payloads/01-processing.json");

/// Services whose calls take as long as `delays` says, and succeed unless the bus fails. No network is on.
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

    async fn holds(&self, _: &OrderId, _: Timestamp) -> Result<bool, LedgerError> {
        self.call("holds").await;
        Ok(false)
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

    async fn keep_of_shop_order(
        &self,
        _: &str,
        _: Kept<'_>,
        _: Timestamp,
    ) -> Result<ShopOrder, LedgerError> {
        self.call("shop_order").await;
        Ok(ShopOrder::default())
    }
}

fn webhook<P: Platform>(services: &SlowServices) -> PlatformWebhook<P, SlowServices> {
    PlatformWebhook::new(P::configure(&|_| None), services.clone())
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T00:00:00Z").expect("an instant")
}

/// The longest time that an answer to this shop system may take: its promise, not its setting.
fn longest<P: Platform>() -> Duration {
    if P::NAME == "shopify" { SECOND } else { LONGEST }
}

/// A paid order as the shop system sends it.
fn recorded<P: Platform>() -> Value {
    serde_json::from_str(if P::NAME == "shopify" { SHOPIFY } else { WOOCOMMERCE }).expect("JSON")
}

/// Sends a paid order with these changes to a new instance. Returns the answer's status and the time it
/// took.
async fn send<P: Platform>(services: &SlowServices, changes: Value) -> (u16, Duration) {
    send_to(&webhook::<P>(services), changes, now()).await
}

/// Sends a paid order with these changes.
async fn send_to<P: Platform>(
    webhook: &PlatformWebhook<P, SlowServices>,
    changes: Value,
    now: Timestamp,
) -> (u16, Duration) {
    let mut recorded = recorded::<P>();
    let mut payload = recorded["payload"].take();
    let members = payload.as_object_mut().expect("an order");
    members.extend(changes.as_object().expect("members").clone());
    let headers = [P::HEADERS.signature, P::HEADERS.topic, P::HEADERS.delivery[0]];
    let (path, body) = (format!("/webhooks/{}", P::NAME), payload.to_string());
    let topic = recorded["topic"].as_str().expect("a topic");
    answer(webhook, platform_message(&path, headers, PLATFORM_KEY, topic, "d1", &body), now).await
}

async fn answer<P: Platform>(
    webhook: &PlatformWebhook<P, SlowServices>,
    event: Value,
    now: Timestamp,
) -> (u16, Duration) {
    let request = serde_json::from_value(event).expect("a request");
    let before = Instant::now();
    let answer = webhook.answer(request, now).await;
    (answer.status_code, before.elapsed())
}

/// A sixth call in a row would be too many.
async fn answers_within_a_second_while_each_call_takes_less_than_180_ms<P: Platform>() {
    let services = SlowServices::new(&CALLS.map(|call| (call, Duration::from_millis(175))));
    services.slow_down(BESIDE, Duration::from_millis(175));

    let (answered, took) = send::<P>(&services, json!({})).await;

    let expected = CALLS.len() + usize::from(P::NAME == "shopify");
    assert_eq!((answered, services.done().len()), (202, expected), "{:?}", services.done());
    assert!(took < SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn while_each_call_takes_less_than_180_ms_the_answer_comes_within_a_second() {
    answers_within_a_second_while_each_call_takes_less_than_180_ms::<Shopify>().await;
    answers_within_a_second_while_each_call_takes_less_than_180_ms::<WooCommerce>().await;
}

#[tokio::test(start_paused = true)]
async fn what_needs_no_service_is_answered_at_once_while_all_hang() {
    let services = SlowServices::new(&CALLS.map(|call| (call, HANGS)));
    let (shopify, woocommerce) = (webhook::<Shopify>(&services), webhook::<WooCommerce>(&services));

    let ping = api_event("POST", "/webhooks/woocommerce", "webhook_id=12");
    assert_eq!(answer(&woocommerce, ping, now()).await, (200, Duration::ZERO));
    let unsigned = api_event("POST", "/webhooks/shopify", "{}");
    assert_eq!(answer(&shopify, unsigned, now()).await, (401, Duration::ZERO));
}

async fn asks_again_in_time_while_all_services_hang<P: Platform>() {
    let services = SlowServices::new(&[]);
    let known = webhook::<P>(&services);
    assert_eq!(send_to(&known, json!({}), now()).await.0, 202);
    for call in CALLS.into_iter().chain([BESIDE, "faulty"]) {
        services.slow_down(call, HANGS);
    }

    for webhook in [webhook::<P>(&services), known] {
        let (answered, took) = send_to(&webhook, json!({}), now()).await;

        assert_eq!(answered, 503, "{}", P::NAME);
        assert!(took <= longest::<P>(), "{} took {took:?}", P::NAME);
    }
}

#[tokio::test(start_paused = true)]
async fn while_all_services_hang_a_message_is_asked_for_again_in_time() {
    asks_again_in_time_while_all_services_hang::<Shopify>().await;
    asks_again_in_time_while_all_services_hang::<WooCommerce>().await;
}

/// It sends nothing again, and without keys nothing can be taken.
#[tokio::test(start_paused = true)]
async fn the_first_message_of_woocommerce_to_an_instance_waits_for_slow_keys() {
    let services = SlowServices::new(&[("keys", Duration::from_secs(2))]);

    let (answered, took) = send::<WooCommerce>(&services, json!({})).await;

    assert_eq!(answered, 202);
    assert!(took < LONGEST, "{took:?}");
}

/// The answer while one call hangs: its status, the last call that came to its end, and the time.
async fn while_one_hangs<P: Platform>(
    hanging: &'static str,
) -> (u16, Option<&'static str>, Duration) {
    let services = SlowServices::new(&[(hanging, HANGS)]);
    let (answered, took) = send::<P>(&services, json!({})).await;
    (answered, services.done().last().copied(), took)
}

#[tokio::test(start_paused = true)]
async fn whatever_hangs_shopify_is_answered_within_a_second() {
    for (hanging, status, last) in [
        ("keys", 503, None),
        // Cookies count unsigned, and their keys take no more than a part of the time.
        ("cookie_keys", 202, Some("put_receipt")),
        ("receipt", 503, Some("cookie_keys")),
        (BESIDE, 503, Some("receipt")),
        ("bus", 503, Some("cookie_keys")),
        // The order is on the bus: it is not asked for again.
        ("put_receipt", 202, Some("unclaimed")),
        ("unclaimed", 202, Some("put_receipt")),
    ] {
        let (answered, done, took) = while_one_hangs::<Shopify>(hanging).await;

        assert_eq!((answered, done), (status, last), "{hanging}");
        assert!(took < SECOND, "{hanging} took {took:?}");
    }
}

/// Without keys nobody knows whose message it is, and nothing of it is kept.
#[tokio::test(start_paused = true)]
async fn whatever_hangs_no_order_of_woocommerce_is_lost_that_a_key_has_signed() {
    for (hanging, status, last, longest) in [
        ("keys", 503, None, LONGEST),
        ("cookie_keys", 202, Some("put_receipt"), SECOND),
        ("receipt", 202, Some("put_receipt"), SECOND),
        // It may still take the order: only then it is kept.
        ("bus", 202, Some("faulty"), LONGEST),
        ("put_receipt", 202, Some("unclaimed"), SECOND),
        ("unclaimed", 202, Some("put_receipt"), SECOND),
    ] {
        let (answered, done, took) = while_one_hangs::<WooCommerce>(hanging).await;

        assert_eq!((answered, done), (status, last), "{hanging}");
        assert!(took < longest, "{hanging} took {took:?}");
    }
}

async fn keeps_known_keys_while_secrets_manager_hangs<P: Platform>() {
    let services = SlowServices::new(&[]);
    let webhook = webhook::<P>(&services);
    assert_eq!(send_to(&webhook, json!({}), now()).await.0, 202);

    // The capture cookie's reader ends after so long, with the keys known before.
    services.slow_down("cookie_keys", Duration::from_millis(400));
    services.slow_down("keys", HANGS);
    for minutes in 2..6 {
        let later = now() + Duration::from_mins(minutes);
        let (answered, took) = send_to(&webhook, json!({}), later).await;

        assert_eq!(answered, 202, "{} after {minutes} minutes", P::NAME);
        assert!(took < SECOND, "{} took {took:?}", P::NAME);
    }
    assert_eq!(services.done().iter().filter(|call| **call == "cookie_keys").count(), 5);
}

#[tokio::test(start_paused = true)]
async fn known_keys_stay_in_force_while_secrets_manager_hangs() {
    keeps_known_keys_while_secrets_manager_hangs::<Shopify>().await;
    keeps_known_keys_while_secrets_manager_hangs::<WooCommerce>().await;
}

async fn asks_again_for_faults_that_cant_be_kept<P: Platform>() {
    let services = SlowServices::new(&[("faulty", HANGS)]);

    let (answered, took) = send::<P>(&services, json!({ "currency": "rupees" })).await;

    assert_eq!(answered, 503, "{}", P::NAME);
    assert!(took <= longest::<P>(), "{} took {took:?}", P::NAME);
}

#[tokio::test(start_paused = true)]
async fn an_order_with_faults_that_cant_be_kept_in_time_is_asked_for_again() {
    asks_again_for_faults_that_cant_be_kept::<Shopify>().await;
    asks_again_for_faults_that_cant_be_kept::<WooCommerce>().await;
}

#[tokio::test(start_paused = true)]
async fn while_every_call_is_slow_an_order_of_woocommerce_is_taken_without_its_receipt() {
    let services = SlowServices::new(&CALLS.map(|call| (call, Duration::from_millis(550))));

    let (answered, took) = send::<WooCommerce>(&services, json!({})).await;

    assert_eq!((answered, services.done()), (202, vec!["keys", "bus"]));
    assert!(took < LONGEST, "{took:?}");
}
