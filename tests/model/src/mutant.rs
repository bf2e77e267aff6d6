//! The protocol with one rule taken out.
//!
//! More than 300 lines: one arm for each rule.

use postback_core::{
    clock::Timestamp,
    delivery::{
        Decision, Delivery, Doubt, Event, Lookup, Planned, Policy, Recovery, State, Step, Then,
        Verdict, step,
    },
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
    /// The network is asked at once, while a sender may live and before the network can show it.
    LookupWithoutWaiting,
    /// A failure counts for whatever attempt is under way.
    AttemptNotChecked,
    /// Every "duplicate" is ours.
    DuplicateAlwaysOurs,
    /// A "duplicate" is ours once an earlier attempt is in doubt, whatever other orders used the
    /// click.
    DuplicateOursFromDoubt,
    /// The ledger does not keep which orders used a click.
    ClickUseNotKept,
    /// The request is sent however little time the claim has left.
    DeadlineNotChecked,
    /// The claim ends with the sender's deadline by any clock.
    SkewIgnored,
    /// The network is given no time to show what it has accepted.
    LagIgnored,
    /// A lost answer is taken for a failure.
    LostAnswerRetried,
    /// A refusal ends a delivery of which an earlier attempt is in doubt.
    RefusalEndsDoubt,
    /// A person's decision counts for a later attempt than the one that was looked at.
    DecisionNotFenced,
    /// A delivery of which another sender holds the claim is forgotten instead of waited for.
    ClaimedElsewhereForgotten,
    /// A plan that sends nothing lets an open delivery go.
    RefusalLetsOpenOrderGo,
    /// Other content takes over an open delivery.
    OtherContentTakesOver,
    /// A doubt is resolved under whatever settings there are today.
    ScopeIgnored,
    /// A doubt about what today's settings can't build is not looked up.
    UnplannableNotLookedUp,
    /// The merchant's consent holds for every further attempt.
    ConsentWithoutEnd,
    /// A doubt is sent again although the settings hold it by now.
    ConsentOutlivesSettings,
    /// A cancellation while an attempt is under way is not noted.
    CancelledWhileSendingForgotten,
    /// A cancellation of an order that the ledger does not know is not kept.
    CancelledBeforeOrderForgotten,
    /// A cancelled order in doubt is sent again.
    CancelledSentAgain,
    /// A completion with a version voids a cancellation without one.
    CancellationWithoutVersionVoided,
    /// An earlier version replaces a later one.
    EarlierVersionReplaces,
    /// A later version replaces one that is in doubt.
    LaterVersionReplacesDoubt,
    /// A later version that has to wait is forgotten.
    LaterVersionForgotten,
    /// That a later version was completed is not kept where it is a conflict.
    LaterConflictForgotten,
    /// The newest of the versions that wait is not kept.
    WaitingVersionForgotten,
    /// A later version that has to wait is dropped because another message waits.
    LaterVersionTakenForSurplus,
    /// A message is dropped because the record names another one, be that an earlier one.
    EarlierNameBelieved,
    /// A permission does not end with a cancellation.
    PermissionOutlivesCancellation,
    /// A permission does not end with the claim.
    PermissionOutlivesClaim,
    /// Reopening forgets the doubt.
    ReopenForgetsDoubt,
    /// An acknowledgement is taken for the end of the doubt.
    AcknowledgedTakenForSettled,
    /// "Not there" sends what a person has abandoned.
    AbandonedSentAgain,
    /// The write that names the waiting message comes before the message.
    WrittenBeforePut,
    /// The sweep takes an expired claim for a failure.
    SweptTakenForFailure,
    /// Reopening brings back what the shop has cancelled meanwhile.
    ReopenForgetsCancellation,
    /// The bound counts for an order's first arrival alone.
    BoundForgotten,
    /// A permission of one content lets another one pass that exceeds the bound.
    BoundPassedByOtherContent,
    /// The bound stops again what a person has permitted.
    BoundOutlivesPermission,
    /// "Not there" is believed when it is said once.
    AbsentOnceBelieved,
    /// A permission holds for ever.
    PermissionNeverLapses,
    /// The network's own yes to an attempt that no longer holds the claim is not written.
    LateYesForgotten,
    /// A refusal while in doubt leaves the resending as it is.
    RefusedInDoubtSentAgain,
}

/// [`step`], with the rule taken out if it is one of the protocol's.
pub(crate) fn mutated(
    mutant: Option<Mutant>,
    held: Option<&Delivery>,
    event: &Event,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    let Some(mutant) = mutant else { return step(held, event, policy, now) };
    let (mut before, mut event) = (held.cloned(), event.clone());
    change_input(mutant, &mut before, &mut event, now);
    let mut step = step(before.as_ref(), &event, policy, now);
    change_output(mutant, held, &event, &mut step);
    step
}

fn is_open(delivery: &Delivery) -> bool {
    !delivery.state.is_final()
}

/// Takes a rule out by what the protocol is shown.
fn change_input(mutant: Mutant, before: &mut Option<Delivery>, event: &mut Event, now: Timestamp) {
    let Some(held) = before else { return };
    match (mutant, &mut *event) {
        (Mutant::ExpiredTakenOver, Event::Arrive(_))
            if held.state == State::Sending && now >= held.claim_expires_at =>
        {
            held.state = State::Retrying;
            held.not_before = now;
        }
        (Mutant::LookupWithoutWaiting, _) if held.state == State::Unconfirmed => {
            held.not_before = Timestamp::EPOCH;
        }
        (Mutant::AttemptNotChecked, Event::Settle { attempt, verdict, .. })
            if !matches!(verdict, Verdict::Delivered(_)) =>
        {
            *attempt = held.attempt;
        }
        (Mutant::DecisionNotFenced, Event::Decide { attempt, decisions, .. }) => {
            (*attempt, *decisions) = (held.attempt, held.decisions);
        }
        (Mutant::RefusalEndsDoubt, Event::Settle { verdict: Verdict::Rejected(_), .. }) => {
            held.doubt = None;
        }
        (Mutant::LostAnswerRetried, Event::Settle { verdict, .. }) => {
            if let Verdict::Unconfirmed { reason, .. } = verdict {
                *verdict = Verdict::Retry { reason: reason.clone(), after: None, sent: true };
            }
        }
        (Mutant::OtherContentTakesOver, Event::Arrive(arrival)) if is_open(held) => {
            held.facts = arrival.facts.clone();
        }
        (Mutant::ScopeIgnored, Event::Arrive(arrival)) => {
            if let (Planned::Send(scope), Some(doubt)) = (&arrival.planned, &mut held.doubt) {
                doubt.scope.clone_from(scope);
            }
        }
        (Mutant::CancelledSentAgain, Event::Arrive(_)) if held.cancelled.is_some() => {
            if let Some(doubt) = &mut held.doubt {
                doubt.recovery = Recovery::SendAgain;
                held.cancelled = None;
            }
        }
        (Mutant::CancellationWithoutVersionVoided, Event::Arrive(arrival)) => {
            let is_voided = arrival.updated_at.is_some()
                && held.cancelled.as_ref().is_some_and(|noted| noted.updated_at.is_none());
            if is_voided && held.state == State::Withdrawn {
                held.cancelled = None;
                held.order_updated_at = None;
            }
        }
        (Mutant::BoundForgotten, Event::Arrive(arrival)) => arrival.is_implausible = false,
        (Mutant::UnplannableNotLookedUp, Event::Arrive(arrival)) => arrival.shown_scope = None,
        _ => change_version(mutant, held, event),
    }
}

/// Takes a rule out of those about versions and a person's decisions.
fn change_version(mutant: Mutant, held: &mut Delivery, event: &Event) {
    match (mutant, event) {
        (Mutant::EarlierVersionReplaces, Event::Arrive(arrival))
            if arrival.updated_at < held.order_updated_at =>
        {
            held.order_updated_at = None;
        }
        (Mutant::LaterVersionReplacesDoubt, Event::Arrive(arrival))
            if held.state == State::Unconfirmed && arrival.updated_at > held.order_updated_at =>
        {
            held.doubt = None;
            held.state = State::Rejected;
        }
        (Mutant::WaitingVersionForgotten, Event::Arrive(_) | Event::LookedUp { .. }) => {
            held.waiting_version = None;
        }
        (Mutant::AbandonedSentAgain, Event::LookedUp { lookup: Lookup::Absent, .. })
            if held.state == State::Abandoned =>
        {
            held.state = State::Unconfirmed;
        }
        (Mutant::ReopenForgetsCancellation, Event::Decide { decision: Decision::Reopen, .. }) => {
            held.cancelled = None;
        }
        (Mutant::BoundPassedByOtherContent, Event::Arrive(arrival))
            if held.permission.is_some() =>
        {
            held.facts = arrival.facts.clone();
        }
        (Mutant::AbsentOnceBelieved, Event::LookedUp { lookup: Lookup::Absent, .. }) => {
            if let Some(doubt) = &mut held.doubt {
                doubt.absent_at = Some(Timestamp::EPOCH);
            }
        }
        (Mutant::PermissionNeverLapses, Event::Arrive(arrival)) => {
            if let Some(permission) = &mut held.permission {
                permission.until = arrival.deadline;
            }
        }
        _ => {}
    }
}

/// Takes a rule out by what becomes of the protocol's decision.
fn change_output(mutant: Mutant, held: Option<&Delivery>, event: &Event, step: &mut Step) {
    let is_sending = held.is_some_and(|held| held.state == State::Sending);
    match (mutant, event) {
        (Mutant::ClaimedElsewhereForgotten, Event::Arrive(_))
            if is_sending && step.next.is_none() =>
        {
            step.then = Then::Rest;
        }
        (Mutant::RefusalLetsOpenOrderGo, Event::Arrive(arrival))
            if !matches!(arrival.planned, Planned::Send(_)) =>
        {
            *step = Step { next: None, then: Then::Rest };
        }
        (Mutant::ConsentWithoutEnd, _) => {
            let was = held.and_then(|held| held.doubt.as_ref());
            let is_consented = was.is_some_and(|doubt| doubt.recovery == Recovery::SendOnceMore);
            if let Some(Delivery { doubt: Some(doubt), not_before, .. }) = &mut step.next
                && is_consented
                && doubt.recovery == Recovery::Hold
            {
                *doubt = Doubt { recovery: Recovery::SendOnceMore, ..doubt.clone() };
                step.then = Then::Wait(*not_before);
            }
        }
        (Mutant::SweptTakenForFailure, Event::Expire) => {
            if let Some(next) = &mut step.next {
                (next.state, next.doubt) = (State::Retrying, None);
            }
        }
        (Mutant::CancelledWhileSendingForgotten, Event::Cancel { .. }) if is_sending => {
            *step = Step { next: None, then: Then::Rest };
        }
        (Mutant::CancelledBeforeOrderForgotten, Event::Cancel { .. }) if held.is_none() => {
            *step = Step { next: None, then: Then::Rest };
        }
        (Mutant::LateYesForgotten, Event::Settle { attempt, verdict, .. })
            if matches!(verdict, Verdict::Delivered(_))
                && held.is_some_and(|held| !is_sending || held.attempt != *attempt) =>
        {
            *step = Step { next: None, then: Then::Rest };
        }
        (Mutant::RefusedInDoubtSentAgain, Event::Settle { verdict: Verdict::Rejected(_), .. }) => {
            let doubt = held.and_then(|held| held.doubt.clone());
            if let (Some(next), Some(doubt)) = (&mut step.next, doubt) {
                next.doubt = Some(doubt);
                step.then = Then::Wait(next.not_before);
            }
        }
        _ => change_permission(mutant, held, event, step),
    }
}

/// Takes a rule out of those about versions, a person's permission and a decision taken back.
fn change_permission(mutant: Mutant, held: Option<&Delivery>, event: &Event, step: &mut Step) {
    match (mutant, event) {
        (Mutant::LaterVersionForgotten, Event::Arrive(arrival)) => {
            let is_later = held.is_some_and(|held| arrival.updated_at > held.order_updated_at);
            let is_noted = |next: &Delivery| {
                next.waiting_version == arrival.updated_at
                    && held.is_some_and(|held| held.state == next.state)
            };
            let waits = matches!(step.then, Then::Wait(_));
            if is_later && waits && step.next.as_ref().is_none_or(is_noted) {
                *step = Step { next: None, then: Then::Rest };
            }
        }
        (Mutant::LaterConflictForgotten, Event::Arrive(_)) => {
            if let Some(next) = &mut step.next {
                next.conflict_version = None;
            }
        }
        (Mutant::PermissionOutlivesCancellation, Event::Cancel { .. }) => {
            let permission = held.and_then(|held| held.permission.clone());
            if let (Some(next), Some(permission)) = (&mut step.next, permission) {
                next.permission = Some(permission);
                next.cancelled = next.cancelled.clone().map(|mut cancelled| {
                    cancelled.completed_after = true;
                    cancelled
                });
            }
        }
        (Mutant::BoundOutlivesPermission, Event::Arrive(_)) => {
            if let Some(next) = &mut step.next {
                next.judged_plausible = false;
            }
        }
        (Mutant::PermissionOutlivesClaim, Event::Arrive(_)) => {
            if let (Some(next), Then::Send(_)) = (&mut step.next, &step.then) {
                next.permission = held.and_then(|held| held.permission.clone());
            }
        }
        (
            Mutant::AcknowledgedTakenForSettled,
            Event::Decide { decision: Decision::Acknowledge, .. },
        ) => {
            if let Some(next) = &mut step.next {
                (next.state, next.doubt) = (State::Retrying, None);
                step.then = Then::Wait(next.not_before);
            }
        }
        (Mutant::ReopenForgetsDoubt, Event::Decide { decision: Decision::Reopen, .. }) => {
            if let Some(next) = &mut step.next {
                next.doubt = None;
                next.state = State::Retrying;
                step.then = Then::Wait(next.not_before);
            }
        }
        _ => {}
    }
}
