//! The shop's words about its orders, and their ways to the functions.

use std::collections::BTreeSet;

use postback_core::delivery::Cancellation;
use postback_harness::{api_event, order_event};
use postback_runtime::services::ORDER_DELAYED;
use serde_json::{Value, json};

use super::{Arrival, Happened, Input, Limits, Run, Scenario, Source};
use crate::{
    VARIANTS,
    network_case::{order, updated_at},
};

/// Of this many orders the last one uses the click of the one before.
const SHARED_CLICKS: usize = 8;

/// The shop's words about one order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    /// The order's number.
    pub(crate) number: usize,
    /// Its id.
    pub(crate) id: String,
    /// The contents and versions with which it came as completed, each with the function.
    pub(crate) completions: BTreeSet<(usize, u8)>,
    /// The versions that were cancelled.
    pub(crate) cancellations: BTreeSet<u8>,
}

impl Story {
    /// The variants that came to this function.
    pub(crate) fn variants(&self, function: usize) -> impl Iterator<Item = u8> {
        self.completions.iter().filter(move |(to, _)| *to == function).map(|(_, variant)| *variant)
    }

    /// Returns whether a cancellation holds against every completion that came to this function.
    pub(crate) fn is_cancelled(&self, function: usize) -> bool {
        let latest = self.variants(function).map(|variant| variant / VARIANTS).max().unwrap_or(0);
        self.cancellations.iter().any(|cancelled| *cancelled == 0 || latest <= *cancelled)
    }
}

/// The order of this number. Some share a click at ShopBack.
pub(crate) fn order_of(number: usize, variant: u8) -> Value {
    let mut order = order(&format!("A{number}"), variant);
    if shares_click(number) {
        let other = order_of(number - 1, variant);
        order["clicks"]["shopback"] = other["clicks"]["shopback"].clone();
    }
    order
}

/// Returns whether an order uses the click of the one before.
pub(crate) const fn shares_click(number: usize) -> bool {
    number % SHARED_CLICKS == SHARED_CLICKS - 1
}

impl Scenario {
    /// Lets an order come. Returns the invocation of a direct call.
    pub(super) async fn arrive(&mut self, arrival: &Arrival, limits: &Limits) -> Option<Run> {
        let Arrival { order: number, variant, source } = *arrival;
        if matches!(source, Source::Cancellation) {
            self.cancel(number, variant / VARIANTS);
            return None;
        }
        let functions = match source {
            Source::Bus | Source::Cancellation => 0..self.functions.len(),
            Source::Api(function) | Source::DelayedOrder(function) => function..function + 1,
        };
        self.complete(number, variant, functions);
        let (order, id) = (order_of(number, variant), format!("A{number}"));
        match source {
            Source::Cancellation => {}
            Source::Bus => {
                for function in &self.functions {
                    function.services().enqueue(order_event(&order).to_string());
                }
            }
            Source::DelayedOrder(function) => {
                let services = self.functions[function].services();
                services.enqueue(delayed(&order, self.bed.now().as_millis()));
            }
            Source::Api(function) => {
                let path = format!("/orders/{}", self.functions[function].name());
                let event = api_event("POST", &path, &order.to_string());
                return self.run(function, event, Input::Posted(id, *arrival), limits).await;
            }
        }
        None
    }

    fn complete(&mut self, number: usize, variant: u8, functions: std::ops::Range<usize>) {
        let story = self.story(number);
        let (before, is_later) = (story.clone(), variant >= VARIANTS);
        story.completions.extend(functions.clone().map(|function| (function, variant)));
        let after = story.clone();
        // From here on it may be reported again.
        for function in functions.filter(|function| !after.is_cancelled(*function)) {
            self.requests_when_cancelled.remove(&(function, after.id.clone()));
        }
        let is_known = !before.completions.is_empty();
        let came = before.completions.iter().any(|(_, known)| *known == variant);
        self.tally.add(
            match (is_known, came) {
                _ if !before.cancellations.is_empty() => Happened::CompletionAfterCancellation,
                (false, _) => Happened::Order,
                (true, true) => Happened::Repetition,
                (true, false) if is_later => Happened::Correction,
                (true, false) => Happened::OtherContent,
            },
            1,
        );
        self.tally.add(Happened::SharedClick, usize::from(!is_known && shares_click(number)));
    }

    fn cancel(&mut self, number: usize, version: u8) {
        let mut cancelled = json!({ "order_id": format!("A{number}"), "status": "cancelled" });
        if let Some(updated_at) = updated_at(version * VARIANTS) {
            cancelled["updated_at"] = json!(updated_at);
        }
        let mut event = order_event(&cancelled);
        event["detail-type"] = json!("order.cancelled");
        for function in &self.functions {
            function.services().enqueue(event.to_string());
        }
        self.story(number).cancellations.insert(version);
        self.tally.add(Happened::Cancellation, 1);
    }

    fn story(&mut self, number: usize) -> &mut Story {
        let known = self.stories.iter().position(|story| story.number == number);
        let at = known.unwrap_or(self.stories.len());
        if known.is_none() {
            let id = format!("A{number}");
            self.stories.push(Story { number, id, ..Story::default() });
        }
        &mut self.stories[at]
    }

    /// Notes which cancellations the ledger has come to know, and how many requests the network had
    /// got by then: there must be no more.
    pub(super) async fn note_cancellations(&mut self) {
        if self.is_down(super::Outage::Ledger) {
            return;
        }
        let ledger = self.bed.table.ledger();
        for story in self.stories.iter().filter(|story| !story.cancellations.is_empty()) {
            for (number, function) in self.functions.iter().enumerate() {
                let key = (number, story.id.clone());
                let may_send = !story.is_cancelled(number) || self.decided.contains(&key);
                if may_send || self.requests_when_cancelled.contains_key(&key) {
                    continue;
                }
                let Ok(Some(record)) = ledger.get(&function.ledger_key(&story.id)).await else {
                    continue;
                };
                if record.protocol.cancelled.as_ref().is_some_and(holds) {
                    let requests = self.requests(number, &story.id);
                    self.requests_when_cancelled.insert(key, requests);
                }
            }
        }
    }

    /// The number of reports of an order that the network has got.
    pub(crate) fn requests(&self, function: usize, id: &str) -> usize {
        let function = &self.functions[function];
        let received = self.bed.sandbox.received_for(function.at(), &function.key(id));
        received.iter().filter(|received| received.call != "list").count()
    }
}

/// Returns whether no person may send it again after all.
fn holds(cancelled: &Cancellation) -> bool {
    !cancelled.completed_after
}

/// The message of a function to itself.
pub(super) fn delayed(order: &Value, not_before_ms: i64) -> String {
    json!({ "detail-type": ORDER_DELAYED, "detail": order, "not_before_ms": not_before_ms })
        .to_string()
}
