//! The minimal function a shop would write itself: it claims the order in DynamoDB, reports it to ShopBack and records
//! the result.

use std::env;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, error::SdkError, types::AttributeValue};
use futures::future::join_all;
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde::Deserialize;
use serde_json::{Value, json};

struct App {
    dynamodb: Client,
    http: reqwest::Client,
    table: String,
    endpoint: String,
    offer_id: String,
    security_token: String,
}

#[derive(Deserialize)]
struct Order {
    order_id: String,
    total: String,
    clicks: Clicks,
}

#[derive(Deserialize)]
struct Clicks {
    shopback: Click,
}

#[derive(Deserialize)]
struct Click {
    transaction_id: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let app = App {
        dynamodb: Client::new(&config),
        http: reqwest::Client::new(),
        table: env::var("LEDGER_TABLE")?,
        endpoint: env::var("NETWORK_ENDPOINT")?,
        offer_id: env::var("OFFER_ID")?,
        security_token: env::var("SECURITY_TOKEN")?,
    };
    let app = &app;
    run(service_fn(move |event: LambdaEvent<Value>| async move { app.handle(event.payload).await })).await
}

impl App {
    async fn handle(&self, event: Value) -> Result<Value, Error> {
        if let Some(records) = event["Records"].as_array() {
            let each = join_all(records.iter().map(|record| self.deliver_record(record))).await;
            let failures: Vec<_> = each.into_iter().flatten().collect();
            return Ok(json!({ "batchItemFailures": failures }));
        }
        let order = serde_json::from_str(event["body"].as_str().unwrap_or_default())?;
        let state = self.deliver(&order).await?;
        Ok(json!({
            "statusCode": 200,
            "headers": { "content-type": "application/json" },
            "body": json!({ "order_id": order.order_id, "state": state }).to_string(),
        }))
    }

    async fn deliver_record(&self, record: &Value) -> Option<Value> {
        let result = async {
            let event: Value = serde_json::from_str(record["body"].as_str().unwrap_or_default())?;
            let order = serde_json::from_value(event["detail"].clone())?;
            self.deliver(&order).await
        };
        match result.await {
            Ok(_) => None,
            Err(error) => {
                tracing::error!(%error, "the order was not delivered");
                Some(json!({ "itemIdentifier": record["messageId"] }))
            }
        }
    }

    async fn deliver(&self, order: &Order) -> Result<&'static str, Error> {
        if !self.claim(order).await? {
            return Ok("known");
        }
        self.send(order).await?;
        self.record(order).await?;
        tracing::info!(order_id = order.order_id, "delivered");
        Ok("delivered")
    }

    async fn claim(&self, order: &Order) -> Result<bool, Error> {
        let claim = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item("order_id", AttributeValue::S(order.order_id.clone()))
            .item("delivery", AttributeValue::S("shopback".to_owned()))
            .item("state", AttributeValue::S("sending".to_owned()))
            .condition_expression("attribute_not_exists(order_id)");
        match claim.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn send(&self, order: &Order) -> Result<(), Error> {
        let query = [
            ("offer_id", &self.offer_id),
            ("adv_sub", &order.order_id),
            ("transaction_id", &order.clicks.shopback.transaction_id),
            ("amount", &order.total),
            ("security_token", &self.security_token),
        ];
        let url = format!("{}/aff_lsr", self.endpoint);
        let answer = self.http.get(url).query(&query).send().await?.error_for_status()?.text().await?;
        if answer.trim_start().starts_with("success=true") { Ok(()) } else { Err("refused".into()) }
    }

    async fn record(&self, order: &Order) -> Result<(), Error> {
        self.dynamodb
            .update_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(order.order_id.clone()))
            .key("delivery", AttributeValue::S("shopback".to_owned()))
            .update_expression("SET #state = :delivered")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":delivered", AttributeValue::S("delivered".to_owned()))
            .send()
            .await?;
        Ok(())
    }
}
