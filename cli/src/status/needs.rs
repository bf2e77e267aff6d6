//! The things that a person has to do: by network and reason.

use std::collections::{BTreeMap, BTreeSet};

use postback_core::{clock::Timestamp, delivery::Record};
use serde::Serialize;

use super::{group::Group, kind::Kind};
use crate::{
    list::{Sum, at_stake},
    networks::PLATFORMS,
    pause::PauseView,
    scan::Read,
    watch::{Alarm, Mapping},
};

/// The counts of one network.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Counts {
    /// The deliveries that are not final, without those that are being sent.
    pub(crate) waiting: Sum,
    /// Those that wait for a person.
    pub(crate) held: Sum,
    /// Those of which nobody knows whether the network has them.
    pub(crate) in_doubt: Sum,
    /// Those whose message has gone.
    pub(crate) unwatched: Sum,
    /// The permissions to send again without an attempt.
    pub(crate) permitted: usize,
    pub(crate) dead_letters: usize,
    /// The messages about conversions' statuses that could not be read.
    pub(crate) status_letters: usize,
    /// True if the stack has it: the ledger may hold deliveries of others.
    #[serde(skip)]
    pub(crate) is_on: bool,
    /// True if its queue feeds no function.
    pub(crate) stopped: bool,
    /// The pause in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) paused: Option<PauseView>,
    pub(crate) oldest_seconds: u64,
}

/// Something that a person has to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Need {
    pub(crate) code: &'static str,
    /// The network, or the alarm.
    pub(crate) subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    pub(crate) what: String,
    /// The command that goes on.
    pub(crate) command: String,
    /// The deliveries that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deliveries: Option<Group>,
}

/// What was counted of the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) networks: BTreeMap<String, Counts>,
    /// The number of faulty orders of the bus.
    pub(crate) faulty_orders: usize,
    /// The number of the bus's own dead letters.
    pub(crate) bus_letters: usize,
    groups: BTreeMap<(String, Kind, Option<String>), Group>,
}

impl Counted {
    /// Nothing yet, of these networks.
    pub(crate) fn of(networks: impl IntoIterator<Item = String>) -> Self {
        let on = || Counts { is_on: true, ..Counts::default() };
        let networks = networks.into_iter().map(|name| (name, on())).collect();
        Self { networks, ..Self::default() }
    }

    pub(crate) fn add(&mut self, record: &Record, now: Timestamp) {
        let network = record.network();
        if !self.networks.contains_key(network) {
            self.networks.insert(network.to_owned(), Counts::default());
        }
        // The money of a validation is counted with its delivery.
        if let Some(counts) = self.networks.get_mut(network).filter(|_| !record.is_validation()) {
            counts.add(record, now);
        }
        let seen = record.protocol.first_seen_at;
        for kind in Kind::of(record, now) {
            let reason = record.protocol.reason.as_ref().map(ToString::to_string);
            // The state's reason is none of the conflict's.
            let reason = reason.filter(|_| !matches!(kind, Kind::Conflict | Kind::ClaimBack));
            let key = (network.to_owned(), kind, reason);
            let money = at_stake(record, kind == Kind::ClaimBack);
            self.groups.entry(key).or_insert_with(|| Group::new(seen)).add(money, seen);
        }
    }

    /// The needs that are about deliveries.
    fn needs(&self) -> impl Iterator<Item = Need> {
        self.groups.iter().map(|((network, kind, reason), group)| {
            let about = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            let (count, money) = (group.sum.count, behind(&group.sum.money()));
            let is_on = self.networks.get(network).is_some_and(|counts| counts.is_on);
            Need {
                code: kind.code(),
                subject: network.clone(),
                reason: reason.clone(),
                what: format!("{count} {}{about}{money}", kind.words(count == 1)),
                command: kind.command(network, reason.as_deref(), is_on),
                deliveries: Some(group.clone()),
            }
        })
    }
}

impl Counts {
    fn add(&mut self, record: &Record, now: Timestamp) {
        let delivery = &record.protocol;
        let given = delivery.permission.as_ref();
        self.permitted += usize::from(given.is_some_and(|given| now < given.until));
        if !delivery.state.is_waiting() {
            return;
        }
        let money = record.money();
        self.waiting.add(money);
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
}

pub(super) fn behind(money: &str) -> String {
    if money.is_empty() { String::new() } else { format!(": {money}") }
}

/// A need that is about no deliveries.
fn other(code: &'static str, subject: &str, what: String, command: String) -> Need {
    let subject = subject.to_owned();
    Need { code, subject, reason: None, what, command, deliveries: None }
}

/// Everything that needs a person.
pub(crate) fn needs(
    counted: &Counted,
    alarms: &[Alarm],
    mappings: &[Mapping],
    read: &Read,
    now: Timestamp,
) -> Vec<Need> {
    let mut needs: Vec<_> = counted.needs().chain(read.unclaimed.needs(now)).collect();
    // One of all networks is one need.
    let mut pauses = BTreeSet::new();
    for (network, counts) in &counted.networks {
        let Counts { dead_letters, status_letters, stopped, paused, .. } = counts;
        if *dead_letters > 0 {
            let command = format!("postback orders redrive --network {network} --dry-run");
            let what = format!("{dead_letters} dead letters");
            needs.push(other("dead_letters", network, what, command));
        }
        if *status_letters > 0 {
            let command = format!("postback orders redrive --network {network} --status --dry-run");
            let what = format!("{status_letters} unreadable messages about statuses");
            needs.push(other("status_letters", network, what, command));
        }
        if let Some(pause) = paused.as_ref().filter(|pause| pauses.insert(pause.subject())) {
            needs.push(other("paused", pause.subject(), pause.what(), pause.cure()));
        }
        if *stopped {
            let what = "its queue feeds no function: its orders wait".to_owned();
            needs.push(other("queue_stopped", network, what, "postback doctor".to_owned()));
        }
    }
    if counted.faulty_orders > 0 {
        let s = if counted.faulty_orders == 1 { "" } else { "s" };
        let what = format!("{} faulty order{s}", counted.faulty_orders);
        let command = "postback orders redrive --bus --dry-run".to_owned();
        needs.push(other("faulty_orders", "bus", what, command));
    }
    if counted.bus_letters > 0 {
        let what = format!("{} dead letters", counted.bus_letters);
        let command = "postback orders redrive --bus --dry-run".to_owned();
        needs.push(other("dead_letters", "bus", what, command));
    }
    let publisher = |mapping: &&Mapping| mapping.logical.starts_with("Publish");
    if mappings.iter().filter(publisher).any(Mapping::is_stopped) {
        let what = "the ledger's stream feeds no function: no event is published".to_owned();
        needs.push(other("events_stopped", "publish", what, "postback doctor".to_owned()));
    }
    if read.unreadable > 0 {
        let what = format!("{} items that this version can't read", read.unreadable);
        needs.push(other("unreadable_items", "ledger", what, "postback --version".to_owned()));
    }
    for alarm in alarms.iter().filter(|alarm| alarm.is_on) {
        let what = "the alarm is on: docs/runbook.md has its section".to_owned();
        let networks = counted.networks.keys().map(String::as_str);
        let command = format!("postback logs {} --since 3h", log_of(&alarm.logical, networks));
        needs.push(other("alarm", &alarm.logical, what, command));
    }
    needs
}

/// The log that says most about an alarm: its network's, or that of the function that it names.
fn log_of<'a>(alarm: &str, mut networks: impl Iterator<Item = &'a str>) -> String {
    let lower = alarm.to_ascii_lowercase();
    let network = networks.find(|name| lower.starts_with(&name.replace('_', "")));
    let platform = PLATFORMS.iter().find(|platform| alarm.starts_with(platform.prefix));
    if let (None, Some(platform)) = (network, platform) {
        return platform.name.to_owned();
    }
    let ends = ["FunctionErrorAlarm", "ErrorAlarm", "AllRefusedAlarm", "RefusalAlarm"];
    let mut named = ends.iter().filter_map(|end| alarm.strip_suffix(end));
    match (network, named.find(|name| !name.is_empty())) {
        (Some(network), _) => network.to_owned(),
        (None, Some(function)) => function.to_ascii_lowercase(),
        (None, None) if alarm.starts_with("Events") => "publish".to_owned(),
        (None, None) if alarm.starts_with("Sweep") => "sweep".to_owned(),
        (None, None) => "intake".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use postback_core::redaction::OperatorNote;

    use super::*;

    #[test]
    fn a_pause_of_all_networks_is_one_need() {
        let pause = |network: &str| {
            let note = |text| OperatorNote::new(text).expect("a note");
            let (by, why) = (note("ann"), note("a leaked key"));
            PauseView { network: network.to_owned(), paused: true, at: Timestamp::EPOCH, by, why }
        };
        let mut counted = Counted::of(["one", "other", "third"].map(str::to_owned));
        for (counts, network) in counted.networks.values_mut().zip(["*", "*", "third"]) {
            counts.paused = Some(pause(network));
        }

        let needs = needs(&counted, &[], &[], &Read::default(), Timestamp::EPOCH);

        let shown: Vec<_> = needs.iter().map(|need| (&*need.subject, &*need.command)).collect();
        let third = ("third", "postback resume third");
        assert_eq!(shown, [("all networks", "postback resume --all"), third]);
        assert_eq!(needs[1].what, "paused at 1970-01-01T00:00:00Z by ann: a leaked key");
    }

    #[test]
    fn an_alarm_leads_to_the_log_that_says_most_about_it() {
        let log = |alarm| log_of(alarm, ["cpa_moe", "net"].into_iter());

        assert_eq!(log("CpaMoeErrorRateAlarm"), "cpa_moe");
        assert_eq!(log("NetFunctionErrorAlarm"), "net");
        assert_eq!(log("WebhookRefusalAlarm"), "webhook");
        assert_eq!(log("WebhookAllRefusedAlarm"), "webhook");
        assert_eq!(log("AllRefusedAlarm"), "intake");
        assert_eq!(log("ShopFunctionErrorAlarm"), "shop");
        assert_eq!((log("ApiErrorAlarm"), log("SweepErrorAlarm")), ("api".into(), "sweep".into()));
        assert_eq!(log("SweepUndeliveredAlarm"), "sweep");
        for platform in PLATFORMS {
            let alarm = format!("{}OldestMessageAlarm", platform.prefix);
            assert_eq!(log_of(&alarm, ["net"].into_iter()), platform.name);
        }
        assert_eq!(
            (log("EventsLateAlarm"), log("NoOrdersAlarm")),
            ("publish".into(), "intake".into())
        );
    }
}
