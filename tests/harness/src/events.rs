//! Events as AWS sends them.

use serde_json::{Value, json};

use crate::fake_services::Message;

/// An API Gateway event (payload format 2.0) that posts `body` to `path`.
#[must_use]
pub fn api_event(method: &str, path: &str, body: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": { "content-type": "application/json" },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api",
            "domainName": "api.example",
            "domainPrefix": "api",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "test",
            },
            "requestId": "r",
            "routeKey": "$default",
            "stage": "$default",
            "time": "21/Nov/2026:10:15:00 +0000",
            "timeEpoch": 1_795_256_100_000_i64,
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

/// The event on the bus that a completed order is.
#[must_use]
pub fn order_event(order: &Value) -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "order.completed",
        "source": "shop",
        "account": "000000000000",
        "time": "2026-11-21T10:15:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": order,
    })
}

/// A batch of messages from SQS.
#[must_use]
pub fn sqs_event(messages: &[Message]) -> Value {
    let records: Vec<_> = messages.iter().map(record).collect();
    json!({ "Records": records })
}

fn record(message: &Message) -> Value {
    json!({
        "messageId": message.id,
        "receiptHandle": "handle",
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": message.received.to_string(),
            "SentTimestamp": "1795256100000",
            "SenderId": "sender",
            "ApproximateFirstReceiveTimestamp": "1795256100000",
        },
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:queue",
        "awsRegion": "eu-central-1",
    })
}
