//! The surroundings as AWS gives them.

use std::{fmt, future::Future, io::Write, time::Duration};

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};

use super::{
    Announcement, Bus, Doorway, Due, EventBus, Followed, Following, Secret, Surroundings,
    Unavailable,
    environment::{Environment, SettingMissing, setting},
};
use crate::{
    clock::Timestamp,
    ledger::{Ledger, LedgerError, Receipt},
    metrics::Metrics,
};

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
    pub fn new(environment: &Environment) -> Result<Self, SettingMissing> {
        Ok(Self {
            bus: Bus::new(environment)?,
            queue: environment.sqs(),
            queue_url: setting("QUEUE_URL")?,
            follow_queue_url: setting("FOLLOW_QUEUE_URL").ok(),
            secret: SecretSource::new(environment, setting("NETWORK_SECRET_ARN")?),
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

    async fn announce_when(
        &self,
        announcement: &Announcement<'_>,
        released: impl Future<Output = ()> + Send,
    ) -> Result<(), Unavailable> {
        let detail = serde_json::to_string(announcement).map_err(|_| Unavailable)?;
        self.bus.put_when(&announcement.detail_type(), detail, released).await
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
