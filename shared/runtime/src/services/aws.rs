//! The services as AWS gives them.

use std::{collections::BTreeMap, fmt, io::Write};

use aws_sdk_sqs::{
    error::SdkError,
    operation::send_message::{SendMessageError, SendMessageOutput},
};
use postback_core::clock::Timestamp;
use serde_json::Value;

use super::{
    Bus, BusEvent, EventBus, PublishServices, Secret, SweepServices, Unavailable, WebhookServices,
    environment::{Environment, SettingMissing, setting},
};
use crate::ledger::{Ledger, LedgerError, Receipt};

mod network;

pub use network::AwsServices;

/// The AWS services of the webhook.
#[derive(Debug)]
pub struct AwsWebhook {
    bus: Bus,
    ledger: Ledger,
    secret: SecretSource,
    stack: String,
}

impl AwsWebhook {
    /// Reads `EVENT_BUS_NAME`, `LEDGER_TABLE`, `WEBHOOK_SECRET_ARN` and `STACK_NAME`.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let environment = &Environment::of_lambda()?;
        Ok(Self {
            bus: Bus::new(environment)?,
            ledger: environment.ledger()?,
            secret: SecretSource::new(environment, setting("WEBHOOK_SECRET_ARN")?),
            stack: stack_name(),
        })
    }
}

impl EventBus for AwsWebhook {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        self.bus.put_all(events).await
    }
}

impl WebhookServices for AwsWebhook {
    fn stack(&self) -> &str {
        &self.stack
    }

    fn measure(&self, document: &Value) {
        write_line(document);
    }

    async fn secret(&self) -> Result<Secret, Unavailable> {
        self.secret.read().await
    }

    async fn receipt(&self, id: &str) -> Result<Option<Receipt>, LedgerError> {
        self.ledger.receipt(id).await
    }

    async fn put_receipt(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        self.ledger.put_receipt(receipt).await
    }
}

/// The AWS services of the function that publishes.
pub struct AwsPublish {
    bus: Bus,
    queue: aws_sdk_sqs::Client,
    /// The URLs of the status queues, by network.
    status_queues: BTreeMap<String, String>,
}

impl fmt::Debug for AwsPublish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsPublish").finish_non_exhaustive()
    }
}

impl AwsPublish {
    /// Reads `EVENT_BUS_NAME` and, where networks have one, their status queues from
    /// `STATUS_QUEUES`: a JSON object of URLs by network.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let environment = &Environment::of_lambda()?;
        let queues = setting("STATUS_QUEUES").unwrap_or_else(|_| "{}".to_owned());
        let status_queues = serde_json::from_str(&queues).map_err(|_| SettingMissing {
            name: "STATUS_QUEUES",
            fault: "is not a JSON object of queue URLs by network",
        })?;
        Ok(Self { bus: Bus::new(environment)?, queue: environment.sqs(), status_queues })
    }
}

impl EventBus for AwsPublish {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        self.bus.put_all(events).await
    }
}

impl PublishServices for AwsPublish {
    async fn track(&self, network: &str, event: String) -> Result<(), Unavailable> {
        let Some(url) = self.status_queues.get(network) else { return Ok(()) };
        let send = self.queue.send_message().queue_url(url).message_body(event);
        sent(send.send().await)
    }
}

/// The AWS services of the function that sweeps.
#[derive(Debug)]
pub struct AwsSweep {
    ledger: Ledger,
    stack: String,
    networks: Vec<String>,
}

impl AwsSweep {
    /// Reads `LEDGER_TABLE`, `STACK_NAME` and `NETWORKS`: the names of the networks that are on,
    /// separated by commas.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let ledger = Environment::of_lambda()?.ledger()?;
        let networks = setting("NETWORKS").unwrap_or_default();
        let networks = networks.split(',').filter(|name| !name.is_empty());
        Ok(Self { ledger, stack: stack_name(), networks: networks.map(str::to_owned).collect() })
    }
}

impl SweepServices for AwsSweep {
    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn now(&self) -> Timestamp {
        Timestamp::system()
    }

    fn random(&self) -> u64 {
        fastrand::u64(..)
    }

    fn stack(&self) -> String {
        self.stack.clone()
    }

    fn networks(&self) -> Vec<String> {
        self.networks.clone()
    }

    fn measure(&self, document: &Value) {
        write_line(document);
    }
}

/// The value of the metrics' dimension `Stack`.
fn stack_name() -> String {
    setting("STACK_NAME").unwrap_or_else(|_| "postback".to_owned())
}

/// Writes one line to the log. A failure must not stop the function.
fn write_line(document: &Value) {
    let _unwritten = std::io::stdout().lock().write_all(format!("{document}\n").as_bytes());
}

/// One secret of Secrets Manager.
#[derive(Clone)]
struct SecretSource {
    client: aws_sdk_secretsmanager::Client,
    arn: String,
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretSource").field("arn", &self.arn).finish_non_exhaustive()
    }
}

impl SecretSource {
    fn new(environment: &Environment, arn: String) -> Self {
        Self { client: environment.secrets_manager(), arn }
    }

    async fn read(&self) -> Result<Secret, Unavailable> {
        let get = self.client.get_secret_value().secret_id(&self.arn);
        let output = get.send().await.map_err(|_| Unavailable)?;
        Ok(Secret {
            json: output.secret_string.unwrap_or_default().into(),
            version: output.version_id.unwrap_or_default(),
        })
    }
}

/// An answer without the message's id is no word that the message was taken.
fn sent(result: Result<SendMessageOutput, SdkError<SendMessageError>>) -> Result<(), Unavailable> {
    result.ok().and_then(|output| output.message_id).map(|_| ()).ok_or(Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_sent_when_the_answer_names_it() {
        let named = SendMessageOutput::builder().message_id("m-1").build();
        let unnamed = SendMessageOutput::builder().build();

        assert_eq!(sent(Ok(named)), Ok(()));
        assert_eq!(sent(Ok(unnamed)), Err(Unavailable));
    }
}
