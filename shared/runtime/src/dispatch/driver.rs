//! One delivery, as one straight line: load, decide, write, act, until nothing is left to do now.
//!
//! More than 300 lines: one delivery is one straight line.
//!
//! | decision | action |
//! |---|---|
//! | [`Then::Send`] | the request leaves once; its answer becomes the next event |
//! | [`Then::LookUp`] | the network is asked; its answer becomes the next event |
//! | [`Then::Wait`] | the order goes back on the queue until then |
//! | [`Then::Rest`] | nothing is left to do |
//! | [`Then::Conflict`] | the conflict is noted; nothing is sent |
//!
//! The driver decides nothing: [`step`] does. It writes before it acts, and it publishes nothing:
//! the events come from the ledger's stream.

use futures_util::future::join;
use postback_core::{
    clock::Timestamp,
    delivery::{
        Arrival, Delivery, Event, Facts, Jitter, Key, Note, Policy, Record, Recovery, Stamp, Then,
        step,
    },
    network::{Network, RecoveryPlan},
    order::Order,
    redaction::Reason,
};

use super::{Configured, DeliverError, DeliveryResult, Dispatcher, Source, Trigger};
use crate::{
    ledger::{Change, UpdateError, Updated},
    services::Services,
};

mod exchange;

/// One run of one delivery.
pub(super) struct Driver<'a, N: Network, S: Services> {
    pub(super) dispatcher: &'a Dispatcher<N, S>,
    configured: &'a Configured<N>,
    pub(super) order: &'a Order,
    report: &'a N::Report,
    recovery: RecoveryPlan<N>,
    pub(super) policy: Policy,
    pub(super) key: Key,
    pub(super) trigger: &'a Trigger<'a>,
    started_at: Timestamp,
    /// The record as last seen in the ledger.
    pub(super) record: Option<Record>,
    /// The record as this run found it, once that is known.
    first: Option<Record>,
    loaded: bool,
    /// The note for the next write.
    note: Note,
    /// True if a message carries the order on, should this run end.
    pub(super) on_queue: bool,
    sent: bool,
}

impl<'a, N: Network, S: Services> Driver<'a, N, S> {
    pub(super) fn new(
        dispatcher: &'a Dispatcher<N, S>,
        configured: &'a Configured<N>,
        order: &'a Order,
        report: &'a N::Report,
        key: Key,
        trigger: &'a Trigger<'a>,
    ) -> Self {
        let recovery = configured.network.recovery(report);
        Self {
            dispatcher,
            configured,
            order,
            report,
            policy: Policy::new(recovery.recovery(), N::TIMEOUT, N::LAG),
            recovery,
            key,
            trigger,
            started_at: dispatcher.services.now(),
            record: None,
            first: None,
            loaded: false,
            note: Note::default(),
            on_queue: trigger.source == Source::Queue,
            sent: false,
        }
    }

    /// Drives the delivery as far as it gets now. Returns the result, and whether anything was
    /// sent.
    pub(super) async fn run(
        mut self,
        event: Event,
    ) -> (Result<DeliveryResult, DeliverError>, bool) {
        let mut result = self.drive(event).await;
        if let (Ok(result), Some(record)) = (&mut result, &self.record) {
            let followed = self.dispatcher.follow(record, self.configured, self.sent).await;
            if followed.is_err() {
                // The order comes again for it.
                result.needs_message = true;
                result.wait_until = Some(self.now());
            }
        }
        (result, self.sent)
    }

    async fn drive(&mut self, mut event: Event) -> Result<DeliveryResult, DeliverError> {
        if self.trigger.expect_existing {
            self.record = self.dispatcher.ledger.get(&self.key).await.map_err(UpdateError::from)?;
        }
        loop {
            let (then, wrote) = match self.write(&event).await {
                Ok(written) => written,
                // Something may have been sent: the claim's expiry resolves it.
                Err(_) if self.sent => return Ok(self.not_settled()),
                Err(error) => return Err(error),
            };
            let arrives = matches!(event, Event::Arrive(_));
            event = match then {
                Then::Send(attempt) => self.send(&attempt).await,
                Then::LookUp => self.look_up().await,
                // The arrival turned an expired claim into a doubt that can be resolved at once.
                Then::Wait(until) if wrote && arrives && until <= self.now() => continue,
                Then::Wait(until) if wrote => return Ok(self.result(Some(until))),
                Then::Wait(until) => return Ok(self.wait_on(until).await),
                Then::Rest | Then::Superseded => return Ok(self.result(None)),
                Then::ModeChanged => {
                    let reason = Some(Reason::new("mode_changed"));
                    return Ok(DeliveryResult { reason, ..self.result(None) });
                }
                Then::Conflict => return self.conflict(&event).await,
            };
        }
    }

    /// Asks `step` about `event` and writes its decision. Returns it, and whether it was a write.
    async fn write(&mut self, event: &Event) -> Result<(Then, bool), DeliverError> {
        self.note.message_until = self.put_message_ahead(event).await?;
        self.note.source = self.trigger.note().source;
        let (held, note) = (self.record.clone(), std::mem::take(&mut self.note));
        let dispatcher = self.dispatcher;
        let is_over = self.protocol().is_some_and(|held| held.state.is_final());
        if self.may_send(event) && !is_over {
            // It is opened while the claim is written.
            dispatcher.sender.with_idle(self.policy.recovery.idle()).prewarm(self.now());
        }
        let apply = dispatcher.apply(&self.key, held, event, &self.policy, note, self.on_queue);
        // Beside the claim's write runs the write of the click's use, until the record notes that it
        // stands. Nothing is sent before both answers.
        let (click, order_id, now) = (self.unnoted_click(event), &self.key.order_id, self.now());
        let add_click_use = async {
            let Some(click) = click else { return false };
            dispatcher.ledger.add_click_use(N::NAME, click, order_id, now).await.is_ok()
        };
        // In a box: the SDK's futures are large.
        let (updated, note_click) = Box::pin(join(apply, add_click_use)).await;
        let updated = updated?;
        let wrote = updated.wrote();
        if matches!(event, Event::Settle { .. }) {
            self.note_late_success(&updated);
        }
        self.record = updated.after;
        self.note.click_noted = note_click;
        if !self.loaded {
            self.first = updated.before;
            self.loaded = true;
        }
        Ok((updated.value, wrote))
    }

    /// Returns whether a request may leave once this event is written.
    fn may_send(&self, event: &Event) -> bool {
        let Event::Arrive(arrival) = event else { return false };
        let may_pass = arrival.open.as_ref().is_none_or(|open| open.only_refused);
        may_pass && !self.waits_for_a_person(arrival)
    }

    /// The click whose use has to stand before this arrival's request leaves.
    fn unnoted_click(&self, event: &Event) -> Option<&'a str> {
        let is_noted = |record: &Record| {
            record.click_noted && N::facts(self.order).agree(&record.protocol.facts)
        };
        let is_noted = self.record.as_ref().is_some_and(is_noted);
        N::click(self.report).filter(|_| self.may_send(event) && !is_noted)
    }

    /// Returns whether it exceeds a bound, and no person has permitted to send it.
    fn waits_for_a_person(&self, arrival: &Arrival) -> bool {
        let is_permitted =
            |held: &Delivery| held.permission.is_some() || held.judged_plausible || held.in_doubt();
        arrival.is_implausible && !self.protocol().is_some_and(is_permitted)
    }

    /// Returns whether the use of its click stands, where it is kept.
    fn has_noted_click(&self) -> bool {
        let stands = self.record.as_ref().is_some_and(|record| record.click_noted);
        stands || self.note.click_noted || N::click(self.report).is_none()
    }

    /// Returns whether a lost answer is held for a person.
    pub(super) const fn holds_doubts(&self) -> bool {
        matches!(self.policy.recovery, Recovery::Hold)
    }

    /// The order came with other content: noted for a queue, answered to a caller.
    async fn conflict(&mut self, event: &Event) -> Result<DeliveryResult, DeliverError> {
        let held = self.record.take();
        self.record = match event {
            Event::Arrive(Arrival { facts, .. }) => {
                self.dispatcher.note_conflict(&self.key, held, facts, self.trigger).await?
            }
            _ => held,
        };
        Ok(DeliveryResult { conflict: true, ..self.result(None) })
    }

    /// The settling write failed: the delivery stays `sending`, which means maybe sent.
    fn not_settled(&self) -> DeliveryResult {
        let (code, order_id) = ("outcome_not_recorded", &self.key.order_id);
        tracing::error!(code, order_id, network = N::NAME, "the settling write failed");
        let until = self.protocol().map_or_else(|| self.now(), |held| held.claim_expires_at);
        DeliveryResult { needs_message: true, ..self.result(Some(until)) }
    }

    pub(super) fn result(&self, wait_until: Option<Timestamp>) -> DeliveryResult {
        let changed = self.has_changed();
        let was_in_doubt = self.first.as_ref().is_some_and(|first| first.protocol.in_doubt());
        DeliveryResult {
            wait_until,
            needs_message: wait_until.is_some() && !self.has_message(),
            replayed: self.first.is_some() && !self.sent && !changed,
            sent: self.sent,
            changed,
            newly_in_doubt: !was_in_doubt && self.protocol().is_some_and(Delivery::in_doubt),
            ..DeliveryResult::of(self.record.as_ref())
        }
    }

    /// Returns whether a message is on the queue that carries the order at hand on.
    fn has_message(&self) -> bool {
        let Some(record) = &self.record else { return false };
        if self.is_of_the_version_held(record.protocol.order_updated_at) {
            return record.message_until.is_some();
        }
        // A version that waits was put before it was noted.
        self.on_queue && self.trigger.source == Source::Api
    }

    /// Returns whether this run changed the delivery's state.
    fn has_changed(&self) -> bool {
        let version = |record: &Option<Record>| record.as_ref().map(|record| record.state_version);
        self.record.is_some() && version(&self.record) != version(&self.first)
    }

    /// Returns whether the order at hand is of this version.
    pub(super) fn is_of_the_version_held(&self, held: Option<Timestamp>) -> bool {
        self.order.updated_at == held
    }

    pub(super) fn protocol(&self) -> Option<&Delivery> {
        self.record.as_ref().map(|record| &record.protocol)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.dispatcher.services.now()
    }
}

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Asks `step` about `event` and writes its decision, on the record as the ledger holds it. A
    /// later version that is not on the queue waits instead of taking the place of another one.
    pub(super) async fn apply(
        &self,
        key: &Key,
        held: Option<Record>,
        event: &Event,
        policy: &Policy,
        note: Note,
        on_queue: bool,
    ) -> Result<Updated<Then>, UpdateError> {
        let decide = |held: Option<&Record>| {
            let stamp = self.stamp();
            let step = step(held.map(|record| &record.protocol), event, policy, stamp.now);
            match step.next {
                None => Change::Keep(step.then),
                Some(next)
                    if !on_queue && replaces(held, &next) && needs_message(&step.then, &note) =>
                {
                    Change::Keep(Then::Wait(stamp.now))
                }
                Some(next) => {
                    let mut note = Note { tracked: N::TRACKS_STATUS, ..note.clone() };
                    if matches!(event, Event::Refund { .. }) {
                        // The message that waits stays the one that is named.
                        note.message_until = held.and_then(|held| held.message_until);
                    }
                    let record = Record::after(held, key, next, note, stamp);
                    Change::Write(Box::new(record), step.then)
                }
            }
        };
        self.ledger.update(held, decide).await
    }

    /// Notes that the order came with other content. A caller has the conflict as its answer. A message
    /// that comes round is the same arrival.
    pub(super) async fn note_conflict(
        &self,
        key: &Key,
        held: Option<Record>,
        facts: &Facts,
        trigger: &Trigger<'_>,
    ) -> Result<Option<Record>, UpdateError> {
        if trigger.is_delayed && held.as_ref().is_some_and(|held| held.conflicts.holds(facts)) {
            return Ok(held);
        }
        self.metrics().record_conflict();
        let (code, order_id) = ("conflict", &key.order_id);
        tracing::warn!(code, order_id, network = N::NAME, "the order came with other content");
        if trigger.source == Source::Api {
            return Ok(held);
        }
        let decide = |held: Option<&Record>| match held {
            Some(held) => Change::Write(Box::new(held.with_conflict(facts, self.stamp())), ()),
            None => Change::Keep(()),
        };
        Ok(self.ledger.update(held, decide).await?.after)
    }

    pub(super) fn jitter(&self) -> Jitter {
        (self.services.random() >> 32) as Jitter
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp { now: self.services.now(), write_id: self.services.random() }
    }
}

impl Trigger<'_> {
    /// The note of a first write: who sent it.
    pub(super) fn note(&self) -> Note {
        Note { source: self.sender.map(str::to_owned), ..Note::default() }
    }
}

/// Returns whether `next` is of a later version than the one held, or notes one that waits for it.
pub(super) fn replaces(held: Option<&Record>, next: &Delivery) -> bool {
    let Some(held) = held.map(|held| &held.protocol) else { return false };
    held.order_updated_at < next.order_updated_at || held.waiting_version < next.waiting_version
}

/// Returns whether a message has to carry the order on, and none is on the queue yet.
const fn needs_message(then: &Then, note: &Note) -> bool {
    match then {
        Then::Send(_) => true,
        Then::Wait(_) => note.message_until.is_none(),
        _ => false,
    }
}
