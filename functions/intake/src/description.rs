//! `GET /openapi.json`: the committed document, completed with every network's click.

use postback_orders::clicks::CLICKS;
use postback_runtime::lambda::api::{self, Response};
use serde_json::{Map, Value};

const DOCUMENT: &str = include_str!("../openapi.json");

pub(crate) fn answer() -> Response {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    let clicks: Map<String, Value> = CLICKS
        .iter()
        .filter_map(|click| {
            Some((click.network.to_owned(), serde_json::from_str(click.schema).ok()?))
        })
        .collect();
    if let Some(place) = document.pointer_mut("/components/schemas/Order/properties/clicks") {
        place["properties"] = Value::Object(clicks);
        place["additionalProperties"] = Value::Bool(false);
    }
    api::json(200, &document)
}
