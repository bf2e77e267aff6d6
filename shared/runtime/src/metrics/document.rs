//! A document of metrics in the making.

use postback_core::clock::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Metric, NAMESPACE};

/// One document in the making.
#[derive(Default)]
pub(super) struct Document {
    /// The metrics with no dimension of their own, as the format declares them.
    pub(super) plain: Vec<Value>,
    /// The declarations of those that have one.
    pub(super) directives: Vec<Value>,
    pub(super) members: serde_json::Map<String, Value>,
}

impl Document {
    pub(super) fn add(&mut self, metric: Metric, value: Option<Value>) {
        let Some(value) = value else { return };
        self.plain.push(declared(metric));
        self.members.insert(metric.name().to_owned(), value);
    }

    pub(super) fn add_by(&mut self, metric: Metric, dimension: &str, value: Value) {
        let name = metric.dimension().unwrap_or_default();
        self.directives.push(directive(&["Stack", "Network", name], &[declared(metric)]));
        self.members.insert(name.to_owned(), json!(dimension));
        self.members.insert(metric.name().to_owned(), value);
    }

    /// Declares a metric that is in the document with one dimension more, if it has a value.
    pub(super) fn also_by(&mut self, metric: Metric, name: &str, dimension: Option<&str>) {
        let Some(dimension) = dimension else { return };
        self.directives.push(directive(&["Stack", "Network", name], &[declared(metric)]));
        self.members.insert(name.to_owned(), json!(dimension));
    }

    pub(super) fn finish(mut self, stack: &str, network: &str, now: Timestamp) -> Option<Value> {
        if self.members.is_empty() {
            return None;
        }
        if !self.plain.is_empty() {
            self.directives.insert(0, directive(&["Stack", "Network"], &self.plain));
        }
        let about = json!({ "Timestamp": now.as_millis(), "CloudWatchMetrics": self.directives });
        self.members.insert("_aws".to_owned(), about);
        self.members.insert("Stack".to_owned(), json!(stack));
        self.members.insert("Network".to_owned(), json!(network));
        Some(Value::Object(self.members))
    }
}

fn declared(metric: Metric) -> Value {
    json!({ "Name": metric.name(), "Unit": metric.unit() })
}

pub(super) fn directive(dimensions: &[&str], metrics: &[Value]) -> Value {
    json!({ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics })
}

pub(super) fn number(amount: Decimal) -> Value {
    amount.normalize().to_string().parse().map_or(Value::Null, Value::Number)
}
