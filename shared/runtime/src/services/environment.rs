//! The function's environment: its settings, and the AWS it is in.
//!
//! Lambda gives a function its region and its credentials as variables, for as long as it lives.
//! So nothing is looked for anywhere else: no profile, no instance metadata, no token exchange.

use std::env;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::Region;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;

use crate::services::sdk::{self, MinimalHeaders};
use crate::{client::connections::Connections, ledger::Ledger};

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
    given(name).ok_or(SettingMissing { name, fault: "is missing from the function's environment" })
}

fn given(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Region, credentials and endpoints of the function, and one pool of connections for all services.
#[derive(Clone, Debug)]
pub struct Environment {
    config: SdkConfig,
    connections: Connections<SdkBody>,
}

impl Environment {
    /// What Lambda says.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let region = given("AWS_REGION").map_or_else(|| setting("AWS_DEFAULT_REGION"), Ok)?;
        let credentials = Credentials::new(
            setting("AWS_ACCESS_KEY_ID")?,
            setting("AWS_SECRET_ACCESS_KEY")?,
            given("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        let connections = sdk::connections();
        let mut config = sdk::config(Region::new(region), credentials, connections.clone())
            .use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
            .use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"));
        config.set_endpoint_url(given("AWS_ENDPOINT_URL"));
        Ok(Self { config: config.build(), connections })
    }

    /// The ledger named by `LEDGER_TABLE`.
    pub fn ledger(&self) -> Result<Ledger, SettingMissing> {
        let table = setting("LEDGER_TABLE")?;
        let mut config =
            aws_sdk_dynamodb::config::Builder::from(&self.config).interceptor(MinimalHeaders);
        if let Some(endpoint) = given("AWS_ENDPOINT_URL_DYNAMODB") {
            config.set_endpoint_url(Some(endpoint));
        }
        Ok(Ledger::new(aws_sdk_dynamodb::Client::from_conf(config.build()), table))
    }

    pub(super) fn event_bridge(&self) -> aws_sdk_eventbridge::Client {
        let mut config =
            aws_sdk_eventbridge::config::Builder::from(&self.config).interceptor(MinimalHeaders);
        if let Some(endpoint) = given("AWS_ENDPOINT_URL_EVENTBRIDGE") {
            config.set_endpoint_url(Some(endpoint));
        }
        aws_sdk_eventbridge::Client::from_conf(config.build())
    }

    pub(super) fn sqs(&self) -> aws_sdk_sqs::Client {
        let mut config =
            aws_sdk_sqs::config::Builder::from(&self.config).interceptor(MinimalHeaders);
        if let Some(endpoint) = given("AWS_ENDPOINT_URL_SQS") {
            config.set_endpoint_url(Some(endpoint));
        }
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    pub(super) fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        let mut config =
            aws_sdk_secretsmanager::config::Builder::from(&self.config).interceptor(MinimalHeaders);
        if let Some(endpoint) = given("AWS_ENDPOINT_URL_SECRETS_MANAGER") {
            config.set_endpoint_url(Some(endpoint));
        }
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }

    /// Opens connections to what the first order needs, the ledger and the bus. Nothing is sent on
    /// them, and nothing waits for them; one to the wrong host is just not used.
    pub fn prewarm(&self) {
        let region = self.config.region().map_or("", Region::as_ref);
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        for (service, variable) in
            [("dynamodb", "AWS_ENDPOINT_URL_DYNAMODB"), ("events", "AWS_ENDPOINT_URL_EVENTBRIDGE")]
        {
            let endpoint =
                given(variable).or_else(|| self.config.endpoint_url().map(str::to_owned));
            let endpoint =
                endpoint.unwrap_or_else(|| format!("https://{service}.{region}.{domain}"));
            if let Ok(uri) = endpoint.parse() {
                self.connections.open(uri);
            }
        }
    }
}

fn is_on(variable: &str) -> bool {
    given(variable).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}
