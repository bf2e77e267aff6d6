//! The order that takes a faulty letter's place: read as intake reads it, before anything is sent.

use std::path::Path;

use postback_core::{
    clock::Timestamp,
    order::{self, OrderId, Status},
};
use postback_orders::networks::click_faults_on_bus;

use super::Content;
use crate::{failure::Failure, invoke::GivenOrder};

/// An order without faults.
pub(super) struct Corrected {
    pub(super) order: GivenOrder,
    order_id: OrderId,
    status: Status,
}

impl Corrected {
    /// Loads an order. One that intake would keep as faulty is refused with its faults.
    pub(super) fn load(path: &Path, now: Timestamp) -> Result<Self, Failure> {
        Self::check(GivenOrder::load_any(path)?, now)
    }

    fn check(order: GivenOrder, now: Timestamp) -> Result<Self, Failure> {
        let (faults, read) = match order::read_event(order.text.get(), now) {
            Ok((read, detail)) => (click_faults_on_bus(&detail), Some(read)),
            Err(faults) => (faults, None),
        };
        let Some(read) = read.filter(|_| faults.is_empty()) else {
            let faults = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            return Err(Failure::FaultyOrder { file: order.file().to_owned(), faults });
        };
        let (order_id, status) = (read.order_id().clone(), read.status());
        Ok(Self { order, order_id, status })
    }

    /// The type of the event that brings it.
    pub(super) fn detail_type(&self) -> String {
        format!("order.{}", self.status.as_str())
    }

    /// Fails if the letter is another order's. A letter without an order's id can be of any.
    pub(super) fn fits(&self, letter: &Content) -> Result<(), Failure> {
        let found = self.order_id.as_str();
        match &letter.order_id {
            Some(wanted) if wanted != found => Err(Failure::OtherOrder {
                file: self.order.file().to_owned(),
                found: found.to_owned(),
                wanted: wanted.clone(),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// 2026-11-21T10:15:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

    fn order(members: &Value) -> Value {
        let mut order = json!({
            "order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
            "currency": "EUR", "total": "14.99",
        });
        for (name, value) in members.as_object().into_iter().flatten() {
            order[name] = value.clone();
        }
        order
    }

    fn corrected(order: &Value) -> Result<Corrected, Failure> {
        Corrected::check(GivenOrder::of(order, "a.json".to_owned())?, NOW)
    }

    #[test]
    fn an_order_that_intake_would_keep_is_refused_with_its_faults() {
        for (members, place) in [
            (json!({ "total": "14,99" }), "/total"),
            (json!({ "clicks": { "shopbck": { "transaction_id": "1" } } }), "/clicks/shopbck"),
            (json!({ "click": { "shopback": { "transaction_id": "1" } } }), "/click"),
            (json!({ "completed_at": "2026-11-23T10:15:00Z" }), "/completed_at"),
        ] {
            let refused = corrected(&order(&members)).err();

            let Some(Failure::FaultyOrder { file, faults }) = refused else {
                panic!("{members}: {refused:?}")
            };
            assert!(file == "a.json" && faults.contains(place), "{faults}");
        }
        let right = corrected(&order(&json!({}))).expect("no faults");
        assert_eq!(right.detail_type(), "order.completed");
    }

    #[test]
    fn only_the_letters_own_order_takes_its_place() {
        let right = corrected(&order(&json!({}))).expect("no faults");
        let letter = |order_id: Option<&str>| Content {
            order_id: order_id.map(str::to_owned),
            ..Content::default()
        };

        assert_eq!(right.fits(&letter(Some("A-1"))), Ok(()));
        assert_eq!(right.fits(&letter(None)), Ok(()));
        let other = right.fits(&letter(Some("A-2")));
        assert!(matches!(other, Err(Failure::OtherOrder { .. })), "{other:?}");
    }
}
