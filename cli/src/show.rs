//! `orders show`: all deliveries of an order; or that it concerned no network.

use postback_core::delivery::{DeliveryView, views};
use postback_runtime::ledger::{UnclaimedOrder, UnclaimedView};
use serde::Serialize;

use crate::{
    account::Account,
    args::Show,
    failure::Failure,
    view::{Output, story},
};

#[derive(Serialize)]
struct View<'a> {
    order_id: &'a str,
    deliveries: Vec<DeliveryView<'a>>,
    /// Present where it concerned no network.
    #[serde(skip_serializing_if = "Option::is_none")]
    unclaimed: Option<UnclaimedView<'a>>,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Show,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let order_id = &wanted.order_id;
    let failed = account.ledger_failed("Query");
    let records = account.ledger.of_order(order_id).await.map_err(failed)?;
    if records.is_empty() {
        let failed = account.ledger_failed("Query");
        let order = account.ledger.unclaimed(order_id).await.map_err(failed)?;
        let order = order.ok_or_else(|| Failure::UnknownOrder { order_id: order_id.clone() })?;
        let unclaimed = Some(UnclaimedView::of(&order));
        let view = View { order_id, deliveries: Vec::new(), unclaimed };
        output.answer(&lines(order_id, &order), &view);
        return Ok(());
    }
    let stories: Vec<_> = records.iter().map(story).collect();
    let deliveries = views(&records, DeliveryView::for_operator);
    let view = View { order_id, deliveries, unclaimed: None };
    output.answer(&stories.join(&String::new()), &view);
    Ok(())
}

/// An order that concerned no network.
fn lines(order_id: &str, order: &UnclaimedOrder) -> Vec<String> {
    let clicks = if order.clicks.is_empty() { "none".to_owned() } else { order.clicks.join(", ") };
    vec![
        format!("{order_id} concerned no network"),
        format!("  {:<15}{} {}", "amount", order.amount, order.currency),
        format!("  {:<15}{}", "sender", order.source),
        format!("  {:<15}{}", "accepted", order.accepted_at),
        format!("  {:<15}{clicks}", "clicks"),
    ]
}
