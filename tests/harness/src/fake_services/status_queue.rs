//! The status queue: one message for each conversion without a final status.

use std::time::Duration;

use postback_core::clock::Timestamp;
use postback_runtime::services::{StatusServices, TrackedLead, Unavailable};

use super::{DeadLetter, FakeServices};

/// A message on the status queue, and the time from which it can be received.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    lead: TrackedLead,
    visible_at: Timestamp,
}

impl FakeServices {
    /// Puts a delivery's event on the status queue.
    pub fn track(&self, event: &str) {
        let mut inner = self.inner();
        inner.next_id += 1;
        let handle = format!("f-{}", inner.next_id);
        let now = inner.now;
        let lead = TrackedLead { handle, body: event.to_owned(), sent_at: now };
        inner.status_queue.push(Waiting { lead, visible_at: now });
    }

    /// Limits the number of messages that the status queue hands over at once.
    pub fn hand_over_at_once(&self, most: usize) {
        self.inner().most_at_once = most;
    }

    /// The messages in the status queue's dead-letter queue.
    #[must_use]
    pub fn status_dead_letters(&self) -> Vec<DeadLetter> {
        self.inner().status_dead_letters.clone()
    }

    /// The time from which each message on the status queue can be received.
    #[must_use]
    pub fn tracked(&self) -> Vec<Timestamp> {
        self.inner().status_queue.iter().map(|waiting| waiting.visible_at).collect()
    }
}

impl StatusServices for FakeServices {
    async fn receive(&self, most: usize) -> Result<Vec<TrackedLead>, Unavailable> {
        tokio::task::yield_now().await;
        let mut inner = self.inner();
        let (now, most) = (inner.now, most.min(inner.most_at_once));
        let due = inner.status_queue.iter_mut().filter(|waiting| waiting.visible_at <= now);
        let received = due.take(most).map(|waiting| {
            waiting.visible_at = now + Duration::from_mins(5);
            waiting.lead.clone()
        });
        Ok(received.collect())
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

    async fn dead_letter_tracked(&self, lead: &TrackedLead) -> Result<(), Unavailable> {
        let reason = "status_message_unreadable";
        self.inner().status_dead_letters.push(DeadLetter { body: lead.body.clone(), reason });
        Ok(())
    }

    async fn count_tracked(&self) -> Result<u64, Unavailable> {
        Ok(self.inner().status_queue.len() as u64)
    }

    async fn renew(&self, lead: &TrackedLead) -> Result<(), Unavailable> {
        self.track(&lead.body);
        Ok(())
    }
}
