//! The ledger's table on an embedded `DynamoDB`, behind a proxy that counts what it consumes and
//! fails as told.

use std::{
    collections::VecDeque,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{Client, config::Credentials};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use dynoxide::Database;
use postback_runtime::{
    ledger::Ledger,
    services::{Access, CallLimits, Endpoints, Environment},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

const NAME: &str = "ledger";

/// The table, and its `DynamoDB` as long as it lives.
#[derive(Debug)]
pub struct Table {
    client: Client,
    endpoint: String,
    proxy: Arc<Proxy>,
    tasks: Vec<JoinHandle<()>>,
}

/// One call of a function to `DynamoDB`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The operation, as `PutItem`.
    pub operation: String,
    /// Whether it changed or read something: a refused condition does not.
    pub ok: bool,
}

/// What was consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Write units.
    pub write: f64,
    /// Read units.
    pub read: f64,
    /// How many calls.
    pub calls: u32,
}

/// What the proxy does to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// Lets it through.
    Pass,
    /// 500, nothing done.
    Fail,
    /// `ThrottlingException`, nothing done.
    Throttle,
    /// Done, then the answer is lost: a 500.
    LoseAnswer,
    /// Never answered, nothing done.
    Hang,
    /// Done, and never answered.
    Stall,
}

#[derive(Debug)]
struct Proxy {
    inner: String,
    http: reqwest::Client,
    script: Mutex<VecDeque<Strike>>,
    always: Mutex<Strike>,
    calls: Mutex<Vec<(Call, Units)>>,
    /// The table's stream: each write, with the old and the new image.
    stream: Mutex<Vec<Value>>,
    /// How many calls were not let through.
    struck: watch::Sender<u64>,
}

/// How long a function waits for one answer of its ledger.
pub(crate) const PATIENCE: Duration = Duration::from_millis(400);

impl Table {
    /// A fresh, empty table.
    ///
    /// # Panics
    ///
    /// When loopback can't be listened on.
    pub async fn start() -> Self {
        let database = Database::memory().expect("a database in memory");
        database.create_table(definition()).expect("a table");
        let (inner, serving) =
            listen(|listener| dynoxide::server::serve_on(listener, database)).await;
        // Plain HTTP only, but the client wants to know its cryptography before it is built.
        let _already = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "the proxy's own client, not a function's")]
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let proxy = Arc::new(Proxy {
            inner,
            http,
            script: Mutex::default(),
            always: Mutex::new(Strike::Pass),
            calls: Mutex::default(),
            stream: Mutex::default(),
            struck: watch::Sender::new(0),
        });
        let router = Router::new().fallback(forward).with_state(Arc::clone(&proxy));
        let (outer, proxying) = listen(|listener| async move {
            axum::serve(listener, router).await.expect("the proxy serves");
        })
        .await;
        Self {
            client: client(&outer, PATIENCE),
            endpoint: outer,
            proxy,
            tasks: vec![serving, proxying],
        }
    }

    /// The ledger in it.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.client.clone(), NAME.to_owned())
    }

    /// The ledger in it by a client of its own, which waits so long for one answer.
    #[must_use]
    pub fn ledger_within(&self, patience: Duration) -> Ledger {
        Ledger::new(client(&self.endpoint, patience), NAME.to_owned())
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &str {
        NAME
    }

    /// The client of it.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Does these to the next calls, one each; then lets all through again.
    pub fn script(&self, strikes: impl IntoIterator<Item = Strike>) {
        let mut script = self.proxy.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.clear();
        script.extend(strikes);
    }

    /// How many of the scripted strikes are still to come.
    #[must_use]
    pub fn script_left(&self) -> usize {
        self.proxy.script.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How many calls were not let through, or not answered, so far.
    #[must_use]
    pub fn struck(&self) -> u64 {
        *self.proxy.struck.borrow()
    }

    /// Returns once so many calls were struck. One that stalls is done by then.
    pub async fn wait_for_strikes(&self, count: u64) {
        let mut struck = self.proxy.struck.subscribe();
        // The sender lives as long as the table.
        let _enough = struck.wait_for(|struck| *struck >= count).await;
    }

    /// Does this to every call that is not scripted.
    pub fn always(&self, strike: Strike) {
        *self.proxy.always.lock().unwrap_or_else(PoisonError::into_inner) = strike;
    }

    /// Every call so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        let calls = self.proxy.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().map(|(call, _)| call.clone()).collect()
    }

    /// What was consumed so far, as `DynamoDB` reports it.
    #[must_use]
    pub fn units(&self) -> Units {
        let calls = self.proxy.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().fold(Units::default(), |sum, (_, units)| Units {
            write: sum.write + units.write,
            read: sum.read + units.read,
            calls: sum.calls + 1,
        })
    }

    /// The table's stream so far: each write as Lambda gets it, oldest first.
    #[must_use]
    pub fn stream(&self) -> Vec<Value> {
        self.proxy.stream.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.proxy.calls.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn definition() -> dynoxide::actions::create_table::CreateTableRequest {
    let definition = json!({
        "TableName": NAME,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [
            { "AttributeName": "order_id", "KeyType": "HASH" },
            { "AttributeName": "delivery", "KeyType": "RANGE" },
        ],
        "AttributeDefinitions": [
            { "AttributeName": "order_id", "AttributeType": "S" },
            { "AttributeName": "delivery", "AttributeType": "S" },
        ],
    });
    serde_json::from_value(definition).expect("a table definition")
}

async fn listen<F: Future<Output = ()> + Send + 'static>(
    serve: impl FnOnce(TcpListener) -> F,
) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (format!("http://{address}"), tokio::spawn(serve(listener)))
}

/// The client that ships, called at `endpoint`. One attempt waits `patience` and the others follow
/// in the proportions that ship, but without their pauses.
fn client(endpoint: &str, patience: Duration) -> Client {
    let shipped = CallLimits::default();
    let limits = CallLimits {
        connect: shipped.connect.max(patience),
        attempt: patience,
        operation: patience.mul_f64(shipped.operation.div_duration_f64(shipped.attempt)),
        backoff: Duration::from_millis(1),
    };
    let access = Access {
        region: "eu-central-1".to_owned(),
        credentials: Credentials::new("test", "test", None, None, "harness"),
        endpoints: Endpoints { dynamodb: Some(endpoint.to_owned()), ..Endpoints::default() },
        fips: false,
        dual_stack: false,
    };
    Environment::new(access, limits).dynamodb()
}

async fn forward(State(proxy): State<Arc<Proxy>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let target = target.unwrap_or_default().to_owned();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let strike = {
        let scripted = proxy.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let always = *proxy.always.lock().unwrap_or_else(PoisonError::into_inner);
        scripted.unwrap_or(always)
    };
    if matches!(strike, Strike::Pass) {
        return proxy.pass(&target, operation, body).await;
    }
    if matches!(strike, Strike::LoseAnswer | Strike::Stall) {
        let _lost = proxy.pass(&target, operation, body).await;
    }
    proxy.struck.send_modify(|struck| *struck += 1);
    match strike {
        Strike::Throttle => refusal(StatusCode::BAD_REQUEST, "ThrottlingException"),
        Strike::Hang | Strike::Stall => std::future::pending().await,
        _ => refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
    }
}

fn refusal(status: StatusCode, kind: &str) -> Response {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}") });
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body.to_string())
        .into_response()
}

impl Proxy {
    async fn pass(&self, target: &str, operation: String, body: Bytes) -> Response {
        let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
        request["ReturnConsumedCapacity"] = json!("TOTAL");
        if operation == "PutItem" {
            request["ReturnValues"] = json!("ALL_OLD");
        }
        let answer = self
            .http
            .post(&self.inner)
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .header(header::AUTHORIZATION, AUTHORIZATION)
            .header("x-amz-date", "20261121T000000Z")
            .body(request.to_string())
            .send()
            .await;
        let Ok(answer) = answer else {
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError");
        };
        let status = answer.status();
        let bytes = answer.bytes().await.unwrap_or_default();
        let read: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if operation == "PutItem" && status.is_success() {
            self.append_to_stream(&request, &read);
        }
        self.count(operation, status.is_success(), &request, &read);
        (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], bytes).into_response()
    }

    fn append_to_stream(&self, request: &Value, answer: &Value) {
        let (new, old) = (&request["Item"], &answer["Attributes"]);
        let keys = json!({ "order_id": new["order_id"], "delivery": new["delivery"] });
        let name = if old.is_null() { "INSERT" } else { "MODIFY" };
        let mut change = json!({ "Keys": keys, "NewImage": new });
        if !old.is_null() {
            change["OldImage"] = old.clone();
        }
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.push(json!({ "eventName": name, "dynamodb": change }));
    }

    fn count(&self, operation: String, ok: bool, request: &Value, answer: &Value) {
        let told = answer["ConsumedCapacity"]["CapacityUnits"].as_f64();
        let writes = operation == "PutItem";
        // A refused condition reports no capacity but costs a write of the item it met.
        let size = |item: &Value| f64::from(u32::try_from(item.to_string().len()).unwrap_or(0));
        let refused = (size(&answer["Item"]).max(size(&request["Item"])) / 1024.0).ceil();
        let units = told.unwrap_or(if writes && !ok { refused } else { 0.0 });
        let units = if writes {
            Units { write: units, read: 0.0, calls: 1 }
        } else {
            Units { write: 0.0, read: units, calls: 1 }
        };
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push((Call { operation, ok }, units));
    }
}

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
    Credential=test/20261121/eu-central-1/dynamodb/aws4_request, \
    SignedHeaders=host;x-amz-date;x-amz-target, Signature=test";
