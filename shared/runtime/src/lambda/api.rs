//! Requests and answers of the API, by way of API Gateway (payload format 2.0).

use std::{borrow::Cow, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use lambda_runtime::tracing;
use serde::Serialize;
use serde_json::Value;

use postback_core::{
    fields::Fault,
    order::{self, OrderId, Unreadable, faulty_id},
    problem::{Code, Problem},
};

mod message;

pub(super) use message::readable;
pub use message::{Headers, Request, Response};

/// The largest body, in bytes: what one event on the bus may hold.
pub const LARGEST_BODY: usize = 256 * 1024;

/// An answer with a JSON body.
#[must_use]
pub fn answer(status: u16, body: &impl Serialize) -> Response {
    let body = serde_json::to_string(body).unwrap_or_default();
    respond(status, "application/json", body, &[])
}

/// An answer with headers of its own.
#[must_use]
pub fn respond(
    status: u16,
    content_type: &str,
    body: String,
    more: &[(&'static str, String)],
) -> Response {
    // An answer is about one order, at one time.
    let own = [("content-type", content_type.to_owned()), ("cache-control", "no-store".to_owned())];
    let headers = own.iter().chain(more).cloned().collect();
    Response { status_code: status, headers, body }
}

/// An error.
#[must_use]
pub fn problem(problem: &Problem) -> Response {
    let (status, reason) = (problem.code.status(), problem.code.as_str());
    let faults = (!problem.errors.is_empty()).then(|| Fault::list(&problem.errors));
    let order_id = problem.order_id.as_ref().map(OrderId::as_str);
    tracing::info!(code = "request_refused", status, reason, order_id, faults, "refused");
    let mut more = Vec::new();
    if let Some(wait) = problem.code.retry_after() {
        more.push(("retry-after", wait.as_secs().to_string()));
    }
    if problem.code.status() == 401 {
        more.push(("www-authenticate", "StandardWebhooks".to_owned()));
    }
    respond(problem.code.status(), "application/problem+json", problem.body(), &more)
}

/// The body of a request, with what the request says of it.
#[derive(Clone, Copy)]
pub struct Posted<'a> {
    /// The content type that the request declares.
    pub content_type: Option<&'a str>,
    /// The content encoding that the request declares.
    pub content_encoding: Option<&'a str>,
    /// The body as API Gateway passes it on.
    pub body: &'a str,
    /// True if API Gateway has encoded the body.
    pub is_base64_encoded: bool,
}

impl fmt::Debug for Posted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Posted").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

impl<'a> Posted<'a> {
    /// The body of `request`.
    #[must_use]
    pub fn by(request: &'a Request) -> Self {
        Self {
            content_type: request.headers.get("content-type"),
            content_encoding: request.headers.get("content-encoding"),
            body: &request.body,
            is_base64_encoded: request.is_base64_encoded,
        }
    }

    /// The body as the sender wrote it, byte by byte, as large as Lambda passes it on.
    pub fn bytes_of_any_size(&self) -> Result<Cow<'a, [u8]>, Problem> {
        if self.is_base64_encoded {
            return BASE64_STANDARD.decode(self.body).map(Cow::Owned).map_err(|_| not_text());
        }
        Ok(Cow::Borrowed(self.body.as_bytes()))
    }

    /// The body as the sender wrote it, byte by byte: what a signature is made over.
    pub fn bytes(&self) -> Result<Cow<'a, [u8]>, Problem> {
        let bytes = self.bytes_of_any_size()?;
        if bytes.len() > LARGEST_BODY {
            return Err(too_large());
        }
        Ok(bytes)
    }

    /// The body, declared as JSON and not yet read as such.
    pub fn text(&self) -> Result<Cow<'a, str>, Problem> {
        if !self.content_type.is_some_and(is_json) {
            let detail = "Send the order with `Content-Type: application/json`.";
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        if !self.content_encoding.is_none_or(is_identity) {
            let detail = "Send the order as it is, without `Content-Encoding`. Nothing was sent.";
            return Err(Problem::new(Code::UnsupportedEncoding, detail));
        }
        match self.bytes()? {
            Cow::Borrowed(_) => Ok(Cow::Borrowed(self.body)),
            Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|error| {
                let valid = error.utf8_error().valid_up_to();
                not_utf8(&error.as_bytes()[..valid])
            }),
        }
    }

    /// The body as JSON in which no member is given twice.
    pub fn json(&self) -> Result<Value, Problem> {
        json(&self.text()?)
    }
}

/// Reads the text of a body.
pub fn json(text: &str) -> Result<Value, Problem> {
    order::parse(text).map_err(|unreadable| match unreadable {
        Unreadable::NotJson { line, column } => {
            let detail = format!(
                "The fault is at line {line}, column {column}. Send one JSON object in UTF-8: the \
                 order. Nothing was sent."
            );
            Problem::new(Code::NotJson, detail)
        }
        Unreadable::Doubled(faults) => {
            let order_id = faulty_id(text, &faults);
            Problem::invalid_order(faults).of_order(order_id)
        }
    })
}

/// The body is UTF-8 as far as `valid` only. The place counts bytes, as that of a fault in the JSON does.
fn not_utf8(valid: &[u8]) -> Problem {
    let is_end = |byte: &u8| *byte == b'\n';
    let line = valid.split(is_end).count();
    let column = valid.rsplit(is_end).next().map_or(0, <[u8]>::len) + 1;
    let detail = format!(
        "The byte at line {line}, column {column} is not UTF-8. Send one JSON object in UTF-8: the \
         order. Nothing was sent."
    );
    Problem::new(Code::NotJson, detail)
}

fn not_text() -> Problem {
    Problem::new(Code::NotJson, "Send one JSON object in UTF-8: the order. Nothing was sent.")
}

/// The order is larger than what an event on the bus may hold.
#[must_use]
pub fn too_large() -> Problem {
    let detail = format!("An order may have {LARGEST_BODY} bytes at most. Nothing was sent.");
    Problem::new(Code::TooLarge, detail)
}

fn is_identity(encoding: &str) -> bool {
    encoding.trim().is_empty() || encoding.trim().eq_ignore_ascii_case("identity")
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(content_type: &str, body: &str) -> Request {
        Request {
            headers: [("content-type", content_type)].into_iter().collect(),
            body: body.to_owned(),
            ..Request::default()
        }
    }

    fn code(request: &Request) -> Option<Code> {
        Posted::by(request).json().err().map(|problem| problem.code)
    }

    #[test]
    fn takes_json_that_is_declared_as_json() {
        assert_eq!(code(&request("application/json; charset=utf-8", "{}")), None);
        assert_eq!(code(&request("application/cloudevents+json", "{}")), None);
        assert_eq!(code(&request("text/plain", "{}")), Some(Code::UnsupportedMediaType));
        assert_eq!(code(&Request::default()), Some(Code::UnsupportedMediaType));
        assert_eq!(code(&request("application/json", "{")), Some(Code::NotJson));
        assert_eq!(code(&request("application/json", "")), Some(Code::NotJson));
    }

    #[test]
    fn a_compressed_body_is_named_as_such() {
        let with = |encoding: &str| Request {
            headers: [("content-type", "application/json"), ("content-encoding", encoding)]
                .into_iter()
                .collect(),
            body: "{}".to_owned(),
            ..Request::default()
        };

        assert_eq!(code(&with("identity")), None);
        assert_eq!(code(&with("gzip")), Some(Code::UnsupportedEncoding));
    }

    #[test]
    fn what_is_no_json_has_a_place_and_what_is_doubled_a_name() {
        let problem = |body: &str| {
            Posted::by(&request("application/json", body)).json().expect_err("a problem")
        };

        let broken = problem("{\n\"total\": 1,,}");
        assert!(broken.detail.starts_with("The fault is at line 2, column 12."), "{broken:?}");
        let doubled = problem(r#"{"total":1,"total":2}"#);
        assert_eq!(
            (doubled.code, doubled.errors[0].pointer.as_str()),
            (Code::InvalidOrder, "/total")
        );
    }

    #[test]
    fn takes_a_body_that_the_gateway_has_encoded() {
        let mut encoded = request("application/json", "eyJhIjoxfQ==");
        encoded.is_base64_encoded = true;

        assert_eq!(Posted::by(&encoded).json().expect("JSON"), json!({ "a": 1 }));
    }

    #[test]
    fn a_byte_that_is_not_utf_8_is_named() {
        let bodies: [(&[u8], &str); 5] = [
            (b"{\"name\":\"J\xf6rg\"}", "line 1, column 11"),
            (b"{\r\n \"city\": \"K\xc3\xb6ln\",\n \"name\": \"J\xf6rg\"}", "line 3, column 12"),
            (b"{\"city\": \"K\xc3\xb6ln, J\xf6rg\"}", "line 1, column 19"),
            (b"{}\n\xff", "line 2, column 1"),
            (b"\xff\xfe{\0}\0", "line 1, column 1"),
        ];
        for (body, place) in bodies {
            let mut latin = request("application/json", &BASE64_STANDARD.encode(body));
            latin.is_base64_encoded = true;

            let problem = Posted::by(&latin).json().expect_err("a problem");

            assert_eq!(problem.code, Code::NotJson);
            let start = format!("The byte at {place} is not UTF-8.");
            assert!(problem.detail.starts_with(&start), "{problem:?}");
        }
    }

    #[test]
    fn refuses_what_no_event_can_hold() {
        let long = format!("\"{}\"", "x".repeat(LARGEST_BODY));

        assert_eq!(code(&request("application/json", &long)), Some(Code::TooLarge));
    }
}
