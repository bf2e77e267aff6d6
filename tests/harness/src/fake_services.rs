//! Time, randomness, queue and secret, in memory.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use postback_core::{clock::Timestamp, order::Order, plausibility::Plausibility};
use postback_runtime::{
    metrics::Metrics,
    services::{DelayedOrder, Secret, Services, Unavailable},
};
use serde_json::Value;

mod status_queue;

use status_queue::Waiting;

/// The services of one function.
#[derive(Clone, Debug)]
pub struct FakeServices(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    now: Timestamp,
    random: fastrand::Rng,
    queue: Vec<Message>,
    dead_letters: Vec<DeadLetter>,
    status_queue: Vec<Waiting>,
    status_dead_letters: Vec<DeadLetter>,
    most_at_once: usize,
    secret: (String, u32),
    metrics: Vec<Value>,
    queue_down: bool,
    secret_down: bool,
    secret_hangs: bool,
    secret_reads: u32,
    plausibility: Plausibility,
    panics: Option<String>,
    broken_rule: Option<&'static str>,
    next_id: u64,
}

/// A message on the queue.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its body.
    pub body: String,
    /// The time from which it can be received.
    pub visible_at: Timestamp,
    /// The number of times it has been received.
    pub received: u32,
}

/// A message that nobody could read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its body.
    pub body: String,
    /// The reason that it could not be taken.
    pub reason: &'static str,
}

impl FakeServices {
    /// Services at `now`, whose randomness follows from `seed`, with the JSON text of a secret.
    #[must_use]
    pub fn new(now: Timestamp, seed: u64, secret: &str) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            now,
            random: fastrand::Rng::with_seed(seed),
            queue: Vec::new(),
            dead_letters: Vec::new(),
            status_queue: Vec::new(),
            status_dead_letters: Vec::new(),
            most_at_once: 10,
            secret: (secret.to_owned(), 1),
            metrics: Vec::new(),
            queue_down: false,
            secret_down: false,
            secret_hangs: false,
            secret_reads: 0,
            plausibility: Plausibility::default(),
            panics: None,
            broken_rule: None,
            next_id: 0,
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the clock.
    pub fn set_now(&self, now: Timestamp) {
        self.inner().now = now;
    }

    /// Puts a message on the queue.
    pub fn enqueue(&self, body: impl Into<String>) {
        let now = self.inner().now;
        self.push(body.into(), now);
    }

    fn push(&self, body: String, visible_at: Timestamp) {
        let mut inner = self.inner();
        inner.next_id += 1;
        let id = format!("m-{}", inner.next_id);
        inner.queue.push(Message { id, body, visible_at, received: 0 });
    }

    /// Receives at most `most` messages that are visible now; each counts as received once more
    /// and is invisible for `invisible`.
    #[must_use]
    pub fn receive(&self, most: usize, invisible: Duration) -> Vec<Message> {
        let mut inner = self.inner();
        let now = inner.now;
        let mut received = Vec::new();
        for message in inner.queue.iter_mut().filter(|m| m.visible_at <= now).take(most) {
            message.received += 1;
            message.visible_at = now + invisible;
            received.push(message.clone());
        }
        received
    }

    /// Deletes a message that was taken.
    pub fn delete(&self, id: &str) {
        self.inner().queue.retain(|message| message.id != id);
    }

    /// Makes a message visible at once, as after a short visibility timeout.
    pub fn show(&self, id: &str) {
        let mut inner = self.inner();
        let now = inner.now;
        for message in inner.queue.iter_mut().filter(|message| message.id == id) {
            message.visible_at = now;
        }
    }

    /// The time at which the next message becomes visible.
    #[must_use]
    pub fn next_visible(&self) -> Option<Timestamp> {
        self.inner().queue.iter().map(|message| message.visible_at).min()
    }

    /// The messages on the queue.
    #[must_use]
    pub fn queue(&self) -> Vec<Message> {
        self.inner().queue.clone()
    }

    /// The messages in the dead-letter queue.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.inner().dead_letters.clone()
    }

    /// Puts the dead letters back on the queue, as a person does once the cause is fixed.
    pub fn redrive(&self) {
        let mut inner = self.inner();
        let now = inner.now;
        let letters = std::mem::take(&mut inner.dead_letters);
        drop(inner);
        for letter in letters {
            self.push(letter.body, now);
        }
    }

    /// The metric documents that were written, as `CloudWatch` gets them.
    #[must_use]
    pub fn metrics(&self) -> Vec<Value> {
        self.inner().metrics.clone()
    }

    /// Changes the secret: a new version.
    pub fn rotate(&self, secret: &str) {
        let mut inner = self.inner();
        inner.secret = (secret.to_owned(), inner.secret.1 + 1);
    }

    /// Sets the largest total for each currency, as the function's environment has them.
    ///
    /// # Panics
    ///
    /// If they are malformed.
    pub fn bound(&self, largest_totals: &str) {
        self.inner().plausibility = Plausibility::parse(largest_totals).expect("bounds");
    }

    /// Sets the largest total as a multiple of the sum of its parts, likewise.
    ///
    /// # Panics
    ///
    /// If it is malformed.
    pub fn bound_by_lines(&self, times: &str) {
        let none = Plausibility::default();
        self.inner().plausibility = none.with_times_its_parts(times).expect("a bound");
    }

    /// Makes the queue refuse messages, or take them again.
    pub fn queue_down(&self, down: bool) {
        self.inner().queue_down = down;
    }

    /// Makes the secret unreadable, or readable again.
    pub fn secret_down(&self, down: bool) {
        self.inner().secret_down = down;
    }

    /// Lets nobody have an answer about the secret any more.
    pub fn secret_hangs(&self) {
        self.inner().secret_hangs = true;
    }

    /// The number of times that the secret was asked for.
    #[must_use]
    pub fn secret_reads(&self) -> u32 {
        self.inner().secret_reads
    }

    /// The rule of AWS that the function broke. The fake does not panic where it happens: that
    /// would look like a panic of the function's own.
    #[must_use]
    pub fn broken_rule(&self) -> Option<&'static str> {
        self.inner().broken_rule
    }

    /// Makes putting this order back on the queue panic, as a fault of ours would.
    pub fn panic_over(&self, order_id: Option<&str>) {
        self.inner().panics = order_id.map(str::to_owned);
    }
}

impl Services for FakeServices {
    fn now(&self) -> Timestamp {
        self.inner().now
    }

    fn random(&self) -> u64 {
        self.inner().random.u64(..)
    }

    async fn requeue(&self, order: &DelayedOrder<'_>, delay: Duration) -> Result<(), Unavailable> {
        // A real call yields to others; so does this one.
        tokio::task::yield_now().await;
        if self.inner().queue_down {
            return Err(Unavailable);
        }
        if delay > Duration::from_mins(15) {
            self.inner().broken_rule = Some("SQS delays by 15 minutes at most");
            return Err(Unavailable);
        }
        let body = serde_json::to_string(order).map_err(|_| Unavailable)?;
        let panics = self.inner().panics.as_deref().is_some_and(|id| body.contains(id));
        assert!(!panics, "a scripted panic");
        let visible_at = self.now() + delay;
        self.push(body, visible_at);
        Ok(())
    }

    async fn dead_letter(&self, body: &str, reason: &'static str) -> Result<(), Unavailable> {
        tokio::task::yield_now().await;
        let mut inner = self.inner();
        // SQS takes no empty message.
        if inner.queue_down || body.is_empty() {
            return Err(Unavailable);
        }
        inner.dead_letters.push(DeadLetter { body: body.to_owned(), reason });
        Ok(())
    }

    async fn secret(&self) -> Result<Secret, Unavailable> {
        tokio::task::yield_now().await;
        self.inner().secret_reads += 1;
        if self.inner().secret_hangs {
            std::future::pending::<()>().await;
        }
        let inner = self.inner();
        if inner.secret_down {
            return Err(Unavailable);
        }
        let (json, version) = inner.secret.clone();
        Ok(Secret { json: json.into(), version: format!("v{version}") })
    }

    fn measure(&self, network: &'static str, metrics: &Metrics) {
        let mut inner = self.inner();
        let documents = metrics.documents("stack", network, inner.now);
        inner.metrics.extend(documents);
    }

    fn is_plausible(&self, order: &Order) -> bool {
        self.inner().plausibility.takes(order)
    }
}
