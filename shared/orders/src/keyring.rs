//! The keys of those who sign their messages, cached for a minute: a rotation needs no deployment.

use std::{sync::Arc, time::Duration};

use postback_core::{
    clock::Timestamp,
    problem::{Code, Problem},
};
use postback_runtime::services::{Secret, Unavailable, WebhookServices};
use secrecy::ExposeSecret;
use tokio::{sync::Mutex, time::timeout};

use crate::keys::{KeyKind, Keys};

/// The age at which the keys are read again.
const MAX_AGE: Duration = Duration::from_mins(1);
/// The age at which they are read again where a signature does not match or there are no keys yet:
/// they may just have been changed. Not zero, so that strangers can't make this function read the
/// secret with every request.
const MAX_AGE_IN_DOUBT: Duration = Duration::from_secs(10);

/// The time for reading them again, after which those known before stay in force. A third of the time
/// that the answer to a shop system has.
const PATIENCE: Duration = Duration::from_millis(300);

/// The keys as last read.
#[derive(Debug)]
pub struct Keyring {
    kind: KeyKind,
    cache: Mutex<Option<CachedKeys>>,
}

#[derive(Clone, Debug)]
struct CachedKeys {
    /// `None` if there are none in force.
    keys: Option<Arc<Keys>>,
    /// The version of the secret that holds them.
    version: String,
    /// The time when the secret was last asked for.
    read_at: Timestamp,
    /// The time when Secrets Manager last returned it.
    confirmed_at: Timestamp,
}

impl Keyring {
    /// Keys that are read with the first message.
    #[must_use]
    pub const fn new(kind: KeyKind) -> Self {
        Self { kind, cache: Mutex::const_new(None) }
    }

    /// Returns what `find` finds among the keys in force, by those just read where it finds nothing in
    /// those read before.
    pub async fn find<T>(
        &self,
        services: &impl WebhookServices,
        now: Timestamp,
        find: impl Fn(&Keys) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let keys = self.keys(services, now, MAX_AGE).await?;
        if let Some(found) = find(&keys) {
            return Ok(Some(found));
        }
        let newer = self.keys(services, now, MAX_AGE_IN_DOUBT).await?;
        Ok(if Arc::ptr_eq(&keys, &newer) { None } else { find(&newer) })
    }

    async fn keys(
        &self,
        services: &impl WebhookServices,
        now: Timestamp,
        max_age: Duration,
    ) -> Result<Arc<Keys>, Problem> {
        let mut cache = self.cache.lock().await;
        // They stay where they are: a caller with little time may drop this reading.
        let cached = match cache.clone() {
            Some(cached) if now.since(cached.read_at) < cached.max_age(max_age) => cached,
            before => match read_keys(services, &self.kind, before.as_ref()).await {
                Ok((keys, version)) => {
                    CachedKeys { keys, version, read_at: now, confirmed_at: now }
                }
                Err(Unavailable) => CachedKeys::unconfirmed(before, now),
            },
        };
        cache.insert(cached).keys.clone().ok_or_else(|| {
            let detail = format!(
                "The webhook has no keys to check the signature with, so nothing was sent. The \
                 operator sets them with `postback secret {}`. Send the message again later.",
                self.kind.secret
            );
            Problem::new(Code::WebhookKeysUnavailable, detail)
        })
    }
}

impl CachedKeys {
    /// The keys read before, while Secrets Manager does not answer.
    fn unconfirmed(before: Option<Self>, now: Timestamp) -> Self {
        let confirmed_at = before.as_ref().map_or(now, |before| before.confirmed_at);
        let held = before.filter(|_| now.since(confirmed_at) < Secret::MAX_UNCONFIRMED);
        let (keys, version) = held.map_or_else(Default::default, |it| (it.keys, it.version));
        Self { keys, version, read_at: now, confirmed_at }
    }

    fn max_age(&self, max_age: Duration) -> Duration {
        if self.keys.is_some() { max_age } else { MAX_AGE_IN_DOUBT }
    }
}

/// Reads the keys, and the version of their secret. A secret that was read and holds no valid key
/// means that there is none: that is how a key is revoked. The same version is the same keys: no
/// signature has to be compared with them again.
async fn read_keys(
    services: &impl WebhookServices,
    kind: &KeyKind,
    before: Option<&CachedKeys>,
) -> Result<(Option<Arc<Keys>>, String), Unavailable> {
    let secret = match before.and_then(|before| before.keys.as_ref()) {
        Some(_) => timeout(PATIENCE, services.secret()).await.unwrap_or(Err(Unavailable)),
        // Without keys nothing can be taken: it is worth waiting for them.
        None => services.secret().await,
    };
    let secret = secret.inspect_err(|_| {
        let code = "webhook_secret_not_read";
        tracing::error!(code, "the secret named by WEBHOOK_SECRET_ARN could not be read");
    })?;
    let (keys, faults) = Keys::parse(secret.json.expose_secret(), kind);
    if !faults.is_empty() {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        tracing::error!(
            code = "webhook_secret_malformed",
            faults = faults.join("; "),
            fix = format!("postback secret {}", kind.secret),
            "the secret named by WEBHOOK_SECRET_ARN has faults: those keys are not in force"
        );
    }
    let before = before.filter(|before| before.version == secret.version);
    let same = before.and_then(|before| before.keys.clone());
    Ok((same.or_else(|| (!keys.is_empty()).then(|| Arc::new(keys))), secret.version))
}
