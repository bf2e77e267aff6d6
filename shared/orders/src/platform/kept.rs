//! Refunds that come without their orders, and what is kept of an order for them: whichever comes first,
//! both are known once the second has come.

use std::slice;

use postback_core::{
    clock::Timestamp,
    platform::{LoneRefund, Mapped, Message, OrderPart, Platform},
};
use postback_runtime::{
    ledger::{Kept, LedgerError},
    services::WebhookServices,
};
use serde_json::Value;

/// The order of a message and its landing page, or the reason for which it is ignored.
pub(super) type Completed = Result<(Value, Option<String>), &'static str>;

/// Completes what a message was mapped to by what is kept of its order. What it adds is kept from now on.
pub(super) async fn complete<P: Platform>(
    platform: &P,
    mapped: Mapped,
    message: &Message<'_>,
    services: &impl WebhookServices,
    now: Timestamp,
) -> Result<Completed, LedgerError> {
    let id = |order: &str| format!("{}/{order}", P::NAME);
    let mut completed = match mapped {
        Mapped::Order { order, landing } => Ok((order, landing)),
        Mapped::Ignored(reason) => Err(reason),
        Mapped::Refund(LoneRefund { order, id: refund_id, refund }) => {
            let kept = Kept::Refund { id: &refund_id, refund: &refund };
            let known = services.keep_of_shop_order(&id(&order), kept, now).await?;
            let refunds = platform.refunds(known.part.as_ref(), slice::from_ref(&refund));
            return Ok(refunds.map(|order| (order, None)));
        }
    };
    let part = platform.part(message.topic, message.payload);
    let Some(OrderPart { order, updated_at, part }) = part else { return Ok(completed) };
    let kept = Kept::Part { part: &part, updated_at };
    let known = services.keep_of_shop_order(&id(&order), kept, now).await;
    let Ok((order, _)) = &mut completed else {
        // A shop system gives up on an address that refuses what needs no answer.
        if known.is_err() {
            let (code, platform) = ("shop_order_not_kept", P::NAME);
            tracing::warn!(
                code,
                platform,
                "a refund of an ignored order waits for its next message"
            );
        }
        return Ok(completed);
    };
    if let Ok(before) = platform.refunds(Some(&part), &known?.refunds) {
        add_refunds(order, &before);
    }
    Ok(completed)
}

/// Adds the refunds that came before a completed order to those that it names itself.
fn add_refunds(order: &mut Value, before: &Value) {
    if order["status"] != "completed" {
        return;
    }
    let refunds = |order: &Value| order["refunds"].as_array().cloned().unwrap_or_default();
    let mut all = refunds(order);
    for refund in refunds(before) {
        if all.iter().all(|known| known["id"] != refund["id"]) {
            all.push(refund);
        }
    }
    order["refunds"] = Value::Array(all);
}
