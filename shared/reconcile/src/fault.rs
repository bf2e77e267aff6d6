//! The reasons for which a file is refused: each has a stable code, and says what to do.

/// The reason that a file can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file could not be read.
    #[error("the file could not be read: {0}")]
    Unreadable(String),
    /// The format is none.
    #[error("the format {format} is none: {fault}")]
    BadFormat {
        /// The format's name.
        format: String,
        /// The fault.
        fault: String,
    },
    /// The bytes are text in an encoding that nothing names.
    #[error(
        "the file is not UTF-8: give its --encoding, for example windows-1251, windows-1252 or shift_jis"
    )]
    UnknownEncoding,
    /// The encoding named does not fit, or is none.
    #[error("the file is not text in {0}: give another --encoding")]
    WrongEncoding(String),
    /// No row holds the headings.
    #[error(
        "no row among the first 30 has the headings of this format. It needs {needed}; the file has {found}"
    )]
    NoHeader {
        /// The headings that are needed.
        needed: String,
        /// The headings of the likeliest row.
        found: String,
    },
    /// Two columns have one heading.
    #[error("two columns are headed {0}: delete or rename the one that does not count")]
    DoubledHeading(String),
    /// Several sheets have the headings.
    #[error("several sheets have the headings: give one of them with --sheet: {0}")]
    SeveralSheets(String),
    /// There is no such sheet.
    #[error("the file has no such sheet; it has {0}")]
    NoSheet(String),
    /// Dates can be read in two ways.
    #[error("its dates, like {0}, can be read in two ways: give --dates mdy, dmy or ymd")]
    AmbiguousDates(String),
    /// Dates are written in two ways.
    #[error("its dates are written in two ways, like {0}: give --dates for those that count")]
    MixedDates(String),
    /// Amounts can be read in two ways.
    #[error("its amounts, like {0}, can be read in two ways: give --decimal . or --decimal ,")]
    AmbiguousAmounts(String),
    /// Amounts are written in two ways.
    #[error("its amounts are written in two ways, like {0}: give --decimal for those that count")]
    MixedAmounts(String),
    /// A zone that is none.
    #[error("the zone {0} is none: give one like +08:00 or UTC")]
    BadZone(String),
    /// A month that is none.
    #[error("the month {0} is none: give one like 2026-10")]
    BadMonth(String),
    /// The file holds no line.
    #[error("the file has a header and no line")]
    Empty,
    /// Nothing of the file is in the ledger.
    #[error(
        "none of its {lines} lines belongs to a delivery of {network}: it is another network's, another shop's or another month's report"
    )]
    Foreign {
        /// The number of lines.
        lines: u64,
        /// The network.
        network: String,
    },
    /// No line is of the time that was asked for.
    #[error("none of its dates is in the time from --from to --to: it is another month's report")]
    OtherPeriod,
    /// A file of decisions is damaged.
    #[error("the file of decisions is none in line {line}: {fault}")]
    BadDecisions {
        /// The line.
        line: u64,
        /// The fault.
        fault: String,
    },
    /// An output could not be written.
    #[error("an output could not be written: {0}")]
    Unwritable(String),
}

impl Fault {
    /// The code, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable_file",
            Self::BadFormat { .. } => "bad_format",
            Self::UnknownEncoding => "unknown_encoding",
            Self::WrongEncoding(_) => "wrong_encoding",
            Self::NoHeader { .. } => "no_header",
            Self::DoubledHeading(_) => "doubled_heading",
            Self::SeveralSheets(_) => "several_sheets",
            Self::NoSheet(_) => "no_sheet",
            Self::AmbiguousDates(_) => "ambiguous_dates",
            Self::MixedDates(_) => "mixed_dates",
            Self::AmbiguousAmounts(_) => "ambiguous_amounts",
            Self::MixedAmounts(_) => "mixed_amounts",
            Self::BadZone(_) => "bad_zone",
            Self::BadMonth(_) => "bad_month",
            Self::Empty => "empty_report",
            Self::Foreign { .. } => "foreign_report",
            Self::OtherPeriod => "other_period",
            Self::BadDecisions { .. } => "bad_decisions",
            Self::Unwritable(_) => "unwritable",
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Unreadable(error.kind().to_string())
    }
}

impl From<csv::Error> for Fault {
    fn from(error: csv::Error) -> Self {
        match error.kind() {
            csv::ErrorKind::Io(error) => Self::Unreadable(error.kind().to_string()),
            _ => Self::Unreadable("it is not CSV".to_owned()),
        }
    }
}
