//! The surroundings as AWS gives them.

use std::{env, fmt, io::Write, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use aws_smithy_http_client::tls;

use super::{
    Announcement, Doorway, Due, EventBus, Followed, Following, SOURCE, Secret, Surroundings,
    Unavailable,
};
use crate::{
    clock::Timestamp,
    ledger::{Ledger, LedgerError, Receipt},
    metrics::Metrics,
};

/// A setting that a function can't start without.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the setting {name} {fault}")]
pub struct SettingMissing {
    /// Its name. Its value never shows.
    pub name: &'static str,
    /// What is wrong with it.
    pub fault: &'static str,
}

/// A setting of the environment. An empty one counts as missing.
pub fn setting(name: &'static str) -> Result<String, SettingMissing> {
    let value = env::var(name).ok().filter(|value| !value.trim().is_empty());
    value.ok_or(SettingMissing { name, fault: "is missing from the function's environment" })
}

/// Region, credentials and endpoints of the function. One connection pool for all services.
pub async fn environment() -> SdkConfig {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let client = aws_smithy_http_client::Builder::new().tls_provider(provider).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(client)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(50)))
        .load()
        .await
}

/// The ledger named by `LEDGER_TABLE`.
pub fn ledger(config: &SdkConfig) -> Result<Ledger, SettingMissing> {
    let table = setting("LEDGER_TABLE")?;
    Ok(Ledger::new(aws_sdk_dynamodb::Client::new(config), table))
}

/// The event bus.
#[derive(Clone)]
pub struct Bus {
    client: aws_sdk_eventbridge::Client,
    name: String,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Bus {
    /// The bus named by `EVENT_BUS_NAME`.
    pub fn new(config: &SdkConfig) -> Result<Self, SettingMissing> {
        Ok(Self::named(config, setting("EVENT_BUS_NAME")?))
    }

    /// The bus of this name.
    #[must_use]
    pub fn named(config: &SdkConfig, name: String) -> Self {
        Self { client: aws_sdk_eventbridge::Client::new(config), name }
    }
}

impl EventBus for Bus {
    async fn put(&self, detail_type: &str, detail: String) -> Result<(), Unavailable> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(detail_type)
            .detail(detail)
            .build();
        let output = self.client.put_events().entries(entry).send().await;
        let output = output.map_err(|_| Unavailable)?;
        if output.failed_entry_count() == 0 { Ok(()) } else { Err(Unavailable) }
    }
}

/// What AWS gives the function that takes orders at the API.
#[derive(Debug)]
pub struct Gate {
    bus: Bus,
    webhook: Option<Webhook>,
}

#[derive(Debug)]
struct Webhook {
    ledger: Ledger,
    secret: SecretSource,
}

impl Gate {
    /// Reads `EVENT_BUS_NAME`; and where `WEBHOOK_SECRET_ARN` opens the webhook, `LEDGER_TABLE`.
    pub fn new(config: &SdkConfig) -> Result<Self, SettingMissing> {
        let open = |arn| {
            let secret = SecretSource::new(config, arn);
            ledger(config).map(|ledger| Webhook { ledger, secret })
        };
        let webhook = setting("WEBHOOK_SECRET_ARN").ok().map(open).transpose()?;
        Ok(Self { bus: Bus::new(config)?, webhook })
    }
}

impl EventBus for Gate {
    async fn put(&self, detail_type: &str, detail: String) -> Result<(), Unavailable> {
        self.bus.put(detail_type, detail).await
    }
}

impl Doorway for Gate {
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

    async fn keep(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        let webhook = self.webhook.as_ref().ok_or(LedgerError::Unavailable)?;
        webhook.ledger.keep(receipt).await
    }
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
    fn new(config: &SdkConfig, arn: String) -> Self {
        Self { client: aws_sdk_secretsmanager::Client::new(config), arn }
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
pub struct Aws {
    bus: Bus,
    queue: aws_sdk_sqs::Client,
    queue_url: String,
    follow_queue_url: Option<String>,
    secret: SecretSource,
    stack: String,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").finish_non_exhaustive()
    }
}

impl Aws {
    /// Reads `QUEUE_URL`, `EVENT_BUS_NAME` and `NETWORK_SECRET_ARN`, `FOLLOW_QUEUE_URL` where the
    /// network is followed, and `STACK_NAME`, by which the metrics of two installations differ.
    pub fn new(config: &SdkConfig) -> Result<Self, SettingMissing> {
        Ok(Self {
            bus: Bus::new(config)?,
            queue: aws_sdk_sqs::Client::new(config),
            queue_url: setting("QUEUE_URL")?,
            follow_queue_url: setting("FOLLOW_QUEUE_URL").ok(),
            secret: SecretSource::new(config, setting("NETWORK_SECRET_ARN")?),
            stack: setting("STACK_NAME").unwrap_or_else(|_| "postback".to_owned()),
        })
    }
}

impl Surroundings for Aws {
    fn now(&self) -> Timestamp {
        Timestamp::system()
    }

    fn chance(&self) -> u64 {
        fastrand::u64(..)
    }

    async fn requeue(&self, due: &Due<'_>, delay: Duration) -> Result<(), Unavailable> {
        let body = serde_json::to_string(due).map_err(|_| Unavailable)?;
        let seconds = delay.as_millis().div_ceil(1000).min(900);
        let send = self
            .queue
            .send_message()
            .queue_url(&self.queue_url)
            .message_body(body)
            .delay_seconds(i32::try_from(seconds).unwrap_or(900));
        send.send().await.map(|_| ()).map_err(|_| Unavailable)
    }

    async fn announce(&self, announcement: &Announcement<'_>) -> Result<(), Unavailable> {
        let detail = serde_json::to_string(announcement).map_err(|_| Unavailable)?;
        self.bus.put(&announcement.detail_type(), detail).await
    }

    async fn secret(&self) -> Result<Secret, Unavailable> {
        self.secret.read().await
    }

    fn measure(&self, network: &'static str, metrics: &Metrics) {
        let documents = metrics.documents(&self.stack, network, self.now());
        let mut out = std::io::stdout().lock();
        for document in documents {
            // What can't be written must not stop what is measured.
            let _unwritten = out.write_all(format!("{document}\n").as_bytes());
        }
    }
}

impl Following for Aws {
    async fn receive(&self, most: usize) -> Result<Vec<Followed>, Unavailable> {
        let most = i32::try_from(most.min(10)).unwrap_or(10);
        let receive = self
            .queue
            .receive_message()
            .set_queue_url(self.follow_queue_url.clone())
            .max_number_of_messages(most)
            .visibility_timeout(ASKING)
            .wait_time_seconds(1)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let output = receive.send().await.map_err(|_| Unavailable)?;
        Ok(output.messages.unwrap_or_default().into_iter().map(followed).collect())
    }

    async fn later(&self, followed: &Followed, delay: Duration) -> Result<(), Unavailable> {
        let change = self
            .queue
            .change_message_visibility()
            .set_queue_url(self.follow_queue_url.clone())
            .receipt_handle(&followed.handle)
            .visibility_timeout(i32::try_from(delay.as_secs()).unwrap_or(i32::MAX));
        change.send().await.map(|_| ()).map_err(|_| Unavailable)
    }

    async fn done(&self, followed: &Followed) -> Result<(), Unavailable> {
        let delete = self
            .queue
            .delete_message()
            .set_queue_url(self.follow_queue_url.clone())
            .receipt_handle(&followed.handle);
        delete.send().await.map(|_| ()).map_err(|_| Unavailable)
    }

    async fn renew(&self, followed: &Followed) -> Result<(), Unavailable> {
        let send = self
            .queue
            .send_message()
            .set_queue_url(self.follow_queue_url.clone())
            .message_body(&followed.body)
            .delay_seconds(900);
        send.send().await.map(|_| ()).map_err(|_| Unavailable)
    }
}

fn followed(message: Message) -> Followed {
    let sent = message.attributes.as_ref().and_then(|attributes| {
        attributes.get(&MessageSystemAttributeName::SentTimestamp)?.parse().ok()
    });
    Followed {
        handle: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        sent_at: sent.map_or_else(Timestamp::system, Timestamp::from_millis),
    }
}
