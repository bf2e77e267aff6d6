//! The exchange with the network: the request of an attempt or a lookup, and the meaning of its
//! answer.

use postback_core::{
    clock::Timestamp,
    delivery::{
        Attempt, Delivery, Event, Judgement, Key, Lookup, Note, Others, Scope, State, Then,
        Verdict, judge,
    },
    network::{Classification, Network, RecoveryPlan, Sought},
    redaction::{Details, Reason},
};

use super::Driver;
use crate::{
    client::SendResult,
    dispatch::{Configured, Dispatcher, attempt::AttemptTrace, breaker},
    ledger::{LedgerError, Updated},
    metrics::millis,
    services::Services,
};

impl<N: Network, S: Services> Driver<'_, N, S> {
    /// Sends one attempt.
    pub(super) async fn send(&mut self, attempt: &Attempt) -> Event {
        let (started, mut status) = (self.now(), None);
        // The claim itself may have taken long: past this, the sender might outlive its claim.
        let is_void = self.dispatcher.is_line_void(&self.key, self.order).await;
        let unsent = match is_void {
            _ if started + self.policy.need > self.trigger.deadline => Some("no_time"),
            Err(_) => Some("ledger_unavailable"),
            // The write beside the claim failed: the attempt ends unsent, and the order waits.
            _ if !self.has_noted_click() => Some("ledger_unavailable"),
            Ok(true) => Some("order_changed"),
            Ok(false) => None,
        };
        let classification = if let Some(reason) = unsent {
            Verdict::Retry { reason: Reason::new(reason), after: None, sent: false }.into()
        } else {
            self.sent = true;
            let request = self.configured.network.request(self.report, attempt);
            let sender = self.dispatcher.sender.with_idle(self.policy.recovery.idle());
            let Dispatcher { settings, services, .. } = self.dispatcher;
            let result = settings.read_during(services, sender.send(&request, started)).await;
            if let SendResult::Answered(answer) = &result {
                status = Some(answer.status);
            }
            let classification = self.classify(&result, attempt);
            let classification = self.resolve_duplicate(classification, attempt).await;
            self.resolve_retry_once(classification)
        };
        let Classification { verdict, references, details } = classification;
        let now = self.now();
        let trace = AttemptTrace {
            attempt: attempt.number,
            status,
            network_time: self.sent.then(|| now.since(started)),
            total_time: now.since(self.started_at),
        };
        trace.record(N::NAME, &self.key, &verdict, &mut self.dispatcher.metrics());
        // An attempt that was held back here is no evidence about the network.
        if unsent.is_none() {
            self.update_breaker(attempt.number, &verdict, status);
        }
        self.note.references = references;
        self.note.details = details;
        self.note.attempt = Some(attempt.number);
        Event::Settle {
            attempt: attempt.number,
            verdict,
            settings: self.configured.version.clone(),
            jitter: self.dispatcher.jitter(),
        }
    }

    /// Replaces a "duplicate" by the judgement on it. Where the ledger does not answer, the doubt
    /// stays.
    async fn resolve_duplicate(
        &self,
        classification: Classification,
        attempt: &Attempt,
    ) -> Classification {
        if classification.verdict != Verdict::Duplicate {
            return classification;
        }
        let Classification { references, details, .. } = classification;
        let Ok(Judgement { verdict, other }) = self.judge(attempt).await else {
            let reason = Reason::new("ledger_unavailable");
            let verdict = Verdict::Retry { reason, after: None, sent: true };
            return Classification { verdict, references, details };
        };
        let details = match other {
            Some(other) => details.id("click_used_by", &other),
            None => details,
        };
        Classification { verdict, references, details }
    }

    /// Parks an order that has had its one retry after this answer.
    fn resolve_retry_once(&self, classification: Classification) -> Classification {
        let Verdict::RetryOnce { reason, after } = &classification.verdict else {
            return classification;
        };
        let had_it = self.record.as_ref().is_some_and(|record| record.has_ended_with(reason));
        let verdict = if had_it {
            Verdict::Parked { reason: reason.clone(), scope: Scope::Delivery, probe: false }
        } else {
            Verdict::Retry { reason: reason.clone(), after: *after, sent: true }
        };
        Classification { verdict, ..classification }
    }

    /// The network took an attempt of which the ledger had said otherwise meanwhile: a person should see it.
    pub(super) fn note_late_success(&self, settled: &Updated<Then>) {
        let was_denied =
            |before: &Delivery| before.is_certainly_absent() || before.state == State::Abandoned;
        let before = settled.before.as_ref().map(|record| &record.protocol);
        let after = settled.after.as_ref().map(|record| &record.protocol);
        let Some(before) = before.filter(|before| was_denied(before)) else { return };
        if after.is_some_and(|after| after.state.is_success()) {
            self.dispatcher.metrics().record_unclear_refusal();
            let (code, order_id, was) = ("late_success", &self.key.order_id, before.state.as_str());
            tracing::error!(
                code,
                order_id,
                network = N::NAME,
                was,
                "the network took it after all"
            );
        }
    }

    fn classify(&self, result: &SendResult, attempt: &Attempt) -> Classification {
        let SendResult::Answered(answer) = result else {
            return result
                .unanswered()
                .map_or_else(|| Verdict::unconfirmed("connection_lost").into(), Into::into);
        };
        let mut classification = self.configured.network.verdict(self.report, answer, attempt);
        let status = Details::none().number("http_status", answer.status);
        classification.details.extend(status);
        classification
    }

    /// Asks the network for the delivery.
    pub(super) async fn look_up(&mut self) -> Event {
        let (dispatcher, configured) = (self.dispatcher, self.configured);
        let (plan, sought) = (&self.recovery, Sought::Report(self.report));
        let asked = dispatcher.look_up(configured, plan, &sought, &self.key, self.trigger.deadline);
        let (event, note) = asked.await;
        self.note = Note { click_noted: self.note.click_noted, ..note };
        event
    }

    /// Opens or closes the circuit breaker by the network's answer.
    fn update_breaker(&self, attempt: u32, verdict: &Verdict, status: Option<u16>) {
        let (order_id, settings) = (&self.key.order_id, &self.configured.version);
        // A doubt that is held does not come again by itself.
        let is_held = self.holds_doubts() && matches!(verdict, Verdict::Unconfirmed { .. });
        let comes_again = attempt > 1 && !is_held;
        let mut breaker = self.dispatcher.breaker();
        let change = breaker.learn(order_id, comes_again, verdict, status, settings, self.now());
        if breaker.last_ended_well() {
            self.dispatcher.metrics().record_paused(false);
        }
        match change {
            Some(breaker::Change::Opened(reason)) => {
                let (code, reason) = ("network_paused", reason.as_str());
                tracing::warn!(code, network = N::NAME, reason, "the circuit breaker opened");
            }
            Some(breaker::Change::Closed) => {
                let code = "network_resumed";
                tracing::info!(code, network = N::NAME, "the circuit breaker closed");
            }
            None => {}
        }
    }

    /// Judges a "duplicate" by the records of the other orders that used the click.
    async fn judge(&self, attempt: &Attempt) -> Result<Judgement, LedgerError> {
        let ledger = &self.dispatcher.ledger;
        let Some(click) = N::click(self.report) else {
            return Ok(judge(attempt.in_doubt, "", &Others::default()));
        };
        let uses = ledger.click_uses(N::NAME, click).await?;
        let own = N::facts(self.order);
        let mut records = Vec::new();
        for order_id in uses.order_ids.into_iter().filter(|id| *id != self.key.order_id) {
            let key = Key::known(order_id.clone(), N::NAME, self.key.line());
            let record = ledger.get(&key).await?;
            // One that came with this click, too, but holds another one: a conflict.
            if record.as_ref().is_none_or(|record| own.agree(&record.protocol.facts)) {
                records.push((order_id, record));
            }
        }
        let claim = self.protocol().and_then(|held| held.claim.as_ref());
        let scope = claim.map_or("", |claim| &claim.scope);
        Ok(judge(attempt.in_doubt, scope, &Others { records, many: uses.many }))
    }
}

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Asks the network for a delivery. Returns the event, and the note of its write.
    pub(in crate::dispatch) async fn look_up(
        &self,
        configured: &Configured<N>,
        plan: &RecoveryPlan<N>,
        sought: &Sought<'_, N::Report>,
        key: &Key,
        deadline: Timestamp,
    ) -> (Event, Note) {
        let asked = self.services.now();
        let network = &configured.network;
        let unanswered = |reason| Lookup::Failed { reason };
        let sender = self.sender.with_idle(plan.recovery().idle());
        let lookup = match plan.lookup_request(network, sought) {
            None => unanswered(Reason::new("no_lookup")),
            Some(request) => match sender.send(&request, asked).await {
                SendResult::Answered(answer) => {
                    let read = plan.read_lookup(network, sought, &answer);
                    read.unwrap_or_else(|| unanswered(Reason::new("no_lookup")))
                }
                SendResult::NotSent(reason) | SendResult::MaybeSent(reason) => unanswered(reason),
            },
        };
        let result = lookup.result();
        let (code, order_id, outcome) = ("lookup", &key.order_id, result.as_str());
        let network_ms = millis(self.services.now().since(asked));
        tracing::info!(code, order_id, network = N::NAME, outcome, network_ms, "asked the network");
        let references = match &lookup {
            Lookup::Found { references } => references.clone(),
            _ => Details::none(),
        };
        let note = Note { references, lookup: Some(result), ..Note::default() };
        let is_plannable = matches!(sought, Sought::Report(_));
        let jitter = self.jitter();
        (Event::LookedUp { asked, lookup, is_plannable, deadline, jitter }, note)
    }
}
