//! Sweeps the ledger on a schedule: nothing open goes unwatched.
//!
//! It counts what is open, what is held for a person, what has no message and which permissions
//! have had no attempt, by network with the oldest age and the money, as metrics whose alarms stay
//! on while they wait. It turns an expired claim into `unconfirmed`, the one event that needs no
//! order, and writes nothing else. A delivery that no validation follows yet is put on its network's
//! queue: a person confirmed it, or its sender died before it wrote one.

use std::{collections::BTreeMap, time::Duration};

use lambda_runtime::Error;
use postback_core::{
    clock::Timestamp,
    delivery::{Key, MoneyStanding, PartialView, Record},
};
use postback_runtime::{
    lambda::ScheduleHandler,
    ledger::Filter,
    metrics::{Gauge, gauges},
    services::{DueValidation, SweepServices},
};
use rust_decimal::Decimal;

mod expired;
mod unfollowed;

use expired::Expired;
use unfollowed::{Unfollowed, Wanted};

/// The age of the last write of a delivery that is looked at for its validation. A sweep comes every
/// hour, so none is missed; older ones would only cost time.
const FOLLOWED_WITHIN: Duration = Duration::from_hours(24 * 30);

/// The counts of one network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// The deliveries that are not final.
    pub open: u32,
    /// The deliveries that wait for a person.
    pub held: u32,
    /// The deliveries that are open without a message.
    pub unwatched: u32,
    /// The items that could not be read: they count as open.
    pub unreadable: u32,
    /// The permissions to send again without an attempt.
    pub permitted: u32,
    /// The age of the oldest open delivery.
    pub oldest: Duration,
    /// The money of the held deliveries, by currency.
    pub money: BTreeMap<String, Decimal>,
    /// The validations that wait for a person, or have been due for more than a day.
    pub validations_held: u32,
    /// The validations of which something is to be claimed back that no person has acknowledged.
    pub claim_backs: u32,
    /// The money by its standing at the network, and currency.
    pub validated: BTreeMap<(Money, String), Decimal>,
    /// True if something is or may be validated there.
    pub validates: bool,
}

/// The standing of money at a network, by the validation or by the network's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Money {
    /// Reported, and not validated yet.
    Pending,
    /// Approved.
    Validated,
    /// Rejected.
    Rejected,
    /// Come back after the network took it, and not acknowledged.
    ToClaimBack,
}

/// The validations that are to be put, by network.
type Due = BTreeMap<String, Vec<DueValidation>>;

/// Sweeps the ledger.
#[derive(Debug)]
pub struct Sweep<S> {
    services: S,
}

impl<S: SweepServices> Sweep<S> {
    /// A sweep over `services`.
    pub const fn new(services: S) -> Self {
        Self { services }
    }

    /// The services, given back.
    pub fn into_services(self) -> S {
        self.services
    }

    /// Reads the whole ledger once.
    pub async fn sweep(&self, deadline: Timestamp) -> Result<BTreeMap<String, Counts>, Error> {
        let ledger = self.services.ledger();
        // A network without open deliveries is measured, too: a 0 ends its alarms.
        let networks = self.services.networks().into_iter();
        let mut counts: BTreeMap<_, _> = networks.map(|name| (name, Counts::default())).collect();
        for name in self.services.validating() {
            counts.entry(name).or_default().validates = true;
        }
        let (mut cursor, mut due, mut unfollowed) = (None, BTreeMap::new(), Unfollowed::default());
        let mut expired = Expired::default();
        let filter = Filter::watched(self.services.now() - FOLLOWED_WITHIN);
        loop {
            if self.services.now() + Duration::from_secs(10) > deadline {
                return Err("the time ended before the ledger: more memory is faster".into());
            }
            let page = ledger.scan(&filter, cursor.as_ref()).await?;
            unfollowed.leave_out(&page.unreadable);
            for record in page.records {
                self.put_all(&mut due, unfollowed.before(&record)).await;
                unfollowed.add(&record);
                let record = expired.end(record, &self.services).await;
                let counts = counts.entry(record.network().to_owned()).or_default();
                let now = self.services.now();
                counts.add_money(&record);
                if record.is_validation() {
                    counts.add_validation(&record, now);
                    if record.is_validation_due(now) {
                        self.put_validation(&mut due, record.network(), record.key()).await;
                    }
                } else {
                    counts.add(&record, now);
                }
            }
            for partial in page.unreadable {
                let counts = counts.entry(partial.network.clone()).or_default();
                counts.add_unreadable(&partial, self.services.now());
            }
            cursor = page.next;
            if cursor.is_none() {
                self.put_all(&mut due, unfollowed.take()).await;
                for (network, due) in &due {
                    self.put_validations(network, due).await;
                }
                return Ok(counts);
            }
        }
    }

    /// Puts the validations that are to be begun on their networks' queues.
    async fn put_all(&self, due: &mut Due, wanted: Wanted) {
        for (key, network) in wanted {
            self.put_validation(due, &network, key).await;
        }
    }

    /// Puts a validation that is due on its network's queue, with others as soon as they are as many
    /// as one call takes: of a network that was paused for weeks there are ten thousands.
    async fn put_validation(&self, due: &mut Due, network: &str, key: Key) {
        let Key { order_id, delivery } = key;
        let own = due.entry(network.to_owned()).or_default();
        own.push(DueValidation { order_id, delivery });
        if own.len() == DueValidation::AT_ONCE {
            self.put_validations(network, &std::mem::take(own)).await;
        }
    }

    /// Puts validations on their network's queue. Should it fail, the next sweep repeats it.
    async fn put_validations(&self, network: &str, due: &[DueValidation]) {
        if due.is_empty() {
            return;
        }
        let taken = self.services.put_validations(network, due).await.unwrap_or(0);
        if taken < due.len() {
            let (code, count) = ("validation_not_put", due.len() - taken);
            tracing::error!(code, count, network, "the next sweep repeats it");
        }
    }
}

impl<S: SweepServices> ScheduleHandler for Sweep<S> {
    async fn handle(&self, deadline: Timestamp) -> Result<(), Error> {
        let counts = self.sweep(deadline).await?;
        for (network, counts) in &counts {
            for document in
                gauges(&self.services.stack(), network, self.services.now(), &counts.gauges())
            {
                self.services.measure(&document);
            }
        }
        Ok(())
    }
}

impl Counts {
    fn add(&mut self, record: &Record, now: Timestamp) {
        let delivery = &record.protocol;
        let permitted = delivery.permission.as_ref().is_some_and(|given| now < given.until);
        self.permitted += u32::from(permitted);
        if delivery.state.is_final() {
            return;
        }
        self.open += 1;
        self.oldest = self.oldest.max(now.since(delivery.first_seen_at));
        if record.is_held() {
            self.held += 1;
            if let Some((amount, currency)) = record.money() {
                let sum = self.money.entry(currency.to_owned()).or_default();
                *sum = sum.saturating_add(amount.parse().unwrap_or_default());
            }
        } else if record.is_unwatched(now) {
            self.unwatched += 1;
        }
    }

    /// Counts a validation: those that wait for a person, and those of which something came back.
    fn add_validation(&mut self, record: &Record, now: Timestamp) {
        self.validates = true;
        self.validations_held += u32::from(record.is_validation_held(now));
        self.claim_backs += u32::from(record.open_claim_back().is_some());
    }

    /// Counts the money of a delivery or a validation by its standing at the network, whose own word
    /// it may be.
    fn add_money(&mut self, record: &Record) {
        let mut add = |standing, amount: Decimal, currency: &str| {
            let sum = self.validated.entry((standing, currency.to_owned())).or_default();
            *sum = sum.saturating_add(amount);
        };
        if let Some((standing, amount, currency)) = record.validated_money() {
            match standing {
                MoneyStanding::Pending => add(Money::Pending, amount, currency),
                MoneyStanding::Validated => add(Money::Validated, amount, currency),
                MoneyStanding::Rejected => add(Money::Rejected, amount, currency),
                // Nothing more comes of one that a person gave up.
                MoneyStanding::GivenUp => {}
            }
        }
        if let (Some(back), Some((_, currency))) = (record.open_claim_back(), record.money()) {
            add(Money::ToClaimBack, back, currency);
        }
    }

    /// Counts a delivery that this version can't read: as open, since nobody says that it is final.
    fn add_unreadable(&mut self, partial: &PartialView, now: Timestamp) {
        self.unreadable += 1;
        self.open += 1;
        let age = partial.first_seen_at.map_or(Duration::ZERO, |first_seen| now.since(first_seen));
        self.oldest = self.oldest.max(age);
    }

    fn gauges(&self) -> Vec<Gauge> {
        let mut gauges = vec![
            Gauge::count("OpenDeliveries", self.open),
            Gauge::count("HeldDeliveries", self.held),
            Gauge::count("UnwatchedDeliveries", self.unwatched),
            Gauge::count("PermittedDeliveries", self.permitted),
            Gauge::count("UnreadableItems", self.unreadable),
            Gauge::seconds("OldestOpenAge", self.oldest),
        ];
        gauges.extend(
            self.money.iter().map(|(currency, sum)| Gauge::money("HeldAmount", currency, *sum)),
        );
        gauges.extend(self.validated.iter().map(|((money, currency), sum)| match money {
            Money::Pending => Gauge::money("MoneyPending", currency, *sum),
            Money::Validated => Gauge::money("MoneyValidated", currency, *sum),
            Money::Rejected => Gauge::money("MoneyRejected", currency, *sum),
            Money::ToClaimBack => Gauge::money("MoneyToClaimBack", currency, *sum),
        }));
        // Nothing is measured where nothing is validated: each metric costs.
        if self.validates {
            gauges.push(Gauge::count("HeldValidations", self.validations_held));
            gauges.push(Gauge::count("OpenClaimBacks", self.claim_backs));
        }
        gauges
    }
}
