//! The command line of `reconcile`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use postback_reconcile::{DateOrder, format::Sign, understand::Hints};

/// Compare a network's report with the ledger
///
/// FILE is CSV, XLSX or JSON. The network's format says what its columns and
/// words mean; --format names a file of your own. What can be read in two ways is
/// refused, and you say which: --dates, --decimal, --encoding, --sheet. --preview
/// shows what was understood and compares nothing; it needs no AWS account.
///
/// Each line of the report and each delivery of its time is in one bucket. What
/// was validated counts before what was reported
///   matched                both sides say the same
///   amount differs, status differs, currency differs
///   ours only              lost, silently rejected, or too early for the report
///   theirs only            a pixel, another id, a manual credit
///   doubled                listed more than once
///   refunded but approved  claim it back
///   given up but there     withdrawn or abandoned here
///   unreadable             named, and nothing follows from it
///
/// --out DIR writes lines.csv (each line and its bucket), disputes.csv (for the
/// network) and decisions.csv (for `orders settle --from`). The exit status is 6
/// if anything but matched lines was found.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Reconcile {
    /// The network
    #[arg(long)]
    pub(crate) network: String,
    /// The network's report or invoice
    #[arg(long, value_name = "FILE")]
    pub(crate) report: PathBuf,
    /// The shop's export, as `orders check` reads it: cancellations, refunds, and the orders of e-mail addresses
    #[arg(long, value_name = "FILE")]
    pub(crate) shop: Option<PathBuf>,
    /// Only show what was understood of the report
    #[arg(long)]
    pub(crate) preview: bool,
    /// Write the files there; the directory is created
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Begin of the time that the report covers, a day in its zone [default: its earliest date]
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// End of that time, a day likewise [default: its latest date]
    #[arg(long)]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) format: ReportFormat,
}

/// The format of a report, where it differs from what is understood of it.
#[derive(Args, Debug, Default)]
pub(crate) struct ReportFormat {
    /// A format of your own, TOML, or `generic`
    #[arg(long = "format", id = "report_format", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The encoding, like windows-1252 or shift_jis
    #[arg(long)]
    encoding: Option<String>,
    /// The character between two cells
    #[arg(long)]
    delimiter: Option<char>,
    /// The decimal sign
    #[arg(long)]
    decimal: Option<char>,
    /// The order of day, month and year
    #[arg(long)]
    dates: Option<Dates>,
    /// The zone of dates that name none, like +08:00
    #[arg(long, allow_hyphen_values = true)]
    zone: Option<String>,
    /// The currency of lines that name none
    #[arg(long)]
    currency: Option<String>,
    /// The sheet of a workbook
    #[arg(long)]
    sheet: Option<String>,
    /// One line an order, or lines that add up
    #[arg(long)]
    sign: Option<Signs>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Dates {
    Ymd,
    Mdy,
    Dmy,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Signs {
    Lines,
    Ledger,
}

impl ReportFormat {
    pub(crate) fn hints(&self) -> Hints {
        Hints {
            encoding: self.encoding.clone(),
            delimiter: self.delimiter,
            decimal: self.decimal,
            dates: self.dates.map(|dates| match dates {
                Dates::Ymd => DateOrder::Ymd,
                Dates::Mdy => DateOrder::Mdy,
                Dates::Dmy => DateOrder::Dmy,
            }),
            zone: self.zone.clone(),
            currency: self.currency.clone(),
            sheet: self.sheet.clone(),
            sign: self.sign.map(|sign| match sign {
                Signs::Lines => Sign::Lines,
                Signs::Ledger => Sign::Ledger,
            }),
        }
    }
}
