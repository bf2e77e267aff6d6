//! `status`: what needs a person, on one screen.

use std::{collections::BTreeMap, time::Duration};

use postback_core::{clock::Timestamp, delivery::Record};
use postback_runtime::ledger::Filter;
use serde::Serialize;

use crate::{
    account::{Account, Network},
    args::Status,
    failure::Failure,
    scan::{Read, gather},
    view::{Output, age, fitted},
    watch::{Mapping, alarms, dead_letters, mappings},
};

mod needs;

use needs::{Counts, Need, needs};

/// The width of the screen.
const WIDTH: usize = 80;

#[derive(Serialize)]
struct View<'a> {
    stack: &'a str,
    region: &'a str,
    needs: &'a [Need],
    networks: &'a BTreeMap<String, Counts>,
    read: usize,
    read_units: f64,
    /// True if the ledger was read to its end.
    complete: bool,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Status,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let networks = account.networks();
    let of = |network: &Network| (network.name.clone(), Counts::default());
    let mut counts: BTreeMap<_, _> = networks.iter().map(of).collect();
    let add = |record: Record| {
        counts.entry(record.network().to_owned()).or_default().add(&record, now);
    };
    let resources = account.resources().await?;
    let open = Filter::open();
    let (read, alarms, mappings) = tokio::join!(
        gather(account, &open, None, wanted.read_units, add),
        alarms(account, &resources),
        mappings(account, &resources),
    );
    let (read, alarms, mappings) = (read?, alarms?, mappings?);
    for network in &networks {
        let counts = counts.entry(network.name.clone()).or_default();
        counts.dead_letters = dead_letters(account, network).await?;
        counts.stopped = is_stopped(network, &mappings);
    }
    let needs = needs(&counts, &alarms, &mappings, &read);
    let place = &account.place;
    let (stack, region) = (place.stack.as_str(), place.region.as_str());
    output.answer(
        &lines(&format!("{stack} in {region}"), &counts, &needs, &read),
        &View {
            stack,
            region,
            needs: &needs,
            networks: &counts,
            read: read.items,
            read_units: read.units,
            complete: read.next.is_none(),
        },
    );
    output.note(&read.cost(counts.values().map(|counts| counts.open.count).sum()));
    match (needs.len(), read.next) {
        (0, None) => Ok(()),
        (0, Some(next)) => Err(Failure::Stopped { next }),
        (count, _) => Err(Failure::NeedsPerson(format!("Needs a person: {count}."))),
    }
}

fn is_stopped(network: &Network, mappings: &[Mapping]) -> bool {
    let name = format!("{}FunctionQueue", network.prefix);
    mappings.iter().any(|mapping| mapping.logical == name && mapping.is_stopped())
}

fn lines(
    place: &str,
    counts: &BTreeMap<String, Counts>,
    needs: &[Need],
    read: &Read,
) -> Vec<String> {
    let mut lines = vec![match needs.len() {
        0 if read.next.is_none() => format!("{place}: nothing needs a person"),
        0 => format!("{place}: nothing in this part of the ledger needs a person"),
        count => format!("{place}: {count} need a person"),
    }];
    if read.next.is_some() {
        lines.push("PART OF THE LEDGER ONLY: the counts are too low.".to_owned());
    }
    lines.push(String::new());
    let headings = ["network", "open", "held", "in doubt", "dead", "oldest", "money open"];
    let row = |(network, counts): (&String, &Counts)| {
        let oldest = Duration::from_secs(counts.oldest_seconds);
        vec![
            network.clone(),
            counts.open.count.to_string(),
            counts.held.count.to_string(),
            counts.in_doubt.count.to_string(),
            counts.dead_letters.to_string(),
            if counts.open.count == 0 { "-".to_owned() } else { age(oldest) },
            counts.open.money(),
        ]
    };
    lines.extend(fitted(&headings, &counts.iter().map(row).collect::<Vec<_>>(), WIDTH));
    for Need { subject, what, command, .. } in needs {
        lines.push(String::new());
        lines.push(format!("{subject}: {what}"));
        lines.push(format!("  {command}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixtures::paid, watch::Alarm};

    /// Half an hour after the fixtures' last write.
    fn now() -> Timestamp {
        Timestamp::parse("2026-11-21T10:45:00Z").expect("an instant")
    }

    fn status(records: Vec<Record>, now: Timestamp) -> (BTreeMap<String, Counts>, Vec<Need>) {
        let mut counts = BTreeMap::from([("quiet".to_owned(), Counts::default())]);
        for record in records {
            let network = record.network().to_owned();
            counts.entry(network).or_insert_with(Counts::default).add(&record, now);
        }
        let needs = needs(&counts, &[], &[], &Read::default());
        (counts, needs)
    }

    #[test]
    fn a_ledger_without_anything_open_needs_nobody() {
        let (counts, needs) = status(vec![paid("net", "delivered", "10", "EUR")], now());

        assert_eq!(needs, []);
        let lines = lines("postback in eu", &counts, &needs, &Read::default());
        assert_eq!(lines[0], "postback in eu: nothing needs a person");
        let part = Read { next: Some("net/A-1".to_owned()), ..Read::default() };
        let part = super::lines("postback in eu", &counts, &needs, &part);
        assert_eq!(part[0], "postback in eu: nothing in this part of the ledger needs a person");
    }

    #[test]
    fn what_waits_for_a_person_is_named_with_its_money_and_a_command() {
        let records =
            ["10.50", "20"].map(|amount| paid("net", "unconfirmed", amount, "EUR")).to_vec();

        let (counts, needs) = status(records, now());

        assert_eq!(needs.len(), 1, "{needs:?}");
        assert_eq!(needs[0].code, "held");
        assert_eq!(needs[0].what, "2 wait for a person: 30.50 EUR");
        assert_eq!(needs[0].command, "postback orders list --held --network net");
        let lines = lines("postback in eu", &counts, &needs, &Read::default());
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
    }

    #[test]
    fn what_has_lost_its_message_needs_a_person_after_two_hours() {
        let retrying = || vec![paid("net", "retrying", "10", "EUR")];

        assert_eq!(status(retrying(), now()).1, []);
        let (_, needs) = status(retrying(), now() + Duration::from_hours(2));
        assert_eq!(needs.iter().map(|need| need.code).collect::<Vec<_>>(), ["unwatched"]);
    }

    #[test]
    fn alarms_that_are_on_and_stopped_mappings_are_named() {
        let alarm =
            |is_on| Alarm { logical: "NetPausedAlarm".to_owned(), is_on, ..Alarm::default() };
        let stopped = Mapping { logical: "PublishFunctionLedger".to_owned(), state: None };

        let needs =
            needs(&BTreeMap::new(), &[alarm(true), alarm(false)], &[stopped], &Read::default());

        let codes: Vec<_> = needs.iter().map(|need| need.code).collect();
        assert_eq!(codes, ["events_stopped", "alarm"]);
    }
}
