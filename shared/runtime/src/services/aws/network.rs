//! The services of a network's function.

use std::{fmt, time::Duration};

use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
};
use postback_core::{clock::Timestamp, order::Order, plausibility::Plausibility};

use super::{
    super::{DelayedOrder, Secret, Services, StatusServices, TrackedLead, Unavailable},
    Environment, SecretSource, SettingMissing, sent, setting, stack_name, write_line,
};
use crate::metrics::Metrics;

/// The time that a message of the status queue stays invisible while it is being asked about.
const ASKING: i32 = 300;

/// The variable with the largest total for each currency.
const LARGEST_TOTALS: &str = "LARGEST_TOTALS";

/// The variable with the largest total as a multiple of the sum of its parts.
const LARGEST_TOTAL_TO_LINES: &str = "LARGEST_TOTAL_TO_LINES";

/// The services of a network's function.
pub struct AwsServices {
    queue: aws_sdk_sqs::Client,
    queue_url: String,
    dead_letter_queue_url: String,
    status_queue_url: Option<String>,
    status_dead_letter_queue_url: Option<String>,
    secret: SecretSource,
    plausibility: Plausibility,
    stack: String,
}

impl fmt::Debug for AwsServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsServices").finish_non_exhaustive()
    }
}

impl AwsServices {
    /// Reads `QUEUE_URL`, `DEAD_LETTER_QUEUE_URL` and `NETWORK_SECRET_ARN`, `STATUS_QUEUE_URL` and
    /// `STATUS_DEAD_LETTER_QUEUE_URL` where the network's status is polled, `LARGEST_TOTALS` and
    /// `LARGEST_TOTAL_TO_LINES` where orders have bounds, and `STACK_NAME`, by which the metrics of two
    /// stacks differ.
    pub fn new(environment: &Environment) -> Result<Self, SettingMissing> {
        let bound = |name| setting(name).unwrap_or_default();
        let invalid = |name| move |fault| SettingMissing { name, fault };
        let plausibility = Plausibility::parse(&bound(LARGEST_TOTALS))
            .map_err(invalid(LARGEST_TOTALS))?
            .with_times_its_parts(&bound(LARGEST_TOTAL_TO_LINES))
            .map_err(invalid(LARGEST_TOTAL_TO_LINES))?;
        Ok(Self {
            queue: environment.sqs(),
            queue_url: setting("QUEUE_URL")?,
            dead_letter_queue_url: setting("DEAD_LETTER_QUEUE_URL")?,
            status_queue_url: setting("STATUS_QUEUE_URL").ok(),
            status_dead_letter_queue_url: setting("STATUS_DEAD_LETTER_QUEUE_URL").ok(),
            secret: SecretSource::new(environment, setting("NETWORK_SECRET_ARN")?),
            plausibility,
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
        self.secret.fetch().await
    }

    fn measure(&self, network: &'static str, metrics: &Metrics) {
        for document in metrics.documents(&self.stack, network, self.now()) {
            write_line(&document);
        }
    }

    fn is_plausible(&self, order: &Order) -> bool {
        self.plausibility.takes(order)
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

    async fn dead_letter_tracked(&self, lead: &TrackedLead) -> Result<(), Unavailable> {
        let send = self
            .queue
            .send_message()
            .set_queue_url(self.status_dead_letter_queue_url.clone())
            .message_body(&lead.body);
        sent(send.send().await)
    }

    async fn count_tracked(&self) -> Result<u64, Unavailable> {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let get = self
            .queue
            .get_queue_attributes()
            .set_queue_url(self.status_queue_url.clone())
            .set_attribute_names(Some(counts.to_vec()));
        let output = get.send().await.map_err(|_| Unavailable)?;
        let attributes = output.attributes.ok_or(Unavailable)?;
        let count = |name| attributes.get(name)?.parse::<u64>().ok();
        Ok(counts.iter().filter_map(count).sum())
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
