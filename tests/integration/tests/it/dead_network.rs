//! A network that is dead for ten minutes under load: the others do not notice, and once it is
//! back, every order is sent once. `cargo test --test dead_network -- --nocapture` prints the
//! figures.

use std::{collections::BTreeMap, time::Duration};

use postback_core::clock::Timestamp;
use postback_harness::FakeServices;
use postback_integration::{Bundle, bare};
use postback_sandbox::{Answer, Fault, Network, Rule};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

const NETWORKS: [Network; 4] =
    [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack];

/// An order comes this often, for half an hour: in the second ten minutes one network is dead.
const EVERY: Duration = Duration::from_secs(10);
const ORDERS: u32 = 180;
const DEAD: std::ops::Range<Duration> = Duration::from_mins(10)..Duration::from_mins(20);
/// The time within which everything has to be sent once the network is back.
const CATCH_UP: Duration = Duration::from_hours(1);

/// The results at one network.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Figures {
    /// The number of orders that ended in a success.
    reported: usize,
    /// The number of orders with exactly one effect at the network.
    once: usize,
    requests: usize,
    dead_letters: usize,
    /// The time from an order's arrival to its end, by the test bed's clock.
    median: Duration,
    longest: Duration,
}

fn order(number: u32) -> Value {
    let mut order = bare(&id(number));
    order["customer"] =
        json!({ "email": email(number), "phone": "+91 98765 43210", "ip": "203.0.113.9" });
    order["clicks"] = json!({
        "cashmycell": { "cmc_id": click(number) },
        "cpa_moe": { "offer": 217 },
        "shopback": { "transaction_id": format!("{number:0>30}") },
    });
    order
}

fn id(number: u32) -> String {
    format!("A-{number}")
}

fn email(number: u32) -> String {
    format!("buyer{number}@example.com")
}

fn click(number: u32) -> String {
    format!("cmc{number}")
}

/// The key by which a network knows an order.
fn key(network: Network, number: u32) -> String {
    match network {
        Network::CashMyCell => click(number),
        Network::CartStack => email(number),
        Network::CpaMoe | Network::ShopBack => id(number),
    }
}

/// Half an hour of orders, every tenth by direct calls and the others by the bus. `dead` is dead for
/// ten minutes of it.
async fn half_an_hour(dead: Option<(Network, Fault)>) -> BTreeMap<String, Figures> {
    let bundle = Bundle::new(1).await;
    let start = bundle.bed.now();
    let outage = |fault: Option<Fault>| {
        if let Some((network, _)) = &dead {
            bundle.bed.sandbox.outage(*network, fault).expect("an outage");
        }
    };
    let mut came = BTreeMap::new();
    for number in 0..ORDERS {
        let passed = EVERY * number;
        bundle.work_until(start + passed).await;
        match passed {
            passed if passed == DEAD.start => outage(dead.as_ref().map(|(_, fault)| fault.clone())),
            passed if passed == DEAD.end => outage(None),
            _ => {}
        }
        came.insert(id(number), bundle.bed.now());
        if number % 10 == 9 {
            for network in NETWORKS {
                let reply = bundle.post(&format!("/orders/{network}"), &order(number)).await;
                assert!(matches!(reply.status, 200 | 202), "{network}: {reply:?}");
            }
        } else {
            assert_eq!(bundle.post("/orders", &order(number)).await.status, 202);
        }
        bundle.work().await;
    }
    bundle.work_until(start + EVERY * ORDERS + CATCH_UP).await;

    let published = bundle.bed.published().await;
    let figures = bundle.services().into_iter().zip(NETWORKS).map(|((name, services), network)| {
        assert_eq!(name, network.to_string());
        (name.to_owned(), figures(&bundle, network, services, &published, &came))
    });
    figures.collect()
}

fn figures(
    bundle: &Bundle,
    network: Network,
    services: &FakeServices,
    published: &[(String, Value)],
    came: &BTreeMap<String, Timestamp>,
) -> Figures {
    let ended = |(kind, detail): &(String, Value)| {
        let at = Timestamp::parse(detail["at"].as_str()?)?;
        let id = detail["order_id"].as_str()?;
        let is_of_it = detail["network"] == network.to_string();
        let is_success = matches!(&**kind, "postback.delivered" | "postback.accepted");
        (is_of_it && is_success).then(|| at.since(came[id]))
    };
    let mut times: Vec<_> = published.iter().filter_map(ended).collect();
    times.sort_unstable();
    let effects = |number| bundle.bed.sandbox.held(network, &key(network, number)).len();
    assert!((0..ORDERS).all(|number| effects(number) <= 1), "{network} holds an order twice");
    Figures {
        reported: times.len(),
        once: (0..ORDERS).filter(|number| effects(*number) == 1).count(),
        requests: bundle.bed.sandbox.received(network).len(),
        dead_letters: services.dead_letters().len()
            + usize::from(services.next_visible().is_some()),
        median: times[times.len() / 2],
        longest: times[times.len() - 1],
    }
}

fn show(title: &str, all: &BTreeMap<String, Figures>) {
    println!("\n{title}: {ORDERS} orders in {} minutes", (EVERY * ORDERS).as_secs() / 60);
    println!("network      reported   once   requests   dead letters   median   longest");
    for (name, it) in all {
        let (median, longest) = (it.median.as_secs(), it.longest.as_secs());
        println!(
            "{name:<12} {:>8}   {:>4}   {:>8}   {:>12}   {median:>4} s   {longest:>5} s",
            it.reported, it.once, it.requests, it.dead_letters,
        );
    }
}

/// The same half an hour with all networks up: run once, all tests compare with it.
static WELL: OnceCell<BTreeMap<String, Figures>> = OnceCell::const_new();

async fn dead(network: Network, fault: Fault, how: &str) {
    let well = WELL.get_or_init(async || half_an_hour(None).await).await;
    let all = half_an_hour(Some((network, fault))).await;

    show("all well", well);
    show(&format!("{network} {how} for ten minutes"), &all);
    let everything = ORDERS as usize;
    for (name, it) in &all {
        assert_eq!((it.reported, it.once, it.dead_letters), (everything, everything, 0), "{name}");
        if *name == network.to_string() {
            assert!(it.longest > Duration::from_mins(1), "it was dead: {it:?}");
            assert!(it.requests > well[name].requests, "it was tried: {it:?}");
            // Ten minutes of backoff are a handful of attempts for each order that met the outage.
            assert!(it.requests < well[name].requests + 60 * 12, "{it:?}");
        } else {
            assert_eq!(*it, well[name], "{name} noticed");
        }
    }
}

#[tokio::test]
async fn a_network_that_refuses_for_now_gets_everything_once_it_is_back() {
    dead(Network::CartStack, Fault::status(429), "answers 429").await;
}

#[tokio::test]
async fn a_network_that_swallows_its_answers_gets_nothing_twice() {
    let lost = Fault::close_after_reading().processed();
    dead(Network::ShopBack, lost, "takes it and answers nothing").await;
}

#[tokio::test]
async fn a_network_that_answers_nothing_is_looked_up_before_an_order_is_sent_again() {
    let lost = Fault::close_after_reading().not_processed();
    dead(Network::CpaMoe, lost, "answers nothing").await;
}

/// Orders that a 429 asked to wait, one by one among others that were judged, come round to a network
/// that is down by then: what they leave in doubt is held, and so is evidence, though they came before.
#[tokio::test]
async fn orders_that_a_429_asked_to_wait_leave_few_doubts_at_a_network_that_is_down_meanwhile() {
    const ASKED: u32 = 20;
    let bundle = Bundle::new(2).await;
    let asks = Fault::answer(Answer::status(429).with_header("retry-after", "600"));
    let start = bundle.bed.now();
    for number in 0..2 * ASKED {
        bundle.work_until(start + EVERY * number).await;
        if number % 2 == 1 {
            let rule = Rule::on(Network::CashMyCell, asks.clone()).order(click(number)).times(1);
            bundle.bed.sandbox.script(rule).expect("a rule");
        }
        assert_eq!(bundle.post("/orders", &order(number)).await.status, 202);
        bundle.work().await;
    }
    let is_down = Some(Fault::status(503));
    bundle.bed.sandbox.outage(Network::CashMyCell, is_down).expect("an outage");

    bundle.work_until(bundle.bed.now() + Duration::from_hours(1)).await;

    let (mut held, mut waiting) = (0, 0);
    for number in (0..2 * ASKED).filter(|number| number % 2 == 1) {
        let states = bundle.states(&id(number)).await;
        let state = states.iter().find(|(network, ..)| network == "cashmycell");
        match &*state.expect("a delivery").1 {
            "unconfirmed" => held += 1,
            state => waiting += u32::from(state == "retrying"),
        }
    }
    assert_eq!(held + waiting, ASKED);
    assert!((1..=8).contains(&held), "{held} of {ASKED} are held");
}
