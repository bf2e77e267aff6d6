//! The request and the answer of API Gateway, reduced to the members that the functions use.
//! Nothing else of an event is read, so that nothing else can make it unreadable.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use lambda_runtime::Error;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

/// A request.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "Event")]
pub struct Request {
    /// The request's id, which the access log has as well.
    pub id: Option<String>,
    /// The method, in upper case.
    pub method: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// The values of the route's parameters.
    pub path_parameters: HashMap<String, String>,
    /// The caller's ARN, where IAM authorized it.
    pub caller_arn: Option<String>,
    /// The token's subject, where a token authorized the call.
    pub subject: Option<String>,
    /// The headers.
    pub headers: Headers,
    /// The body as API Gateway passes it on.
    pub body: String,
    /// True if API Gateway has encoded the body.
    pub is_base64_encoded: bool,
}

impl Request {
    /// Reads an event. The error quotes nothing of it.
    pub fn from_payload(payload: &RawValue) -> Result<Self, Error> {
        let not_a_request = |_| "the event is not a request of API Gateway".into();
        serde_json::from_str(payload.get()).map_err(not_a_request)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The headers of a request.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "Box<RawValue>")]
pub struct Headers(HashMap<String, String>);

impl Headers {
    /// The value of the header `name`, which is in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Takes names in any case, as a caller that invokes the function directly may write them.
impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(headers: I) -> Self {
        let lower = |(name, value): (K, V)| (name.as_ref().to_ascii_lowercase(), value.into());
        Self(headers.into_iter().map(lower).collect())
    }
}

/// Leaves out values that are no text, or hold half a character; all where a name does, or where there
/// are no names.
impl From<Box<RawValue>> for Headers {
    fn from(headers: Box<RawValue>) -> Self {
        let headers: HashMap<String, Box<RawValue>> = readable(Some(&headers));
        let text = |(name, value): (_, Box<RawValue>)| {
            Some((name, serde_json::from_str::<String>(value.get()).ok()?))
        };
        headers.into_iter().filter_map(text).collect()
    }
}

/// Of an event in payload format 2.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: Option<String>,
    path_parameters: Option<Headers>,
    headers: Option<Headers>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
    request_context: Context,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    http: Http,
    /// Anything, because claims may be: it must not make the event unreadable.
    authorizer: Option<Box<RawValue>>,
    request_id: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Http {
    method: String,
}

impl From<Event> for Request {
    fn from(event: Event) -> Self {
        let authorizer: Value = readable(event.request_context.authorizer.as_deref());
        let text = |pointer| authorizer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Self {
            id: readable(event.request_context.request_id.as_deref()),
            caller_arn: text("/iam/userArn"),
            subject: text("/jwt/claims/sub"),
            method: event.request_context.http.method,
            path: event.raw_path.unwrap_or_default(),
            path_parameters: event.path_parameters.unwrap_or_default().0,
            headers: event.headers.unwrap_or_default(),
            body: event.body.unwrap_or_default(),
            is_base64_encoded: event.is_base64_encoded.unwrap_or_default(),
        }
    }
}

/// A part of an event; the default of one that can't be read, because it holds half a character.
pub(crate) fn readable<T: DeserializeOwned + Default>(part: Option<&RawValue>) -> T {
    part.and_then(|part| serde_json::from_str(part.get()).ok()).unwrap_or_default()
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The status.
    pub status_code: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<&'static str, String>,
    /// The body.
    pub body: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::to_raw_value};

    use super::*;

    fn from_json(event: &Value) -> Result<Request, Error> {
        Request::from_payload(&to_raw_value(event).expect("JSON"))
    }

    fn event() -> Value {
        json!({
            "version": "2.0",
            "routeKey": "POST /orders",
            "rawPath": "/orders",
            "headers": { "content-type": "application/json" },
            "requestContext": { "http": { "method": "POST", "path": "/orders" }, "timeEpoch": 0 },
            "body": "{}",
            "isBase64Encoded": false,
        })
    }

    #[test]
    fn claims_of_any_type_are_not_read() {
        let mut event = event();
        event["requestContext"]["authorizer"] = json!({
            "jwt": { "claims": { "admin": true, "iat": 1, "groups": ["a"], "more": {} }, "scopes": 7 },
        });

        let request = from_json(&event).expect("a request");

        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/orders"));
    }

    #[test]
    fn a_header_may_hold_control_characters() {
        let mut event = event();
        event["headers"]["x-odd"] = json!("a\u{1}b\nc\u{7f}");
        event["headers"]["x-odd\n name"] = json!("x");
        event["headers"]["x-number"] = json!(7);

        let request = from_json(&event).expect("a request");

        assert_eq!(request.headers.get("content-type"), Some("application/json"));
        assert_eq!(request.headers.get("x-odd"), Some("a\u{1}b\nc\u{7f}"));
        assert_eq!(request.headers.get("x-number"), None);
    }

    #[test]
    fn half_a_character_in_a_header_or_a_claim_stops_no_request() {
        let mut event = event();
        event["headers"]["x-odd"] = json!("half");
        event["headers"]["x-odder"] = json!(["half"]);
        event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": { "sub": "half" } } });
        event["requestContext"]["requestId"] = json!("half");
        let event = event.to_string().replace("half", r"\ud83d");

        let request: Request = serde_json::from_str(&event).expect("a request");

        assert_eq!(request.headers.get("content-type"), Some("application/json"));
        assert_eq!((request.headers.get("x-odd"), request.subject, request.id), (None, None, None));
    }

    #[test]
    fn names_of_half_a_character_and_parts_of_another_type_count_as_not_there() {
        let mut event = event();
        event["pathParameters"] = json!({ "order_id": "A-1", "n": 7, "more": ["a"], "none": null });
        let request = from_json(&event).expect("a request");
        let order_id = request.path_parameters.get("order_id").map(String::as_str);
        assert_eq!((order_id, request.path_parameters.len()), (Some("A-1"), 1));

        event["headers"]["half"] = json!("x");
        let halved = event.to_string().replace("half", r"\ud83d");
        let request: Request = serde_json::from_str(&halved).expect("a request");
        assert_eq!(request.headers.get("content-type"), None, "as if there were none");

        for other in [json!(7), json!("order_id"), json!(["A-1"]), json!(null)] {
            (event["pathParameters"], event["headers"]) = (other.clone(), other);
            let request = from_json(&event).expect("a request");
            assert!(request.path_parameters.is_empty());
            assert_eq!(request.headers.get("content-type"), None);
        }
    }

    #[test]
    fn a_header_is_found_in_whatever_case_it_was_written() {
        let mut event = event();
        event["headers"] = json!({ "Content-Type": "text/plain" });

        let request = from_json(&event).expect("a request");

        assert_eq!(request.headers.get("content-type"), Some("text/plain"));
    }

    #[test]
    fn an_error_quotes_nothing_of_the_event() {
        let canary = "canary7351";
        let mut wrong = event();
        wrong["isBase64Encoded"] = json!(canary);

        for event in [wrong, json!({ canary: canary }), json!(canary)] {
            let error = from_json(&event).expect_err("no request");
            assert_eq!(error.to_string(), "the event is not a request of API Gateway");
            assert!(!format!("{error:?}").contains(canary));
        }
    }

    #[test]
    fn a_request_shows_nothing_of_its_content() {
        let mut event = event();
        event["headers"]["authorization"] = json!("canary7351");
        event["body"] = json!("canary7351");

        let shown = format!("{:?}", from_json(&event).expect("a request"));

        assert!(!shown.contains("canary7351"), "{shown}");
    }
}
