//! One network's function, called as Lambda calls it.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Key, Record},
    network::Network,
};
use postback_runtime::{
    client::Sender, dispatch::Dispatcher, lambda::handle, ledger::Ledger, services::Services,
};
use serde_json::{Value, value::to_raw_value};

use crate::{
    events::{api_event, order_event, sqs_event},
    fake_services::{FakeServices, Message},
};

pub use postback_runtime::lambda::TIMEOUT;

/// The time that a received message is invisible, as in the template.
pub const INVISIBLE: Duration = Duration::from_mins(3);

/// A running instance of one network's function.
#[derive(Debug)]
pub struct Function<N: Network> {
    /// The handler's state.
    pub dispatcher: Dispatcher<N, FakeServices>,
    /// Its queue, secret and clock.
    pub services: FakeServices,
    ledger: Ledger,
}

/// An answer of the API.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u64,
    /// The headers.
    pub headers: Value,
    /// The body.
    pub body: Value,
}

impl<N: Network> Function<N> {
    pub(crate) async fn start(ledger: Ledger, sender: Sender, services: FakeServices) -> Self {
        let dispatcher = Dispatcher::start(ledger.clone(), sender, services.clone()).await;
        Self { dispatcher: dispatcher.expect("the function starts"), services, ledger }
    }

    /// Posts an order to `POST /orders/{network}`.
    pub async fn post(&self, order: &Value) -> Answer {
        self.post_text(&order.to_string()).await
    }

    /// Posts a body to `POST /orders/{network}`.
    ///
    /// # Panics
    ///
    /// If the handler fails: it has an answer for everything.
    pub async fn post_text(&self, body: &str) -> Answer {
        let event = api_event("POST", &format!("/orders/{}", N::NAME), body);
        let answer = self.call(&event, self.services.now() + TIMEOUT).await.expect("an answer");
        let body = answer["body"].as_str().unwrap_or_default();
        Answer {
            status: answer["statusCode"].as_u64().unwrap_or_default(),
            headers: answer["headers"].clone(),
            body: serde_json::from_str(body).unwrap_or_default(),
        }
    }

    /// Calls the handler with an event, to be ended at `deadline`.
    ///
    /// # Errors
    ///
    /// The text of a failed invocation.
    ///
    /// # Panics
    ///
    /// If the answer is not JSON, or the function has broken a rule of AWS.
    pub async fn call(&self, event: &Value, deadline: Timestamp) -> Result<Value, String> {
        let payload = to_raw_value(event).expect("JSON");
        let answer = handle(&self.dispatcher, &payload, deadline).await;
        assert_eq!(self.services.broken_rule(), None);
        let answer = answer.map_err(|error| error.to_string())?;
        Ok(serde_json::from_str(answer.get()).expect("JSON"))
    }

    /// Puts the event of an order on the queue, as its rule on the bus does.
    pub fn enqueue(&self, order: &Value) {
        self.services.enqueue(order_event(order).to_string());
    }

    /// Takes everything that is visible on the queue now, in batches of ten.
    pub async fn work(&self) {
        loop {
            let messages = self.services.receive(10, INVISIBLE);
            if messages.is_empty() {
                return;
            }
            self.take(&messages).await;
        }
    }

    /// Takes one batch and deletes the messages that the answer does not name as failed. Returns
    /// the ids of the failed.
    ///
    /// # Panics
    ///
    /// If the handler fails as a whole.
    pub async fn take(&self, messages: &[Message]) -> Vec<String> {
        let deadline = self.services.now() + TIMEOUT;
        let answer = self.call(&sqs_event(messages), deadline).await.expect("an answer");
        let failures = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
        let failed: Vec<_> = failures
            .iter()
            .filter_map(|failure| failure["itemIdentifier"].as_str().map(str::to_owned))
            .collect();
        for message in messages.iter().filter(|message| !failed.contains(&message.id)) {
            self.services.delete(&message.id);
        }
        failed
    }

    /// The delivery of an order to this network, as the ledger holds it.
    ///
    /// # Panics
    ///
    /// If the ledger can't be read.
    pub async fn record(&self, order_id: &str) -> Option<Record> {
        let records = self.ledger.of_order(order_id).await.expect("the ledger");
        records.into_iter().find(|record| record.network() == N::NAME)
    }

    /// A delivery as the ledger holds it.
    ///
    /// # Panics
    ///
    /// If the ledger can't be read.
    pub async fn record_of(&self, key: &Key) -> Option<Record> {
        self.ledger.get(key).await.expect("the ledger")
    }
}
