//! `status`: what needs a person, on one screen.

use std::{collections::BTreeMap, time::Duration};

use postback_core::clock::Timestamp;
use postback_runtime::ledger::Filter;
use serde::Serialize;

use crate::{
    account::Account,
    args::Status,
    failure::Failure,
    scan::{Read, gather, gather_all},
    screen::wrapped,
    view::{Output, age, fitted},
    watch::Watched,
};

mod group;
mod kind;
mod needs;
mod unclaimed;

pub(crate) use needs::{Counted, Counts, Need, needs};
pub(crate) use unclaimed::Unclaimed;

/// The width of the screen.
const WIDTH: usize = 80;

#[derive(Serialize)]
struct View<'a> {
    stack: &'a str,
    region: &'a str,
    needs: &'a [Need],
    networks: &'a BTreeMap<String, Counts>,
    unclaimed: &'a Unclaimed,
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
    let mut counted = Counted::of(account.networks().into_iter().map(|network| network.name));
    let filter = Filter::needing();
    let read = async {
        let add = |record| counted.add(&record, now);
        match wanted.read_units {
            // In the ledger's order, which has a place to go on from.
            Some(most) => gather(account, &filter, None, Some(most), add).await,
            None => gather_all(account, &filter, add).await,
        }
    };
    let (read, watched) = tokio::join!(read, Watched::look(account));
    let (read, watched) = (read?, watched?);
    watched.count(account, &mut counted);
    let needs = needs(&counted, &watched.alarms, &watched.mappings, &read, now);
    let counts = &counted.networks;
    let place = &account.place;
    let (stack, region) = (place.stack.as_str(), place.region.as_str());
    output.answer(
        &lines(&format!("{stack} in {region}"), counts, &needs, &read),
        &View {
            stack,
            region,
            needs: &needs,
            networks: counts,
            unclaimed: &read.unclaimed,
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
    lines.extend(read.unclaimed.line().iter().flat_map(|line| wrapped(line, WIDTH)));
    for Need { subject, what, command, .. } in needs {
        lines.push(String::new());
        lines.extend(wrapped(&format!("{subject}: {what}"), WIDTH));
        lines.push(format!("  {command}"));
    }
    lines
}

#[cfg(test)]
mod tests;
