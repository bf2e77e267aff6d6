//! The account: credentials, the stack's outputs, the services.

use std::{collections::BTreeMap, fmt::Display};

use aws_sdk_cloudformation::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use postback_core::{
    delivery::{Key, PartialView, Record},
    redaction::OperatorNote,
};
use postback_runtime::ledger::{Ledger, LedgerError};

use crate::{args::Arguments, failure::Failure, view::name};

mod open;
mod profile;
mod regions;
mod stacks;

use open::find;
pub(crate) use open::{Place, configuration};
pub(crate) use regions::REGIONS;

/// A Postback stack, and the services to work on it.
pub(crate) struct Account {
    pub(crate) place: Place,
    pub(crate) ledger: Ledger,
    pub(crate) queues: aws_sdk_sqs::Client,
    pub(crate) events: aws_sdk_eventbridge::Client,
    pub(crate) functions: aws_sdk_lambda::Client,
}

/// A resource of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// The name in the template.
    pub(crate) logical: String,
    /// The name, id or ARN in the account.
    pub(crate) physical: String,
    /// The kind, as in the template: `AWS::SQS::Queue`.
    pub(crate) kind: String,
}

/// A network of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// The name in the ledger.
    pub(crate) name: String,
    /// The beginning of the names of its resources and outputs in the template.
    pub(crate) prefix: String,
}

impl Account {
    /// Finds credentials and the stack.
    pub(crate) async fn open(arguments: &Arguments) -> Result<Self, Failure> {
        let place = find(arguments).await?;
        let Place { config, outputs, .. } = &place;
        let table = outputs.get("LedgerTable").cloned().unwrap_or_default();
        Ok(Self {
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(config), table),
            queues: aws_sdk_sqs::Client::new(config),
            events: aws_sdk_eventbridge::Client::new(config),
            functions: aws_sdk_lambda::Client::new(config),
            place,
        })
    }

    /// An output of the stack.
    pub(crate) fn output(&self, name: &str) -> Result<&str, Failure> {
        let known = || self.place.outputs.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let (stack, output) = (self.place.stack.clone(), name.to_owned());
        let missing = || Failure::NoOutput { stack, output, known: known() };
        self.place.outputs.get(name).map(String::as_str).ok_or_else(missing)
    }

    /// All outputs of the stack.
    pub(crate) const fn outputs(&self) -> &BTreeMap<String, String> {
        &self.place.outputs
    }

    /// The stack's networks: those that have a queue.
    pub(crate) fn networks(&self) -> Vec<Network> {
        networks(self.place.outputs.keys())
    }

    /// The network of this name; its words may also be joined by hyphens.
    pub(crate) fn network(&self, name: &str) -> Result<Network, Failure> {
        let wanted = name.replace('-', "_");
        let networks = self.networks();
        let known = || networks.iter().map(|network| network.name.as_str()).collect::<Vec<_>>();
        let unknown =
            || Failure::UnknownNetwork { network: name.to_owned(), known: known().join(", ") };
        networks.iter().find(|network| network.name == wanted).cloned().ok_or_else(unknown)
    }

    /// The name of a network whose deliveries the ledger may hold: also of one that is turned off.
    pub(crate) fn name_of(&self, name: &str) -> Result<String, Failure> {
        match crate::networks::find(&name.replace('-', "_")) {
            Some(known) => Ok(known.name.to_owned()),
            None => self.network(name).map(|network| network.name),
        }
    }

    pub(crate) fn queue_url(&self, network: &Network) -> Result<&str, Failure> {
        self.output(&format!("{}QueueUrl", network.prefix))
    }

    pub(crate) fn dead_letter_queue_url(&self, network: &Network) -> Result<&str, Failure> {
        self.output(&format!("{}DeadLetterQueueUrl", network.prefix))
    }

    /// The name of the network's function: the template gives it.
    pub(crate) fn function(&self, network: &Network) -> String {
        format!("{}-{}", self.place.stack, network.name)
    }

    /// The name of the function that publishes events: the template gives it.
    pub(crate) fn publisher(&self) -> String {
        format!("{}-publish", self.place.stack)
    }

    /// The functions' alias, if the stack was deployed gradually: every caller uses it.
    pub(crate) fn alias(&self) -> Option<&str> {
        self.place.outputs.get("FunctionAlias").map(String::as_str)
    }

    /// All resources of the stack.
    pub(crate) async fn resources(&self) -> Result<Vec<Resource>, Failure> {
        let client = aws_sdk_cloudformation::Client::new(&self.place.config);
        let list = client.list_stack_resources().stack_name(&self.place.stack);
        let mut pages = list.into_paginator().items().send();
        let mut resources = Vec::new();
        while let Some(resource) = pages.next().await {
            let resource =
                resource.map_err(|error| failed("CloudFormation", "ListStackResources", &error))?;
            resources.push(Resource {
                logical: text(resource.logical_resource_id()),
                physical: text(resource.physical_resource_id()),
                kind: text(resource.resource_type()),
            });
        }
        Ok(resources)
    }

    /// The caller's AWS identity.
    pub(crate) async fn identity(&self) -> Result<OperatorNote, Failure> {
        let identity =
            aws_sdk_sts::Client::new(&self.place.config).get_caller_identity().send().await;
        let identity = identity.map_err(|error| failed("STS", "GetCallerIdentity", &error))?;
        Ok(OperatorNote::identity(identity.arn().unwrap_or("unknown")))
    }

    pub(crate) fn ledger_failed(&self, action: &'static str) -> impl Fn(LedgerError) -> Failure {
        let table = self.place.outputs.get("LedgerTable").cloned().unwrap_or_default();
        move |error| {
            let table = table.clone();
            match error {
                LedgerError::Unavailable => Failure::Ledger { table, action },
                LedgerError::NoIndex => Failure::NoIndex { table },
                LedgerError::LaterFormat | LedgerError::Unreadable => {
                    Failure::LaterFormat { what: format!("An item of the ledger (table {table})") }
                }
            }
        }
    }

    /// Reads one delivery. One that this version can't read is a failure that names it.
    pub(crate) async fn delivery(&self, key: &Key) -> Result<Option<Record>, Failure> {
        self.ledger.get(key).await.map_err(|error| match error {
            LedgerError::Unavailable => self.ledger_failed("GetItem")(error),
            _ => {
                Failure::LaterFormat { what: format!("Order {} at {}", key.order_id, key.delivery) }
            }
        })
    }

    /// The deliveries of an order, and of those that this version can't read the parts that it can.
    pub(crate) async fn readable_of_order(
        &self,
        order_id: &str,
    ) -> Result<(Vec<Record>, Vec<PartialView>), Failure> {
        let found = self.ledger.readable_of_order(order_id).await;
        found.map_err(self.ledger_failed("Query"))
    }

    /// All deliveries of an order. One that this version can't read is a failure that names it.
    pub(crate) async fn of_order(&self, order_id: &str) -> Result<Vec<Record>, Failure> {
        let (records, partial) = self.readable_of_order(order_id).await?;
        match partial.first() {
            None => Ok(records),
            Some(one) => Err(Failure::LaterFormat { what: format!("Order {}", name(one)) }),
        }
    }
}

fn networks<'a>(outputs: impl Iterator<Item = &'a String>) -> Vec<Network> {
    let prefixes = outputs.filter_map(|output| output.strip_suffix("DeadLetterQueueUrl"));
    prefixes.map(|prefix| Network { name: snake(prefix), prefix: prefix.to_owned() }).collect()
}

/// `TwoWords` as `two_words`.
fn snake(prefix: &str) -> String {
    let mut name = String::new();
    for c in prefix.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// The failure of an AWS call.
pub(crate) fn failed<E, R>(
    service: &'static str,
    action: &'static str,
    error: &SdkError<E, R>,
) -> Failure
where
    E: ProvideErrorMetadata,
    SdkError<E, R>: ProvideErrorMetadata,
{
    match error {
        SdkError::ServiceError(_) => Failure::Refused {
            service,
            action,
            code: text(error.code()),
            message: text(error.message()),
        },
        SdkError::ConstructionFailure(_) => Failure::NoCredentials,
        SdkError::DispatchFailure(failure)
            if failure.as_connector_error().is_none_or(ConnectorError::is_other) =>
        {
            Failure::NoCredentials
        }
        _ => Failure::Unreachable { service, action },
    }
}

fn text(part: Option<impl Display>) -> String {
    part.map(|part| part.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_deliveries_of_a_network_that_is_turned_off_can_be_asked_for() {
        let aws = crate::fixtures::FakeAws::start().await;
        let account = &aws.account;
        let off = crate::networks::NETWORKS[0].name;

        assert!(account.network(off).is_err());
        assert_eq!(account.name_of(&off.replace('_', "-")), Ok(off.to_owned()));
        assert_eq!(account.name_of("net"), Ok("net".to_owned()));
        let unknown = account.name_of("nobody");
        assert!(matches!(unknown, Err(Failure::UnknownNetwork { .. })), "{unknown:?}");
    }

    #[test]
    fn the_networks_are_those_with_a_dead_letter_queue() {
        let outputs =
            ["ApiUrl", "CallMeDeadLetterQueueUrl", "CallMeQueueUrl", "NetDeadLetterQueueUrl"];
        let outputs = outputs.map(str::to_owned);

        let found = networks(outputs.iter());

        let names: Vec<_> = found.iter().map(|network| network.name.as_str()).collect();
        assert_eq!(names, ["call_me", "net"]);
        assert_eq!(found[0].prefix, "CallMe");
    }
}
