//! `status`: what needs a person, on one screen.

use std::{collections::BTreeMap, time::Duration};

use postback_core::clock::Timestamp;
use postback_runtime::ledger::{Filter, Page};
use serde::Serialize;

use crate::{
    account::Account,
    args::Status,
    failure::Failure,
    scan::{Read, watched},
    screen::{height, wrapped, wrapped_command},
    view::{Output, age, fitted},
    watch::{Watched, apart},
};

mod group;
mod kind;
mod needs;
mod unclaimed;

pub(crate) use needs::{Counted, Counts, Need, needs};
pub(crate) use unclaimed::Unclaimed;

/// The width of the screen.
const WIDTH: usize = 80;

/// The lines of the screen that the remarks below and the next prompt take.
const BELOW: usize = 3;

/// The seconds after which a person is shown what was found so far.
const PATIENCE: usize = 2;

#[derive(Serialize)]
struct View<'a> {
    stack: &'a str,
    region: &'a str,
    needs: &'a [Need],
    networks: &'a BTreeMap<String, Counts>,
    read: usize,
    read_units: f64,
    /// True if the index was read to its end, and the rest was asked about.
    complete: bool,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Status,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut counted = Counted::of(account.networks().into_iter().map(|network| network.name));
    let place = format!("{} in {}", account.place.stack, account.place.region);
    let read = scan_index(account, &mut counted, &place, now, output);
    let (read, looked) = tokio::join!(read, Watched::look(account));
    // What the one has found is shown although the other failed.
    let ((read, unread), (looked, unseen)) = (apart(read), apart(looked));
    looked.count(account, &mut counted);
    let needs = needs(&counted, &looked.alarms, &looked.mappings, &read, now);
    let unseen = unseen.or(looked.pauses_unread);
    let part = part(unread.is_some(), unseen.is_some());
    let failure = unread.or(unseen);
    if let Some(failure) = failure.as_ref().filter(|_| needs.is_empty()) {
        return Err(failure.clone());
    }
    let counts = &counted.networks;
    let lines_of_screen = if wanted.all { usize::MAX } else { height() };
    let sheet = Sheet { place: &place, counts, needs: &needs, part, height: lines_of_screen };
    output.answer(
        &sheet.lines(),
        &View {
            stack: &account.place.stack,
            region: &account.place.region,
            needs: &needs,
            networks: counts,
            read: read.items,
            read_units: read.units,
            complete: failure.is_none(),
        },
    );
    output.note(&read.cost(counts.values().map(|counts| counts.waiting.count).sum()));
    match (failure, needs.len()) {
        (Some(failure), _) => Err(failure),
        (None, 0) => Ok(()),
        (None, count) => Err(Failure::NeedsPerson(format!("Needs a person: {count}."))),
    }
}

/// The warning that something is missing.
const fn part(unread: bool, unseen: bool) -> Option<&'static str> {
    match (unread, unseen) {
        (true, _) => Some("THE LEDGER WAS NOT READ TO ITS END: the counts are too low."),
        (_, true) => Some("NOT ALL COULD BE READ: the last line says what is missing."),
        _ => None,
    }
}

/// Reads the index of what waits. Who waits at a terminal is shown what was found so far.
async fn scan_index(
    account: &Account,
    counted: &mut Counted,
    place: &str,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<Read, Failure> {
    let (mut read, mut seconds, mut is_shown) = (Read::default(), 0, false);
    let each = async |page: Option<Page>| {
        if let Some(page) = page {
            read.add(&page);
            page.records.iter().for_each(|record| counted.add(record, now));
            return Ok(());
        }
        seconds += 1;
        let is_due = seconds >= PATIENCE && !is_shown && output.is_watched();
        let needs = if is_due { needs(counted, &[], &[], &read, now) } else { Vec::new() };
        if !needs.is_empty() {
            is_shown = true;
            let part = Some("STILL READING: the counts are too low, and alarms are missing.");
            let (counts, height) = (&counted.networks, height());
            let sheet = Sheet { place, counts, needs: &needs, part, height };
            sheet.lines().iter().for_each(|line| output.note(line));
            output.note("");
        }
        output.progress(&read.so_far());
        Ok(())
    };
    watched(account, &Filter::needing(), each).await?;
    Ok(read)
}

/// The screen for a person.
struct Sheet<'a> {
    place: &'a str,
    counts: &'a BTreeMap<String, Counts>,
    needs: &'a [Need],
    /// A warning that not all was read.
    part: Option<&'static str>,
    height: usize,
}

impl Sheet<'_> {
    fn lines(&self) -> Vec<String> {
        let place = self.place;
        let mut lines = vec![match self.needs.len() {
            0 if self.part.is_none() => format!("{place}: nothing needs a person"),
            0 => format!("{place}: nothing in this part of the ledger needs a person"),
            1 => format!("{place}: 1 needs a person"),
            count => format!("{place}: {count} need a person"),
        }];
        lines.extend(self.part.map(str::to_owned));
        lines.push(String::new());
        lines.extend(self.table());
        let room = self.height.saturating_sub(BELOW);
        for (at, Need { subject, what, command, .. }) in self.needs.iter().enumerate() {
            let mut need = vec![String::new()];
            need.extend(wrapped(&format!("{subject}: {what}"), WIDTH));
            need.extend(wrapped_command(&format!("  {command}"), WIDTH));
            let left = self.needs.len() - at;
            // A line that names what is left, and one before it.
            let rest = if left > 1 { 2 } else { 0 };
            // The first is shown in any case.
            if at > 0 && lines.len() + need.len() + rest > room {
                lines.extend([String::new(), format!("and {left} more: postback status --all")]);
                break;
            }
            lines.extend(need);
        }
        lines
    }

    fn table(&self) -> Vec<String> {
        let headings =
            ["network", "waiting", "held", "in doubt", "dead", "oldest", "money waiting"];
        let row = |(network, counts): (&String, &Counts)| {
            let oldest = Duration::from_secs(counts.oldest_seconds);
            vec![
                network.clone(),
                counts.waiting.count.to_string(),
                counts.held.count.to_string(),
                counts.in_doubt.count.to_string(),
                counts.dead_letters.to_string(),
                if counts.waiting.count == 0 { "-".to_owned() } else { age(oldest) },
                counts.waiting.money(),
            ]
        };
        fitted(&headings, &self.counts.iter().map(row).collect::<Vec<_>>(), WIDTH)
    }
}

#[cfg(test)]
mod tests;
