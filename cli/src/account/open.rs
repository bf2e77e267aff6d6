//! Credentials, the region and the stack: found once, and named where they are wrong.

use std::{collections::BTreeMap, fs, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_sdk_cloudformation::{
    error::ProvideErrorMetadata,
    types::{Output, Parameter, Stack},
};
use aws_smithy_http_client::tls;

use super::{failed, profile, regions, stacks};
use crate::{args::Arguments, failure::Failure};

/// A stack of Postback, with the credentials that found it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) config: SdkConfig,
    pub(crate) stack: String,
    pub(crate) region: String,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) parameters: BTreeMap<String, String>,
    /// The word of `CloudFormation` for the stack's state.
    pub(crate) status: String,
}

/// An output that every stack of Postback has, and hardly another.
pub(super) const OURS: &str = "LedgerTable";

/// Finds the stack.
pub(super) async fn find(arguments: &Arguments) -> Result<Place, Failure> {
    let config = configuration(arguments).await?;
    let region = config.region().map(ToString::to_string).ok_or(Failure::NoRegion)?;
    let stack = arguments.stack.clone().or_else(configured_stack);
    let stack = stack.unwrap_or_else(|| "postback".to_owned());
    let client = aws_sdk_cloudformation::Client::new(&config);
    let described = client.describe_stacks().stack_name(&stack).send().await;
    let found = match described {
        Ok(described) => described.stacks.unwrap_or_default().into_iter().next(),
        // CloudFormation's code for a stack that does not exist.
        Err(error) if error.code() == Some("ValidationError") => None,
        Err(error) => {
            let failure = failed("CloudFormation", "DescribeStacks", &error);
            return Err(regions::named(failure, &region));
        }
    };
    let Some(found) = found else {
        let known = stacks::names(&client).await;
        return Err(Failure::NoStack { stack, region, known });
    };
    let outputs = outputs(&found);
    if !outputs.contains_key(OURS) {
        let known = stacks::names(&client).await;
        return Err(Failure::NotOurs { stack, region, known });
    }
    let parameter = |parameter: &Parameter| {
        Some((parameter.parameter_key()?.to_owned(), parameter.parameter_value()?.to_owned()))
    };
    let parameters = found.parameters().iter().filter_map(parameter).collect();
    let status = found.stack_status().map(|status| status.as_str().to_owned());
    Ok(Place { config, stack, region, outputs, parameters, status: status.unwrap_or_default() })
}

pub(super) fn outputs(stack: &Stack) -> BTreeMap<String, String> {
    let pair = |output: &Output| {
        Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
    };
    stack.outputs().iter().filter_map(pair).collect()
}

/// The region and the credentials, as every AWS tool finds them.
pub(crate) async fn configuration(arguments: &Arguments) -> Result<SdkConfig, Failure> {
    profile::check(arguments.profile.as_deref())?;
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
    let config = loader.load().await;
    // Wherever it is from: the option, the environment, or the profile.
    config.region().map_or(Ok(()), |region| regions::check(region.as_ref()))?;
    Ok(config)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stacks_name_is_read_from_samconfig() {
        let written =
            "version = 0.1\n[default.deploy.parameters]\nstack_name = \"shop-postback\"\n";

        assert_eq!(stack_in(written).as_deref(), Some("shop-postback"));
        assert_eq!(stack_in("# stack_name\nregion = \"x\"\n"), None);
    }
}
