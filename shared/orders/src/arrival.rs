//! An order that was taken: the networks that it concerns, and what is kept of one that concerns
//! none.

use postback_core::{clock::Timestamp, order::Arrived};
use postback_runtime::{
    ledger::{LedgerError, UnclaimedOrder},
    metrics,
    services::{ActiveNetworks, OrderServices},
};
use serde_json::Value;

use crate::{CookieResult, Sender, measure, networks};

/// An order that was taken.
#[derive(Debug)]
pub struct Arrival<'a> {
    order: &'a Arrived,
    /// The networks that it concerns.
    pub networks: Vec<&'static str>,
    /// True if it has a click of a network that is on; `None` unless it is completed and there is one.
    with_click: Option<bool>,
    cookie: Option<CookieResult>,
}

impl<'a> Arrival<'a> {
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
        let with_click = !networks::concerned(&by_click, detail_type, detail).is_empty();
        Self {
            order,
            networks: networks::concerned(active, detail_type, detail),
            with_click: matters.then_some(with_click),
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
            (None, Arrived::Order(order))
                if self.with_click.is_some() && order.clicks.is_empty() =>
            {
                Some("missing")
            }
            (None, _) => None,
        }
    }

    /// Measures the order; and keeps it if it concerns no network, because nobody else does.
    pub async fn record(
        &self,
        sender: &Sender,
        services: &impl OrderServices,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        if let Arrived::Order(order) = self.order
            && self.networks.is_empty()
            && order.is_completed()
        {
            let source = sender.name();
            services.put_unclaimed(&UnclaimedOrder::new(order, &source, now)).await?;
            let (code, order_id) = ("order_unclaimed", order.order_id.as_str());
            tracing::warn!(code, order_id, source, "the order concerns no network");
        }
        let measured = metrics::Intake::Taken {
            source: sender.way,
            networks: self.networks.clone(),
            with_click: self.with_click,
            cookie: self.cookie(),
        };
        measure(&measured, services, now);
        Ok(())
    }
}

fn is_completed(order: &Arrived) -> bool {
    matches!(order, Arrived::Order(order) if order.is_completed())
}
