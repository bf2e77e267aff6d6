//! The alarms, queues and dead letters, looked at every few seconds at most.

use std::{sync::Mutex, time::Duration};

use postback_core::clock::Timestamp;

use super::{Console, lock};
use crate::{failure::Failure, watch::Watched};

/// The age up to which they are shown again.
const FRESH: Duration = Duration::from_secs(10);

/// They, as last seen; or the failure of the look.
type Seen = Result<Watched, Failure>;

#[derive(Default)]
pub(super) struct Watching(Mutex<Option<(Timestamp, Seen)>>);

impl Watching {
    pub(super) fn forget(&self) {
        *lock(&self.0) = None;
    }

    pub(super) async fn look(&self, console: &Console) -> Seen {
        let now = console.now();
        let fresh = |(at, _): &&(Timestamp, Seen)| now.since(*at) < FRESH;
        if let Some((_, seen)) = lock(&self.0).as_ref().filter(fresh) {
            return seen.clone();
        }
        let seen = Watched::look(&console.account).await;
        *lock(&self.0) = Some((now, seen.clone()));
        seen
    }
}
