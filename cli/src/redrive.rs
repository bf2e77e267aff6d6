//! `orders redrive`: dead letters back on their network's queue. Each is sent, then deleted: if
//! anything fails in between, an order is on the queue once too often, and is still reported once.

use std::collections::HashSet;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use postback_core::{fields::UnknownFields, order::Order};
use postback_runtime::services::{ORDER_COMPLETED, ORDER_DELAYED};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    account::{Account, Network, failed},
    args::Redrive,
    failure::Failure,
    view::{Output, table},
};

/// The time for which a message is hidden from others while it is handled, in seconds.
const HIDDEN: i32 = 120;

/// A dead letter, without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Letter {
    /// The message's id.
    message_id: String,
    /// The id of the order in it; `None` if there is none.
    order_id: Option<String>,
    /// The reason that it is here, as far as can be seen.
    why: String,
    /// The tool's action.
    done: Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    /// Put back on the queue.
    Redriven,
    /// Left where it was.
    Left,
}

#[derive(Serialize)]
struct View<'a> {
    network: &'a str,
    letters: &'a [Letter],
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Redrive,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let network = account.network(&wanted.network)?;
    let mut work =
        Work { account, network: &network, wanted, letters: Vec::new(), hidden: Vec::new() };
    let worked = work.all().await;
    // After a failure, too: others see the remaining messages at once, and the result is shown.
    work.release().await;
    let letters = work.letters;
    let rows: Vec<_> = letters.iter().map(row).collect();
    let mut lines = table(&["order", "reason", "done", "message"], &rows);
    if letters.is_empty() {
        lines = vec![format!("The dead-letter queue of {} is empty.", network.name)];
    }
    output.answer(&lines, &View { network: &network.name, letters: &letters });
    worked?;
    let left = letters.iter().filter(|letter| letter.done == Done::Left).count();
    match (left, wanted.dry_run) {
        (0, _) | (_, true) => Ok(()),
        _ => Err(Failure::Left { left, why: "they are no orders and would come back." }),
    }
}

fn row(letter: &Letter) -> Vec<String> {
    let done = if letter.done == Done::Redriven { "redriven" } else { "left" };
    let order = letter.order_id.clone().unwrap_or_else(|| "-".to_owned());
    vec![order, letter.why.clone(), done.to_owned(), letter.message_id.clone()]
}

struct Work<'a> {
    account: &'a Account,
    network: &'a Network,
    wanted: &'a Redrive,
    letters: Vec<Letter>,
    /// The messages that are hidden from others until they are released.
    hidden: Vec<String>,
}

impl Work<'_> {
    async fn all(&mut self) -> Result<(), Failure> {
        let mut seen = HashSet::new();
        while self.letters.len() < self.wanted.limit {
            let messages = self.receive(self.wanted.limit - self.letters.len()).await?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                // A letter comes a second time: all have been seen.
                if !seen.insert(message.message_id().unwrap_or_default().to_owned()) {
                    return Ok(());
                }
                self.handle(&message).await?;
            }
        }
        Ok(())
    }

    async fn receive(&self, most: usize) -> Result<Vec<Message>, Failure> {
        let receive = self
            .account
            .queues
            .receive_message()
            .queue_url(self.account.dead_letter_queue_url(self.network)?)
            .max_number_of_messages(i32::try_from(most.min(10)).unwrap_or(10))
            .visibility_timeout(HIDDEN)
            .wait_time_seconds(1)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let output = receive.send().await;
        let output = output.map_err(|error| failed("SQS", "ReceiveMessage", &error))?;
        Ok(output.messages.unwrap_or_default())
    }

    async fn handle(&mut self, message: &Message) -> Result<(), Failure> {
        let handle = message.receipt_handle().unwrap_or_default();
        self.hidden.push(handle.to_owned());
        let body = message.body().unwrap_or_default();
        let order_id = order_id(body);
        let why = self.reason(message, order_id.as_deref()).await?;
        let done =
            if self.wanted.dry_run || order_id.is_none() { Done::Left } else { Done::Redriven };
        if done == Done::Redriven {
            self.put_back(body, handle).await?;
            self.hidden.pop();
        }
        let message_id = message.message_id().unwrap_or_default().to_owned();
        self.letters.push(Letter { message_id, order_id, why, done });
        Ok(())
    }

    async fn put_back(&self, body: &str, handle: &str) -> Result<(), Failure> {
        let queues = &self.account.queues;
        let send = queues.send_message().queue_url(self.account.queue_url(self.network)?);
        let put = send.message_body(body).send().await;
        put.map_err(|error| failed("SQS", "SendMessage", &error))?;
        let url = self.account.dead_letter_queue_url(self.network)?;
        let deleted = queues.delete_message().queue_url(url).receipt_handle(handle).send().await;
        deleted.map(|_| ()).map_err(|error| failed("SQS", "DeleteMessage", &error))
    }

    /// The reason that a letter is here: the bus's error code, or the order's state in the ledger.
    async fn reason(&self, message: &Message, order_id: Option<&str>) -> Result<String, Failure> {
        if let Some(code) = error_code(message) {
            return Ok(format!("the bus could not put it on the queue: {code}"));
        }
        let Some(order_id) = order_id else {
            return Ok("the message is no order".to_owned());
        };
        let failed = self.account.ledger_failed("Query");
        let records = self.account.ledger.of_order(order_id).await.map_err(failed)?;
        let own = records.iter().filter(|record| record.network() == self.network.name);
        let states = own.map(|record| {
            let reason = record.protocol.reason.as_ref().map(|reason| format!(", {reason}"));
            format!("{}{}", record.protocol.state.as_str(), reason.unwrap_or_default())
        });
        let states = states.collect::<Vec<_>>().join("; ");
        Ok(if states.is_empty() {
            "the function failed before it wrote to the ledger: see its log".to_owned()
        } else {
            format!("the function failed on it; now {states}")
        })
    }

    async fn release(&mut self) {
        let Ok(url) = self.account.dead_letter_queue_url(self.network) else { return };
        for handle in self.hidden.drain(..) {
            let change = self.account.queues.change_message_visibility().queue_url(url);
            // If this fails, others see the message when its time is over.
            let _later = change.receipt_handle(handle).visibility_timeout(0).send().await;
        }
    }
}

/// The code with which EventBridge gave up, if EventBridge put the message here.
fn error_code(message: &Message) -> Option<String> {
    let code = message.message_attributes()?.get("ERROR_CODE")?.string_value()?;
    Some(code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
}

/// The id of the order in a message that a function accepts.
fn order_id(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(rename = "detail-type")]
        detail_type: String,
        detail: Value,
    }
    let envelope: Envelope = serde_json::from_str(body).ok()?;
    if envelope.detail_type != ORDER_COMPLETED && envelope.detail_type != ORDER_DELAYED {
        return None;
    }
    let order = Order::read(&envelope.detail, UnknownFields::Ignore).ok()?;
    Some(order.order_id.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::MessageAttributeValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_letter_is_an_order_or_stays() {
        let order = json!({
            "order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
            "currency": "INR", "total": "1.00",
        });
        let of = |kind: &str, detail: &Value| {
            order_id(&json!({ "detail-type": kind, "detail": detail }).to_string())
        };

        assert_eq!(of("order.completed", &order).as_deref(), Some("A-1"));
        assert_eq!(of("postback.order_delayed", &order).as_deref(), Some("A-1"));
        assert_eq!(of("postback.delivered", &order), None);
        assert_eq!(of("order.completed", &json!({ "order_id": "A-1" })), None);
        assert_eq!(order_id("not json"), None);
    }

    #[test]
    fn the_buss_error_code_is_the_reason() {
        let code =
            MessageAttributeValue::builder().data_type("String").string_value("NO_PERMISSIONS");
        let code = code.build().expect("an attribute");
        let message = Message::builder().message_attributes("ERROR_CODE", code).build();

        assert_eq!(error_code(&message).as_deref(), Some("NO_PERMISSIONS"));
        assert_eq!(error_code(&Message::builder().build()), None);
    }
}
