//! Two orders of one click at a network that de-duplicates by click.

use std::time::Duration;

use postback_integration::{Bundle, with};
use postback_sandbox::{Answer, Fault, Network, Rule, ShopBackDuplicates};
use serde_json::json;

use super::{DAY, at_shopback, changed_at, delivery, order, published, script, state};

fn click_used() -> (String, Option<String>) {
    ("rejected".to_owned(), Some("click_used".to_owned()))
}

fn held(bundle: &Bundle, order_id: &str) -> usize {
    bundle.bed.sandbox.held(Network::ShopBack, order_id).len()
}

#[tokio::test]
async fn an_order_whose_click_another_used_meanwhile_is_rejected_and_names_it() {
    for fault in [Fault::status(429), Fault::redirect("https://elsewhere.example/")] {
        let bundle = Bundle::new(1).await;
        let rule = Rule::on(Network::ShopBack, fault).order("A-1");
        bundle.bed.sandbox.script(rule).expect("a rule");
        bundle.post("/orders/shopback", &order("A-1", "a")).await;
        bundle.post("/orders/shopback", &order("A-2", "a")).await;

        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

        assert_eq!(at_shopback(&bundle, "A-1").await, click_used());
        assert_eq!(at_shopback(&bundle, "A-2").await, state("delivered"));
        let attempts = delivery(&bundle, "A-1", "shopback").await["attempts"].clone();
        let last = attempts.as_array().and_then(|attempts| attempts.last()).cloned();
        assert_eq!(last.expect("an attempt")["details"]["click_used_by"], "A-2");
        assert_eq!((held(&bundle, "A-1"), held(&bundle, "A-2")), (0, 1));
    }
}

#[tokio::test]
async fn a_duplicate_in_doubt_is_no_proof_once_another_order_has_the_click() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::close_after_reading().not_processed());
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    bundle.post("/orders/shopback", &order("A-2", "a")).await;

    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(at_shopback(&bundle, "A-1").await, click_used());
    assert_eq!((held(&bundle, "A-1"), held(&bundle, "A-2")), (0, 1));
}

#[tokio::test]
async fn the_click_of_a_later_version_is_kept_too() {
    let bundle = Bundle::new(1).await;
    let invalid = Answer::of("text/html", "success=false; err_msg=Invalid Trans. ID #1;");
    let refused = Rule::on(Network::ShopBack, Fault::answer(invalid));
    bundle.bed.sandbox.script(refused.order("A-1")).expect("a rule");
    bundle.post("/orders/shopback", &changed_at(order("A-1", "a"), 10)).await;
    bundle.post("/orders/shopback", &changed_at(order("A-1", "b"), 20)).await;
    let lost = Fault::close_after_reading();
    bundle.bed.sandbox.script(Rule::on(Network::ShopBack, lost).order("A-2")).expect("a rule");
    bundle.post("/orders/shopback", &order("A-2", "b")).await;

    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(at_shopback(&bundle, "A-2").await, click_used());
}

#[tokio::test]
async fn the_click_that_follows_a_version_without_one_is_kept_too() {
    let bundle = Bundle::new(1).await;
    let refused = Rule::on(Network::ShopBack, Fault::status(429)).order("A-1");
    bundle.bed.sandbox.script(refused).expect("a rule");
    bundle.post("/orders/shopback", &changed_at(order("A-1", "a"), 10)).await;
    let without = with(changed_at(order("A-1", "a"), 20), "/clicks", json!({}));
    bundle.post("/orders/shopback", &without).await;
    bundle.bed.advance(Duration::from_hours(1));
    bundle.shopback.work().await;
    let parked = at_shopback(&bundle, "A-1").await;
    bundle.post("/orders/shopback", &changed_at(order("A-1", "b"), 30)).await;
    let lost = Fault::close_after_reading().not_processed();
    bundle.bed.sandbox.script(Rule::on(Network::ShopBack, lost).order("A-2")).expect("a rule");
    bundle.post("/orders/shopback", &order("A-2", "b")).await;

    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(parked, ("parked".to_owned(), Some("not_plannable".to_owned())));
    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(at_shopback(&bundle, "A-2").await, click_used());
    assert_eq!((held(&bundle, "A-1"), held(&bundle, "A-2")), (1, 0));
}

#[tokio::test]
async fn a_duplicate_of_our_own_doubt_is_a_proof_although_another_order_asked_in_vain() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::close_after_reading());
    bundle.post("/orders/shopback", &order("A-1", "a")).await;

    let second = bundle.post("/orders/shopback", &order("A-2", "a")).await;
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(second.body()["reason"], "click_used");
    let first = delivery(&bundle, "A-1", "shopback").await;
    assert_eq!((&first["state"], &first["proof"]), (&json!("delivered"), &json!("duplicate")));
}

#[tokio::test]
async fn two_doubts_of_one_click_are_a_persons_matter() {
    let bundle = Bundle::new(1).await;
    let lost = Rule::on(Network::ShopBack, Fault::close_after_reading()).times(2);
    bundle.bed.sandbox.script(lost).expect("a rule");
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    bundle.post("/orders/shopback", &order("A-2", "a")).await;

    bundle.bed.work_off(&bundle.shopback, DAY).await;

    let held_for_a_person = ("unconfirmed".to_owned(), Some("click_used".to_owned()));
    assert_eq!(at_shopback(&bundle, "A-1").await, held_for_a_person);
    assert_eq!(at_shopback(&bundle, "A-2").await, held_for_a_person);
}

#[tokio::test]
async fn an_order_that_only_came_with_a_click_in_a_conflict_does_not_hold_it() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    let conflict = bundle.post("/orders/shopback", &order("A-1", "b")).await;

    script(&bundle, Network::ShopBack, Fault::close_after_reading());
    bundle.post("/orders/shopback", &order("A-2", "b")).await;
    bundle.bed.advance(Duration::from_secs(1));
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(conflict.status, 409);
    let second = delivery(&bundle, "A-2", "shopback").await;
    assert_eq!((&second["state"], &second["proof"]), (&json!("delivered"), &json!("duplicate")));
}

#[tokio::test]
async fn a_claim_whose_click_could_not_be_noted_ends_unsent_and_the_order_is_reported_later() {
    for by_queue in [false, true] {
        let bundle = Bundle::new(1).await;
        bundle.bed.table.fail_all(Some("UpdateItem"));

        if by_queue {
            bundle.shopback.enqueue(&order("A-1", "a"));
            bundle.shopback.work().await;
        } else {
            let reply = bundle.post("/orders/shopback", &order("A-1", "a")).await;
            assert_eq!((reply.status, &reply.body()["state"]), (202, &json!("retrying")));
        }
        let waiting = at_shopback(&bundle, "A-1").await;
        let requests = bundle.bed.sandbox.received(Network::ShopBack).len();
        bundle.bed.table.fail_all(None);
        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

        assert_eq!(waiting, ("retrying".to_owned(), Some("ledger_unavailable".to_owned())));
        assert_eq!((requests, held(&bundle, "A-1")), (0, 1));
        assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
        assert_eq!(published(&bundle, "shopback").await, ["delivered"], "nothing was in doubt");
    }
}

/// A bundle whose ShopBack de-duplicates in this way, under these settings of ours.
async fn bundle_where(duplicates: ShopBackDuplicates, name: &str, value: &str) -> Box<Bundle> {
    let bundle = Bundle::new(1).await;
    bundle.bed.sandbox.change_settings(|settings| settings.shopback.duplicates = duplicates);
    let token = "fake0token0fake0token0fake0token";
    let secret = json!({ "offer_id": 1234, "security_token": token });
    bundle.shopback.services.rotate(&with(secret, &format!("/{name}"), json!(value)).to_string());
    bundle.bed.advance(Duration::from_mins(10));
    bundle
}

#[tokio::test]
async fn a_lost_answer_is_held_where_the_offer_takes_a_click_more_than_once() {
    let bundle = bundle_where(ShopBackDuplicates::Never, "on_unconfirmed", "hold").await;
    script(&bundle, Network::ShopBack, Fault::close_after_reading());

    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    bundle.bed.work_off(&bundle.shopback, DAY).await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    bundle.bed.work_off(&bundle.shopback, DAY).await;

    assert_eq!(at_shopback(&bundle, "A-1").await.0, "unconfirmed");
    assert_eq!(held(&bundle, "A-1"), 1, "one conversion");
}

#[tokio::test]
async fn a_lost_answer_is_sent_again_where_the_offer_takes_an_id_of_ours_once() {
    let duplicates = ShopBackDuplicates::ConversionUniqueId;
    let bundle = bundle_where(duplicates, "conversion_unique_id", "{order_id}").await;
    script(&bundle, Network::ShopBack, Fault::close_after_reading());

    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    let first = delivery(&bundle, "A-1", "shopback").await;
    assert_eq!((&first["state"], &first["proof"]), (&json!("delivered"), &json!("duplicate")));
    assert_eq!(held(&bundle, "A-1"), 1, "one conversion");
}
