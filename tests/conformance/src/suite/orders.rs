//! The plans of any network.

use std::collections::BTreeSet;

use postback_core::{
    delivery::Facts,
    fields::UnknownFields,
    network::{Network, Plan},
    order::Order,
};
use serde_json::{Value, json};

use super::{Bench, Subject, configured, order, reports};
use crate::settings::put;

impl<N: Network> Bench<'_, N> {
    pub(super) fn the_content_is_the_orders_alone(&self, faults: &mut Vec<String>) {
        let whole = order(&self.subject.order);
        let content = facts(&self.network, &whole);
        if facts(&configured::<N>(&self.subject.other_settings), &whole) != content {
            faults.push("the content changes with the settings".to_owned());
        }
        for facts in &content {
            let names = names(facts);
            if names != self.subject.facts {
                faults.push(format!("the facts are {names:?}"));
            }
            if let Some(canary) = self.canary_in(&json!(facts).to_string()) {
                faults.push(format!("a fact holds {canary}"));
            }
        }
        let mut nobodys = self.subject.order.clone();
        for member in ["customer", "comment", "custom", "utm"] {
            nobodys.as_object_mut().and_then(|order| order.remove(member));
        }
        if N::facts(&order(&nobodys)) != N::facts(&whole) {
            faults.push("the content holds something personal".to_owned());
        }
        let mut dearer = self.subject.order.clone();
        put(&mut dearer, "/total", json!("31337"));
        if facts(&self.network, &order(&dearer)) == content {
            faults.push("another total is the same content".to_owned());
        }
    }

    /// Each of the settings that scope the network's memory changes the scope, and no other does; without
    /// any there is no scope.
    pub(super) fn the_scope_is_of_the_named_settings(&self, faults: &mut Vec<String>) {
        let Subject { settings, other_settings, order: sent, scoped_by, .. } = self.subject;
        let scopes = |settings: &Value| -> Vec<_> {
            let network = configured::<N>(settings);
            let reports = reports(&network, &order(sent));
            reports.iter().map(|report| network.scope(report)).collect()
        };
        let scope = scopes(settings);
        if scoped_by.is_empty() && scope.iter().any(|scope| !scope.is_empty()) {
            faults.push("`scoped_by` is empty, and the scope is not".to_owned());
        }
        for (name, value) in other_settings.as_object().into_iter().flatten() {
            let mut changed = settings.clone();
            changed[name] = value.clone();
            if changed == *settings {
                continue;
            }
            let is_named = scoped_by.contains(&name.as_str());
            if (scopes(&changed) != scope) != is_named {
                faults.push(format!("the setting `{name}` scopes on one side only"));
            }
        }
        let credentials = self.subject.canaries.iter();
        for secret in credentials.filter(|secret| settings.to_string().contains(**secret)) {
            if scope.iter().any(|scope| scope.contains(*secret)) {
                faults.push(format!("the scope holds {secret}"));
            }
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
            let Ok(order) = Order::from_json(&value, UnknownFields::Deny) else { continue };
            if refusal(&self.network, &order).is_none() {
                faults.push(format!("`{word}` at {} is sent", self.subject.concern));
            }
        }
    }

    /// The API takes the members of a click that the network lists, and its published schema lists
    /// the same; the network sends none that is no click.
    pub(super) fn clicks_are_checked(&self, faults: &mut Vec<String>) {
        let schema = std::fs::read_to_string("clicks.schema.json").unwrap_or_default();
        let schema: Value = serde_json::from_str(&schema).unwrap_or_default();
        let listed = schema["properties"].as_object().into_iter().flatten();
        let listed: BTreeSet<_> = listed.map(|(name, _)| name.as_str()).collect();
        let taken: BTreeSet<_> = N::CLICK.iter().copied().collect();
        let is_closed = taken.is_empty() || schema["additionalProperties"] == false;
        if listed != taken || !is_closed {
            faults.push(format!("clicks.schema.json lists {listed:?}, the network {taken:?}"));
        }
        let click = self.subject.order.pointer(&format!("/clicks/{}", N::NAME));
        let given = click.and_then(Value::as_object).into_iter().flatten();
        for (name, _) in given.filter(|(name, _)| !taken.contains(name.as_str())) {
            faults.push(format!("the member `{name}` of its click is not in `CLICK`"));
        }
        if !self.subject.concern.starts_with("/clicks/") {
            return;
        }
        let mut value = self.subject.order.clone();
        put(&mut value, self.subject.concern, json!(true));
        if refusal(&self.network, &order(&value)).is_none() {
            faults.push(format!("`true` at {} is sent", self.subject.concern));
        }
    }
}

/// The facts of each delivery of `order`.
fn facts<N: Network>(network: &N, order: &Order) -> Vec<Facts> {
    let whole = Facts::of_total(order.total, order.currency).and(N::facts(order));
    match network.plan(order) {
        Plan::Send(parts) => parts.into_iter().map(|part| whole.clone().and(part.facts)).collect(),
        Plan::Skip(_) | Plan::Reject(_) => Vec::new(),
    }
}

fn names(facts: &Facts) -> Vec<String> {
    let facts = json!(facts);
    facts.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
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
