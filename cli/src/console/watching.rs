//! The alarms, queues and dead letters, looked at every few seconds at most. A look goes on by itself
//! when a page waits no longer for it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use postback_core::clock::Timestamp;
use tokio::{sync::Notify, time::timeout};

use super::{Console, lock};
use crate::{failure::Failure, watch::Watched};

/// The age up to which they are shown again.
const FRESH: Duration = Duration::from_secs(10);

/// The longest that a page waits for AWS, besides the ledger.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Default)]
pub(super) struct Watching {
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Default)]
struct State {
    /// The last look: its time, and what was found or why it failed.
    last: Option<(Timestamp, Result<Watched, Failure>)>,
    is_looking: bool,
    /// The number of times that it had to be looked anew: a look begun before is not shown.
    generation: u64,
}

impl Watching {
    pub(super) fn forget(&self) {
        let mut state = lock(&self.state);
        let generation = state.generation + 1;
        *state = State { generation, ..State::default() };
    }

    /// They, as they are; a failure if AWS takes longer than a page may wait.
    pub(super) async fn look(&self, console: &Arc<Console>) -> Result<Watched, Failure> {
        let now = console.now();
        let ended = self.ended.notified();
        if let Some(seen) = self.fresh(now) {
            return seen;
        }
        {
            let mut state = lock(&self.state);
            if !state.is_looking {
                state.is_looking = true;
                tokio::spawn(run(console.clone(), state.generation));
            }
        }
        let late = Failure::Unreachable { service: "AWS", action: "the state of the stack" };
        let _late = timeout(PATIENCE, ended).await;
        self.fresh(console.now()).unwrap_or(Err(late))
    }

    fn fresh(&self, now: Timestamp) -> Option<Result<Watched, Failure>> {
        let state = lock(&self.state);
        let last = state.last.as_ref().filter(|(at, _)| now.since(*at) < FRESH);
        last.map(|(_, seen)| seen.clone())
    }
}

async fn run(console: Arc<Console>, generation: u64) {
    let seen = Watched::look(&console.account).await;
    let watching = &console.watching;
    {
        let mut state = lock(&watching.state);
        if state.generation != generation {
            return;
        }
        state.last = Some((console.now(), seen));
        state.is_looking = false;
    }
    watching.ended.notify_waiters();
}

/// An answer of AWS, if it comes while a page may wait.
pub(super) async fn in_time<T>(
    service: &'static str,
    action: &'static str,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let late = Failure::Unreachable { service, action };
    timeout(PATIENCE, answer).await.unwrap_or(Err(late))
}
