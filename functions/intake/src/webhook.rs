//! `POST /webhooks/orders`: the same order, from a sender that signs as Standard Webhooks has it.

use postback_core::{
    clock::Timestamp,
    problem::{Code, Problem},
};
use postback_runtime::{
    lambda::api::{Posted, Request, Response},
    ledger::Receipt,
    services::IntakeServices,
};

mod keyring;
mod signature;

pub(crate) use keyring::Keyring;
use signature::Signed;

use crate::Checked;

/// Takes one message.
///
/// A sender that got no answer sends the message again, under the same id with a new time and
/// signature. So a repeated id is answered as before and puts nothing on the bus. That is kept once
/// the bus has taken the order: if it is not, the order comes twice and is told once.
pub(crate) async fn take(
    request: &Request,
    door: &impl IntakeServices,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<Response, Problem> {
    let signed = Signed::read(request)?;
    signed.check_time(now)?;
    keyring.check(&signed, &Posted::by(request).bytes()?, door, now).await?;
    let order = Checked::read(request)?;
    let before = door.receipt(signed.id).await.map_err(|_| {
        let detail =
            "The ledger could not be reached, so nothing was sent. Send the message again.";
        Problem::new(Code::LedgerUnavailable, detail)
    })?;
    match before {
        None => order.put(door).await?,
        Some(receipt) if receipt.facts == order.facts => {
            return Ok(order.accepted(receipt.accepted_at));
        }
        Some(_) => {
            let detail = "Another order was taken under this `webhook-id`, which stands. Nothing \
                          was sent. Give every message an id of its own.";
            return Err(Problem::new(Code::WebhookIdReused, detail));
        }
    }
    if door.put_receipt(&Receipt::new(signed.id, order.facts.clone(), now)).await.is_err() {
        let code = "webhook_receipt_not_kept";
        tracing::warn!(
            code,
            "the webhook's receipt was not kept: a repetition goes over the bus again"
        );
    }
    Ok(order.accepted(now))
}
