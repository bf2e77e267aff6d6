//! `orders settle`: a person's decision about a delivery.

use postback_core::{
    delivery::{Decision, DeliveryView, Proof, Record, State},
    redaction::OperatorNote,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    account::Account,
    args::Settle,
    failure::Failure,
    invoke::GivenOrder,
    view::{Output, story},
};

mod decider;
mod send_again;

use decider::{Decider, check_open};

/// The result of the command.
struct Settled {
    record: Record,
    message: String,
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
    let record = find(account, wanted).await?;
    let settled = settle(account, wanted, record, output).await?;
    let Settled { record, message, sent, replay } = &settled;
    let mut lines = story(record);
    lines.push(message.clone());
    output.answer(&lines, &View { delivery: DeliveryView::for_operator(record), sent, replay });
    Ok(())
}

async fn settle(
    account: &Account,
    wanted: &Settle,
    record: Record,
    output: &mut Output<'_>,
) -> Result<Settled, Failure> {
    if wanted.delivered && was_settled(&record) {
        return Ok(Settled::new(record, "Nothing to do: it was settled before."));
    }
    let decision = decision(wanted);
    // Before the question: nobody is asked for what then can't be done.
    let needs_order = decision == Decision::PermitSending && record.protocol.state != State::Parked;
    if needs_order && wanted.order.is_none() && !wanted.from_archive {
        return Err(Failure::OrderNeeded);
    }
    let seen = seen(&record, wanted, decision, output)?;
    let why = OperatorNote::new(&wanted.reason).map_err(Failure::BadReason)?;
    let decider = Decider { account, seen, decision, why, by: account.identity().await? };
    decider.check(&record)?;
    let message = match decision {
        Decision::Confirm => "Settled: the network has it.",
        Decision::Abandon => "Abandoned: the ledger says that nobody knows.",
        Decision::PermitSending => return bring(account, wanted, &decider, record).await,
        Decision::Reopen if decider.needs_order(&record) => {
            return bring(account, wanted, &decider, record).await;
        }
        Decision::Reopen => "Reopened: the last decision is taken back.",
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
            send_again::from_file(decider, &network, &order, record).await
        }
        None if wanted.from_archive => send_again::from_archive(decider, &network, record).await,
        None if decider.decision == Decision::PermitSending
            && record.protocol.state == State::Parked =>
        {
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
        _ => Decision::PermitSending,
    }
}

impl Settled {
    fn new(record: Record, message: impl Into<String>) -> Self {
        Self { record, message: message.into(), sent: None, replay: None }
    }
}

async fn find(account: &Account, wanted: &Settle) -> Result<Record, Failure> {
    let order_id = &wanted.order_id;
    let failed = account.ledger_failed("Query");
    let records = account.ledger.of_order(order_id).await.map_err(failed)?;
    if records.is_empty() {
        return Err(Failure::UnknownOrder { order_id: order_id.clone() });
    }
    let known: Vec<_> = records.iter().map(|record| record.delivery.clone()).collect();
    let (network, line) = match wanted.delivery.split_once('#') {
        Some((network, line)) => (network, Some(line)),
        None => (wanted.delivery.as_str(), None),
    };
    let network = network.replace('-', "_");
    let is_it = |record: &Record| record.network() == network && record.line() == line;
    records.into_iter().find(is_it).ok_or_else(|| Failure::UnknownDelivery {
        order_id: order_id.clone(),
        delivery: wanted.delivery.clone(),
        known: known.join(", "),
    })
}

fn was_settled(record: &Record) -> bool {
    record.protocol.state == State::Delivered && record.protocol.proof == Some(Proof::Operator)
}

/// The attempt that the person saw: the one they give, or the one that is shown now.
fn seen(
    record: &Record,
    wanted: &Settle,
    decision: Decision,
    output: &mut Output<'_>,
) -> Result<u32, Failure> {
    if let Some(seen) = wanted.attempt {
        return Ok(seen);
    }
    check_open(record, decision)?;
    let question = match decision {
        Decision::Confirm => "Record that the network has it?",
        Decision::PermitSending => {
            "Send it again? If the network has it after all, it is reported twice."
        }
        Decision::Abandon => "Give it up? Nobody will find out whether the network has it.",
        Decision::Reopen => "Take the last decision back?",
    };
    let instead = "Give with --attempt the attempt that you saw; `postback orders show` prints it. \
                   Nothing was changed.";
    output.ask(&story(record), question, instead)?;
    Ok(record.protocol.attempt)
}
