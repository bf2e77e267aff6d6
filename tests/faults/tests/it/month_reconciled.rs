//! The network's report of a month against the ledger, with fifty seeded differences: of each kind
//! five, each in its bucket, and no sum is lost.

use std::time::Duration;

use postback_core::delivery::Record;
use postback_harness::TestBed;
use postback_reconcile::{
    bucket::Bucket,
    compare::{Files, LINES, Options, Outcome, compare},
    format::Format,
    ledger::Ledger,
    output::Table,
    shop::Shop,
    source::Source,
    understand::{Hints, Report},
};
use postback_sandbox::Network;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// The differences of each kind.
const EACH: usize = 5;
/// The columns of `ShopBack`'s report that are changed; the last is added.
const STATUS: usize = 2;
const AMOUNT: usize = 6;
const CLICK: usize = 7;
const ORDER: usize = 11;
const CURRENCY: usize = 16;

/// The events of orders that are cancelled before they are completed: nothing is reported of them.
pub(crate) fn withdrawn() -> impl Iterator<Item = Value> {
    (0..EACH).map(|number| json!({ "order_id": withdrawn_id(number), "status": "cancelled" }))
}

fn withdrawn_id(number: usize) -> String {
    format!("W-{number}")
}

/// The buckets of the differences of orders of which nothing came back, in their order. One whose line
/// can't be read is missing besides.
const KINDS: [Bucket; 7] = [
    Bucket::AmountDiffers,
    Bucket::AmountUnknown,
    Bucket::StatusDiffers,
    Bucket::OursOnly,
    Bucket::Doubled,
    Bucket::CurrencyDiffers,
    Bucket::Unreadable,
];

/// A row of the file of lines: its bucket and its order.
type Found = (Bucket, String);

/// The report with its differences, and the bucket in which each has to be; `is_plain` says whether
/// nothing came back of an order.
fn with_differences(report: &str, is_plain: impl Fn(&str) -> bool) -> (String, Vec<Found>) {
    let (header, rows) = report.split_once('\n').expect("rows");
    let (mut changed, mut seeded) = (vec![format!("{header},Currency")], Vec::new());
    let (mut plain, mut rejected) = (0, 0);
    for row in rows.lines() {
        let mut cells: Vec<_> = row.split(',').chain(["INR"]).map(str::to_owned).collect();
        let is_rejected = cells[STATUS] == "rejected";
        let order = cells[ORDER].clone();
        let is_plain = is_plain(&order);
        let mut is_in = |bucket| seeded.push((bucket, order.clone()));
        let mut set = |at: usize, text: &str| text.clone_into(&mut cells[at]);
        if is_rejected {
            // Nothing is left of it, and it is paid all the same.
            if rejected < EACH {
                set(STATUS, "approved");
                is_in(Bucket::RefundedButApproved);
            }
            rejected += 1;
        } else if is_plain {
            let kind = plain / EACH;
            plain += 1;
            KINDS.get(kind).into_iter().for_each(|bucket| is_in(*bucket));
            match kind {
                0 => set(AMOUNT, "0.01"),
                1 => set(AMOUNT, ""),
                2 => set(STATUS, "rejected"),
                3 => continue,
                4 => changed.push(cells.join(",")),
                5 => set(CURRENCY, "SGD"),
                6 => {
                    set(AMOUNT, "much");
                    is_in(Bucket::OursOnly);
                }
                _ => {}
            }
        }
        changed.push(cells.join(","));
    }
    let last = changed.last().expect("rows").clone();
    for number in 0..EACH {
        let unknown = (Bucket::TheirsOnly, format!("X-{number}"));
        for (bucket, order) in [unknown, (Bucket::GivenUpButThere, withdrawn_id(number))] {
            seeded.push((bucket, order.clone()));
            let mut cells: Vec<_> = last.split(',').map(str::to_owned).collect();
            cells[CLICK] = format!("{order:9>30}");
            cells[ORDER] = order;
            changed.push(cells.join(","));
        }
    }
    assert!(plain >= 7 * EACH && rejected >= EACH, "{plain} plain, {rejected} rejected");
    (changed.join("\n") + "\n", seeded)
}

/// Compares, and returns the rows of the file of lines besides.
fn compared(bed: &TestBed, text: &str, records: &[Record]) -> (Outcome, String) {
    let format = Format::of_network("shopback").expect("a format");
    let source = Source::Bytes(text.as_bytes().into());
    let report = Report::understand(source, format.clone(), &Hints::default()).expect("a report");
    let (shop, mut ledger) = (Shop::none(), Ledger::new());
    for record in records {
        ledger.add(record, &format, &shop);
    }
    ledger.finish();
    let options = Options {
        network: "shopback".to_owned(),
        from: records.iter().map(|record| record.protocol.first_seen_at).min(),
        to: Some(bed.now() + Duration::from_hours(24)),
    };
    let mut written = Vec::new();
    let lines = Table::new(Box::new(&mut written), &LINES).expect("a table");
    let mut files = Files { lines: Some(lines), ..Files::default() };
    let outcome = compare(&report, &mut ledger, &shop, &options, &mut files).expect("an outcome");
    files.lines.take().expect("a table").finish().expect("written");
    drop(files);
    (outcome, String::from_utf8(written).expect("text"))
}

/// Each difference is in its bucket by its order: two that were swapped would have the right counts.
fn are_in_their_buckets(seeded: &[Found], lines: &str) {
    let place = |name: &str| LINES.iter().position(|heading| *heading == name).expect(name);
    let (bucket, order) = (place("bucket"), place("order_id"));
    let rows: Vec<Vec<_>> = lines.lines().map(|line| line.split(',').collect()).collect();
    for (wanted, of_order) in seeded {
        let is_it = |row: &&Vec<&str>| row[order] == of_order && row[bucket] == wanted.as_str();
        let found = rows.iter().filter(is_it).count();
        let own = rows.iter().filter(|row| row[order] == of_order).collect::<Vec<_>>();
        assert_eq!(found, 1, "{of_order} in {}: {own:#?}", wanted.as_str());
    }
}

/// Compares the month's report, of which `late` orders came back after they were approved, and `refused`
/// were never taken. Of those some are held: a function that died left a doubt that the refusal of the
/// next attempt does not end.
pub(crate) fn is_reconciled(
    bed: &TestBed,
    records: &[Record],
    is_plain: impl Fn(&str) -> bool,
    (late, refused): (u64, u64),
) {
    let is_held = |record: &&Record| !record.is_validation() && record.is_held_in_doubt();
    let held = records.iter().filter(is_held).count() as u64;
    assert!(held <= refused, "{held} held of {refused} refused");
    let report = bed.sandbox.report(Network::ShopBack);
    let rows = u64::try_from(report.lines().count() - 1).expect("a number");

    let (text, seeded) = with_differences(&report, is_plain);
    let (outcome, lines) = compared(bed, &text, records);

    assert_eq!(seeded.len(), 11 * EACH);
    are_in_their_buckets(&seeded, &lines);

    let matched = rows - late - 7 * EACH as u64;
    for (bucket, wanted) in [
        (Bucket::AmountDiffers, (5, 5)),
        (Bucket::AmountUnknown, (5, 5)),
        (Bucket::StatusDiffers, (5, 5)),
        // Those that are missing, and those whose line can't be read.
        (Bucket::OursOnly, (0, 10 + held)),
        (Bucket::TheirsOnly, (5, 0)),
        (Bucket::Doubled, (5, 0)),
        (Bucket::RefundedButApproved, (5 + late, 5 + late)),
        (Bucket::GivenUpButThere, (5, 5)),
        (Bucket::CurrencyDiffers, (5, 5)),
        (Bucket::Unreadable, (5, 0)),
        (Bucket::Matched, (matched, matched + refused - held)),
    ] {
        let total = outcome.bucket(bucket).expect("a bucket");
        assert_eq!((total.lines, total.deliveries), wanted, "{total:?}");
    }
    assert_eq!(outcome.left_out, 0);
    for currency in ["INR", "SGD"] {
        let theirs = outcome.buckets.iter().map(|total| total.theirs.get(currency));
        assert_eq!(theirs.sum::<Decimal>(), outcome.report.sums.get(currency), "{currency}");
        let ours = outcome.buckets.iter().map(|total| total.ours.get(currency));
        assert_eq!(ours.sum::<Decimal>(), outcome.ours.get(currency), "{currency}");
    }
}
