//! `orders show`: all deliveries of an order; or that it concerned no network.

use std::collections::BTreeMap;

use postback_core::{
    clock::Timestamp,
    delivery::{DeliveryView, PartialView, Record, views},
    redaction::OperatorNote,
};
use postback_runtime::ledger::{UnclaimedOrder, UnclaimedView};
use serde::Serialize;

use crate::{
    account::Account,
    args::Show,
    failure::Failure,
    pause::{self, PauseView},
    view::{Output, partial_story, story},
};

#[derive(Serialize)]
struct View<'a> {
    order_id: &'a str,
    deliveries: Vec<Shown<'a>>,
    /// The networks that are paused, of those that still have an open delivery of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paused: Vec<Paused<'a>>,
    /// Present where it concerned no network.
    #[serde(skip_serializing_if = "Option::is_none")]
    unclaimed: Option<UnclaimedView<'a>>,
}

/// A network that a person has paused.
#[derive(Serialize)]
struct Paused<'a> {
    network: &'a str,
    since: Timestamp,
    by: &'a OperatorNote,
    why: &'a OperatorNote,
}

/// A delivery, or the parts of one that this version can't read.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Whole(Box<DeliveryView<'a>>),
    Partial(&'a PartialView),
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Show,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let order_id = &wanted.order_id;
    let (records, partial) = account.readable_of_order(order_id).await?;
    if records.is_empty() && partial.is_empty() {
        let failed = account.ledger_failed("Query");
        let order = account.ledger.unclaimed(order_id).await.map_err(failed)?;
        let order = order.ok_or_else(|| Failure::UnknownOrder { order_id: order_id.clone() })?;
        let unclaimed = Some(UnclaimedView::of(&order));
        let view = View { order_id, deliveries: Vec::new(), paused: Vec::new(), unclaimed };
        output.answer(&lines(order_id, &order), &view);
        return Ok(());
    }
    let in_force = pause::over(account, &records).await?;
    let whole = records.iter().map(|record| {
        let waits = pause::of_delivery(&in_force, record).map(waits);
        story(record).into_iter().chain(waits).collect()
    });
    let stories: Vec<Vec<String>> = whole.chain(partial.iter().map(partial_story)).collect();
    let paused = paused(&in_force, &records);
    let view = View { order_id, deliveries: shown(&records, &partial), paused, unclaimed: None };
    output.answer(&stories.join(&String::new()), &view);
    Ok(())
}

/// A line about a pause that keeps a delivery from going on.
fn waits(pause: &PauseView) -> String {
    format!("  {:<15}{}: nothing is sent before `{}`", "paused", pause.line(), pause.cure())
}

/// The pauses behind open deliveries, each network once.
fn paused<'a>(pauses: &'a [PauseView], records: &'a [Record]) -> Vec<Paused<'a>> {
    let of = |record: &'a Record| Some((record.network(), pause::of_delivery(pauses, record)?));
    let by_network: BTreeMap<_, _> = records.iter().filter_map(of).collect();
    let view = |(network, pause): (&'a str, &'a PauseView)| {
        let PauseView { at, by, why, .. } = pause;
        Paused { network, since: *at, by, why }
    };
    by_network.into_iter().map(view).collect()
}

fn shown<'a>(records: &'a [Record], partial: &'a [PartialView]) -> Vec<Shown<'a>> {
    let whole = views(records, DeliveryView::for_operator).into_iter();
    let whole = whole.map(|view| Shown::Whole(Box::new(view)));
    whole.chain(partial.iter().map(Shown::Partial)).collect()
}

/// An order that concerned no network.
fn lines(order_id: &str, order: &UnclaimedOrder) -> Vec<String> {
    let clicks = if order.clicks.is_empty() { "none".to_owned() } else { order.clicks.join(", ") };
    vec![
        format!("{order_id} concerned no network"),
        format!("  {:<15}{} {}", "amount", order.amount, order.currency),
        format!("  {:<15}{}", "sender", order.source),
        format!("  {:<15}{}", "accepted", order.accepted_at),
        format!("  {:<15}{clicks}", "clicks"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{FakeAws, paid};

    async fn show(aws: &FakeAws, json: bool) -> String {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output { json, out: &mut out, err: &mut err };
        let wanted = Show { order_id: "A-1".to_owned() };
        run(&aws.account, &wanted, &mut output).await.expect("an order");
        String::from_utf8(out).expect("text")
    }

    #[tokio::test]
    async fn a_delivery_of_a_later_version_is_shown_beside_the_others() {
        let aws = FakeAws::start().await;
        let delivered = paid("net", "delivered", "10.5", "EUR");
        aws.table.ledger().put(&delivered, None).await.expect("a write");
        aws.put_later("A-1", "other#2").await;

        let view: serde_json::Value = serde_json::from_str(&show(&aws, true).await).expect("JSON");
        let text = show(&aws, false).await;

        assert_eq!(view["deliveries"][0]["network"], "net");
        let later = &view["deliveries"][1];
        let named = (&later["network"], &later["line"], &later["format"], &later["state"]);
        assert_eq!(named, (&"other".into(), &"2".into(), &9.into(), &"levitating".into()));
        assert!(text.contains("A-1 at net\n"), "{text}");
        assert!(text.contains("A-1 at other#2 (format 9)\n  can't be read"), "{text}");
    }

    #[tokio::test]
    async fn a_pause_is_shown_with_what_it_keeps_from_going_on() {
        let aws = FakeAws::start().await;
        for record in
            [paid("net", "retrying", "10.5", "EUR"), paid("other", "delivered", "1", "EUR")]
        {
            aws.table.ledger().put(&record, None).await.expect("a write");
        }
        let why = |text| OperatorNote::new(text).expect("a note");
        pause::pause(&aws.account, None, why("a leaked key")).await.expect("a pause");

        let view: serde_json::Value = serde_json::from_str(&show(&aws, true).await).expect("JSON");
        let text = show(&aws, false).await;

        let [paused] = view["paused"].as_array().expect("pauses").as_slice() else {
            panic!("{view}")
        };
        assert_eq!((&paused["network"], &paused["why"]), (&"net".into(), &"a leaked key".into()));
        let line = text.lines().find(|line| line.starts_with("  paused")).expect("a line");
        assert!(
            line.contains("user/ann: a leaked key: nothing is sent before `postback resume --all`"),
            "{line}"
        );
        assert_eq!(text.matches("  paused ").count(), 1, "{text}");
        pause::resume(&aws.account, None, why("a new key")).await.expect("an end");
        assert!(!show(&aws, false).await.contains("  paused "));
    }

    #[tokio::test]
    async fn an_order_of_a_later_version_alone_is_known() {
        let aws = FakeAws::start().await;
        aws.put_later("A-1", "net").await;

        assert!(show(&aws, false).await.starts_with("A-1 at net (format 9)\n"));
        let failure = aws.account.of_order("A-1").await.expect_err("a failure");
        assert_eq!(failure.code(), "later_format");
        assert!(failure.to_string().starts_with("Order A-1 at net (format 9) can't be read"));
    }
}
