//! The ledger's word about the money of a delivery: what was validated, and what came back. It is in
//! two records, which come in no order.

use std::collections::HashMap;

use postback_core::{
    clock::Timestamp,
    delivery::{Call, Delivery, Record, Refunds, State, Status},
};
use rust_decimal::Decimal;

use crate::shop::Shop;

/// What the validating call said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validated {
    pub(crate) call: Called,
    /// True if the call's answer was lost.
    pub(crate) is_in_doubt: bool,
    /// The number of calls.
    pub(crate) attempt: u32,
}

/// The content of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    Approved(Decimal),
    Rejected,
}

impl Validated {
    /// What a validation's record says: nothing before its first call, nor where a person settled it
    /// without one.
    fn of(held: &Delivery) -> Option<Self> {
        let Call { status, amount } = held.validation.as_ref()?.call.clone()?;
        let is_in_doubt = held.state == State::Sending || held.in_doubt();
        let call = match status {
            Status::Approved => Called::Approved(amount),
            Status::Rejected => Called::Rejected,
        };
        let is_known = held.state == State::Delivered || is_in_doubt;
        let attempt = held.attempt;
        (is_known && held.state != State::Abandoned).then_some(Self { call, is_in_doubt, attempt })
    }

    /// Returns whether the network is to pay, as far as is known.
    pub(crate) fn is_approved(self) -> bool {
        self.is_in_doubt || self.call != Called::Rejected
    }

    /// The approved amount.
    pub(crate) fn amount(self) -> Option<Decimal> {
        match self.call {
            Called::Approved(amount) => Some(amount),
            Called::Rejected => None,
        }
    }

    /// The words in the files.
    pub(crate) fn as_str(self) -> &'static str {
        match self.call {
            _ if self.is_in_doubt => "in_doubt",
            Called::Approved(_) => "approved",
            Called::Rejected => "rejected",
        }
    }
}

/// The money of all deliveries, by a digest of their keys.
#[derive(Debug, Default)]
pub(super) struct Money {
    validated: Vec<(u64, Validated)>,
    back: HashMap<u64, Back>,
}

/// What came back of a delivery.
#[derive(Debug, Default)]
struct Back {
    refunds: Refunds,
    at: Option<Timestamp>,
}

/// What is known about one delivery.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    /// What was validated.
    pub(crate) validated: Option<Validated>,
    /// The refunds that the ledger and the shop's export name; `None` where an amount is not clear.
    pub(crate) refunded: Option<Decimal>,
    pub(crate) came_back_at: Option<Timestamp>,
}

impl Money {
    pub(super) fn add(&mut self, key: u64, record: &Record, shop: &Shop) {
        let held = &record.protocol;
        if let Some(validated) = Validated::of(held) {
            self.validated.push((key, validated));
        }
        let refunds = held.refunds.and(&shop.refunds(&record.order_id, record.line()));
        let of_validation = held.validation.as_ref().and_then(|known| known.cancelled.as_ref());
        let cancelled = held.cancelled.as_ref().or(of_validation).map(|cancelled| cancelled.at);
        if refunds.is_empty() && cancelled.is_none() {
            return;
        }
        let last = refunds.entries().filter_map(|(_, refund)| refund.at).max();
        let last = last.or_else(|| record.returned.map(|returned| returned.at));
        let back = self.back.entry(key).or_default();
        back.refunds = back.refunds.and(&refunds);
        back.at = back.at.max(last).max(cancelled);
    }

    pub(super) fn finish(&mut self) {
        self.validated.sort_unstable_by_key(|(key, _)| *key);
    }

    pub(super) fn of(&self, key: u64) -> Said {
        let found = self.validated.binary_search_by_key(&key, |(own, _)| *own);
        let back = self.back.get(&key);
        Said {
            validated: found.ok().map(|at| self.validated[at].1),
            refunded: back.map_or(Some(Decimal::ZERO), |back| back.refunds.sum()),
            came_back_at: back.and_then(|back| back.at),
        }
    }
}
