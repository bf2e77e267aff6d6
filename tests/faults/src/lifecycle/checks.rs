//! The results of a lifecycle: requests, effects, records and events.

use postback_core::{
    delivery::{Proof, Record, State},
    network::Network,
};
use postback_harness::{RecordingBus, as_later, publish_to};

use super::{Lifecycle, key, story::Life};
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

    /// Checks the end of an order's whole life: nothing lost, nothing doubled, nothing untrue, and
    /// nothing reported after a cancellation was known.
    ///
    /// # Panics
    ///
    /// If it is not so.
    pub async fn check_life(&self, id: &str, life: Life, what: &str) {
        assert!(life.ended, "{what}: it never ends");
        let requests = self.requests(id);
        if let Some(known) = life.requests_at_cancellation {
            assert_eq!(requests, known, "{what}: reported after its cancellation was known");
        }
        for ((effects, record), line) in
            self.deliveries(id).await.into_iter().zip(self.case.lines())
        {
            let Some(record) = record else {
                let is_unknown = self.is_unknown_line(id, line.name.as_deref()).await;
                assert!(is_unknown && effects == 0, "{what}: not in the ledger");
                continue;
            };
            let story = format!("{what}: {requests} requests, {effects} effects, {record:#?}");
            self.check_end(effects, &record, life, &story);
            if effects == 1 && !self.case.by_line {
                let held = self.bed.sandbox.held(self.case.at, &self.case.key(id)).remove(0);
                let reported = held.amount.map(|amount| amount.trim_end_matches(".00").to_owned());
                let noted = record.protocol.facts.get("amount").map(str::to_owned);
                assert!(reported.is_none() || reported == noted, "{story}: other content");
            }
        }
        assert_eq!(self.unpublished(id).await, 0, "{what}: not on the bus");
        assert_eq!(self.bed.sandbox.violations(), [], "{what}");
        assert!(self.services.dead_letters().is_empty(), "{what}: dead letters");
    }

    /// Returns whether the order was cancelled, or lost this line, before the ledger knew the line.
    async fn is_unknown_line(&self, id: &str, line: Option<&str>) -> bool {
        let whole = self.ledger.record_of(&key::<N>(id, None)).await;
        let (Some(whole), Some(line)) = (whole, line) else { return false };
        !whole.protocol.all_lines().any(|known| known == line)
    }

    /// Checks the end of one delivery against what the network holds.
    fn check_end(&self, effects: usize, record: &Record, life: Life, story: &str) {
        let protocol = &record.protocol;
        let attempts = protocol.attempt as usize;
        let most = match self.case.ending {
            Ending::Delivered | Ending::Held => 1 + life.permits,
            Ending::Consented => attempts,
        };
        assert!(effects <= most.min(attempts), "{story}: doubled");
        let by_person = protocol.proof == Some(Proof::Operator) || life.permits > 0;
        let is_true = match protocol.state {
            State::Delivered | State::Accepted => effects > 0 || by_person,
            State::Skipped | State::Rejected | State::Withdrawn => effects == 0 || by_person,
            State::Abandoned => true,
            // Held for a person, or waiting for one who reopened it.
            State::Unconfirmed | State::Parked => protocol.in_doubt(),
            State::Sending | State::Retrying => false,
        };
        assert!(is_true, "{story}: untrue, or lost");
    }

    /// The number of an order's deliveries whose final event is not on the bus.
    ///
    /// # Panics
    ///
    /// If the publisher fails.
    pub async fn unpublished(&self, id: &str) -> usize {
        let (bus, deliveries) = (RecordingBus::default(), self.deliveries(id).await);
        let mut stream = self.bed.table.stream_of(id);
        if let Some((_, later)) = &self.turns.0 {
            // This version's publisher does not fail on what it can't read; a later one reads it.
            publish_to(&RecordingBus::default(), &stream).await.expect("published");
            stream = stream.into_iter().map(|write| as_later(write, *later)).collect();
        }
        publish_to(&bus, &stream).await.expect("published");
        let bus = bus.events();
        let lines = self.case.lines();
        let unpublished = deliveries.iter().zip(&lines).filter(|((_, record), line)| {
            let Some(record) = record else { return !self.case.by_line };
            let detail_type = format!("postback.{}", record.protocol.state.as_str());
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
