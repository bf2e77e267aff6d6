//! `orders replays`: how far replays are.

use aws_sdk_eventbridge::{
    primitives::DateTime,
    types::{Replay, ReplayState},
};
use postback_core::clock::Timestamp;
use serde::Serialize;

use crate::{
    account::Account,
    args::Replays,
    failure::Failure,
    replay::listed,
    screen::width,
    view::{Output, fitted},
};

/// A replay for people and for programs.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct View {
    replay: String,
    /// EventBridge's word for its state.
    state: String,
    /// The reason of that state, if it is not as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The span that is replayed.
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    /// The time of the last event that was replayed.
    reached: Option<Timestamp>,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
}

impl View {
    fn of(replay: &Replay) -> Self {
        let at = |at: Option<&DateTime>| {
            Some(Timestamp::from_millis(at?.to_millis().unwrap_or_default()))
        };
        Self {
            replay: replay.replay_name().unwrap_or_default().to_owned(),
            state: replay.state().map_or("", ReplayState::as_str).to_ascii_lowercase(),
            why: replay.state_reason().map(str::to_owned),
            from: at(replay.event_start_time()),
            to: at(replay.event_end_time()),
            reached: at(replay.event_last_replayed_time()),
            started_at: at(replay.replay_start_time()),
            ended_at: at(replay.replay_end_time()),
        }
    }

    /// The part of its span that it has passed, in words.
    fn progress(&self) -> String {
        let span = self.from.zip(self.to).map(|(from, to)| to.since(from).as_secs());
        let passed =
            self.from.zip(self.reached).map(|(from, reached)| reached.since(from).as_secs());
        match (self.state.as_str(), span.zip(passed)) {
            ("completed", _) => "100 %".to_owned(),
            (_, Some((span @ 1.., passed))) => format!("{} %", (100 * passed / span).min(99)),
            _ => String::new(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let time = |name: &str, at: Option<Timestamp>| at.map(|at| format!("{name:<12}{at}"));
        let mut lines = vec![format!("Replay {}: {} {}", self.replay, self.state, self.progress())];
        lines.extend(self.why.clone());
        let times = [
            time("from", self.from),
            time("to", self.to),
            time("reached", self.reached),
            time("started", self.started_at),
            time("ended", self.ended_at),
        ];
        lines.extend(times.into_iter().flatten());
        lines
    }
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Replays,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let replays = listed(account, wanted.archive.as_deref()).await?;
    let mut views: Vec<_> = replays.iter().map(View::of).collect();
    if let Some(name) = &wanted.name {
        let Some(view) = views.iter().find(|view| view.replay == *name) else {
            let known: Vec<_> = views.iter().map(|view| view.replay.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Failure::UnknownReplay { replay: name.clone(), known });
        };
        output.answer(&view.lines(), view);
        return Ok(());
    }
    views.sort_by_key(|view| std::cmp::Reverse(view.started_at));
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let row = |view: &View| {
        vec![view.replay.clone(), view.state.clone(), view.progress(), text(view.started_at)]
    };
    let rows: Vec<_> = views.iter().map(row).collect();
    let mut lines = fitted(&["replay", "state", "done", "started"], &rows, width());
    if views.is_empty() {
        lines = vec!["The archive has no replay.".to_owned()];
    }
    output.answer(&lines, &views);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::FakeAws;

    const REPLAYS: &str = r#"[
        {"ReplayName":"postback-1","State":"COMPLETED","ReplayStartTime":1795255000},
        {"ReplayName":"postback-2","State":"RUNNING","ReplayStartTime":1795256000,"EventStartTime":1795250000,
         "EventEndTime":1795254000,"EventLastReplayedTime":1795252000}]"#;

    async fn shown(name: Option<&str>) -> (String, Result<(), Failure>) {
        let aws = FakeAws::start().await;
        aws.has_replays(REPLAYS);
        let wanted = Replays { name: name.map(str::to_owned), archive: None };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output { json: false, out: &mut out, err: &mut err };
        let done = run(&aws.account, &wanted, &mut output).await;
        (String::from_utf8(out).expect("text"), done)
    }

    #[tokio::test]
    async fn a_replay_is_shown_with_how_far_it_is() {
        let (all, _) = shown(None).await;
        let lines: Vec<_> = all.lines().collect();
        assert!(lines[0].starts_with("replay      state      done   started"), "{all}");
        // The latest first.
        assert!(lines[1].starts_with("postback-2  running    50 %   2026-11-21T"), "{all}");
        assert!(lines[2].starts_with("postback-1  completed  100 %"), "{all}");

        let (one, _) = shown(Some("postback-2")).await;
        assert!(one.starts_with("Replay postback-2: running 50 %\nfrom        2026-11-"), "{one}");
        let (_, unknown) = shown(Some("postback-3")).await;
        let known = "postback-1, postback-2".to_owned();
        let replay = "postback-3".to_owned();
        assert_eq!(unknown, Err(Failure::UnknownReplay { replay, known }));
    }
}
