//! The protocol with one rule taken out.

use postback_core::{
    clock::Timestamp,
    delivery::{Delivery, Event, Policy, State, Step, Then, Verdict, step},
};

/// A rule that is taken out of the protocol, of the dispatcher or of what lies around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A write succeeds whatever the ledger holds by then.
    FenceDropped,
    /// The attempt is sent without its claim being written.
    IntentDropped,
    /// An expired `sending` is claimed anew, as a lease would be.
    ExpiredTakenOver,
    /// The lookup is made at once, while a sender may live and before the network can show it.
    LookupWithoutWaiting,
    /// "Not there" is believed however long ago the lookup was.
    LaggingAbsenceBelieved,
    /// A verdict counts for whatever attempt is under way.
    AttemptNotChecked,
    /// A "duplicate" is ours even when nothing of ours can have arrived.
    DuplicateAlwaysOurs,
    /// A "duplicate" is ours once something of ours has arrived, although the network can be looked up.
    DuplicateOursOnceReached,
    /// A "duplicate" is never ours.
    DuplicateNeverOurs,
    /// The request is sent however little time the claim has left.
    DeadlineNotChecked,
    /// The claim ends with the sender's deadline by any clock.
    SkewIgnored,
    /// The network is given no time to show what it has accepted.
    LagIgnored,
    /// A lost answer is taken for a failure.
    LostAnswerRetried,
    /// A refusal of the moment ends a delivery of which an earlier attempt is in doubt.
    RefusalEndsDoubt,
    /// A person's decision counts for a later attempt than the one that was looked at.
    DecisionNotFenced,
    /// A delivery whose claim another sender holds is dropped instead of waited for.
    ClaimedElsewhereForgotten,
}

/// Calls [`step`], with the rule taken out if it is one of the protocol's.
pub(crate) fn mutated(
    mutant: Option<Mutant>,
    before: Option<&Delivery>,
    event: &Event,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    let Some(mutant) = mutant else { return step(before, event, policy, now) };
    let mut before = before.cloned();
    let mut event = event.clone();
    match (mutant, &mut before, &mut event) {
        (Mutant::ExpiredTakenOver, Some(delivery), Event::Arrive { .. })
            if delivery.state == State::Sending && now >= delivery.claim_expires_at =>
        {
            delivery.state = State::Retrying;
        }
        (Mutant::LookupWithoutWaiting, Some(delivery), _)
            if delivery.state == State::Unconfirmed =>
        {
            delivery.not_before = Timestamp::EPOCH;
        }
        (Mutant::LaggingAbsenceBelieved, Some(delivery), Event::LookedUp { asked, .. }) => {
            *asked = (*asked).max(delivery.not_before);
        }
        (Mutant::AttemptNotChecked, Some(delivery), Event::Settle { attempt, .. })
        | (Mutant::DecisionNotFenced, Some(delivery), Event::Decide { attempt, .. }) => {
            *attempt = delivery.attempt;
        }
        (Mutant::RefusalEndsDoubt, Some(delivery), Event::Settle { .. }) => {
            delivery.in_doubt = false;
        }
        (Mutant::LostAnswerRetried, _, Event::Settle { verdict, .. }) => {
            if let Verdict::Unconfirmed { reason, .. } = verdict {
                *verdict = Verdict::Retry { reason: reason.clone(), after: None, sent: true };
            }
        }
        _ => {}
    }
    let mut step = step(before.as_ref(), &event, policy, now);
    if mutant == Mutant::ClaimedElsewhereForgotten
        && matches!(event, Event::Arrive { .. })
        && before.is_some_and(|delivery| delivery.state == State::Sending)
        && step.next.is_none()
    {
        step.then = Then::Rest;
    }
    step
}
