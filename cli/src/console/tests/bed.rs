//! A console over an embedded ledger, with the little of AWS that it asks besides.

use std::{cell::Cell, collections::BTreeMap, fmt::Write, sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
    response::Response,
};
use postback_core::{clock::Timestamp, delivery::Record};
use postback_harness::{FakeAws, Table};
use tower_service::Service;

use super::super::{Console, keys::Keys, router};
use crate::{
    account::{Account, Place},
    fixtures::paid,
    screen::Zone,
};

pub(super) const PORT: u16 = 4600;
pub(super) const HOST: &str = "127.0.0.1:4600";
pub(super) const ORIGIN: &str = "http://127.0.0.1:4600";

pub(super) struct Bed {
    pub(super) table: Table,
    pub(super) router: Router,
    pub(super) token: String,
    cookie: Option<String>,
    _aws: Option<FakeAws>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

thread_local! {
    /// The time that has passed since the console began: a test runs on one thread.
    static PASSED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Half an hour after the fixtures' last write, and what has passed since.
pub(super) fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T10:45:00Z").expect("an instant") + PASSED.get()
}

/// Has this time pass.
pub(super) fn pass(time: Duration) {
    PASSED.set(PASSED.get() + time);
}

fn configuration(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("key", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-test-1"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

fn account(table: &Table, config: SdkConfig) -> Account {
    let names = [
        "LedgerTable",
        "NetQueueUrl",
        "NetDeadLetterQueueUrl",
        "FaultyOrdersQueueUrl",
        "BusOrdersQueueUrl",
        "BusLettersUrl",
        "BusName",
        "BusArn",
    ];
    let outputs: BTreeMap<_, _> =
        names.map(|name| (name.to_owned(), format!("http://127.0.0.1/{name}"))).into();
    Account {
        ledger: table.ledger_within(Duration::from_secs(20)),
        queues: aws_sdk_sqs::Client::new(&config),
        events: aws_sdk_eventbridge::Client::new(&config),
        functions: aws_sdk_lambda::Client::new(&config),
        place: Place {
            config,
            stack: "postback".to_owned(),
            region: "eu-test-1".to_owned(),
            outputs,
            parameters: BTreeMap::new(),
            status: String::new(),
        },
    }
}

impl Bed {
    /// A console that no browser has opened yet.
    pub(super) async fn closed(writes: bool) -> Self {
        let table = Table::start().await;
        let aws = FakeAws::start(table.name(), &["Net"]).await;
        let endpoint = aws.endpoint().to_owned();
        Self { _aws: Some(aws), ..Self::over(table, &endpoint, writes, Zone::default()) }
    }

    /// A console in a browser that may write, and shows times in this zone.
    pub(super) async fn open_in(zone: &str) -> Self {
        let table = Table::start().await;
        let aws = FakeAws::start(table.name(), &["Net"]).await;
        let endpoint = aws.endpoint().to_owned();
        let bed = Self::over(table, &endpoint, true, zone.parse().expect("a zone"));
        Self { _aws: Some(aws), ..bed }.enter().await
    }

    /// A console in a browser, where AWS is at this endpoint.
    pub(super) async fn open_at(endpoint: &str, writes: bool) -> Self {
        let bed = Self::over(Table::start().await, endpoint, writes, Zone::default());
        bed.enter().await
    }

    fn over(table: Table, endpoint: &str, writes: bool, zone: Zone) -> Self {
        PASSED.set(Duration::ZERO);
        let account = account(&table, configuration(endpoint));
        let mut number = 0;
        let keys = Keys::new(|bytes| {
            number += 1;
            bytes.fill(number);
        });
        let token = keys.token();
        let console = Console { zone, ..Console::new(account, writes, PORT, keys, now) };
        let router = router(Arc::new(console));
        Self { table, router, token, cookie: None, _aws: None }
    }

    /// A console in a browser.
    pub(super) async fn open(writes: bool) -> Self {
        Self::closed(writes).await.enter().await
    }

    async fn enter(mut self) -> Self {
        let entered = self.get(&format!("/open?token={}", self.token)).await;
        let cookie = entered.headers[header::SET_COOKIE].to_str().expect("text");
        self.cookie = cookie.split(';').next().map(str::to_owned);
        self
    }

    pub(super) async fn send(&mut self, request: Request<Body>) -> Answer {
        let response: Response = self.router.call(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        let mut request = Request::get(path).header(header::HOST, HOST);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    /// Sends a form as a browser does, with these headers in place of its own.
    pub(super) async fn form(
        &mut self,
        path: &str,
        fields: &str,
        headers: &[(&'static str, &str)],
    ) -> Answer {
        let mut request = Request::post(path)
            .header(header::HOST, HOST)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(fields.to_owned())).expect("a request")).await
    }

    /// Sends a form of this console.
    pub(super) async fn submit(&mut self, path: &str, fields: &str) -> Answer {
        let key = "03".repeat(32);
        self.form(path, &format!("key={key}&{fields}"), &[("origin", ORIGIN)]).await
    }

    /// Sends a form with a report, as a browser does.
    pub(super) async fn upload(
        &mut self,
        key: &str,
        fields: &[(&str, &str)],
        report: &str,
    ) -> Answer {
        let head = "\r\nContent-Disposition: form-data; name=";
        let mut body = format!("--b{head}\"key\"\r\n\r\n{key}\r\n");
        for (name, value) in fields {
            let _infallible = write!(body, "--b{head}\"{name}\"\r\n\r\n{value}\r\n");
        }
        let file = "\"report\"; filename=\"May.csv\"\r\nContent-Type: text/csv";
        let _infallible = write!(body, "--b{head}{file}\r\n\r\n{report}\r\n--b--\r\n");
        let request = Request::post("/decide/report")
            .header(header::HOST, HOST)
            .header(header::ORIGIN, ORIGIN)
            .header(header::COOKIE, self.cookie.as_deref().unwrap_or_default())
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        self.send(request.body(Body::from(body)).expect("a request")).await
    }

    /// Writes deliveries.
    pub(super) async fn put(&self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.table.ledger().put(&record, None).await.expect("a write");
        }
    }

    /// The only delivery of an order.
    pub(super) async fn record(&self, order_id: &str) -> Record {
        self.table.ledger().of_order(order_id).await.expect("a read").remove(0)
    }
}

/// A delivery of this order to the network `net`, about 10.50 EUR.
pub(super) fn delivery(order_id: &str, state: &str) -> Record {
    let mut record = paid("net", state, "10.5", "EUR");
    record.order_id = order_id.to_owned();
    record
}
