//! An instance that is warm, as Lambda keeps one between two invocations.

use std::sync::{Mutex, MutexGuard, PoisonError};

use postback_core::network::Network;
use postback_harness::Function;

/// The instance that takes the next invocation of one life, as long as none is killed. A fresh one
/// takes most of the time of an invocation here.
#[derive(Debug)]
pub(super) struct Warm<N: Network>(Mutex<(bool, Option<Function<N>>)>);

impl<N: Network> Default for Warm<N> {
    fn default() -> Self {
        Self(Mutex::new((false, None)))
    }
}

impl<N: Network> Warm<N> {
    pub(super) fn start(&self) {
        *self.slot() = (true, None);
    }

    pub(super) fn stop(&self) {
        *self.slot() = (false, None);
    }

    pub(super) fn take(&self) -> Option<Function<N>> {
        self.slot().1.take()
    }

    pub(super) fn is_on(&self) -> bool {
        self.slot().0
    }

    pub(super) fn keep(&self, function: Function<N>) {
        self.slot().1 = Some(function);
    }

    fn slot(&self) -> MutexGuard<'_, (bool, Option<Function<N>>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
