//! `POST /webhooks/orders`: the same order, from a sender that signs by Standard Webhooks.

use postback_core::{
    clock::Timestamp,
    delivery::Fingerprint,
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
use signature::SignedMessage;

use crate::CheckedOrder;

/// Accepts one message.
///
/// A sender that got no answer sends the message again, under the same id with a new time and
/// signature. So a repeated id gets the same answer and puts nothing on the bus. The receipt is
/// written after the bus has accepted the order: if that write fails, a repetition goes over the bus
/// again, and the order is still reported once.
pub(crate) async fn accept(
    request: &Request,
    services: &impl IntakeServices,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<Response, Problem> {
    let signed = SignedMessage::parse(request)?;
    signed.check_time(now)?;
    keyring.check(&signed, &Posted::by(request).bytes()?, services, now).await?;
    let order = CheckedOrder::parse(request)?;
    let content = Fingerprint::of(&order.detail);
    let before = services.receipt(signed.id).await.map_err(|_| {
        let detail =
            "The ledger could not be reached, so nothing was sent. Send the message again.";
        Problem::new(Code::LedgerUnavailable, detail)
    })?;
    match before {
        None => order.put(services).await?,
        Some(receipt) if receipt.content == content => {
            return Ok(order.accepted(receipt.accepted_at));
        }
        Some(_) => {
            let detail = "Another order was accepted under this `webhook-id` before. Nothing was \
                          sent. Give every message an id of its own.";
            return Err(Problem::new(Code::WebhookIdReused, detail));
        }
    }
    if services.put_receipt(&Receipt::new(signed.id, content, now)).await.is_err() {
        let code = "webhook_receipt_not_kept";
        tracing::warn!(code, "the receipt was not written: a repetition goes over the bus again");
    }
    Ok(order.accepted(now))
}
