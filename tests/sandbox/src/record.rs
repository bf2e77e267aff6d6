//! What the sandbox remembers: every request, every violation, every effect.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::Serialize;

use crate::fault::Fault;
use crate::network::Network;

/// A request as received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Received {
    /// Counts all requests from 1, in the order of arrival.
    pub seq: u64,
    /// The sandbox's clock on arrival, Unix milliseconds.
    pub at_ms: u64,
    /// Whose prefix the path has; none for a request that belongs to no network.
    pub network: Option<Network>,
    /// Which of the network's calls: `order-complete`, `confirmation`, `add`, `list`, `conversion`; else `astray`.
    pub call: String,
    /// The method as written.
    pub method: String,
    /// The path as the network sees it, without the sandbox's prefix.
    pub path: String,
    /// The query as written.
    pub query: String,
    /// The query decoded, in order.
    pub params: Vec<(String, String)>,
    /// All headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: String,
    /// The identifying value: `cmc_id`, `email`, `id`, `adv_sub`; the ids as written for a list.
    pub order: Option<String>,
    /// What went back.
    pub answered: Answered,
    /// What the vendor's document forbids.
    pub violations: Vec<String>,
    /// It made the network record something.
    pub effect: bool,
}

/// What went back for a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// The status; none when no head went out.
    pub status: Option<u16>,
    /// The body as text, whole even where a fault cut it.
    pub body: String,
    /// The fault that struck, if one did.
    pub fault: Option<Fault>,
}

/// Something the vendor's document forbids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The request's number.
    pub seq: u64,
    /// The network, if the request had one.
    pub network: Option<Network>,
    /// The order, if the request named one.
    pub order: Option<String>,
    /// What is forbidden.
    pub what: String,
}

/// A conversion, lead, purchase or completion a network holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The request that caused it.
    pub seq: u64,
    /// The amount as sent.
    pub amount: Option<String>,
    /// ShopBack: the `transaction_id`. cpa.moe: the lead's number. CashMyCell: the `reference_id`.
    pub reference: Option<String>,
    /// False where the network recorded it and will not pay.
    pub approved: bool,
    /// The optional parameters sent (`adv_sub2`, `adv_unique1`, …).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub detail: BTreeMap<String, String>,
}

impl Effect {
    pub(crate) const fn of(amount: Option<String>) -> Self {
        Self { seq: 0, amount, reference: None, approved: true, detail: BTreeMap::new() }
    }
}

/// How much a network holds altogether.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Orders it holds something of.
    pub orders: usize,
    /// Everything it holds.
    pub effects: usize,
    /// Orders it holds more than one effect of, sorted.
    pub more_than_once: Vec<String>,
}

/// What every network holds, by order.
#[derive(Debug, Default)]
pub(crate) struct Held(HashMap<Network, HashMap<String, Vec<Effect>>>);

impl Held {
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

/// The requests, the newest up to a limit, and the violations.
#[derive(Debug)]
pub(crate) struct Record {
    received: VecDeque<Received>,
    violations: Vec<Violation>,
    pub(crate) seen: u64,
    pub(crate) violated: u64,
    limit: usize,
}

impl Record {
    /// `limit`: how many requests, and how many violations, are kept in full.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { received: VecDeque::new(), violations: Vec::new(), seen: 0, violated: 0, limit }
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// Numbers and keeps a request.
    pub(crate) fn push(&mut self, mut received: Received) -> u64 {
        self.seen += 1;
        received.seq = self.seen;
        for what in &received.violations {
            self.violated += 1;
            // The first ones are the telling ones.
            if self.violations.len() < self.limit {
                self.violations.push(Violation {
                    seq: received.seq,
                    network: received.network,
                    order: received.order.clone(),
                    what: what.clone(),
                });
            }
        }
        self.received.push_back(received);
        if self.received.len() > self.limit {
            self.received.pop_front();
        }
        self.seen
    }

    /// A kept request, to note what came of it later.
    pub(crate) fn at_mut(&mut self, seq: u64) -> Option<&mut Received> {
        let first = self.received.front()?.seq;
        let at = usize::try_from(seq.checked_sub(first)?).ok()?;
        self.received.get_mut(at)
    }

    /// The kept requests of a network and an order; a list call belongs to every order it asks for.
    pub(crate) fn received<'a>(
        &'a self,
        network: Option<Network>,
        order: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Received> {
        self.received.iter().filter(move |received| {
            let named = received.order.as_deref();
            network.is_none_or(|network| received.network == Some(network))
                && order.is_none_or(|order| match received.call.as_str() {
                    "list" => named.is_some_and(|ids| ids.split(',').any(|id| id == order)),
                    _ => named == Some(order),
                })
        })
    }

    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub(crate) fn kept(&self) -> usize {
        self.received.len()
    }
}
