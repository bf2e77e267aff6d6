//! The services around the functions that take orders.

use std::{collections::BTreeSet, future::Future, time::Duration};

use postback_core::{clock::Timestamp, order::OrderId};
use secrecy::SecretString;

use super::{EventBus, Secret, Unavailable};
use crate::ledger::{LedgerError, UnclaimedOrder};

/// The name of the stack unless one is set.
const DEFAULT_STACK: &str = "postback";

/// The networks of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveNetworks {
    /// The names of those that are on.
    pub on: BTreeSet<String>,
    /// The names of those that get every completed order.
    pub every_order: BTreeSet<String>,
}

impl ActiveNetworks {
    /// No network.
    pub const NONE: &Self = &Self { on: BTreeSet::new(), every_order: BTreeSet::new() };
}

impl Secret {
    /// The time for which keys stay in force while Secrets Manager does not answer: nobody can see
    /// then that they were revoked.
    pub const MAX_UNCONFIRMED: Duration = Duration::from_hours(1);
}

/// The secret with the keys of the capture cookie.
#[derive(Clone, Debug)]
pub enum CookieSecret {
    /// This deployment has none: cookies are not signed.
    Unsigned,
    /// JSON.
    Json(SecretString),
    /// It could not be read.
    Unavailable,
}

/// The services around every function that takes orders and puts them on the bus.
pub trait OrderServices: EventBus {
    /// The networks of this deployment.
    fn networks(&self) -> &ActiveNetworks {
        ActiveNetworks::NONE
    }

    /// The secret with the keys of the capture cookie.
    fn cookie_secret(&self, _now: Timestamp) -> impl Future<Output = CookieSecret> + Send {
        async { CookieSecret::Unsigned }
    }

    /// Returns whether the ledger holds a delivery that remembers this order, completed at that time.
    fn holds(
        &self,
        _order_id: &OrderId,
        _completed_at: Timestamp,
    ) -> impl Future<Output = Result<bool, LedgerError>> + Send {
        async { Ok(false) }
    }

    /// Records an order that concerns no network.
    fn put_unclaimed(
        &self,
        _order: &UnclaimedOrder,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send {
        async { Ok(()) }
    }

    /// The name of the stack.
    fn stack(&self) -> &str {
        DEFAULT_STACK
    }

    /// Writes a document of metrics.
    fn measure(&self, _document: &serde_json::Value) {}
}

/// The services around intake.
pub trait IntakeServices: OrderServices {
    /// Keeps an event with a faulty order, or none, for a person.
    fn put_faulty(
        &self,
        event: &str,
        fault: &FaultyOrder,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// The reason that an event of the bus was kept as faulty. Nothing of the order but its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyOrder {
    /// The reason, as a code.
    pub reason: &'static str,
    /// The order's id, if it can be read.
    pub order_id: Option<String>,
    /// The faults: each a code and the member.
    pub faults: String,
}
