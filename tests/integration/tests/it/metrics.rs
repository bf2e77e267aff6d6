//! The metrics, as `CloudWatch` gets them.

use std::time::Duration;

use postback_harness::{FakeServices, Strike, order_event, sqs_event};
use postback_integration::{Bundle, minimal, with};
use postback_runtime::metrics::Metric;
use postback_sandbox::{Answer, Fault, Network, Rule, cpa_moe::LeadUpdate};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);

fn script(bundle: &Bundle, rule: Rule) {
    bundle.bed.sandbox.script(rule).expect("a rule");
}

/// All values of one metric, in the order in which they were written.
fn values(services: &FakeServices, metric: Metric) -> Vec<Value> {
    let documents = services.metrics();
    let values = documents.iter().filter_map(|document| document.get(metric.name()));
    let each = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    values.flat_map(each).collect()
}

/// The states that were counted, with their counts.
fn outcomes(services: &FakeServices) -> Vec<(String, u64)> {
    let counted = |document: &Value| {
        Some((document["Outcome"].as_str()?.to_owned(), document["Outcomes"].as_u64()?))
    };
    services.metrics().iter().filter_map(counted).collect()
}

fn outcome(state: &str, count: u64) -> (String, u64) {
    (state.to_owned(), count)
}

fn order(id: &str) -> Value {
    with(minimal(id), "/clicks/shopback/transaction_id", json!(format!("{:0>30}", &id[2..])))
}

#[tokio::test]
async fn a_batch_is_measured_in_one_document() {
    let bundle = Bundle::new(1).await;
    for number in 1..=10 {
        bundle.shopback.enqueue(&order(&format!("A-{number}")));
    }

    bundle.shopback.work().await;

    let services = &bundle.shopback.services;
    assert_eq!(services.metrics().len(), 1);
    assert_eq!(outcomes(services), [outcome("delivered", 10)]);
    assert_eq!(values(services, Metric::AttemptLatency).len(), 10);
    assert_eq!(values(services, Metric::AttemptFailed), vec![json!(0); 10]);
    assert_eq!(values(services, Metric::Paused), [json!(0)]);
    assert_eq!(services.metrics()[0]["Network"], "shopback");
}

#[tokio::test]
async fn a_duplicate_is_not_counted_again() {
    let bundle = Bundle::new(1).await;

    for _ in 0..3 {
        bundle.post("/orders/shopback", &order("A-1")).await;
    }

    assert_eq!(outcomes(&bundle.shopback.services), [outcome("delivered", 1)]);
}

#[tokio::test]
async fn an_order_of_a_direct_call_came_or_was_refused() {
    let bundle = Bundle::new(1).await;

    bundle.post("/orders/shopback", &order("A-1")).await;
    bundle.post("/orders/shopback", &with(order("A-1"), "/total", json!("1.00"))).await;
    bundle.post("/orders/shopback", &with(order("A-2"), "/total", json!("a lot"))).await;
    bundle.bed.table.script([Strike::Fail; 20]);
    bundle.post("/orders/shopback", &order("A-3")).await;

    let documents = bundle.shopback.services.metrics();
    let of = |name: &str, dimension: &str| -> Vec<_> {
        let written = documents.iter().filter(|document| document.get(name).is_some());
        written.map(|document| (document[dimension].clone(), document[name].clone())).collect()
    };
    // A conflict came, too; an outage is no matter of the order's.
    assert_eq!(of("OrdersTaken", "Source"), vec![(json!("direct"), json!(1)); 2]);
    assert_eq!(of("OrdersRefused", "Reason"), [(json!("not_a_decimal"), json!(1))]);
}

#[tokio::test]
async fn an_order_that_is_rejected_here_is_counted_by_its_reason() {
    let bundle = Bundle::new(1).await;

    bundle.post("/orders/cpa_moe", &with(order("A-1"), "/customer/phone", json!("1"))).await;

    let documents = bundle.cpa_moe.services.metrics();
    let rejected: Vec<_> =
        documents.iter().filter(|it| it.get("RejectedUnsent").is_some()).collect();
    let [document] = rejected[..] else { panic!("{documents:?}") };
    assert_eq!(
        (&document["RejectedUnsent"], &document["Reason"]),
        (&json!([1]), &json!("bad_phone"))
    );
}

#[tokio::test]
async fn a_delivery_that_waits_reports_its_age_at_least_every_quarter_of_an_hour() {
    let bundle = Bundle::new(1).await;
    let services = &bundle.shopback.services;
    script(&bundle, Rule::on(Network::ShopBack, Fault::status(429)).forever());
    bundle.shopback.enqueue(&order("A-1"));
    let start = bundle.bed.now();

    bundle.bed.work_off(&bundle.shopback, DAY).await;

    let ages = services.metrics().into_iter().filter_map(|document| {
        let at = document["_aws"]["Timestamp"].as_i64()?;
        Some((at, document["UnresolvedAge"].as_i64()?))
    });
    let ages: Vec<_> = ages.collect();
    assert!(ages.last().is_some_and(|(_, age)| *age > 23 * 60 * 60), "{ages:?}");
    for (at, age) in &ages {
        assert_eq!(*age, (at - start.as_millis()) / 1000, "the age of the delivery");
    }
    for pair in ages.windows(2) {
        assert!(pair[1].0 - pair[0].0 <= 15 * 60 * 1000, "{pair:?}");
    }
}

#[tokio::test]
async fn nothing_that_is_final_has_an_age() {
    let bundle = Bundle::new(1).await;

    bundle.post("/orders/shopback", &order("A-1")).await;
    bundle.bed.advance(DAY);
    bundle.post("/orders/shopback", &order("A-1")).await;

    assert_eq!(values(&bundle.shopback.services, Metric::UnresolvedAge), Vec::<Value>::new());
}

#[tokio::test]
async fn a_lost_answer_puts_the_order_at_risk_once_and_calls_a_person_where_one_is_needed() {
    let bundle = Bundle::new(1).await;
    for network in [Network::ShopBack, Network::CartStack] {
        let lost = Fault::close_after_reading().not_processed();
        script(&bundle, Rule::on(network, lost).times(2));
    }

    bundle.post("/orders", &order("A-1")).await;
    bundle.work().await;
    bundle.bed.work_off(&bundle.shopback, DAY).await;

    let (shopback, cartstack) = (&bundle.shopback.services, &bundle.cartstack.services);
    assert_eq!(outcomes(shopback).last(), Some(&outcome("delivered", 1)));
    assert_eq!(values(shopback, Metric::AttemptFailed), [json!(1), json!(1), json!(0)]);
    for services in [shopback, cartstack] {
        let at_risk = services.metrics().into_iter().filter(|it| it.get("AmountAtRisk").is_some());
        let at_risk: Vec<_> =
            at_risk.map(|it| (it["Currency"].clone(), it["AmountAtRisk"].clone())).collect();
        assert_eq!(at_risk, [(json!("INR"), json!(1499))]);
    }
    assert_eq!(values(shopback, Metric::UnconfirmedHeld), Vec::<Value>::new());
    assert_eq!(values(cartstack, Metric::UnconfirmedHeld), [json!(1)]);
}

#[tokio::test]
async fn a_wrong_key_is_a_silent_refusal_and_a_pause_until_an_order_has_passed() {
    let bundle = Bundle::new(1).await;
    let services = &bundle.shopback.services;
    let token = bundle.bed.sandbox.accounts().shopback.security_token;
    bundle.bed.sandbox.change_accounts(|accounts| accounts.shopback.security_token = "x".into());

    bundle.post("/orders/shopback", &order("A-1")).await;
    bundle.post("/orders/shopback", &order("A-2")).await;
    bundle.post("/orders/cartstack", &order("A-1")).await;

    bundle.post("/orders/shopback", &order("A-3")).await;
    assert_eq!(values(services, Metric::Paused), [json!(1), json!(1)]);
    assert_eq!(values(services, Metric::SilentRefusals), [json!(1), json!(1)], "two were sent");
    assert_eq!(outcomes(services), vec![outcome("parked", 1); 3]);
    assert_eq!(values(&bundle.cartstack.services, Metric::Paused), [json!(0)]);

    bundle.bed.sandbox.change_accounts(|accounts| accounts.shopback.security_token = token);
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(values(services, Metric::Paused).last(), Some(&json!(0)));
    let delivered: u64 =
        outcomes(services).iter().filter(|(state, _)| state == "delivered").map(|(_, n)| n).sum();
    assert_eq!(delivered, 3);
}

#[tokio::test]
async fn a_pause_that_the_network_asks_for_is_counted_and_no_pause_of_the_function() {
    let bundle = Bundle::new(1).await;
    let services = &bundle.shopback.services;
    let asked = Answer::status(429).with_header("retry-after", "600");
    script(&bundle, Rule::on(Network::ShopBack, Fault::answer(asked)));

    bundle.post("/orders/shopback", &order("A-1")).await;
    bundle.post("/orders/shopback", &order("A-2")).await;

    assert_eq!(values(services, Metric::Throttled), [json!(1)], "A-2 waits unsent");
    assert_eq!(values(services, Metric::Paused), Vec::<Value>::new());
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);
    assert_eq!(values(services, Metric::Paused).last(), Some(&json!(0)));
    assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 2);
}

#[tokio::test]
async fn a_lead_that_the_network_drops_later_is_a_silent_refusal() {
    let bundle = Bundle::new(1).await;
    let function = &bundle.cpa_moe;
    for id in ["A-1", "A-2"] {
        function.post(&order(id)).await;
    }
    bundle.bed.track(function).await;
    for (id, stage) in [("A-1", "trash"), ("A-2", "approve")] {
        let (id, stage) = (Some(id.to_owned()), Some(stage.to_owned()));
        let update = LeadUpdate { id, stage, ..LeadUpdate::default() };
        assert_eq!(bundle.bed.sandbox.update_leads(&update), 1);
    }

    let event = json!({ "detail-type": postback_runtime::lambda::POLL_STATUS }).to_string();
    let payload = serde_json::from_str(&event).expect("JSON");
    let deadline = bundle.bed.now() + Duration::from_mins(1);
    let polled: Result<Box<serde_json::value::RawValue>, _> =
        postback_runtime::lambda::handle_and_poll_status(&function.dispatcher, payload, deadline)
            .await;

    polled.expect("a round");
    assert_eq!(values(&function.services, Metric::SilentRefusals), [json!(1)]);
}

#[tokio::test]
async fn a_refusal_that_a_person_should_see_is_counted_apart() {
    let bundle = Bundle::new(1).await;
    let refusals = [
        "success=false; err_msg=Duplicate recorded with Trans. ID #1;",
        "success=false; err_msg=Something new;",
        "success=false; err_msg=Invalid Trans. ID #1;",
    ];
    for (number, text) in (1..).zip(refusals) {
        let answer = Answer::of("text/html", text);
        script(&bundle, Rule::on(Network::ShopBack, Fault::answer(answer)));
        let reply = bundle.post("/orders/shopback", &order(&format!("A-{number}"))).await;
        assert_eq!(reply.body()["state"], "rejected", "{text}");
    }

    let services = &bundle.shopback.services;
    assert_eq!(values(services, Metric::UnclearRefusals), [json!(1), json!(1)]);
    assert_eq!(values(services, Metric::SilentRefusals).len(), 3);
}

#[tokio::test]
async fn a_conflict_is_counted_whichever_way_it_comes() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &order("A-1")).await;
    let other = with(order("A-1"), "/total", json!("1.00"));

    bundle.post("/orders/shopback", &other).await;
    bundle.shopback.enqueue(&other);
    bundle.shopback.work().await;

    assert_eq!(values(&bundle.shopback.services, Metric::Conflicts), [json!(1), json!(1)]);
}

#[tokio::test]
async fn what_could_not_be_taken_counts_as_failed() {
    let bundle = Bundle::new(1).await;
    bundle.bed.table.always(Strike::Fail);

    bundle.post("/orders/shopback", &order("A-1")).await;
    bundle.shopback.services.enqueue("not json");
    bundle.shopback.services.enqueue(order_event(&order("A-2")).to_string());
    let messages = bundle.shopback.services.receive(10, Duration::from_mins(3));
    let deadline = bundle.bed.now() + postback_harness::TIMEOUT;
    bundle.shopback.call(&sqs_event(&messages), deadline).await.expect("an answer");

    assert_eq!(values(&bundle.shopback.services, Metric::AttemptFailed), vec![json!(1); 3]);
    assert_eq!(outcomes(&bundle.shopback.services), []);
}

#[tokio::test]
async fn every_metric_is_explained_in_the_runbook() {
    let runbook = include_str!("../../../../docs/runbook.md");

    for metric in Metric::ALL {
        assert!(runbook.contains(&format!("| `{}` |", metric.name())), "{metric:?}");
    }
}
