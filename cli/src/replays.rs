//! `orders replays`: how far replays are, who started each and why.

use postback_core::clock::Timestamp;

use crate::{
    account::Account,
    args::Replays,
    failure::Failure,
    replay::{Past, described, names},
    screen::width,
    view::{Output, fitted, visible},
};

fn lines(past: &Past) -> Vec<String> {
    let fact =
        |name: &str, text: &str| (!text.is_empty()).then(|| format!("{name:<14}{}", visible(text)));
    let time = |name: &str, at: Option<Timestamp>| at.map(|at| format!("{name:<14}{at}"));
    let head = format!("Replay {}: {} {}", past.name, past.state, past.progress());
    let facts = [
        fact("state reason", past.state_reason.as_deref().unwrap_or_default()),
        fact("by", &past.by),
        fact("why", &past.why),
        time("from", Some(past.from)),
        time("to", Some(past.to)),
        time("reached", past.reached),
        time("started", Some(past.started_at)),
        time("ended", past.ended_at),
    ];
    [head.trim_end().to_owned()].into_iter().chain(facts.into_iter().flatten()).collect()
}

/// A table of the replays; under each its starter and reason, for which a row has no room.
fn listed(replays: &[Past]) -> Vec<String> {
    if replays.is_empty() {
        return vec!["The archive has no replay.".to_owned()];
    }
    let row = |past: &Past| {
        let started = past.started_at.to_string();
        vec![past.name.clone(), past.state.clone(), past.progress(), started]
    };
    let rows: Vec<_> = replays.iter().map(row).collect();
    let mut table = fitted(&["replay", "state", "done", "started"], &rows, width()).into_iter();
    let mut lines: Vec<_> = table.next().into_iter().collect();
    for (past, row) in replays.iter().zip(table) {
        lines.push(row);
        let by = if past.by.is_empty() { String::new() } else { format!("by {}: ", past.by) };
        if !past.why.is_empty() {
            lines.push(visible(&format!("  {by}{}", past.why)));
        }
    }
    lines
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Replays,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let names = names(account, wanted.archive.as_deref()).await?;
    if let Some(name) = &wanted.name {
        if !names.contains(name) {
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Failure::UnknownReplay { replay: name.clone(), known });
        }
        for past in described(account, vec![name.clone()]).await? {
            output.answer(&lines(&past), &past);
        }
        return Ok(());
    }
    let replays = described(account, names).await?;
    output.answer(&listed(&replays), &replays);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::FakeAws;

    const REPLAYS: &str = r#"[
        {"ReplayName":"postback-1","State":"COMPLETED","ReplayStartTime":1795255000,"StateReason":"some events failed"},
        {"ReplayName":"postback-2","State":"RUNNING","ReplayStartTime":1795256000,"EventStartTime":1795250000,
         "EventEndTime":1795254000,"EventLastReplayedTime":1795252000,"Description":"by ann: an outage"}]"#;

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
    async fn a_replay_is_shown_with_how_far_it_is_and_who_started_it_and_why() {
        let (all, _) = shown(None).await;
        let lines: Vec<_> = all.lines().collect();
        assert!(lines[0].starts_with("replay      state      done   started"), "{all}");
        // The latest first.
        assert!(lines[1].starts_with("postback-2  running    50 %   2026-11-21T"), "{all}");
        assert_eq!(lines[2], "  by ann: an outage");
        assert!(lines[3].starts_with("postback-1  completed  100 %"), "{all}");

        let (one, _) = shown(Some("postback-2")).await;
        let head = "Replay postback-2: running 50 %\nby            ann\nwhy           an outage\nfrom          2026-11-";
        assert!(one.starts_with(head), "{one}");
        let (other, _) = shown(Some("postback-1")).await;
        let head = "Replay postback-1: completed 100 %\nstate reason  some events failed\nfrom ";
        assert!(other.starts_with(head), "{other}");
        let (_, unknown) = shown(Some("postback-3")).await;
        let known = "postback-2, postback-1".to_owned();
        let replay = "postback-3".to_owned();
        assert_eq!(unknown, Err(Failure::UnknownReplay { replay, known }));
    }
}
