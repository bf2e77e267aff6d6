//! The lines that a function logs, for tests.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use lambda_runtime::tracing::subscriber::fmt;
use serde_json::Value;

/// The lines that `work` logs on this thread, as `log_as_json` writes them.
pub(crate) fn lines_of(work: impl FnOnce()) -> Vec<Value> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, work);
    let written = lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let written = String::from_utf8(written).expect("UTF-8");
    written.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
