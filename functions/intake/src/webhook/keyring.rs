//! The webhook's keys, held for a while: a rotation needs no deployment.

use std::{sync::Arc, time::Duration};

use postback_core::{
    clock::Timestamp,
    problem::{Code, Problem},
};
use postback_runtime::services::IntakeServices;
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use super::signature::{Keys, Signed};

/// How old keys may be before the secret is read again.
const OLDEST: Duration = Duration::from_mins(1);
/// The same where a signature does not fit, or there are no keys yet: they may just have been
/// changed. Not at once, so that strangers can't have the secret read at will.
const OLDEST_IN_DOUBT: Duration = Duration::from_secs(10);

/// The keys as they were last read.
#[derive(Debug, Default)]
pub(crate) struct Keyring(Mutex<Option<Held>>);

#[derive(Clone, Debug)]
struct Held {
    /// `None` when there were none to be had.
    keys: Option<Arc<Keys>>,
    read_at: Timestamp,
}

impl Keyring {
    /// Refuses a message whose signature does not fit.
    pub(crate) async fn check(
        &self,
        signed: &Signed<'_>,
        body: &[u8],
        door: &impl IntakeServices,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let keys = self.keys(door, now, OLDEST).await?;
        if signed.fits(body, &keys) {
            return Ok(());
        }
        let newer = self.keys(door, now, OLDEST_IN_DOUBT).await?;
        if !Arc::ptr_eq(&keys, &newer) && signed.fits(body, &newer) {
            return Ok(());
        }
        let detail = "No signature in `webhook-signature` fits this id, timestamp and body. Sign \
                      the body's very bytes with the shared key, `v1,` before it. Nothing was sent.";
        Err(Problem::new(Code::WebhookSignatureWrong, detail))
    }

    async fn keys(
        &self,
        door: &impl IntakeServices,
        now: Timestamp,
        oldest: Duration,
    ) -> Result<Arc<Keys>, Problem> {
        let mut place = self.0.lock().await;
        let held = match place.take() {
            Some(held) if now.since(held.read_at) < held.may_be_as_old_as(oldest) => held,
            before => Held {
                keys: read(door).await.or_else(|| before.and_then(|before| before.keys)),
                read_at: now,
            },
        };
        place.insert(held).keys.clone().ok_or_else(|| {
            let detail = "The webhook has no keys to check the signature with, so nothing was \
                          sent. Whoever runs this Postback sets them with `make secret \
                          NETWORK=webhook`; send the message again later.";
            Problem::new(Code::WebhookKeysUnavailable, detail)
        })
    }
}

impl Held {
    fn may_be_as_old_as(&self, oldest: Duration) -> Duration {
        if self.keys.is_some() { oldest } else { OLDEST_IN_DOUBT }
    }
}

/// The keys as they are now. Ones that can't be read leave those before in force.
async fn read(door: &impl IntakeServices) -> Option<Arc<Keys>> {
    let Ok(secret) = door.secret().await else {
        let code = "webhook_secret_not_read";
        tracing::error!(code, "the secret named by WEBHOOK_SECRET_ARN could not be read");
        return None;
    };
    match Keys::read(secret.json.expose_secret()) {
        Ok(keys) => Some(Arc::new(keys)),
        Err(faults) => {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            tracing::error!(
                code = "webhook_secret_malformed",
                faults = faults.join("; "),
                mend = "make secret NETWORK=webhook",
                "the secret named by WEBHOOK_SECRET_ARN has faults"
            );
            None
        }
    }
}
