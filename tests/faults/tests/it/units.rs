//! The cost of a delivery, in the units that `DynamoDB` reports.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use postback_core::network::Network;
use postback_faults::{KillPlan, Lifecycle, NetworkCase, Redelivery, Trigger};
use postback_harness::{FakeSweep, Table};
use postback_sandbox::{Fault, Rule};
use sweep::Sweep;

/// The size of an item as `DynamoDB` counts it: names and values in UTF-8, numbers two digits a byte, three
/// bytes for each list or map and one for each of its members.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn size(item: &HashMap<String, AttributeValue>) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len().div_ceil(2) + 1,
        AttributeValue::M(members) => 3 + members.len() + size(members),
        AttributeValue::L(list) => {
            3 + list.iter().map(|value| 1 + value_size(value)).sum::<usize>()
        }
        _ => 1,
    }
}

/// The largest item in the table, in bytes.
async fn largest(table: &Table) -> usize {
    let scan = table.client().scan().table_name("ledger").send().await.expect("a scan");
    scan.items().iter().map(size).max().expect("an item")
}

async fn costs_what_it_may<N: Network>(case: NetworkCase<N>) {
    let lifecycle = Lifecycle::new(case).await;
    let (table, plan) = (&lifecycle.bed.table, KillPlan::default());
    let units = || {
        let units = table.units();
        table.forget_calls();
        (units.write, units.read)
    };
    let name = N::NAME;

    assert!(lifecycle.run("A1", Trigger::Queue, Redelivery::AfterTimeout, &plan).await);
    let delivered = units();
    let click = f64::from(u8::from(lifecycle.case.keeps_clicks()));
    assert!(delivered <= (2.0 + click, 0.0), "{name}: {delivered:?} for a delivered one");
    let usual = largest(table).await;
    assert!(usual < 1024, "{name}: an item of {usual} bytes");
    table.forget_calls();

    assert!(lifecycle.run("A1", Trigger::Queue, Redelivery::AfterTimeout, &plan).await);
    let by_queue = units();
    assert!(lifecycle.post("A1", &plan).await);
    let by_api = units();
    // The use of the click is added beside the claim that is refused.
    let duplicate = (1.0 + click, 0.0);
    assert!(by_queue <= duplicate, "{name}: {by_queue:?} for a duplicate from the queue");
    assert!(by_api <= duplicate, "{name}: {by_api:?} for a duplicate by the API");

    // The pauses by a person are read with the first order after five seconds.
    let reads_before = table.pauses_read();
    lifecycle.bed.advance(Duration::from_secs(5));
    assert!(lifecycle.run("A3", Trigger::Queue, Redelivery::AfterTimeout, &plan).await);
    assert_eq!(table.pauses_read(), reads_before + 1, "{name}: one read after a while");
    assert!(units().0 <= delivered.0, "{name}: a while later");

    let lost = Rule::on(lifecycle.case.at, Fault::close_after_reading());
    lifecycle.bed.sandbox.script(lost).expect("a rule");
    assert!(lifecycle.run("A2", Trigger::Queue, Redelivery::AfterTimeout, &plan).await);
    let resolved = units();
    // In the index of what waits until it is settled: a write when it comes there, and one when it goes.
    assert!(resolved.0 <= 6.0 + click, "{name}: {resolved:?} for an unconfirmed one");
    let story = largest(table).await;
    println!(
        "{name}: delivered {delivered:?}, duplicate {by_queue:?}, unconfirmed {resolved:?} \
         (write, read); item {usual} bytes, with a lost answer {story}"
    );
}

#[tokio::test]
async fn a_delivery_costs_two_units_a_click_one_more_a_duplicate_one_an_unconfirmed_one_six() {
    costs_what_it_may(NetworkCase::shopback()).await;
    costs_what_it_may(NetworkCase::cpa_moe()).await;
    costs_what_it_may(NetworkCase::cashmycell()).await;
    costs_what_it_may(NetworkCase::cartstack()).await;
    costs_what_it_may(NetworkCase::cartstack_resend()).await;
}

/// The order's own item, and each line as a delivery that asks it once, consistently, before its first byte.
#[tokio::test]
async fn an_order_by_lines_costs_one_unit_more_and_each_line_two_and_a_read() {
    let lifecycle = Lifecycle::new(NetworkCase::shopback_lines()).await;
    let (table, plan) = (&lifecycle.bed.table, KillPlan::default());
    let lines = f64::from(u32::try_from(lifecycle.case.lines().len()).expect("a few"));
    let units = || {
        let units = table.units();
        table.forget_calls();
        (units.write, units.read)
    };

    assert!(lifecycle.run("A1", Trigger::Queue, Redelivery::AfterTimeout, &plan).await);
    let delivered = units();
    assert_eq!(delivered, (1.0 + 2.0 * lines, lines), "(write, read) for {lines} lines");

    assert!(lifecycle.run("A1", Trigger::Queue, Redelivery::AfterTimeout, &plan).await);
    let duplicate = units();
    println!("by lines: delivered {delivered:?}, duplicate {duplicate:?} (write, read)");
    assert!(duplicate.0 <= 1.0 + lines, "{duplicate:?} for a duplicate of {lines} lines");
}

/// The deliveries of which the cost of a sweep over a million is reckoned.
const SWEPT: u32 = 100;
/// The read units of a sweep over a million deliveries, as the page of costs has them.
const MILLION_SWEPT: f64 = 125_000.0;

/// The items beside the deliveries are read, too.
async fn a_sweep_costs_what_it_may<N: Network>(case: NetworkCase<N>) {
    let lifecycle = Lifecycle::new(case).await;
    let (table, plan) = (&lifecycle.bed.table, KillPlan::default());
    for number in 0..SWEPT {
        let id = format!("A{number}");
        assert!(lifecycle.run(&id, Trigger::Queue, Redelivery::AfterTimeout, &plan).await);
    }
    table.forget_calls();

    let deadline = lifecycle.bed.now() + Duration::from_mins(5);
    let sweep = Sweep::new(FakeSweep::new(&lifecycle.bed));
    sweep.sweep(deadline).await.expect("a sweep");

    let units = table.units();
    let million = units.read * 1e6 / f64::from(SWEPT);
    println!("{}: {} read units for {SWEPT}, {million} for a million", N::NAME, units.read);
    assert!(units.read > 0.0 && million <= MILLION_SWEPT, "{}: {million}", N::NAME);
    assert!(units.write < f64::EPSILON, "{}: a sweep writes nothing of what is delivered", N::NAME);
}

#[tokio::test]
async fn a_sweep_over_a_million_deliveries_costs_what_the_page_says() {
    Box::pin(a_sweep_costs_what_it_may(NetworkCase::shopback())).await;
    Box::pin(a_sweep_costs_what_it_may(NetworkCase::cpa_moe())).await;
    Box::pin(a_sweep_costs_what_it_may(NetworkCase::cashmycell())).await;
    Box::pin(a_sweep_costs_what_it_may(NetworkCase::cartstack())).await;
}

#[tokio::test]
async fn the_counting_is_honest() {
    let table = Table::start().await;
    let put = |bytes: usize, condition: Option<&str>| {
        table
            .client()
            .put_item()
            .table_name("ledger")
            .item("order_id", AttributeValue::S("A1".to_owned()))
            .item("delivery", AttributeValue::S("x".to_owned()))
            .item("filler", AttributeValue::S("x".repeat(bytes)))
            .set_condition_expression(condition.map(str::to_owned))
            .send()
    };
    let cost = || {
        let units = table.units().write;
        table.forget_calls();
        units
    };

    put(900, None).await.expect("written");
    assert!((cost() - 1.0).abs() < f64::EPSILON, "below a kilobyte");
    put(1100, None).await.expect("written");
    assert!((cost() - 2.0).abs() < f64::EPSILON, "above a kilobyte");
    put(1, None).await.expect("written");
    assert!((cost() - 2.0).abs() < f64::EPSILON, "the larger of old and new");
    put(1100, None).await.expect("written");
    cost();
    put(1, Some("attribute_not_exists(order_id)")).await.expect_err("refused");
    assert!(cost() >= 1.0, "a refused condition is not free");
}
