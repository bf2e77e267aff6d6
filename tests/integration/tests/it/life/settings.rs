//! An open delivery outlives changed settings.

use std::time::Duration;

use cpa_moe::CpaMoe;
use postback_integration::{Bundle, minimal, with};
use postback_sandbox::{Fault, Network};
use serde_json::json;

use super::{DAY, delivery, script};

#[tokio::test]
async fn an_open_lead_waits_while_its_default_offer_is_missing_and_comes_back_with_it() {
    let faults = [(Fault::status(429), "response"), (Fault::close_after_reading(), "lookup")];
    for (fault, proof) in faults {
        let bundle = Bundle::new(1).await;
        let settings = json!({ "user": 1001, "key": "fake0key0fake0key0" });
        let with_offer = with(settings.clone(), "/default_offer", json!(217)).to_string();
        let endpoint = bundle.bed.sandbox.endpoint(Network::CpaMoe);
        let function = bundle.bed.function_at::<CpaMoe>(&endpoint, &with_offer).await;
        script(&bundle, Network::CpaMoe, fault);
        function.post(&with(minimal("A-1"), "/clicks", json!({}))).await;

        function.services.rotate(&settings.to_string());
        bundle.bed.advance(Duration::from_mins(10));
        let is_empty = bundle.bed.work_off(&function, Duration::from_hours(12)).await;
        let waiting = delivery(&bundle, "A-1", "cpa_moe").await;
        function.services.rotate(&with_offer);
        bundle.bed.advance(Duration::from_mins(10));
        let is_done = bundle.bed.work_off(&function, DAY).await;

        assert!(!is_empty, "its message waits");
        assert_eq!(
            (&waiting["state"], &waiting["reason"]),
            (&json!("parked"), &json!("not_plannable"))
        );
        let after = delivery(&bundle, "A-1", "cpa_moe").await;
        assert_eq!((&after["state"], &after["proof"]), (&json!("delivered"), &json!(proof)));
        assert!(is_done);
        assert_eq!(bundle.bed.sandbox.leads("A-1").len(), 1);
    }
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
