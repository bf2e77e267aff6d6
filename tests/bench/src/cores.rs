//! The machine's cores, shared between functions and services.
//!
//! A Lambda function with less than 1769 MB has less than one core, and a service's computation takes
//! nothing from it: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>. So the
//! measured function has one core, and the services have the others. On a machine with one core, or on
//! a system without this call, the figures are correct but vary more.

#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores this program may use.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    all: CpuSet,
    /// The functions' core, if there is another one for the services.
    functions: Option<usize>,
}

#[cfg(target_os = "linux")]
impl Cores {
    pub(crate) fn of_this_machine() -> Self {
        let all = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
        let first = (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core));
        Self { all, functions: first.filter(|_| all.count() > 1) }
    }

    /// Moves this thread, and every thread it starts later, to the cores of the services.
    pub(crate) fn use_service_cores(&self) {
        let mut services = self.all;
        if let Some(core) = self.functions {
            services.unset(core);
        }
        let _refused = sched_setaffinity(None, &services);
    }

    /// Lets this thread, and every thread it starts later, use all cores.
    pub(crate) fn use_all_cores(&self) {
        let _refused = sched_setaffinity(None, &self.all);
    }

    /// Starts a function on the functions' core.
    pub(crate) fn start_function<T>(&self, start: impl FnOnce() -> T) -> T {
        if let Some(core) = self.functions {
            let mut own = CpuSet::new();
            own.set(core);
            let _refused = sched_setaffinity(None, &own);
        }
        let started = start();
        self.use_service_cores();
        started
    }
}

/// Cores on a system that cannot pin threads.
#[cfg(not(target_os = "linux"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores;

#[cfg(not(target_os = "linux"))]
impl Cores {
    pub(crate) const fn of_this_machine() -> Self {
        Self
    }

    pub(crate) const fn use_service_cores(self) {}

    pub(crate) const fn use_all_cores(self) {}

    pub(crate) fn start_function<T>(self, start: impl FnOnce() -> T) -> T {
        start()
    }
}
