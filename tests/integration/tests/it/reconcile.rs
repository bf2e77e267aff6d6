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

/// `ShopBack`'s report with a currency, changed in fifty places: of each kind of difference five, and
/// of other amounts ten.
fn with_differences(report: &str) -> String {
    let (header, rows) = report.split_once('\n').expect("rows");
    let mut changed = vec![format!("{header},Currency")];
    for (number, row) in rows.lines().enumerate() {
        let mut cells: Vec<_> = row.split(',').chain(["INR"]).map(str::to_owned).collect();
        let set = |cells: &mut Vec<String>, at: usize, text: &str| text.clone_into(&mut cells[at]);
        match number {
            0..10 => cells[6] = format!("{}.01", 1_000 + number),
            10..15 => set(&mut cells, 2, "rejected"),
            15..20 => continue,
            20..25 => changed.push(cells.join(",")),
            25..30 => set(&mut cells, 16, "SGD"),
            30..35 => set(&mut cells, 6, "much"),
            // Cancelled since, and approved.
            35..40 => set(&mut cells, 2, "approved"),
            _ => {}
        }
        changed.push(cells.join(","));
        if (40..50).contains(&number) {
            // A conversion that nobody here knows, and one of an order that was withdrawn.
            cells[7] = format!("{number:9>30}");
            cells[11] = if number < 45 { format!("X-{number}") } else { format!("W-{number}") };
            changed.push(cells.join(","));
        }
    }
    changed.join("\n") + "\n"
}

fn cancelled(order_id: &str) -> Value {
    json!({ "order_id": order_id, "status": "cancelled" })
}

#[tokio::test]
async fn fifty_seeded_differences_are_each_in_their_bucket() {
    let bundle = Bundle::new(2).await;
    for number in 0..100 {
        assert_eq!(bundle.post("/orders/shopback", &order(number)).await.status, 200);
    }
    for number in 35..40 {
        bundle.post("/orders/shopback", &cancelled(&format!("A-{number:05}"))).await;
    }
    for number in 45..50 {
        bundle.post("/orders/shopback", &cancelled(&format!("W-{number}"))).await;
    }
    let report = with_differences(&bundle.bed.sandbox.report(Network::ShopBack));
    let records = records(&bundle, "shopback").await;

    let (outcome, _) = compared(&report, "shopback", &records, &Shop::none());

    for (bucket, wanted) in [
        (Bucket::AmountDiffers, (10, 10)),
        (Bucket::StatusDiffers, (5, 5)),
        // Those that are missing, and those whose line can't be read.
        (Bucket::OursOnly, (0, 10)),
        (Bucket::Doubled, (5, 0)),
        (Bucket::CurrencyDiffers, (5, 5)),
        (Bucket::Unreadable, (5, 0)),
        (Bucket::RefundedButApproved, (5, 5)),
        (Bucket::TheirsOnly, (5, 0)),
        (Bucket::GivenUpButThere, (5, 5)),
        (Bucket::Matched, (65, 65)),
    ] {
        assert_eq!(counted(&outcome, bucket), wanted, "{bucket:?}");
    }
    for currency in ["INR", "SGD"] {
        let sums = outcome.buckets.iter().map(|total| total.theirs.get(currency));
        let sum: rust_decimal::Decimal = sums.sum();
        assert_eq!(sum, outcome.report.sums.get(currency));
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
