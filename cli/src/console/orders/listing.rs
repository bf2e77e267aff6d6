//! The lists that queries stand for, kept to be shown again.

use std::sync::{Arc, Mutex};

use clap::Parser;
use postback_core::{clock::Timestamp, delivery::Record};
use postback_runtime::ledger::Filter;

use super::super::{
    Console, lock,
    reading::{Gathers, Job, Reading},
};
use crate::{
    args::{Arguments, Command, List, Orders},
    failure::Failure,
    list::{Found, filter},
};

/// The number of lists that are kept to be shown again.
const LISTS: usize = 8;

/// The names of the pairs that say which deliveries are wanted.
const NAMES: [&str; 9] =
    ["which", "reason", "network", "since", "until", "limit", "find", "min-amount", "sort"];

/// Returns whether the pair of this name says which deliveries are wanted.
pub(in crate::console) fn is_wish(name: &str) -> bool {
    NAMES.contains(&name)
}

/// The words for `which` besides the states.
pub(super) const WHICH: [&str; 7] =
    ["open", "held", "validations", "claim-back", "unwatched", "unclear", "conflicts"];

/// The deliveries behind a card of the first page, where `orders list` finds others with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    /// The deliveries that wait for a person, without their validations.
    Held,
    /// The validations that wait for a person.
    Validations,
    /// The deliveries whose message has gone.
    Unwatched,
    /// The unclear refusals that no decision has answered.
    Unclear,
}

impl Only {
    fn of(which: &str) -> Option<Self> {
        Some(match which {
            "held" => Self::Held,
            "validations" => Self::Validations,
            "unwatched" => Self::Unwatched,
            "unclear" => Self::Unclear,
            _ => return None,
        })
    }

    fn takes(self, record: &Record, now: Timestamp) -> bool {
        let is_so = match self {
            Self::Held => record.is_held(),
            Self::Validations => record.is_validation_for_a_person(),
            Self::Unwatched => record.is_unwatched(now),
            Self::Unclear => record.is_open_refusal(),
        };
        is_so && record.is_validation() == (self == Self::Validations)
    }
}

/// The deliveries that a query selects.
#[derive(Debug)]
pub(in crate::console) struct Wanted {
    /// The options of `orders list`.
    pub(in crate::console) list: List,
    only: Option<Only>,
}

impl Wanted {
    /// The same, of which so many are shown.
    pub(in crate::console) fn up_to(self, limit: usize) -> Self {
        Self { list: List { limit: Some(limit), ..self.list }, ..self }
    }
}

/// Reads a query: the options of `orders list` have the last word.
pub(in crate::console) fn wanted(pairs: &[(String, String)]) -> Result<Wanted, Failure> {
    let mut line: Vec<_> = ["postback", "orders", "list"].map(str::to_owned).into();
    let (mut sorted, mut only) = (false, None);
    for (name, value) in pairs {
        match (name.as_str(), value.trim()) {
            (_, "") => {}
            ("which", word) => {
                only = only.or(Only::of(word));
                line.push(option(word));
            }
            (name, value) if is_wish(name) => {
                sorted |= name == "sort";
                line.push(format!("--{name}={value}"));
            }
            _ => {}
        }
    }
    if !sorted {
        line.push("--sort=age".to_owned());
    }
    let usage = |error: clap::Error| {
        let text = error.to_string();
        Failure::Usage(text.lines().next().unwrap_or_default().replace("error: ", ""))
    };
    match Arguments::try_parse_from(line).map_err(usage)?.command {
        Command::Orders(Orders::List(list)) => Ok(Wanted { list, only }),
        _ => Err(Failure::Usage("No list.".to_owned())),
    }
}

/// The option of `orders list` that finds all of these.
fn option(which: &str) -> String {
    match which {
        "open" | "held" | "claim-back" | "conflicts" => format!("--{which}"),
        "validations" => "--held".to_owned(),
        "unwatched" => "--open".to_owned(),
        "unclear" => "--state=rejected".to_owned(),
        state => format!("--state={state}"),
    }
}

/// The deliveries of a list, as far as they were read.
#[derive(Clone)]
pub(in crate::console) struct Chosen {
    pub(in crate::console) found: Found,
    only: Option<Only>,
}

impl Gathers for Chosen {
    fn add(&mut self, record: Record, now: Timestamp) {
        if self.only.is_none_or(|only| only.takes(&record, now)) {
            self.found.add(record);
        }
    }
}

/// The lists of late, by their queries.
#[derive(Default)]
pub(in crate::console) struct Lists(Mutex<Vec<(String, Arc<Job<Chosen>>)>>);

impl Lists {
    pub(in crate::console) fn forget(&self) {
        lock(&self.0).drain(..).for_each(|(_, job)| job.forget());
    }

    /// The job of a query. By a later look `2h` is another instant: then a list is shown again only
    /// while it is being read, or as long as any page is.
    fn job(&self, console: &Console, wanted: &Wanted) -> Result<Arc<Job<Chosen>>, Failure> {
        let now = console.now();
        let filter = filter(&console.account, &wanted.list, now)?;
        // A card is about what waits, also where the list is about more.
        let filter = Filter { waiting: filter.waiting || wanted.only.is_some(), ..filter };
        let query = format!("{wanted:?}");
        let mut lists = lock(&self.0);
        let is_its = |(known, job): &&(String, Arc<Job<Chosen>>)| {
            *known == query && (job.filter == filter || job.is_current(now))
        };
        if let Some((_, job)) = lists.iter().find(is_its) {
            return Ok(job.clone());
        }
        let job = Job::new(filter, Chosen { found: Found::new(&wanted.list), only: wanted.only });
        lists.retain(|(known, _)| *known != query);
        lists.truncate(LISTS - 1);
        lists.insert(0, (query, job.clone()));
        Ok(job)
    }
}

/// The list of a query so far.
pub(in crate::console) async fn look(
    console: &Arc<Console>,
    wanted: &Wanted,
) -> Result<Reading<Chosen>, Failure> {
    let mut reading = console.lists.job(console, wanted)?.look(console).await;
    reading.value.found.finish();
    Ok(reading)
}

/// The list of a query, read to its end.
pub(in crate::console) async fn whole(
    console: &Arc<Console>,
    wanted: &Wanted,
) -> Result<Reading<Chosen>, Failure> {
    let mut reading = console.lists.job(console, wanted)?.whole(console).await?;
    reading.value.found.finish();
    Ok(reading)
}
