//! The nature of each network: the members it needs and receives, and the resolution of a lost
//! answer.

use std::{collections::BTreeSet, time::Duration};

use postback_harness::{INVISIBLE, Strike};
use postback_integration::{
    Bundle, bare, minimal,
    outputs::{canary_order, received},
    with,
};
use postback_sandbox::{Answer, Fault, Network, Rule, ShopBackDuplicates};
use serde_json::{Value, json};

const NETWORKS: [Network; 4] =
    [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack];

const DAY: Duration = Duration::from_hours(24);

async fn post(bundle: &Bundle, network: Network, order: &Value) -> Value {
    bundle.post(&format!("/orders/{network}"), order).await.body()
}

#[tokio::test]
async fn each_gets_an_order_when_its_member_is_there_and_only_then() {
    let needs = [
        (Network::CartStack, "/customer", json!({ "email": "a@example.com" }), "no_email"),
        (Network::CashMyCell, "/clicks", json!({ "cashmycell": { "cmc_id": "abc" } }), "no_click"),
        (Network::CpaMoe, "/clicks", json!({ "cpa_moe": { "offer": 217 } }), "no_click"),
        (
            Network::ShopBack,
            "/clicks",
            json!({ "shopback": { "transaction_id": "a".repeat(30) } }),
            "no_click",
        ),
    ];
    for (network, pointer, member, reason) in needs {
        let bundle = Bundle::new(1).await;
        let contact = json!({ "phone": "+91 98765 43210", "ip": "203.0.113.9" });
        let without = with(bare("A-1"), "/customer", contact);

        let skipped = post(&bundle, network, &without).await;
        let sent = post(&bundle, network, &with(without, pointer, member)).await;

        assert_eq!((&skipped["state"], &skipped["reason"]), (&json!("skipped"), &json!(reason)));
        assert_eq!(sent["attempt"], 1, "{network}");
        assert_eq!(bundle.bed.sandbox.received(network).len(), 1, "{network}");
    }
}

#[tokio::test]
async fn a_default_offer_makes_a_lead_of_every_order() {
    let bundle = Bundle::new(1).await;
    let secret = json!({ "user": 1001, "key": "fake0key0fake0key0", "default_offer": 217 });
    let endpoint = bundle.bed.sandbox.endpoint(Network::CpaMoe);
    let function = bundle.bed.function_at::<cpa_moe::CpaMoe>(&endpoint, &secret.to_string()).await;
    let order = with(minimal("A-1"), "/clicks", json!({}));

    let answer = function.post(&order).await;

    assert_eq!(answer.body["state"], "delivered");
}

#[tokio::test]
async fn each_gets_its_secret_and_no_personal_data_but_what_it_needs() {
    let bundle = Bundle::new(1).await;

    for network in NETWORKS {
        post(&bundle, network, &canary_order("A-1")).await;
    }

    let canaries =
        |network| received(&bundle.bed.sandbox, network).into_iter().collect::<BTreeSet<_>>();
    let expected = |canaries: &[&'static str]| canaries.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(canaries(Network::CashMyCell), expected(&["canarycmc"]));
    let email = ["canary.mail", "canary-mail.example"];
    let cartstack = [&email[..], &["Fake0ApiKey0CaseSensitive", "FakeSite01"]].concat();
    assert_eq!(canaries(Network::CartStack), expected(&cartstack));
    let shopback = ["canaryclick", "fake0token0fake0token0fake0token"];
    assert_eq!(canaries(Network::ShopBack), expected(&shopback));
    let contact = ["7351940261", "canaryname", "203.0.113.73", "canaryagent"];
    let address = ["canarypostal", "canaryline", "canaryregion", "canarycity", "canarystreet"];
    let more = ["canarywm", "canaryutm", "canarycomment", "canarycustom", "fake0key0fake0key0"];
    let cpa_moe = [&email[..], &contact, &address, &more].concat();
    assert_eq!(canaries(Network::CpaMoe), expected(&cpa_moe));
}

#[tokio::test]
async fn a_lead_whose_answer_was_lost_and_that_shows_up_late_is_one_lead_found_by_lookup() {
    let bundle = Bundle::new(1).await;
    bundle.bed.sandbox.change_settings(|settings| settings.cpa_moe.list_lag_ms = 100_000);
    let rule = Rule::on(Network::CpaMoe, Fault::close_after_reading());
    bundle.bed.sandbox.script(rule).expect("a rule");

    let lost = post(&bundle, Network::CpaMoe, &minimal("A-1")).await;
    bundle.bed.work_off(&bundle.cpa_moe, DAY).await;

    let delivery = bundle.get("A-1").await.body()["deliveries"][0].clone();
    assert_eq!(
        (&lost["state"], &lost["reason"]),
        (&json!("unconfirmed"), &json!("connection_lost"))
    );
    assert_eq!((&delivery["state"], &delivery["proof"]), (&json!("delivered"), &json!("lookup")));
    assert_eq!(delivery["references"], json!({ "lead_id": "500001", "our_id": "A-1" }));
    assert_eq!(bundle.bed.sandbox.leads("A-1").len(), 1);
}

#[tokio::test]
async fn a_duplicate_at_cpa_moe_is_ours_only_if_its_list_has_it() {
    let bundle = Bundle::new(1).await;
    bundle.bed.sandbox.change_settings(|settings| settings.cpa_moe.refuse_duplicates = true);
    let state = async |order_id: &str| {
        let delivery = bundle.get(order_id).await.body()["deliveries"][0].clone();
        (delivery["state"].clone(), delivery["reason"].clone(), delivery["proof"].clone())
    };

    // The platform's filter compares offer and phone, not our ids.
    post(&bundle, Network::CpaMoe, &minimal("A-1")).await;
    let refused = post(&bundle, Network::CpaMoe, &minimal("A-2")).await;
    bundle.bed.work_off(&bundle.cpa_moe, DAY).await;
    assert_eq!(refused["reason"], "duplicate");
    let elsewhere = (json!("rejected"), json!("duplicate_elsewhere"), Value::Null);
    assert_eq!(state("A-2").await, elsewhere);

    let other = with(minimal("A-3"), "/customer/phone", json!("+91 98765 43211"));
    let other = with(other, "/customer/email", json!("ravi@example.com"));
    let answer = Answer::of("application/json", r#"{"status":"error","error":"duplicate"}"#);
    let rule = Rule::on(Network::CpaMoe, Fault::answer(answer).processed());
    bundle.bed.sandbox.script(rule).expect("a rule");
    post(&bundle, Network::CpaMoe, &other).await;
    bundle.bed.work_off(&bundle.cpa_moe, DAY).await;
    assert_eq!(state("A-3").await, (json!("delivered"), Value::Null, json!("lookup")));
}

#[tokio::test]
async fn three_of_five_lines_are_confirmed_and_after_a_crash_only_the_rest_is_sent() {
    let bundle = Bundle::new(1).await;
    bundle.bed.sandbox.change_settings(|settings| {
        settings.shopback.duplicates = ShopBackDuplicates::Never;
    });
    let token = "fake0token0fake0token0fake0token";
    let secret = json!({ "offer_id": 1234, "security_token": token, "mode": "line_items" });
    let endpoint = bundle.bed.sandbox.endpoint(Network::ShopBack);
    let function =
        bundle.bed.function_at::<shopback::ShopBack>(&endpoint, &secret.to_string()).await;
    let prices = ["10.00", "20.00", "30.00", "40.00", "50.00"];
    let items = prices.map(|price| json!({ "unit_price": price }));
    function.enqueue(&with(minimal("A-1"), "/items", json!(items)));
    // The order's item, then for each line its claim, a look at the order's item and its settlement:
    // the next call is the claim of the fourth line.
    let strikes = std::iter::repeat_n(Strike::Pass, 1 + 3 * 3).chain([Strike::Hang]);
    bundle.bed.table.script(strikes);
    let amounts = || {
        let received = bundle.bed.sandbox.received(Network::ShopBack);
        let amount = |params: &[(String, String)]| {
            params.iter().find(|(name, _)| name == "amount").map(|(_, value)| value.clone())
        };
        received.iter().filter_map(|request| amount(&request.params)).collect::<Vec<_>>()
    };

    let batch = function.services.receive(10, INVISIBLE);
    tokio::select! {
        _ = function.take(&batch) => panic!("the ledger never answers"),
        () = bundle.bed.table.wait_for_strikes(1) => {}
    }
    assert_eq!(amounts(), ["10", "20", "30"]);
    bundle.bed.work_off(&function, DAY).await;

    assert_eq!(amounts(), ["10", "20", "30", "40", "50"]);
    let deliveries = bundle.get("A-1").await.body()["deliveries"].clone();
    let states: Vec<_> = deliveries.as_array().expect("a list").iter().collect();
    assert_eq!(states.len(), 5);
    assert!(states.iter().all(|line| line["state"] == "delivered"), "{deliveries}");
}
