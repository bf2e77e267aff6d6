//! An order that was taken: the networks that it concerns, and what is kept of one that concerns
//! none.

use postback_core::{
    clock::Timestamp,
    order::{Arrived, OrderId},
};
use postback_runtime::{
    ledger::{LedgerError, UnclaimedOrder},
    metrics,
    services::{ActiveNetworks, OrderServices},
};
use serde_json::Value;

use crate::{CookieResult, Sender, cleaned, measure, networks};

/// An order that was taken.
#[derive(Debug)]
pub struct Arrival<'a> {
    order: &'a Arrived,
    /// The networks that it concerns.
    pub networks: Vec<&'static str>,
    /// The networks that it would concern, if their rules saw it.
    unseen: Vec<&'static str>,
    /// The networks that are on and whose click it has; `None` unless it is completed and there is one
    /// that knows its orders by a click.
    by_click: Option<Vec<&'static str>>,
    cookie: Option<CookieResult>,
}

impl<'a> Arrival<'a> {
    /// Judges an order that its sender put on the bus. `detail` is what the rules see of it, but a
    /// network's function reads the order without what stands for none: both have to concern the
    /// network.
    #[must_use]
    pub fn from_bus(
        order: &'a Arrived,
        detail_type: &str,
        detail: &Value,
        active: &ActiveNetworks,
    ) -> Self {
        let by_rule = Self::of(order, detail_type, detail, active);
        let read = Self::of(order, detail_type, &cleaned(order), active);
        let is_seen = |network: &&'static str| by_rule.networks.contains(network);
        let (networks, unseen) = read.networks.into_iter().partition(is_seen);
        let by_click = read.by_click.map(|networks| networks.into_iter().filter(is_seen).collect());
        Self { networks, unseen, by_click, ..by_rule }
    }

    /// Judges an order. `detail` is the same order as it is on the bus, in an event of this type.
    #[must_use]
    pub fn of(
        order: &'a Arrived,
        detail_type: &str,
        detail: &Value,
        active: &ActiveNetworks,
    ) -> Self {
        let by_click = active.on.iter().filter(|network| networks::has_click(network));
        let by_click =
            ActiveNetworks { on: by_click.cloned().collect(), ..ActiveNetworks::NONE.clone() };
        let matters = is_completed(order) && !by_click.on.is_empty();
        Self {
            order,
            networks: networks::concerned(active, detail_type, detail),
            unseen: Vec::new(),
            by_click: matters.then(|| networks::concerned(&by_click, detail_type, detail)),
            cookie: None,
        }
    }

    /// The same with the result of reading the order's capture cookie.
    #[must_use]
    pub const fn with_cookie(mut self, cookie: Option<CookieResult>) -> Self {
        self.cookie = cookie;
        self
    }

    /// The word for the cookie in metrics: missing where a completed order came without a click.
    fn cookie(&self) -> Option<&'static str> {
        match (self.cookie, self.order) {
            (Some(result), _) => Some(result.as_str()),
            (None, Arrived::Order(order)) if self.by_click.is_some() && order.clicks.is_empty() => {
                Some("missing")
            }
            (None, _) => None,
        }
    }

    /// Measures the order; and keeps it if it concerns no network, or one whose rule does not see it,
    /// because nobody else does.
    pub async fn record(
        &self,
        sender: &Sender,
        services: &impl OrderServices,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        if let Arrived::Order(order) = self.order
            && (self.networks.is_empty() || !self.unseen.is_empty())
            && order.is_completed()
        {
            let source = sender.name();
            services.put_unclaimed(&UnclaimedOrder::new(order, &source, now)).await?;
            let order_id = order.order_id.as_str();
            if self.networks.is_empty() {
                let code = "order_unclaimed";
                tracing::warn!(code, order_id, source, "the order concerns no network");
            }
            if !self.unseen.is_empty() {
                let (code, networks) = ("order_unseen", self.unseen.join(", "));
                tracing::warn!(code, order_id, source, networks, "their rules don't see its click");
            }
        }
        if let Arrived::Order(order) = self.order
            && order.is_completed()
            && OrderId::is_changed_by_spreadsheets(order.order_id.as_str())
        {
            let (code, order_id) = ("order_id_changes", order.order_id.as_str());
            tracing::warn!(code, order_id, "a spreadsheet changes its id in a network's report");
        }
        let measured = metrics::Intake::Taken {
            source: sender.way,
            networks: self.networks.clone(),
            with_click: self.by_click.as_ref().map(|networks| !networks.is_empty()),
            cookie: self.cookie(),
        };
        measure(&measured, services, now);
        Ok(())
    }
}

fn is_completed(order: &Arrived) -> bool {
    matches!(order, Arrived::Order(order) if order.is_completed())
}
