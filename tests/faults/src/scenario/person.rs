//! A person who decides by what the networks really hold, sometimes too late, and who sometimes
//! forgets to bring the order.

use std::time::Duration;

use fastrand::Rng;
use postback_core::{
    clock::Timestamp,
    delivery::{
        Decision, DecisionRecord, Event, Key, Policy, Proof, Record, Recovery, Stamp, State, step,
    },
    redaction::{OperatorNote, Reason},
};
use postback_harness::FakeSweep;
use postback_runtime::{
    ledger::{Change, Filter},
    services::Services,
};

use super::{Happened, Outage, Scenario, arrivals::delayed, arrivals::shares_click, order_of};
use crate::{VARIANTS, network_case::updated_at};

/// A decision about a delivery as a person has seen it.
#[derive(Clone, Debug)]
pub struct Look {
    function: usize,
    key: Key,
    attempt: u32,
    decisions: u32,
    decision: Decision,
    /// The content to be brought; `None` where the decision needs none.
    variant: Option<u8>,
}

impl Scenario {
    /// Looks at a delivery that may need a decision.
    pub async fn look(&self, rng: &mut Rng) -> Option<Look> {
        if self.is_down(Outage::Ledger) {
            return None;
        }
        let ledger = self.bed.table.ledger();
        let record = if rng.u8(0..3) > 0 {
            let mut open = ledger.scan(&Filter::open(), None).await.ok()?.records;
            open.retain(|record| record.protocol.state != State::Sending);
            (!open.is_empty()).then(|| open.swap_remove(rng.usize(0..open.len())))?
        } else {
            // What is final, too: decided before, or refused for its click.
            let shared = self.stories.iter().filter(|story| shares_click(story.number));
            let refused = shared.map(|story| (0, story.id.clone()));
            let mut known: Vec<_> = self.decided.iter().cloned().chain(refused).collect();
            known.sort_unstable();
            let (function, id) = rng.choice(known)?;
            let network = self.functions[function].name();
            let records = ledger.of_order(&id).await.ok()?;
            records.into_iter().find(|record| record.network() == network)?
        };
        self.judge(&record, rng)
    }

    /// The decision of a person who knows what the network holds.
    fn judge(&self, record: &Record, rng: &mut Rng) -> Option<Look> {
        let held = &record.protocol;
        let function = self.functions.iter().position(|it| it.name() == record.network())?;
        let is_there = self.is_there(function, record);
        let is_decided = held.state == State::Abandoned || held.proof == Some(Proof::Operator);
        let has_conflict = record.has_open_conflict() || record.is_open_refusal();
        let may_send = held.cancelled.as_ref().is_none_or(|cancelled| cancelled.completed_after);
        let decision = match held.state {
            _ if is_decided && held.undecided.is_some() && rng.bool() => Decision::Reopen,
            _ if has_conflict && rng.u8(0..3) == 0 => Decision::Acknowledge,
            State::Unconfirmed | State::Parked | State::Rejected | State::Abandoned if is_there => {
                Decision::Confirm
            }
            State::Unconfirmed | State::Parked if held.in_doubt() && rng.u8(0..3) == 0 => {
                Decision::Abandon
            }
            State::Unconfirmed | State::Parked | State::Rejected | State::Abandoned if may_send => {
                Decision::PermitSending
            }
            _ => return None,
        };
        let variant = self.variant_held(function, record);
        let needs_order = matches!(decision, Decision::PermitSending | Decision::Reopen);
        if needs_order && variant.is_none() {
            return None;
        }
        Some(Look {
            function,
            key: record.key(),
            attempt: held.attempt,
            decisions: held.decisions,
            decision,
            variant: variant.filter(|_| needs_order),
        })
    }

    fn is_there(&self, function: usize, record: &Record) -> bool {
        let case = &self.functions[function];
        let amount = case.lines().into_iter().find(|line| line.name.as_deref() == record.line());
        let amount = amount.and_then(|line| line.amount);
        let effects = self.bed.sandbox.held(case.at(), &case.key(&record.order_id));
        effects.iter().any(|effect| amount.is_none() || effect.amount == amount)
    }

    /// The content that the record holds, or else the latest that came.
    fn variant_held(&self, function: usize, record: &Record) -> Option<u8> {
        let story = self.stories.iter().find(|story| story.id == record.order_id)?;
        let is_held = |variant: &u8| {
            let version = updated_at(*variant).and_then(|text| Timestamp::parse(&text));
            let contents = self.functions[function].contents(&order_of(story.number, *variant));
            version == record.protocol.order_updated_at
                && contents.iter().any(|facts| facts.agree(&record.protocol.facts))
        };
        let latest = || story.variants(function).max_by_key(|variant| variant / VARIANTS);
        story.variants(function).find(is_held).or_else(latest)
    }

    /// Takes a decision, if the delivery is as the person saw it, and brings the order where that
    /// is needed: now, or (`false`) later.
    pub async fn decide(&mut self, look: &Look, brings: bool) {
        let ledger = self.bed.table.ledger();
        let Ok(held) = ledger.get(&look.key).await else { return };
        let stamp = Stamp { now: self.bed.now(), write_id: self.random(look.function) };
        let policy = Policy::new(Recovery::Hold, Duration::ZERO, Duration::ZERO);
        let event = Event::Decide {
            attempt: look.attempt,
            decisions: look.decisions,
            decision: look.decision,
        };
        let decide = |held: Option<&Record>| {
            let next = step(held.map(|held| &held.protocol), &event, &policy, stamp.now).next;
            match (held, next) {
                (Some(held), Some(next)) => {
                    let decided = held.decided(next, record_of(look, stamp.now), stamp);
                    Change::Write(Box::new(decided), true)
                }
                _ => Change::Keep(false),
            }
        };
        // It may have been written: a person who gets no answer looks again, and brings the order.
        let Ok(updated) = ledger.update(held, decide).await else {
            return self.note_decision(look, look.variant, false);
        };
        if !updated.value {
            return self.tally.add(Happened::DecidedTooLate, 1);
        }
        self.tally.add(
            match look.decision {
                Decision::Confirm => Happened::Confirmed,
                Decision::PermitSending => Happened::Permitted,
                Decision::Abandon => Happened::Abandoned,
                Decision::Reopen => Happened::Reopened,
                Decision::Acknowledge => Happened::Acknowledged,
            },
            1,
        );
        // It changes nothing, so nothing else may follow from it.
        if look.decision != Decision::Acknowledge {
            // The version that the ledger holds by now: an earlier one would carry nothing on.
            let held = updated.after.as_ref().filter(|_| look.variant.is_some());
            let variant = held.and_then(|record| self.variant_held(look.function, record));
            self.note_decision(look, variant, brings);
        }
    }

    fn note_decision(&mut self, look: &Look, variant: Option<u8>, brings: bool) {
        let id = &look.key.order_id;
        self.decided.insert((look.function, id.clone()));
        self.requests_when_cancelled.remove(&(look.function, id.clone()));
        let Some(variant) = variant else { return };
        self.half_done.push((look.function, id.clone(), variant));
        if brings {
            self.bring_half_done();
        } else {
            self.tally.add(Happened::HalfDone, 1);
        }
    }

    /// Brings the orders that a person has still to bring.
    pub(super) fn bring_half_done(&mut self) {
        for (function, id, variant) in std::mem::take(&mut self.half_done) {
            let number = self.stories.iter().find(|story| story.id == id).map(|it| it.number);
            let order = order_of(number.unwrap_or_default(), variant);
            self.functions[function].services().enqueue(delayed(&order, 0));
        }
    }

    /// Decides about each doubt that began under settings which no longer hold: nothing else can.
    pub(super) async fn settle_changed_settings(&mut self) {
        let ledger = self.bed.table.ledger();
        let Ok(page) = ledger.scan(&Filter::open(), None).await else { return };
        for record in page.records {
            let held = &record.protocol;
            let reason = held.reason.as_ref().map(Reason::as_str);
            let function = self.functions.iter().position(|it| it.name() == record.network());
            let (Some("settings_changed"), Some(function)) = (reason, function) else { continue };
            let is_there = self.is_there(function, &record);
            let decision = if is_there { Decision::Confirm } else { Decision::PermitSending };
            let variant = self.variant_held(function, &record).filter(|_| !is_there);
            let (attempt, decisions) = (held.attempt, held.decisions);
            let key = record.key();
            let look = Look { function, key, attempt, decisions, decision, variant };
            self.decide(&look, true).await;
        }
    }

    /// Lets the sweep go over the ledger.
    pub async fn sweep(&mut self) {
        if self.is_down(Outage::Ledger) {
            return;
        }
        let sweep = sweep::Sweep::new(FakeSweep::new(&self.bed));
        // It comes again.
        if sweep.sweep(self.bed.now() + Duration::from_mins(5)).await.is_ok() {
            self.tally.add(Happened::Sweep, 1);
        }
    }

    fn random(&self, function: usize) -> u64 {
        self.functions[function].services().random()
    }
}

fn record_of(look: &Look, at: Timestamp) -> DecisionRecord {
    let note = |text: &str| OperatorNote::new(text).expect("a note");
    DecisionRecord {
        version: 0,
        at,
        attempt: look.attempt,
        decision: look.decision,
        by: note("soak"),
        why: note("seen at the network"),
        evidence: None,
        claim_back: None,
        contents_left_out: 0,
    }
}
