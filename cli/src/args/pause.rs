//! The command line of pauses.

use clap::Args;

/// Stop all reports to a network
///
/// Within 10 seconds nothing more is sent to it: no order of any way, no lookup,
/// no poll of statuses. Requests that are under way end. Orders go on arriving
/// and wait as `parked: paused`; `postback resume` lets them go. It needs no
/// deployment, and outlives one. The ledger records your AWS identity, the time
/// and your reason.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct PauseNetwork {
    /// The network
    #[arg(required_unless_present_any = ["all", "list"], conflicts_with = "all")]
    pub(crate) network: Option<String>,
    /// All networks
    #[arg(long)]
    pub(crate) all: bool,
    /// The reason, for those who find it paused. No names of customers
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    pub(crate) why: Option<String>,
    /// Change nothing: show who paused and resumed what, and why
    #[arg(long, conflicts_with_all = ["network", "all", "why"])]
    pub(crate) list: bool,
}

/// End a pause
///
/// Orders that waited are sent within 15 minutes, each once. --all ends the pause
/// of all; a network that was paused by itself stays paused.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ResumeNetwork {
    /// The network
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) network: Option<String>,
    /// The pause of all networks
    #[arg(long)]
    pub(crate) all: bool,
    /// The reason, for the record
    #[arg(long, value_name = "TEXT", default_value = "resumed")]
    pub(crate) why: String,
}
