//! The function's environment: its settings, and the AWS it is in.
//!
//! Lambda gives a function its region and its credentials as variables, for as long as it lives.
//! So nothing is looked for anywhere else: no profile, no instance metadata, no token exchange.

use std::env;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{Region, retry::RetryPartition};
use aws_types::SdkConfig;

use postback_core::clock::Timestamp;

use crate::services::sdk::{self, CallLimits, MinimalHeaders};
use crate::{
    client::{old_roots, trust},
    ledger::Ledger,
};

/// The variable with the certificates of private authorities.
const PRIVATE_CA: &str = "PRIVATE_CA_PEM";

/// A setting that a function can't start without.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the setting {name} {fault}")]
pub struct SettingMissing {
    /// Its name. Its value never shows.
    pub name: &'static str,
    /// The fault.
    pub fault: &'static str,
}

/// A setting of the environment. An empty one counts as missing.
pub fn setting(name: &'static str) -> Result<String, SettingMissing> {
    given(name).ok_or(SettingMissing { name, fault: "is missing from the function's environment" })
}

fn given(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The region, the caller and the hosts of the AWS services.
#[derive(Clone, Debug)]
pub struct Access {
    /// The region.
    pub region: String,
    /// The caller's credentials.
    pub credentials: Credentials,
    /// The hosts, where they are not AWS's own.
    pub endpoints: Endpoints,
    /// True if the services are called at their FIPS endpoints.
    pub fips: bool,
    /// True if the services are called at their dual-stack endpoints.
    pub dual_stack: bool,
}

/// Hosts that take the place of AWS's own.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// Every service's, unless one is named below.
    pub all: Option<String>,
    /// `DynamoDB`'s.
    pub dynamodb: Option<String>,
    /// `EventBridge`'s.
    pub event_bridge: Option<String>,
    /// `SQS`'s.
    pub sqs: Option<String>,
    /// Secrets Manager's.
    pub secrets_manager: Option<String>,
}

impl Access {
    /// Reads the variables that Lambda sets.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let credentials = Credentials::new(
            setting("AWS_ACCESS_KEY_ID")?,
            setting("AWS_SECRET_ACCESS_KEY")?,
            given("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        let endpoints = Endpoints {
            all: given("AWS_ENDPOINT_URL"),
            dynamodb: given("AWS_ENDPOINT_URL_DYNAMODB"),
            event_bridge: given("AWS_ENDPOINT_URL_EVENTBRIDGE"),
            sqs: given("AWS_ENDPOINT_URL_SQS"),
            secrets_manager: given("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
        };
        Ok(Self {
            region: given("AWS_REGION").map_or_else(|| setting("AWS_DEFAULT_REGION"), Ok)?,
            credentials,
            endpoints,
            fips: is_on("AWS_USE_FIPS_ENDPOINT"),
            dual_stack: is_on("AWS_USE_DUALSTACK_ENDPOINT"),
        })
    }
}

fn warn_of_old_roots(now: Timestamp) {
    if let Some(age) = old_roots(now) {
        let days = age.as_secs() / 86_400;
        tracing::warn!(code = "roots_old", days, "the list of trusted authorities is old");
    }
}

/// The configured clients of the AWS services, over one pool of connections.
#[derive(Clone, Debug)]
pub struct Environment {
    config: SdkConfig,
    endpoints: Endpoints,
}

impl Environment {
    /// Reads the variables that Lambda sets, and `PRIVATE_CA_PEM`; calls are limited as by default.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        if let Some(pem) = given(PRIVATE_CA) {
            trust(&pem).map_err(|fault| SettingMissing { name: PRIVATE_CA, fault })?;
        }
        warn_of_old_roots(Timestamp::system());
        Ok(Self::new(Access::of_lambda()?, CallLimits::default()))
    }

    /// Returns the environment of `access`, whose calls take no longer than `limits`.
    #[must_use]
    pub fn new(access: Access, limits: CallLimits) -> Self {
        let Access { region, credentials, endpoints, fips, dual_stack } = access;
        let mut config = sdk::config(Region::new(region), credentials, limits)
            .use_fips(fips)
            .use_dual_stack(dual_stack);
        config.set_endpoint_url(endpoints.all.clone());
        Self { config: config.build(), endpoints }
    }

    /// The ledger named by `LEDGER_TABLE`.
    pub fn ledger(&self) -> Result<Ledger, SettingMissing> {
        Ok(Ledger::new(self.dynamodb(), setting("LEDGER_TABLE")?))
    }

    /// A client of `DynamoDB` with retries of its own: one that fails leaves those of another alone.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let retries = RetryPartition::custom("dynamodb").build();
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.config)
            .retry_partition(retries)
            .interceptor(MinimalHeaders);
        if let Some(endpoint) = &self.endpoints.dynamodb {
            config.set_endpoint_url(Some(endpoint.clone()));
        }
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    pub(super) fn event_bridge(&self) -> aws_sdk_eventbridge::Client {
        let mut config =
            aws_sdk_eventbridge::config::Builder::from(&self.config).interceptor(MinimalHeaders);
        if let Some(endpoint) = &self.endpoints.event_bridge {
            config.set_endpoint_url(Some(endpoint.clone()));
        }
        aws_sdk_eventbridge::Client::from_conf(config.build())
    }

    pub(super) fn sqs(&self) -> aws_sdk_sqs::Client {
        let mut config =
            aws_sdk_sqs::config::Builder::from(&self.config).interceptor(MinimalHeaders);
        if let Some(endpoint) = &self.endpoints.sqs {
            config.set_endpoint_url(Some(endpoint.clone()));
        }
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    pub(super) fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        let mut config =
            aws_sdk_secretsmanager::config::Builder::from(&self.config).interceptor(MinimalHeaders);
        if let Some(endpoint) = &self.endpoints.secrets_manager {
            config.set_endpoint_url(Some(endpoint.clone()));
        }
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }
}

fn is_on(variable: &str) -> bool {
    given(variable).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captured::lines_of;

    #[test]
    fn roots_that_are_old_are_named_in_the_log_with_their_age() {
        let now = |text| Timestamp::parse(text).expect("a time");

        assert!(lines_of(|| warn_of_old_roots(now("2026-12-24T00:00:00Z"))).is_empty());
        let lines = lines_of(|| warn_of_old_roots(now("2036-01-01T00:00:00Z")));
        assert_eq!((&lines[0]["code"], &lines[0]["level"]), (&"roots_old".into(), &"WARN".into()));
        assert!(lines[0]["days"].as_u64() > Some(365), "{lines:?}");
    }
}
