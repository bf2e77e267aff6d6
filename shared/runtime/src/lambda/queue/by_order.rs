//! The messages of a batch, by their orders.

use std::cmp::Reverse;

use postback_core::{
    clock::Timestamp,
    order::{self, OrderId},
};
use serde_json::Value;

use crate::{
    lambda::event::Message,
    services::{DelayedOrder, ORDER_DELAYED, ORDER_TYPES},
};

/// The messages of a batch.
pub(super) struct Batch {
    /// By their orders. Of one order its cancellations come first, then its latest version: the others
    /// are superseded by it.
    pub(super) orders: Vec<Vec<Message>>,
    /// Large ones, with the others of their orders, to be taken one after the other behind all others:
    /// together they might need more memory than the function has, and reading one takes time in which
    /// no answer of a network is read.
    pub(super) large: Vec<Message>,
}

impl Batch {
    /// Sorts the messages of a batch.
    pub(super) fn of(messages: Vec<Message>) -> Self {
        let is_large = |messages: &Vec<_>| messages.iter().any(Message::is_large);
        let (large, orders): (Vec<_>, _) = by_order(messages).partition(is_large);
        Self { orders, large: large.into_iter().flatten().collect() }
    }
}

fn by_order(messages: Vec<Message>) -> impl Iterator<Item = Vec<Message>> {
    let mut orders: Vec<(Option<String>, Vec<Placed>)> = Vec::new();
    for message in messages {
        let (order_id, place) = place(&message).unzip();
        let known = orders.iter_mut().find(|(id, _)| id.is_some() && *id == order_id);
        match known {
            Some((_, messages)) => messages.push((place, message)),
            None => orders.push((order_id, vec![(place, message)])),
        }
    }
    orders.into_iter().map(|(_, mut messages)| {
        messages.sort_by_key(|(place, _)| *place);
        messages.into_iter().map(|(_, message)| message).collect()
    })
}

/// The place of a message among those of its order.
type Place = (bool, Reverse<Option<Timestamp>>);

/// A message and its place.
type Placed = (Option<Place>, Message);

/// The order that a message is about, and its place; `None` where no order can be read.
fn place(message: &Message) -> Option<(String, Place)> {
    let body = message.body.as_deref()?;
    let event: DelayedOrder<'_> = serde_json::from_str(body).ok()?;
    let is_order =
        event.detail_type == ORDER_DELAYED || ORDER_TYPES.contains(&event.detail_type.as_ref());
    let detail = order::readable(event.detail.get());
    let order: Value = serde_json::from_str(&detail).ok().filter(|_| is_order)?;
    let order_id = OrderId::from_json(order.get("order_id")?).ok()?;
    let updated_at = order.get("updated_at").and_then(Value::as_str).and_then(Timestamp::parse);
    let place = (!order::is_cancellation(&order), Reverse(updated_at));
    Some((order_id.as_str().to_owned(), place))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(id: &str, order_id: &str, bytes: usize) -> Message {
        let order =
            json!({ "order_id": order_id, "status": "completed", "comment": "x".repeat(bytes) });
        let body = json!({ "detail-type": "order.completed", "detail": order }).to_string();
        serde_json::from_value(json!({ "messageId": id, "body": body })).expect("a message")
    }

    #[test]
    fn large_orders_are_taken_one_after_the_other_with_the_others_of_their_order() {
        let batch = vec![
            message("1", "A-1", 10),
            message("2", "A-2", 100_000),
            message("3", "A-3", 100_000),
            message("4", "A-1", 10),
            message("5", "A-3", 10),
        ];

        let Batch { orders, large } = Batch::of(batch);

        let ids = |messages: Vec<Message>| messages.into_iter().filter_map(|message| message.id);
        let orders: Vec<Vec<_>> = orders.into_iter().map(|order| ids(order).collect()).collect();
        assert_eq!(orders, [["1", "4"]]);
        assert_eq!(ids(large).collect::<Vec<_>>(), ["2", "3", "5"]);
    }
}
