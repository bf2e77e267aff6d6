//! A shopper whose texts a firewall before each network refuses: 400 orders an hour, half of them ten in a
//! row and half at random, among 2,000 of others. The others' orders are reported as if there were none of
//! the shopper's. A quarter of an hour of it; `make dead-hour` has the hour. Then a firewall that asks to
//! wait for hours, one that answers as a network does that is down, and a network that refuses everybody.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use postback_core::clock::Timestamp;
use postback_harness::FakeServices;
use postback_integration::{Bundle, bare};
use postback_sandbox::{Answer, Fault, Network, Rule};
use serde_json::{Value, json};

const NETWORKS: [Network; 4] =
    [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack];

const GOOD: u32 = if cfg!(debug_assertions) { 500 } else { 2_000 };
const EVERY: Duration = Duration::from_millis(1_800);
/// So many of the shopper's orders come at once, before every hundredth good one.
const IN_A_ROW: u32 = 10;
/// At random, one order in so many is the shopper's: as many again come so in an hour.
const ONE_IN: u64 = 11;
/// The good orders among which a firewall asks to wait.
const FEW: u32 = 300;
/// So many of them come in a row to an instance that has had no other.
const FIRST: u32 = 100;
/// The longest that a good order may wait for a shopper whose texts read as an outage: one that came
/// in the same second, behind ten of the shopper's.
const LONGEST: Duration = Duration::from_secs(30);
/// The orders that a network refuses, whoever sends them.
const REFUSED: u32 = 30;

/// An order for every network, by a buyer of its own.
pub(crate) fn order(id: &str) -> Value {
    let mut order = bare(id);
    order["customer"] = json!({
        "email": format!("{id}@example.com"), "phone": "+91 98765 43210", "ip": "203.0.113.9",
    });
    order["clicks"] = json!({
        "cashmycell": { "cmc_id": format!("cmc{id}") },
        "cpa_moe": { "offer": 217 },
        "shopback": { "transaction_id": format!("{id:0>30}") },
    });
    order
}

/// The shopper's order, which the firewall before each network answers so.
fn hostile(bundle: &Bundle, id: &str, fault: &Fault) -> Value {
    for network in NETWORKS {
        let known_as = match network {
            Network::CashMyCell => format!("cmc{id}"),
            Network::CartStack => format!("{id}@example.com"),
            Network::CpaMoe | Network::ShopBack => id.to_owned(),
        };
        let refuses = Rule::on(network, fault.clone()).order(known_as).forever();
        bundle.bed.sandbox.script(refuses).expect("a rule");
    }
    let mut order = order(id);
    order["comment"] = json!("<script>alert(1)</script>");
    order
}

/// So many good orders, with some of the shopper's in a row among them and others at random, one in
/// so many. A firewall answers them so. Returns the times at which the good ones came.
async fn orders(
    bundle: &Bundle,
    good: u32,
    (in_a_row, one_in): (u32, u64),
    fault: &Fault,
) -> BTreeMap<String, Timestamp> {
    let start = bundle.bed.now();
    let mut came = BTreeMap::new();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for number in 0..good {
        bundle.work_until(start + EVERY * number).await;
        let mut bad = if number % 100 == 50 { in_a_row } else { 0 };
        while number > 0 && is_one_in(one_in, &mut random) {
            bad += 1;
        }
        for again in 0..bad {
            let order = hostile(bundle, &format!("h{number}x{again}"), fault);
            assert_eq!(bundle.post("/orders", &order).await.status, 202);
            bundle.work().await;
        }
        let id = format!("g{number}");
        came.insert(id.clone(), bundle.bed.now());
        assert_eq!(bundle.post("/orders", &order(&id)).await.status, 202);
        bundle.work().await;
    }
    came
}

/// Returns true once in so many times, by xorshift.
const fn is_one_in(many: u64, random: &mut u64) -> bool {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    random.is_multiple_of(many)
}

#[tokio::test]
async fn a_shopper_whom_a_firewall_refuses_delays_nobody_elses_order() {
    let bundle = Bundle::new(1).await;

    let came = orders(&bundle, GOOD, (IN_A_ROW, ONE_IN), &Fault::status(403)).await;

    assert_none_waited(&bundle, &came).await;
    // The shopper's own orders are kept for a person, each by itself.
    for (network, state, reason) in bundle.states("h50x0").await {
        assert_eq!((&*state, reason.as_deref()), ("parked", Some("http_forbidden")), "{network}");
    }
    assert_eq!(paused(&bundle), Vec::<&str>::new());
}

/// The networks that were paused.
fn paused(bundle: &Bundle) -> Vec<&'static str> {
    let is_paused =
        |services: &FakeServices| services.metrics().iter().any(|document| document["Paused"] == 1);
    let services = bundle.services().into_iter();
    services.filter(|(_, services)| is_paused(services)).map(|(name, _)| name).collect()
}

#[tokio::test]
async fn a_shopper_who_is_the_first_of_an_instance_delays_nobody_elses_order() {
    let bundle = Bundle::new(2).await;
    for number in 0..FIRST {
        let order = hostile(&bundle, &format!("h{number}"), &Fault::status(403));
        assert_eq!(bundle.post("/orders", &order).await.status, 202);
        bundle.work().await;
    }

    let mut came = BTreeMap::new();
    for number in 0..10 {
        let id = format!("g{number}");
        came.insert(id.clone(), bundle.bed.now());
        assert_eq!(bundle.post("/orders", &order(&id)).await.status, 202);
        bundle.work().await;
    }

    assert_none_waited(&bundle, &came).await;
}

#[tokio::test]
async fn a_network_that_refuses_everybody_gets_each_order_once_and_then_one_in_five_minutes() {
    let bundle = Bundle::new(3).await;
    let requests = || bundle.bed.sandbox.received(Network::ShopBack).len();
    let outage = |fault| bundle.bed.sandbox.outage(Network::ShopBack, fault).expect("an outage");
    outage(Some(Fault::status(403)));
    for number in 0..REFUSED {
        assert_eq!(bundle.post("/orders", &order(&format!("g{number}"))).await.status, 202);
        bundle.work().await;
    }
    let at_first = requests();

    // After an hour each would be tried again.
    bundle.work_until(bundle.bed.now() + Duration::from_mins(90)).await;
    let again = requests() - at_first;
    outage(None);
    bundle.work_until(bundle.bed.now() + Duration::from_mins(90)).await;

    assert_eq!((at_first, paused(&bundle)), (REFUSED as usize, vec!["shopback"]));
    assert!((1..=7).contains(&again), "{again} of {REFUSED} were tried again");
    for number in 0..REFUSED {
        let id = format!("g{number}");
        assert_eq!(bundle.bed.sandbox.held(Network::ShopBack, &id).len(), 1, "{id}");
    }
}

/// An answer that asks for hours is no evidence about the network while one shopper meets it.
#[tokio::test]
async fn an_order_whose_firewall_asks_to_wait_for_hours_delays_nobody_elses() {
    for status in [503, 429] {
        let bundle = Bundle::new(4).await;
        let fault = Fault::answer(Answer::status(status).with_header("retry-after", "21600"));

        let came = orders(&bundle, FEW / 2, (2, u64::MAX), &fault).await;

        assert_none_waited(&bundle, &came).await;
        for (network, state, reason) in bundle.states("h50x0").await {
            let expected = ("retrying".to_owned(), Some(format!("http_{status}")));
            assert_eq!((state, reason), expected, "{network}");
        }
        assert_eq!(paused(&bundle), Vec::<&str>::new());
    }
}

/// A firewall that answers as a network does that is down. What it leaves unclear may be held, so three
/// such orders in a row do pause a network; the next good order ends that.
#[tokio::test]
async fn a_shopper_whose_texts_read_as_an_outage_delays_few_others_and_those_by_seconds() {
    let html = Fault::answer(Answer::of("text/html", "<h1>blocked</h1>"));
    let asks = Fault::answer(Answer::status(503).with_header("retry-after", "30"));
    let cuts = Fault::close_after_reading().not_processed();
    let few = [html, asks, cuts].map(|fault| (FEW / 2, fault));
    for (good, fault) in [(FEW, Fault::status(503))].into_iter().chain(few) {
        let bundle = Bundle::new(5).await;

        let came = orders(&bundle, good, (IN_A_ROW, ONE_IN), &fault).await;
        bundle.work_until(bundle.bed.now() + Duration::from_mins(15)).await;

        let waits = waits(&bundle, &came).await;
        let (mostly, longest) = (waits[waits.len() * 9 / 10], waits[waits.len() - 1]);
        println!("{fault:?}: nine of ten waited {mostly:?}, the longest {longest:?}");
        assert!(mostly.is_zero() && longest <= LONGEST, "{fault:?}: {mostly:?}, {longest:?}");
    }
}

/// However seldom somebody orders: ten of a shopper at once leave the first probe to who comes next.
#[tokio::test]
async fn a_good_order_that_comes_after_ten_of_a_shopper_waits_for_nothing() {
    let mins = Duration::from_mins;
    for (after, longest) in [
        // In the same second it is the last of those that wait.
        (Duration::ZERO, mins(1)),
        (Duration::from_secs(2), Duration::ZERO),
        (Duration::from_secs(18), Duration::ZERO),
        (mins(1), Duration::ZERO),
        // By then the shopper's other orders were tried.
        (mins(10), mins(8)),
    ] {
        let bundle = Bundle::new(6).await;
        for number in 0..IN_A_ROW {
            let order = hostile(&bundle, &format!("h{number}"), &Fault::status(503));
            assert_eq!(bundle.post("/orders", &order).await.status, 202);
            bundle.work().await;
        }
        bundle.work_until(bundle.bed.now() + after).await;
        let came = BTreeMap::from([("g".to_owned(), bundle.bed.now())]);
        assert_eq!(bundle.post("/orders", &order("g")).await.status, 202);
        bundle.work().await;
        bundle.work_until(bundle.bed.now() + mins(20)).await;

        let waits = waits(&bundle, &came).await;
        assert!(waits[waits.len() - 1] <= longest, "{after:?} after: {waits:?}");
    }
}

/// A firewall that refuses requests before a network that is down: its answers say nothing about the
/// network, so that nobody can have every order of others end in doubt.
#[tokio::test]
async fn a_shopper_whose_requests_are_refused_does_not_end_the_pause_of_a_network_that_is_down() {
    let bundle = Bundle::new(7).await;
    let sandbox = &bundle.bed.sandbox;
    let is_down = Rule::on(Network::CashMyCell, Fault::status(503)).forever();
    for number in 0..REFUSED {
        let refused = hostile(&bundle, &format!("h{number}"), &Fault::status(406));
        assert_eq!(bundle.post("/orders", &refused).await.status, 202);
        bundle.work().await;
        let id = format!("g{number}");
        let down = is_down.clone().order(format!("cmc{id}"));
        sandbox.script(down).expect("a rule");
        assert_eq!(bundle.post("/orders", &order(&id)).await.status, 202);
        bundle.work().await;
        bundle.work_until(bundle.bed.now() + Duration::from_mins(2)).await;
    }

    let mut held = 0;
    for number in 0..REFUSED {
        let states = bundle.states(&format!("g{number}")).await;
        let at = |network: &str| states.iter().find(|(name, ..)| name == network).cloned();
        let (_, state, reason) = at("cashmycell").expect("a delivery");
        held += usize::from(state == "unconfirmed");
        assert!(state == "unconfirmed" || reason.as_deref() == Some("network_down"), "{state}");
    }
    assert!((2..=8).contains(&held), "{held} of an hour");
}

/// Every good order was reported by every network at the time at which it came.
async fn assert_none_waited(bundle: &Bundle, came: &BTreeMap<String, Timestamp>) {
    assert_eq!(waits(bundle, came).await.pop(), Some(Duration::ZERO));
}

/// Every good order was reported by every network, so long after it came: the shortest first.
async fn waits(bundle: &Bundle, came: &BTreeMap<String, Timestamp>) -> Vec<Duration> {
    let published = bundle.bed.published().await;
    let mut waits = Vec::new();
    for network in NETWORKS {
        let mut reported = BTreeSet::new();
        for (kind, detail) in &published {
            let id = detail["order_id"].as_str().expect("an order's id");
            let is_success = matches!(&**kind, "postback.delivered" | "postback.accepted");
            let Some(came) = came.get(id).filter(|_| is_success) else { continue };
            if detail["network"] != network.to_string() {
                continue;
            }
            let at = detail["at"].as_str().and_then(Timestamp::parse).expect("a time");
            if reported.insert(id) {
                waits.push(at.since(*came));
            }
        }
        assert_eq!(reported.len(), came.len(), "{network}");
    }
    waits.sort_unstable();
    waits
}
