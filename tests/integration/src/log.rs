//! The captured log, and the search for canaries in a text.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    sync::{Arc, Mutex, Once, PoisonError, atomic},
};

use percent_encoding::percent_decode_str;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::Interest,
};

/// The log lines of this thread's functions.
///
/// Postback's own are captured at every level, those of its libraries down to the level that the
/// functions run at.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<Logged>>>);

/// A log line, as text and by its fields.
#[derive(Clone, Debug, Default)]
struct Logged {
    text: String,
    fields: BTreeMap<String, String>,
}

impl Log {
    /// Captures until the guard is dropped.
    #[must_use]
    pub fn capture() -> (Self, tracing::subscriber::DefaultGuard) {
        static SILENT: Once = Once::new();
        SILENT.call_once(|| {
            let _first = tracing::subscriber::set_global_default(Silent);
        });
        let log = Self::default();
        let capture = Capture { log: log.clone(), spans: atomic::AtomicU64::new(1) };
        let guard = tracing::subscriber::set_default(capture);
        (log, guard)
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.logged().into_iter().map(|line| line.text).collect()
    }

    /// The fields of each line with this `code`.
    #[must_use]
    pub fn coded(&self, code: &str) -> Vec<BTreeMap<String, String>> {
        let fields = self.logged().into_iter().map(|line| line.fields);
        fields.filter(|fields| fields.get("code").is_some_and(|own| own == code)).collect()
    }

    fn logged(&self) -> Vec<Logged> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, line: Logged) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

/// Hears nothing, and has every line ask again whether somebody does: one that is first reached while
/// no test captures would else count as unheard in a test that begins to at that moment.
struct Silent;

impl Subscriber for Silent {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Capture {
    log: Log,
    spans: atomic::AtomicU64,
}

fn is_captured(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target().split("::").next().unwrap_or_default();
    let functions = [
        "intake",
        "audit",
        "publish",
        "sweep",
        "webhook",
        "shopify",
        "woocommerce",
        "cartstack",
        "cashmycell",
        "cpa_moe",
        "shopback",
    ];
    let is_own = target.starts_with("postback") || functions.contains(&target);
    *metadata.level() <= Level::INFO || is_own
}

impl Subscriber for Capture {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // Another thread's test may capture otherwise.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_captured(metadata)
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut line =
            Logged::new(format!("{} {}", span.metadata().target(), span.metadata().name()));
        span.record(&mut line);
        self.log.add(line);
        span::Id::from_u64(self.spans.fetch_add(1, atomic::Ordering::Relaxed))
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut line = Logged::default();
        values.record(&mut line);
        self.log.add(line);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line =
            Logged::new(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        self.log.add(line);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Logged {
    fn new(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

impl Visit for Logged {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _infallible = write!(self.text, " {field}={value}");
        self.fields.insert(field.name().to_owned(), value.to_owned());
    }
}

/// Returns those of `canaries` that are in `text`: in any capitals, percent-encoded, or, for
/// digits, with separators between them.
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
