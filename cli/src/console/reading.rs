//! Readings of the ledger: each goes on by itself while pages show how far it is.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use postback_core::{clock::Timestamp, delivery::Record};
use postback_runtime::ledger::{Filter, Page};
use tokio::{sync::Notify, task::AbortHandle};

use super::{Console, Survey, lock};
use crate::{
    failure::Failure,
    scan::{Read, side_by_side},
    status::Counted,
};

/// The pair of a query that has the ledger read again.
pub(super) const ANEW: &str = "anew=1";

/// The time that a page waits for a reading to end, before it shows how far it is.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// The age up to which a reading is shown again.
const FRESH: Duration = Duration::from_secs(5);

/// The most that reading costs of the time, as its inverse.
const REST: u32 = 10;

/// Something that is gathered from deliveries.
pub(super) trait Gathers: Clone + Send + Sync + 'static {
    fn add(&mut self, record: Record, now: Timestamp);
}

impl Gathers for Counted {
    fn add(&mut self, record: Record, now: Timestamp) {
        Self::add(self, &record, now);
    }
}

impl Gathers for Survey {
    fn add(&mut self, record: Record, now: Timestamp) {
        Self::add(self, &record, now);
    }
}

/// A reading so far.
#[derive(Clone)]
pub(super) struct Reading<T> {
    pub(super) value: T,
    pub(super) read: Read,
    /// True if it is of the index of what waits alone.
    pub(super) is_of_index: bool,
    pub(super) started_at: Timestamp,
    /// The time when its end was reached.
    pub(super) ended_at: Option<Timestamp>,
    /// The failure that ended it before.
    pub(super) failure: Option<Failure>,
}

impl<T> Reading<T> {
    /// Returns whether it still goes on.
    pub(super) const fn goes_on(&self) -> bool {
        self.ended_at.is_none() && self.failure.is_none()
    }
}

/// Has a page with [`ANEW`] read the ledger again. It is behind a redirect: a page that refreshes
/// itself would begin from the start each time.
pub(super) async fn anew(
    State(console): State<Arc<Console>>,
    request: Request,
    next: Next,
) -> Response {
    let pairs = request.uri().query().unwrap_or_default().split('&');
    let (anew, others): (Vec<_>, Vec<_>) = pairs.partition(|pair| *pair == ANEW);
    if anew.is_empty() || request.method() != Method::GET {
        return next.run(request).await;
    }
    console.forget();
    let (path, query) = (request.uri().path(), others.join("&"));
    let place = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    Redirect::to(&place).into_response()
}

/// One kind of reading.
pub(super) struct Job<T> {
    pub(super) filter: Filter,
    empty: T,
    state: Mutex<Progress<T>>,
    ended: Notify,
}

struct Progress<T> {
    last: Option<Reading<T>>,
    running: Option<Reading<T>>,
    /// The task that reads.
    task: Option<AbortHandle>,
    /// The number of times that it had to be read anew: a reading begun before is shown no more.
    generation: u64,
}

impl<T: Gathers> Job<T> {
    pub(super) fn new(filter: Filter, empty: T) -> Arc<Self> {
        let state = Progress { last: None, running: None, task: None, generation: 0 };
        let state = Mutex::new(state);
        Arc::new(Self { filter, empty, state, ended: Notify::new() })
    }

    /// Has the next look read again. A reading under way ends: it may have passed what was written.
    pub(super) fn forget(&self) {
        let mut state = lock(&self.state);
        (state.last, state.running) = (None, None);
        state.generation += 1;
        if let Some(task) = state.task.take() {
            task.abort();
        }
    }

    /// Returns whether it is being read, or was of late.
    pub(super) fn is_current(&self, now: Timestamp) -> bool {
        let state = lock(&self.state);
        state.running.is_some() || !state.is_due(now)
    }

    /// The reading, begun if there is none of late: whole if it ends soon, else as far as it is.
    pub(super) async fn look(self: &Arc<Self>, console: &Arc<Console>) -> Reading<T> {
        let now = console.now();
        let ended = self.ended.notified();
        let waits = {
            let mut state = lock(&self.state);
            if state.running.is_none() && state.is_due(now) {
                state.running = Some(self.begun(now));
                let run = self.clone().run(console.clone(), now, state.generation);
                state.task = Some(tokio::spawn(run).abort_handle());
            }
            state.running.is_some() && state.last.is_none()
        };
        if waits {
            let _as_far_as_it_is = tokio::time::timeout(PATIENCE, ended).await;
        }
        let state = lock(&self.state);
        let shown = state.last.as_ref().or(state.running.as_ref()).cloned();
        shown.unwrap_or_else(|| self.begun(now))
    }

    /// A reading that has found nothing so far.
    fn begun(&self, now: Timestamp) -> Reading<T> {
        Reading {
            value: self.empty.clone(),
            read: Read::default(),
            is_of_index: self.filter.waiting,
            started_at: now,
            ended_at: None,
            failure: None,
        }
    }

    /// The reading, once it has reached its end.
    pub(super) async fn whole(
        self: &Arc<Self>,
        console: &Arc<Console>,
    ) -> Result<Reading<T>, Failure> {
        let mut reading = self.look(console).await;
        while reading.goes_on() {
            reading = self.look(console).await;
        }
        match reading.failure.take() {
            None => Ok(reading),
            Some(failure) => Err(failure),
        }
    }

    async fn run(self: Arc<Self>, console: Arc<Console>, now: Timestamp, generation: u64) {
        let add = |page: Page| {
            let mut state = lock(&self.state);
            if let Some(running) = state.running_of(generation) {
                running.read.add(&page);
                page.records.into_iter().for_each(|record| running.value.add(record, now));
            }
        };
        let read = side_by_side(&console.account, &self.filter, add).await;
        let mut state = lock(&self.state);
        if state.generation == generation
            && let Some(mut done) = state.running.take()
        {
            match read {
                Ok(()) => done.ended_at = Some(console.now()),
                Err(failure) => done.failure = Some(failure),
            }
            state.last = Some(done);
        }
        drop(state);
        self.ended.notify_waiters();
    }
}

impl<T> Progress<T> {
    /// The reading under way, if it is still wanted.
    fn running_of(&mut self, generation: u64) -> Option<&mut Reading<T>> {
        self.running.as_mut().filter(|_| self.generation == generation)
    }

    /// Returns whether the last reading is too old to be shown alone: the longer it took, the older
    /// it may be.
    fn is_due(&self, now: Timestamp) -> bool {
        self.last.as_ref().is_none_or(|last| {
            let took = last.ended_at.map(|ended| ended.since(last.started_at));
            now.since(last.ended_at.unwrap_or(last.started_at))
                > FRESH + took.unwrap_or_default() * REST
        })
    }
}
