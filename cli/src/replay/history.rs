//! The replays of the archive so far, each with its starter and reason, which are its description in
//! `EventBridge`.

use aws_sdk_eventbridge::{
    operation::describe_replay::DescribeReplayOutput, primitives::DateTime, types::ReplayState,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use postback_core::{clock::Timestamp, redaction::OperatorNote};
use serde::Serialize;

use super::archive;
use crate::{
    account::{Account, failed},
    failure::Failure,
};

/// The replays that the console looks at: the latest.
const LATEST: usize = 20;

/// The replays that are looked at at once.
const AT_ONCE: usize = 4;

/// A replay that was started, for people and for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Past {
    #[serde(rename = "replay")]
    pub(crate) name: String,
    /// The state in EventBridge's word, in small letters.
    pub(crate) state: String,
    /// EventBridge's reason of that state, if it is not as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state_reason: Option<String>,
    /// The identity that started it; empty if another tool did.
    pub(crate) by: String,
    /// The reason that its starter gave.
    pub(crate) why: String,
    /// The span of time whose orders came again.
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// The time of the last event that was replayed.
    pub(crate) reached: Option<Timestamp>,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
}

impl Past {
    /// The part of its span that it has passed, in words.
    pub(crate) fn progress(&self) -> String {
        let span = self.to.since(self.from).as_secs();
        let passed = self.reached.map(|reached| reached.since(self.from).as_secs());
        match (self.state.as_str(), span, passed) {
            ("completed", ..) => "100 %".to_owned(),
            (_, span @ 1.., Some(passed)) => format!("{} %", (100 * passed / span).min(99)),
            _ => String::new(),
        }
    }
}

/// The description of a replay. `EventBridge` takes 512 characters: an identity has 300, a reason 200.
pub(super) fn description(by: &OperatorNote, why: &OperatorNote) -> String {
    format!("by {}: {}", by.as_str(), why.as_str())
}

/// The identity and the reason of a description; of another tool's all of it is the reason.
fn who_and_why(description: &str) -> (&str, &str) {
    let ours = description.strip_prefix("by ").and_then(|rest| rest.split_once(": "));
    ours.unwrap_or(("", description))
}

/// The latest replays of the stack's archive, the newest first. AWS keeps each for 90 days.
pub(crate) async fn history(account: &Account) -> Result<Vec<Past>, Failure> {
    let mut names = names(account, None).await?;
    names.truncate(LATEST);
    described(account, names).await
}

/// The names of all replays of the archive of this name, or of the bus's own, the newest first.
pub(crate) async fn names(account: &Account, of: Option<&str>) -> Result<Vec<String>, Failure> {
    let archive = archive(account, of).await?;
    let (mut replays, mut next) = (Vec::new(), None);
    loop {
        let list = account.events.list_replays().event_source_arn(&archive.arn);
        let page = list.set_next_token(next).send().await;
        let page = page.map_err(|error| failed("EventBridge", "ListReplays", &error))?;
        replays.extend(page.replays.unwrap_or_default());
        next = page.next_token;
        if next.is_none() {
            break;
        }
    }
    replays.sort_by_key(|replay| std::cmp::Reverse(instant(replay.replay_start_time.as_ref())));
    Ok(replays.into_iter().filter_map(|replay| replay.replay_name).collect())
}

/// The replays of these names, in their order.
pub(crate) async fn described(account: &Account, names: Vec<String>) -> Result<Vec<Past>, Failure> {
    let replays = names.into_iter().map(|name| async move {
        let described = account.events.describe_replay().replay_name(&name).send().await;
        let described =
            described.map_err(|error| failed("EventBridge", "DescribeReplay", &error))?;
        Ok(past(name, &described))
    });
    stream::iter(replays).buffered(AT_ONCE).try_collect().await
}

fn past(name: String, described: &DescribeReplayOutput) -> Past {
    let (by, why) = who_and_why(described.description().unwrap_or_default());
    Past {
        name,
        state: described.state().map_or("", ReplayState::as_str).to_ascii_lowercase(),
        state_reason: described.state_reason().map(str::to_owned),
        by: by.to_owned(),
        why: why.to_owned(),
        from: instant(described.event_start_time()),
        to: instant(described.event_end_time()),
        reached: described.event_last_replayed_time().map(|at| instant(Some(at))),
        started_at: instant(described.replay_start_time()),
        ended_at: described.replay_end_time().map(|at| instant(Some(at))),
    }
}

fn instant(at: Option<&DateTime>) -> Timestamp {
    let millis = at.and_then(|at| at.to_millis().ok());
    Timestamp::from_millis(millis.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixtures::FakeAws, replay::ReplayTarget, span::Span};

    #[tokio::test]
    async fn a_replay_is_kept_with_who_and_why() {
        let aws = FakeAws::start().await;
        assert_eq!(history(&aws.account).await, Ok(Vec::new()));
        let target = ReplayTarget::find(&aws.account, None, &[]).await.expect("an archive");
        let now = Timestamp::parse("2026-11-21T10:15:00Z").expect("an instant");
        let span = Span::parse("2h", None, now).expect("a span");
        let why = OperatorNote::new("the queue was gone: all of it").expect("a note");

        let name = target.start(&aws.account, span, &why).await.expect("a replay");

        let past = history(&aws.account).await.expect("replays");
        let [past] = past.as_slice() else { panic!("{past:?}") };
        assert_eq!((&past.name, past.from, past.to), (&name, span.from, span.to));
        assert_eq!(past.why, "the queue was gone: all of it");
        assert_eq!(past.by, "arn:aws:iam::123456789012:user/ann");
    }

    #[test]
    fn the_longest_words_fit_into_a_description_and_another_tools_are_all_reason() {
        let why = OperatorNote::new(&"w".repeat(OperatorNote::LONGEST)).expect("a note");
        let by = OperatorNote::identity(&"a:b/".repeat(100));

        let text = description(&by, &why);

        assert!(text.chars().count() <= 512, "{text}");
        assert_eq!(who_and_why(&text), (by.as_str(), why.as_str()));
        assert_eq!(who_and_why("a test by hand"), ("", "a test by hand"));
    }
}
