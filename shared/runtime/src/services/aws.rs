//! The services as AWS gives them.

use std::{collections::BTreeMap, fmt, io::Write};

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_sqs::{
    error::SdkError,
    operation::send_message::{SendMessageError, SendMessageOutput},
    types::SendMessageBatchRequestEntry,
};
use postback_core::clock::Timestamp;
use serde_json::{Value, json};

use super::{
    Bus, BusEvent, DueValidation, EventBus, PublishServices, Secret, SweepServices, Unavailable,
    VALIDATION_DUE,
    environment::{Environment, SettingMissing, setting},
};
use crate::ledger::Ledger;

mod network;
mod orders;

pub use network::AwsServices;
pub use orders::{AwsIntake, AwsPlatform, AwsWebhook};

/// The AWS services of the function that publishes.
pub struct AwsPublish {
    bus: Bus,
    queue: aws_sdk_sqs::Client,
    /// The URLs of the status queues, by network.
    status_queues: BTreeMap<String, String>,
    only_problems: bool,
}

impl fmt::Debug for AwsPublish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsPublish").finish_non_exhaustive()
    }
}

impl AwsPublish {
    /// Reads `EVENT_BUS_NAME`, `EVENTS` (`all` unless set, or `problems`) and, where networks have
    /// one, their status queues from `STATUS_QUEUES`: a JSON object of URLs by network.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let environment = &Environment::of_lambda()?;
        let status_queues = urls("STATUS_QUEUES")?;
        let only_problems = match setting("EVENTS").as_deref() {
            Ok("problems") => true,
            Ok("all") | Err(_) => false,
            Ok(_) => {
                return Err(SettingMissing {
                    name: "EVENTS",
                    fault: "is neither all nor problems",
                });
            }
        };
        let bus = Bus::new(environment)?;
        Ok(Self { bus, queue: environment.sqs(), status_queues, only_problems })
    }
}

impl EventBus for AwsPublish {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        self.bus.put_all(events).await
    }
}

impl PublishServices for AwsPublish {
    fn publishes_only_problems(&self) -> bool {
        self.only_problems
    }

    async fn track(&self, network: &str, event: String) -> Result<(), Unavailable> {
        let Some(url) = self.status_queues.get(network) else { return Ok(()) };
        let send = self.queue.send_message().queue_url(url).message_body(event);
        sent(send.send().await)
    }
}

/// The AWS services of the function that sweeps.
pub struct AwsSweep {
    ledger: Ledger,
    stack: String,
    networks: Vec<String>,
    queue: aws_sdk_sqs::Client,
    /// The URLs of the queues of the networks that may want validations, by network.
    queues: BTreeMap<String, String>,
}

impl fmt::Debug for AwsSweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsSweep").finish_non_exhaustive()
    }
}

impl AwsSweep {
    /// Reads `LEDGER_TABLE`, `STACK_NAME` and `NETWORKS`: the names of the networks that are on,
    /// separated by commas; and `VALIDATION_QUEUES`, a JSON object of queue URLs by network.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let environment = Environment::of_lambda()?;
        let (ledger, stack) = (environment.ledger()?, stack_name());
        let (queue, queues) = (environment.sqs(), urls("VALIDATION_QUEUES")?);
        Ok(Self { ledger, stack, networks: names("NETWORKS"), queue, queues })
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

    fn validating(&self) -> Vec<String> {
        self.queues.keys().cloned().collect()
    }

    fn measure(&self, document: &Value) {
        write_line(document);
    }

    async fn put_validations(
        &self,
        network: &str,
        due: &[DueValidation],
    ) -> Result<usize, Unavailable> {
        let Some(url) = self.queues.get(network) else { return Ok(due.len()) };
        let entries = due.iter().enumerate().map(|(index, due)| {
            let body = json!({ "detail-type": VALIDATION_DUE, "detail": due });
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string());
            entry.message_body(body.to_string()).build().map_err(|_| Unavailable)
        });
        let entries = entries.collect::<Result<_, _>>()?;
        let send = self.queue.send_message_batch().queue_url(url).set_entries(Some(entries));
        let output = send.send().await.map_err(|_| Unavailable)?;
        Ok(output.successful.len())
    }
}

/// The queue URLs by network in a variable; none without it.
fn urls(name: &'static str) -> Result<BTreeMap<String, String>, SettingMissing> {
    let queues = setting(name).unwrap_or_else(|_| "{}".to_owned());
    let fault = "is not a JSON object of queue URLs by network";
    serde_json::from_str(&queues).map_err(|_| SettingMissing { name, fault })
}

/// The names in a variable, separated by commas.
fn names<T: FromIterator<String>>(variable: &'static str) -> T {
    let text = setting(variable).unwrap_or_default();
    text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
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

    async fn fetch(&self) -> Result<Secret, Unavailable> {
        let get = self.client.get_secret_value().secret_id(&self.arn);
        let output = match get.send().await {
            Ok(output) => output,
            Err(error) if error.as_service_error().is_some_and(is_deleted) => {
                return Ok(Secret { json: String::new().into(), version: String::new() });
            }
            Err(_) => return Err(Unavailable),
        };
        Ok(Secret {
            json: output.secret_string.unwrap_or_default().into(),
            version: output.version_id.unwrap_or_default(),
        })
    }
}

/// Returns whether Secrets Manager answers that the secret is deleted, or is to be: it holds no key
/// then, which is how a key can be revoked in a hurry.
fn is_deleted(error: &GetSecretValueError) -> bool {
    match error {
        GetSecretValueError::ResourceNotFoundException(_) => true,
        GetSecretValueError::InvalidRequestException(invalid) => {
            invalid.message().is_some_and(|it| it.contains("marked for deletion"))
        }
        _ => false,
    }
}

/// An answer without the message's id is no word that the message was taken.
fn sent(result: Result<SendMessageOutput, SdkError<SendMessageError>>) -> Result<(), Unavailable> {
    result.ok().and_then(|output| output.message_id).map(|_| ()).ok_or(Unavailable)
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::types::error::{
        DecryptionFailure, InvalidRequestException, ResourceNotFoundException,
    };

    use super::*;

    #[test]
    fn a_secret_that_is_deleted_holds_no_key_and_any_other_error_says_nothing_of_it() {
        let invalid = |message: &str| {
            let invalid = InvalidRequestException::builder().message(message);
            GetSecretValueError::InvalidRequestException(invalid.build())
        };
        let deleted = invalid(
            "You can't perform this operation on the secret because it was marked for deletion.",
        );
        let missing = ResourceNotFoundException::builder().build();
        let key = DecryptionFailure::builder().build();

        assert!(is_deleted(&deleted));
        assert!(is_deleted(&GetSecretValueError::ResourceNotFoundException(missing)));
        assert!(!is_deleted(&invalid("Something else.")));
        assert!(!is_deleted(&GetSecretValueError::DecryptionFailure(key)));
    }

    #[test]
    fn a_message_is_sent_when_the_answer_names_it() {
        let named = SendMessageOutput::builder().message_id("m-1").build();
        let unnamed = SendMessageOutput::builder().build();

        assert_eq!(sent(Ok(named)), Ok(()));
        assert_eq!(sent(Ok(unnamed)), Err(Unavailable));
    }
}
