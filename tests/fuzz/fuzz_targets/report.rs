//! Any file as the report of each network, and as a list of claims: what is read of it is compared
//! with a small ledger.

#![no_main]

use std::{cell::RefCell, io::Write, rc::Rc, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use postback_core::delivery::Record;
use postback_fuzz::seeds;
use postback_reconcile::{
    claims,
    compare::{DISPUTES, Files, LINES, Options, Outcome, compare},
    decide::{DECISIONS, Decisions},
    format::Format,
    ledger::Ledger,
    output::Table,
    page,
    shop::Shop,
    source::Source,
    understand::{Hints, Report},
};
use serde_json::{Value, json};

const NETWORKS: [&str; 5] = ["generic", "cartstack", "cashmycell", "cpa_moe", "shopback"];
const AT: &str = "2026-11-10T10:00:00Z";

fuzz_target!(init: seeds(), |data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    let source = || Source::Bytes(bytes.into());
    if let Ok(claims) = claims::load(source(), &Hints::default()) {
        assert!(claims.iter().all(|claim| claim.fault.is_some() || !claim.order_id.is_empty()));
    }
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(decisions) = Decisions::parse(text)
    {
        assert!(!decisions.rows.is_empty());
    }
    let format = &FORMATS[usize::from(*which) % NETWORKS.len()];
    if let Ok(report) = Report::understand(source(), format.clone(), &Hints::default()) {
        assert!(!page::preview(&report.understood).is_empty());
        is_conserved(&report, format);
    }
});

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let formats = NETWORKS.iter().map(|network| Format::of_network(network));
    formats.collect::<Result<_, _>>().unwrap_or_else(|fault| panic!("{fault}"))
});

static RECORDS: LazyLock<Vec<Record>> = LazyLock::new(|| {
    let states = ["delivered", "accepted", "unconfirmed", "withdrawn", "abandoned", "rejected"];
    let deliveries = states.iter().zip(1..).map(|(state, number)| record(number, "net", state));
    deliveries.chain([validation(1)]).collect()
});

fn record(number: u32, delivery: &str, state: &str) -> Record {
    let record = json!({
        "order_id": format!("A-{number}"), "delivery": delivery, "format": 1, "version": 2,
        "write_id": "0", "state_version": 2, "state_at": AT, "state": state, "attempt": 1,
        "proof": (state == "delivered").then_some("response"),
        "facts": { "amount": "10", "currency": "MYR" },
        "first_seen_at": AT, "claim_expires_at": AT, "not_before": AT, "updated_at": AT,
        "expires_at": 0, "attempts": { "entries": [{ "number": 1, "started_at": AT }] },
        "refunds": { "r-1": { "amount": "2" } },
    });
    from_json(record)
}

fn validation(number: u32) -> Record {
    let mut value = serde_json::to_value(record(number, "net!validation", "delivered"))
        .unwrap_or_else(|error| panic!("{error}"));
    value["reported"] = json!({
        "amount": "10", "currency": "MYR", "completed_at": AT, "ids": {},
    });
    value["validation"] = json!({
        "of_version": 2, "lock_at": AT, "standing": "reported",
        "call": { "status": "approved", "amount": "8" },
    });
    from_json(value)
}

fn from_json(value: Value) -> Record {
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}"))
}

/// Bytes that several hold.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Each line is in one bucket, the sums of the buckets are the file's, and no cell that is written is
/// run by a spreadsheet.
fn is_conserved(report: &Report, format: &Format) {
    let (shop, mut ledger) = (Shop::none(), Ledger::new());
    for record in RECORDS.iter() {
        ledger.add(record, format, &shop);
    }
    ledger.finish();
    let written = [(); 3].map(|()| Shared::default());
    let table = |at: usize, headings: &[&str]| {
        Table::new(Box::new(written[at].clone()), headings)
            .unwrap_or_else(|fault| panic!("{fault}"))
    };
    let mut files = Files {
        lines: Some(table(0, &LINES)),
        disputes: Some(table(1, &DISPUTES)),
        decisions: Some(table(2, &DECISIONS)),
    };
    let options = Options { network: "net".to_owned(), ..Options::default() };
    let Ok(outcome) = compare(report, &mut ledger, &shop, &options, &mut files) else { return };
    for table in [files.lines, files.disputes, files.decisions].into_iter().flatten() {
        table.finish().unwrap_or_else(|fault| panic!("{fault}"));
    }
    assert_eq!(sums(&outcome, |total| total.lines), outcome.report.lines);
    assert_eq!(sums(&outcome, |total| total.deliveries), outcome.deliveries);
    assert!(!page::totals(&outcome).is_empty());
    for bytes in &written {
        is_harmless(&bytes.0.borrow());
    }
}

fn sums(outcome: &Outcome, pick: fn(&postback_reconcile::compare::BucketTotal) -> u64) -> u64 {
    outcome.buckets.iter().map(pick).sum()
}

fn is_harmless(bytes: &[u8]) {
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    for row in reader.records() {
        let row = row.unwrap_or_else(|error| panic!("{error}"));
        assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])));
    }
}

/// The damaged files of the tests, each for every network.
fn seeds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/reconcile/tests/files");
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    for path in entries.flatten().map(|entry| entry.path()) {
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{error}"));
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for which in 0..NETWORKS.len() as u8 {
            seeds::write(&format!("{which}-{name}"), &[&[which], &bytes[..]].concat());
        }
    }
    let recoveries = r#"{"recoveries":[{"email":"a@shop.example","date_recovered":"11/10/2026 1:00:00 PM","total":"$1,499.00"}]}"#;
    seeds::write("recoveries", &[&[1], recoveries.as_bytes()].concat());
}
