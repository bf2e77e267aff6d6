//! The effects: everything the networks hold.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::network::Network;

/// A conversion, lead, purchase or completion a network holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The number of the request that caused it.
    pub seq: u64,
    /// The sandbox's clock when the network processed it, Unix milliseconds.
    pub at_ms: u64,
    /// The amount as sent.
    pub amount: Option<String>,
    /// ShopBack: the `transaction_id`. cpa.moe: the lead's number. CashMyCell: the `reference_id`.
    pub reference: Option<String>,
    /// False if the network recorded it and will not pay.
    pub approved: bool,
    /// The optional parameters sent (`adv_sub2`, `adv_unique1`, …).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub detail: BTreeMap<String, String>,
}

impl Effect {
    pub(crate) const fn of(amount: Option<String>) -> Self {
        Self { seq: 0, at_ms: 0, amount, reference: None, approved: true, detail: BTreeMap::new() }
    }
}

/// A network's effects, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Orders with at least one effect.
    pub orders: usize,
    /// All effects.
    pub effects: usize,
    /// Orders with more than one effect, sorted.
    pub more_than_once: Vec<String>,
}

/// The effects of all networks, by order.
#[derive(Debug, Default)]
pub(crate) struct Effects(HashMap<Network, HashMap<String, Vec<Effect>>>);

impl Effects {
    pub(crate) fn add(&mut self, network: Network, key: String, effect: Effect) {
        let orders = self.0.entry(network).or_default();
        orders.entry(key).or_default().push(effect);
    }

    pub(crate) fn of(&self, network: Network, key: &str) -> &[Effect] {
        let effects = self.0.get(&network).and_then(|orders| orders.get(key));
        effects.map_or(&[], Vec::as_slice)
    }

    /// All orders of one network, sorted by key.
    pub(crate) fn all(&self, network: Network) -> BTreeMap<&str, &[Effect]> {
        let orders = self.0.get(&network).into_iter().flatten();
        orders.map(|(key, effects)| (key.as_str(), effects.as_slice())).collect()
    }

    pub(crate) fn totals(&self, network: Network) -> Totals {
        let mut totals = Totals::default();
        for (key, effects) in self.0.get(&network).into_iter().flatten() {
            totals.orders += 1;
            totals.effects += effects.len();
            if effects.len() > 1 {
                totals.more_than_once.push(key.clone());
            }
        }
        totals.more_than_once.sort();
        totals
    }
}
