//! The state of the stack's alarms, queues and event source mappings.

use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};
use aws_sdk_lambda::operation::get_event_source_mapping::GetEventSourceMappingError;
use aws_sdk_sqs::types::QueueAttributeName;
use futures_util::future::{join_all, try_join_all};

use crate::{
    account::{Account, Network, Resource, failed},
    failure::Failure,
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

/// The number of dead letters of a network.
pub(crate) async fn dead_letters(account: &Account, network: &Network) -> Result<usize, Failure> {
    let get = account.queues.get_queue_attributes();
    let get = get.queue_url(account.dead_letter_queue_url(network)?);
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    let attributes = get.attribute_names(name.clone()).send().await;
    let attributes = attributes.map_err(|error| failed("SQS", "GetQueueAttributes", &error))?;
    let count = attributes.attributes.unwrap_or_default().remove(&name);
    Ok(count.and_then(|count| count.parse().ok()).unwrap_or_default())
}
