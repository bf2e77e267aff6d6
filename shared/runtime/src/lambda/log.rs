//! The log: JSON lines, and of a panic its place alone.

use std::panic::PanicHookInfo;

use lambda_runtime::tracing::subscriber::filter::LevelFilter;

/// Logs as JSON lines, one event each with its fields at the top, at the level that Lambda's log
/// settings ask for, but nothing below INFO: that is not compiled in (feature `max_level_info`), for
/// at TRACE the SDK would log whole requests. The span is the invocation's: its request id, and its trace id where traced.
pub fn log_as_json() {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").or_else(|_| std::env::var("RUST_LOG"));
    let level = level.ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let lines = lambda_runtime::tracing::subscriber::fmt().json().flatten_event(true);
    lines.with_span_list(false).with_target(false).with_max_level(level).init();
    std::panic::set_hook(Box::new(log_panic));
}

/// Logs the place of a panic, and not its message: that may quote what the function was working on.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(code = "panicked", place, "there is a fault in the function");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captured;

    #[test]
    fn no_level_of_logging_shows_what_the_crates_say_of_requests() {
        assert_eq!(lambda_runtime::tracing::level_filters::STATIC_MAX_LEVEL, LevelFilter::INFO);
    }

    #[test]
    fn a_panic_is_logged_with_its_place_and_without_its_message() {
        let (own, before) = (std::thread::current().id(), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == own { log_panic(panic) } else { before(panic) }
        }));

        let lines = captured::lines_of(|| {
            let panicked = std::panic::catch_unwind(|| panic!("at asha@shop.example"));
            assert!(panicked.is_err());
        });

        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((&line["code"], &line["level"]), (&"panicked".into(), &"ERROR".into()));
        assert!(line["place"].as_str().is_some_and(|place| place.contains(file!())), "{line}");
        assert!(!line.to_string().contains("asha"), "{line}");
    }
}
