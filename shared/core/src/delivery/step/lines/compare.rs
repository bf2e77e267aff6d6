//! The comparison of the lines of an order that arrives with their deliveries.

use std::collections::BTreeMap;

use super::{
    super::{
        super::{Delivery, Doubt, Facts, IfAbsent, State},
        claim::{doubt, has_expired},
        note::refunds_before,
        waiting::is_unsettled,
    },
    Lines,
};
use crate::clock::Timestamp;

/// Returns whether this is the content held: its lines are decided one by one.
pub(super) fn is_held(held: &Delivery, lines: &Lines) -> bool {
    let ids = || lines.parts.iter().map(|(id, _)| id);
    lines.updated_at == held.order_updated_at
        && lines.facts.agree(&held.facts)
        && held.lines.as_ref().is_some_and(|held| held.iter().eq(ids()))
}

/// The lines of an order that comes after refunds of it. Nothing says to which lines those belong that it
/// does not name.
pub(super) fn after_refunds(held: Option<&Delivery>, lines: &Lines) -> Option<Lines> {
    let before = refunds_before(held, &lines.facts)?;
    let refunds = before.unclear_but_for(&lines.refunds).and(&lines.refunds);
    Some(Lines { refunds, ..lines.clone() })
}

/// The lines that the network has, or may have, with other content, and those that are under way with
/// other content and settle themselves. `None` for the first where nothing stands in the way.
pub(super) fn compare(
    held: &Delivery,
    deliveries: &BTreeMap<String, Delivery>,
    lines: &Lines,
    now: Timestamp,
) -> (Option<Vec<String>>, Vec<String>) {
    let (mut differing, mut under_way) = (Vec::new(), Vec::new());
    for (id, facts) in &lines.parts {
        match deliveries.get(id).map(|line| fit(line, facts, lines.updated_at, now)) {
            Some(Fit::Differs) => differing.push(id.clone()),
            Some(Fit::IsUnderWay) => under_way.push(id.clone()),
            Some(Fit::Fits) | None => {}
        }
    }
    if !differing.is_empty() {
        return (Some(differing), under_way);
    }
    // Without a later `updated_at` other content takes the place of what was never tried only.
    let is_other = lines.updated_at == held.order_updated_at && !is_held(held, lines);
    let is_tried = deliveries.values().any(|line| line.attempt > 0);
    ((is_other && is_tried).then(|| changed(held, deliveries, lines)), under_way)
}

/// The lines of the version held whose content is another one here, or that are missing. There are
/// none where lines were added, or only the order's own content is another one.
fn changed(held: &Delivery, deliveries: &BTreeMap<String, Delivery>, lines: &Lines) -> Vec<String> {
    let given: BTreeMap<_, _> = lines.parts.iter().map(|(id, facts)| (id, facts)).collect();
    let is_changed = |id: &&String| {
        let line = deliveries.get(*id);
        line.is_some_and(|line| given.get(id).is_none_or(|facts| !facts.agree(&line.facts)))
    };
    held.lines.iter().flatten().filter(is_changed).cloned().collect()
}

/// The way in which a line's content fits its delivery.
enum Fit {
    Fits,
    IsUnderWay,
    Differs,
}

/// Compares as an arrival of the line alone would.
fn fit(held: &Delivery, facts: &Facts, updated_at: Option<Timestamp>, now: Timestamp) -> Fit {
    if facts.agree(&held.facts) || updated_at < held.order_updated_at {
        return Fit::Fits;
    }
    let is_later = updated_at > held.order_updated_at;
    let is_open = held.state != State::Sending && !held.state.is_success();
    let is_permitted = held.permission.as_ref().is_some_and(|it| is_open && now < it.until);
    let is_free = held.is_certainly_absent() || is_permitted;
    if is_free && (is_later || held.attempt == 0) {
        return Fit::Fits;
    }
    let doubted;
    let seen = if has_expired(held, now) {
        let doubt: Option<Doubt> = Some(doubt(held, IfAbsent::SendAgain, now));
        doubted = Delivery { state: State::Unconfirmed, doubt, ..held.clone() };
        &doubted
    } else {
        held
    };
    if is_later && is_unsettled(seen, now) { Fit::IsUnderWay } else { Fit::Differs }
}

/// Returns whether a line of this version that is claimed may not be sent by the order's item `held`:
/// the order is cancelled or superseded meanwhile, or another version of it is being compared.
#[must_use]
pub fn is_void(
    held: &Delivery,
    facts: &Facts,
    updated_at: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let cancelled = held.cancelled.as_ref();
    cancelled.is_some_and(|cancelled| cancelled.holds_against(updated_at))
        || updated_at < held.order_updated_at
        || !held.facts.agree(facts)
        || now < held.not_before
        || held.state == State::Withdrawn
}
