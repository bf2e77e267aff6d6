//! One request, sent once: not sent, maybe sent, or answered.

use std::{fmt, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use crate::{clock::Timestamp, network::Verdict};

mod ahead;
pub(crate) mod connections;
mod json;
mod send;

pub use send::{Outcome, Sender};

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

/// What is sent to a network. Values never show: [`fmt::Debug`] prints names only.
#[derive(Clone)]
pub struct Request {
    path: &'static str,
    /// Names and encoded values.
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    whole_answer: bool,
}

impl Request {
    /// A `GET` of `path` below the network's base URL, without a leading slash.
    #[must_use]
    pub const fn get(path: &'static str) -> Self {
        Self { path, query: Vec::new(), body: None, whole_answer: true }
    }

    /// A `POST` of a JSON body.
    #[must_use]
    pub const fn post_json(path: &'static str, body: Value) -> Self {
        Self { path, query: Vec::new(), body: Some(body), whole_answer: true }
    }

    /// Adds a query parameter; parameters keep their order.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, encode(&value.into())));
        self
    }

    /// Adds a query parameter that lists values, with bare commas between them.
    #[must_use]
    pub fn query_list(mut self, name: &'static str, values: &[&str]) -> Self {
        let values: Vec<_> = values.iter().map(|value| encode(value)).collect();
        self.query.push((name, values.join(",")));
        self
    }

    /// Adds a query parameter if there is a value.
    #[must_use]
    pub fn query_opt(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a secret query parameter.
    #[must_use]
    pub fn query_secret(self, name: &'static str, value: &SecretString) -> Self {
        self.query(name, value.expose_secret())
    }

    /// Says that the start of the answer's body is enough: the rest is left unread past
    /// [`BODY_CAP`]. Otherwise a longer answer counts as not whole.
    #[must_use]
    pub const fn start_of_answer_suffices(mut self) -> Self {
        self.whole_answer = false;
        self
    }

    /// The JSON body, if it is a `POST`.
    #[must_use]
    pub const fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// The whole URL below `endpoint`: every value percent-encoded, a blank as `%20`.
    #[must_use]
    pub fn url(&self, endpoint: &Url) -> Url {
        let mut url = endpoint.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{}", self.path));
        if !self.query.is_empty() {
            let pairs = self.query.iter().map(|(name, value)| format!("{name}={value}"));
            url.set_query(Some(&pairs.collect::<Vec<_>>().join("&")));
        }
        url
    }
}

/// Only RFC 3986's unreserved characters stay: `+`, `&`, `=` and blanks are encoded, and all that
/// `encodeURIComponent` encodes.
fn encode(value: &str) -> String {
    const UNRESERVED: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(value, UNRESERVED).to_string()
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.query.iter().map(|(name, _)| name).collect();
        f.debug_struct("Request")
            .field("path", &self.path)
            .field("query", &names)
            .field("has_body", &self.body.is_some())
            .finish_non_exhaustive()
    }
}

/// A whole answer. The body never shows.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What the network asked to wait, capped at [`RETRY_AFTER_CAP`].
    pub retry_after: Option<Duration>,
    /// The body, at most [`BODY_CAP`] bytes, and whole unless the request said the start suffices.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer as a test writes it.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, retry_after: None, body: body.into() }
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
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
        json::read(&self.text())
    }

    /// The body as a JSON object in which no object names a member twice: what is read as null might
    /// be the error beside an "ok".
    #[must_use]
    pub fn object(&self) -> Option<Map<String, Value>> {
        match json::read_clear(&self.text())? {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Whether the body is a page for people: a firewall, a login, an error page.
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
        cut_off || (start.starts_with('<') && TAGS.iter().any(|tag| start.contains(tag)))
    }

    /// What the status alone says: the rule for every answer whose body can't be read.
    #[must_use]
    pub fn by_status(&self) -> Verdict {
        match self.status {
            429 => Verdict::retry("http_429", self.retry_after),
            503 => Verdict::retry("http_503", self.retry_after),
            521..=523 => Verdict::retry("origin_unreachable", self.retry_after),
            300..=399 => Verdict::parked("redirected"),
            400 | 413 | 414 | 422 => Verdict::rejected("http_refused"),
            401 | 403 => Verdict::parked("http_forbidden"),
            404 | 405 | 410 => Verdict::parked("http_moved"),
            402 | 406..=499 => Verdict::parked("http_client_error"),
            500..=599 => Verdict::unconfirmed("http_server_error"),
            _ if self.body.is_empty() => Verdict::unconfirmed("empty_answer"),
            _ if self.is_html() => Verdict::unconfirmed("html_answer"),
            _ => Verdict::unconfirmed("unreadable_answer"),
        }
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
    let wait = if let Ok(seconds) = header.parse::<u64>() {
        Duration::from_secs(seconds)
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
    fn encodes_as_the_vendors_ask_and_keeps_the_order() {
        let endpoint = Url::parse("https://api.example/base/").expect("a URL");
        let request =
            Request::get("ss/v1/").query("email", "a+b@example.com").query("total", "$1,4 é");

        let url = request.url(&endpoint);

        assert_eq!(
            url.as_str(),
            "https://api.example/base/ss/v1/?email=a%2Bb%40example.com&total=%241%2C4%20%C3%A9"
        );
    }

    #[test]
    fn debug_shows_names_and_no_value() {
        let request = Request::get("x").query_secret("key", &SecretString::from("canary"));
        let answer = Answer::new(200, "canary");

        assert_eq!(
            format!("{request:?}"),
            "Request { path: \"x\", query: [\"key\"], has_body: false, .. }"
        );
        assert_eq!(format!("{answer:?}"), "Answer { status: 200, body_bytes: 6, .. }");
    }

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
        assert_eq!(retry_after("soon", now), None);
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
        assert!(Answer::new(200, &utf_16[2..]).is_html());
        assert!(
            Answer::new(
                200,
                "\u{feff}<html>".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()
            )
            .is_html()
        );
        assert!(!Answer::new(200, "<svg xmlns='x'></svg>").is_html());
        assert!(!Answer::new(200, "").is_html());
        assert!(!Answer::new(200, "GIF89a").is_html());
        assert!(!Answer::new(200, r#"{"a":"<html>"}"#).is_html());
    }

    #[test]
    fn every_status_has_its_meaning() {
        let wait = Some(Duration::from_secs(77));
        let of = |status| Answer { retry_after: wait, ..Answer::new(status, "{}") }.by_status();

        let meanings: [(&[u16], Verdict); 10] = [
            (&[300, 301, 302, 307, 308, 399], Verdict::parked("redirected")),
            (&[400, 413, 414, 422], Verdict::rejected("http_refused")),
            (&[401, 403], Verdict::parked("http_forbidden")),
            (&[404, 405, 410], Verdict::parked("http_moved")),
            (
                &[402, 406, 408, 409, 411, 412, 418, 428, 430, 499],
                Verdict::parked("http_client_error"),
            ),
            (&[429], Verdict::retry("http_429", wait)),
            (&[503], Verdict::retry("http_503", wait)),
            (&[521, 522, 523], Verdict::retry("origin_unreachable", wait)),
            (&[500, 501, 502, 504, 520, 524, 599], Verdict::unconfirmed("http_server_error")),
            (&[101, 200, 204, 299, 600, 999], Verdict::unconfirmed("unreadable_answer")),
        ];
        for (statuses, meaning) in meanings {
            for status in statuses {
                assert_eq!(of(*status), meaning, "{status}");
            }
        }
        let ok = |body: &str| Answer::new(200, body).by_status();
        assert_eq!(ok(""), Verdict::unconfirmed("empty_answer"));
        assert_eq!(ok("<html>"), Verdict::unconfirmed("html_answer"));
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
    fn only_a_post_has_a_body() {
        let body = serde_json::json!({ "id": 1 });

        assert_eq!(Request::post_json("x", body.clone()).body(), Some(&body));
        assert_eq!(Request::get("x").body(), None);
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
