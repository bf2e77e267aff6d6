//! CashMyCell is dead for an hour, under five orders a second on ten instances, by the test bed's
//! clock: it holds what it does not confirm, so each request that hangs costs a person a look.
//! `make dead-hour` prints the figures. Without optimisation, where each order costs milliseconds, only
//! the first minute has them all; `make dead-hour` has an hour of them.

use std::{collections::BTreeMap, time::Duration};

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use futures_util::future::join_all;
use postback_core::{delivery::State, network::Network as _};
use postback_harness::{Function, INVISIBLE, Patience, TestBed, order_event};
use postback_integration::bare;
use postback_runtime::ledger::Filter;
use postback_sandbox::{Fault, Network};
use serde_json::{Value, json};
use shopback::ShopBack;

const INSTANCES: usize = 10;
const HOUR: Duration = Duration::from_hours(1);
/// A request that hangs lasts as long as the network's timeout: so long an instance takes no other
/// message.
const STEP: Duration = CashMyCell::TIMEOUT;
/// The time after which a request that hangs is given up, by the machine's clock.
const GIVEN_UP: Duration = Duration::from_secs(4);
/// Five a second.
const ORDERS_A_STEP: usize = 50;
/// After the first minute.
const ORDERS_A_LATER_STEP: usize = if cfg!(debug_assertions) { 2 } else { ORDERS_A_STEP };
/// The most messages that one instance is given at once.
const BATCH: usize = 10;
/// The most deliveries that may be held for each instance and hour.
const BOUND: usize = 8;

fn order(number: usize) -> Value {
    let mut order = bare(&format!("A-{number}"));
    order["customer"] =
        json!({ "email": email(number), "phone": "+91 98765 43210", "ip": "203.0.113.9" });
    order["clicks"] = json!({
        "cashmycell": { "cmc_id": click(number) },
        "cpa_moe": { "offer": 217 },
        "shopback": { "transaction_id": format!("{number:0>30}") },
    });
    order
}

fn email(number: usize) -> String {
    format!("buyer{number}@example.com")
}

fn click(number: usize) -> String {
    format!("cmc{number}")
}

/// Ten instances of CashMyCell's function, and the other networks' functions.
struct Functions {
    bed: TestBed,
    first: Function<CashMyCell>,
    instances: Vec<Function<CashMyCell>>,
    cartstack: Function<CartStack>,
    cpa_moe: Function<CpaMoe>,
    shopback: Function<ShopBack>,
}

/// The results of an hour.
#[derive(Debug)]
struct Figures {
    orders: usize,
    /// The requests of the hour.
    requests: u64,
    /// The deliveries that are held for a person.
    held: usize,
    /// The deliveries that waited unsent at the end of the hour.
    waited: usize,
    /// The orders with one effect, after what waited was reported.
    once: usize,
    /// The orders that each other network took, at once and with one request each.
    others: usize,
}

impl Functions {
    /// `network` is the time that the instances wait for CashMyCell.
    async fn new(network: Duration) -> Self {
        let bed = TestBed::new(1).await;
        let first = bed.function::<CashMyCell>().await;
        let endpoint = bed.sandbox.endpoint(Network::CashMyCell);
        let patience = Patience { network, ..Patience::default() };
        let start = |_| bed.instance_with(&endpoint, first.services.clone(), patience);
        let instances = join_all((0..INSTANCES).map(start)).await;
        let (cartstack, cpa_moe) = (bed.function().await, bed.function().await);
        let shopback = bed.function().await;
        Self { bed, first, instances, cartstack, cpa_moe, shopback }
    }

    /// Lets all instances take what is visible, as many messages each as the others.
    async fn work(&self) {
        loop {
            let visible = self.first.services.receive(INSTANCES * BATCH, INVISIBLE);
            if visible.is_empty() {
                return;
            }
            let share = visible.len().div_ceil(INSTANCES);
            let batches = visible.chunks(share).zip(&self.instances);
            let failed = join_all(batches.map(|(batch, instance)| instance.take(batch))).await;
            assert!(failed.iter().all(Vec::is_empty), "{failed:?}");
        }
    }

    async fn states(&self) -> BTreeMap<(State, String), usize> {
        let mut states = BTreeMap::new();
        let (ledger, mut after) = (self.bed.table.ledger_within(Duration::from_mins(1)), None);
        let filter = Filter { network: Some("cashmycell".to_owned()), ..Filter::default() };
        loop {
            let page = ledger.scan(&filter, after.as_ref()).await.expect("the ledger");
            for record in page.records {
                let reason = record.protocol.reason.as_ref().map(ToString::to_string);
                *states.entry((record.protocol.state, reason.unwrap_or_default())).or_default() +=
                    1;
            }
            after = page.next;
            if after.is_none() {
                return states;
            }
        }
    }

    /// Lets one order come to the other networks: each takes it at once.
    async fn others(&self, number: usize) {
        let order = order(number);
        for (network, key) in [
            (Network::CartStack, email(number)),
            (Network::CpaMoe, format!("A-{number}")),
            (Network::ShopBack, format!("A-{number}")),
        ] {
            let before = self.bed.sandbox.received(network).len();
            let services = match network {
                Network::CartStack => &self.cartstack.services,
                Network::CpaMoe => &self.cpa_moe.services,
                _ => &self.shopback.services,
            };
            services.enqueue(order_event(&order).to_string());
            match network {
                Network::CartStack => self.cartstack.work().await,
                Network::CpaMoe => self.cpa_moe.work().await,
                _ => self.shopback.work().await,
            }
            let requests = self.bed.sandbox.received(network).len() - before;
            let effects = self.bed.sandbox.held(network, &key).len();
            let queued = services.queue().len();
            assert_eq!((requests, effects, queued), (1, 1, 0), "{network} noticed");
        }
    }

    async fn hour(&self, fault: Fault) -> Figures {
        let steps = HOUR.as_secs() / STEP.as_secs();
        let (mut orders, mut others) = (0, 0);
        self.bed.sandbox.outage(Network::CashMyCell, Some(fault)).expect("an outage");
        for step in 0..steps {
            for _ in 0..if step < 6 { ORDERS_A_STEP } else { ORDERS_A_LATER_STEP } {
                self.first.enqueue(&order(orders));
                orders += 1;
            }
            self.work().await;
            if step % 6 == 0 {
                self.others(orders - 1).await;
                others += 1;
            }
            self.bed.advance(STEP);
        }
        let requests = self.bed.sandbox.requests() - 3 * others as u64;
        let states = self.states().await;
        println!("at its end: {states:?}");
        let count = |state, reason: &str| {
            states.get(&(state, reason.to_owned())).copied().unwrap_or_default()
        };
        let waited = count(State::Retrying, "network_down");
        let held = states.iter().filter(|((state, _), _)| *state == State::Unconfirmed);
        let held = held.map(|(_, count)| count).sum();

        self.bed.sandbox.outage(Network::CashMyCell, None).expect("an end");
        while let Some(at) = self.first.services.next_visible() {
            self.bed.advance_to(at);
            self.work().await;
        }
        let effects = |number| self.bed.sandbox.held(Network::CashMyCell, &click(number)).len();
        assert!((0..orders).all(|number| effects(number) <= 1), "an order was reported twice");
        let once = (0..orders).filter(|number| effects(*number) == 1).count();
        Figures { orders, requests, held, waited, once, others }
    }
}

/// `counts` if the network counts what it does not answer.
async fn an_hour(how: &str, fault: Fault, counts: bool) {
    let is_given_up = fault == Fault::hang();
    let network = if is_given_up { GIVEN_UP } else { Patience::default().network };
    let it = Functions::new(network).await;

    let figures = it.hour(fault).await;

    let states = it.states().await;
    println!("CashMyCell {how} for an hour, {INSTANCES} instances: {figures:?}, then {states:?}");
    let Figures { orders, requests, held, waited, once, others } = figures;
    assert_eq!((requests, others), (held as u64, 60), "each request of the hour is held");
    assert!(held <= BOUND * INSTANCES, "{held} are held");
    assert!(held > 0, "it was tried");
    assert_eq!(waited + held, orders, "each order was held or waited");
    let effects = if counts { orders } else { waited };
    assert_eq!(once, effects, "what waited was reported, once");
    assert_eq!(states.get(&(State::Accepted, String::new())), Some(&waited));
    assert!(it.first.services.dead_letters().is_empty());
}

#[tokio::test]
async fn an_hour_in_which_every_request_hangs_holds_a_handful_for_each_instance() {
    Box::pin(an_hour("hangs", Fault::hang(), true)).await;
}

#[tokio::test]
async fn an_hour_of_bare_503s_holds_a_handful_for_each_instance() {
    Box::pin(an_hour("answers 503", Fault::status(503), false)).await;
}
