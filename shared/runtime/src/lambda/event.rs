//! The event that a network's function is called with: read in one pass, and no further than it is
//! used.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

use crate::{
    lambda::api::{Headers, Posted, readable},
    sender,
};

/// An event of any trigger.
#[derive(Deserialize)]
pub(super) struct Event {
    /// A batch of the queue.
    #[serde(rename = "Records")]
    pub(super) records: Option<Vec<Message>>,
    /// An event of `EventBridge` has one.
    #[serde(rename = "detail-type")]
    pub(super) detail_type: Option<String>,
    /// A request of API Gateway has one.
    #[serde(rename = "requestContext")]
    context: Option<Context>,
    headers: Option<Headers>,
    body: Option<String>,
    #[serde(rename = "isBase64Encoded")]
    is_base64_encoded: Option<bool>,
}

/// Of an HTTP API, in payload format 2.0.
#[derive(Deserialize)]
struct Context {
    #[serde(rename = "http")]
    _http: IgnoredAny,
    /// The caller, as API Gateway has authorized it.
    authorizer: Option<Box<RawValue>>,
}

/// A message of the queue.
#[derive(Deserialize)]
pub(super) struct Message {
    #[serde(rename = "messageId")]
    pub(super) id: Option<String>,
    pub(super) body: Option<String>,
    attributes: Option<Attributes>,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(rename = "ApproximateReceiveCount")]
    receive_count: Option<String>,
}

impl Event {
    /// The body of the request, if this is a request of API Gateway.
    pub(super) fn posted(&self) -> Option<Posted<'_>> {
        self.context.as_ref()?;
        Some(Posted {
            content_type: self.header("content-type"),
            content_encoding: self.header("content-encoding"),
            body: self.body.as_deref().unwrap_or_default(),
            is_base64_encoded: self.is_base64_encoded.unwrap_or_default(),
        })
    }
}

impl Event {
    /// The short name of who called the API.
    pub(super) fn caller(&self) -> String {
        let authorizer = self.context.as_ref().and_then(|context| context.authorizer.as_deref());
        let authorizer: Value = readable(authorizer);
        let text = |pointer| authorizer.pointer(pointer)?.as_str();
        let (arn, subject) = (text("/iam/userArn"), text("/jwt/claims/sub"));
        let name = sender::of_caller(arn, subject);
        sender::short(sender::API, name.as_deref())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.as_ref().and_then(|headers| headers.get(name))
    }
}

/// The size from which messages are taken one after the other.
const LARGE: usize = 64 * 1024;

impl Message {
    /// Returns whether it is taken alone: read, it takes many times its size of the function's memory.
    pub(super) fn is_large(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.len() > LARGE)
    }

    /// Returns whether the queue has delivered this message before.
    pub(super) fn is_redelivered(&self) -> bool {
        let count = self.attributes.as_ref().and_then(|all| all.receive_count.as_deref());
        count.and_then(|count| count.parse::<u32>().ok()).is_some_and(|count| count > 1)
    }
}
