//! Time, chance, queue, bus and secret, in memory.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use postback_core::clock::Timestamp;
use postback_runtime::{
    metrics::Metrics,
    services::{DelayedOrder, Secret, Services, StatusServices, TrackedLead, Unavailable},
};
use serde_json::Value;

/// How often a message is received before it goes to the dead letters, as in the template.
const RECEIVES: u32 = 5;

/// The services of one function.
#[derive(Clone, Debug)]
pub struct FakeServices(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    now: Timestamp,
    random: fastrand::Rng,
    queue: Vec<Message>,
    dead_letters: Vec<Message>,
    status_queue: Vec<Waiting>,
    handful: usize,
    secret: (String, u32),
    metrics: Vec<Value>,
    queue_down: bool,
    panics: Option<String>,
    broken: Option<&'static str>,
    next_id: u64,
}

/// A message on the queue.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its body.
    pub body: String,
    /// When it can be received.
    pub visible_at: Timestamp,
    /// How often it has been received.
    pub received: u32,
}

/// A message on the status_queue queue, and when it can be received.
#[derive(Clone, Debug)]
struct Waiting {
    lead: TrackedLead,
    visible_at: Timestamp,
}

impl FakeServices {
    /// A world at `now`, whose chance follows from `seed`, with the JSON text of a secret.
    #[must_use]
    pub fn new(now: Timestamp, seed: u64, secret: &str) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            now,
            random: fastrand::Rng::with_seed(seed),
            queue: Vec::new(),
            dead_letters: Vec::new(),
            status_queue: Vec::new(),
            handful: 10,
            secret: (secret.to_owned(), 1),
            metrics: Vec::new(),
            queue_down: false,
            panics: None,
            broken: None,
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
        let (dead, live): (Vec<_>, Vec<_>) = std::mem::take(&mut inner.queue)
            .into_iter()
            .partition(|message| message.visible_at <= now && message.received >= RECEIVES);
        inner.queue = live;
        inner.dead_letters.extend(dead);
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

    /// When the next message becomes visible.
    #[must_use]
    pub fn next_visible(&self) -> Option<Timestamp> {
        self.inner().queue.iter().map(|message| message.visible_at).min()
    }

    /// The messages on the queue.
    #[must_use]
    pub fn queue(&self) -> Vec<Message> {
        self.inner().queue.clone()
    }

    /// The messages that were given up.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<Message> {
        self.inner().dead_letters.clone()
    }

    /// Puts the dead letters back on the queue, as a person does once the cause is mended.
    pub fn redrive(&self) {
        let mut inner = self.inner();
        let now = inner.now;
        let letters = std::mem::take(&mut inner.dead_letters);
        let letters = letters.into_iter();
        let fresh = letters.map(|letter| Message { visible_at: now, received: 0, ..letter });
        inner.queue.extend(fresh);
    }

    /// The metrics that were written, each document as `CloudWatch` gets it.
    #[must_use]
    pub fn metrics(&self) -> Vec<Value> {
        self.inner().metrics.clone()
    }

    /// Changes the secret: a new version.
    pub fn rotate(&self, secret: &str) {
        let mut inner = self.inner();
        inner.secret = (secret.to_owned(), inner.secret.1 + 1);
    }

    /// Whether the queue refuses messages.
    pub fn queue_down(&self, down: bool) {
        self.inner().queue_down = down;
    }

    /// Which rule of AWS was broken. A panic in the middle would be taken for one of the function's.
    #[must_use]
    pub fn broken(&self) -> Option<&'static str> {
        self.inner().broken
    }
}

impl FakeServices {
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
        // A real call gives way to others; so does this one.
        tokio::task::yield_now().await;
        if self.inner().queue_down {
            return Err(Unavailable);
        }
        if delay > Duration::from_mins(15) {
            self.inner().broken = Some("SQS delays by 15 minutes at most");
            return Err(Unavailable);
        }
        let body = serde_json::to_string(order).map_err(|_| Unavailable)?;
        let panics = self.inner().panics.as_deref().is_some_and(|id| body.contains(id));
        assert!(!panics, "there was to be a panic");
        let visible_at = self.now() + delay;
        self.push(body, visible_at);
        Ok(())
    }

    async fn secret(&self) -> Result<Secret, Unavailable> {
        tokio::task::yield_now().await;
        let (json, version) = self.inner().secret.clone();
        Ok(Secret { json: json.into(), version: format!("v{version}") })
    }

    fn measure(&self, network: &'static str, metrics: &Metrics) {
        let mut inner = self.inner();
        let documents = metrics.documents("stage", network, inner.now);
        inner.metrics.extend(documents);
    }
}

impl FakeServices {
    /// Puts an event of the bus on the status_queue queue, as its rule does.
    pub fn track(&self, event: &Value) {
        let mut inner = self.inner();
        inner.next_id += 1;
        let handle = format!("f-{}", inner.next_id);
        let now = inner.now;
        let lead = TrackedLead { handle, body: event.to_string(), sent_at: now };
        inner.status_queue.push(Waiting { lead, visible_at: now });
    }

    /// From now on the status_queue queue hands over at most so many messages at once.
    pub fn hand_over(&self, at_once: usize) {
        self.inner().handful = at_once;
    }

    /// When each message on the status_queue queue can be received.
    #[must_use]
    pub fn tracked(&self) -> Vec<Timestamp> {
        self.inner().status_queue.iter().map(|waiting| waiting.visible_at).collect()
    }
}

impl StatusServices for FakeServices {
    async fn receive(&self, most: usize) -> Result<Vec<TrackedLead>, Unavailable> {
        tokio::task::yield_now().await;
        let mut inner = self.inner();
        let (now, most) = (inner.now, most.min(inner.handful));
        let due = inner.status_queue.iter_mut().filter(|waiting| waiting.visible_at <= now);
        Ok(due
            .take(most)
            .map(|waiting| {
                waiting.visible_at = now + Duration::from_mins(5);
                waiting.lead.clone()
            })
            .collect())
    }

    async fn defer(&self, lead: &TrackedLead, delay: Duration) -> Result<(), Unavailable> {
        assert!(delay < Duration::from_hours(12), "SQS hides a message for 12 hours at most");
        let mut inner = self.inner();
        let visible_at = inner.now + delay;
        let own = inner.status_queue.iter_mut().filter(|w| w.lead.handle == lead.handle);
        own.for_each(|waiting| waiting.visible_at = visible_at);
        Ok(())
    }

    async fn delete(&self, lead: &TrackedLead) -> Result<(), Unavailable> {
        self.inner().status_queue.retain(|waiting| waiting.lead.handle != lead.handle);
        Ok(())
    }

    async fn renew(&self, lead: &TrackedLead) -> Result<(), Unavailable> {
        let event = serde_json::from_str(&lead.body).map_err(|_| Unavailable)?;
        self.track(&event);
        Ok(())
    }
}
