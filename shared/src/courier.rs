//! A delivery from claim to settlement. Each turn asks [`step`](crate::delivery::step), writes what it says, then does
//! what it says: the courier itself decides nothing.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::ExposeSecret;
use tokio::sync::{Notify, RwLock};

use crate::{
    clock::Timestamp,
    delivery::{Event, Fingerprint, Policy, Resolution, State},
    fields::Fault,
    http::Sender,
    ledger::{Key, Ledger, LedgerError},
    metrics::Metrics,
    network::{Configured, Network, Phrase, Told, configure},
    order::Order,
    surroundings::{Due, ORDER_DUE, Surroundings, Unavailable},
    word::Reason,
};

mod attempt_log;
mod follow;
mod journey;
mod pause;

pub use follow::{Round, RoundError};
use journey::Journey;
use pause::{Passage, Pause};

/// How old settings may be before the secret is read again.
const SETTINGS_AGE: Duration = Duration::from_mins(1);
/// The same while the network is paused because of them.
const SETTINGS_AGE_PAUSED: Duration = Duration::from_secs(10);
/// The longest delay of a queue message.
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// The first of the growing pauses after which a parked delivery looks whether it is mended.
const FIRST_ROUND: Duration = Duration::from_secs(15);

/// Takes orders to one network.
pub struct Courier<N: Network, S: Surroundings> {
    configured: RwLock<Arc<Configured<N>>>,
    ledger: Ledger,
    sender: Sender,
    surroundings: S,
    pause: Mutex<Option<Pause>>,
    metrics: Mutex<Metrics>,
    /// Held by everyone who waits for the network's answer.
    sending: Arc<()>,
    /// What is to be put on the bus is to leave.
    departure: Notify,
}

/// How an order came.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The order as it came, as JSON: what is put back on the queue.
    pub body: &'a str,
    /// Which way it came.
    pub way: Way,
    /// Whether the ledger is likely to know it: asked first, which costs less than a refused write.
    pub known: bool,
    /// When this invocation is ended.
    pub deadline: Timestamp,
    /// How often it has come round while parked.
    pub rounds: u32,
    /// Whether what became of it is still to be told on the bus.
    pub announce: bool,
    /// Whether a conflict of it has been noted on the delivery: only the bus is still to hear of it.
    pub noted: bool,
}

/// Which way an order came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a direct call: the caller is told of a conflict.
    Api,
    /// From the queue: a conflict is noted on the delivery and told on the bus.
    Queue,
}

/// What came of one delivery.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that stands by itself")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The line, where the network wants lines.
    pub line: Option<String>,
    /// The state.
    pub state: State,
    /// Why.
    pub reason: Option<Reason>,
    /// The last attempt that was claimed.
    pub attempt: u32,
    /// Whether nothing was sent now: this is what came of it before.
    pub replayed: bool,
    /// Whether the order has other content than the one that was told.
    pub conflict: bool,
    /// When to come back; `None` when nothing is left to do.
    pub wait_until: Option<Timestamp>,
    /// Whether the bus did not take what became of it.
    pub unannounced: bool,
    /// When the delivery was first heard of, if it is in the ledger.
    pub since: Option<Timestamp>,
    /// Whether it came to this state now.
    pub changed: bool,
    /// Whether it came in doubt now, and is.
    pub newly_in_doubt: bool,
}

/// Why nothing can be said of a delivery. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The ledger did not say.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Others wrote again and again.
    #[error("the delivery is being changed by too many at once")]
    Contended,
}

/// Why a courier can't start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The secret could not be read.
    #[error("the secret named by NETWORK_SECRET_ARN could not be read")]
    SecretUnavailable,
    /// The secret is not the network's settings.
    #[error("the secret named by NETWORK_SECRET_ARN has faults: {}", list(.0))]
    Settings(Vec<Fault>),
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

impl<N: Network, S: Surroundings> fmt::Debug for Courier<N, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("network", &N::NAME).finish_non_exhaustive()
    }
}

impl<N: Network, S: Surroundings> Courier<N, S> {
    /// Reads the settings and is ready.
    pub async fn start(
        ledger: Ledger,
        sender: Sender,
        surroundings: S,
    ) -> Result<Self, StartError> {
        let configured = read_settings(&surroundings).await?;
        Ok(Self {
            configured: RwLock::new(Arc::new(configured)),
            ledger,
            sender,
            surroundings,
            pause: Mutex::new(None),
            metrics: Mutex::default(),
            sending: Arc::new(()),
            departure: Notify::new(),
        })
    }

    /// What lies around.
    pub const fn surroundings(&self) -> &S {
        &self.surroundings
    }

    /// Brings `order` to the network, as far as it gets now.
    pub async fn deliver(&self, order: &Order, call: &Call<'_>) -> Result<Vec<Outcome>, Trouble> {
        let configured = self.settings().await;
        let outcomes = match configured.network.phrase(order) {
            Phrase::Skip(reason) => vec![Outcome::skipped(reason)],
            Phrase::Reject(reason) => {
                let key = Key::new(&order.order_id, N::NAME, None);
                let content = Fingerprint::of(order);
                let policy = Policy::new(Resolution::Hold, N::TIMEOUT, N::LAG);
                let event = Event::Refuse { content, reason };
                let journey = Journey::new(self, &configured, key, None, policy, call);
                vec![journey.travel(event).await?]
            }
            Phrase::Tell(told) => {
                let mut outcomes = Vec::with_capacity(told.len());
                for told in &told {
                    let outcome = match self.tell(order, &configured, told, call).await {
                        Ok(outcome) => outcome,
                        // A line before it may have been sent: "nothing was sent" is not true.
                        Err(_) if outcomes.iter().any(|before: &Outcome| !before.replayed) => {
                            let line = told.line.clone();
                            outcomes.push(Outcome::left_undone(line, self.surroundings.now()));
                            break;
                        }
                        Err(trouble) => return Err(trouble),
                    };
                    let conflict = outcome.conflict;
                    outcomes.push(outcome);
                    // An order that came back as another one: no further line of it is told.
                    if conflict {
                        break;
                    }
                }
                outcomes
            }
        };
        self.metrics().came_to(order, &outcomes);
        Ok(outcomes)
    }

    async fn tell(
        &self,
        order: &Order,
        configured: &Configured<N>,
        told: &Told<N::Report>,
        call: &Call<'_>,
    ) -> Result<Outcome, Trouble> {
        let key = Key::new(&order.order_id, N::NAME, told.line.as_deref());
        let recovery = configured.network.recovery(&told.report);
        let policy = Policy::new(recovery.resolution(), N::TIMEOUT, N::LAG);
        let now = self.surroundings.now();
        let passage = match self.pause().as_mut() {
            Some(pause) => pause.meet(&configured.version, now),
            None => Passage::Free,
        };
        let event = Event::Arrive {
            content: Fingerprint::of(&told.report),
            deadline: call.deadline,
            settings: configured.version.clone(),
            paused: match &passage {
                Passage::Held(until, reason) => Some((*until, reason.clone())),
                Passage::Free | Passage::Probe => None,
            },
        };
        let load = Some((&told.report, recovery));
        let mut journey = Journey::new(self, configured, key, load, policy, call);
        journey.probes = passage == Passage::Probe;
        let mut outcome = journey.travel(event).await?;
        outcome.line.clone_from(&told.line);
        Ok(outcome)
    }

    /// Puts the order back on the queue if anything is left to do for it.
    pub async fn follow_up(
        &self,
        call: &Call<'_>,
        outcomes: &[Outcome],
    ) -> Result<(), Unavailable> {
        let now = self.surroundings.now();
        let parked = outcomes.iter().any(|outcome| outcome.state == State::Parked);
        let waits = outcomes.iter().filter_map(|outcome| outcome.wait_until);
        let announce = outcomes.iter().any(|outcome| outcome.unannounced);
        let mut at = waits.min();
        if announce {
            at = Some(at.unwrap_or(now + FIRST_ROUND));
        }
        let Some(mut at) = at else { return Ok(()) };
        let rounds = if parked { call.rounds.saturating_add(1) } else { 0 };
        if parked {
            let pause = FIRST_ROUND.saturating_mul(2_u32.saturating_pow(call.rounds.min(10)));
            at = at.min(now + pause.min(LONGEST_DELAY));
        }
        let waiting = outcomes.iter().filter(|outcome| outcome.wait_until.is_some());
        let since = waiting.filter_map(|outcome| outcome.since).min();
        let since_ms = since.map_or(0, Timestamp::as_millis);
        let not_before_ms = at.as_millis();
        let detail = serde_json::from_str(call.body).map_err(|_| Unavailable)?;
        let due = Due { detail_type: ORDER_DUE, detail, not_before_ms, rounds, announce, since_ms };
        self.put_back(&due).await
    }

    /// Puts an order back on the queue.
    pub async fn put_back(&self, due: &Due<'_>) -> Result<(), Unavailable> {
        let now = self.surroundings.now();
        if due.since_ms > 0 {
            self.metrics().waits(now.since(Timestamp::from_millis(due.since_ms)));
        }
        let delay = now.until(Timestamp::from_millis(due.not_before_ms)).min(LONGEST_DELAY);
        self.surroundings.requeue(due, delay).await
    }

    /// Writes down what has been measured since the last time: at the end of an invocation.
    pub fn measure(&self) {
        let mut metrics = std::mem::take(&mut *self.metrics());
        if self.pause().is_some() {
            metrics.paused(true);
        }
        self.surroundings.measure(N::NAME, &metrics);
    }

    pub(crate) fn metrics(&self) -> MutexGuard<'_, Metrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause(&self) -> MutexGuard<'_, Option<Pause>> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings, read again when they are old. New ones that can't be read leave the old ones
    /// in force.
    async fn settings(&self) -> Arc<Configured<N>> {
        let held = Arc::clone(&*self.configured.read().await);
        let oldest = if self.pause().is_some() { SETTINGS_AGE_PAUSED } else { SETTINGS_AGE };
        let now = self.surroundings.now();
        if now.since(held.read_at) < oldest {
            return held;
        }
        let mut place = self.configured.write().await;
        if place.read_at != held.read_at {
            return Arc::clone(&place);
        }
        let fresh = match read_settings(&self.surroundings).await {
            Ok(fresh) => fresh,
            Err(error) => {
                let code = "settings_not_read";
                tracing::error!(code, network = N::NAME, %error, "the old settings stay in force");
                Configured {
                    read_at: now,
                    version: held.version.clone(),
                    network: Arc::clone(&held.network),
                }
            }
        };
        *place = Arc::new(fresh);
        Arc::clone(&place)
    }
}

async fn read_settings<N: Network>(
    surroundings: &impl Surroundings,
) -> Result<Configured<N>, StartError> {
    let secret = surroundings.secret().await.map_err(|_| StartError::SecretUnavailable)?;
    let network = configure(secret.json.expose_secret()).map_err(StartError::Settings)?;
    let network = Arc::new(network);
    Ok(Configured { network, version: secret.version, read_at: surroundings.now() })
}
