//! The KMS keys of the stack: each can be used.

use std::collections::BTreeMap;

use aws_sdk_kms::operation::describe_key::DescribeKeyError;
use futures_util::future::try_join_all;

use super::Finding;
use crate::{
    account::{Account, failed},
    failure::Failure,
};

/// KMS's words for a key.
#[derive(Clone, Debug, Default)]
struct Key {
    state: String,
    usage: String,
    spec: String,
}

/// A parameter that names a key, and the effect of a key that can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named {
    parameter: &'static str,
    effect: &'static str,
}

const KEYS: [Named; 2] = [
    Named { parameter: "KmsKeyArn", effect: "bus, queues, ledger and secrets can't be read" },
    Named {
        parameter: "DeadLetterKmsKeyArn",
        effect: "what can't be delivered is not kept, and dead letters can't be read",
    },
];

pub(super) async fn findings(account: &Account) -> Result<Vec<Finding>, Failure> {
    let client = aws_sdk_kms::Client::new(&account.place.config);
    let asked = keys(&account.place.parameters).map(async |(named, arn)| {
        let key = ask(&client, arn).await?;
        Ok(judge(named, arn, key.as_ref()))
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// The keys that the stack has.
fn keys(parameters: &BTreeMap<String, String>) -> impl Iterator<Item = (Named, &str)> {
    let arn = |named: Named| Some((named, parameters.get(named.parameter)?.as_str()));
    KEYS.into_iter().filter_map(arn).filter(|(_, arn)| !arn.is_empty())
}

/// Asks about a key; `None` if there is no such key.
async fn ask(client: &aws_sdk_kms::Client, arn: &str) -> Result<Option<Key>, Failure> {
    match client.describe_key().key_id(arn).send().await {
        Ok(described) => Ok(described.key_metadata.map(|key| Key {
            state: key.key_state.map(|it| it.as_str().to_owned()).unwrap_or_default(),
            usage: key.key_usage.map(|it| it.as_str().to_owned()).unwrap_or_default(),
            spec: key.key_spec.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        })),
        Err(error)
            if error.as_service_error().is_some_and(DescribeKeyError::is_not_found_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(failed("KMS", "DescribeKey", &error)),
    }
}

fn judge(Named { parameter, effect }: Named, arn: &str, key: Option<&Key>) -> Option<Finding> {
    let (what, cure) = match key {
        None => (
            format!("the key does not exist: {effect}"),
            format!("Deploy with another {parameter}. What the lost key has encrypted is lost."),
        ),
        Some(Key { state, .. }) if state != "Enabled" => (
            format!("the key is {state}: {effect}"),
            "Cancel its deletion (`aws kms cancel-key-deletion`) and enable it (`aws kms enable-key`)."
                .to_owned(),
        ),
        Some(Key { usage, spec, .. })
            if usage != "ENCRYPT_DECRYPT" || spec != "SYMMETRIC_DEFAULT" =>
        {
            (
                format!("the key is {spec} for {usage}: {effect}"),
                format!("Deploy with the {parameter} of a symmetric key for encryption."),
            )
        }
        Some(_) => return None,
    };
    Some(Finding::new("key_unusable", arn, what, cure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_enabled_and_encrypts() {
        let found = |state: &str, usage: &str, spec: &str| {
            let [state, usage, spec] = [state, usage, spec].map(str::to_owned);
            judge(KEYS[0], "arn", Some(&Key { state, usage, spec })).map(|finding| finding.code)
        };
        let unusable = Some("key_unusable");

        assert_eq!(found("Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"), None);
        assert_eq!(found("Disabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"), unusable);
        assert_eq!(found("PendingDeletion", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"), unusable);
        assert_eq!(found("Enabled", "ENCRYPT_DECRYPT", "RSA_2048"), unusable);
        assert_eq!(found("Enabled", "SIGN_VERIFY", "ECC_NIST_P256"), unusable);
        assert_eq!(judge(KEYS[0], "arn", None).map(|finding| finding.code), unusable);
    }

    #[test]
    fn the_key_of_the_dead_letters_is_checked_too() {
        let parameters = [("KmsKeyArn", ""), ("DeadLetterKmsKeyArn", "arn:2")];
        let parameters =
            parameters.map(|(name, arn)| (name.to_owned(), arn.to_owned())).into_iter().collect();

        let found: Vec<_> = keys(&parameters).collect();

        assert_eq!(found, [(KEYS[1], "arn:2")]);
        let finding = judge(KEYS[1], "arn:2", None).expect("a finding");
        assert!(finding.what.contains("dead letters"), "{finding:?}");
        assert!(finding.cure.contains("DeadLetterKmsKeyArn"), "{finding:?}");
    }
}
