//! Sending: no redirects, no proxies, no retries, one deadline over all of it.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::time::timeout;
use url::Url;

use super::{
    Answer, BODY_CAP, Request,
    connections::{Connections, is_timeout},
    retry_after,
};
use crate::{clock::Timestamp, network::Verdict, word::Reason};

/// What came of sending.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Not one byte of the request left: it may be sent again.
    NotSent(Reason),
    /// Something may have left and no whole answer came.
    MaybeSent(Reason),
    /// A whole answer.
    Answered(Answer),
}

impl Outcome {
    /// What it means where the network has no say: it did not answer.
    #[must_use]
    pub fn unanswered(&self) -> Option<Verdict> {
        match self {
            Self::NotSent(reason) => {
                Some(Verdict::Retry { reason: reason.clone(), after: None, sent: false })
            }
            Self::MaybeSent(reason) => Some(Verdict::Unconfirmed {
                reason: reason.clone(),
                if_absent: crate::network::IfAbsent::SendAgain,
            }),
            Self::Answered(_) => None,
        }
    }
}

/// Sends requests to one network.
#[derive(Clone)]
pub struct Sender {
    connections: Connections<Full<Bytes>>,
    endpoint: Url,
    timeout: Duration,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// How long a connection may stay unused. Networks close theirs after some seconds, and a request
/// written on a connection the other side has just closed is a lost answer.
const IDLE: Duration = Duration::from_secs(3);

const USER_AGENT: &str = concat!("postback/", env!("CARGO_PKG_VERSION"));

impl Sender {
    /// A sender to `endpoint`, whose requests together take at most `timeout`.
    #[must_use]
    pub fn new(endpoint: Url, timeout: Duration) -> Self {
        Self { connections: Connections::new(timeout / 2, IDLE), endpoint, timeout }
    }

    /// Opens a connection for the first request. Nothing is sent on it, and nothing waits for it.
    pub fn open_ahead(&self) {
        if let Ok(uri) = Uri::try_from(self.endpoint.as_str()) {
            self.connections.open(uri);
        }
    }

    /// Sends once. `now` is when: a `Retry-After` that is a date counts from it.
    pub async fn send(&self, request: &Request, now: Timestamp) -> Outcome {
        let exchange = timeout(self.timeout, self.exchange(request, now));
        exchange.await.unwrap_or_else(|_| Outcome::MaybeSent(Reason::new("answer_timeout")))
    }

    async fn exchange(&self, request: &Request, now: Timestamp) -> Outcome {
        let lost = || Outcome::MaybeSent(Reason::new("connection_lost"));
        let Ok(message) = self.message(request) else { return lost() };
        let response = match self.connections.request(message, now).await {
            Ok(response) => response,
            // "Connect" is all before the request is handed to a connection: name look-up, TCP,
            // TLS. Whatever comes later may have moved bytes.
            Err(error) if error.is_connect() && is_timeout(&error) => {
                return Outcome::NotSent(Reason::new("connect_timeout"));
            }
            Err(error) if error.is_connect() => {
                return Outcome::NotSent(Reason::new("connect_failed"));
            }
            Err(_) => return lost(),
        };
        // Without a length only the connection's end says that it was all, and a plain one ends
        // alike in the middle. TLS says goodbye.
        let bounded = self.endpoint.scheme() == "https" || is_framed(&response);
        match read(response, request.whole_answer, now).await {
            Outcome::Answered(_) if request.whole_answer && !bounded => {
                Outcome::MaybeSent(Reason::new("answer_without_length"))
            }
            outcome => outcome,
        }
    }

    fn message(&self, request: &Request) -> Result<http::Request<Full<Bytes>>, http::Error> {
        let message = http::Request::builder()
            .uri(request.url(&self.endpoint).as_str())
            .header(header::ACCEPT, "*/*")
            .header(header::USER_AGENT, USER_AGENT);
        match request.body() {
            None => message.body(Full::default()),
            Some(body) => message
                .method(http::Method::POST)
                .header(header::CONTENT_TYPE, "application/json")
                .body(Full::from(body.to_string())),
        }
    }
}

fn is_framed(response: &Response<Incoming>) -> bool {
    let headers = response.headers();
    matches!(response.status().as_u16(), 204 | 304)
        || headers.contains_key(header::CONTENT_LENGTH)
        || headers.contains_key(header::TRANSFER_ENCODING)
}

async fn read(response: Response<Incoming>, whole: bool, now: Timestamp) -> Outcome {
    let status = response.status().as_u16();
    let wait = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let wait = wait.and_then(|value| retry_after(value, now));
    let mut coming = response.into_body();
    let mut body = Vec::new();
    while let Some(frame) = coming.frame().await {
        let Ok(frame) = frame else {
            return Outcome::MaybeSent(Reason::new("answer_cut_off"));
        };
        let Ok(chunk) = frame.into_data() else { continue };
        if body.len() + chunk.len() > BODY_CAP {
            if whole {
                return Outcome::MaybeSent(Reason::new("answer_too_long"));
            }
            body.extend_from_slice(&chunk[..BODY_CAP - body.len()]);
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Outcome::Answered(Answer { status, retry_after: wait, body })
}
