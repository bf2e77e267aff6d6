//! `orders settle`: a person's decision about a delivery.

use postback_core::{
    delivery::{Decision, DeliveryView, PartialView, Proof, Record, State},
    redaction::OperatorNote,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    account::Account,
    args::Settle,
    failure::Failure,
    invoke::GivenOrder,
    view::{Output, left_out, name, story},
};

mod decider;
pub(crate) mod many;
mod send_again;
#[cfg(test)]
mod tests;

use decider::{Decider, is_reopened};
pub(crate) use decider::{Seen, check_open};

/// The result of the command.
pub(crate) struct Settled {
    pub(crate) record: Record,
    pub(crate) message: String,
    /// The answer of the network's function to the order sent again.
    sent: Option<Value>,
    /// The replay that brings the order again.
    replay: Option<String>,
}

#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    delivery: DeliveryView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: &'a Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: &'a Option<String>,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Settle,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if let Some(file) = &wanted.from {
        return many::run(account, wanted, file, output).await;
    }
    let (records, partial) = account.readable_of_order(&wanted.order_id).await?;
    let record = one_of(records, &partial, wanted)?;
    for partial in &partial {
        output.note(&left_out(partial));
    }
    let seen = match checked(account, wanted, &record).await? {
        // Before the question: nobody is asked for what then can't be done.
        Some(decision) => seen(&record, wanted, decision, output)?,
        None => Seen::of(&record),
    };
    let settled = Box::pin(settle(account, wanted, record, seen)).await?;
    let Settled { record, message, sent, replay } = &settled;
    let mut lines = story(record);
    lines.push(message.clone());
    output.answer(&lines, &View { delivery: DeliveryView::for_operator(record), sent, replay });
    Ok(())
}

/// The decision, if there is one to take and its order is given where it needs one.
async fn checked(
    account: &Account,
    wanted: &Settle,
    record: &Record,
) -> Result<Option<Decision>, Failure> {
    let decision = decision(wanted);
    if was_taken(record, decision) {
        return Ok(None);
    }
    let needs_order = decision == Decision::PermitSending
        && !record.comes_round_parked()
        && !record.is_validation();
    if needs_order && wanted.order.is_none() && !wanted.from_archive {
        return Err(Failure::OrderNeeded);
    }
    if decision == Decision::Reopen && !record.is_validation() {
        check_validation(account, record).await?;
    }
    Ok(Some(decision))
}

/// Checks that the validation of a delivery was not called: a decision before the call is final.
async fn check_validation(account: &Account, record: &Record) -> Result<(), Failure> {
    match account.delivery(&record.key().validation()).await? {
        Some(held) if held.protocol.attempt > 0 => Err(Failure::Validated {
            order_id: record.order_id.clone(),
            delivery: record.delivery.clone(),
        }),
        _ => Ok(()),
    }
}

/// Decides about a delivery as a person saw it.
pub(crate) async fn settle(
    account: &Account,
    wanted: &Settle,
    record: Record,
    seen: Seen,
) -> Result<Settled, Failure> {
    let Some(decision) = checked(account, wanted, &record).await? else {
        return Ok(Settled::new(record, "Nothing to do: it was settled before."));
    };
    let why = OperatorNote::new(&wanted.reason).map_err(Failure::BadReason)?;
    let decider = Decider { account, seen, decision, why, by: account.identity().await? };
    decider.check(&record)?;
    let message = match decision {
        Decision::Confirm => "Settled: the network has it.",
        Decision::Abandon if !record.protocol.in_doubt() => "Abandoned: nothing was sent.",
        Decision::Abandon => "Abandoned: the ledger says that nobody knows.",
        // The next sweep brings it.
        Decision::PermitSending if record.is_validation() => {
            "Permitted: the next sweep has it validated."
        }
        Decision::PermitSending => return bring(account, wanted, &decider, record).await,
        Decision::Reopen if decider.needs_order(&record) && !record.is_validation() => {
            return bring(account, wanted, &decider, record).await;
        }
        Decision::Reopen if is_reopened(&record, decision) => {
            "Nothing to do: it was reopened before."
        }
        Decision::Reopen => "Reopened: the last decision is taken back.",
        Decision::Acknowledge => "Acknowledged: `postback status` shows it no more.",
    };
    Ok(Settled::new(decider.decide(record).await?, message))
}

/// Writes a permission, or takes a decision back, then brings the order again. Either half may fail
/// or be repeated.
async fn bring(
    account: &Account,
    wanted: &Settle,
    decider: &Decider<'_>,
    record: Record,
) -> Result<Settled, Failure> {
    // A network that is turned off sends nothing.
    let network = account.network(record.network())?;
    match &wanted.order {
        Some(path) => {
            let order = GivenOrder::load(path, &record.order_id)?;
            order.check_version(record.protocol.order_updated_at)?;
            send_again::from_file(decider, &network, &order, record).await
        }
        None if wanted.from_archive => send_again::from_archive(decider, &network, record).await,
        None if decider.decision == Decision::PermitSending && record.comes_round_parked() => {
            let record = decider.decide(record).await?;
            let message = "Permitted: the order is on its queue and is sent within 15 minutes.";
            Ok(Settled::new(record, message))
        }
        None => Err(Failure::OrderNeeded),
    }
}

const fn decision(wanted: &Settle) -> Decision {
    match wanted {
        Settle { delivered: true, .. } => Decision::Confirm,
        Settle { abandon: true, .. } => Decision::Abandon,
        Settle { reopen: true, .. } => Decision::Reopen,
        Settle { acknowledge: true, .. } => Decision::Acknowledge,
        _ => Decision::PermitSending,
    }
}

impl Settled {
    fn new(record: Record, message: impl Into<String>) -> Self {
        Self { record, message: message.into(), sent: None, replay: None }
    }
}

/// The delivery that is wanted, as stored, of an order all of which this version can read.
pub(crate) async fn find(account: &Account, wanted: &Settle) -> Result<Record, Failure> {
    one_of(account.of_order(&wanted.order_id).await?, &[], wanted)
}

/// The delivery that is wanted among an order's; `partial` are those that this version can't read.
fn one_of(
    records: Vec<Record>,
    partial: &[PartialView],
    wanted: &Settle,
) -> Result<Record, Failure> {
    let order_id = &wanted.order_id;
    if records.is_empty() && partial.is_empty() {
        return Err(Failure::UnknownOrder { order_id: order_id.clone() });
    }
    let known: Vec<_> = records.iter().map(|record| record.delivery.clone()).collect();
    let network_end = wanted.delivery.find(['#', '!']).unwrap_or(wanted.delivery.len());
    let (network, rest) = wanted.delivery.split_at(network_end);
    let delivery = format!("{}{rest}", network.replace('-', "_"));
    let is_it = |record: &Record| record.delivery == delivery;
    let of_network = |partial: &&PartialView| partial.network == delivery[..network_end];
    let unread = partial.iter().find(of_network);
    records.into_iter().find(is_it).ok_or_else(|| match unread {
        Some(unread) => Failure::LaterFormat { what: format!("Order {}", name(unread)) },
        None => Failure::UnknownDelivery {
            order_id: order_id.clone(),
            delivery: wanted.delivery.clone(),
            known: known.join(", "),
        },
    })
}

/// Returns whether the decision was taken before, so that this is a repetition.
fn was_taken(record: &Record, decision: Decision) -> bool {
    match decision {
        Decision::Confirm => {
            let proof = record.protocol.proof;
            record.protocol.state == State::Delivered && proof == Some(Proof::Operator)
        }
        Decision::Abandon => record.protocol.state == State::Abandoned,
        Decision::Acknowledge => {
            let last = record.decisions.last().map(|last| last.decision);
            last == Some(decision) && check_open(record, decision).is_err()
        }
        _ => false,
    }
}

/// The delivery as the person saw it: what they give, or what is shown now.
fn seen(
    record: &Record,
    wanted: &Settle,
    decision: Decision,
    output: &mut Output<'_>,
) -> Result<Seen, Failure> {
    let now = Seen::of(record);
    // Only who acknowledges other content, or what came back, has to have seen it.
    let is_acknowledged = decision == Decision::Acknowledge;
    let has_contents = is_acknowledged && now.conflicts > 0;
    let has_returned = is_acknowledged && now.came_back.is_some();
    let conflicts = wanted.conflicts.or((!has_contents).then_some(now.conflicts));
    let came_back = wanted.came_back.map(Some).or((!has_returned).then_some(now.came_back));
    if let (Some(attempt), Some(conflicts), Some(came_back)) =
        (wanted.attempt, conflicts, came_back)
    {
        return Ok(Seen { attempt, conflicts, came_back, decisions: None });
    }
    check_open(record, decision)?;
    let question = match decision {
        Decision::Confirm => "Record that the network has it?",
        Decision::PermitSending if record.is_implausible() => {
            "Send it? It exceeds a bound of the stack; nothing was sent so far."
        }
        Decision::Abandon if !record.protocol.in_doubt() => "Give it up? Nothing was sent.",
        Decision::PermitSending => {
            "Send it again? If the network has it after all, it is reported twice."
        }
        Decision::Abandon => "Give it up? Nobody will find out whether the network has it.",
        Decision::Reopen => "Take the last decision back?",
        Decision::Acknowledge => "Record that you dealt with it? It changes nothing else.",
    };
    output.ask(&story(record), question, to_give(has_contents, has_returned))?;
    Ok(now)
}

/// The options by which a person names what they saw, where nobody can be asked.
const fn to_give(has_contents: bool, has_returned: bool) -> &'static str {
    match (has_contents, has_returned) {
        (false, false) => {
            "Give with --attempt the attempt that you saw; `postback orders show` prints it. Nothing was changed."
        }
        (true, false) => {
            "Give with --attempt and --conflicts the attempt and the number of other contents that you saw; \
             `postback orders show` prints them. Nothing was changed."
        }
        (false, true) => {
            "Give with --attempt the attempt that you saw, and with --came-back the sum behind `came back`; \
             `postback orders show` prints them. Nothing was changed."
        }
        (true, true) => {
            "Give with --attempt and --conflicts the attempt and the number of other contents that you saw, and with \
             --came-back the sum behind `came back`; `postback orders show` prints them. Nothing was changed."
        }
    }
}
