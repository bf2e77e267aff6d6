//! Who runs on which of the machine's cores.
//!
//! A Lambda function with less than 1769 MB has the time of less than one core, and what a service
//! computes takes nothing from it: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
//! So the function that is measured has one core, and the services have the others. Figures are true
//! without that, but swing more: on a machine of one core, or of a system that has no such call.

#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores that this program may use.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    all: CpuSet,
    /// The functions' own, if there are others.
    functions: Option<usize>,
}

#[cfg(target_os = "linux")]
impl Cores {
    pub(crate) fn of_this_machine() -> Self {
        let all = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
        let first = (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core));
        Self { all, functions: first.filter(|_| all.count() > 1) }
    }

    /// From now on this thread, and what it starts, runs where the services do.
    pub(crate) fn serve(&self) {
        let mut services = self.all;
        if let Some(core) = self.functions {
            services.unset(core);
        }
        let _refused = sched_setaffinity(None, &services);
    }

    /// From now on this thread, and what it starts, runs anywhere.
    pub(crate) fn share(&self) {
        let _refused = sched_setaffinity(None, &self.all);
    }

    /// Starts a function on the core that is the functions'.
    pub(crate) fn start<T>(&self, start: impl FnOnce() -> T) -> T {
        if let Some(core) = self.functions {
            let mut own = CpuSet::new();
            own.set(core);
            let _refused = sched_setaffinity(None, &own);
        }
        let started = start();
        self.serve();
        started
    }
}

/// Cores that can't be told apart.
#[cfg(not(target_os = "linux"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores;

#[cfg(not(target_os = "linux"))]
impl Cores {
    pub(crate) const fn of_this_machine() -> Self {
        Self
    }

    pub(crate) const fn serve(self) {}

    pub(crate) const fn share(self) {}

    pub(crate) fn start<T>(self, start: impl FnOnce() -> T) -> T {
        start()
    }
}
