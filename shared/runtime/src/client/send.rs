//! Sending, by `reqwest`: no redirects, no proxies, no retries, one deadline over all of it.

use std::{
    error::Error,
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{Client, Response, header};
use url::Url;

use crate::client::{connections::TLS, prewarm::Prewarm};
use postback_core::http::{Answer, BODY_CAP, Request, retry_after};
use postback_core::{clock::Timestamp, delivery::Verdict, redaction::Reason};

/// The result of sending.
#[derive(Clone, Debug)]
pub enum SendResult {
    /// Not one byte of the request left: it may be sent again.
    NotSent(Reason),
    /// Something may have left and no whole answer came.
    MaybeSent(Reason),
    /// A whole answer.
    Answered(Answer),
}

impl SendResult {
    /// The verdict where the network did not answer.
    #[must_use]
    pub fn unanswered(&self) -> Option<Verdict> {
        match self {
            Self::NotSent(reason) => {
                Some(Verdict::Retry { reason: reason.clone(), after: None, sent: false })
            }
            Self::MaybeSent(reason) => Some(Verdict::Unconfirmed {
                reason: reason.clone(),
                if_absent: postback_core::delivery::IfAbsent::SendAgain,
            }),
            Self::Answered(_) => None,
        }
    }
}

/// Sends requests to one network.
#[derive(Clone)]
pub struct Sender {
    endpoint: Url,
    timeout: Duration,
    /// The time that a connection may stay unused before a request of this sender.
    idle: Duration,
    held: Arc<Mutex<Option<Pooled>>>,
}

/// The client with its connections, built for the first request.
#[derive(Clone)]
struct Pooled {
    client: Client,
    ahead: Prewarm,
    /// The time that its connections may stay unused.
    idle: Duration,
    /// By the clock on the wall: a frozen function's own may stand still.
    used: Timestamp,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl Sender {
    /// A sender to `endpoint`, whose requests take at most `timeout` each. A connection may stay
    /// unused for `idle`.
    #[must_use]
    pub fn new(endpoint: Url, timeout: Duration, idle: Duration) -> Self {
        Self { endpoint, timeout, idle, held: Arc::default() }
    }

    /// The same sender, for requests before which a connection may stay unused for `idle`.
    #[must_use]
    pub fn with_idle(&self, idle: Duration) -> Self {
        Self { idle, ..self.clone() }
    }

    /// Opens a connection for the next request, unless there may be one that is fresh. Nothing is
    /// sent on it, and nothing waits for it.
    pub fn prewarm(&self, now: Timestamp) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|held| self.is_fresh(held, now)) {
            return;
        }
        if let Ok(pooled) = self.build(now) {
            // Nobody else has this client yet: what asks it for a connection is only this.
            pooled.ahead.open(&pooled.client, &self.endpoint);
            *held = Some(pooled);
        }
    }

    /// The network's base URL.
    #[must_use]
    pub const fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Sends once. `now` is when: a `Retry-After` that is a date counts from it.
    pub async fn send(&self, request: &Request, now: Timestamp) -> SendResult {
        let Ok(Pooled { client, .. }) = self.held(now) else {
            return SendResult::NotSent(Reason::new("connect_failed"));
        };
        let url = request.url(&self.endpoint);
        let builder = match request.body() {
            None => client.get(url),
            Some(body) => client
                .post(url)
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.to_string()),
        };
        let response = match builder.send().await {
            Ok(response) => response,
            // "Connect" is all before the request is handed to a connection: name look-up, TCP,
            // TLS. Whatever comes later may have moved bytes.
            Err(error) if error.is_connect() && error.is_timeout() => {
                return SendResult::NotSent(Reason::new("connect_timeout"));
            }
            Err(error) if error.is_connect() && is_tls(&error) => {
                return SendResult::NotSent(Reason::new("tls_failed"));
            }
            Err(error) if error.is_connect() => {
                return SendResult::NotSent(Reason::new("connect_failed"));
            }
            Err(error) if error.is_timeout() => {
                return SendResult::MaybeSent(Reason::new("answer_timeout"));
            }
            Err(_) => return SendResult::MaybeSent(Reason::new("connection_lost")),
        };
        // Without a length only the connection's end says that it was all, and a plain one ends
        // alike in the middle. TLS says goodbye.
        let bounded = self.endpoint.scheme() == "https" || is_framed(&response);
        match read_answer(response, request.needs_whole_answer(), now).await {
            SendResult::Answered(_) if request.needs_whole_answer() && !bounded => {
                SendResult::MaybeSent(Reason::new("answer_without_length"))
            }
            outcome => outcome,
        }
    }

    /// The client in use, or a fresh one if its connections may have gone stale.
    fn held(&self, now: Timestamp) -> Result<Pooled, reqwest::Error> {
        let mut place = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = place.take().filter(|held| self.is_fresh(held, now));
        let held = fresh.map_or_else(|| self.build(now), Ok)?;
        let held = Pooled { used: now, ..held };
        *place = Some(held.clone());
        Ok(held)
    }

    fn is_fresh(&self, held: &Pooled, now: Timestamp) -> bool {
        held.idle <= self.idle && now.since(held.used) <= held.idle
    }

    fn build(&self, now: Timestamp) -> Result<Pooled, reqwest::Error> {
        #[expect(clippy::disallowed_methods, reason = "the one place where a client is built")]
        let builder = Client::builder();
        let builder = builder
            .tls_backend_preconfigured(TLS.clone())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .pool_idle_timeout(self.idle)
            .connect_timeout(self.timeout / 2)
            .timeout(self.timeout)
            .user_agent(concat!("postback/", env!("CARGO_PKG_VERSION")));
        let ahead = Prewarm::default();
        let client = ahead.built_into(builder).build()?;
        Ok(Pooled { client, ahead, idle: self.idle, used: now })
    }
}

/// Whether TLS failed: a certificate that does not hold, or no common version. That is no outage.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    if error.is::<rustls::Error>() {
        return true;
    }
    // An `io::Error` hides the error that it wraps from its sources.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let wrapped = wrapped.map(|inner| inner as &(dyn Error + 'static));
    wrapped.or_else(|| error.source()).is_some_and(is_tls)
}

fn is_framed(response: &Response) -> bool {
    let headers = response.headers();
    matches!(response.status().as_u16(), 204 | 304)
        || headers.contains_key(header::CONTENT_LENGTH)
        || headers.contains_key(header::TRANSFER_ENCODING)
}

async fn read_answer(mut response: Response, whole: bool, now: Timestamp) -> SendResult {
    let status = response.status().as_u16();
    let wait = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let wait = wait.and_then(|value| retry_after(value, now));
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let head = Answer { retry_after: wait, ..Answer::new(status, "") }
        .with_headers(header(header::CONTENT_TYPE), header(header::CONTENT_ENCODING));
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > BODY_CAP => {
                if whole {
                    return SendResult::MaybeSent(Reason::new("answer_too_long"));
                }
                body.extend_from_slice(&chunk[..BODY_CAP - body.len()]);
                return SendResult::Answered(Answer { body, ..head });
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return SendResult::Answered(Answer { body, ..head }),
            Err(error) if error.is_timeout() => {
                return SendResult::MaybeSent(Reason::new("answer_timeout"));
            }
            Err(_) => return SendResult::MaybeSent(Reason::new("answer_cut_off")),
        }
    }
}
