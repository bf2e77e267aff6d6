//! A request to a network.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

/// A request to a network. Values never show: [`fmt::Debug`] prints names only.
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

    /// Makes the start of the answer's body enough: the rest is left unread past
    /// [`BODY_CAP`](super::BODY_CAP). Otherwise a longer answer counts as not whole.
    #[must_use]
    pub const fn start_of_answer_suffices(mut self) -> Self {
        self.whole_answer = false;
        self
    }

    /// Returns whether an answer counts only if it was read to its end.
    #[must_use]
    pub const fn needs_whole_answer(&self) -> bool {
        self.whole_answer
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Answer;

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
    fn an_answer_has_to_be_whole_unless_its_start_suffices() {
        assert!(Request::get("x").needs_whole_answer());
        assert!(!Request::get("x").start_of_answer_suffices().needs_whole_answer());
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
    fn only_a_post_has_a_body() {
        let body = serde_json::json!({ "id": 1 });

        assert_eq!(Request::post_json("x", body.clone()).body(), Some(&body));
        assert_eq!(Request::get("x").body(), None);
    }
}
