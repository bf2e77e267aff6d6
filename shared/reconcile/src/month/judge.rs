//! The decision about one conversion.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{
        Delivery, OrderFacts, Record, Refunds, Reported, Standing, State, Status, Terms, Validated,
        validate,
    },
};
use rust_decimal::Decimal;

/// The decision.
pub(super) enum Judged {
    /// The status and the amount, for what was reported.
    Decided(Status, Decimal, Reported),
    /// No decision yet: the reason, and the time until which it holds.
    InTheWay(String, Option<Timestamp>),
    /// A person settled it without a content.
    LeftOut(&'static str),
}

impl Judged {
    fn in_the_way(reason: &str) -> Self {
        Self::InTheWay(reason.to_owned(), None)
    }
}

/// The unit of the settings.
const A_DAY: Duration = Duration::from_hours(24);

/// The return period that a validation waits for, by the settings at its last look; of a delivery that
/// a workbook validates, by those of its report.
pub(super) fn return_period(held: &Delivery) -> Option<Duration> {
    let reported = held.reported.as_ref()?;
    if let Some(days) = reported.workbook_days {
        return Some(A_DAY * days);
    }
    let completed_at = reported.completed_at;
    let validation = held.validation.as_ref()?;
    let waits = held.reason.as_ref().is_some_and(|reason| reason.as_str() == "return_period");
    // One that waits for the end of a doubt, or has waited for it, has another instant there.
    let span = held.not_before.since(completed_at);
    let is_period = span.as_millis().is_multiple_of(A_DAY.as_millis());
    let is_open = held.state == State::Retrying && validation.standing != Standing::InDoubt;
    let until = Some(held.not_before).filter(|_| is_open && waits && is_period);
    Some(until.max(Some(validation.lock_at))?.since(completed_at))
}

/// Decides as the validating call would, or repeats what it said.
pub(super) fn judge(
    delivery: &Record,
    validation: Option<&Record>,
    reported: Option<&Reported>,
    terms: Option<Terms>,
    now: Timestamp,
) -> Judged {
    // Without the ids as reported, each line of an order would be found by the order's id alone.
    if delivery.line().is_some() && delivery.protocol.reported.is_none() {
        return Judged::in_the_way("ids_not_kept");
    }
    if delivery.protocol.state == State::Abandoned {
        return abandoned(delivery, validation, reported, now);
    }
    let Some(reported) = reported else { return Judged::in_the_way("amount_unknown") };
    let held = validation.map(|validation| &validation.protocol);
    if let Some(settled) = held.and_then(|held| settled(held, reported)) {
        return settled;
    }
    let standing = delivery.standing();
    if standing == Standing::InDoubt {
        return Judged::in_the_way("delivery_in_doubt");
    }
    let Some(terms) = terms else { return Judged::in_the_way("return_period_unknown") };
    let permission = held.and_then(|held| held.permission.as_ref());
    let facts = OrderFacts {
        standing,
        cancelled: delivery.protocol.cancelled.as_ref(),
        is_permitted: permission.is_some_and(|permission| now < permission.until),
    };
    let refunds = refunds(delivery, validation);
    let decided = |status, amount| Judged::Decided(status, amount, reported.clone());
    match validate(facts, &refunds, Some(reported), terms, now) {
        Validated::Approve(amount) => decided(Status::Approved, amount),
        Validated::Reject => decided(Status::Rejected, reported.amount),
        Validated::Wait(until) => Judged::InTheWay("return_period".to_owned(), Some(until)),
        Validated::Person(reason) => Judged::in_the_way(reason.as_str()),
        Validated::Nothing => Judged::in_the_way("not_reported"),
    }
}

/// A delivery that was in doubt and that a person gave up: the network may hold it, and approves by
/// itself what nobody rejects. So what came back whole is rejected, by the same function.
fn abandoned(
    delivery: &Record,
    validation: Option<&Record>,
    reported: Option<&Reported>,
    now: Timestamp,
) -> Judged {
    let facts = OrderFacts {
        standing: Standing::Reported,
        cancelled: delivery.protocol.cancelled.as_ref(),
        is_permitted: true,
    };
    let refunds = refunds(delivery, validation);
    // Nobody waits for it: what has not come back by now is the network's own matter.
    let terms = Terms { return_period: Duration::ZERO, decimals: Decimal::MAX_SCALE };
    match (validate(facts, &refunds, reported, terms, now), reported) {
        (Validated::Reject, Some(reported)) => {
            Judged::Decided(Status::Rejected, reported.amount, reported.clone())
        }
        _ => Judged::LeftOut("delivery_abandoned"),
    }
}

/// The refunds that either of the two knows.
fn refunds(delivery: &Record, validation: Option<&Record>) -> Refunds {
    let own = &delivery.protocol.refunds;
    validation.map_or_else(|| own.clone(), |validation| own.and(&validation.protocol.refunds))
}

/// The result of a validation that is called, or that a person settled.
fn settled(held: &Delivery, reported: &Reported) -> Option<Judged> {
    let call = held.validation.as_ref()?.call.as_ref();
    match held.state {
        State::Delivered => Some(call.map_or(Judged::LeftOut("validated_by_a_person"), |call| {
            Judged::Decided(call.status, call.amount, reported.clone())
        })),
        State::Abandoned => Some(Judged::LeftOut("validation_abandoned")),
        State::Sending => Some(Judged::in_the_way("validation_in_doubt")),
        _ if held.in_doubt() => Some(Judged::in_the_way("validation_in_doubt")),
        _ => None,
    }
}
