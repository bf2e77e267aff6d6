//! An open delivery outlives changed settings.

use std::time::Duration;

use cpa_moe::CpaMoe;
use postback_core::delivery::Key;
use postback_harness::Function;
use postback_integration::{Bundle, minimal, with};
use postback_sandbox::{Fault, Network};
use serde_json::json;

use super::{DAY, at_shopback, changed_at, delivery, order, script, state, sweeping::sweep};

/// The settings of cpa.moe, without and with an offer for the orders that have none.
fn settings_and_default_offer() -> (String, String) {
    let settings = json!({ "user": 1001, "key": "fake0key0fake0key0" });
    let with_offer = with(settings.clone(), "/default_offer", json!(217));
    (settings.to_string(), with_offer.to_string())
}

/// An order without a click at cpa.moe meets `fault`, then the default offer is taken away.
async fn without_its_offer(fault: Fault) -> (Box<Bundle>, Function<CpaMoe>) {
    let bundle = Bundle::new(1).await;
    let (settings, with_offer) = settings_and_default_offer();
    let endpoint = bundle.bed.sandbox.endpoint(Network::CpaMoe);
    let function = bundle.bed.function_at::<CpaMoe>(&endpoint, &with_offer).await;
    script(&bundle, Network::CpaMoe, fault);
    function.post(&changed_at(with(minimal("A-1"), "/clicks", json!({})), 10)).await;
    function.services.rotate(&settings);
    bundle.bed.advance(Duration::from_mins(10));
    (bundle, function)
}

/// The settings are read again while the network answers, so that no order waits for them; and no
/// answer waits for them, either.
#[tokio::test]
async fn settings_are_read_ahead_while_the_network_answers() {
    let bundle = Bundle::new(1).await;
    let services = &bundle.shopback.services;
    let mut reads = Vec::new();
    for (number, pause) in [(1, 59), (2, 1), (3, 59)] {
        bundle.bed.advance(Duration::from_secs(pause));
        let answer =
            bundle.shopback.post(&order(&format!("A-{number}"), &number.to_string())).await;
        assert_eq!(answer.body["state"], "delivered");
        reads.push(services.secret_reads());
    }
    assert_eq!(reads, [1, 2, 2], "at the start, and with the first order after a minute");

    services.secret_hangs();
    bundle.bed.advance(Duration::from_secs(1));
    let answer = bundle.shopback.post(&order("A-4", "4")).await;

    assert_eq!(answer.body["state"], "delivered", "{}", answer.body);
    assert_eq!(services.secret_reads(), 3);
}

#[tokio::test]
async fn an_open_lead_waits_while_its_default_offer_is_missing_and_comes_back_with_it() {
    for fault in [Fault::status(429), Fault::close_before_reading()] {
        let (bundle, function) = without_its_offer(fault).await;

        let is_empty = bundle.bed.work_off(&function, Duration::from_hours(12)).await;
        let waiting = delivery(&bundle, "A-1", "cpa_moe").await;
        function.services.rotate(&settings_and_default_offer().1);
        bundle.bed.advance(Duration::from_mins(10));
        let is_done = bundle.bed.work_off(&function, DAY).await;

        assert!(!is_empty, "its message waits");
        assert_eq!(
            (&waiting["state"], &waiting["reason"]),
            (&json!("parked"), &json!("not_plannable"))
        );
        let after = delivery(&bundle, "A-1", "cpa_moe").await;
        assert_eq!((&after["state"], &after["proof"]), (&json!("delivered"), &json!("response")));
        assert!(is_done);
        assert_eq!(bundle.bed.sandbox.leads("A-1").len(), 1);
    }
}

#[tokio::test]
async fn a_lead_in_doubt_is_looked_up_while_its_default_offer_is_missing() {
    let (bundle, function) = without_its_offer(Fault::close_after_reading()).await;

    let is_done = bundle.bed.work_off(&function, DAY).await;

    let after = delivery(&bundle, "A-1", "cpa_moe").await;
    assert_eq!((&after["state"], &after["proof"]), (&json!("delivered"), &json!("lookup")));
    assert!(is_done);
    assert_eq!(bundle.bed.sandbox.leads("A-1").len(), 1);
}

#[tokio::test]
async fn a_lead_whose_lookups_fail_while_its_default_offer_is_missing_is_missed_only_if_its_message_is()
 {
    let (bundle, function) = without_its_offer(Fault::close_after_reading()).await;
    let outage = Some(Fault::status(500));
    bundle.bed.sandbox.outage(Network::CpaMoe, outage).expect("an outage");

    for hour in 0..8 {
        bundle.bed.work_off(&function, Duration::from_hours(1)).await;
        assert_eq!(sweep(&bundle).await["cpa_moe"].unwatched, 0, "after {hour} hours");
    }
    let written = function.record("A-1").await.expect("a record").version;
    for message in function.services.queue() {
        function.services.delete(&message.id);
    }
    bundle.bed.advance(Duration::from_hours(4));

    assert_eq!(sweep(&bundle).await["cpa_moe"].unwatched, 1);
    assert!(written < 12, "not at each lookup: {written}");
}

#[tokio::test]
async fn a_correction_of_a_lead_in_doubt_that_can_not_be_built_is_sent_once_it_is_not_there() {
    let (bundle, function) = without_its_offer(Fault::close_before_reading()).await;
    let corrected = with(minimal("A-1"), "/total", json!("1599.00"));
    let corrected = with(corrected, "/clicks/cpa_moe/offer", json!(217));
    function.enqueue(&changed_at(corrected, 20));

    let is_done = bundle.bed.work_off(&function, DAY).await;

    let after = delivery(&bundle, "A-1", "cpa_moe").await;
    assert_eq!((&after["state"], &after["attempt"]), (&json!("delivered"), &json!(2)), "{after}");
    let key = Key::known("A-1".to_owned(), "cpa_moe", None);
    let held = function.record_of(&key).await.expect("a record").protocol;
    assert_eq!(held.facts.get("amount"), Some("1599"));
    assert!(is_done);
    assert_eq!(bundle.bed.sandbox.leads("A-1").len(), 1);
}

#[tokio::test]
async fn a_paused_network_is_not_asked_about_a_lead_in_doubt_that_can_not_be_built() {
    let (bundle, function) = without_its_offer(Fault::close_after_reading()).await;
    bundle.bed.pause("cpa_moe", true).await;

    bundle.bed.work_off(&function, Duration::from_hours(3)).await;

    let waiting = delivery(&bundle, "A-1", "cpa_moe").await;
    assert_eq!(waiting["state"], "unconfirmed");
    bundle.bed.pause("cpa_moe", false).await;
    assert!(bundle.bed.work_off(&function, DAY).await);
    assert_eq!(delivery(&bundle, "A-1", "cpa_moe").await["proof"], "lookup");
}

#[tokio::test]
async fn a_doubt_is_held_under_another_offer_and_resolved_under_its_own() {
    let bundle = Bundle::new(1).await;
    let secret = |offer: u32| {
        json!({ "offer_id": offer, "security_token": "fake0token0fake0token0fake0token" })
            .to_string()
    };
    script(&bundle, Network::ShopBack, Fault::close_after_reading());
    bundle.post("/orders/shopback", &minimal("A-1")).await;

    bundle.shopback.services.rotate(&secret(99));
    bundle.bed.advance(Duration::from_mins(10));
    bundle.bed.work_off(&bundle.shopback, Duration::from_hours(6)).await;
    let held = delivery(&bundle, "A-1", "shopback").await;
    bundle.shopback.services.rotate(&secret(1234));
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(held["reason"], "settings_changed");
    let after = delivery(&bundle, "A-1", "shopback").await;
    assert_eq!((&after["state"], &after["proof"]), (&json!("delivered"), &json!("duplicate")));
}

#[tokio::test]
async fn a_secret_that_is_emptied_lets_orders_wait_until_it_is_set_again() {
    let settings =
        json!({ "offer_id": 1234, "security_token": "fake0token0fake0token0fake0token" });
    for emptied in ["{}", "", "null", r#"{ "offer_id": 1234 }"#] {
        let bundle = Bundle::new(1).await;
        let services = &bundle.shopback.services;
        bundle.post("/orders/shopback", &order("A-1", "a")).await;

        services.rotate(emptied);
        bundle.bed.advance(Duration::from_mins(2));
        let reply = bundle.post("/orders/shopback", &order("A-2", "b")).await;
        let is_empty = bundle.bed.work_off(&bundle.shopback, Duration::from_hours(3)).await;
        // That is known for as long as Secrets Manager says nothing else.
        services.secret_down(true);
        bundle.bed.work_off(&bundle.shopback, Duration::from_hours(1)).await;
        let requests = bundle.bed.sandbox.received(Network::ShopBack).len();
        services.secret_down(false);
        services.rotate(&settings.to_string());
        let is_done = bundle.bed.work_off(&bundle.shopback, Duration::from_mins(30)).await;

        assert_eq!((reply.status, &reply.body()["reason"]), (202, &json!("settings_faulty")));
        assert_eq!((is_empty, requests, is_done), (false, 1, true), "{emptied}");
        assert!(services.metrics().iter().any(|document| document["Paused"] == 1), "{emptied}");
        assert_eq!(at_shopback(&bundle, "A-2").await, state("delivered"));
        assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 2);
    }
}

/// One order opens no circuit: it is its message that looks for the correction.
#[tokio::test]
async fn an_order_parked_by_a_wrong_key_goes_out_at_its_next_round_once_the_key_is_right() {
    let bundle = Bundle::new(1).await;
    let services = &bundle.shopback.services;
    let secret = |token: &str| json!({ "offer_id": 1234, "security_token": token }).to_string();
    services.rotate(&secret("fake0wrong0fake0wrong0fake0wrong"));
    bundle.bed.advance(Duration::from_mins(10));
    let parked = bundle.post("/orders/shopback", &order("A-1", "a")).await.body();

    bundle.bed.advance(Duration::from_secs(10));
    services.rotate(&secret("fake0token0fake0token0fake0token"));
    bundle.bed.advance_to(services.next_visible().expect("its message"));
    bundle.shopback.work().await;

    assert_eq!(parked["state"], "parked", "{parked}");
    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(bundle.bed.sandbox.held(Network::ShopBack, "A-1").len(), 1);
}

#[tokio::test]
async fn a_network_is_not_asked_with_a_secret_that_was_emptied() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::CpaMoe, Fault::close_after_reading());
    bundle.post("/orders/cpa_moe", &minimal("A-1")).await;
    let before = bundle.bed.sandbox.requests();

    bundle.cpa_moe.services.rotate("{}");
    bundle.bed.advance(Duration::from_mins(2));
    assert!(!bundle.bed.work_off(&bundle.cpa_moe, Duration::from_hours(3)).await, "it waits");
    assert_eq!(bundle.bed.sandbox.requests(), before);

    let settings = json!({ "user": "1001", "key": "fake0key0fake0key0" });
    bundle.cpa_moe.services.rotate(&settings.to_string());
    assert!(bundle.bed.work_off(&bundle.cpa_moe, DAY).await);
    assert_eq!(delivery(&bundle, "A-1", "cpa_moe").await["proof"], "lookup");
}

/// A merchant who learns that a second report counts sets `hold`, while doubts wait to be sent again.
#[tokio::test]
async fn a_doubt_that_would_be_sent_again_is_a_persons_once_the_settings_hold_it() {
    for network in [Network::CashMyCell, Network::ShopBack] {
        let bundle = Bundle::new(1).await;
        let secret = |on_unconfirmed: &str| match network {
            Network::CashMyCell => json!({ "on_unconfirmed": on_unconfirmed }).to_string(),
            _ => json!({
                "offer_id": 1234, "security_token": "fake0token0fake0token0fake0token",
                "on_unconfirmed": on_unconfirmed,
            })
            .to_string(),
        };
        let services = match network {
            Network::CashMyCell => &bundle.cashmycell.services,
            _ => &bundle.shopback.services,
        };
        services.rotate(&secret("resend"));
        bundle.bed.advance(Duration::from_mins(10));
        script(&bundle, network, Fault::close_after_reading());
        let name = if network == Network::CashMyCell { "cashmycell" } else { "shopback" };
        bundle.post(&format!("/orders/{name}"), &order("A-1", "a")).await;

        services.rotate(&secret("hold"));
        bundle.bed.advance(Duration::from_mins(10));
        assert!(bundle.bed.work_off(&bundle.cashmycell, DAY).await);
        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);
        let counts = sweep(&bundle).await;
        services.rotate(&secret("resend"));
        bundle.bed.advance(Duration::from_mins(10));
        bundle.post(&format!("/orders/{name}"), &order("A-1", "a")).await;

        assert_eq!(bundle.bed.sandbox.received(network).len(), 1, "{name}");
        let held = delivery(&bundle, "A-1", name).await;
        let is = (&held["state"], &held["reason"], &held["in_doubt"]);
        assert_eq!(is, (&json!("unconfirmed"), &json!("settings_changed"), &json!(true)));
        assert_eq!(counts[name].held, 1, "{name}: a person sees it");
    }
}
