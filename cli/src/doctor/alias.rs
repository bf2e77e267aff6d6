//! The alias of a gradual deployment: every function has it, and it is the newest version.

use aws_sdk_lambda::operation::get_alias::GetAliasError;
use futures_util::future::join_all;

use super::Finding;
use crate::{
    account::{Account, Resource, failed},
    failure::Failure,
};

/// A function and its alias.
#[derive(Clone, Debug, Default)]
struct Aliased {
    function: String,
    /// The version that the alias names; `None` if there is no such alias.
    version: Option<String>,
    /// True if calls are being shifted.
    shifting: bool,
    /// The newest published version.
    newest: Option<u64>,
}

pub(super) async fn findings(
    account: &Account,
    resources: &[Resource],
) -> Result<Vec<Finding>, Failure> {
    let Some(alias) = account.alias() else { return Ok(Vec::new()) };
    let functions = resources.iter().filter(|resource| resource.kind == "AWS::Lambda::Function");
    let asked = functions.map(|function| ask(account, &function.physical, alias));
    let mut findings = Vec::new();
    for aliased in join_all(asked).await {
        findings.extend(judge(&aliased?, alias));
    }
    Ok(findings)
}

async fn ask(account: &Account, function: &str, alias: &str) -> Result<Aliased, Failure> {
    let get = account.functions.get_alias().function_name(function).name(alias);
    let found = match get.send().await {
        Ok(found) => Some(found),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(GetAliasError::is_resource_not_found_exception) =>
        {
            None
        }
        Err(error) => return Err(failed("Lambda", "GetAlias", &error)),
    };
    let list = account.functions.list_versions_by_function().function_name(function);
    let mut versions = list.into_paginator().items().send();
    let mut newest = None;
    while let Some(version) = versions.next().await {
        let version =
            version.map_err(|error| failed("Lambda", "ListVersionsByFunction", &error))?;
        newest = newest.max(version.version().and_then(|version| version.parse().ok()));
    }
    let shifts = |weights: &std::collections::HashMap<String, f64>| !weights.is_empty();
    Ok(Aliased {
        function: function.to_owned(),
        shifting: found.as_ref().is_some_and(|found| {
            found
                .routing_config()
                .and_then(|it| it.additional_version_weights())
                .is_some_and(shifts)
        }),
        version: found.map(|found| found.function_version.unwrap_or_default()),
        newest,
    })
}

fn judge(aliased: &Aliased, alias: &str) -> Option<Finding> {
    let Aliased { function, version, shifting, newest } = aliased;
    let what = match version.as_deref() {
        None => format!("it has no alias {alias}, by which every caller calls it"),
        Some("$LATEST") => format!("its alias {alias} is no published version: $LATEST"),
        Some(version) => {
            let number: Option<u64> = version.parse().ok();
            if *shifting || number >= *newest {
                return None;
            }
            let newest = newest.unwrap_or_default();
            format!("its alias {alias} is version {version}, and the newest is {newest}")
        }
    };
    let cure = "Deploy again as before (`make deploy CANARY=…`); if CodeDeploy restored an older version, \
                see why in the function's log first.";
    Some(Finding::new("alias_wrong", function, what, cure))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(version: Option<&str>, newest: u64, shifting: bool) -> bool {
        let version = version.map(str::to_owned);
        let function = "postback-net".to_owned();
        judge(&Aliased { function, version, shifting, newest: Some(newest) }, "live").is_some()
    }

    #[test]
    fn an_alias_is_the_newest_version_unless_calls_are_being_shifted() {
        assert!(!found(Some("3"), 3, false));
        assert!(!found(Some("3"), 4, true));
        assert!(found(Some("3"), 4, false));
        assert!(found(Some("$LATEST"), 3, false));
        assert!(found(None, 3, false));
    }
}
