//! The validation of what a network took: its item follows the delivery, and is called once the
//! return period is over. The sweep says when.

use postback_core::{
    clock::Timestamp,
    delivery::{
        Attempt, Due, Event, Facts, Followed, Key, Note, Policy, RETENTION, Record, Recovery,
        Reported, Terms, Then, Verdict,
    },
    network::{Classification, Network, Part, ValidationPlan},
    order::Order,
    redaction::{Details, Reason},
};

use super::{Configured, DeliverError, Dispatcher, attempt::AttemptTrace};
use crate::{
    client::SendResult,
    ledger::{UpdateError, Updated},
    services::Services,
};

/// The numbers of a validation: nothing de-duplicates it, so a lost answer is held, and it is tried
/// for as long as the ledger remembers it.
fn policy<N: Network>() -> Policy {
    let policy = Policy::new(Recovery::Hold, N::TIMEOUT, N::LAG);
    Policy { budget: RETENTION, ..policy }
}

/// The seconds of the settings' unit.
const A_DAY: u64 = 24 * 3_600;

/// The content that an attempt would report, where it is to be validated.
pub(super) fn reported<N: Network>(
    configured: &Configured<N>,
    order: &Order,
    part: &Part<N::Report>,
    facts: &Facts,
) -> Option<Reported> {
    let plan = configured.network.validation()?;
    let amount = facts.reported_amount()?;
    let days = u32::try_from(plan.terms.return_period.as_secs() / A_DAY).ok();
    Some(Reported {
        amount: amount.parse().ok()?,
        currency: order.currency.code().to_owned(),
        completed_at: order.completed_at,
        ids: plan.ids(&configured.network, &part.report),
        differs: false,
        workbook_days: days.filter(|_| plan.by_workbook),
    })
}

/// The delivery as its validation follows it.
fn followed(record: &Record, terms: Terms) -> Option<Followed> {
    let followed = Followed::of(&record.protocol, record.version, terms)?;
    Some(Followed { standing: record.standing(), ..followed })
}

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Writes on the validation what its delivery says. `is_new` is true where there is none yet, as
    /// far as is known.
    pub(super) async fn follow(
        &self,
        record: &Record,
        configured: &Configured<N>,
        is_new: bool,
    ) -> Result<(), UpdateError> {
        let Some(plan) = configured.network.validation() else { return Ok(()) };
        let Some(followed) = followed(record, plan.terms) else {
            return Ok(());
        };
        if !record.protocol.state.is_success() {
            return Ok(());
        }
        let key = record.key().validation();
        let held = if is_new { None } else { self.ledger.get(&key).await? };
        self.apply_validation(&key, held, &Event::Follow(Box::new(followed)), Note::default())
            .await
            .map(|_| ())
    }

    /// Validates what is due of one delivery. Whatever stays undone comes again with the next sweep.
    pub async fn validate(&self, key: &Key, deadline: Timestamp) -> Result<(), DeliverError> {
        let configured = self.settings.current(&self.services, false).await;
        let plan = configured.network.validation().filter(|plan| !plan.by_workbook);
        let (Some(plan), Some(delivery)) = (plan, key.validated()) else {
            return Ok(());
        };
        // A person holds every call to the network, or it has no settings; the sweeps go on bringing it.
        if configured.is_faulty || self.is_paused().await {
            return Ok(());
        }
        // One at a time: an outage then costs few doubts.
        let mut breaker = self.validating.lock().await;
        let mut held = self.ledger.get(key).await.map_err(UpdateError::from)?;
        // What the delivery knows by now, another person's decision included.
        let record = self.ledger.get(&delivery).await.map_err(UpdateError::from)?;
        let followed = record.as_ref().and_then(|record| followed(record, plan.terms));
        if let Some(followed) = followed {
            let event = Event::Follow(Box::new(followed));
            held = self.apply_validation(key, held, &event, Note::default()).await?.after;
        }
        let now = self.services.now();
        let circuit = breaker.check(&key.order_id, true, &configured.version, now);
        let event = Event::Validate(Due {
            terms: plan.terms,
            deadline,
            settings: configured.version.clone(),
            open: circuit.open(),
        });
        let claimed = self.apply_validation(key, held, &event, Note::default()).await?;
        let (Then::Send(attempt), Some(record)) = (&claimed.value, &claimed.after) else {
            breaker.give_back(&circuit, self.services.now());
            return Ok(());
        };
        let (classification, status) =
            self.call(&configured, &plan, record, *attempt, deadline).await;
        let Classification { verdict, references, details } = classification;
        if status.is_some() || !matches!(verdict, Verdict::Retry { .. }) {
            let (order, settings) = (&key.order_id, &configured.version);
            let _logged =
                breaker.learn(order, false, &verdict, status, settings, self.services.now());
        }
        let note = Note { references, details, attempt: Some(attempt.number), ..Note::default() };
        let event = Event::Settle {
            attempt: attempt.number,
            verdict,
            settings: configured.version.clone(),
            jitter: (self.services.random() >> 32) as u32,
        };
        // Should this fail, the claim's expiry makes it a doubt.
        self.apply_validation(key, claimed.after.clone(), &event, note).await?;
        Ok(())
    }

    /// Sends the call that was claimed.
    async fn call(
        &self,
        configured: &Configured<N>,
        plan: &ValidationPlan<N>,
        record: &Record,
        attempt: Attempt,
        deadline: Timestamp,
    ) -> (Classification, Option<u16>) {
        let started = self.services.now();
        let held = &record.protocol;
        let call = held.validation.as_ref().and_then(|validation| validation.call.as_ref());
        let (Some(call), Some(reported)) = (call, &held.reported) else {
            return (Verdict::rejected("not_reported").into(), None);
        };
        // The claim itself may have taken long: past this, the sender might outlive its claim.
        if started + policy::<N>().need > deadline {
            let reason = Reason::new("no_time");
            return (Verdict::Retry { reason, after: None, sent: false }.into(), None);
        }
        let request = plan.request(&configured.network, &reported.ids, call);
        let result = self.sender.send(&request, started).await;
        let (classification, status) = match &result {
            SendResult::Answered(answer) => {
                let mut read = plan.classify(&configured.network, answer);
                read.details.extend(Details::none().number("http_status", answer.status));
                (read, Some(answer.status))
            }
            other => {
                let verdict = other.unanswered();
                let lost = || Verdict::unconfirmed("connection_lost");
                (verdict.unwrap_or_else(lost).into(), None)
            }
        };
        let ended = self.services.now().since(started);
        let trace = AttemptTrace {
            attempt: attempt.number,
            status,
            network_time: Some(ended),
            total_time: ended,
        };
        trace.record(N::NAME, &record.key(), &classification.verdict, &mut self.metrics());
        (classification, status)
    }

    async fn apply_validation(
        &self,
        key: &Key,
        held: Option<Record>,
        event: &Event,
        note: Note,
    ) -> Result<Updated<Then>, UpdateError> {
        self.apply(key, held, event, &policy::<N>(), note, true).await
    }
}
