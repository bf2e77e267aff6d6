//! The facts that an arrival adds beside its step: each refund once, in every state, and the content
//! of the attempt that it claims.

use super::super::{Arrival, Delivery, Refunds, Step, Then};

/// Refunds alone.
pub(super) fn refunds(held: &Delivery, refunds: &Refunds) -> Step {
    let refunds = held.refunds.and(refunds);
    if refunds == held.refunds {
        return Step::rest();
    }
    Step::write(Delivery { refunds, ..held.clone() }, Then::Rest)
}

pub(super) fn arrival(held: Option<&Delivery>, arrival: &Arrival, step: Step) -> Step {
    let Some(base) = step.next.as_ref().or(held) else { return step };
    let known = held.map(|held| &held.refunds);
    let refunds =
        known.map_or_else(|| arrival.refunds.clone(), |known| known.and(&arrival.refunds));
    let reported = match step.then {
        Then::Send(_) => {
            let may_be_processed = |held: &&Delivery| {
                let differed = held.reported.as_ref().is_some_and(|reported| reported.differs);
                held.in_doubt() || held.permission.is_some() || differed
            };
            let before = held.filter(may_be_processed).and_then(|held| held.reported.as_ref());
            arrival.reported.clone().map(|reported| reported.after(before))
        }
        _ => held.and_then(|held| held.reported.clone()),
    };
    if step.next.is_none() && refunds == base.refunds {
        return step;
    }
    let next = Delivery { refunds, reported, ..base.clone() };
    Step { next: Some(next), ..step }
}
