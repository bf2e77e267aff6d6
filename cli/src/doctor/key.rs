//! The KMS keys of the stack: each can be used.

use std::collections::BTreeMap;

use aws_sdk_kms::operation::describe_key::DescribeKeyError;
use futures_util::future::try_join_all;
use serde_json::Value;

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
    let own = owner(account.output("BusArn")?);
    let asked = keys(&account.place.parameters).map(async |(named, arn)| {
        let key = ask(&client, arn).await?;
        let found = judge(named, arn, key.as_ref());
        // KMS shows the policy of a key to its own account alone.
        if found.is_some() || owner(arn) != own {
            return Ok(found);
        }
        let get = client.get_key_policy().key_id(arn).policy_name("default").send().await;
        let got = get.map_err(|error| failed("KMS", "GetKeyPolicy", &error))?;
        Ok::<_, Failure>(judge_policy(named, arn, got.policy().unwrap_or_default()))
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// The account in an ARN.
pub(super) fn owner(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
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

/// The service that puts events on the bus and the queues in the account's name.
const SERVICE: &str = "events.amazonaws.com";
/// The action that it encrypts with.
const ENCRYPTS: &str = "kms:GenerateDataKey";

fn judge_policy(Named { parameter, effect }: Named, arn: &str, policy: &str) -> Option<Finding> {
    if lets(policy, SERVICE, ENCRYPTS) {
        return None;
    }
    let what = format!("the key's policy does not let {SERVICE} use it: {effect}");
    let cure = format!(
        "Add the statements of A key of your own in docs/options.md to the policy of {parameter}."
    );
    Some(Finding::new("key_unusable", arn, what, cure))
}

/// Returns whether a policy lets a service do something, under whatever conditions.
pub(super) fn lets(policy: &str, service: &str, wanted: &str) -> bool {
    let wanted = wanted.to_ascii_lowercase();
    let lets = |statement: &Value| {
        let principal = &statement["Principal"];
        let is_named = each(&principal["Service"]).any(|it| it == service)
            || [principal, &principal["AWS"]].into_iter().flat_map(each).any(|it| it == "*");
        let may = |action: &str| {
            let action = action.to_ascii_lowercase();
            action.strip_suffix('*').map_or(action == wanted, |start| wanted.starts_with(start))
        };
        let mut actions = each(&statement["Action"]).filter_map(Value::as_str);
        statement["Effect"] == "Allow" && is_named && actions.any(may)
    };
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    each(&policy["Statement"]).any(lets)
}

/// A value, or each of a list.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice).iter()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
    fn a_keys_policy_lets_the_bus_use_it() {
        let page = include_str!("../../../docs/options.md");
        let block = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
        let documented: Value = serde_json::from_str(block.expect("a block")).expect("JSON");
        let root = json!({ "AWS": "arn:aws:iam::123456789012:root" });
        let statement = |principal: &Value, action: Value| json!({ "Effect": "Allow", "Principal": principal, "Action": action });
        let service = json!({ "Service": ["sns.amazonaws.com", SERVICE] });
        let lets = |statements: Value| {
            let policy = json!({ "Version": "2012-10-17", "Statement": statements });
            judge_policy(KEYS[0], "arn", &policy.to_string()).is_none()
        };

        assert!(lets(documented.clone()));
        assert!(lets(statement(&service, json!("kms:*"))));
        assert!(lets(json!([statement(&json!("*"), json!(["kms:Decrypt", "kms:Generate*"]))])));
        assert!(!lets(json!([statement(&root, json!("kms:*")), documented[1]])));
        assert!(!lets(statement(&service, json!(["kms:Decrypt", "kms:DescribeKey"]))));
        assert!(!lets(json!([])));
        let denied = json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:*" });
        assert!(!lets(denied));
        assert_eq!(owner("arn:aws:kms:eu-west-1:123456789012:key/a"), Some("123456789012"));
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
