//! The event bus. What is put at the same time goes there in one call.

use std::{
    fmt,
    future::{Future, ready},
    pin::pin,
    sync::{Mutex, PoisonError},
};

use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};
use aws_types::SdkConfig;
use futures_util::future::{Either, select};
use tokio::{sync::oneshot, task::yield_now};

use super::{
    EventBus, SOURCE, Unavailable,
    environment::{Environment, SettingMissing, setting},
};

/// The most events of one call.
const MOST: usize = 10;
/// The most bytes of them: EventBridge takes 256 KiB in all, and one order may be as large.
const LARGEST: usize = 128 * 1024;

/// The event bus.
pub struct Bus {
    client: Client,
    name: String,
    waiting: Mutex<Vec<Waiting>>,
    /// Held by whoever is calling. The others wait, and one of them takes along all that have come.
    calling: tokio::sync::Mutex<()>,
}

/// An event, and who wants to know whether the bus has taken it.
struct Waiting {
    detail_type: String,
    detail: String,
    taken: oneshot::Sender<Result<(), Unavailable>>,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Bus {
    /// The bus named by `EVENT_BUS_NAME`.
    pub fn new(environment: &Environment) -> Result<Self, SettingMissing> {
        Ok(Self::of(environment.event_bridge(), setting("EVENT_BUS_NAME")?))
    }

    /// The bus of this name.
    #[must_use]
    pub fn named(config: &SdkConfig, name: String) -> Self {
        Self::of(Client::new(config), name)
    }

    fn of(client: Client, name: String) -> Self {
        Self { client, name, waiting: Mutex::default(), calling: tokio::sync::Mutex::default() }
    }

    /// The first ones that wait, as many as fit one call; the first of all in any case.
    fn next(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = 0;
        let fit = waiting.iter().take(MOST).take_while(|one| {
            bytes += one.detail.len();
            bytes <= LARGEST
        });
        let count = fit.count().max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }

    /// Puts an event on the bus when `released`, or along with another before.
    pub(super) async fn put_when(
        &self,
        detail_type: &str,
        detail: String,
        released: impl Future<Output = ()> + Send,
    ) -> Result<(), Unavailable> {
        let (taken, mut answer) = oneshot::channel();
        let waiting = Waiting { detail_type: detail_type.to_owned(), detail, taken };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
        if let Either::Left((answer, _)) = select(&mut answer, pin!(released)).await {
            return answer.unwrap_or(Err(Unavailable));
        }
        let _turn = match select(&mut answer, pin!(self.calling.lock())).await {
            Either::Left((answer, _)) => return answer.unwrap_or(Err(Unavailable)),
            Either::Right((turn, _)) => turn,
        };
        // Orders of a batch end together: those that are ready now come along.
        yield_now().await;
        loop {
            match answer.try_recv() {
                Ok(result) => return result,
                Err(oneshot::error::TryRecvError::Closed) => return Err(Unavailable),
                Err(oneshot::error::TryRecvError::Empty) => self.call(self.next()).await,
            }
        }
    }

    async fn call(&self, events: Vec<Waiting>) {
        let mut put = self.client.put_events();
        let mut all = Vec::with_capacity(events.len());
        for Waiting { detail_type, detail, taken } in events {
            let entry = PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(SOURCE)
                .detail_type(detail_type)
                .detail(detail);
            put = put.entries(entry.build());
            all.push(taken);
        }
        let entries = match put.send().await {
            Ok(output) if output.failed_entry_count == 0 => None,
            Ok(output) => Some(output.entries.unwrap_or_default()),
            Err(_) => Some(Vec::new()),
        };
        for (at, taken) in all.into_iter().enumerate() {
            let refused = entries.as_ref().is_some_and(|entries| {
                entries.get(at).is_none_or(|entry| entry.event_id.is_none())
            });
            let _gone = taken.send(if refused { Err(Unavailable) } else { Ok(()) });
        }
    }
}

impl EventBus for Bus {
    async fn put(&self, detail_type: &str, detail: String) -> Result<(), Unavailable> {
        self.put_when(detail_type, detail, ready(())).await
    }
}

#[cfg(test)]
mod tests;
