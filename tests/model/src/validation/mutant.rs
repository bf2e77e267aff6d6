//! The validation with one rule taken out.

use postback_core::{
    clock::Timestamp,
    delivery::{Delivery, Event, Standing, State, Step, Verdict, step},
    redaction::Reason,
};

use super::ValidationWorld;

/// A rule that is taken out of the validation, or of the functions around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidationMutant {
    /// The call is made without reading the delivery once more.
    DeliveryNotRead,
    /// What was written on a delivery is not written on its validation.
    NotFollowed,
    /// A function that died behind its report leaves the validation to nobody.
    FirstNotFollowed,
    /// A lost answer is taken for a failure.
    LostCallRepeated,
    /// A call whose sender died is taken for a failure.
    ExpiredCallRepeated,
    /// The return period counts for nothing.
    PeriodIgnored,
    /// What an earlier reader saw takes the place of what a later one saw.
    EarlierReaderBelieved,
    /// A person's confirmation of a delivery is taken for the network's.
    ConfirmationBelieved,
    /// A delivery in doubt is taken for a reported one.
    DoubtIgnored,
    /// A permission does not end with its call.
    PermissionOutlivesCall,
    /// A refund of an order that the ledger does not know is not kept.
    RefundBeforeOrderForgotten,
}

impl ValidationWorld {
    /// [`step`], with the rule taken out if it is one of the protocol's.
    pub(crate) fn mutated(&self, held: Option<&Delivery>, event: &Event, now: Timestamp) -> Step {
        let Some(mutant) = self.mutant else { return step(held, event, &self.policy, now) };
        let (mut before, mut event) = (held.cloned(), event.clone());
        change_input(mutant, before.as_mut(), &mut event);
        let mut step = step(before.as_ref(), &event, &self.policy, now);
        match (mutant, &event, &mut step.next) {
            (ValidationMutant::ExpiredCallRepeated, Event::Expire, Some(next)) => {
                (next.state, next.doubt, next.not_before) = (State::Retrying, None, now);
            }
            (ValidationMutant::PermissionOutlivesCall, Event::Validate(_), Some(next)) => {
                next.permission = held.and_then(|held| held.permission.clone());
            }
            _ => {}
        }
        step
    }
}

fn change_input(mutant: ValidationMutant, held: Option<&mut Delivery>, event: &mut Event) {
    match (mutant, event) {
        (ValidationMutant::LostCallRepeated, Event::Settle { verdict, .. }) => {
            if matches!(verdict, Verdict::Unconfirmed { .. }) {
                let reason = Reason::new("model");
                *verdict = Verdict::Retry { reason, after: None, sent: true };
            }
        }
        (ValidationMutant::PeriodIgnored, Event::Follow(followed)) => {
            followed.terms.return_period = std::time::Duration::ZERO;
        }
        (ValidationMutant::PeriodIgnored, Event::Validate(due)) => {
            due.terms.return_period = std::time::Duration::ZERO;
        }
        (ValidationMutant::EarlierReaderBelieved, Event::Follow(followed)) => {
            let known = held.and_then(|held| held.validation.as_ref());
            followed.version = followed.version.max(known.map_or(0, |known| known.of_version));
        }
        (ValidationMutant::ConfirmationBelieved, Event::Follow(followed))
            if followed.standing == Standing::Confirmed =>
        {
            followed.standing = Standing::Reported;
        }
        (ValidationMutant::DoubtIgnored, Event::Follow(followed))
            if followed.standing == Standing::InDoubt =>
        {
            followed.standing = Standing::Reported;
        }
        _ => {}
    }
}
