//! An answer of a network.

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use crate::{clock::Timestamp, json};

/// The longest body that is read of an answer, in bytes. More is "cut off".
pub const BODY_CAP: usize = 64 * 1024;

/// The longest `Retry-After` that is believed.
pub const RETRY_AFTER_CAP: Duration = Duration::from_hours(6);

/// Tags that only a page for people has. `<svg` is not among them: that is an image.
const TAGS: &[&str] = &[
    "<!doctype html",
    "<html",
    "<head",
    "<body",
    "<title",
    "<script",
    "<noscript",
    "<meta",
    "<style",
    "<div",
    "<center",
    "<h1",
    "<h2",
    "<p>",
    "<p ",
    "<b>",
    "<br",
    "<pre",
    "<table",
    "<iframe",
    "<form",
];

/// Tags that make a page even behind a line of text.
const FRAMES: &[&str] = &["<!doctype html", "<html", "<body"];

/// A whole answer. The body never shows.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The pause that the network asked for, capped at [`RETRY_AFTER_CAP`].
    pub retry_after: Option<Duration>,
    /// The media type of the body in lower case, without parameters, if the network named one.
    pub content_type: Option<String>,
    /// True if the body has a content encoding: none was asked for.
    pub is_encoded: bool,
    /// The body, at most [`BODY_CAP`] bytes, and whole unless the request said the start suffices.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer as a test writes it.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, retry_after: None, content_type: None, is_encoded: false, body: body.into() }
    }

    /// This answer with what its headers `Content-Type` and `Content-Encoding` say of the body.
    #[must_use]
    pub fn with_headers(self, content_type: Option<&str>, content_encoding: Option<&str>) -> Self {
        let media_type =
            |value: &str| value.split(';').next().unwrap_or_default().trim().to_lowercase();
        let is_other =
            |value: &str| !matches!(value.trim().to_lowercase().as_str(), "" | "identity");
        let is_encoded = content_encoding.is_some_and(is_other);
        Self { content_type: content_type.map(media_type), is_encoded, ..self }
    }

    /// Returns whether the body is a page by its media type.
    #[must_use]
    pub fn is_typed_html(&self) -> bool {
        let media_type = self.content_type.as_deref();
        matches!(media_type, Some("text/html" | "application/xhtml+xml"))
    }

    /// Returns whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Returns whether the status is 3xx: never followed, and whatever the body says is no answer.
    #[must_use]
    pub const fn is_redirect(&self) -> bool {
        self.status >= 300 && self.status < 400
    }

    /// The body as text without a byte-order mark and outer blanks; bytes that are not UTF-8 are
    /// replaced.
    #[must_use]
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').to_owned()
    }

    /// The body as JSON, whatever its content type says: these networks send `text/html`. An object
    /// that names a member twice is null, wherever it stands: who knows which of the two is meant.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        json::parse(&self.text())
    }

    /// The body as a JSON object in which no object names a member twice: what is read as null might
    /// be the error beside an "ok".
    #[must_use]
    pub fn object(&self) -> Option<Map<String, Value>> {
        match json::parse_strict(&self.text())? {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Returns whether the body is a page for people: a firewall, a login, an error page.
    #[must_use]
    pub fn is_html(&self) -> bool {
        // UTF-16 has a nought beside every letter, and a mark that is no UTF-8.
        let text = self.text().replace('\0', "");
        let is_mark = |c: char| c.is_whitespace() || matches!(c, '\u{fffd}' | '\u{feff}');
        let mut rest = text.trim_start_matches(is_mark);
        while let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after).trim_start();
        }
        let start = rest.chars().take(256).collect::<String>().to_lowercase();
        let cut_off = rest.is_empty() && text.contains("<!--");
        let has = |tags: &[&str]| tags.iter().any(|tag| start.contains(tag));
        let is_json = start.starts_with(['{', '[', '"']);
        cut_off || (start.starts_with('<') && has(TAGS)) || (!is_json && has(FRAMES))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// `Retry-After` as seconds or as an HTTP date, capped at [`RETRY_AFTER_CAP`].
#[must_use]
pub fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    let is_number = !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit());
    let wait = if is_number {
        // More than fits is more than is believed.
        header.parse().map_or(RETRY_AFTER_CAP, Duration::from_secs)
    } else {
        let at = httpdate::parse_http_date(header).ok()?;
        let since_epoch = at.duration_since(std::time::UNIX_EPOCH).ok()?;
        let at = Timestamp::EPOCH + since_epoch;
        now.until(at)
    };
    Some(wait.min(RETRY_AFTER_CAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_capped() {
        let now = Timestamp::parse("2026-11-21T10:00:00Z").expect("an instant");

        assert_eq!(retry_after("120", now), Some(Duration::from_mins(2)));
        assert_eq!(
            retry_after("Sat, 21 Nov 2026 10:01:30 GMT", now),
            Some(Duration::from_secs(90))
        );
        assert_eq!(retry_after("Sat, 21 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999", now), Some(RETRY_AFTER_CAP));
        assert_eq!(retry_after("99999999999999999999999", now), Some(RETRY_AFTER_CAP));
        assert_eq!(retry_after("0", now), Some(Duration::ZERO));
        for neither in ["soon", "", "-5", "+5", "1.5", "1e3", "Sat, 21 Nov 1969 10:01:30 GMT"] {
            assert_eq!(retry_after(neither, now), None, "{neither}");
        }
    }

    #[test]
    fn a_page_for_people_is_recognised() {
        assert!(Answer::new(200, "\u{feff} <!DOCTYPE HTML><p>Login").is_html());
        assert!(Answer::new(200, "<html>").is_html());
        assert!(Answer::new(200, "<!-- a --><!-- b --> <script>go()</script>").is_html());
        assert!(Answer::new(200, "<!-- no end").is_html());
        assert!(Answer::new(200, "<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC 'x'>").is_html());
        assert!(Answer::new(200, "<br />\n<b>Fatal error</b>: Uncaught").is_html());
        let utf_16: Vec<u8> = "\u{feff}<html>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(Answer::new(200, utf_16.clone()).is_html());
        let script = "\u{feff}<script>go()".encode_utf16().flat_map(u16::to_le_bytes);
        assert!(Answer::new(200, script.collect::<Vec<_>>()).is_html());
        assert!(Answer::new(200, &utf_16[2..]).is_html());
        assert!(
            Answer::new(
                200,
                "\u{feff}<html>".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()
            )
            .is_html()
        );
        assert!(Answer::new(200, "Please wait\n<html><body>").is_html());
        assert!(!Answer::new(200, "<svg xmlns='x'></svg>").is_html());
        assert!(!Answer::new(200, "").is_html());
        assert!(!Answer::new(200, "GIF89a").is_html());
        assert!(!Answer::new(200, r#"{"a":"<html>"}"#).is_html());
    }

    #[test]
    fn headers_say_what_the_body_is() {
        let with = |content_type, encoding| {
            let answer = Answer::new(200, "").with_headers(content_type, encoding);
            (answer.is_typed_html(), answer.is_encoded)
        };

        assert_eq!(with(Some("Text/HTML; charset=utf-8"), Some("br")), (true, true));
        assert_eq!(with(Some("text/plain"), Some("identity")), (false, false));
        assert_eq!(with(None, None), (false, false));
    }

    #[test]
    fn a_redirect_is_3xx() {
        let is = |status| Answer::new(status, "").is_redirect();

        assert!(is(300) && is(302) && is(399));
        assert!(!is(299) && !is(400) && !is(200) && !is(503));
    }

    #[test]
    fn success_is_2xx() {
        let is = |status| Answer::new(status, "").is_success();

        assert_eq!([199, 200, 299, 300].map(is), [false, true, true, false]);
    }

    #[test]
    fn text_is_without_marks_and_outer_blanks_and_always_text() {
        let text = |body: &[u8]| Answer::new(200, body).text();

        assert_eq!(text(b"\xef\xbb\xbf \r\n ok \xef\xbb\xbf\n"), "ok");
        assert_eq!(text(b" a \xef\xbb\xbf b "), "a \u{feff} b");
        assert_eq!(text(b"\xff"), "\u{fffd}");
        assert_eq!(BODY_CAP, 65_536);
    }

    #[test]
    fn json_is_what_the_body_says_and_an_object_is_one_that_says_nothing_twice() {
        let json = |body: &str| Answer::new(200, body).json();
        let object = |body: &str| Answer::new(200, body).object().map(Value::Object);

        let one = serde_json::json!({ "a": 1 });
        assert_eq!(json("\u{feff}{\"a\":1}\n"), Some(one.clone()));
        assert_eq!(json("[1]"), Some(serde_json::json!([1])));
        assert_eq!(json("a"), None);
        assert_eq!(object("\u{feff}{\"a\":1}\n"), Some(one));
        assert_eq!(object("[1]"), None);
        assert_eq!(object("{\"a\":1,\"a\":1}"), None);
    }
}
