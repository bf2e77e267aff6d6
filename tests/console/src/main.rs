//! A seeded ledger and as much of AWS as `postback console` asks, until it is ended: for the console's
//! tests in a browser, its pictures, and measuring it on a large ledger.
//!
//! `postback-console-bed [DELIVERED]`: with so many delivered ones besides. Prints the variables that
//! lead the tool here, as JSON.

use std::{
    env,
    io::{self, Write},
};

use futures_util::{StreamExt, stream};
use postback_core::clock::Timestamp;
use postback_harness::{FakeAws, Table};
use serde_json::json;

mod seed;

/// The writes that are under way at once.
const AT_ONCE: usize = 64;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let delivered = env::args().nth(1).map_or(Ok(200), |count| count.parse())?;
    let table = Table::start().await;
    let networks = ["Cartstack", "Cashmycell", "CpaMoe", "Shopback"];
    let aws = FakeAws::start(table.name(), &networks).await;
    let ledger = table.ledger_within(std::time::Duration::from_mins(1));
    let now = Timestamp::system();
    let records = seed::records(now, delivered);
    ledger.change_pause("cashmycell", &seed::pause(now)).await?;
    ledger.put_unclaimed(&seed::unclaimed(now)).await?;
    let write = async |record| ledger.put(&record, None).await.map(|_| ());
    let written = stream::iter(records).map(write).buffer_unordered(AT_ONCE);
    let failed = written.filter(|written| {
        table.forget_stream();
        std::future::ready(written.is_err())
    });
    let failed = failed.count().await;
    let variables = json!({
        "AWS_ENDPOINT_URL": aws.endpoint(),
        "AWS_ENDPOINT_URL_DYNAMODB": table.endpoint(),
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    });
    let mut out = io::stdout();
    writeln!(out, "{variables}")?;
    out.flush()?;
    if failed > 0 {
        return Err(format!("{failed} deliveries could not be written").into());
    }
    std::future::pending().await
}
