//! Orders, and the events they come in.

use serde_json::{Value, json};

/// An order for all four networks, unique by its prefix and number.
pub(crate) fn order(prefix: &str, number: usize) -> Value {
    json!({
        "order_id": id(prefix, number),
        "status": "completed",
        "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR",
        "total": "1499.5", "tax": "228.66", "shipping": "0.00",
        "customer": {
            "email": format!("{}@example.com", id(prefix, number)),
            "phone": format!("+91 98{number:08}"),
            "name": "Asha Rao", "ip": "203.0.113.9", "user_agent": "Mozilla/5.0", "country": "IN",
        },
        "clicks": {
            "cashmycell": { "cmc_id": id(prefix, number), "clicked_at": "2026-11-20T09:00:00Z" },
            "cpa_moe": { "offer": 217, "wm": 42 },
            "shopback": { "transaction_id": click(prefix, number) },
        },
        "items": [{
            "sku": "S-1", "name": "Phone case", "category": "accessories",
            "quantity": 1, "unit_price": "1499.5", "refs": { "cpa_moe": 135 },
        }],
    })
}

/// The order's id.
pub(crate) fn id(prefix: &str, number: usize) -> String {
    format!("{prefix}-{number:06}")
}

/// A ShopBack click id: thirty letters and digits.
fn click(prefix: &str, number: usize) -> String {
    let letters: String = prefix.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{letters:x<22}{number:08}")
}

/// An API Gateway event (payload format 2.0) that posts the order.
pub(crate) fn by_api(order: &Value) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "POST /orders/{network}",
        "rawPath": "/orders/shopback",
        "rawQueryString": "",
        "headers": {
            "accept": "*/*", "content-type": "application/json", "host": "api.example",
            "user-agent": "shop", "x-amzn-trace-id": "Root=1-0-0", "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "000000000000", "apiId": "api", "domainName": "api.example",
            "domainPrefix": "api",
            "http": {
                "method": "POST", "path": "/orders/shopback", "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "shop",
            },
            "requestId": "r", "routeKey": "POST /orders/{network}", "stage": "$default",
            "time": "21/Nov/2026:10:15:00 +0000", "timeEpoch": 1_795_256_100_000_i64,
        },
        "body": order.to_string(),
        "isBase64Encoded": false,
    })
}

/// A batch of SQS messages, each with the event of a completed order.
pub(crate) fn by_queue(orders: &[Value]) -> Value {
    let records: Vec<_> = orders.iter().map(record).collect();
    json!({ "Records": records })
}

fn record(order: &Value) -> Value {
    let event = json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "order.completed",
        "source": "shop",
        "account": "000000000000",
        "time": "2026-11-21T10:15:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": order,
    });
    json!({
        "messageId": order["order_id"],
        "receiptHandle": "handle",
        "body": event.to_string(),
        "attributes": {
            "ApproximateReceiveCount": "1",
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
