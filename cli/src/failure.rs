//! The failures of a command: each has a stable code, a sentence that says what to do, and an exit
//! status.
//!
//! More than 300 lines: every failure is here.

use std::io;

use postback_core::{clock::Timestamp, redaction::OperatorNoteFault};
use postback_reconcile::fault::Fault;
use serde::Serialize;

use crate::account::REGIONS;

/// The reason that a command did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// No credentials, or expired ones.
    #[error(
        "No AWS credentials found. Set AWS_PROFILE, give --profile, or sign in (`aws sso login`)."
    )]
    NoCredentials,
    /// No region.
    #[error("No AWS region is set. Give --region, or set AWS_REGION.")]
    NoRegion,
    /// A service did not answer.
    #[error("{service} could not be reached for {action}. Check the region and the connection.")]
    Unreachable { service: &'static str, action: &'static str },
    /// A service refused.
    #[error("{service} refused {action}: {code}{}", in_brackets(.message))]
    Refused { service: &'static str, action: &'static str, code: String, message: String },
    /// The ledger did not answer or refused.
    #[error(
        "The ledger (table {table}) could not be reached for {action}. Check the connection, and your \
         permissions on the table."
    )]
    Ledger { table: String, action: &'static str },
    /// The ledger can't be asked for what waits.
    #[error(
        "The ledger (table {table}) has no index `waiting`, or is still filling it. `postback doctor` says \
         what to do; `postback orders list` without a filter reads the table itself."
    )]
    NoIndex { table: String },
    /// A later version of Postback wrote an item.
    #[error(
        "{what} can't be read by this version of the tool (`postback --version`): a later version of \
         Postback wrote it. Install the tool of the version that is deployed. Nothing was changed."
    )]
    LaterFormat { what: String },
    /// There is no such profile.
    #[error("There is no AWS profile {profile} on this machine. There are: {known}.")]
    NoProfile { profile: String, known: String },
    /// There is no such region.
    #[error(
        "{region} is no AWS region that is known here. Give one with --region or AWS_REGION. There are: {}.",
        REGIONS.join(", ")
    )]
    BadRegion { region: String },
    /// No service answered in a region that there is.
    #[error(
        "CloudFormation in {region} could not be reached. Check the connection, or give another region \
         with --region or AWS_REGION."
    )]
    RegionUnreachable { region: String },
    /// There is no such stack.
    #[error(
        "There is no stack {stack} in {region}. Postback's stacks there: {known}. Give the name with \
         --stack, and the place with --region or --profile."
    )]
    NoStack { stack: String, region: String, known: String },
    /// The stack is not one of ours.
    #[error(
        "The stack {stack} in {region} is not a Postback stack. Postback's stacks there: {known}."
    )]
    NotOurs { stack: String, region: String, known: String },
    /// The stack has no such output.
    #[error("The stack {stack} has no output {output}. It has: {known}.")]
    NoOutput { stack: String, output: String, known: String },
    /// There is no such network.
    #[error("The stack has no network {network}. It has: {known}.")]
    UnknownNetwork { network: String, known: String },
    /// This tool knows no format of reports of this network.
    #[error(
        "No format is known of reports of the network {network}. There is one for: {known}. For another \
         one give --format generic, or a file that describes it."
    )]
    NoFormat { network: String, known: String },
    /// The stack has no such secret.
    #[error("The stack has no secret {name}. It has: {known}.")]
    NoSecret { name: String, known: String },
    /// A secret that its function would refuse.
    #[error("Nothing was set. The secret {name} would have faults: {faults}.")]
    BadSecret { name: String, faults: String },
    /// The ledger does not hold the order.
    #[error(
        "The ledger holds no delivery of order {order_id}: it was never sent, it concerns no network, \
         or it is still on its way."
    )]
    UnknownOrder { order_id: String },
    /// The order has no such delivery.
    #[error("Order {order_id} has no delivery {delivery}. It has: {known}.")]
    UnknownDelivery { order_id: String, delivery: String, known: String },
    /// There is no archive.
    #[error(
        "There is no archive {archive}. `make deploy` creates it from archive.yaml; give another name \
         with --archive."
    )]
    NoArchive { archive: String },
    /// There is no such replay.
    #[error("There is no replay {replay}. There are: {known}.")]
    UnknownReplay { replay: String, known: String },
    /// A text that is no time.
    #[error("{option} must be like 2026-11-21, 2026-11-21T10:15:00Z, or 90m, 24h, 7d (ago).")]
    BadInstant { option: &'static str },
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// A span without time in it.
    #[error("{from} must be before {to}, and before now.")]
    EmptySpan { from: &'static str, to: &'static str },
    /// A reason that the ledger may not hold.
    #[error("The reason {0}.")]
    BadReason(OperatorNoteFault),
    /// A text that is no cursor.
    #[error("--after must be the `next` of an earlier run.")]
    BadCursor,
    /// A file that can't be read.
    #[error("{file} could not be read: {fault}.")]
    BadFile { file: String, fault: String },
    /// An order that the shop has changed since.
    #[error(
        "{file} holds version {given} of the order, the ledger {held}: nothing would be sent. Give that version. Nothing was changed."
    )]
    EarlierVersion { file: String, given: Timestamp, held: Timestamp },
    /// A file is there already.
    #[error("{file} is there already. Give another name, or --force to write over it.")]
    FileExists { file: String },
    /// A report that can't be used.
    #[error("{file}: {fault}.")]
    BadReport { file: String, fault: Fault },
    /// A file of decisions that rests on a report which does not fit the deliveries.
    #[error(
        "The report does not fit {count} of the deliveries: {why}. Nothing was changed. Reconcile with \
         a report of this network that covers their attempts."
    )]
    WrongReport { count: usize, why: String },
    /// The order in the file is another one.
    #[error("{file} holds order {found}, not {wanted}.")]
    OtherOrder { file: String, found: String, wanted: String },
    /// The order in the file has faults.
    #[error("{file} holds a faulty order: {faults}. Nothing was changed.")]
    FaultyOrder { file: String, faults: String },
    /// No terminal to ask on.
    #[error("{0}")]
    NotAsked(&'static str),
    /// The person said no.
    #[error("Nothing was changed.")]
    Declined,
    /// The delivery leaves nothing to decide.
    #[error(
        "Order {order_id} at {delivery} is {state}: this decision does not fit it. `postback orders \
         show` says what is known. Nothing was changed."
    )]
    NotOpen { order_id: String, delivery: String, state: &'static str },
    /// The delivery's validation was called: its content is fixed.
    #[error(
        "The validation of order {order_id} at {delivery} was called, which can't be taken back: the \
         delivery stays as it was decided. Nothing was changed. Settle the validation \
         '{delivery}!validation' itself, or claim the money back at the network."
    )]
    Validated { order_id: String, delivery: String },
    /// The delivery has changed since the person saw it.
    #[error(
        "Order {order_id} at {delivery} has moved on: {found}, you saw {seen}. Nothing was changed. \
         Look at it and at the network again."
    )]
    MovedOn { order_id: String, delivery: String, found: String, seen: String },
    /// No other content, no unclear refusal and no money to claim back waits for an answer.
    #[error(
        "Order {order_id} at {delivery} has nothing to acknowledge: no other content, no unclear \
         refusal and no money to claim back that no decision has answered. Nothing was changed."
    )]
    NothingToAcknowledge { order_id: String, delivery: String },
    /// A decision of a report that does not fit its delivery any more.
    #[error("It does not fit any more and is left as it is: {why}.")]
    NoLongerFits { why: String },
    /// No order to send was given.
    #[error(
        "The ledger does not hold the order's content. Give it with --order FILE, or with \
         --from-archive if it came over the bus. Nothing was changed."
    )]
    OrderNeeded,
    /// The network's function refused the order.
    #[error(
        "The network's function refused the order: {code}. {detail} A permission stays until the right order comes."
    )]
    OrderRefused { code: String, detail: String },
    /// The network's function failed.
    #[error("The function {function} failed on the order; its log says why. Nothing was changed.")]
    FunctionFailed { function: String },
    /// The decision is written, but the order is not on its way.
    #[error("The decision is recorded, but the order is not on its way yet: {why} {what_to_do}")]
    NotOnItsWay { why: String, what_to_do: String },
    /// Others wrote the record again and again.
    #[error("Others are changing the delivery at this moment. Look at it again.")]
    Contended,
    /// The function that publishes events failed.
    #[error(
        "The function {function} failed to publish a batch; its log says why. Run the command again \
         with --after and the `next` shown above: repeated events keep their ids."
    )]
    NotPublished { function: String },
    /// The console can't listen.
    #[error(
        "Nothing can listen on 127.0.0.1:{port}: {fault}. Give another --port, or leave it out."
    )]
    NoPort { port: u16, fault: String },
    /// The console may only show.
    #[error("This console only shows. Start it with --write to decide, pause, replay and redrive.")]
    ReadOnly,
    /// A bound was reached before the ledger's end.
    #[error(
        "Only a part of the ledger was read: --read-units was reached. {}",
        go_on(.next.as_deref())
    )]
    Stopped { next: Option<String> },
    /// Something needs a person; the answer says what.
    #[error("{0}")]
    NeedsPerson(String),
    /// The network is not paused by itself.
    #[error("There is no such pause of {network}. In force: {instead}. Nothing was changed.")]
    NotPaused { network: String, instead: String },
    /// There are more letters than were wanted.
    #[error(
        "Only {limit} letters were looked at, and there are more. Give a larger --limit, or look again \
         once these are gone."
    )]
    More { limit: usize },
    /// Some messages were left.
    #[error("{left} messages were left in the dead-letter queue: {why}")]
    Left { left: usize, why: &'static str },
}

/// The reason that a file can't be read, in words.
pub(crate) fn why_not(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        kind => kind.to_string(),
    }
}

/// The way to the rest of the ledger, from the place where the reading ended if it has one.
fn go_on(next: Option<&str>) -> String {
    let after = next.map(|next| format!("Continue with --after '{next}', or leave"));
    format!("{} --read-units out.", after.as_deref().unwrap_or("Leave"))
}

fn in_brackets(message: &str) -> String {
    if message.is_empty() { ".".to_owned() } else { format!(" ({message}).") }
}

impl Failure {
    /// The code, for programs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::NoRegion => "no_region",
            Self::Unreachable { .. } | Self::RegionUnreachable { .. } => "unreachable",
            Self::Refused { .. } => "refused",
            Self::Ledger { .. } => "ledger_unavailable",
            Self::NoIndex { .. } => "ledger_without_index",
            Self::LaterFormat { .. } => "later_format",
            Self::NoProfile { .. } => "no_profile",
            Self::BadRegion { .. } => "bad_region",
            Self::NoStack { .. } => "no_stack",
            Self::NotOurs { .. } => "not_ours",
            Self::NoOutput { .. } => "no_output",
            Self::UnknownNetwork { .. } => "unknown_network",
            Self::NoFormat { .. } => "no_format",
            Self::NoSecret { .. } => "no_secret",
            Self::BadSecret { .. } => "bad_secret",
            Self::UnknownReplay { .. } => "unknown_replay",
            Self::UnknownOrder { .. } => "unknown_order",
            Self::UnknownDelivery { .. } => "unknown_delivery",
            Self::NoArchive { .. } => "no_archive",
            Self::BadInstant { .. } => "bad_instant",
            Self::Usage(_) => "usage",
            Self::EmptySpan { .. } => "empty_span",
            Self::BadReason(_) => "bad_reason",
            Self::BadCursor => "bad_cursor",
            Self::BadFile { .. } => "bad_file",
            Self::EarlierVersion { .. } => "earlier_version",
            Self::FileExists { .. } => "file_exists",
            Self::BadReport { fault, .. } => fault.code(),
            Self::WrongReport { .. } => "wrong_report",
            Self::OtherOrder { .. } => "other_order",
            Self::FaultyOrder { .. } => "faulty_order",
            Self::NotAsked(_) => "not_asked",
            Self::Declined => "declined",
            Self::NotOpen { .. } => "not_open",
            Self::Validated { .. } => "validated",
            Self::MovedOn { .. } => "moved_on",
            Self::NoLongerFits { .. } => "no_longer_fits",
            Self::NothingToAcknowledge { .. } => "nothing_to_acknowledge",
            Self::OrderNeeded => "order_needed",
            Self::OrderRefused { .. } => "order_refused",
            Self::FunctionFailed { .. } => "function_failed",
            Self::NotOnItsWay { .. } => "not_on_its_way",
            Self::Contended => "contended",
            Self::NotPublished { .. } => "not_published",
            Self::NoPort { .. } => "no_port",
            Self::ReadOnly => "read_only",
            Self::Stopped { .. } => "stopped",
            Self::NeedsPerson(_) => "needs_person",
            Self::NotPaused { .. } => "not_paused",
            Self::More { .. } => "more",
            Self::Left { .. } => "left",
        }
    }

    pub(crate) const fn exit_status(&self) -> u8 {
        match self {
            Self::NoCredentials
            | Self::NoRegion
            | Self::Unreachable { .. }
            | Self::RegionUnreachable { .. }
            | Self::Refused { .. }
            | Self::Ledger { .. }
            | Self::NoIndex { .. }
            | Self::LaterFormat { .. }
            | Self::FunctionFailed { .. }
            | Self::NotPublished { .. }
            | Self::NoPort { .. } => 1,
            Self::BadInstant { .. }
            | Self::EmptySpan { .. }
            | Self::Usage(_)
            | Self::BadRegion { .. }
            | Self::BadSecret { .. }
            | Self::BadReason(_)
            | Self::BadCursor
            | Self::BadFile { .. }
            | Self::EarlierVersion { .. }
            | Self::BadReport { .. }
            | Self::FileExists { .. }
            | Self::OtherOrder { .. }
            | Self::FaultyOrder { .. }
            | Self::NotAsked(_)
            | Self::OrderNeeded => 2,
            Self::NoProfile { .. }
            | Self::NoStack { .. }
            | Self::NotOurs { .. }
            | Self::NoOutput { .. }
            | Self::UnknownNetwork { .. }
            | Self::NoFormat { .. }
            | Self::NoSecret { .. }
            | Self::UnknownReplay { .. }
            | Self::UnknownOrder { .. }
            | Self::UnknownDelivery { .. }
            | Self::NoArchive { .. } => 3,
            Self::Declined
            | Self::NotOpen { .. }
            | Self::Validated { .. }
            | Self::MovedOn { .. }
            | Self::NoLongerFits { .. }
            | Self::NothingToAcknowledge { .. }
            | Self::WrongReport { .. }
            | Self::OrderRefused { .. }
            | Self::ReadOnly
            | Self::NotPaused { .. }
            | Self::Contended => 4,
            Self::NotOnItsWay { .. }
            | Self::Left { .. }
            | Self::More { .. }
            | Self::Stopped { .. } => 5,
            Self::NeedsPerson(_) => 6,
        }
    }

    /// The failure in JSON.
    pub(crate) fn view(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct View {
            error: Inner,
        }
        #[derive(Serialize)]
        struct Inner {
            code: &'static str,
            message: String,
        }
        View { error: Inner { code: self.code(), message: self.to_string() } }
    }
}
