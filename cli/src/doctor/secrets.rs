//! The secrets: set, readable and well formed.

use futures_util::future::join_all;
use postback_orders::{
    COOKIE_KEYS,
    keys::{KeyKind, Keys},
    platform::{KEY_SHAPE, key},
};
use serde_json::Value;

use super::{Finding, settings};
use crate::{
    account::{Account, failed},
    failure::Failure,
    networks::{self, PLATFORMS},
};

/// A secret as Secrets Manager gave it.
struct Secret {
    /// The network, `webhook`, `click_cookie` or a shop system.
    of: String,
    content: Content,
}

enum Content {
    Text(String),
    /// There is no secret, or it has no value.
    Gone,
    /// It can't be decrypted: the code.
    Locked(String),
}

pub(super) async fn findings(account: &Account) -> Result<Vec<Finding>, Failure> {
    let secrets = all(account)?;
    let read = secrets.into_iter().map(|(of, arn)| ask(account, of, arn));
    let mut findings = Vec::new();
    for secret in join_all(read).await {
        findings.extend(judge(&secret?));
    }
    Ok(findings)
}

/// The stack's secrets: the network, the shop system, `webhook` or `click_cookie`, each with its ARN.
pub(crate) fn all(account: &Account) -> Result<Vec<(String, &str)>, Failure> {
    let mut secrets = Vec::new();
    for network in account.networks() {
        secrets.push((network.name, account.output(&format!("{}SecretArn", network.prefix))?));
    }
    for (of, output) in [(WEBHOOK, "WebhookSecretArn"), (CLICK_COOKIE, "ClickCookieSecretArn")] {
        secrets.extend(account.output(output).ok().map(|arn| (of.to_owned(), arn)));
    }
    for platform in PLATFORMS {
        let arn = account.output(&format!("{}SecretArn", platform.prefix));
        secrets.extend(arn.ok().map(|arn| (platform.name.to_owned(), arn)));
    }
    Ok(secrets)
}

/// The faults of a secret of this name, in words without its values.
pub(crate) fn faults(of: &str, text: &str) -> Vec<String> {
    match of {
        WEBHOOK => webhook::faults_of_secret(text).iter().map(ToString::to_string).collect(),
        CLICK_COOKIE => Keys::parse(text, &COOKIE_KEYS).1.iter().map(ToString::to_string).collect(),
        name if PLATFORMS.iter().any(|platform| platform.name == name) => {
            Keys::parse(text, &PLATFORM_KEYS).1.iter().map(ToString::to_string).collect()
        }
        network => networks::find(network).map_or_else(
            || vec!["this version of the tool does not know the network".to_owned()],
            |network| settings::faults(&network.secret(), text),
        ),
    }
}

pub(crate) const WEBHOOK: &str = "webhook";
pub(crate) const CLICK_COOKIE: &str = COOKIE_KEYS.secret;
/// The keys of every shop system.
const PLATFORM_KEYS: KeyKind = KeyKind { secret: "", shape: KEY_SHAPE, parse: key };

async fn ask(account: &Account, of: String, arn: &str) -> Result<Secret, Failure> {
    let client = aws_sdk_secretsmanager::Client::new(&account.place.config);
    let content = match client.get_secret_value().secret_id(arn).send().await {
        Ok(value) => value.secret_string.map_or(Content::Gone, Content::Text),
        Err(error) => {
            let refused = failed("Secrets Manager", "GetSecretValue", &error);
            let Failure::Refused { code, message, .. } = &refused else { return Err(refused) };
            match code.as_str() {
                "ResourceNotFoundException" | "InvalidRequestException" => Content::Gone,
                "DecryptionFailure" => Content::Locked(code.clone()),
                _ if message.contains("KMS") => Content::Locked(code.clone()),
                _ => return Err(refused),
            }
        }
    };
    Ok(Secret { of, content })
}

fn judge(Secret { of, content }: &Secret) -> Option<Finding> {
    let cure = format!("Run `postback secret {of}`: it asks for the settings and checks them.");
    let text = match content {
        Content::Text(text) => text,
        Content::Gone => {
            return Some(Finding::new("secret_unset", of, "its secret has no value", cure));
        }
        Content::Locked(code) => {
            let what = format!("its secret can't be decrypted: {code}");
            let cure =
                "Enable the KMS key of the secret, and let the functions' roles and you use it.";
            return Some(Finding::new("secret_locked", of, what, cure));
        }
    };
    let faults = faults(of, text);
    if faults.is_empty() {
        return None;
    }
    let is_empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
    let unset = text.trim().is_empty() || serde_json::from_str(text).is_ok_and(|it| is_empty(&it));
    let (code, what) = if unset {
        ("secret_unset", "its secret is empty".to_owned())
    } else {
        ("secret_malformed", format!("its secret has faults: {}", faults.join("; ")))
    };
    Some(Finding::new(code, of, what, cure))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(of: &str, content: Content) -> Option<(&'static str, String)> {
        let finding = judge(&Secret { of: of.to_owned(), content })?;
        Some((finding.code, finding.what))
    }

    fn text(of: &str, text: &str) -> Option<&'static str> {
        found(of, Content::Text(text.to_owned())).map(|(code, _)| code)
    }

    /// A network whose settings must be given.
    fn needy() -> &'static str {
        let mut needy =
            networks::NETWORKS.iter().filter(|it| it.secret().get("required").is_some());
        needy.next().expect("a network with a key").name
    }

    #[test]
    fn a_secret_is_set_and_well_formed() {
        assert_eq!(text(needy(), "{}"), Some("secret_unset"));
        assert_eq!(text(needy(), " "), Some("secret_unset"));
        assert_eq!(text(needy(), "{\"key\": 7"), Some("secret_malformed"));
        assert_eq!(text(needy(), "{\"nonsense\": 7}"), Some("secret_malformed"));
        assert_eq!(found(needy(), Content::Gone).map(|it| it.0), Some("secret_unset"));
        let locked = found(needy(), Content::Locked("DecryptionFailure".to_owned()));
        assert_eq!(locked.map(|it| it.0), Some("secret_locked"));
    }

    #[test]
    fn the_webhooks_keys_are_read_as_intake_reads_them() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

        assert_eq!(text("webhook", &format!("{{\"keys\": [\"{key}\"]}}")), None);
        assert_eq!(text("webhook", "{}"), Some("secret_unset"));
        assert_eq!(text("click_cookie", &format!("{{\"keys\": [\"{key}\"]}}")), None);
        assert_eq!(text("click_cookie", "{}"), Some("secret_unset"));
        let platform = PLATFORMS[0].name;
        assert_eq!(text(platform, r#"{"keys": ["shpss_0123456789abcdef"]}"#), None);
        assert_eq!(text(platform, r#"{"keys": ["short"]}"#), Some("secret_malformed"));
        assert_eq!(text(platform, "{}"), Some("secret_unset"));
        let (code, what) =
            found("webhook", Content::Text("{\"keys\": [\"abc\"]}".to_owned())).expect("a finding");
        assert_eq!(code, "secret_malformed");
        assert!(!what.contains("abc"), "{what}");
    }
}
