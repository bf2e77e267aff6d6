//! The services as AWS gives them.

use std::{collections::BTreeMap, fmt, io::Write, time::Duration};

use aws_sdk_sqs::{
    error::SdkError,
    operation::send_message::{SendMessageError, SendMessageOutput},
    types::{Message, MessageAttributeValue, MessageSystemAttributeName},
};

use postback_core::clock::Timestamp;
use serde_json::Value;

use super::{
    Bus, BusEvent, DelayedOrder, EventBus, IntakeServices, PublishServices, Secret, Services,
    StatusServices, SweepServices, TrackedLead, Unavailable,
    environment::{Environment, SettingMissing, setting},
};
use crate::{
    ledger::{Ledger, LedgerError, Receipt},
    metrics::Metrics,
};

/// What AWS gives the function that takes orders at the API.
#[derive(Debug)]
pub struct AwsIntake {
    bus: Bus,
    webhook: Option<Webhook>,
}

#[derive(Debug)]
struct Webhook {
    ledger: Ledger,
    secret: SecretSource,
}

impl AwsIntake {
    /// Reads `EVENT_BUS_NAME`; and where `WEBHOOK_SECRET_ARN` opens the webhook, `LEDGER_TABLE`.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let environment = &Environment::of_lambda()?;
        let open = |arn| {
            let secret = SecretSource::new(environment, arn);
            environment.ledger().map(|ledger| Webhook { ledger, secret })
        };
        let webhook = setting("WEBHOOK_SECRET_ARN").ok().map(open).transpose()?;
        Ok(Self { bus: Bus::new(environment)?, webhook })
    }
}

impl EventBus for AwsIntake {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        self.bus.put_all(events).await
    }
}

impl IntakeServices for AwsIntake {
    fn is_open(&self) -> bool {
        self.webhook.is_some()
    }

    async fn secret(&self) -> Result<Secret, Unavailable> {
        self.webhook.as_ref().ok_or(Unavailable)?.secret.read().await
    }

    async fn receipt(&self, id: &str) -> Result<Option<Receipt>, LedgerError> {
        let webhook = self.webhook.as_ref().ok_or(LedgerError::Unavailable)?;
        webhook.ledger.receipt(id).await
    }

    async fn put_receipt(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        let webhook = self.webhook.as_ref().ok_or(LedgerError::Unavailable)?;
        webhook.ledger.put_receipt(receipt).await
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

/// How long a message of the following queue stays invisible while it is being asked about.
const ASKING: i32 = 300;

/// What AWS gives a network's function.
pub struct AwsServices {
    queue: aws_sdk_sqs::Client,
    queue_url: String,
    dead_letter_queue_url: String,
    status_queue_url: Option<String>,
    secret: SecretSource,
    stack: String,
}

impl fmt::Debug for AwsServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsServices").finish_non_exhaustive()
    }
}

impl AwsServices {
    /// Reads `QUEUE_URL`, `EVENT_BUS_NAME` and `NETWORK_SECRET_ARN`, `STATUS_QUEUE_URL` where the
    /// network is lead, and `STACK_NAME`, by which the metrics of two installations differ.
    pub fn new(environment: &Environment) -> Result<Self, SettingMissing> {
        Ok(Self {
            queue: environment.sqs(),
            queue_url: setting("QUEUE_URL")?,
            dead_letter_queue_url: setting("DEAD_LETTER_QUEUE_URL")?,
            status_queue_url: setting("STATUS_QUEUE_URL").ok(),
            secret: SecretSource::new(environment, setting("NETWORK_SECRET_ARN")?),
            stack: stack_name(),
        })
    }
}

impl Services for AwsServices {
    fn now(&self) -> Timestamp {
        Timestamp::system()
    }

    fn random(&self) -> u64 {
        fastrand::u64(..)
    }

    async fn requeue(&self, order: &DelayedOrder<'_>, delay: Duration) -> Result<(), Unavailable> {
        let body = serde_json::to_string(order).map_err(|_| Unavailable)?;
        let seconds = delay.as_millis().div_ceil(1000).min(900);
        let send = self
            .queue
            .send_message()
            .queue_url(&self.queue_url)
            .message_body(body)
            .delay_seconds(i32::try_from(seconds).unwrap_or(900));
        sent(send.send().await)
    }

    async fn dead_letter(&self, body: &str, reason: &'static str) -> Result<(), Unavailable> {
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason);
        let send = self
            .queue
            .send_message()
            .queue_url(&self.dead_letter_queue_url)
            .message_body(body)
            .message_attributes("reason", reason.build().map_err(|_| Unavailable)?);
        sent(send.send().await)
    }

    async fn secret(&self) -> Result<Secret, Unavailable> {
        self.secret.read().await
    }

    fn measure(&self, network: &'static str, metrics: &Metrics) {
        for document in metrics.documents(&self.stack, network, self.now()) {
            write_line(&document);
        }
    }
}

impl StatusServices for AwsServices {
    async fn receive(&self, most: usize) -> Result<Vec<TrackedLead>, Unavailable> {
        let most = i32::try_from(most.min(10)).unwrap_or(10);
        let receive = self
            .queue
            .receive_message()
            .set_queue_url(self.status_queue_url.clone())
            .max_number_of_messages(most)
            .visibility_timeout(ASKING)
            .wait_time_seconds(1)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let output = receive.send().await.map_err(|_| Unavailable)?;
        Ok(output.messages.unwrap_or_default().into_iter().map(lead).collect())
    }

    async fn defer(&self, lead: &TrackedLead, delay: Duration) -> Result<(), Unavailable> {
        let change = self
            .queue
            .change_message_visibility()
            .set_queue_url(self.status_queue_url.clone())
            .receipt_handle(&lead.handle)
            .visibility_timeout(i32::try_from(delay.as_secs()).unwrap_or(i32::MAX));
        change.send().await.map(|_| ()).map_err(|_| Unavailable)
    }

    async fn delete(&self, lead: &TrackedLead) -> Result<(), Unavailable> {
        let delete = self
            .queue
            .delete_message()
            .set_queue_url(self.status_queue_url.clone())
            .receipt_handle(&lead.handle);
        delete.send().await.map(|_| ()).map_err(|_| Unavailable)
    }

    async fn renew(&self, lead: &TrackedLead) -> Result<(), Unavailable> {
        let send = self
            .queue
            .send_message()
            .set_queue_url(self.status_queue_url.clone())
            .message_body(&lead.body)
            .delay_seconds(900);
        sent(send.send().await)
    }
}

/// An answer without the message's id is no word that the message was taken.
fn sent(result: Result<SendMessageOutput, SdkError<SendMessageError>>) -> Result<(), Unavailable> {
    result.ok().and_then(|output| output.message_id).map(|_| ()).ok_or(Unavailable)
}

fn lead(message: Message) -> TrackedLead {
    let sent = message.attributes.as_ref().and_then(|attributes| {
        attributes.get(&MessageSystemAttributeName::SentTimestamp)?.parse().ok()
    });
    TrackedLead {
        handle: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        sent_at: sent.map_or_else(Timestamp::system, Timestamp::from_millis),
    }
}
