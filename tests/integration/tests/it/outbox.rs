//! The ledger as the outbox: each event arrives at least once, under the same id and in order,
//! whatever the bus does.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use postback_harness::{RecordingBus, publish_to};
use postback_integration::{
    Bundle, minimal,
    sign::{KEY, message},
    with,
};
use postback_runtime::{
    lambda::stream::replay,
    ledger::{Filter, RECEIPT_PREFIX},
};
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);

type Published = (String, Value);

/// Two orders at ShopBack, each with a lost answer, its resolution and two conflicts.
async fn busy() -> Box<Bundle> {
    let bundle = Bundle::new(1).await;
    let order = |id: &str, click: &str| {
        with(minimal(id), "/clicks/shopback/transaction_id", json!(click.repeat(30)))
    };
    let lost = Rule::on(Network::ShopBack, Fault::close_after_reading()).times(2);
    bundle.bed.sandbox.script(lost).expect("a rule");
    for (id, click) in [("A-1", "a"), ("A-2", "b")] {
        bundle.shopback.enqueue(&order(id, click));
    }
    bundle.bed.work_off(&bundle.shopback, DAY).await;
    for total in [1, 2] {
        for (id, click) in [("A-1", "a"), ("A-2", "b")] {
            bundle.shopback.enqueue(&with(order(id, click), "/total", json!(total)));
        }
        bundle.bed.advance(Duration::from_mins(1));
        bundle.shopback.work().await;
    }
    bundle
}

/// Publishes the stream as Lambda does: batch after batch, each until it succeeds. Returns the
/// number of failed invocations.
async fn publish_all(bus: &RecordingBus, stream: &[Value], batch: usize) -> usize {
    let mut failed = 0;
    for writes in stream.chunks(batch) {
        while publish_to(bus, writes).await.is_err() {
            failed += 1;
        }
    }
    failed
}

fn ids(events: &[Published]) -> BTreeSet<String> {
    events.iter().map(|(_, detail)| detail["id"].to_string()).collect()
}

/// Asserts that `arrived` holds the events of `expected` and that the first arrivals of one
/// delivery's events are in the order of their versions.
fn assert_complete_and_in_order(arrived: &[Published], expected: &[Published], when: &str) {
    assert_eq!(ids(arrived), ids(expected), "{when}");
    let mut seen = BTreeSet::new();
    let mut versions: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (_, detail) in arrived {
        if seen.insert(detail["id"].to_string()) {
            let delivery = format!("{} {}", detail["order_id"], detail["network"]);
            versions.entry(delivery).or_default().extend(detail["version"].as_u64());
        }
    }
    for (delivery, versions) in versions {
        assert!(versions.is_sorted(), "{when}: {delivery}: {versions:?}");
    }
}

#[tokio::test]
async fn a_batch_that_is_delivered_twice_gives_the_same_events() {
    let stream = busy().await.bed.table.stream();
    let bus = RecordingBus::default();

    for _ in 0..2 {
        publish_to(&bus, &stream).await.expect("published");
    }

    let arrived = bus.events();
    let (first, second) = arrived.split_at(arrived.len() / 2);
    assert_eq!(first.len(), 8, "{first:?}");
    assert_eq!(first, second);
}

#[tokio::test]
async fn the_size_of_the_batches_makes_no_difference() {
    let bundle = busy().await;
    let (stream, whole) = (bundle.bed.table.stream(), bundle.bed.published().await);

    for batch in 1..stream.len() {
        let bus = RecordingBus::default();
        publish_all(&bus, &stream, batch).await;
        assert_eq!(bus.events(), whole, "in batches of {batch}");
    }
}

/// Lambda repeats a failed batch about once a minute.
#[tokio::test]
async fn a_bus_that_refuses_for_an_hour_loses_nothing_and_reorders_nothing() {
    let bundle = busy().await;
    let (stream, expected) = (bundle.bed.table.stream(), bundle.bed.published().await);
    let bus = RecordingBus::default();
    // Of the first batch two events are put at once, three times within an invocation.
    bus.refuse([true; 60 * 2 * 3]);

    let failed = publish_all(&bus, &stream, 4).await;

    assert!(failed >= 60, "{failed}");
    assert_complete_and_in_order(&bus.events(), &expected, "after an hour");
}

#[tokio::test]
async fn a_bus_that_takes_some_and_refuses_others_reorders_nothing() {
    let bundle = busy().await;
    let (stream, expected) = (bundle.bed.table.stream(), bundle.bed.published().await);

    for pattern in 0_u32..1 << 7 {
        for batch in [4, stream.len()] {
            let bus = RecordingBus::default();
            // Each answer three times: otherwise an invocation's own repetitions hide a refusal.
            let answers = (0..21).map(|place| pattern >> (place / 3) & 1 == 1);
            bus.refuse(answers);

            publish_all(&bus, &stream, batch).await;

            let when = format!("{pattern:b} in batches of {batch}");
            assert_complete_and_in_order(&bus.events(), &expected, &when);
        }
    }
}

#[tokio::test]
async fn refused_events_are_put_again_within_the_invocation() {
    let stream = busy().await.bed.table.stream();
    let bus = RecordingBus::default();
    bus.refuse([true, true]);

    let published = publish_to(&bus, &stream).await;

    assert_eq!(published, Ok(()));
    assert_eq!(bus.events().len(), ids(&bus.events()).len(), "nothing is put twice");
}

#[tokio::test]
async fn an_unreadable_record_is_one_event_and_stops_nothing() {
    let bundle = busy().await;
    let expected = bundle.bed.published().await;
    let mut stream = bundle.bed.table.stream();
    // The settlement of the first order.
    let is_settlement = |write: &&mut Value| {
        let image = &write["dynamodb"]["NewImage"];
        image["order_id"]["S"] == "A-1" && image["state"]["S"] == "delivered"
    };
    let settlement = stream.iter_mut().find(is_settlement).expect("a settlement");
    let version = settlement["dynamodb"]["NewImage"]["version"]["N"].to_string();
    settlement["dynamodb"]["NewImage"]["state"] = json!({ "S": "levitating" });
    let bus = RecordingBus::default();

    for _ in 0..2 {
        publish_to(&bus, &stream).await.expect("published");
    }

    let arrived = bus.events();
    let is_unreadable = |(kind, _): &&Published| kind == "postback.unreadable";
    let unreadable: Vec<_> = arrived.iter().filter(is_unreadable).collect();
    let [(_, first), (_, second)] = unreadable[..] else { panic!("{arrived:?}") };
    assert_eq!(*first, json!({ "id": second["id"], "order_id": "A-1", "delivery": "shopback" }));
    let lost = |(_, detail): &&Published| {
        detail["order_id"] == "A-1"
            && detail["version"].as_u64() == version.trim_matches('"').parse().ok()
    };
    let mut rest = ids(&arrived);
    rest.remove(&first["id"].to_string());
    let kept: Vec<_> = expected.iter().filter(|event| !lost(event)).cloned().collect();
    assert_eq!(rest, ids(&kept));
    assert_eq!(kept.len() + 1, expected.len());
}

#[tokio::test]
async fn a_receipt_is_no_event() {
    let bundle = Bundle::new(1).await;
    let body = minimal("A-1").to_string();
    bundle.call(&message(KEY, "msg_1", bundle.bed.now(), &body)).await;

    let stream = bundle.bed.table.stream();

    let [receipt] = &stream[..] else { panic!("not one write: {stream:?}") };
    let key = receipt["dynamodb"]["Keys"]["order_id"]["S"].as_str().expect("a key");
    assert!(key.starts_with(RECEIPT_PREFIX), "{key}");
    assert_eq!(bundle.bed.published().await, []);
}

/// Kind, id, version and time of each event.
fn facts(events: &[Published]) -> BTreeSet<String> {
    let fact =
        |(kind, it): &Published| format!("{kind} {} {} {}", it["id"], it["version"], it["at"]);
    events.iter().map(fact).collect()
}

/// The events that the records still hold: as the tool sends them to `publish` after an outage.
async fn backfill(bundle: &Bundle) -> Vec<Published> {
    let page = bundle.bed.table.ledger().scan(&Filter::default(), None).await.expect("a page");
    assert_eq!(page.next, None);
    let (batch, bus) = (replay(&page.records, None).expect("a batch"), RecordingBus::default());
    let batch: Value = serde_json::from_str(batch.get()).expect("JSON");
    publish_to(&bus, batch["Records"].as_array().expect("records")).await.expect("published");
    bus.events()
}

#[tokio::test]
async fn a_backfill_gives_the_same_events_as_the_stream() {
    let bundle = busy().await;
    for network in ["cartstack", "cashmycell", "cpa_moe"] {
        bundle.post(&format!("/orders/{network}"), &minimal("A-1")).await;
    }

    let live = bundle.bed.published().await;
    let backfilled = backfill(&bundle).await;

    assert_eq!(live.len(), 11, "{live:?}");
    assert_eq!(facts(&backfilled), facts(&live));
}

#[tokio::test]
async fn a_stream_of_new_images_only_gives_the_same_events() {
    let bundle = busy().await;
    let mut latest = BTreeMap::new();
    for write in bundle.bed.table.stream() {
        let (keys, new) = (&write["dynamodb"]["Keys"], &write["dynamodb"]["NewImage"]);
        let write = json!({ "dynamodb": { "Keys": keys, "NewImage": new } });
        latest.insert(keys.to_string(), write);
    }
    let bus = RecordingBus::default();

    let writes: Vec<_> = latest.into_values().collect();
    publish_to(&bus, &writes).await.expect("published");

    assert_eq!(facts(&bus.events()), facts(&bundle.bed.published().await));
}

#[tokio::test]
async fn a_backfill_gives_each_conflict_as_the_stream_gave_it() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &minimal("A-1")).await;
    for total in (1..=13).chain(1..=13) {
        bundle.shopback.enqueue(&with(minimal("A-1"), "/total", json!(total)));
        bundle.shopback.work().await;
        bundle.bed.advance(Duration::from_secs(1));
    }

    let live = bundle.bed.published().await;
    let backfilled = backfill(&bundle).await;

    assert_eq!(live.len(), 1 + 8);
    assert_eq!(facts(&backfilled), facts(&live));
}

#[tokio::test]
async fn a_delivered_lead_reaches_the_status_queue_even_if_the_queue_refuses_at_first() {
    let bundle = Bundle::new(1).await;
    let parked = Rule::on(Network::CpaMoe, Fault::redirect("https://elsewhere.example/"));
    bundle.post("/orders/cpa_moe", &minimal("A-1")).await;
    bundle.bed.sandbox.script(parked).expect("a rule");
    bundle.post("/orders/cpa_moe", &minimal("A-2")).await;
    let (stream, bus) = (bundle.bed.table.stream(), RecordingBus::default());

    bus.refuse_tracking(true);
    let refused = publish_to(&bus, &stream).await;
    bus.refuse_tracking(false);
    publish_to(&bus, &stream).await.expect("published");

    assert!(refused.is_err(), "Lambda repeats the batch");
    let [(network, body)] = &bus.tracked()[..] else { panic!("not one: {:?}", bus.tracked()) };
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!((network.as_str(), &body["order_id"]), ("cpa_moe", &json!("A-1")));
    assert_eq!(body["references"]["lead_id"], "500001");
}
