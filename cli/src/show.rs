//! `orders show`: all deliveries of an order.

use postback_core::delivery::DeliveryView;
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
        return Err(Failure::UnknownOrder { order_id: order_id.clone() });
    }
    let stories: Vec<_> = records.iter().map(story).collect();
    let deliveries = records.iter().map(DeliveryView::for_operator).collect();
    output.answer(&stories.join(&String::new()), &View { order_id, deliveries });
    Ok(())
}
