//! The plans of any network.

use postback_core::{
    delivery::Fingerprint,
    fields::{self, Fields, UnknownFields},
    network::{Network, Plan},
    order::Order,
};
use serde_json::{Value, json};

use super::{Bench, configured, order, reports};
use crate::settings::put;

impl<N: Network> Bench<'_, N> {
    pub(super) fn the_content_is_the_orders_alone(&self, faults: &mut Vec<String>) {
        let fingerprints =
            |reports: &[N::Report]| -> Vec<_> { reports.iter().map(Fingerprint::of).collect() };
        let content = fingerprints(&self.reports);
        let other = configured::<N>(&self.subject.other_settings);

        if fingerprints(&reports(&other, &order(&self.subject.order))) != content {
            faults.push("the content changes with the settings".to_owned());
        }
        let mut dearer = self.subject.order.clone();
        put(&mut dearer, "/total", json!("31337"));
        if fingerprints(&reports(&self.network, &order(&dearer))) == content {
            faults.push("another total is the same content".to_owned());
        }
    }

    pub(super) fn orders_without_concern_are_skipped(&self, faults: &mut Vec<String>) {
        for status in ["pending", "cancelled", "refunded"] {
            let mut value = self.subject.order.clone();
            put(&mut value, "/status", json!(status));
            let refusal = refusal(&self.network, &order(&value));
            if refusal != Some("skipped not_completed".to_owned()) {
                faults.push(format!("an order that is {status} is {refusal:?}"));
            }
        }
        let without = format!("skipped {}", self.subject.without);
        let mut value = self.subject.order.clone();
        remove(&mut value, self.subject.concern);
        let is = refusal(&self.network, &order(&value));
        if is.as_ref() != Some(&without) {
            faults.push(format!("without {}: {is:?}, not `{without}`", self.subject.concern));
        }
        let is_text =
            self.subject.order.pointer(self.subject.concern).is_some_and(Value::is_string);
        let left_behind = ["", " \t", "undefined", "null", "{click_id}", "{the click id}"];
        for word in left_behind.into_iter().filter(|_| is_text) {
            let mut value = self.subject.order.clone();
            put(&mut value, self.subject.concern, json!(word));
            // What is refused at the edge never gets as far.
            let Ok(order) = Order::read(&value, UnknownFields::Deny) else { continue };
            if refusal(&self.network, &order).is_none() {
                faults.push(format!("`{word}` at {} is sent", self.subject.concern));
            }
        }
    }

    /// The members of the order's click are taken; of another type, or one too many, they are refused.
    pub(super) fn clicks_are_checked(&self, faults: &mut Vec<String>) {
        let check = |click: &Value| {
            fields::read(click, UnknownFields::Deny, |fields: &mut Fields<'_, '_>| {
                N::check_click(fields);
                Some(())
            })
        };
        let click = self.subject.order.pointer(&format!("/clicks/{}", N::NAME));
        let click = click.cloned().unwrap_or_else(|| json!({}));
        if let Err(refused) = check(&click) {
            faults.push(format!("the order's click is refused: {refused:?}"));
        }
        let names = click.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        for name in names.chain(["no_such_member"]) {
            let mut click = click.clone();
            click[name] = json!({ "canary": "canary" });
            match check(&click) {
                Ok(()) => faults.push(format!("a click with a wrong `{name}` is taken")),
                Err(refused) if format!("{refused:?}").contains("canary") => {
                    faults.push(format!("the fault of `{name}` quotes its value"));
                }
                Err(refused)
                    if !refused.iter().any(|fault| fault.pointer == format!("/{name}")) =>
                {
                    faults.push(format!("the fault of `{name}` does not name it"));
                }
                Err(_) => {}
            }
        }
    }
}

/// The state and the reason of an order without a report; `None` when it has one.
fn refusal<N: Network>(network: &N, order: &Order) -> Option<String> {
    match network.plan(order) {
        Plan::Send(_) => None,
        Plan::Skip(reason) => Some(format!("skipped {reason}")),
        Plan::Reject(reason) => Some(format!("rejected {reason}")),
    }
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    let removed = value.pointer_mut(parent).and_then(Value::as_object_mut);
    let removed = removed.and_then(|members| members.remove(name));
    assert!(removed.is_some(), "there is nothing at `{pointer}`");
}
