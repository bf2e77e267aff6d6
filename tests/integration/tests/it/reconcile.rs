//! The whole loop: orders are reported, the sandbox exports its networks' reports, and these are
//! compared with the ledger.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, Record, Stamp},
    redaction::OperatorNote,
};
use postback_integration::{Bundle, minimal, with};
use postback_reconcile::{
    bucket::Bucket,
    compare::{Files, Options, Outcome, compare},
    decide::{DECISIONS, Decisions},
    format::Format,
    ledger::Ledger,
    output::Table,
    shop::Shop,
    source::Source,
    understand::{Hints, Report},
};
use postback_runtime::ledger::{Change, Filter};
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};

/// An order with clicks of its own.
fn order(number: usize) -> Value {
    let order = minimal(&format!("A-{number:05}"));
    let click = format!("{number:0>30}");
    let order = with(order, "/clicks/shopback", json!({ "transaction_id": click }));
    let order = with(order, "/clicks/cashmycell", json!({ "cmc_id": format!("cmc{number:09}") }));
    with(order, "/customer/email", json!(format!("shopper{number}@example.com")))
}

pub(super) async fn records(bundle: &Bundle, network: &str) -> Vec<Record> {
    let network = Some(network.to_owned());
    let filter = Filter { network, validations: true, ..Filter::default() };
    let ledger = bundle.bed.table.ledger_within(Duration::from_secs(20));
    let (mut records, mut after) = (Vec::new(), None);
    loop {
        let page = ledger.scan(&filter, after.as_ref()).await.expect("a page");
        records.extend(page.records);
        after = page.next;
        if after.is_none() {
            return records;
        }
    }
}

/// A comparison, with the decisions that it writes.
pub(super) fn compared(
    text: &str,
    network: &str,
    records: &[Record],
    shop: &Shop,
) -> (Outcome, String) {
    let format = Format::of_network(network).expect("a format");
    let source = Source::Bytes(text.as_bytes().into());
    let report = Report::understand(source, format.clone(), &Hints::default()).expect(network);
    let mut ledger = Ledger::new();
    for record in records {
        ledger.add(record, &format, shop);
    }
    ledger.finish();
    let at = |text| Timestamp::parse(text);
    let options = Options {
        network: network.to_owned(),
        from: at("2026-11-01T00:00:00Z"),
        to: at("2026-12-01T00:00:00Z"),
    };
    let mut written = Vec::new();
    let decisions = Table::new(Box::new(&mut written), &DECISIONS).expect("a table");
    let mut files = Files { decisions: Some(decisions), ..Files::default() };
    let outcome = compare(&report, &mut ledger, shop, &options, &mut files).expect("an outcome");
    files.decisions.take().expect("a table").finish().expect("written");
    drop(files);
    (outcome, String::from_utf8(written).expect("text"))
}

/// The number of lines and of deliveries in a bucket.
pub(super) fn counted(outcome: &Outcome, bucket: Bucket) -> (u64, u64) {
    outcome.bucket(bucket).map(|total| (total.lines, total.deliveries)).unwrap_or_default()
}

#[tokio::test]
async fn the_reports_of_all_networks_agree_with_the_ledger() {
    let bundle = Bundle::new(1).await;
    let mut shop = Shop::none();
    for number in 0..5 {
        let order = order(number);
        shop.add(&order);
        for network in Network::ALL {
            bundle.post(&format!("/orders/{network}"), &order).await;
        }
    }

    for network in Network::ALL {
        let report = bundle.bed.sandbox.report(network);
        let records = records(&bundle, network.name()).await;

        let (outcome, _) = compared(&report, network.name(), &records, &shop);

        assert_eq!(counted(&outcome, Bucket::Matched), (5, 5), "{network}: {outcome:#?}\n{report}");
        assert_eq!(outcome.deliveries, 5, "{network}");
    }
}

#[tokio::test]
async fn held_deliveries_are_decided_by_a_report() {
    let bundle = Bundle::new(3).await;
    let sandbox = &bundle.bed.sandbox;
    // The answers to 40 orders are lost; half of them were processed. An order between two of them
    // keeps the circuit closed.
    for number in 1..=40 {
        let lost = Fault::close_after_reading();
        let fault = if number % 2 == 0 { lost.processed() } else { lost.not_processed() };
        let rule = Rule::on(Network::CashMyCell, fault);
        sandbox.script(rule.order(format!("cmc{number:09}"))).expect("a rule");
        bundle.post("/orders/cashmycell", &order(number)).await;
        bundle.post("/orders/cashmycell", &order(1_000 + number)).await;
    }
    let report = sandbox.report(Network::CashMyCell);
    let held = records(&bundle, "cashmycell").await;
    let (outcome, text) = compared(&report, "cashmycell", &held, &Shop::none());
    let counts = &outcome.decisions;
    assert_eq!(counts.all(), 40, "{outcome:#?}");
    assert_eq!((counts.delivered, counts.send_again), (20, 20));
    let decisions = Decisions::parse(&text).expect("decisions");
    let format = Format::of_network("cashmycell").expect("a format");
    let (by, why) = (OperatorNote::identity("arn"), OperatorNote::new("outage").expect("words"));

    bundle.bed.advance_to(Timestamp::parse("2026-12-01T00:00:00Z").expect("an instant"));
    // Written twice: the second run finds everything done.
    for run in 0..2 {
        let mut written = 0;
        for row in &decisions.rows {
            let ledger = bundle.bed.table.ledger();
            let key = (row.order_id.clone(), row.delivery.clone());
            let key = postback_core::delivery::Key { order_id: key.0, delivery: key.1 };
            let stamp = Stamp { now: bundle.bed.now(), write_id: 7 };
            let decide = |held: Option<&Record>| {
                let held = held.expect("a record");
                let next = decisions.apply(row, held, &format, &by, &why, stamp);
                next.map_or(Change::Keep(()), |next| Change::Write(Box::new(next), ()))
            };
            let held = ledger.get(&key).await.expect("the ledger");
            written += usize::from(ledger.update(held, decide).await.expect("written").wrote());
        }
        assert_eq!(written, [40, 0][run]);
    }
    // The orders come once more, as a replay brings them: what may be sent again is sent, once.
    for number in (1..=40).chain(1_001..=1_040) {
        bundle.post("/orders/cashmycell", &order(number)).await;
    }
    let after = records(&bundle, "cashmycell").await;
    assert!(after.iter().all(|record| record.protocol.state.is_success()));
    let totals = sandbox.totals(Network::CashMyCell);
    assert_eq!((totals.orders, totals.effects), (80, 80));
    let sent_again = after.iter().filter(|record| {
        record.decisions.last().is_some_and(|last| last.decision == Decision::PermitSending)
    });
    assert!(sent_again.clone().all(|record| record.protocol.attempt == 2));
    assert_eq!(sent_again.count(), 20);
}
