//! `orders replay`: the orders of a span of time on the bus again, from its archive, to the
//! networks' own rules only.

use aws_sdk_eventbridge::{
    operation::describe_archive::DescribeArchiveError, primitives::DateTime,
    types::ReplayDestination,
};
use aws_sdk_sqs::types::QueueAttributeName;
use postback_core::{clock::Timestamp, redaction::OperatorNote};
use serde::Serialize;

use crate::{
    account::{Account, Network, failed},
    args::Replay,
    dry_run::{Counts, Prediction, count, count_table, predict, prediction_table, read_orders},
    failure::Failure,
    scan::cost,
    span::Span,
    view::Output,
};

mod history;

pub(crate) use history::{Past, described, history, names};

/// The archive, the bus and the rules of a replay.
pub(crate) struct ReplayTarget {
    archive_arn: String,
    archive_days: i32,
    bus_arn: String,
    pub(crate) rules: Vec<Rule>,
}

/// The rule that brings orders to a network.
pub(crate) struct Rule {
    pub(crate) network: String,
    arn: String,
    pub(crate) pattern: String,
}

#[derive(Serialize)]
struct View {
    from: Timestamp,
    to: Timestamp,
    networks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders: Option<Vec<Prediction>>,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Replay,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let span = Span::parse(&wanted.from, wanted.to.as_deref(), now)?;
    let why = wanted.why.as_deref().map(OperatorNote::new).transpose();
    let why = why.map_err(Failure::BadReason)?;
    let networks = networks(account, &wanted.network)?;
    let target = ReplayTarget::find(account, wanted.archive.as_deref(), &networks).await?;
    let names: Vec<_> = networks.into_iter().map(|network| network.name).collect();
    let mut view = View {
        from: span.from,
        to: span.to,
        networks: names,
        replay: None,
        ledger: None,
        orders: None,
    };
    let mut lines =
        vec![format!("From {} to {}, to {}", span.from, span.to, view.networks.join(", "))];
    if let Some(warning) = target.too_old(span, now) {
        lines.push(warning);
    }
    if !wanted.yes {
        let (counts, page) = count(account, &view.networks, span, wanted.read_units).await?;
        lines.extend(count_table(&counts));
        output.note(&cost(page.records.len(), page.read, page.units));
        view.ledger = Some(counts);
    }
    if let Some(path) = &wanted.orders {
        let predictions = predict(account, &target, &read_orders(path)?).await?;
        lines.extend(prediction_table(&predictions));
        view.orders = Some(predictions);
    }
    if let Some(why) = why.filter(|_| !wanted.dry_run) {
        if !wanted.yes {
            let instead =
                "See what would happen with --dry-run, then give --yes. Nothing was replayed.";
            output.ask(&lines, "Replay it?", instead)?;
            lines.clear();
        }
        let replay = target.start(account, span, &why).await?;
        lines.push(format!(
            "Started: replay {replay}. It takes some minutes. See its progress with"
        ));
        lines.push(format!("  postback orders replays {replay}"));
        view.replay = Some(replay);
    }
    output.answer(&lines, &view);
    Ok(())
}

fn networks(account: &Account, names: &[String]) -> Result<Vec<Network>, Failure> {
    if names.is_empty() {
        return Ok(account.networks());
    }
    names.iter().map(|name| account.network(name)).collect()
}

impl ReplayTarget {
    /// Finds the archive, and the rules that bring orders to these networks' queues.
    pub(crate) async fn find(
        account: &Account,
        archive: Option<&str>,
        networks: &[Network],
    ) -> Result<Self, Failure> {
        let bus = account.output("BusName")?;
        let archive = self::archive(account, archive).await?;
        let mut rules = Vec::new();
        for network in networks {
            rules.extend(rules_of(account, bus, network).await?);
        }
        Ok(Self {
            archive_arn: archive.arn,
            archive_days: archive.days,
            bus_arn: account.output("BusArn")?.to_owned(),
            rules,
        })
    }

    /// Starts the replay, with who and why as its description. Returns its name.
    pub(crate) async fn start(
        &self,
        account: &Account,
        span: Span,
        why: &OperatorNote,
    ) -> Result<String, Failure> {
        let by = account.identity().await?;
        let name = format!("postback-{}-{:08x}", span.from.as_secs(), fastrand::u32(..));
        let rules = self.rules.iter().map(|rule| rule.arn.clone()).collect();
        let to = ReplayDestination::builder().arn(&self.bus_arn).set_filter_arns(Some(rules));
        let to =
            to.build().map_err(|_| Failure::NoArchive { archive: self.archive_arn.clone() })?;
        let start = account
            .events
            .start_replay()
            .replay_name(&name)
            .description(history::description(&by, why))
            .event_source_arn(&self.archive_arn)
            .event_start_time(DateTime::from_millis(span.from.as_millis()))
            .event_end_time(DateTime::from_millis(span.to.as_millis()))
            .destination(to);
        let started = start.send().await;
        started.map(|_| name).map_err(|error| failed("EventBridge", "StartReplay", &error))
    }

    /// A warning if the span begins before the archive does.
    pub(crate) fn too_old(&self, span: Span, now: Timestamp) -> Option<String> {
        let days = u64::try_from(self.archive_days).ok().filter(|days| *days > 0)?;
        let keeps = std::time::Duration::from_hours(24 * days);
        (span.from < now - keeps)
            .then(|| format!("The archive keeps {days} days: older orders are not replayed."))
    }
}

/// An archive of the bus.
pub(crate) struct Archive {
    pub(crate) arn: String,
    /// The days for which it keeps an event; 0 if it keeps it for ever.
    days: i32,
}

/// Finds the archive of this name, or the bus's own.
pub(crate) async fn archive(account: &Account, name: Option<&str>) -> Result<Archive, Failure> {
    let name = name.map_or_else(|| account.output("BusName"), Ok)?;
    let described = account.events.describe_archive().archive_name(name).send().await;
    let described = described.map_err(|error| {
        let service = error.as_service_error();
        if service.is_some_and(DescribeArchiveError::is_resource_not_found_exception) {
            return Failure::NoArchive { archive: name.to_owned() };
        }
        failed("EventBridge", "DescribeArchive", &error)
    })?;
    Ok(Archive {
        arn: described.archive_arn().unwrap_or_default().to_owned(),
        days: described.retention_days().unwrap_or_default(),
    })
}

/// The rules that bring orders to this network's queue.
async fn rules_of(account: &Account, bus: &str, network: &Network) -> Result<Vec<Rule>, Failure> {
    let queue = account.queue_url(network)?;
    let get = account.queues.get_queue_attributes().queue_url(queue);
    let attributes = get.attribute_names(QueueAttributeName::QueueArn).send().await;
    let attributes = attributes.map_err(|error| failed("SQS", "GetQueueAttributes", &error))?;
    let attributes = attributes.attributes.unwrap_or_default();
    let Some(queue_arn) = attributes.get(&QueueAttributeName::QueueArn) else {
        return Ok(Vec::new());
    };
    let listed = account.events.list_rule_names_by_target();
    let listed = listed.target_arn(queue_arn).event_bus_name(bus).send().await;
    let listed = listed.map_err(|error| failed("EventBridge", "ListRuleNamesByTarget", &error))?;
    let mut rules = Vec::new();
    for name in listed.rule_names() {
        let rule = account.events.describe_rule().name(name).event_bus_name(bus).send().await;
        let rule = rule.map_err(|error| failed("EventBridge", "DescribeRule", &error))?;
        rules.push(Rule {
            network: network.name.clone(),
            arn: rule.arn().unwrap_or_default().to_owned(),
            pattern: rule.event_pattern().unwrap_or_default().to_owned(),
        });
    }
    Ok(rules)
}
