//! A million lines against a million deliveries, each with its validation: prints the seconds and the memory that it took.
//!
//! It fails above [`LONGEST`] or [`MOST_MIB`]. There is no export of the shop, and
//! the ledger's records are made here: its scan is not measured.
//!
//! `make million`, or `cargo run --profile tool -p postback-reconcile --example million -- [csv|xlsx] [COUNT] [FOLDER]`

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program that measures")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::{
    env, fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use postback_core::delivery::Record;
use postback_reconcile::{
    compare::{Files, LINES, Options, compare},
    format::Format,
    ledger::Ledger,
    output::Table,
    shop::Shop,
    source::Source,
    understand::{Hints, Report},
};
use rust_xlsxwriter::Workbook;

/// The allocator of the tool.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The time that a million lines may take.
const LONGEST: Duration = Duration::from_mins(1);
/// The memory that they may take.
const MOST_MIB: u64 = 300;
/// The kinds of reports.
const KINDS: [&str; 2] = ["csv", "xlsx"];
/// The argument that has a report written: by a process of its own, whose memory is not measured.
const WRITE: &str = "write";

const HEADINGS: &str =
    "Partner,Offer,Status,Payout,Sale Amount,Currency,Transaction ID,Order ID,Date";
/// The headings whose cells are numbers.
const NUMBERS: [&str; 2] = ["Payout", "Sale Amount"];

/// The amount of an order, in minor units.
fn amount(number: u64) -> u64 {
    100 + number * 7 % 90_000
}

/// A line of the report; the amount of every thousandth differs.
fn line(number: u64) -> String {
    let (day, second) = (1 + number % 28, number % 60);
    let paid = amount(number) + u64::from(number.is_multiple_of(1_000));
    format!(
        "ShopFront,Offer,approved,1.00,{}.{:02},MYR,T{number:029},ORDER-{number:09},2026-11-{day:02} 10:00:{second:02}",
        paid / 100,
        paid % 100,
    )
}

fn write_csv(path: &Path, count: u64) -> std::io::Result<()> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    writeln!(file, "{HEADINGS}")?;
    for number in 0..count {
        writeln!(file, "{}", line(number))?;
    }
    file.flush()
}

fn write_workbook(path: &Path, count: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, heading) in (0..).zip(HEADINGS.split(',')) {
        sheet.write_string(0, column, heading)?;
    }
    for number in 0..count {
        let (row, line) = (u32::try_from(number + 1)?, line(number));
        for (column, (heading, cell)) in (0..).zip(HEADINGS.split(',').zip(line.split(','))) {
            if NUMBERS.contains(&heading) {
                sheet.write_number(row, column, cell.parse::<f64>()?)?;
            } else {
                sheet.write_string(row, column, cell)?;
            }
        }
    }
    Ok(book.save(path)?)
}

/// The record of an order, made from one that is changed.
fn record(template: &Record, number: u64) -> Record {
    let mut record = template.clone();
    record.order_id = format!("ORDER-{number:09}");
    let facts = serde_json::json!({
        "amount": format!("{}.{:02}", amount(number) / 100, amount(number) % 100),
        "currency": "MYR",
        "click": postback_core::digest::sha256(&format!("T{number:029}"), 8),
    });
    record.protocol.facts = serde_json::from_value(facts).expect("facts");
    record
}

/// The validation of that order, with the amount that was reported.
fn validation(template: &Record, number: u64) -> Record {
    let mut validation = template.clone();
    validation.order_id = format!("ORDER-{number:09}");
    let call = serde_json::json!({
        "of_version": 2, "lock_at": AT, "standing": "reported",
        "call": {
            "status": "approved",
            "amount": format!("{}.{:02}", amount(number) / 100, amount(number) % 100),
        },
    });
    validation.protocol.validation = serde_json::from_value(call).expect("a validation");
    validation
}

const AT: &str = "2026-11-10T10:00:00Z";

fn template(delivery: &str) -> Record {
    let at = AT;
    let record = serde_json::json!({
        "order_id": "A", "delivery": delivery, "format": 1, "version": 2, "write_id": "0",
        "state_version": 2, "state_at": at, "state": "delivered", "attempt": 1,
        "proof": "response", "facts": {}, "first_seen_at": at, "claim_expires_at": at,
        "not_before": at, "updated_at": at, "expires_at": 0,
        "attempts": { "entries": [{ "number": 1, "started_at": at }] },
    });
    serde_json::from_value(record).expect("a record")
}

/// The most memory that the process has had, in MiB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1_024
}

fn main() {
    let mut arguments = env::args().skip(1).peekable();
    let is_writer = arguments.next_if_eq(WRITE).is_some();
    let kind = arguments.next().unwrap_or_else(|| "csv".to_owned());
    assert!(KINDS.contains(&kind.as_str()), "{kind} is none of {KINDS:?}");
    let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let folder = arguments.next().map_or_else(env::temp_dir, PathBuf::from);
    let path = folder.join(format!("million.{kind}"));
    if is_writer {
        match kind.as_str() {
            "csv" => write_csv(&path, count).expect("a report"),
            _ => write_workbook(&path, count).expect("a workbook"),
        }
        return;
    }
    let mut writer = Command::new(env::current_exe().expect("a program"));
    writer.args([WRITE, &kind, &count.to_string()]).arg(&folder);
    assert!(writer.status().expect("a writer").success());
    let compared = measure(&path, count);
    let memory = memory();
    println!("at most {memory} MiB");
    fs::remove_file(path).expect("removed");
    assert!(compared <= LONGEST, "{compared:?} are more than {LONGEST:?}");
    assert!((1..=MOST_MIB).contains(&memory), "{memory} MiB, not 1 to {MOST_MIB}");
}

/// Compares, and returns the time that it took.
fn measure(path: &Path, count: u64) -> Duration {
    let mut format = Format::generic().expect("a format");
    format.facts = vec!["click".to_owned()];
    let (template, validated) = (template("net"), template("net!validation"));

    let started = Instant::now();
    let source = Source::File(path.to_owned());
    let report = Report::understand(source, format.clone(), &Hints::default()).expect("a report");
    let understood = started.elapsed();
    let (shop, mut ledger) = (Shop::none(), Ledger::new());
    for number in 0..count {
        ledger.add(&record(&template, number), &format, &shop);
        ledger.add(&validation(&validated, number), &format, &shop);
    }
    ledger.finish();
    let loaded = started.elapsed();
    let written = path.with_file_name("million-lines.csv");
    let lines = fs::File::create(&written).expect("a file");
    let lines = Table::new(Box::new(BufWriter::new(lines)), &LINES).expect("a table");
    let mut files = Files { lines: Some(lines), ..Files::default() };
    let options = Options { network: "net".to_owned(), ..Options::default() };
    let outcome = compare(&report, &mut ledger, &shop, &options, &mut files).expect("an outcome");
    let compared = started.elapsed();
    fs::remove_file(written).expect("removed");

    println!("{}: {count} lines, {} deliveries", path.display(), outcome.deliveries);
    println!("understood after {:.1} s", understood.as_secs_f64());
    println!("ledger after {:.1} s", loaded.as_secs_f64());
    println!("compared after {:.1} s", compared.as_secs_f64());
    for total in outcome.buckets.iter().filter(|total| total.lines > 0) {
        println!("{}: {}", total.bucket.as_str(), total.lines);
    }
    compared
}
