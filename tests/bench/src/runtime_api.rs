//! The Lambda Runtime API of one function's process, on loopback.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use crate::{Failure, clock, server};

/// The time limit of an invocation, as in the template.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The events to one process, and its answers.
pub(crate) struct RuntimeApi {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    events: mpsc::UnboundedSender<Invocation>,
    serving: JoinHandle<()>,
}

struct Invocation {
    id: String,
    event: Bytes,
}

struct Shared {
    /// One permit for each waiting poll.
    polls: Semaphore,
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    open: Mutex<HashMap<String, oneshot::Sender<Ended>>>,
}

/// The result of an invocation, and its time.
struct Ended {
    at: Instant,
    result: Result<Bytes, Bytes>,
}

/// An answer and how long it took.
pub(crate) struct Answer {
    pub(crate) body: Value,
    pub(crate) took: Duration,
}

impl RuntimeApi {
    pub(crate) async fn start() -> Self {
        let (events, receiver) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            polls: Semaphore::new(0),
            events: tokio::sync::Mutex::new(receiver),
            open: Mutex::default(),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .fallback(async || StatusCode::ACCEPTED)
            .with_state(Arc::clone(&shared));
        let (address, serving) = server::start(router).await;
        Self { address, shared, events, serving }
    }

    /// Calls the function. The time runs from `since`, or else from the moment the waiting process
    /// receives the event.
    pub(crate) async fn invoke(
        &self,
        event: &Value,
        since: Option<Instant>,
    ) -> Result<Answer, Failure> {
        let event = Bytes::from(event.to_string());
        let polled = timeout(TIMEOUT, self.shared.polls.acquire()).await;
        polled.map_err(|_| Failure::new("the function did not poll"))??.forget();
        let id = format!("00000000-0000-4000-8000-{:012x}", next_id());
        let (sender, result) = oneshot::channel();
        self.shared.open().insert(id.clone(), sender);
        let since = since.unwrap_or_else(clock::now);
        self.events.send(Invocation { id, event })?;
        let ended = timeout(TIMEOUT, result).await;
        let ended = ended.map_err(|_| Failure::new("the function did not answer"))??;
        let took = ended.at.duration_since(since);
        match ended.result {
            Ok(body) => Ok(Answer { body: serde_json::from_slice(&body)?, took }),
            Err(error) => Err(Failure::new(String::from_utf8_lossy(&error))),
        }
    }

    /// No more calls: whoever polls is answered so, and ends.
    pub(crate) fn hang_up(&mut self) {
        self.events = mpsc::unbounded_channel().0;
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Ended>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, id: &str, result: Result<Bytes, Bytes>) {
        let at = clock::now();
        if let Some(waiting) = self.open().remove(id) {
            let _gave_up = waiting.send(Ended { at, result });
        }
    }
}

/// A number for each invocation of this program's run.
fn next_id() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.polls.add_permits(1);
    let Some(Invocation { id, event }) = shared.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = clock::since_epoch() + TIMEOUT;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-central-1:000000000000:function:bench".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0".to_owned(),
        ),
    ];
    (axum::response::AppendHeaders(headers), event).into_response()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    shared.answer(&id, Ok(body));
    StatusCode::ACCEPTED
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    shared.answer(&id, Err(body));
    StatusCode::ACCEPTED
}
