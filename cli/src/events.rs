//! `events replay`: what the ledger holds, published on the bus again.
//!
//! The tool sends the ledger's records to the function `publish`, in the format of the ledger's
//! stream. Only that function puts events on the bus; they keep the ids that they had.

use aws_sdk_lambda::primitives::Blob;
use postback_core::{clock::Timestamp, delivery::Record, events::events};
use postback_runtime::{
    lambda::stream,
    ledger::{Cursor, Filter},
};
use serde::Serialize;

use crate::{
    account::{Account, failed},
    args::ReplayEvents,
    failure::Failure,
    scan::{cursor, parse_cursor, token},
    span,
    view::Output,
};

/// The number of events at which a batch is complete: the function publishes that many in seconds.
const BATCH: usize = 200;

/// The counts of a replay, and where to resume it.
#[derive(Debug, Default, Serialize)]
struct Replayed {
    /// The deliveries whose events were published.
    deliveries: usize,
    /// The events that were published.
    events: usize,
    /// The deliveries that were read.
    read: usize,
    read_units: f64,
    /// The place to go on; `None` when everything is published.
    next: Option<String>,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &ReplayEvents,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let from = wanted.from.as_deref().map(|text| span::instant("--from", text, now)).transpose()?;
    let network = wanted.network.as_deref().map(|name| account.name_of(name)).transpose()?;
    let filter = Filter { network, validations: true, ..Filter::default() };
    let mut replay =
        Replay { account, from, pending: Pending::default(), done: Replayed::default() };
    let result = if let Some(order_id) = &wanted.order {
        replay.order(order_id, &filter).await
    } else {
        let after = wanted.after.as_deref().map(parse_cursor).transpose()?;
        replay.ledger(&filter, after, wanted.read_units).await
    };
    let done = replay.done;
    // After a failure, too: the counts say how far it came.
    output.answer(&lines(&done), &done);
    result
}

fn lines(done: &Replayed) -> Vec<String> {
    let Replayed { deliveries, events, read, read_units, next } = done;
    let mut lines = vec![format!(
        "Published {events} events of {deliveries} deliveries; read {read} deliveries, {read_units} \
         read units"
    )];
    lines.extend(next.as_ref().map(|next| format!("Not finished: resume with --after '{next}'")));
    lines
}

/// A replay under way.
struct Replay<'a> {
    account: &'a Account,
    from: Option<Timestamp>,
    pending: Pending,
    done: Replayed,
}

/// Records that wait for their batch to be complete.
#[derive(Default)]
struct Pending {
    records: Vec<Record>,
    events: usize,
}

impl Replay<'_> {
    async fn order(&mut self, order_id: &str, filter: &Filter) -> Result<(), Failure> {
        let records = self.account.of_order(order_id).await?;
        if records.is_empty() {
            return Err(Failure::UnknownOrder { order_id: order_id.to_owned() });
        }
        self.done.read = records.len();
        let wanted =
            |record: &Record| filter.network.as_deref().is_none_or(|name| name == record.network());
        for record in records.into_iter().filter(wanted) {
            self.add(record).await?;
        }
        self.send().await
    }

    /// Goes through the ledger from `after` to its end or until `read_units` are spent.
    async fn ledger(
        &mut self,
        filter: &Filter,
        mut after: Option<Cursor>,
        read_units: u32,
    ) -> Result<(), Failure> {
        self.done.next = after.as_ref().map(token);
        loop {
            let page = self.account.ledger.scan(filter, after.as_ref()).await;
            let page = page.map_err(self.account.ledger_failed("Scan"))?;
            self.done.read += page.read;
            self.done.read_units += page.units;
            for record in page.records {
                self.add(record).await?;
            }
            self.send().await?;
            self.done.next = page.next.as_ref().map(token);
            if page.next.is_none() || self.done.read_units >= f64::from(read_units) {
                return Ok(());
            }
            after = page.next;
        }
    }

    /// Adds a record to the batch, if it has events to publish.
    async fn add(&mut self, record: Record) -> Result<(), Failure> {
        let count = published(&record, self.from);
        if count > 0 {
            self.pending.records.push(record);
            self.pending.events += count;
        }
        if self.pending.events >= BATCH { self.send().await } else { Ok(()) }
    }

    /// Sends the batch to the function.
    async fn send(&mut self) -> Result<(), Failure> {
        let Some(last) = self.pending.records.last() else { return Ok(()) };
        let place = token(&cursor(last));
        let function = self.account.publisher();
        let event = stream::replay(&self.pending.records, self.from);
        let event = event.map_err(|_| Failure::NotPublished { function: function.clone() })?;
        let invoke = self.account.functions.invoke().function_name(&function);
        let invoke = invoke.set_qualifier(self.account.alias().map(str::to_owned));
        let sent = invoke.payload(Blob::new(event.get())).send().await;
        let sent = sent.map_err(|error| failed("Lambda", "Invoke", &error))?;
        if sent.function_error().is_some() {
            return Err(Failure::NotPublished { function });
        }
        self.done.deliveries += self.pending.records.len();
        self.done.events += self.pending.events;
        self.done.next = Some(place);
        self.pending = Pending::default();
        Ok(())
    }
}

/// The number of events of `record` that the function publishes.
fn published(record: &Record, from: Option<Timestamp>) -> usize {
    let events = events(0, record);
    events.iter().filter(|event| from.is_none_or(|from| event.at >= from)).count()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use postback_runtime::lambda::stream::{Batch, Write};
    use serde_json::{Value, value::to_raw_value};

    use super::*;
    use crate::{
        args::{Arguments, Command, Events},
        fixtures::{FakeAws, record},
    };

    /// What the command answers, and the failure that it ends with.
    async fn replay(aws: &FakeAws, more: &[&str]) -> (Value, Option<Failure>) {
        let line = ["postback", "events", "replay"].iter().chain(more);
        let arguments = Arguments::try_parse_from(line).expect("a command line");
        let Command::Events(Events::Replay(wanted)) = &arguments.command else {
            panic!("another command");
        };
        let now = Timestamp::parse("2026-11-22T00:00:00Z").expect("a time");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output { json: true, out: &mut out, err: &mut err };
        let failure = run(&aws.account, wanted, now, &mut output).await.err();
        (serde_json::from_slice(&out).expect("JSON"), failure)
    }

    async fn put(aws: &FakeAws, order_id: &str, delivery: &str) {
        let mut record = record(delivery, "delivered", 1);
        order_id.clone_into(&mut record.order_id);
        aws.table.ledger().put(&record, None).await.expect("a write");
    }

    /// The orders in each batch that `publish` got, as it reads them.
    fn batches(aws: &FakeAws) -> Vec<Vec<String>> {
        let orders = |batch: &Value| {
            let batch = to_raw_value(batch).expect("JSON");
            let writes = Batch::from_payload(&batch).expect("a batch").writes.into_iter();
            let first = |write| match write {
                Write::Delivery { since: 0, record } => record.order_id,
                other => panic!("no first write: {other:?}"),
            };
            writes.map(first).collect()
        };
        aws.invoked().iter().map(orders).collect()
    }

    #[tokio::test]
    async fn a_ledger_is_published_in_batches_each_delivery_once() {
        let aws = FakeAws::start().await;
        for number in 0..=BATCH {
            put(&aws, &format!("A-{number}"), "net").await;
        }

        let (answer, failure) = replay(&aws, &[]).await;

        assert_eq!(failure, None);
        let batches = batches(&aws);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [BATCH, 1]);
        let orders: std::collections::BTreeSet<_> = batches.iter().flatten().collect();
        assert_eq!(orders.len(), BATCH + 1);
        assert_eq!((&answer["events"], &answer["next"]), (&(BATCH + 1).into(), &Value::Null));
    }

    #[tokio::test]
    async fn an_order_one_network_and_a_span_are_published_alone() {
        let aws = FakeAws::start().await;
        for (order_id, delivery) in [("A-1", "net"), ("A-1", "other"), ("A-2", "net")] {
            put(&aws, order_id, delivery).await;
        }

        let (answer, _) = replay(&aws, &["--order", "A-1"]).await;
        assert_eq!((&answer["deliveries"], &answer["events"]), (&2.into(), &2.into()));
        let (answer, _) = replay(&aws, &["--network", "net"]).await;
        assert_eq!(answer["deliveries"], 2);
        let (answer, _) = replay(&aws, &["--from", "2026-11-21T10:15:01Z"]).await;
        assert_eq!((&answer["deliveries"], &answer["read"]), (&0.into(), &3.into()));
        let (_, failure) = replay(&aws, &["--order", "nobody"]).await;
        assert_eq!(failure, Some(Failure::UnknownOrder { order_id: "nobody".to_owned() }));

        let orders: Vec<_> = batches(&aws).into_iter().map(|orders| orders.join(" ")).collect();
        assert_eq!(orders[0], "A-1 A-1");
        assert_eq!(orders.len(), 2, "nothing is sent where nothing is to be published");
    }

    #[tokio::test]
    async fn a_replay_that_publish_refuses_says_how_far_it_came() {
        let aws = FakeAws::start().await;
        put(&aws, "REFUSED", "net").await;

        let (answer, failure) = replay(&aws, &[]).await;

        let function = "postback-publish".to_owned();
        assert_eq!(failure, Some(Failure::NotPublished { function }));
        assert_eq!((&answer["deliveries"], &answer["events"]), (&0.into(), &0.into()));
    }

    #[test]
    fn only_events_since_the_beginning_are_counted() {
        let record = record("net", "delivered", 1);
        let at = |text| Timestamp::parse(text).map(|from| published(&record, Some(from)));

        assert_eq!(published(&record, None), 1);
        assert_eq!(at("2026-11-21T10:15:00Z"), Some(1));
        assert_eq!(at("2026-11-21T10:15:01Z"), Some(0));
    }

    #[test]
    fn a_replay_that_is_not_finished_says_where_to_resume() {
        let done = Replayed { deliveries: 2, events: 3, read: 9, read_units: 1.5, next: None };
        let counts = "Published 3 events of 2 deliveries; read 9 deliveries, 1.5 read units";

        assert_eq!(lines(&done), [counts]);
        let done = Replayed { next: Some("net/A-1".to_owned()), ..done };
        assert_eq!(lines(&done)[1], "Not finished: resume with --after 'net/A-1'");
    }
}
