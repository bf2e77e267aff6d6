//! One delivery, turn by turn.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use futures_util::{
    FutureExt,
    future::{join, ready},
};
use tokio::{sync::futures::Notified, task::yield_now};

use super::{Call, Configured, Courier, Outcome, Pause, Trouble, Way, attempt_log::Seen};
use crate::{
    clock::Timestamp,
    delivery::{Attempt, Chance, Delivery, Event, Policy, State, Then, step},
    http::Outcome as Sent,
    ledger::{Key, Note, Put, Record},
    metrics::millis,
    network::{Lookup, Network, Reading, Recovery, Verdict},
    surroundings::{Announcement, Surroundings},
    word::{Evidence, Reason},
};

/// How long after a change a direct call counts as repeated by a caller who had no answer. Calls
/// that come together are none of these.
const REPEATED: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_mins(15);

/// How often a write is decided anew because somebody else wrote first.
const MOST_REFUSALS: u32 = 64;

#[expect(clippy::struct_excessive_bools, reason = "each is a fact that stands by itself")]
pub(super) struct Journey<'a, N: Network, S: Surroundings> {
    courier: &'a Courier<N, S>,
    configured: &'a Configured<N>,
    key: Key,
    /// What is told, and what is done when its answer is lost; `None` when it can't be phrased.
    load: Option<(&'a N::Report, Recovery<N>)>,
    policy: Policy,
    call: &'a Call<'a>,
    record: Option<Record>,
    /// What the ledger is to keep of the last answer.
    note: Note,
    sent: bool,
    /// Whether it was let through a pause to see whether the network takes orders again.
    pub(super) probes: bool,
    known_before: bool,
    changed: bool,
    /// Whether it came in doubt on this journey.
    doubted: bool,
    /// The attempt whose line is still to be written to the log.
    seen: Option<Seen>,
    /// The announcement that has been put on the bus while the ledger wrote, and whether it was taken.
    told: Option<(String, bool)>,
    refusals: u32,
    taken_up: Timestamp,
}

impl<'a, N: Network, S: Surroundings> Journey<'a, N, S> {
    pub(super) fn new(
        courier: &'a Courier<N, S>,
        configured: &'a Configured<N>,
        key: Key,
        load: Option<(&'a N::Report, Recovery<N>)>,
        policy: Policy,
        call: &'a Call<'a>,
    ) -> Self {
        Self {
            courier,
            configured,
            key,
            load,
            policy,
            call,
            record: None,
            note: Note::default(),
            sent: false,
            probes: false,
            known_before: false,
            changed: false,
            doubted: false,
            seen: None,
            told: None,
            refusals: 0,
            taken_up: courier.surroundings.now(),
        }
    }

    /// Turns until there is nothing more to do now.
    pub(super) async fn travel(mut self, event: Event) -> Result<Outcome, Trouble> {
        let outcome = self.turn(event).await;
        if self.probes
            && !self.sent
            && let Some(pause) = self.courier.pause().as_mut()
        {
            pause.give_back(self.now());
        }
        outcome
    }

    async fn turn(&mut self, mut event: Event) -> Result<Outcome, Trouble> {
        if self.call.known {
            self.record = self.courier.ledger.get(&self.key).await?;
            self.known_before = self.record.is_some();
        }
        loop {
            let now = self.now();
            let step = step(self.protocol(), &event, &self.policy, now);
            let wrote = step.next.is_some();
            if let Some(next) = step.next {
                match self.write(next, now, &event).await {
                    Ok(true) => {}
                    Ok(false) => continue,
                    // Something may have been sent: what came of it is for whoever comes next.
                    Err(_) if self.sent => return Ok(self.unsettled()),
                    Err(trouble) => return Err(trouble),
                }
            } else if let Some(seen) = self.seen.take() {
                self.log(&seen, &event);
            }
            event = match step.then {
                Then::Send(attempt) => self.send(&attempt).await,
                Then::LookUp => self.look_up().await,
                // What was in doubt may be resolved at once.
                Then::Wait(until) if wrote && until <= now && is_arrival(&event) => continue,
                Then::Wait(until) => return Ok(self.outcome(Some(until)).await),
                Then::Rest => return Ok(self.outcome(None).await),
                Then::Conflict => return self.conflict().await,
            };
        }
    }

    fn now(&self) -> Timestamp {
        self.courier.surroundings.now()
    }

    fn chance(&self) -> Chance {
        (self.courier.surroundings.chance() >> 32) as Chance
    }

    fn protocol(&self) -> Option<&Delivery> {
        self.record.as_ref().map(|record| &record.protocol)
    }

    /// Writes `next` on the condition that the ledger still holds what it was decided on. `false`:
    /// it does not; what it holds is to be decided on.
    ///
    /// While the ledger writes down how an attempt ended, the log and the bus hear of it: that the
    /// network took the order is so whatever the ledger says.
    async fn write(
        &mut self,
        next: Delivery,
        now: Timestamp,
        event: &Event,
    ) -> Result<bool, Trouble> {
        let expected = self.record.as_ref().map(|record| record.version);
        let state = self.protocol().map(|protocol| protocol.state);
        let changes = state != Some(next.state);
        let doubts = next.in_doubt && !self.protocol().is_some_and(|before| before.in_doubt);
        let write_id = self.courier.surroundings.chance();
        let note = self.note.clone();
        let record = Record::after(self.record.as_ref(), &self.key, next, note, now, write_id);
        let put = self.courier.ledger.put(&record, expected);
        let put = if let Some(seen) = self.seen.take() {
            let tells = self.sent && changes && record.protocol.state.is_success();
            // Listens from here on: the ledger may answer before the bus is turned to.
            let departure = self.courier.departure.notified();
            let meanwhile = async {
                // The write leaves before anything else is done.
                yield_now().await;
                self.log(&seen, event);
                if tells { Some(self.tell(&record, departure).await) } else { None }
            };
            let put = put.inspect(|_| self.courier.departure.notify_waiters());
            // In boxes: rustc does not follow two of the SDK's futures nested in one.
            let (put, told) = join(put.boxed(), meanwhile.boxed()).await;
            self.told = told;
            put?
        } else {
            put.await?
        };
        match put {
            Put::Written => {
                self.changed |= changes;
                self.doubted |= doubts;
                self.record = Some(record);
                Ok(true)
            }
            Put::Refused(held) => {
                self.known_before |= !self.sent && held.is_some();
                self.record = held.map(|record| *record);
                self.refusals += 1;
                if self.refusals > MOST_REFUSALS { Err(Trouble::Contended) } else { Ok(false) }
            }
        }
    }

    /// Puts a success on the bus before the ledger has it; says which, and whether it was taken.
    async fn tell(&self, record: &Record, departure: Notified<'_>) -> (String, bool) {
        let Courier { surroundings, sending, .. } = self.courier;
        let announcement = Announcement::of(record);
        // A caller waits. A batch's leave together: once its last order has its answer, or at the
        // first word of the ledger, for the last may take long.
        let released = if self.call.way == Way::Api || Arc::strong_count(sending) == 1 {
            self.courier.departure.notify_waiters();
            ready(()).left_future()
        } else {
            departure.right_future()
        };
        let told = surroundings.announce_when(&announcement, released).await;
        (announcement.id, told.is_ok())
    }

    fn log(&self, seen: &Seen, event: &Event) {
        seen.log(N::NAME, &self.key, event, &mut self.courier.metrics());
    }

    async fn send(&mut self, attempt: &Attempt) -> Event {
        let started = self.now();
        let mut status = None;
        let reading = match self.load.as_ref() {
            // The claim itself may have taken long: past this, the sender might outlive its claim.
            _ if started + self.policy.need > self.call.deadline => {
                Verdict::Retry { reason: Reason::new("no_time"), after: None, sent: false }.into()
            }
            Some((report, _)) => {
                self.sent = true;
                let request = self.configured.network.request(report, attempt);
                let _sending = Arc::clone(&self.courier.sending);
                match self.courier.sender.send(&request, started).await {
                    Sent::Answered(answer) => {
                        let mut reading = self.configured.network.verdict(report, &answer, attempt);
                        status = Some(answer.status);
                        let evidence = Evidence::none().number("http_status", answer.status);
                        reading.evidence.extend(evidence);
                        reading
                    }
                    unanswered => unanswered.unanswered().map_or_else(
                        || Verdict::unconfirmed("connection_lost").into(),
                        Reading::from,
                    ),
                }
            }
            None => Verdict::rejected("not_phrased").into(),
        };
        let Reading { verdict, references, evidence } = reading;
        let now = self.now();
        self.seen = Some(Seen {
            status,
            network_time: self.sent.then(|| now.since(started)),
            whole_time: now.since(self.taken_up),
        });
        self.mind_the_pause(&verdict);
        self.note = Note { references, evidence };
        Event::Settle {
            attempt: attempt.number,
            verdict,
            settings: self.configured.version.clone(),
            chance: self.chance(),
        }
    }

    fn mind_the_pause(&self, verdict: &Verdict) {
        let mut pause = self.courier.pause();
        match verdict {
            Verdict::Parked { reason, .. } if verdict.pauses_the_network() => {
                let (code, word) = ("network_paused", reason.as_str());
                tracing::warn!(code, network = N::NAME, reason = word, "the network is paused");
                *pause = Some(Pause::begin(self.now(), reason.clone(), &self.configured.version));
            }
            // Only an answer that passed the settings ends a pause: a judgement on the order.
            Verdict::Delivered(_)
            | Verdict::Accepted(_)
            | Verdict::Skipped(_)
            | Verdict::Rejected { .. } => {
                if pause.take().is_some() {
                    let code = "network_resumed";
                    tracing::info!(code, network = N::NAME, "orders are sent again");
                }
                self.courier.metrics().paused(false);
            }
            _ => {}
        }
    }

    async fn look_up(&mut self) -> Event {
        let asked = self.now();
        let lookup = match self.load.as_ref().and_then(|(report, recovery)| {
            recovery.read_back().map(|read_back| (*report, read_back))
        }) {
            Some((report, read_back)) => {
                let request = (read_back.ask)(&self.configured.network, report);
                match self.courier.sender.send(&request, asked).await {
                    Sent::Answered(answer) => {
                        (read_back.read)(&self.configured.network, report, &answer)
                    }
                    Sent::NotSent(reason) | Sent::MaybeSent(reason) => Lookup::Failed { reason },
                }
            }
            None => Lookup::Failed { reason: Reason::new("no_lookup") },
        };
        let outcome = match &lookup {
            Lookup::Found { .. } => "found",
            Lookup::Absent => "absent",
            Lookup::Failed { reason } => reason.as_str(),
        };
        let order_id = &self.key.order_id;
        let network_ms = millis(self.now().since(asked));
        let code = "lookup";
        tracing::info!(code, order_id, network = N::NAME, outcome, network_ms, "asked the network");
        if let Lookup::Found { references } = &lookup {
            self.note.references.extend(references.clone());
        }
        Event::LookedUp { asked, lookup, deadline: self.call.deadline, chance: self.chance() }
    }

    async fn conflict(&mut self) -> Result<Outcome, Trouble> {
        if self.call.way == Way::Queue && !self.call.noted {
            while let Some(record) = self.record.take() {
                let chance = self.courier.surroundings.chance();
                let noted = record.with_conflict(self.now(), chance);
                match self.courier.ledger.put(&noted, Some(record.version)).await? {
                    Put::Written => self.record = Some(noted),
                    Put::Refused(held) => {
                        self.record = held.map(|record| *record);
                        continue;
                    }
                }
                break;
            }
        }
        self.courier.metrics().conflict();
        let (code, order_id) = ("conflict", &self.key.order_id);
        tracing::warn!(code, order_id, network = N::NAME, "the order came with other content");
        let mut unannounced = false;
        if self.call.way == Way::Queue
            && let Some(record) = &self.record
        {
            let announcement = Announcement::of_conflict(record);
            unannounced = self.courier.surroundings.announce(&announcement).await.is_err();
        }
        let mut outcome = self.said(None);
        outcome.conflict = true;
        outcome.unannounced = unannounced;
        Ok(outcome)
    }

    /// The ledger did not take what came of an attempt: it stays `sending`, which means maybe sent.
    fn unsettled(&self) -> Outcome {
        let (code, order_id) = ("outcome_not_recorded", &self.key.order_id);
        tracing::error!(code, order_id, network = N::NAME, "the ledger did not take the outcome");
        let until = self.protocol().map_or_else(|| self.now(), |protocol| protocol.dead_by);
        self.said(Some(until))
    }

    /// What is said to the caller, once the bus has heard of a change.
    async fn outcome(&self, wait_until: Option<Timestamp>) -> Outcome {
        let mut outcome = self.said(wait_until);
        if let Some(record) = &self.record
            && (self.changed || self.call.announce || self.is_repeated(record))
            && record.protocol.state.is_announced()
        {
            let announcement = Announcement::of(record);
            let told = match &self.told {
                Some((id, told)) if *id == announcement.id => *told,
                _ => self.courier.surroundings.announce(&announcement).await.is_ok(),
            };
            if !told {
                let (code, order_id) = ("outcome_not_announced", &self.key.order_id);
                tracing::error!(
                    code,
                    order_id,
                    network = N::NAME,
                    "the bus did not take the outcome"
                );
            }
            outcome.unannounced = !told;
        }
        outcome
    }

    /// A caller without an answer calls again: whoever took the order before may have died between
    /// the ledger and the bus.
    fn is_repeated(&self, record: &Record) -> bool {
        self.call.way == Way::Api && REPEATED.contains(&self.now().since(record.updated_at))
    }

    fn said(&self, wait_until: Option<Timestamp>) -> Outcome {
        let protocol = self.protocol();
        Outcome {
            line: None,
            state: protocol.map_or(State::Retrying, |protocol| protocol.state),
            reason: match protocol {
                Some(protocol) => protocol.reason.clone(),
                None => Some(Reason::new("no_time")),
            },
            attempt: protocol.map_or(0, |protocol| protocol.attempt),
            replayed: self.known_before && !self.sent && !self.changed,
            conflict: false,
            wait_until,
            unannounced: false,
            since: protocol.map(|protocol| protocol.since),
            changed: self.changed,
            newly_in_doubt: self.doubted && protocol.is_some_and(|protocol| protocol.in_doubt),
        }
    }
}

const fn is_arrival(event: &Event) -> bool {
    matches!(event, Event::Arrive { .. })
}

impl Outcome {
    /// There was nothing to report: nothing was written.
    pub(super) const fn skipped(reason: Reason) -> Self {
        Self {
            line: None,
            state: State::Skipped,
            reason: Some(reason),
            attempt: 0,
            replayed: false,
            conflict: false,
            wait_until: None,
            unannounced: false,
            since: None,
            changed: true,
            newly_in_doubt: false,
        }
    }

    /// The ledger did not say, after another line was told: the order comes again for this one.
    pub(super) const fn left_undone(line: Option<String>, now: Timestamp) -> Self {
        Self {
            line,
            state: State::Retrying,
            reason: Some(Reason::new("ledger_unavailable")),
            attempt: 0,
            replayed: false,
            conflict: false,
            wait_until: Some(now),
            unannounced: false,
            since: None,
            changed: false,
            newly_in_doubt: false,
        }
    }
}
