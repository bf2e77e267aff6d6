//! The event bus.

use std::fmt;

use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};
use aws_types::SdkConfig;

use super::{
    BusEvent, EventBus,
    environment::{Environment, SettingMissing, setting},
};

/// The most events of one call.
const MAX_EVENTS: usize = 10;
/// The most bytes of one call's events, unless it is a single one: EventBridge takes 256 KiB in all.
const MAX_BYTES: usize = 128 * 1024;

/// The event bus.
#[derive(Clone)]
pub struct Bus {
    client: Client,
    name: String,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Bus {
    /// The bus named by `EVENT_BUS_NAME`.
    pub fn new(environment: &Environment) -> Result<Self, SettingMissing> {
        let name = setting("EVENT_BUS_NAME")?;
        Ok(Self { client: environment.event_bridge(), name })
    }

    /// The bus of this name.
    #[must_use]
    pub fn named(config: &SdkConfig, name: String) -> Self {
        Self { client: Client::new(config), name }
    }

    /// Puts one call's worth of events. Returns those that the bus did not take.
    async fn call(&self, events: &[BusEvent]) -> Vec<BusEvent> {
        let entries = events.iter().map(|event| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(&event.source)
                .detail_type(&event.detail_type)
                .detail(&event.detail)
                .build()
        });
        let put = self.client.put_events().set_entries(Some(entries.collect()));
        // An answer without an id for an event is no word that the event was taken.
        let taken = match put.send().await {
            Ok(output) => output.entries.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let refused = events
            .iter()
            .enumerate()
            .filter(|(index, _)| taken.get(*index).is_none_or(|entry| entry.event_id.is_none()));
        refused.map(|(_, event)| event.clone()).collect()
    }
}

impl EventBus for Bus {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        let mut rest = events;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_size(rest));
            let mut refused = self.call(batch).await;
            if !refused.is_empty() {
                // The later ones wait: so the events of one delivery stay in order.
                refused.extend_from_slice(later);
                return Err(refused);
            }
            rest = later;
        }
        Ok(())
    }
}

/// The number of the first events that fit one call: at least one.
fn batch_size(events: &[BusEvent]) -> usize {
    let mut bytes = 0;
    let fit = events.iter().take(MAX_EVENTS).take_while(|event| {
        bytes += event.detail.len();
        bytes <= MAX_BYTES
    });
    fit.count().max(1)
}

#[cfg(test)]
mod tests;
