//! Errors as callers see them: RFC 9457 problem details with a stable code. Never a value of the
//! order, a secret, a URL or anything internal.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::{fields::Fault, order::OrderId};

/// An error that a caller meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The code.
    pub code: Code,
    /// The fault and its remedy, in one or two sentences.
    pub detail: String,
    /// Every fault of a bad order.
    pub errors: Vec<Fault>,
    /// The results by lines, where the network wants lines.
    pub lines: Vec<Value>,
    /// The order's id, where it could be read: for the log, and in no answer.
    pub order_id: Option<OrderId>,
}

/// The codes of all problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// 400: the body is not JSON.
    NotJson,
    /// 404: nothing is known of the order.
    UnknownOrder,
    /// 404: there is no such network.
    UnknownNetwork,
    /// 404: the network is turned off in this deployment.
    NetworkOff,
    /// 404: there is nothing at this path.
    UnknownPath,
    /// 405: the path is right, the method is not.
    MethodNotAllowed,
    /// 409: this order was reported to the network with other content.
    Conflict,
    /// 413: the order is too large.
    TooLarge,
    /// 415: the body is not declared as JSON.
    UnsupportedMediaType,
    /// 415: the body is compressed.
    UnsupportedEncoding,
    /// 422: the order has faults.
    InvalidOrder,
    /// 503: the ledger could not be reached; nothing was sent.
    LedgerUnavailable,
    /// 503: the bus did not take the order.
    BusUnavailable,
    /// 503: the next attempt could not be scheduled.
    QueueUnavailable,
    /// 401: a header of the webhook's signature is missing or has no sense.
    WebhookUnsigned,
    /// 401: no signature of the webhook's message fits.
    WebhookSignatureWrong,
    /// 401: the webhook's message was signed too long ago.
    WebhookTooOld,
    /// 401: the webhook's message was signed in the future.
    WebhookTooNew,
    /// 404: the webhook is turned off in this deployment.
    WebhookOff,
    /// 409: the webhook took another order under this message's id.
    WebhookIdReused,
    /// 503: the webhook has no keys to check signatures with.
    WebhookKeysUnavailable,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::NotJson,
        Self::UnknownOrder,
        Self::UnknownNetwork,
        Self::NetworkOff,
        Self::UnknownPath,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::UnsupportedEncoding,
        Self::InvalidOrder,
        Self::LedgerUnavailable,
        Self::BusUnavailable,
        Self::QueueUnavailable,
        Self::WebhookUnsigned,
        Self::WebhookSignatureWrong,
        Self::WebhookTooOld,
        Self::WebhookTooNew,
        Self::WebhookOff,
        Self::WebhookIdReused,
        Self::WebhookKeysUnavailable,
    ];

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NotJson => 400,
            Self::WebhookUnsigned
            | Self::WebhookSignatureWrong
            | Self::WebhookTooOld
            | Self::WebhookTooNew => 401,
            Self::UnknownOrder
            | Self::UnknownNetwork
            | Self::NetworkOff
            | Self::UnknownPath
            | Self::WebhookOff => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict | Self::WebhookIdReused => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => 415,
            Self::InvalidOrder => 422,
            Self::LedgerUnavailable
            | Self::BusUnavailable
            | Self::QueueUnavailable
            | Self::WebhookKeysUnavailable => 503,
        }
    }

    /// The code as it stands in `code` and at the end of `type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::UnknownOrder => "unknown_order",
            Self::UnknownNetwork => "unknown_network",
            Self::NetworkOff => "network_off",
            Self::UnknownPath => "unknown_path",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::InvalidOrder => "invalid_order",
            Self::LedgerUnavailable => "ledger_unavailable",
            Self::BusUnavailable => "bus_unavailable",
            Self::QueueUnavailable => "queue_unavailable",
            Self::WebhookUnsigned => "webhook_unsigned",
            Self::WebhookSignatureWrong => "webhook_signature_wrong",
            Self::WebhookTooOld => "webhook_too_old",
            Self::WebhookTooNew => "webhook_too_new",
            Self::WebhookOff => "webhook_off",
            Self::WebhookIdReused => "webhook_id_reused",
            Self::WebhookKeysUnavailable => "webhook_keys_unavailable",
        }
    }

    /// The title, in a few words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::NotJson => "The body is not JSON",
            Self::UnknownOrder => "Unknown order",
            Self::UnknownNetwork => "Unknown network",
            Self::NetworkOff => "The network is turned off",
            Self::UnknownPath => "Nothing here",
            Self::MethodNotAllowed => "Method not allowed",
            Self::Conflict => "Same order, other content",
            Self::TooLarge => "The order is too large",
            Self::UnsupportedMediaType => "The body is not declared as JSON",
            Self::UnsupportedEncoding => "The body is compressed",
            Self::InvalidOrder => "The order has faults",
            Self::LedgerUnavailable => "The ledger could not be reached",
            Self::BusUnavailable => "The event bus did not take the order",
            Self::QueueUnavailable => "The next attempt could not be scheduled",
            Self::WebhookUnsigned => "The message is not signed",
            Self::WebhookSignatureWrong => "The signature does not fit",
            Self::WebhookTooOld => "The message is too old",
            Self::WebhookTooNew => "The message comes from the future",
            Self::WebhookOff => "The webhook is turned off",
            Self::WebhookIdReused => "Same message id, other order",
            Self::WebhookKeysUnavailable => "The webhook has no keys",
        }
    }

    /// The time that a caller should wait before trying again, where that helps.
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        match self.status() {
            503 => Some(Duration::from_secs(5)),
            _ => None,
        }
    }
}

impl Problem {
    /// A problem of kind `code`; `detail` says what was wrong and what to do.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let (errors, lines) = (Vec::new(), Vec::new());
        Self { code, detail: detail.into(), errors, lines, order_id: None }
    }

    /// A bad order.
    #[must_use]
    pub fn invalid_order(errors: Vec<Fault>) -> Self {
        let detail = "Fix what `errors` lists and send the order again; nothing was sent.";
        Self { errors, ..Self::new(Code::InvalidOrder, detail) }
    }

    /// The same of the order of this id.
    #[must_use]
    pub fn of_order(self, order_id: impl Into<Option<OrderId>>) -> Self {
        Self { order_id: order_id.into(), ..self }
    }

    /// The same of an order that is at `place` in what was sent: a JSON pointer.
    #[must_use]
    pub fn under(mut self, place: &str) -> Self {
        self.errors.iter_mut().for_each(|fault| fault.pointer.insert_str(0, place));
        self
    }

    /// The body: `application/problem+json`.
    #[must_use]
    pub fn body(&self) -> String {
        let body = Body {
            r#type: format!("urn:postback:problem:{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status(),
            code: self.code.as_str(),
            detail: &self.detail,
            errors: &self.errors,
            lines: &self.lines,
        };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    lines: &'a [Value],
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bad_order_lists_its_faults_with_pointers() {
        let fault = Fault { pointer: "/total".into(), code: "negative", detail: "no".into() };

        let body: Value =
            serde_json::from_str(&Problem::invalid_order(vec![fault]).body()).expect("JSON");

        assert_eq!(body["status"], 422);
        assert_eq!(body["code"], "invalid_order");
        assert_eq!(
            body["errors"],
            json!([{ "pointer": "/total", "code": "negative", "detail": "no" }])
        );
    }

    #[test]
    fn every_code_serializes_to_its_word() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).expect("JSON"), code.as_str());
        }
    }
}
