//! The proxy before the embedded `DynamoDB`: it counts, fails as scripted and keeps the stream.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use dynoxide::{Database, DynoxideError};
use postback_core::delivery::FORMAT;
use postback_runtime::ledger::PAUSES;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

use super::{Call, Later, Strike, Units};

/// The proxy's state.
pub(super) struct Proxy {
    database: Database,
    script: Mutex<VecDeque<Strike>>,
    always: Mutex<Strike>,
    /// The operation that always fails.
    failing: Mutex<Option<&'static str>>,
    calls: Mutex<Vec<(Call, Units)>>,
    /// The reads of the pauses, which are no part of the calls.
    pub(super) pauses_read: AtomicU64,
    /// The table's stream: each write, with the old and the new image.
    stream: Mutex<Vec<Value>>,
    /// The number of calls that were not let through.
    pub(super) struck: watch::Sender<u64>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").finish_non_exhaustive()
    }
}

impl Proxy {
    /// A proxy before `database`.
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            script: Mutex::default(),
            always: Mutex::new(Strike::Pass),
            failing: Mutex::default(),
            calls: Mutex::default(),
            pauses_read: AtomicU64::default(),
            stream: Mutex::default(),
            struck: watch::Sender::new(0),
        }
    }

    pub(super) fn script(&self) -> MutexGuard<'_, VecDeque<Strike>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn always(&self) -> MutexGuard<'_, Strike> {
        self.always.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn failing(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn calls(&self) -> MutexGuard<'_, Vec<(Call, Units)>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stream(&self) -> MutexGuard<'_, Vec<Value>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves the proxy, for the functions of today's version or for those of a later one.
pub(super) async fn serve(listener: TcpListener, proxy: Arc<Proxy>, later: Option<Later>) {
    let router = Router::new().fallback(forward).with_state((proxy, later));
    axum::serve(listener, router).await.expect("the proxy serves");
}

type Shared = State<(Arc<Proxy>, Option<Later>)>;

async fn forward(State((proxy, later)): Shared, headers: HeaderMap, body: Bytes) -> Response {
    // A task of its own: a killed caller's write that was on its way reaches the stream, too.
    let call = |body: Bytes| {
        let call = async move { answer(&proxy, &headers, body).await };
        async { tokio::spawn(call).await.expect("an answer") }
    };
    let Some(later) = later else { return call(body).await.into_response() };
    let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !request["Item"].is_null() {
        later.on_write(&mut request["Item"]);
    }
    let (status, kind, body) = call(request.to_string().into()).await;
    let mut answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    for name in ["Item", "Attributes"] {
        if answer.get(name).is_some() {
            later.on_read(&mut answer[name], FORMAT);
        }
    }
    for item in answer["Items"].as_array_mut().into_iter().flatten() {
        later.on_read(item, FORMAT);
    }
    (status, kind, Bytes::from(answer.to_string())).into_response()
}

/// The answer of `DynamoDB`.
type Answer = (StatusCode, [(HeaderName, &'static str); 1], Bytes);

async fn answer(proxy: &Proxy, headers: &HeaderMap, body: Bytes) -> Answer {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let operation = target.and_then(|target| target.rsplit('.').next()).unwrap_or_default();
    let operation = operation.to_owned();
    // The read of the pauses is beside the orders: it takes no part in what a test scripts for them.
    let is_beside = reads_pauses(&operation, &body);
    let scripted = if is_beside { None } else { proxy.script().pop_front() };
    let fails = proxy.failing().is_some_and(|failing| failing == operation);
    let always = if fails { Strike::Fail } else { *proxy.always() };
    let strike = scripted.unwrap_or(always);
    if matches!(strike, Strike::Pass) {
        return proxy.pass(operation, &body);
    }
    if matches!(strike, Strike::LoseAnswer | Strike::Stall) {
        let _lost = proxy.pass(operation, &body);
    }
    proxy.struck.send_modify(|struck| *struck += 1);
    match strike {
        Strike::Throttle => refusal(StatusCode::BAD_REQUEST, "ThrottlingException"),
        Strike::Hang | Strike::Stall => std::future::pending().await,
        _ => refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
    }
}

fn reads_pauses(operation: &str, body: &[u8]) -> bool {
    let needle = format!("\"{PAUSES}\"");
    operation == "Query" && body.windows(needle.len()).any(|part| part == needle.as_bytes())
}

fn refusal(status: StatusCode, kind: &str) -> Answer {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}") });
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body.to_string().into())
}

impl Proxy {
    pub(super) fn pass(&self, operation: String, body: &[u8]) -> Answer {
        let mut request: Value = serde_json::from_slice(body).unwrap_or_default();
        request["ReturnConsumedCapacity"] = json!("TOTAL");
        match operation.as_str() {
            "PutItem" => request["ReturnValues"] = json!("ALL_OLD"),
            "UpdateItem" => request["ReturnValues"] = json!("ALL_NEW"),
            _ => {}
        }
        let (status, bytes) = match call(&self.database, &operation, &request.to_string()) {
            Ok(answer) => (StatusCode::OK, Bytes::from(answer)),
            Err(error) => (
                StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST),
                Bytes::from(error.to_json()),
            ),
        };
        let read: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            match operation.as_str() {
                "PutItem" => self.append_to_stream(&request["Item"], &read["Attributes"]),
                // Nothing reads the image before: an item that is updated in place has no version.
                "UpdateItem" => self.append_to_stream(&read["Attributes"], &Value::Null),
                _ => {}
            }
        }
        if reads_pauses(&operation, request.to_string().as_bytes()) {
            self.pauses_read.fetch_add(1, Ordering::Relaxed);
        } else {
            self.count(operation, status.is_success(), &request, &read);
        }
        (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], bytes)
    }

    fn append_to_stream(&self, new: &Value, old: &Value) {
        let keys = json!({ "order_id": new["order_id"], "delivery": new["delivery"] });
        let name = if old.is_null() { "INSERT" } else { "MODIFY" };
        let mut change = json!({ "Keys": keys, "NewImage": new });
        if !old.is_null() {
            change["OldImage"] = old.clone();
        }
        let write = json!({ "eventName": name, "dynamodb": change });
        // Two answers of DynamoDB may overtake each other; a stream keeps an item's writes in order.
        let mut stream = self.stream();
        let is_later = |other: &Value| {
            other["dynamodb"]["Keys"] == write["dynamodb"]["Keys"]
                && version(&other["dynamodb"]["NewImage"]) > version(new)
        };
        let recent = stream.len().saturating_sub(RECENT);
        let at = stream[recent..].iter().position(is_later).map_or(stream.len(), |at| recent + at);
        stream.insert(at, write);
    }

    fn count(&self, operation: String, ok: bool, request: &Value, answer: &Value) {
        let reported = answer["ConsumedCapacity"]["CapacityUnits"].as_f64();
        let writes = matches!(operation.as_str(), "PutItem" | "UpdateItem");
        // A refused condition reports no capacity but costs a write of the item that it met.
        let size = |item: &Value| f64::from(u32::try_from(item.to_string().len()).unwrap_or(0));
        let refused = (size(&answer["Item"]).max(size(&request["Item"])) / 1024.0).ceil();
        let units = reported.unwrap_or(if writes && !ok { refused } else { 0.0 });
        let units = if writes {
            Units { write: units, read: 0.0, calls: 1 }
        } else {
            Units { write: 0.0, read: units, calls: 1 }
        };
        self.calls().push((Call { operation, ok }, units));
    }
}

fn version(item: &Value) -> u64 {
    let version = item["version"]["N"].as_str().and_then(|version| version.parse().ok());
    version.unwrap_or_default()
}

/// The number of latest writes among which one may have been overtaken.
const RECENT: usize = 64;

/// The answer of the database to one of the calls that a function or the tool makes. It is called in
/// this process: between it and the proxy there is nothing of ours that HTTP would test.
fn call(database: &Database, operation: &str, body: &str) -> dynoxide::Result<String> {
    macro_rules! answer {
        ($name:ident) => {{
            let request = serde_json::from_str(body).map_err(|error| unreadable(&error))?;
            serde_json::to_string(&database.$name(request)?).map_err(|error| unreadable(&error))
        }};
    }
    match operation {
        "GetItem" => answer!(get_item),
        "PutItem" => answer!(put_item),
        "UpdateItem" => answer!(update_item),
        "DeleteItem" => answer!(delete_item),
        "Query" => answer!(query),
        "Scan" => answer!(scan),
        "DescribeTable" => answer!(describe_table),
        "UpdateTable" => answer!(update_table),
        _ => Err(DynoxideError::SerializationException(format!("no {operation} here"))),
    }
}

fn unreadable(error: &serde_json::Error) -> DynoxideError {
    DynoxideError::SerializationException(error.to_string())
}
