//! The things that a person has to do, by network.

use std::collections::BTreeMap;

use postback_core::{clock::Timestamp, delivery::Record};
use serde::Serialize;

use crate::{
    list::Sum,
    scan::Read,
    watch::{Alarm, Mapping},
};

/// The counts of one network.
#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    /// The deliveries that are not final.
    pub(super) open: Sum,
    /// Those that wait for a person.
    pub(super) held: Sum,
    /// Those of which nobody knows whether the network has them.
    pub(super) in_doubt: Sum,
    /// Those whose message has gone.
    pub(super) unwatched: Sum,
    /// The permissions to send again without an attempt.
    pub(super) permitted: usize,
    pub(super) dead_letters: usize,
    /// True if its queue feeds no function.
    pub(super) stopped: bool,
    pub(super) oldest_seconds: u64,
}

/// Something that a person has to do.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Need {
    pub(super) code: &'static str,
    /// The network, or the alarm.
    pub(super) subject: String,
    pub(super) what: String,
    /// The command that goes on.
    pub(super) command: String,
}

impl Counts {
    pub(super) fn add(&mut self, record: &Record, now: Timestamp) {
        let delivery = &record.protocol;
        let given = delivery.permission.as_ref();
        self.permitted += usize::from(given.is_some_and(|given| now < given.until));
        if delivery.state.is_final() {
            return;
        }
        let money = record.money();
        self.open.add(money);
        self.oldest_seconds = self.oldest_seconds.max(now.since(delivery.first_seen_at).as_secs());
        if record.is_held() {
            self.held.add(money);
        }
        if delivery.in_doubt() {
            self.in_doubt.add(money);
        }
        if record.is_unwatched(now) {
            self.unwatched.add(money);
        }
    }

    fn needs(&self, network: &str, needs: &mut Vec<Need>) {
        let mut need = |code, count: usize, what: String, command: String| {
            if count > 0 {
                needs.push(Need { code, subject: network.to_owned(), what, command });
            }
        };
        let Self { held, unwatched, dead_letters, stopped, .. } = self;
        need(
            "held",
            held.count,
            format!("{} wait for a person{}", held.count, behind(&held.money())),
            format!("postback orders list --held --network {network}"),
        );
        need(
            "unwatched",
            unwatched.count,
            format!("{} have no message any more{}", unwatched.count, behind(&unwatched.money())),
            format!("postback orders replay --from 7d --network {network} --dry-run"),
        );
        need(
            "dead_letters",
            *dead_letters,
            format!("{dead_letters} dead letters"),
            format!("postback orders redrive --network {network} --dry-run"),
        );
        let what = "its queue feeds no function: its orders wait".to_owned();
        need("queue_stopped", usize::from(*stopped), what, "postback doctor".to_owned());
    }
}

fn behind(money: &str) -> String {
    if money.is_empty() { String::new() } else { format!(": {money}") }
}

pub(super) fn needs(
    counts: &BTreeMap<String, Counts>,
    alarms: &[Alarm],
    mappings: &[Mapping],
    read: &Read,
) -> Vec<Need> {
    let mut needs = Vec::new();
    for (network, counts) in counts {
        counts.needs(network, &mut needs);
    }
    let publisher = |mapping: &&Mapping| mapping.logical.starts_with("Publish");
    if mappings.iter().filter(publisher).any(Mapping::is_stopped) {
        let what = "the ledger's stream feeds no function: no event is published".to_owned();
        let (subject, command) = ("publish".to_owned(), "postback doctor".to_owned());
        needs.push(Need { code: "events_stopped", subject, what, command });
    }
    if read.unreadable > 0 {
        let what = format!("{} items that this version can't read", read.unreadable);
        let (subject, command) = ("ledger".to_owned(), "postback --version".to_owned());
        needs.push(Need { code: "unreadable_items", subject, what, command });
    }
    for alarm in alarms.iter().filter(|alarm| alarm.is_on) {
        needs.push(Need {
            code: "alarm",
            subject: alarm.logical.clone(),
            what: "the alarm is on: docs/runbook.md has its section".to_owned(),
            command: format!("aws cloudwatch describe-alarms --alarm-names {}", alarm.name),
        });
    }
    needs
}
