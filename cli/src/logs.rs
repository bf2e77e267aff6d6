//! `logs`: the lines of a network, a function or an order in CloudWatch Logs.

use std::{collections::VecDeque, time::Duration};

use postback_core::clock::Timestamp;
use serde::Serialize;

use crate::{
    account::{Account, Resource, failed},
    args::Logs,
    failure::Failure,
    screen::width,
    span,
    view::Output,
};

mod filter;
mod line;
#[cfg(test)]
mod tests;

pub(crate) use filter::Condition;
use filter::Filter;
use line::{Line, wrapped};

const SPAN: Duration = Duration::from_hours(1);
/// An order may have been on its way for longer.
const SPAN_OF_ORDER: Duration = Duration::from_hours(24);

/// A log group of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Log {
    /// The network, the function, or `api`.
    name: String,
    group: String,
}

#[derive(Serialize)]
struct View<'a> {
    logs: Vec<&'a str>,
    since: Timestamp,
    until: Timestamp,
    /// The number of lines that fit.
    count: usize,
    /// True if `lines` holds all of them.
    complete: bool,
    lines: Vec<&'a Line>,
}

/// The lines that fit: all counted, the newest kept.
#[derive(Debug, Default)]
struct Found {
    count: usize,
    lines: VecDeque<Line>,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Logs,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let known = logs(&account.place.stack, &account.resources().await?);
    let one = find(&known, &wanted.name);
    let span = if one.is_some() { SPAN } else { SPAN_OF_ORDER };
    let since = wanted.since.as_deref().map(|since| span::instant("--since", since, now));
    let since = since.transpose()?.unwrap_or(now - span);
    if since >= now {
        return Err(Failure::EmptySpan { from: "--since", to: "now" });
    }
    let logs = one.map_or(known.as_slice(), std::slice::from_ref);
    let order_id = one.is_none().then(|| wanted.name.clone());
    let filter = Filter { order_id, code: wanted.code.clone(), others: wanted.conditions.clone() };
    let mut found = Found::default();
    for log in logs {
        found.merge(read_log(account, log, &filter, since, now, wanted.limit).await?, wanted.limit);
    }
    let names: Vec<_> = logs.iter().map(|log| log.name.as_str()).collect();
    let head = head(&found, &filter, &names, since, now);
    let lines = found.lines.iter().flat_map(|line| [vec![String::new()], line.shown(width())]);
    let lines: Vec<_> = head.into_iter().chain(lines.flatten()).collect();
    let complete = found.count == found.lines.len();
    let shown = found.lines.iter().collect();
    output.answer(
        &lines,
        &View { logs: names, since, until: now, count: found.count, complete, lines: shown },
    );
    Ok(())
}

/// The stack's logs.
fn logs(stack: &str, resources: &[Resource]) -> Vec<Log> {
    let groups = resources.iter().filter(|resource| resource.kind == "AWS::Logs::LogGroup");
    let log = |resource: &Resource| {
        let group = resource.physical.clone();
        let last = group.rsplit('/').next().unwrap_or_default();
        let name = last.strip_prefix(stack).and_then(|name| name.strip_prefix('-'));
        Log { name: name.unwrap_or(last).to_owned(), group }
    };
    let mut logs: Vec<_> = groups.map(log).collect();
    logs.sort_by(|one, other| one.name.cmp(&other.name));
    logs
}

/// The log group of a network or a function.
pub(crate) fn group_of(stack: &str, resources: &[Resource], name: &str) -> Option<String> {
    find(&logs(stack, resources), name).map(|log| log.group.clone())
}

/// The log of this name; its words may also be joined by hyphens.
fn find<'a>(logs: &'a [Log], name: &str) -> Option<&'a Log> {
    let name = name.replace('-', "_");
    logs.iter().find(|log| log.name == name)
}

async fn read_log(
    account: &Account,
    log: &Log,
    filter: &Filter,
    since: Timestamp,
    until: Timestamp,
    most: usize,
) -> Result<Found, Failure> {
    let client = aws_sdk_cloudwatchlogs::Client::new(&account.place.config);
    let events = client.filter_log_events().log_group_name(&log.group);
    let events = events.start_time(since.as_millis()).end_time(until.as_millis());
    let events = events.set_filter_pattern(filter.pattern());
    // A page may be empty with more behind it.
    let mut pages = events.into_paginator().send();
    let mut found = Found::default();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failed("CloudWatch Logs", "FilterLogEvents", &error))?;
        for event in page.events.unwrap_or_default() {
            let at = Timestamp::from_millis(event.timestamp.unwrap_or_default());
            let line = Line::parse(&log.name, at, &event.message.unwrap_or_default());
            if filter.takes(&line) {
                found.add(line, most);
            }
        }
    }
    Ok(found)
}

impl Found {
    fn add(&mut self, line: Line, most: usize) {
        self.count += 1;
        self.lines.push_back(line);
        self.shorten(most);
    }

    fn merge(&mut self, other: Self, most: usize) {
        self.count += other.count;
        self.lines.extend(other.lines);
        self.lines.make_contiguous().sort_by_key(|line| line.at);
        self.shorten(most);
    }

    fn shorten(&mut self, most: usize) {
        self.lines.drain(..self.lines.len().saturating_sub(most));
    }
}

/// The lines that say how much was found, where and until when.
fn head(
    found: &Found,
    filter: &Filter,
    names: &[&str],
    since: Timestamp,
    until: Timestamp,
) -> Vec<String> {
    let count = found.count;
    let shown = found.lines.len();
    let much = match count {
        0 => "no line".to_owned(),
        1 => "1 line".to_owned(),
        _ => format!("{count} lines"),
    };
    let logs = match names {
        [name] => (*name).to_owned(),
        _ => format!("all {} logs", names.len()),
    };
    let mut head = vec![
        format!("{logs}: {much}{filter}"),
        format!("from {since} until {until}, read to the end"),
    ];
    if shown < count {
        head.push(format!("The newest {shown} are shown: show more with --limit"));
    }
    if let (0, Some(order_id)) = (count, &filter.order_id) {
        head.push(format!(
            "{order_id} is the name of no log, so it was taken for an order's id. Logs:"
        ));
        head.extend(wrapped(names.iter().map(|name| (*name).to_owned()), width()));
    }
    head
}
