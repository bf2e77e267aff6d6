//! The webhook's keys, cached for a minute: a rotation needs no deployment.

use std::{sync::Arc, time::Duration};

use postback_core::{
    clock::Timestamp,
    problem::{Code, Problem},
};
use postback_runtime::services::WebhookServices;
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use super::signature::{Keys, SignedMessage};

/// The age at which the keys are read again.
const MAX_AGE: Duration = Duration::from_mins(1);
/// The age at which they are read again where a signature does not match or there are no keys yet:
/// they may just have been changed. Not zero, so that strangers can't make this function read the
/// secret with every request.
const MAX_AGE_IN_DOUBT: Duration = Duration::from_secs(10);

/// The keys as last read.
#[derive(Debug, Default)]
pub(crate) struct Keyring(Mutex<Option<CachedKeys>>);

#[derive(Clone, Debug)]
struct CachedKeys {
    /// `None` if they could not be read.
    keys: Option<Arc<Keys>>,
    read_at: Timestamp,
}

impl Keyring {
    /// Refuses a message without a signature that matches.
    pub(crate) async fn check(
        &self,
        signed: &SignedMessage<'_>,
        body: &[u8],
        services: &impl WebhookServices,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let keys = self.keys(services, now, MAX_AGE).await?;
        if signed.matches(body, &keys) {
            return Ok(());
        }
        let newer = self.keys(services, now, MAX_AGE_IN_DOUBT).await?;
        if !Arc::ptr_eq(&keys, &newer) && signed.matches(body, &newer) {
            return Ok(());
        }
        let detail = "No signature in `webhook-signature` matches this id, timestamp and body. Sign \
                      the exact bytes of the body with the shared key, and write `v1,` before the \
                      signature. Nothing was sent.";
        Err(Problem::new(Code::WebhookSignatureWrong, detail))
    }

    async fn keys(
        &self,
        services: &impl WebhookServices,
        now: Timestamp,
        max_age: Duration,
    ) -> Result<Arc<Keys>, Problem> {
        let mut cache = self.0.lock().await;
        let cached = match cache.take() {
            Some(cached) if now.since(cached.read_at) < cached.max_age(max_age) => cached,
            before => CachedKeys {
                keys: read_keys(services).await.or_else(|| before.and_then(|before| before.keys)),
                read_at: now,
            },
        };
        cache.insert(cached).keys.clone().ok_or_else(|| {
            let detail = "The webhook has no keys to check the signature with, so nothing was \
                          sent. The operator sets them with `make secret NETWORK=webhook`. Send \
                          the message again later.";
            Problem::new(Code::WebhookKeysUnavailable, detail)
        })
    }
}

impl CachedKeys {
    fn max_age(&self, max_age: Duration) -> Duration {
        if self.keys.is_some() { max_age } else { MAX_AGE_IN_DOUBT }
    }
}

/// Reads the keys. Where they can't be read, those read before stay in force.
async fn read_keys(services: &impl WebhookServices) -> Option<Arc<Keys>> {
    let Ok(secret) = services.secret().await else {
        let code = "webhook_secret_not_read";
        tracing::error!(code, "the secret named by WEBHOOK_SECRET_ARN could not be read");
        return None;
    };
    match Keys::parse(secret.json.expose_secret()) {
        Ok(keys) => Some(Arc::new(keys)),
        Err(faults) => {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            tracing::error!(
                code = "webhook_secret_malformed",
                faults = faults.join("; "),
                fix = "make secret NETWORK=webhook",
                "the secret named by WEBHOOK_SECRET_ARN has faults"
            );
            None
        }
    }
}
