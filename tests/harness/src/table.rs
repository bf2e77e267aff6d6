//! The ledger's table on an embedded `DynamoDB`, behind a proxy that counts the consumption and
//! fails as scripted.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{Client, config::Credentials};
use dynoxide::Database;
use postback_core::delivery::WAITING;
use postback_runtime::{
    ledger::Ledger,
    services::{Access, CallLimits, Endpoints, Environment},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

mod later;
mod proxy;

pub use later::{LATER_WRITE, Later, as_later};
use proxy::Proxy;

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
    /// False for a refused condition and for an error.
    pub ok: bool,
}

/// Consumed capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Write units.
    pub write: f64,
    /// Read units.
    pub read: f64,
    /// The number of calls.
    pub calls: u32,
}

/// The fate of one call.
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

/// The time that a function waits for one answer of its ledger, unless a test says otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

impl Table {
    /// A fresh, empty table.
    ///
    /// # Panics
    ///
    /// If loopback can't be listened on.
    pub async fn start() -> Self {
        let database = Database::memory().expect("a database in memory");
        database.create_table(definition()).expect("a table");
        let proxy = Arc::new(Proxy::new(database));
        let (endpoint, proxying) =
            listen(|listener| proxy::serve(listener, proxy.clone(), None)).await;
        let client = client(&endpoint, PATIENCE);
        Self { client, endpoint, proxy, tasks: vec![proxying] }
    }

    /// The endpoint at which the functions of a later version find the table.
    pub async fn later_endpoint(&mut self, later: Later) -> String {
        let serve = |listener| proxy::serve(listener, self.proxy.clone(), Some(later));
        let (endpoint, proxying) = listen(serve).await;
        self.tasks.push(proxying);
        endpoint
    }

    /// Writes an item as it is, in `DynamoDB`'s own JSON.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[expect(clippy::unused_async, reason = "like every other call of the table")]
    pub async fn put_raw(&self, item: &Value) {
        let body = json!({ "TableName": NAME, "Item": item }).to_string();
        let (status, ..) = self.proxy.pass("PutItem".to_owned(), body.as_bytes());
        assert!(status.is_success(), "{status}: {item}");
    }

    /// The ledger in it.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.client.clone(), NAME.to_owned())
    }

    /// The ledger in it by a client of its own, which waits for one answer for `patience`.
    #[must_use]
    pub fn ledger_within(&self, patience: Duration) -> Ledger {
        Self::ledger_at(&self.endpoint, patience)
    }

    /// The ledger at an endpoint of [`Self::later_endpoint`].
    #[must_use]
    pub fn ledger_at(endpoint: &str, patience: Duration) -> Ledger {
        Ledger::new(client(endpoint, patience), NAME.to_owned())
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &str {
        NAME
    }

    /// The URL at which it is called.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The client of it.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Strikes the next calls, one each; then lets all through again.
    pub fn script(&self, strikes: impl IntoIterator<Item = Strike>) {
        let mut script = self.proxy.script();
        script.clear();
        script.extend(strikes);
    }

    /// The number of scripted strikes still to come.
    #[must_use]
    pub fn script_left(&self) -> usize {
        self.proxy.script().len()
    }

    /// The number of calls so far that were not let through, or not answered.
    #[must_use]
    pub fn struck(&self) -> u64 {
        *self.proxy.struck.borrow()
    }

    /// Returns once `count` calls were struck. One that stalls is done by then.
    pub async fn wait_for_strikes(&self, count: u64) {
        let mut struck = self.proxy.struck.subscribe();
        // The sender lives as long as the table.
        let _enough = struck.wait_for(|struck| *struck >= count).await;
    }

    /// Strikes every call that is not scripted.
    pub fn always(&self, strike: Strike) {
        *self.proxy.always() = strike;
    }

    /// Fails every call of this operation that is not scripted, as `PutItem`; `None` for none.
    pub fn fail_all(&self, operation: Option<&'static str>) {
        *self.proxy.failing() = operation;
    }

    /// Every call so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.proxy.calls().iter().map(|(call, _)| call.clone()).collect()
    }

    /// The consumption so far, as `DynamoDB` reports it.
    #[must_use]
    pub fn units(&self) -> Units {
        self.proxy.calls().iter().fold(Units::default(), |sum, (_, units)| Units {
            write: sum.write + units.write,
            read: sum.read + units.read,
            calls: sum.calls + 1,
        })
    }

    /// The number of times that the pauses were read so far.
    #[must_use]
    pub fn pauses_read(&self) -> u64 {
        self.proxy.pauses_read.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The table's stream so far: each write as Lambda gets it, oldest first.
    #[must_use]
    pub fn stream(&self) -> Vec<Value> {
        self.proxy.stream().clone()
    }

    /// The part of the stream that is about one order.
    #[must_use]
    pub fn stream_of(&self, order_id: &str) -> Vec<Value> {
        let stream = self.proxy.stream();
        let is_about = |write: &&Value| write["dynamodb"]["Keys"]["order_id"]["S"] == order_id;
        stream.iter().filter(is_about).cloned().collect()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.proxy.calls().clear();
    }

    /// Forgets the stream so far: a million writes with their images are more than a machine's memory.
    pub fn forget_stream(&self) {
        self.proxy.stream().clear();
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
            { "AttributeName": WAITING, "AttributeType": "S" },
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": WAITING,
            "KeySchema": [
                { "AttributeName": "order_id", "KeyType": "HASH" },
                { "AttributeName": WAITING, "KeyType": "RANGE" },
            ],
            "Projection": { "ProjectionType": "ALL" },
        }],
    });
    serde_json::from_value(definition).expect("a table definition")
}

pub(crate) async fn listen<F: Future<Output = ()> + Send + 'static>(
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
