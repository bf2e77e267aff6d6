//! The state of the stack's alarms, queues and event source mappings.

use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{MetricAlarm, StateValue},
};
use aws_sdk_lambda::operation::get_event_source_mapping::GetEventSourceMappingError;
use aws_sdk_sqs::types::QueueAttributeName;
use futures_util::future::{join_all, try_join_all};
use postback_core::clock::Timestamp;

use crate::{
    account::{Account, Resource, failed},
    failure::Failure,
    pause::{self, PauseView},
    status::Counted,
};

/// The most alarms that CloudWatch describes at once.
const ALARMS_AT_ONCE: usize = 100;

/// An alarm of the stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alarm {
    pub(crate) name: String,
    /// The name in the template.
    pub(crate) logical: String,
    pub(crate) is_on: bool,
    /// The time since when it is in its state.
    pub(crate) since: Option<Timestamp>,
    /// The SNS topics that are notified.
    pub(crate) topics: Vec<String>,
    /// False if the alarm's actions are turned off.
    pub(crate) acts: bool,
}

/// A queue or a stream that feeds a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// The name in the template.
    pub(crate) logical: String,
    /// The state in Lambda's word; `None` if the mapping is gone.
    pub(crate) state: Option<String>,
}

impl Mapping {
    /// Returns whether it feeds nothing.
    pub(crate) fn is_stopped(&self) -> bool {
        let stopped = ["Disabled", "Disabling"];
        self.state.as_deref().is_none_or(|state| stopped.contains(&state))
    }
}

/// The state of the stack beside its ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) mappings: Vec<Mapping>,
    /// The number of dead letters by network.
    pub(crate) dead_letters: Vec<(String, usize)>,
    /// The number of messages about conversions' statuses that could not be read, by network.
    pub(crate) status_letters: Vec<(String, usize)>,
    /// The number of faulty orders of the bus.
    pub(crate) faulty_orders: usize,
    /// The number of the bus's own dead letters.
    pub(crate) bus_letters: usize,
    /// The pauses in force.
    pub(crate) pauses: Vec<PauseView>,
    /// The reason that the pauses are missing: they are in the ledger, which may not answer.
    pub(crate) pauses_unread: Option<Failure>,
}

/// A result with nothing in place of what failed, and the failure.
pub(crate) fn apart<T: Default>(result: Result<T, Failure>) -> (T, Option<Failure>) {
    match result {
        Ok(value) => (value, None),
        Err(failure) => (T::default(), Some(failure)),
    }
}

impl Watched {
    pub(crate) async fn look(account: &Account) -> Result<Self, Failure> {
        let resources = account.resources().await?;
        let (alarms, mappings, pauses) = tokio::join!(
            alarms(account, &resources),
            mappings(account, &resources),
            pause::in_force(account),
        );
        let letters = account.networks().into_iter().map(async |network| {
            let count = waiting(account, account.dead_letter_queue_url(&network)?).await?;
            Ok((network.name, count))
        });
        let dead_letters = try_join_all(letters).await?;
        // Only a network that is asked for the statuses of its conversions has such a queue.
        let statuses = account.networks().into_iter().filter_map(|network| {
            let url = account.output(&format!("{}StatusLettersUrl", network.prefix)).ok()?;
            Some(async move { Ok((network.name, waiting(account, url).await?)) })
        });
        let status_letters = try_join_all(statuses).await?;
        let faulty_orders = waiting(account, account.output("FaultyOrdersQueueUrl")?).await?;
        let bus_letters = waiting(account, account.output("BusLettersUrl")?).await?;
        let (alarms, mappings) = (alarms?, mappings?);
        let (pauses, pauses_unread) = apart(pauses);
        Ok(Self {
            alarms,
            mappings,
            dead_letters,
            status_letters,
            faulty_orders,
            bus_letters,
            pauses,
            pauses_unread,
        })
    }

    /// Counts what is not in the ledger.
    pub(crate) fn count(&self, account: &Account, counted: &mut Counted) {
        counted.faulty_orders = self.faulty_orders;
        counted.bus_letters = self.bus_letters;
        for network in account.networks() {
            let name = format!("{}FunctionQueue", network.prefix);
            let is_stopped = |mapping: &Mapping| mapping.logical == name && mapping.is_stopped();
            let of = |all: &[(String, usize)]| {
                let own = all.iter().find(|(name, _)| *name == network.name);
                own.map_or(0, |(_, count)| *count)
            };
            let counts = counted.networks.entry(network.name.clone()).or_default();
            counts.is_on = true;
            counts.dead_letters = of(&self.dead_letters);
            counts.status_letters = of(&self.status_letters);
            counts.paused = pause::of(&self.pauses, &network.name).cloned();
            counts.stopped = self.mappings.iter().any(is_stopped);
        }
    }
}

fn instant(at: &DateTime) -> Timestamp {
    Timestamp::from_millis(at.to_millis().unwrap_or_default())
}

fn of_kind<'a>(resources: &'a [Resource], kind: &'a str) -> impl Iterator<Item = &'a Resource> {
    resources.iter().filter(move |resource| resource.kind == kind)
}

/// The stack's alarms.
pub(crate) async fn alarms(
    account: &Account,
    resources: &[Resource],
) -> Result<Vec<Alarm>, Failure> {
    let client = aws_sdk_cloudwatch::Client::new(&account.place.config);
    let ours: Vec<_> = of_kind(resources, "AWS::CloudWatch::Alarm").collect();
    let pages = ours.chunks(ALARMS_AT_ONCE).map(|page| {
        let names = page.iter().map(|alarm| alarm.physical.clone()).collect();
        let most = i32::try_from(page.len()).unwrap_or(1);
        client.describe_alarms().set_alarm_names(Some(names)).max_records(most).send()
    });
    let pages = try_join_all(pages).await;
    let pages = pages.map_err(|error| failed("CloudWatch", "DescribeAlarms", &error))?;
    let described = pages.into_iter().flat_map(|page| page.metric_alarms.unwrap_or_default());
    let alarm = |alarm: MetricAlarm| {
        let name = alarm.alarm_name().unwrap_or_default();
        let ours = ours.iter().find(|ours| ours.physical == name)?;
        Some(Alarm {
            name: name.to_owned(),
            logical: ours.logical.clone(),
            is_on: alarm.state_value() == Some(&StateValue::Alarm),
            since: alarm.state_updated_timestamp().map(instant),
            topics: alarm.alarm_actions().to_vec(),
            acts: alarm.actions_enabled().unwrap_or(true),
        })
    };
    Ok(described.filter_map(alarm).collect())
}

/// The event source mappings of the stack.
pub(crate) async fn mappings(
    account: &Account,
    resources: &[Resource],
) -> Result<Vec<Mapping>, Failure> {
    let ours = of_kind(resources, "AWS::Lambda::EventSourceMapping");
    let mappings = ours.map(async |resource| {
        let get = account.functions.get_event_source_mapping().uuid(&resource.physical);
        let state = match get.send().await {
            Ok(mapping) => mapping.state,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetEventSourceMappingError::is_resource_not_found_exception) =>
            {
                None
            }
            Err(error) => return Err(failed("Lambda", "GetEventSourceMapping", &error)),
        };
        Ok(Mapping { logical: resource.logical.clone(), state })
    });
    join_all(mappings).await.into_iter().collect()
}

/// The number of messages in a queue.
async fn waiting(account: &Account, queue_url: &str) -> Result<usize, Failure> {
    let get = account.queues.get_queue_attributes().queue_url(queue_url);
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    let attributes = get.attribute_names(name.clone()).send().await;
    let attributes = attributes.map_err(|error| failed("SQS", "GetQueueAttributes", &error))?;
    let count = attributes.attributes.unwrap_or_default().remove(&name);
    Ok(count.and_then(|count| count.parse().ok()).unwrap_or_default())
}
