//! The log of requests and violations.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::fault::Fault;
use crate::network::Network;

/// A request as received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Received {
    /// The request's number, from 1, in the order of arrival.
    pub seq: u64,
    /// The sandbox's clock on arrival, Unix milliseconds.
    pub at_ms: u64,
    /// The network the path names; none for a request that belongs to no network.
    pub network: Option<Network>,
    /// The network's call: `order-complete`, `confirmation`, `add`, `list`, `conversion`; else `unknown`.
    pub call: String,
    /// The method as written.
    pub method: String,
    /// The path as the network receives it, without the sandbox's prefix.
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
    /// The answer sent.
    pub answered: Answered,
    /// Everything the network's document forbids.
    pub violations: Vec<String>,
    /// True if the request made the network record something.
    pub effect: bool,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// The status; none if no head was sent.
    pub status: Option<u16>,
    /// The body as text, whole even if a fault cut it.
    pub body: String,
    /// The fault that was applied, if any.
    pub fault: Option<Fault>,
}

/// A breach of the network's document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The request's number.
    pub seq: u64,
    /// The network, if the request had one.
    pub network: Option<Network>,
    /// The order, if the request named one.
    pub order: Option<String>,
    /// The breach in words.
    pub what: String,
}

/// The requests, the newest up to a limit, and the violations.
#[derive(Debug)]
pub(crate) struct RequestLog {
    received: VecDeque<Received>,
    violations: Vec<Violation>,
    /// All requests, kept or not.
    pub(crate) requests: u64,
    /// All violations, kept or not.
    pub(crate) violated: u64,
    limit: usize,
}

impl RequestLog {
    /// `limit`: the number of requests, and of violations, to keep in full.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { received: VecDeque::new(), violations: Vec::new(), requests: 0, violated: 0, limit }
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// Numbers and keeps a request; returns its number.
    pub(crate) fn push(&mut self, mut received: Received) -> u64 {
        self.requests += 1;
        received.seq = self.requests;
        for what in &received.violations {
            self.violated += 1;
            // The oldest are kept: they point at the cause.
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
        self.requests
    }

    /// A kept request, to add a late result.
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
