//! A month of a shop at ShopBack: what was returned is rejected, what was refunded in part is approved
//! with the rest, all to the minor unit, while functions are killed throughout.
//!
//! `MONTH_ORDERS=10000` makes it a whole shop's month; unless set, it has some hundred orders.
//!
//! More than 300 lines: a shop, its month and the world around it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, Key, Record, State},
};
use postback_faults::KillPlan;
use postback_harness::{FakeSweep, Function, INVISIBLE, TestBed};
use postback_runtime::{
    ledger::Filter,
    services::{DueValidation, VALIDATION_DUE},
};
use serde_json::{Value, json};
use shopback::ShopBack;
use sweep::Sweep;

use crate::month_reconciled::{is_reconciled, withdrawn};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);
/// The time between two sweeps: the default is an hour, and each reads the whole ledger.
const SWEEP_EVERY: Duration = Duration::from_hours(24);
const PERIOD_DAYS: u32 = 30;

/// An order as the shop has it at the end.
#[derive(Debug, Default)]
struct Expected {
    lock_at: Timestamp,
    /// The status and the amount in cents; `None` for one that ShopBack refused.
    validation: Option<(&'static str, i64)>,
    claim_back: i64,
}

/// Something that happens.
enum Happening {
    /// The shop's event is put on the queue. `false`: the function that takes it is not killed.
    Event(Value, bool),
    Sweep,
    /// The validation of this order alone is put on the queue, as by a sweep in that second.
    Due(String),
}

/// Returns whether the click of an order is unknown to `ShopBack`.
const fn is_unknown(number: u32) -> bool {
    number % 50 == 7
}

/// The shop's month.
struct Shop {
    happenings: Vec<(Timestamp, Happening)>,
    expected: BTreeMap<String, Expected>,
    random: fastrand::Rng,
}

fn cents(amount: i64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

impl Shop {
    fn new(orders: u32, begin: Timestamp) -> Self {
        let random = fastrand::Rng::with_seed(18);
        let mut shop = Self { happenings: Vec::new(), expected: BTreeMap::new(), random };
        for number in 0..orders {
            let at =
                begin + Duration::from_secs(u64::from(number) * 30 * 86_400 / u64::from(orders));
            shop.order(number, at);
        }
        let mut at = begin;
        let end = begin + DAY * (30 + PERIOD_DAYS + 8);
        while at < end {
            shop.happenings.push((at, Happening::Sweep));
            at = at + SWEEP_EVERY;
        }
        shop.happenings.sort_by_key(|(at, _)| *at);
        shop
    }

    fn happen(&mut self, at: Timestamp, event: Value, may_be_killed: bool) {
        self.happenings.push((at, Happening::Event(event, may_be_killed)));
    }

    /// A time within the return period, some hours before its end.
    fn some_time(&mut self, at: Timestamp) -> Timestamp {
        at + HOUR * self.random.u32(1..PERIOD_DAYS * 24 - 12)
    }

    /// Its completion, twice at times, and what comes back: 12 of 100 whole, 8 in part.
    fn order(&mut self, number: u32, at: Timestamp) {
        let id = format!("S-{number}");
        let total = self.random.i64(100..500_000);
        let is_unknown = is_unknown(number);
        let click = if is_unknown { "unknown" } else { "click" };
        let click = format!("{click}{number:0>width$}", width = 30 - click.len());
        let order = json!({
            "order_id": id, "status": "completed", "completed_at": at.to_string(),
            "currency": "INR", "total": cents(total),
            "clicks": { "shopback": { "transaction_id": click } },
        });
        let lock_at = at + DAY * PERIOD_DAYS;
        self.happen(at, order.clone(), true);
        // A completion after a cancellation would be a person's matter.
        if number % 100 >= 6 && number.is_multiple_of(5) {
            let again = self.some_time(at);
            self.happen(again, order.clone(), true);
        }
        let (mut validation, mut claim_back) = (("approved", total), 0);
        match number % 100 {
            0..6 => {
                let event = json!({ "order_id": id, "status": "cancelled" });
                let at = self.some_time(at);
                self.happen(at, event.clone(), true);
                self.happen(at + HOUR, event, true);
                validation = ("rejected", total);
            }
            6..12 => {
                // In parts that never come together.
                let first = total / 3;
                for part in [[("r-1", first)], [("r-2", total - first)], [("r-1", first)]] {
                    self.refund(&order, at, &part, None);
                }
                validation = ("rejected", total);
            }
            12..20 => {
                let (first, second) = (total / 7 + 1, total / 9);
                let parts = [("r-1", first), ("r-2", second)];
                // Both together, then each alone, doubled and out of order.
                self.refund(&order, at, &parts, None);
                self.refund(&order, at, &parts[1..], None);
                self.refund(&order, at, &parts[..1], None);
                validation = ("approved", total - first - second);
                if number % 100 < 14 {
                    self.refund(&order, at, &[("r-3", 7)], Some(lock_at - SECOND));
                    self.happenings.push((lock_at, Happening::Due(id.clone())));
                    validation.1 -= 7;
                }
            }
            20..22 => {
                self.refund(&order, at, &[("late", 11)], Some(lock_at + DAY * 4));
                claim_back = 11;
            }
            _ => {}
        }
        let (validation, claim_back) =
            if is_unknown { (None, 0) } else { (Some(validation), claim_back) };
        self.expected.insert(id, Expected { lock_at, validation, claim_back });
    }

    fn refund(
        &mut self,
        order: &Value,
        completed_at: Timestamp,
        parts: &[(&str, i64)],
        at: Option<Timestamp>,
    ) {
        let mut order = order.clone();
        let parts = parts.iter().map(|(id, amount)| json!({ "id": id, "amount": cents(*amount) }));
        order["refunds"] = parts.collect();
        let when = at.unwrap_or_else(|| self.some_time(completed_at));
        self.happen(when, order, at.is_none());
    }
}

/// The function in its world.
struct World {
    bed: TestBed,
    endpoint: String,
    function: Function<ShopBack>,
    random: fastrand::Rng,
    kills: u32,
    kills_of_the_sweep: u32,
    /// Those that the last sweep took which was not killed.
    steps_of_a_sweep: u32,
    /// Those of a sweep that had put validations on the queue.
    kills_of_a_putting_sweep: u32,
}

impl World {
    async fn new() -> Self {
        let bed = TestBed::new(18).await;
        let endpoint = format!("{}/shopback", bed.sandbox.base_url());
        let secret = json!({
            "offer_id": 1234, "security_token": "fake0token0fake0token0fake0token",
            "adv_sub2": "{currency}",
            "validation": { "offer_id": 4321, "aff_id": 77, "return_period_days": PERIOD_DAYS },
        });
        let function = bed.function_at(&endpoint, &secret.to_string()).await;
        let random = fastrand::Rng::with_seed(1);
        let (kills, kills_of_the_sweep, kills_of_a_putting_sweep) = (0, 0, 0);
        Self {
            bed,
            endpoint,
            function,
            random,
            kills,
            kills_of_the_sweep,
            steps_of_a_sweep: 0,
            kills_of_a_putting_sweep,
        }
    }

    /// Takes what is visible. One invocation in six is killed somewhere.
    async fn work(&mut self, may_be_killed: bool) {
        loop {
            let messages = self.function.services.receive(10, INVISIBLE);
            if messages.is_empty() {
                return;
            }
            let is_killed = may_be_killed && self.random.u8(..6) == 0;
            let steps = if is_killed { vec![self.random.u32(..40)] } else { Vec::new() };
            let plan = KillPlan::killed_at(&steps);
            let taken = plan.guard(Box::pin(self.function.take(&messages))).await;
            if taken.is_none() {
                self.kills += 1;
                let services = self.function.services.clone();
                self.function = self.bed.instance(&self.endpoint, services).await;
            }
        }
    }

    /// Works on until nothing waits for less than an hour.
    async fn settle(&mut self, may_be_killed: bool) {
        self.work(may_be_killed).await;
        let end = self.bed.now() + HOUR;
        while let Some(at) = self.function.services.next_visible().filter(|at| *at <= end) {
            self.bed.advance_to(at);
            self.work(may_be_killed).await;
        }
    }

    /// Sweeps. One sweep in three is killed somewhere, and called again.
    async fn sweep(&mut self) {
        let counts = loop {
            let sweep = Sweep::new(FakeSweep::new(&self.bed));
            // Half of them near the end, where it puts what is due on the queue.
            let last = self.steps_of_a_sweep;
            let near = if self.random.bool() { last.min(4) } else { last };
            let at = last.saturating_sub(self.random.u32(..=near));
            let steps = if self.random.u8(..3) == 0 { vec![at] } else { Vec::new() };
            let plan = KillPlan::killed_at(&steps);
            let swept = sweep.sweep(self.bed.now() + HOUR);
            let counts = plan.clone().guard(Box::pin(swept)).await;
            let put = sweep.into_services().due();
            self.kills_of_a_putting_sweep += u32::from(counts.is_none() && !put.is_empty());
            self.kills_of_the_sweep += u32::from(counts.is_none());
            for message in put {
                self.function.services.enqueue(message);
            }
            if let Some(counts) = counts {
                self.steps_of_a_sweep = plan.steps();
                break counts.expect("a sweep");
            }
        };
        self.settle(true).await;
        let held = counts.get("shopback").is_some_and(|counts| counts.validations_held > 0);
        if held {
            self.decide().await;
        }
    }

    async fn due(&mut self, order_id: String) {
        let key = Key::known(order_id, "shopback", None).validation();
        let detail = DueValidation { order_id: key.order_id, delivery: key.delivery };
        let message = json!({ "detail-type": VALIDATION_DUE, "detail": detail });
        self.function.services.enqueue(message.to_string());
        self.settle(true).await;
    }

    /// A person looks at ShopBack for each validation whose answer nobody knows.
    async fn decide(&self) {
        let there = self.bed.sandbox.validations().into_iter();
        let there: BTreeSet<_> = there.map(|mut one| one.ids.remove("adv_sub")).collect();
        let doubts = self.all(Some(State::Unconfirmed)).await.into_iter();
        for record in doubts.filter(Record::is_validation) {
            let is_there = there.contains(&Some(record.order_id.clone()));
            let decision = if is_there { Decision::Confirm } else { Decision::PermitSending };
            self.bed.decide(&record.key(), decision).await;
        }
    }

    /// Everything in the ledger, or what is in this state.
    async fn all(&self, state: Option<State>) -> Vec<Record> {
        let ledger = self.bed.table.ledger_within(HOUR);
        let filter = Filter { validations: true, state, ..Filter::default() };
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = ledger.scan(&filter, after.as_ref()).await.expect("the ledger");
            all.extend(page.records);
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    }
}

/// A month of so many orders, and the time until all of them are validated.
async fn month(orders: u32) -> (World, Shop) {
    let mut world = World::new().await;
    let mut shop = Shop::new(orders, world.bed.now());
    for (at, happening) in std::mem::take(&mut shop.happenings) {
        if at > world.bed.now() {
            world.bed.advance_to(at);
        }
        match happening {
            Happening::Event(event, may_be_killed) => {
                world.function.enqueue(&event);
                if may_be_killed {
                    world.work(true).await;
                } else {
                    world.settle(false).await;
                }
            }
            Happening::Sweep => world.sweep().await,
            Happening::Due(id) => world.due(id).await,
        }
    }
    for event in withdrawn() {
        world.function.enqueue(&event);
    }
    for _ in 0..3 {
        world.sweep().await;
        world.bed.advance(DAY);
    }
    (world, shop)
}

#[tokio::test]
async fn a_month_is_approved_and_rejected_to_the_minor_unit() {
    let orders = std::env::var("MONTH_ORDERS").ok().and_then(|count| count.parse().ok());
    let orders: u32 = orders.unwrap_or(200);
    let (world, shop) = month(orders).await;

    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for one in world.bed.sandbox.validations() {
        assert_eq!(one.breach, None, "{one:?}");
        found.entry(one.ids["adv_sub"].clone()).or_default().push(one);
    }
    let mut claims = BTreeMap::new();
    for record in world.all(None).await.into_iter().filter(Record::is_validation) {
        if let Some(back) = record.protocol.claim_back() {
            claims.insert(record.order_id.clone(), back.to_string());
        }
    }
    for (id, expected) in &shop.expected {
        let validations = found.remove(id).unwrap_or_default();
        let own = validations.first().map(|one| (one.status.as_str(), one.amount.clone()));
        let shortest =
            |amount: i64| cents(amount).trim_end_matches('0').trim_end_matches('.').to_owned();
        let wanted = expected.validation.map(|(status, amount)| (status, shortest(amount)));
        let key = Key::known(id.clone(), "shopback", None).validation();
        let held = world.function.record_of(&key).await.map(|record| record.protocol);
        assert_eq!(own, wanted, "{id}: {held:#?}");
        assert!(validations.len() <= 1, "{id} was validated twice: {validations:?}");
        let lock_at = u64::try_from(expected.lock_at.as_millis()).expect("after 1970");
        assert!(validations.iter().all(|one| one.at_ms >= lock_at), "{id} before its lock");
        let back = claims.get(id).cloned();
        let wanted = (expected.claim_back > 0).then(|| "0.11".to_owned());
        assert_eq!(back, wanted, "{id}");
    }
    assert!(found.is_empty(), "what was not reported was validated: {found:?}");
    assert!(world.kills > orders / 10, "{} kills", world.kills);
    let (sweeps, putting) = (world.kills_of_the_sweep, world.kills_of_a_putting_sweep);
    assert!(sweeps > 10 && putting > 0, "{sweeps} kills of the sweep, {putting} while it put");
    let (kills, claims_back) = (world.kills, claims.len());
    println!(
        "{orders} orders, {kills} kills, {sweeps} of the sweep, {putting} of them while it put, {claims_back} claims back"
    );

    // Nothing comes back of these, and ShopBack takes them.
    let is_plain = |id: &str| {
        let number: Option<u32> = id.strip_prefix("S-").and_then(|number| number.parse().ok());
        number.is_some_and(|number| (30..90).contains(&(number % 100)) && !is_unknown(number))
    };
    let refused = shop.expected.values().filter(|expected| expected.validation.is_none()).count();
    is_reconciled(
        &world.bed,
        &world.all(None).await,
        is_plain,
        (claims.len() as u64, refused as u64),
    );
}
