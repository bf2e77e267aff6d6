//! The account: credentials, the stack's outputs, the services.

use std::{collections::BTreeMap, fmt::Display, fs, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_sdk_cloudformation::{
    error::{ConnectorError, ProvideErrorMetadata, SdkError},
    types::{Output, Stack},
};
use aws_smithy_http_client::tls;
use postback_core::redaction::OperatorNote;
use postback_runtime::ledger::{Ledger, LedgerError};

use crate::{args::Arguments, failure::Failure};

/// A Postback stack, and the services to work on it.
pub(crate) struct Account {
    stack: String,
    outputs: BTreeMap<String, String>,
    config: SdkConfig,
    pub(crate) ledger: Ledger,
    pub(crate) queues: aws_sdk_sqs::Client,
    pub(crate) events: aws_sdk_eventbridge::Client,
    pub(crate) functions: aws_sdk_lambda::Client,
}

/// A network of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// The name in the ledger.
    pub(crate) name: String,
    /// The beginning of the names of its resources and outputs in the template.
    prefix: String,
}

impl Account {
    /// Finds credentials and the stack.
    pub(crate) async fn open(arguments: &Arguments) -> Result<Self, Failure> {
        let config = configuration(arguments).await;
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(Failure::NoRegion);
        };
        let stack = arguments.stack.clone().or_else(configured_stack);
        let stack = stack.unwrap_or_else(|| "postback".to_owned());
        let outputs = outputs(&config, &stack, region).await?;
        let missing = || Failure::NoOutput { stack: stack.clone(), output: "LedgerTable".into() };
        let table = outputs.get("LedgerTable").ok_or_else(missing)?.clone();
        Ok(Self {
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
            queues: aws_sdk_sqs::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
            functions: aws_sdk_lambda::Client::new(&config),
            config,
            stack,
            outputs,
        })
    }

    /// An output of the stack.
    pub(crate) fn output(&self, name: &str) -> Result<&str, Failure> {
        let missing = || Failure::NoOutput { stack: self.stack.clone(), output: name.to_owned() };
        self.outputs.get(name).map(String::as_str).ok_or_else(missing)
    }

    /// All outputs of the stack.
    pub(crate) const fn outputs(&self) -> &BTreeMap<String, String> {
        &self.outputs
    }

    /// The stack's networks: those that have a queue.
    pub(crate) fn networks(&self) -> Vec<Network> {
        networks(self.outputs.keys())
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

    pub(crate) fn queue_url(&self, network: &Network) -> Result<&str, Failure> {
        self.output(&format!("{}QueueUrl", network.prefix))
    }

    pub(crate) fn dead_letter_queue_url(&self, network: &Network) -> Result<&str, Failure> {
        self.output(&format!("{}DeadLetterQueueUrl", network.prefix))
    }

    /// The name of the network's function: the template gives it.
    pub(crate) fn function(&self, network: &Network) -> String {
        format!("{}-{}", self.stack, network.name.replace('_', "-"))
    }

    /// The name of the function that publishes events: the template gives it.
    pub(crate) fn publisher(&self) -> String {
        format!("{}-publish", self.stack)
    }

    /// The functions' alias, if the stack was deployed gradually: every caller uses it.
    pub(crate) fn alias(&self) -> Option<&str> {
        self.outputs.get("FunctionAlias").map(String::as_str)
    }

    /// The caller's AWS identity.
    pub(crate) async fn identity(&self) -> Result<OperatorNote, Failure> {
        let identity = aws_sdk_sts::Client::new(&self.config).get_caller_identity().send().await;
        let identity = identity.map_err(|error| failed("STS", "GetCallerIdentity", &error))?;
        Ok(OperatorNote::identity(identity.arn().unwrap_or("unknown")))
    }

    pub(crate) fn ledger_failed(&self, action: &'static str) -> impl Fn(LedgerError) -> Failure {
        let table = self.outputs.get("LedgerTable").cloned().unwrap_or_default();
        move |_| Failure::Ledger { table: table.clone(), action }
    }
}

async fn configuration(arguments: &Arguments) -> SdkConfig {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let client = aws_smithy_http_client::Builder::new().tls_provider(provider).build_https();
    // A function may take 30 seconds to answer.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(40))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(client)
        .timeout_config(timeouts);
    if let Some(region) = &arguments.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &arguments.profile {
        loader = loader.profile_name(profile);
    }
    loader.load().await
}

/// The name of the stack that `make deploy` deployed.
fn configured_stack() -> Option<String> {
    stack_in(&fs::read_to_string("samconfig.toml").ok()?)
}

fn stack_in(samconfig: &str) -> Option<String> {
    samconfig.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
        (name.trim() == "stack_name").then(|| value.to_owned())
    })
}

async fn outputs(
    config: &SdkConfig,
    stack: &str,
    region: String,
) -> Result<BTreeMap<String, String>, Failure> {
    let client = aws_sdk_cloudformation::Client::new(config);
    let described = client.describe_stacks().stack_name(stack).send().await;
    let described = match described {
        Ok(described) => described,
        // CloudFormation's code for a stack that does not exist.
        Err(error) if error.code() == Some("ValidationError") => {
            return Err(Failure::NoStack { stack: stack.to_owned(), region });
        }
        Err(error) => return Err(failed("CloudFormation", "DescribeStacks", &error)),
    };
    let outputs = described.stacks().iter().flat_map(Stack::outputs);
    let pair = |output: &Output| {
        Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
    };
    Ok(outputs.filter_map(pair).collect())
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

    #[test]
    fn the_stacks_name_is_read_from_samconfig() {
        let written =
            "version = 0.1\n[default.deploy.parameters]\nstack_name = \"shop-postback\"\n";

        assert_eq!(stack_in(written).as_deref(), Some("shop-postback"));
        assert_eq!(stack_in("# stack_name\nregion = \"x\"\n"), None);
    }
}
