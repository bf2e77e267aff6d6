//! The command line of `logs`.

use clap::Args;

use crate::logs::Condition;

/// Read the log of a network, a function or an order
///
/// Reads CloudWatch Logs from --since until now, to the end, and counts every
/// line that fits; the newest --limit of them are shown, each with its time,
/// level, code and members. Metrics are left out: they are on the dashboard. A
/// line can take some seconds to appear.
///
///   postback logs shopback --code attempt --where verdict=retrying
///   postback logs api --where status=5*
///   postback logs A-1001 --since 7d
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Logs {
    /// A network, a function (intake, webhook, audit, publish, sweep, or a shop system), api for the API's access log,
    /// or the id of an order, which is looked for in all of them
    pub(crate) name: String,
    /// Since then: 2026-11-21, 2026-11-21T10:15:00Z, or 90m, 24h, 7d ago [default: 1h; for an order 24h]
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Of this code only; * at its end stands for any rest
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// Only where a member is this, or with != is another; * at its end stands for any rest. May be given several
    /// times
    #[arg(long = "where", value_name = "NAME=VALUE", value_parser = Condition::parse)]
    pub(crate) conditions: Vec<Condition>,
    /// Show so many, the newest
    #[arg(long, default_value_t = 200)]
    pub(crate) limit: usize,
}
