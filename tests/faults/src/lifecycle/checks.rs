//! The results of a lifecycle: requests, effects, records and events.

use postback_core::{
    delivery::{Record, State},
    network::Network,
};

use super::{Lifecycle, key};
use crate::{Ending, Line};

impl<N: Network> Lifecycle<N> {
    /// The number of requests about an order that the network got, whatever it answered.
    #[must_use]
    pub fn requests(&self, id: &str) -> usize {
        let received = self.bed.sandbox.received_for(self.case.at, &self.case.key(id));
        received.iter().filter(|received| received.call != "list").count()
    }

    /// Checks that an order has come to the end that its network's case allows.
    ///
    /// # Panics
    ///
    /// If it has not.
    pub async fn check(&self, id: &str, what: &str) {
        let requests = self.requests(id);
        for (effects, record) in self.deliveries(id).await {
            let record = record.unwrap_or_else(|| panic!("{what}: nothing in the ledger"));
            let protocol = &record.protocol;
            let is_there = matches!(protocol.state, State::Delivered | State::Accepted);
            let fits = match self.case.ending {
                Ending::Delivered => protocol.state == State::Delivered && effects == 1,
                Ending::Held => {
                    requests <= self.case.lines().len()
                        && (is_there && effects == 1
                            || protocol.state == State::Unconfirmed && effects <= 1)
                }
                Ending::Consented => {
                    (is_there || protocol.state == State::Unconfirmed)
                        && (usize::from(is_there)..=protocol.attempt as usize).contains(&effects)
                }
            };
            assert!(fits, "{what}: {requests} requests, {effects} effects, {record:#?}");
        }
        assert_eq!(self.bed.sandbox.violations(), [], "{what}");
    }

    /// The number of an order's deliveries whose final event is not on the bus.
    pub async fn unpublished(&self, id: &str) -> usize {
        let (bus, deliveries) = (self.bed.published().await, self.deliveries(id).await);
        let lines = self.case.lines();
        let unpublished = deliveries.iter().zip(&lines).filter(|((_, record), line)| {
            let state = record.as_ref().map_or("none", |record| record.protocol.state.as_str());
            let detail_type = format!("postback.{state}");
            !bus.iter().any(|(published, detail)| {
                *published == detail_type
                    && detail["order_id"] == id
                    && detail["line"].as_str() == line.name.as_deref()
            })
        });
        unpublished.count()
    }

    /// The deliveries of an order: the number of effects at the network, and the ledger's record.
    pub async fn deliveries(&self, id: &str) -> Vec<(usize, Option<Record>)> {
        let held = self.bed.sandbox.held(self.case.at, &self.case.key(id));
        let mut deliveries = Vec::new();
        for Line { name, amount } in self.case.lines() {
            let effects = held.iter().filter(|effect| amount.is_none() || effect.amount == amount);
            let key = key::<N>(id, name.as_deref());
            deliveries.push((effects.count(), self.ledger.record_of(&key).await));
        }
        deliveries
    }
}
