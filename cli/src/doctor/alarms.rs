//! The alarms: there, and somebody hears them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicError;
use futures_util::future::join_all;

use super::{
    Finding,
    key::{lets, owner},
};
use crate::{
    account::{Account, Resource, failed},
    failure::Failure,
    watch::{Alarm, alarms},
};

/// The number of confirmed subscriptions of a topic; `None` if there is no such topic.
type Subscribers = Option<usize>;

pub(super) async fn findings(
    account: &Account,
    resources: &[Resource],
) -> Result<Vec<Finding>, Failure> {
    let is_alarm = |resource: &&Resource| resource.kind == "AWS::CloudWatch::Alarm";
    let expected: BTreeSet<_> =
        resources.iter().filter(is_alarm).map(|alarm| alarm.logical.clone()).collect();
    let alarms = alarms(account, resources).await?;
    let topics: BTreeSet<_> = alarms.iter().flat_map(|alarm| alarm.topics.clone()).collect();
    let asked = topics.iter().map(|topic| ask(account, topic));
    let mut subscribers = BTreeMap::new();
    for (topic, count) in topics.iter().zip(join_all(asked).await) {
        subscribers.insert(topic.clone(), count?);
    }
    let mut findings = judge(&expected, &alarms, &subscribers);
    let own = owner(account.output("BusArn")?);
    // Its own account alone may ask for a topic's policy.
    let there = subscribers.iter().filter(|(topic, count)| count.is_some() && owner(topic) == own);
    let policies = join_all(there.map(|(topic, _)| policy(account, topic))).await;
    for policy in policies {
        findings.extend(policy?.and_then(|(topic, policy)| judge_policy(topic, &policy)));
    }
    Ok(findings)
}

/// The policy of a topic, which each has.
async fn policy<'a>(
    account: &Account,
    topic: &'a str,
) -> Result<Option<(&'a str, String)>, Failure> {
    let client = aws_sdk_sns::Client::new(&account.place.config);
    let got = client.get_topic_attributes().topic_arn(topic).send().await;
    let got = got.map_err(|error| failed("SNS", "GetTopicAttributes", &error))?;
    Ok(got.attributes().and_then(|all| all.get("Policy")).map(|it| (topic, it.clone())))
}

fn judge_policy(topic: &str, policy: &str) -> Option<Finding> {
    const SERVICE: &str = "cloudwatch.amazonaws.com";
    if lets(policy, SERVICE, "sns:Publish") {
        return None;
    }
    let what =
        format!("the topic's policy does not let {SERVICE} publish: the alarms notify nobody");
    let cure = format!("Add a statement to the topic's policy that allows {SERVICE} sns:Publish.");
    Some(Finding::new("alarm_topic_closed", topic, what, cure))
}

async fn ask(account: &Account, topic: &str) -> Result<Subscribers, Failure> {
    let client = aws_sdk_sns::Client::new(&account.place.config);
    let list = client.list_subscriptions_by_topic().topic_arn(topic);
    match list.send().await {
        Ok(listed) => {
            // One that is not confirmed has a word instead of an ARN.
            let confirmed = |arn: &str| arn.starts_with("arn:");
            let subscriptions = listed.subscriptions().iter();
            Ok(Some(
                subscriptions.filter(|it| it.subscription_arn().is_some_and(confirmed)).count(),
            ))
        }
        Err(error)
            if error
                .as_service_error()
                .is_some_and(ListSubscriptionsByTopicError::is_not_found_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(failed("SNS", "ListSubscriptionsByTopic", &error)),
    }
}

fn judge(
    expected: &BTreeSet<String>,
    alarms: &[Alarm],
    subscribers: &BTreeMap<String, Subscribers>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let there: BTreeSet<_> = alarms.iter().map(|alarm| alarm.logical.clone()).collect();
    let mut group = |code, alarms: Vec<&String>, what: &str, cure: &str| {
        if let [first, more @ ..] = alarms.as_slice() {
            let subject = match more.len() {
                0 => (*first).clone(),
                count => format!("{first} and {count} more"),
            };
            findings.push(Finding::new(code, subject, what, cure));
        }
    };
    let missing = expected.difference(&there).collect();
    group("alarm_missing", missing, "the alarm is gone", "Deploy again (`make deploy`).");
    let names = |is: &dyn Fn(&Alarm) -> bool| {
        alarms.iter().filter(|alarm| is(alarm)).map(|alarm| &alarm.logical).collect::<Vec<_>>()
    };
    let cure = "Turn the alarm's actions on again: `aws cloudwatch enable-alarm-actions`.";
    group(
        "alarm_disabled",
        names(&|alarm| !alarm.acts),
        "the alarm's actions are turned off",
        cure,
    );
    let cure = "Deploy with AlarmTopicArn set to an SNS topic that somebody has subscribed to.";
    let is_mute =
        |alarm: &Alarm| alarm.topics.is_empty() && !alarm.logical.ends_with("RollbackAlarm");
    group("alarm_without_subscriber", names(&is_mute), "the alarm notifies nobody", cure);
    for (topic, count) in subscribers {
        let what = match count {
            None => "the alarms' topic is gone",
            Some(0) => "the alarms' topic has no confirmed subscription: nobody is notified",
            Some(_) => continue,
        };
        let cure = "Subscribe to the topic and confirm it, or deploy with another AlarmTopicArn.";
        findings.push(Finding::new("alarm_without_subscriber", topic, what, cure));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:eu-central-1:111122223333:night";

    fn alarm(topics: &[&str], acts: bool) -> Alarm {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let (name, logical) = ("postback-NetPausedAlarm-1".to_owned(), "NetPausedAlarm".to_owned());
        Alarm { name, logical, is_on: false, since: None, topics, acts }
    }

    fn codes(alarms: &[Alarm], subscribers: Subscribers) -> Vec<&'static str> {
        let expected = BTreeSet::from(["NetPausedAlarm".to_owned()]);
        let topics = alarms.iter().flat_map(|alarm| alarm.topics.clone());
        let topics = topics.map(|topic| (topic, subscribers)).collect();
        judge(&expected, alarms, &topics).into_iter().map(|finding| finding.code).collect()
    }

    #[tokio::test]
    async fn the_topics_policy_lets_the_alarms_publish() {
        let aws = crate::fixtures::FakeAws::start().await;
        let of_fake = policy(&aws.account, TOPIC).await.expect("asked").map(|(_, policy)| policy);
        let lets = |principal: &str, action: &str| {
            let statement = format!(
                r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "{action}", "Resource": "*"}}"#
            );
            judge_policy(TOPIC, &format!(r#"{{"Statement": [{statement}]}}"#))
        };
        let service = r#"{"Service": "cloudwatch.amazonaws.com"}"#;

        assert_eq!(aws.calls("GetTopicAttributes"), 1);
        let found = judge_policy(TOPIC, &of_fake.expect("a policy")).expect("a finding");
        assert_eq!((found.code, found.subject.as_str()), ("alarm_topic_closed", TOPIC));
        // As AWS makes a topic, and as a statement for the service alone.
        assert_eq!(lets(r#"{"AWS": "*"}"#, "SNS:Publish"), None);
        assert_eq!(lets(service, "sns:Publish"), None);
        assert_eq!(lets(service, "sns:*"), None);
        assert!(lets(service, "sns:Subscribe").is_some());
        assert!(lets(r#"{"Service": "events.amazonaws.com"}"#, "sns:Publish").is_some());
    }

    #[test]
    fn somebody_hears_every_alarm() {
        assert_eq!(codes(&[alarm(&[TOPIC], true)], Some(1)), Vec::<&str>::new());
        assert_eq!(codes(&[alarm(&[], true)], None), ["alarm_without_subscriber"]);
        assert_eq!(codes(&[alarm(&[TOPIC], true)], Some(0)), ["alarm_without_subscriber"]);
        assert_eq!(codes(&[alarm(&[TOPIC], true)], None), ["alarm_without_subscriber"]);
        assert_eq!(codes(&[alarm(&[TOPIC], false)], Some(1)), ["alarm_disabled"]);
        assert_eq!(codes(&[], None), ["alarm_missing"]);
    }
}
