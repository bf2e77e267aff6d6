//! Secrets Manager, SQS and EventBridge: the operations the functions call.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{clock, server};

/// One of the services on loopback.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    delay: Duration,
    /// By id.
    secrets: BTreeMap<String, String>,
    messages: Mutex<u64>,
}

impl Service {
    pub(crate) async fn start(delay: Duration, secrets: BTreeMap<String, String>) -> Self {
        let shared = Arc::new(Shared { delay, secrets, messages: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let (address, serving) = server::start(router).await;
        Self { address, shared, serving }
    }

    /// The number of messages sent to a queue so far.
    pub(crate) fn messages(&self) -> u64 {
        *self.shared.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let arrived = clock::now();
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let body = match target.unwrap_or_default() {
        "secretsmanager.GetSecretValue" => shared.secret(&request),
        "AmazonSQS.SendMessage" => Some(shared.send_message()),
        "AWSEvents.PutEvents" => Some(put_events(&request)),
        _ => None,
    };
    clock::wait_since(arrived, shared.delay).await;
    let status = if body.is_some() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let body = body.unwrap_or_default().to_string();
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body).into_response()
}

fn put_events(request: &Value) -> Value {
    let entries = request["Entries"].as_array().into_iter().flatten();
    let taken: Vec<_> = entries.map(|_| json!({ "EventId": "1" })).collect();
    json!({ "FailedEntryCount": 0, "Entries": taken })
}

impl Shared {
    fn secret(&self, request: &Value) -> Option<Value> {
        let id = request["SecretId"].as_str()?;
        let secret = self.secrets.get(id)?;
        Some(json!({ "ARN": id, "Name": id, "VersionId": "v1", "SecretString": secret }))
    }

    fn send_message(&self) -> Value {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        *messages += 1;
        json!({ "MessageId": messages.to_string(), "MD5OfMessageBody": "" })
    }
}
