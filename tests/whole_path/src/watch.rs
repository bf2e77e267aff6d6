//! What leaves the functions, caught: so that a canary in it is seen.

use std::{
    fmt::{self, Write},
    sync::{Arc, Mutex, PoisonError, atomic},
};

use percent_encoding::percent_decode_str;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::Interest,
};

/// The log lines of this thread's functions, as they would be written.
///
/// Postback's own are caught at every level, those of its libraries down to the level that the
/// functions run at.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Catches until the guard is dropped.
    #[must_use]
    pub fn catch() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let catcher = Catcher { log: log.clone(), spans: atomic::AtomicU64::new(1) };
        let guard = tracing::subscriber::set_default(catcher);
        (log, guard)
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

struct Catcher {
    log: Log,
    spans: atomic::AtomicU64,
}

fn is_caught(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target().split("::").next().unwrap_or_default();
    let functions =
        ["postback", "intake", "audit", "cartstack", "cashmycell", "cpa_moe", "shopback"];
    *metadata.level() <= Level::INFO || functions.contains(&target)
}

impl Subscriber for Catcher {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // Other threads' tests may watch otherwise.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_caught(metadata)
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut line = Line(format!("{} {}", span.metadata().target(), span.metadata().name()));
        span.record(&mut line);
        self.log.add(line.0);
        span::Id::from_u64(self.spans.fetch_add(1, atomic::Ordering::Relaxed))
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        self.log.add(line.0);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        self.log.add(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _infallible = write!(self.0, " {field}={value:?}");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _infallible = write!(self.0, " {field}={value}");
    }
}

/// Which of `canaries` are in `text`: as they are, in other capitals, percent-encoded, or, for
/// those of digits, with ornaments between.
#[must_use]
pub fn canaries_in<'c>(text: &str, canaries: &[&'c str]) -> Vec<&'c str> {
    let plain = text.to_lowercase();
    let decoded = percent_decode_str(text).decode_utf8_lossy().to_lowercase();
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let is_in = |canary: &&&str| {
        let canary = canary.to_lowercase();
        plain.contains(&canary) || decoded.contains(&canary) || digits.contains(&canary)
    };
    canaries.iter().filter(is_in).copied().collect()
}
