//! Nothing of the customer gets out of an order's life after it came: of its cancellation, refunds,
//! corrections and validation, of what is held back, and of the decisions of a person.
//!
//! More than 300 lines: each turn of a life is looked at by the same helper.

use std::{collections::BTreeSet, time::Duration};

use postback_core::delivery::{Decision, Key};
use postback_harness::FakeSweep;
use postback_integration::{
    Bundle, Reply,
    log::Log,
    outputs::{Outputs, canary_order, echo},
    with,
};
use postback_runtime::lambda::ScheduleHandler;
use postback_sandbox::{Answer, Fault, Network};
use serde_json::{Value, json};
use sweep::Sweep;

use super::{
    DAY, changed_at, script,
    validation::{lock_at, refunds, secret, terms},
};

const NETWORKS: [Network; 4] =
    [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack];

/// An order full of canaries, with a click of its own.
fn canary(number: u32) -> Value {
    let order = canary_order(&format!("A-{number}"));
    let click = format!("canaryclick{number:019}");
    with(order, "/clicks/shopback/transaction_id", json!(click))
}

/// The ways in which the first attempt at each network ends: well, certainly not processed, refused
/// for a setting, and in doubt.
fn ends() -> [Option<Fault>; 4] {
    let elsewhere = Fault::redirect("https://canary-mail.example/?email=canary.mail");
    [None, Some(Fault::status(429)), Some(elsewhere), Some(Fault::close_after_reading())]
}

/// A bundle, and all that left it.
struct Story {
    bundle: Box<Bundle>,
    log: Log,
    replies: Vec<Reply>,
    /// What the sweep measured, and the messages that it put on queues.
    swept: Vec<String>,
    _captures: tracing::subscriber::DefaultGuard,
}

impl Story {
    async fn new() -> Self {
        let bundle = Bundle::new(1).await;
        let (log, guard) = Log::capture();
        Self { bundle, log, replies: Vec::new(), swept: Vec::new(), _captures: guard }
    }

    /// The first attempt at each network ends so.
    async fn ending(end: Option<Fault>) -> Self {
        let story = Self::new().await;
        for (network, fault) in NETWORKS.into_iter().zip(std::iter::repeat(end)) {
            if let Some(fault) = fault {
                script(&story.bundle, network, fault);
            }
        }
        story
    }

    /// Sends the order by the API, by each network's own route and by the bus.
    async fn send(&mut self, order: &Value) {
        self.replies.push(self.bundle.post("/orders", order).await);
        self.bundle.work().await;
        for network in NETWORKS {
            self.replies.push(self.bundle.post(&format!("/orders/{network}"), order).await);
        }
        let status = order["status"].as_str().expect("a status");
        self.bundle.put_on_bus(&format!("order.{status}"), order).await;
        self.bundle.work().await;
    }

    /// Lets this time pass, with all that happens in it.
    async fn pass(&self, time: Duration) {
        self.bundle.work_until(self.bundle.bed.now() + time).await;
    }

    /// Lets a person decide about the order at each network.
    async fn decide(&self, order: &Value, decision: Decision) {
        let id = order["order_id"].as_str().expect("an id");
        for network in NETWORKS {
            let key = Key::known(id.to_owned(), &network.to_string(), None);
            self.bundle.bed.decide(&key, decision).await;
        }
    }

    /// Sweeps, and lets ShopBack's function take what is due.
    async fn sweep(&mut self) {
        let sweep = Sweep::new(FakeSweep::new(&self.bundle.bed));
        sweep.handle(self.bundle.bed.now() + Duration::from_mins(5)).await.expect("a sweep");
        let services = sweep.into_services();
        self.swept.extend(services.measured().iter().map(ToString::to_string));
        for message in services.due() {
            self.swept.push(message.clone());
            self.bundle.shopback.services.enqueue(message);
        }
        self.bundle.shopback.work().await;
    }

    /// Asserts that nothing of the customer left, and that events of these kinds did.
    async fn assert_clean(mut self, order: &Value, kinds: &[&str]) {
        let id = order["order_id"].as_str().expect("an id");
        self.replies.push(self.bundle.get(id).await);
        let mut outputs = Outputs::of(&self.bundle, &self.log).await.with_replies(&self.replies);
        for text in &self.swept {
            outputs.add("sweep", text);
        }
        outputs.assert_clean();
        let published = self.bundle.bed.published().await.into_iter();
        let published: BTreeSet<_> = published.map(|(kind, _)| kind).collect();
        let missing: Vec<_> =
            kinds.iter().filter(|kind| !published.contains(&format!("postback.{kind}"))).collect();
        assert!(missing.is_empty(), "{missing:?} of {published:?}");
    }
}

#[tokio::test]
async fn a_cancellation_with_the_whole_customer_leaves_nothing_of_it_behind() {
    let order = canary(0);
    for status in ["cancelled", "refunded"] {
        let cancelled = with(order.clone(), "/status", json!(status));
        for (end, kinds) in ends().into_iter().zip([
            &["delivered", "cancelled", "cancelled_after_delivery"][..],
            &["withdrawn", "cancelled"],
            &["parked", "withdrawn", "cancelled"],
            &["unconfirmed", "cancelled"],
        ]) {
            let mut story = Story::ending(end).await;
            story.send(&order).await;
            story.send(&cancelled).await;
            story.pass(DAY).await;
            story.send(&order).await;
            story.assert_clean(&order, kinds).await;
        }

        let mut before = Story::new().await;
        before.send(&cancelled).await;
        before.send(&order).await;
        let kinds = ["withdrawn", "cancelled", "completed_after_withdrawal"];
        before.assert_clean(&order, &kinds).await;
    }
}

#[tokio::test]
async fn refunds_of_every_kind_leave_nothing_of_the_customer_behind() {
    let order = canary(0);
    let line = json!([{ "line": "1", "quantity": 1, "amount": "5.00" }]);
    let of_line =
        json!([{ "id": "r-1", "at": "2026-11-21T11:00:00Z", "amount": "5.00", "lines": line }]);
    for end in ends() {
        let mut story = Story::ending(end).await;
        story.send(&order).await;
        story.send(&with(order.clone(), "/refunds", of_line.clone())).await;
        // The same id with another amount, and more than there was.
        story.send(&refunds(order.clone(), &[("r-1", "6.00")])).await;
        story.send(&refunds(order.clone(), &[("r-2", "2000.00")])).await;
        story.pass(DAY).await;
        story.assert_clean(&order, &["refunded"]).await;
    }
}

#[tokio::test]
async fn a_faulty_refund_leaves_nothing_of_the_customer_behind() {
    let mut story = Story::new().await;
    let order = canary(0);
    for refund in [
        json!(echo()),
        json!([echo()]),
        json!([{ "id": echo(), "amount": "1" }]),
        json!([{ "id": "r-1", "amount": echo() }]),
        json!([{ "id": "r-1", "amount": "1", "at": echo() }]),
        json!([{ "id": "r-1", "amount": "1", "lines": [{ "line": echo() }] }]),
        json!([{ "id": "r-1", "amount": "1", "lines": [{ "canarycustom": echo() }] }]),
    ] {
        story.send(&with(order.clone(), "/refunds", refund)).await;
    }

    let refused = story.replies.iter().filter(|reply| reply.status == 422).count();
    assert!(refused >= 25, "{refused}");
    let kept = story.bundle.intake_services.faulty().len();
    assert!(kept >= 5, "{kept}");
    // An answer may point at a member by the name that its sender gave it.
    for reply in &mut story.replies {
        reply.text = reply.text.replace("/refunds/0/lines/0/canarycustom", "");
    }
    let faulty = story.bundle.intake_services.faulty().len();
    assert!(faulty >= 5, "{faulty}");
    story.assert_clean(&order, &[]).await;
}

#[tokio::test]
async fn a_correction_of_everything_leaves_nothing_of_either_customer_behind() {
    let order = changed_at(canary(0), 10);
    let mut other = with(changed_at(order.clone(), 20), "/total", json!("1599.00"));
    other["customer"]["email"] = json!("canary.mail+y@canary-mail.example");
    other["customer"]["name"] = json!("Canaryname Other");
    other["clicks"]["shopback"]["transaction_id"] = json!("canaryclick8351000000000000000");
    other["items"][0]["unit_price"] = json!("1599.00");
    for (end, kinds) in ends().into_iter().zip([
        &["delivered", "conflict"][..],
        &["delivered"],
        &["parked", "delivered"],
        &["unconfirmed"],
    ]) {
        let mut story = Story::ending(end).await;
        story.send(&order).await;
        story.send(&other).await;
        // An earlier version, and other content of the same one.
        story.send(&changed_at(order.clone(), 5)).await;
        story.send(&with(other.clone(), "/total", json!("1699.00"))).await;
        story.pass(DAY).await;
        story.assert_clean(&order, kinds).await;
    }
}

#[tokio::test]
async fn an_implausible_order_leaves_nothing_behind_while_it_is_held_and_after() {
    let order = canary(0);
    for (decision, kinds) in [
        (None, &["parked"][..]),
        (Some(Decision::PermitSending), &["parked", "decided", "delivered"]),
        (Some(Decision::Abandon), &["parked", "decided"]),
    ] {
        let mut story = Story::new().await;
        for (_, services) in story.bundle.services() {
            services.bound("INR=1000");
        }
        story.send(&order).await;
        story.pass(DAY).await;
        story.sweep().await;
        if let Some(decision) = decision {
            story.decide(&order, decision).await;
            story.send(&order).await;
            story.pass(DAY).await;
        }
        assert_eq!(
            story.bundle.bed.sandbox.requests() > 0,
            decision == Some(Decision::PermitSending)
        );
        story.assert_clean(&order, kinds).await;
    }
}

#[tokio::test]
async fn every_decision_about_every_end_leaves_nothing_of_the_customer_behind() {
    let order = canary(0);
    for end in ends() {
        let mut story = Story::ending(end).await;
        story.send(&order).await;
        story.send(&with(order.clone(), "/total", json!("1599.00"))).await;
        for decision in [
            Decision::Acknowledge,
            Decision::Abandon,
            Decision::Reopen,
            Decision::PermitSending,
            Decision::Confirm,
            Decision::Reopen,
            Decision::PermitSending,
        ] {
            story.decide(&order, decision).await;
            story.sweep().await;
        }
        story.send(&order).await;
        story.pass(DAY).await;
        story.assert_clean(&order, &["decided"]).await;
    }
}

/// A story whose merchant validates what ShopBack took, and its order, which is reported.
async fn validating() -> (Story, Value) {
    let mut story = Story::new().await;
    story.bundle.shopback.services.rotate(&secret(&terms()));
    story.bundle.bed.advance(Duration::from_mins(2));
    let order = canary(0);
    story.send(&order).await;
    (story, order)
}

/// A later message about an order, if one comes.
type Later = fn(&Value) -> Option<Value>;

#[tokio::test]
async fn a_validation_leaves_nothing_behind_however_it_ends() {
    let cancelled = |order: &Value| Some(with(order.clone(), "/status", json!("cancelled")));
    let lowered = |order: &Value| Some(refunds(order.clone(), &[("r-1", "9.00")]));
    let exceeded = |order: &Value| Some(refunds(order.clone(), &[("r-1", "1999.00")]));
    let nothing = |_: &Value| None;
    let cases: [(Later, &str, Later, &[&str]); 4] = [
        (nothing, "approved", lowered, &["validation_approved", "claim_back"]),
        (lowered, "approved", nothing, &["refunded", "validation_approved"]),
        (cancelled, "rejected", nothing, &["validation_rejected"]),
        (exceeded, "rejected", nothing, &["refunded"]),
    ];
    for (before, status, after, kinds) in cases {
        let (mut story, order) = validating().await;
        if let Some(changed) = before(&order) {
            story.send(&changed).await;
        }
        story.bundle.bed.advance_to(lock_at() + DAY);
        story.sweep().await;
        if let Some(changed) = after(&order) {
            story.send(&changed).await;
        }
        story.sweep().await;
        let calls = story.bundle.bed.sandbox.validations();
        let is_so = calls.iter().all(|call| call.status == status) && calls.len() <= 1;
        assert!(is_so, "{status}: {calls:?}");
        story.assert_clean(&order, kinds).await;
    }
}

#[tokio::test]
async fn no_answer_to_a_validation_gets_any_further() {
    let refusal = format!("success=false; err_msg={}", echo());
    for fault in [
        Fault::close_after_reading(),
        Fault::answer(Answer::of("text/html", refusal)),
        Fault::answer(Answer::of("text/html", format!("success=true;{}", echo()))),
        Fault::answer(Answer::of("text/html", format!("<html>{}</html>", echo()))),
        Fault::redirect("https://canary-mail.example/?email=canary.mail"),
        Fault::status(403),
        Fault::status(429),
    ] {
        let (mut story, order) = validating().await;
        story.bundle.bed.advance_to(lock_at());
        script(&story.bundle, Network::ShopBack, fault);
        let before = story.bundle.bed.sandbox.requests();
        story.sweep().await;
        assert_eq!(story.bundle.bed.sandbox.requests(), before + 1);
        let key = Key::known("A-0".to_owned(), "shopback", None).validation();
        for decision in [Decision::Acknowledge, Decision::PermitSending] {
            story.bundle.bed.decide(&key, decision).await;
            story.pass(DAY).await;
            story.sweep().await;
        }
        story.assert_clean(&order, &["delivered"]).await;
    }
}
