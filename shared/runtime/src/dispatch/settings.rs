//! The network's settings: read from its secret, and read again when they are old.

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use futures_util::future::{Either, select};
use postback_core::{
    clock::Timestamp,
    fields::Fault,
    network::{Network, configure},
};
use secrecy::ExposeSecret;
use tokio::sync::{Mutex, RwLock};

use crate::services::Services;

/// The age at which the secret is read again.
const MAX_AGE: Duration = Duration::from_mins(2);
/// The age at which it is read while a network answers: no order waits for it then.
const READ_AHEAD_AGE: Duration = Duration::from_mins(1);
/// The age at which it is read again while a correction is awaited.
const MAX_AGE_WHILE_AWAITED: Duration = Duration::from_secs(10);

/// A network with the settings of its secret.
pub struct Configured<N> {
    /// The network.
    pub network: Arc<N>,
    /// The version of the secret.
    pub version: String,
    /// The time of the reading.
    pub read_at: Timestamp,
    /// True if the secret was read and holds faults: these are the settings before, and nothing is
    /// sent with them.
    pub is_faulty: bool,
}

impl<N> fmt::Debug for Configured<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configured").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The reason that a dispatcher can't start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The secret could not be read.
    #[error("the secret named by NETWORK_SECRET_ARN could not be read")]
    SecretUnavailable,
    /// The secret does not hold the network's settings.
    #[error("the secret named by NETWORK_SECRET_ARN has faults: {}", list(.0))]
    Settings(Vec<Fault>),
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

/// The settings in force.
pub(super) struct Settings<N> {
    held: RwLock<Arc<Configured<N>>>,
    /// Held by the one that reads ahead.
    ahead: Mutex<()>,
}

impl<N: Network> Settings<N> {
    /// Reads the secret for the first time.
    pub(super) async fn start(services: &impl Services) -> Result<Self, StartError> {
        Ok(Self { held: RwLock::new(Arc::new(fetch(services).await?)), ahead: Mutex::default() })
    }

    /// The settings, read again when they are old. If the secret can't be read, the old settings stay
    /// in force. If it has faults, or was emptied, there are none until it is corrected. A correction
    /// is awaited while these are faulty, while the circuit breaker is open, and by a parked order.
    pub(super) async fn current(
        &self,
        services: &impl Services,
        correction_is_awaited: bool,
    ) -> Arc<Configured<N>> {
        let held = Arc::clone(&*self.held.read().await);
        let is_awaited = correction_is_awaited || held.is_faulty;
        let max_age = if is_awaited { MAX_AGE_WHILE_AWAITED } else { MAX_AGE };
        let now = services.now();
        if now.since(held.read_at) < max_age {
            return held;
        }
        let mut slot = self.held.write().await;
        if slot.read_at != held.read_at {
            return Arc::clone(&slot);
        }
        let fresh = match fetch(services).await {
            Ok(fresh) => fresh,
            Err(error) => unread(&held, &error, now),
        };
        *slot = Arc::new(fresh);
        Arc::clone(&slot)
    }

    /// Waits for a network's answer, and reads settings that will soon be old meanwhile. What is not
    /// read when the answer comes is left: nothing of the answer waits for it.
    pub(super) async fn read_during<T>(
        &self,
        services: &impl Services,
        answer: impl Future<Output = T>,
    ) -> T {
        match select(pin!(answer), Box::pin(self.read_ahead(services))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), answer)) => answer.await,
        }
    }

    /// Reads the secret again, unless it is fresh or somebody else does. What fails is repeated when
    /// the settings are old.
    async fn read_ahead(&self, services: &impl Services) {
        let Ok(_alone) = self.ahead.try_lock() else { return };
        let read_at = self.held.read().await.read_at;
        if services.now().since(read_at) < READ_AHEAD_AGE {
            return;
        }
        let Ok(fresh) = fetch(services).await else { return };
        let mut slot = self.held.write().await;
        // Somebody may have read since, and later than this.
        if slot.read_at == read_at {
            *slot = Arc::new(fresh);
        }
    }
}

/// The settings after a reading that failed.
fn unread<N: Network>(held: &Configured<N>, error: &StartError, now: Timestamp) -> Configured<N> {
    let is_faulty = held.is_faulty || matches!(error, StartError::Settings(_));
    if is_faulty {
        let code = "settings_not_read";
        tracing::error!(code, network = N::NAME, %error, "orders wait until it is corrected");
    } else {
        let code = "settings_not_read";
        tracing::error!(code, network = N::NAME, %error, "the old settings stay in force");
    }
    let version = if is_faulty { "faulty" } else { &held.version }.to_owned();
    Configured { network: Arc::clone(&held.network), version, read_at: now, is_faulty }
}

pub(super) async fn fetch<N: Network>(
    services: &impl Services,
) -> Result<Configured<N>, StartError> {
    let secret = services.secret().await.map_err(|_| StartError::SecretUnavailable)?;
    let network = configure(secret.json.expose_secret()).map_err(StartError::Settings)?;
    let (version, read_at) = (secret.version, services.now());
    Ok(Configured { network: Arc::new(network), version, read_at, is_faulty: false })
}
