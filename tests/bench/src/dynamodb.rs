//! `DynamoDB`: an embedded one in memory. It counts the calls and the capacity they consume.

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
use dynoxide::{
    AttributeValue, Database, DynoxideError, ImportOptions, Item,
    actions::{
        delete_item::DeleteItemRequest, get_item::GetItemRequest, put_item::PutItemRequest,
        query::QueryRequest, update_item::UpdateItemRequest,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{Failure, clock, server};

/// A `DynamoDB` on loopback.
pub(crate) struct DynamoDb {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    database: Database,
    delay: Duration,
    /// Calls wait here, because the database's own lock would block this program's threads.
    turn: tokio::sync::Mutex<()>,
    /// By table.
    counts: Mutex<BTreeMap<String, Counts>>,
}

/// The calls to one table and the capacity they consumed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Counts {
    pub(crate) calls: BTreeMap<String, u32>,
    pub(crate) write_units: f64,
    pub(crate) read_units: f64,
}

impl DynamoDb {
    pub(crate) async fn start(delay: Duration) -> Result<Self, Failure> {
        let shared = Arc::new(Shared {
            database: Database::memory()?,
            delay,
            turn: tokio::sync::Mutex::default(),
            counts: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let (address, serving) = server::start(router).await;
        Ok(Self { address, shared, serving })
    }

    /// Creates a table whose key is one or two strings.
    pub(crate) fn create_table(&self, name: &str, key: &[String]) -> Result<(), Failure> {
        let schema = key.iter().zip(["HASH", "RANGE"]);
        let schema = schema.map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind }));
        let attributes =
            key.iter().map(|name| json!({ "AttributeName": name, "AttributeType": "S" }));
        let definition = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": schema.collect::<Vec<_>>(),
            "AttributeDefinitions": attributes.collect::<Vec<_>>(),
        });
        self.shared.database.create_table(serde_json::from_value(definition)?)?;
        Ok(())
    }

    /// Fills a table with copies of the one item in it, under other order ids, until it has `total`.
    pub(crate) fn fill(&self, table: &str, sample: &Item, total: usize) -> Result<(), Failure> {
        let database = &self.shared.database;
        database.enable_bulk_loading()?;
        let mut left = total;
        while left > 0 {
            let batch = left.min(10_000);
            let copy = |number: usize| {
                let mut item = sample.clone();
                item.insert("order_id".to_owned(), AttributeValue::S(format!("old-{number:08}")));
                item
            };
            let items = (left - batch..left).map(copy).collect();
            database.import_items(table, items, ImportOptions::default())?;
            left -= batch;
        }
        database.disable_bulk_loading()?;
        Ok(())
    }

    /// One item of a table.
    pub(crate) fn get(&self, table: &str, key: &Value) -> Result<Option<Item>, Failure> {
        let request = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
        Ok(self.shared.database.get_item(serde_json::from_value(request)?)?.item)
    }

    /// Returns the counts of a table and resets them.
    pub(crate) fn take_counts(&self, table: &str) -> Counts {
        let mut counts = self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.remove(table).unwrap_or_default()
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let arrived = clock::now();
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.rsplit('.').next()).unwrap_or_default();
    let turn = shared.turn.lock().await;
    let performed = shared.perform(operation, &body);
    drop(turn);
    clock::wait_since(arrived, shared.delay).await;
    let (status, body) = match performed {
        Ok(answer) => (StatusCode::OK, answer),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code());
            (status.unwrap_or(StatusCode::BAD_REQUEST), error.to_json())
        }
    };
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}

impl Shared {
    fn perform(&self, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
        let database = &self.database;
        let total = || Some("TOTAL".to_owned());
        match operation {
            "PutItem" => {
                let mut request: PutItemRequest = parse(body)?;
                request.return_consumed_capacity = total();
                let table = request.table_name.clone();
                self.count(&table, operation, database.put_item(request), |answer| {
                    answer.consumed_capacity.as_ref().map(|consumed| consumed.capacity_units)
                })
            }
            "UpdateItem" => {
                let mut request: UpdateItemRequest = parse(body)?;
                request.return_consumed_capacity = total();
                let table = request.table_name.clone();
                self.count(&table, operation, database.update_item(request), |answer| {
                    answer.consumed_capacity.as_ref().map(|consumed| consumed.capacity_units)
                })
            }
            "DeleteItem" => {
                let mut request: DeleteItemRequest = parse(body)?;
                request.return_consumed_capacity = total();
                let table = request.table_name.clone();
                self.count(&table, operation, database.delete_item(request), |answer| {
                    answer.consumed_capacity.as_ref().map(|consumed| consumed.capacity_units)
                })
            }
            "GetItem" => {
                let mut request: GetItemRequest = parse(body)?;
                request.return_consumed_capacity = total();
                let table = request.table_name.clone();
                self.count(&table, operation, database.get_item(request), |answer| {
                    answer.consumed_capacity.as_ref().map(|consumed| consumed.capacity_units)
                })
            }
            // Of the pauses.
            "Query" => {
                let mut request: QueryRequest = parse(body)?;
                request.return_consumed_capacity = total();
                let table = request.table_name.clone();
                self.count(&table, operation, database.query(request), |answer| {
                    answer.consumed_capacity.as_ref().map(|consumed| consumed.capacity_units)
                })
            }
            other => Err(DynoxideError::ValidationException(format!("{other} is not supported"))),
        }
    }

    fn count<T: Serialize>(
        &self,
        table: &str,
        operation: &str,
        result: Result<T, DynoxideError>,
        consumed: impl Fn(&T) -> Option<f64>,
    ) -> Result<String, DynoxideError> {
        let units = match &result {
            Ok(answer) => consumed(answer).unwrap_or_default(),
            // A failed condition reports no capacity, but costs as much as its item: one unit here.
            Err(_) => 1.0,
        };
        let mut all = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = all.entry(table.to_owned()).or_default();
        *counts.calls.entry(operation.to_owned()).or_default() += 1;
        if matches!(operation, "GetItem" | "Query") {
            counts.read_units += units;
        } else {
            counts.write_units += units;
        }
        drop(all);
        let text = |answer| serde_json::to_string(&answer);
        result.and_then(|answer| text(answer).map_err(|error| internal(&error)))
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| internal(&error))
}

fn internal(error: &serde_json::Error) -> DynoxideError {
    DynoxideError::InternalServerError(error.to_string())
}
