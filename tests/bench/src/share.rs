//! The share of a core that Lambda gives a function: in proportion to its memory, a whole core at
//! 1,769 MB (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>). Here it is a quota
//! of the kernel's scheduler, where this machine lets us set one.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The period of a quota, in microseconds. Lambda's own is not published.
const PERIOD: u32 = 20_000;
const WHOLE_CORE_MB: u32 = 1769;

/// A control group with the quota of a memory size. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    group: PathBuf,
}

impl Share {
    /// The share of a function with `memory` MB; `None` if this machine has no control groups that
    /// this program may make.
    pub(crate) fn of(memory: u32, name: &str) -> Option<Self> {
        let quota = (u64::from(PERIOD) * u64::from(memory) / u64::from(WHOLE_CORE_MB)).max(1000);
        let name = format!("postback-bench-{name}");
        let first = Path::new("/sys/fs/cgroup/cpu");
        if first.join("cgroup.procs").exists() {
            let share = Self { group: first.join(name) };
            share.make(&[
                ("cpu.cfs_period_us", PERIOD.to_string()),
                ("cpu.cfs_quota_us", quota.to_string()),
            ])
        } else {
            let share = Self { group: Path::new("/sys/fs/cgroup").join(name) };
            share.make(&[("cpu.max", format!("{quota} {PERIOD}"))])
        }
    }

    fn make(self, files: &[(&str, String)]) -> Option<Self> {
        fs::create_dir(&self.group).ok()?;
        for (file, value) in files {
            fs::write(self.group.join(file), value).ok()?;
        }
        Some(self)
    }

    /// The file that takes the id of a process which joins.
    pub(crate) fn members(&self) -> PathBuf {
        self.group.join("cgroup.procs")
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let _still_used = fs::remove_dir(&self.group);
    }
}
