//! The measurements of the sweep.

use std::time::Duration;

use postback_core::clock::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::document::{Document, directive, number};

/// A measurement of the sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Gauge {
    name: &'static str,
    unit: &'static str,
    value: Value,
    currency: Option<String>,
}

impl Gauge {
    /// A count.
    #[must_use]
    pub fn count(name: &'static str, count: u32) -> Self {
        Self { name, unit: "Count", value: json!(count), currency: None }
    }

    /// A time.
    #[must_use]
    pub fn seconds(name: &'static str, time: Duration) -> Self {
        Self { name, unit: "Seconds", value: json!(time.as_secs()), currency: None }
    }

    /// A sum of money, by currency.
    #[must_use]
    pub fn money(name: &'static str, currency: &str, sum: Decimal) -> Self {
        Self { name, unit: "None", value: number(sum), currency: Some(currency.to_owned()) }
    }
}

/// The documents of the sweep's measurements: those with a currency each in one of their own.
#[must_use]
pub fn gauges(stack: &str, network: &str, now: Timestamp, gauges: &[Gauge]) -> Vec<Value> {
    let mut plain = Document::default();
    let mut documents = Vec::new();
    for Gauge { name, unit, value, currency } in gauges {
        let declared = json!({ "Name": name, "Unit": unit });
        let Some(currency) = currency else {
            plain.plain.push(declared);
            plain.members.insert((*name).to_owned(), value.clone());
            continue;
        };
        let mut document = Document::default();
        document.directives.push(directive(&["Stack", "Network", "Currency"], &[declared]));
        document.members.insert("Currency".to_owned(), json!(currency));
        document.members.insert((*name).to_owned(), value.clone());
        documents.extend(document.finish(stack, network, now));
    }
    documents.extend(plain.finish(stack, network, now));
    documents
}
