//! Time, chance, queue, bus and secret, in memory.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use postback::{
    clock::Timestamp,
    metrics::Metrics,
    surroundings::{Announcement, Due, Followed, Following, Secret, Surroundings, Unavailable},
};
use serde_json::Value;

/// How often a message is received before it goes to the dead letters, as in the template.
const RECEIVES: u32 = 5;

/// The surroundings of one function.
#[derive(Clone, Debug)]
pub struct World(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    now: Timestamp,
    chance: fastrand::Rng,
    queue: Vec<Message>,
    dead_letters: Vec<Message>,
    bus: Vec<(String, Value)>,
    following: Vec<Waiting>,
    handful: usize,
    secret: (String, u32),
    metrics: Vec<Value>,
    queue_down: bool,
    bus_down: bool,
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

/// A message on the following queue, and when it can be received.
#[derive(Clone, Debug)]
struct Waiting {
    followed: Followed,
    visible_at: Timestamp,
}

impl World {
    /// A world at `now`, whose chance follows from `seed`, with the JSON text of a secret.
    #[must_use]
    pub fn new(now: Timestamp, seed: u64, secret: &str) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            now,
            chance: fastrand::Rng::with_seed(seed),
            queue: Vec::new(),
            dead_letters: Vec::new(),
            bus: Vec::new(),
            following: Vec::new(),
            handful: 10,
            secret: (secret.to_owned(), 1),
            metrics: Vec::new(),
            queue_down: false,
            bus_down: false,
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

    /// What is on the bus: detail type and detail.
    #[must_use]
    pub fn bus(&self) -> Vec<(String, Value)> {
        self.inner().bus.clone()
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

    /// Whether the bus refuses events.
    pub fn bus_down(&self, down: bool) {
        self.inner().bus_down = down;
    }

    /// Which rule of AWS was broken. A panic in the middle would be taken for one of the function's.
    #[must_use]
    pub fn broken(&self) -> Option<&'static str> {
        self.inner().broken
    }

    /// The order over whose success there is a panic, as a fault of ours would be.
    pub fn panic_over(&self, order_id: Option<&str>) {
        self.inner().panics = order_id.map(str::to_owned);
    }
}

impl Surroundings for World {
    fn now(&self) -> Timestamp {
        self.inner().now
    }

    fn chance(&self) -> u64 {
        self.inner().chance.u64(..)
    }

    async fn requeue(&self, due: &Due<'_>, delay: Duration) -> Result<(), Unavailable> {
        // A real call gives way to others; so does this one.
        tokio::task::yield_now().await;
        if self.inner().queue_down {
            return Err(Unavailable);
        }
        if delay > Duration::from_mins(15) {
            self.inner().broken = Some("SQS delays by 15 minutes at most");
            return Err(Unavailable);
        }
        let body = serde_json::to_string(due).map_err(|_| Unavailable)?;
        let visible_at = self.now() + delay;
        self.push(body, visible_at);
        Ok(())
    }

    async fn announce(&self, announcement: &Announcement<'_>) -> Result<(), Unavailable> {
        tokio::task::yield_now().await;
        let detail = serde_json::to_value(announcement).map_err(|_| Unavailable)?;
        let mut inner = self.inner();
        if inner.bus_down {
            return Err(Unavailable);
        }
        let panics = inner.panics.as_deref().is_some_and(|id| detail["order_id"] == id);
        assert!(!panics, "there was to be a panic");
        inner.bus.push((announcement.detail_type(), detail));
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

impl World {
    /// Puts an event of the bus on the following queue, as its rule does.
    pub fn follow(&self, event: &Value) {
        let mut inner = self.inner();
        inner.next_id += 1;
        let handle = format!("f-{}", inner.next_id);
        let now = inner.now;
        let followed = Followed { handle, body: event.to_string(), sent_at: now };
        inner.following.push(Waiting { followed, visible_at: now });
    }

    /// From now on the following queue hands over at most so many messages at once.
    pub fn hand_over(&self, at_once: usize) {
        self.inner().handful = at_once;
    }

    /// When each message on the following queue can be received.
    #[must_use]
    pub fn followed(&self) -> Vec<Timestamp> {
        self.inner().following.iter().map(|waiting| waiting.visible_at).collect()
    }
}

impl Following for World {
    async fn receive(&self, most: usize) -> Result<Vec<Followed>, Unavailable> {
        tokio::task::yield_now().await;
        let mut inner = self.inner();
        let (now, most) = (inner.now, most.min(inner.handful));
        let due = inner.following.iter_mut().filter(|waiting| waiting.visible_at <= now);
        Ok(due
            .take(most)
            .map(|waiting| {
                waiting.visible_at = now + Duration::from_mins(5);
                waiting.followed.clone()
            })
            .collect())
    }

    async fn later(&self, followed: &Followed, delay: Duration) -> Result<(), Unavailable> {
        assert!(delay < Duration::from_hours(12), "SQS hides a message for 12 hours at most");
        let mut inner = self.inner();
        let visible_at = inner.now + delay;
        let own = inner.following.iter_mut().filter(|w| w.followed.handle == followed.handle);
        own.for_each(|waiting| waiting.visible_at = visible_at);
        Ok(())
    }

    async fn done(&self, followed: &Followed) -> Result<(), Unavailable> {
        self.inner().following.retain(|waiting| waiting.followed.handle != followed.handle);
        Ok(())
    }

    async fn renew(&self, followed: &Followed) -> Result<(), Unavailable> {
        let event = serde_json::from_str(&followed.body).map_err(|_| Unavailable)?;
        self.follow(&event);
        Ok(())
    }
}
