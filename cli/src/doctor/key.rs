//! The KMS key of the stack: one that can be used.

use aws_sdk_kms::operation::describe_key::DescribeKeyError;

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

pub(super) async fn findings(account: &Account) -> Result<Vec<Finding>, Failure> {
    let arn = account.place.parameters.get("KmsKeyArn").filter(|arn| !arn.is_empty());
    let Some(arn) = arn else { return Ok(Vec::new()) };
    let client = aws_sdk_kms::Client::new(&account.place.config);
    let described = match client.describe_key().key_id(arn).send().await {
        Ok(described) => described.key_metadata.map(|key| Key {
            state: key.key_state.map(|it| it.as_str().to_owned()).unwrap_or_default(),
            usage: key.key_usage.map(|it| it.as_str().to_owned()).unwrap_or_default(),
            spec: key.key_spec.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        }),
        Err(error)
            if error.as_service_error().is_some_and(DescribeKeyError::is_not_found_exception) =>
        {
            None
        }
        Err(error) => return Err(failed("KMS", "DescribeKey", &error)),
    };
    Ok(judge(arn, described.as_ref()).into_iter().collect())
}

fn judge(arn: &str, key: Option<&Key>) -> Option<Finding> {
    let effect = "bus, queues, ledger and secrets can't be read";
    let (what, cure) = match key {
        None => (
            format!("the key does not exist: {effect}"),
            "Deploy with another KmsKeyArn. What the lost key has encrypted is lost.",
        ),
        Some(Key { state, .. }) if state != "Enabled" => (
            format!("the key is {state}: {effect}"),
            "Cancel its deletion (`aws kms cancel-key-deletion`) and enable it (`aws kms enable-key`).",
        ),
        Some(Key { usage, spec, .. })
            if usage != "ENCRYPT_DECRYPT" || spec != "SYMMETRIC_DEFAULT" =>
        {
            (
                format!("the key is {spec} for {usage}: {effect}"),
                "Deploy with the KmsKeyArn of a symmetric key for encryption.",
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
            judge("arn", Some(&Key { state, usage, spec })).map(|finding| finding.code)
        };
        let unusable = Some("key_unusable");

        assert_eq!(found("Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"), None);
        assert_eq!(found("Disabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"), unusable);
        assert_eq!(found("PendingDeletion", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"), unusable);
        assert_eq!(found("Enabled", "ENCRYPT_DECRYPT", "RSA_2048"), unusable);
        assert_eq!(found("Enabled", "SIGN_VERIFY", "ECC_NIST_P256"), unusable);
        assert_eq!(judge("arn", None).map(|finding| finding.code), unusable);
    }
}
