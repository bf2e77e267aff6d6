//! `pause` and `resume`: a person stops the reports to a network, or to all, within seconds.

use postback_core::{clock::Timestamp, delivery::Record, redaction::OperatorNote};
use postback_runtime::ledger::{ALL_NETWORKS, Pause, PauseChange};
use serde::Serialize;

use crate::{
    account::Account,
    args::{PauseNetwork, ResumeNetwork},
    failure::Failure,
    view::Output,
};

/// A change of a pause, for people and for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PauseView {
    /// The network's name, or `*` for all.
    pub(crate) network: String,
    pub(crate) paused: bool,
    /// The time of the change.
    pub(crate) at: Timestamp,
    /// The identity that changed it.
    pub(crate) by: OperatorNote,
    pub(crate) why: OperatorNote,
}

impl PauseView {
    fn of(network: &str, change: &PauseChange) -> Self {
        let PauseChange { paused, at, by, why } = change.clone();
        Self { network: network.to_owned(), paused, at, by, why }
    }

    /// The pause as one line.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.subject(), self.what())
    }

    /// The change, with when, who and why.
    pub(crate) fn what(&self) -> String {
        let word = if self.paused { "paused" } else { "resumed" };
        let Self { at, by, why, .. } = self;
        format!("{word} at {at} by {}: {}", by.as_str(), why.as_str())
    }

    /// The command that ends it.
    pub(crate) fn cure(&self) -> String {
        match self.network.as_str() {
            ALL_NETWORKS => "postback resume --all".to_owned(),
            network => format!("postback resume {network}"),
        }
    }

    pub(crate) fn subject(&self) -> &str {
        if self.network == ALL_NETWORKS { "all networks" } else { &self.network }
    }
}

/// Pauses a network, or all if there is no name: nothing more is sent within seconds.
pub(crate) async fn pause(
    account: &Account,
    network: Option<&str>,
    why: OperatorNote,
) -> Result<PauseView, Failure> {
    change(account, &key(account, network)?, true, why).await
}

/// Ends the pause of a network, or the one of all. What waits is sent within 15 minutes.
pub(crate) async fn resume(
    account: &Account,
    network: Option<&str>,
    why: OperatorNote,
) -> Result<PauseView, Failure> {
    let network = key(account, network)?;
    let in_force = in_force(account).await?;
    if !in_force.iter().any(|pause| pause.network == network) {
        let paused: Vec<_> = in_force.iter().map(PauseView::subject).collect();
        let instead = if paused.is_empty() { "none".to_owned() } else { paused.join(", ") };
        return Err(Failure::NotPaused { network, instead });
    }
    change(account, &network, false, why).await
}

/// The pauses that are in force.
pub(crate) async fn in_force(account: &Account) -> Result<Vec<PauseView>, Failure> {
    let pauses = account.ledger.pauses().await.map_err(account.ledger_failed("Query"))?;
    let view = |pause: &Pause| Some(PauseView::of(&pause.network, pause.in_force()?));
    Ok(pauses.iter().filter_map(view).collect())
}

/// The latest changes of all pauses, the newest first.
pub(crate) async fn history(account: &Account) -> Result<Vec<PauseView>, Failure> {
    let pauses = account.ledger.pauses().await.map_err(account.ledger_failed("Query"))?;
    let of = |pause: &Pause| {
        let view = |change| PauseView::of(&pause.network, change);
        pause.changes.iter().map(view).collect::<Vec<_>>()
    };
    let mut changes: Vec<_> = pauses.iter().flat_map(of).collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.at));
    Ok(changes)
}

/// The pause that is in force for a network.
pub(crate) fn of<'a>(in_force: &'a [PauseView], network: &str) -> Option<&'a PauseView> {
    let own = |pause: &&PauseView| pause.network == network || pause.network == ALL_NETWORKS;
    in_force.iter().filter(own).max_by_key(|pause| pause.at)
}

/// The pauses in force, as far as they concern these deliveries: they are read if one is open.
pub(crate) async fn over(account: &Account, records: &[Record]) -> Result<Vec<PauseView>, Failure> {
    if records.iter().all(|record| record.protocol.state.is_final()) {
        return Ok(Vec::new());
    }
    in_force(account).await
}

/// The pause that keeps a delivery from going on.
pub(crate) fn of_delivery<'a>(in_force: &'a [PauseView], record: &Record) -> Option<&'a PauseView> {
    of(in_force, record.network()).filter(|_| !record.protocol.state.is_final())
}

pub(crate) async fn run_pause(
    account: &Account,
    wanted: &PauseNetwork,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if wanted.list {
        let changes = history(account).await?;
        let mut lines: Vec<_> = changes.iter().map(PauseView::line).collect();
        if lines.is_empty() {
            lines.push("Nothing was ever paused.".to_owned());
        }
        output.answer(&lines, &changes);
        return Ok(());
    }
    let why = wanted.why.as_deref().unwrap_or_default();
    let why = OperatorNote::new(why).map_err(Failure::BadReason)?;
    let view = pause(account, wanted.network.as_deref(), why).await?;
    let effect =
        "Within 10 seconds nothing more is sent. Orders wait; `postback resume` lets them go.";
    output.answer(&[view.line(), effect.to_owned()], &view);
    Ok(())
}

pub(crate) async fn run_resume(
    account: &Account,
    wanted: &ResumeNetwork,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let why = OperatorNote::new(&wanted.why).map_err(Failure::BadReason)?;
    let view = resume(account, wanted.network.as_deref(), why).await?;
    let mut lines = vec![view.line(), "What waits is sent within 15 minutes.".to_owned()];
    for still in in_force(account).await? {
        lines.push(format!("Still in force: {}", still.line()));
    }
    output.answer(&lines, &view);
    Ok(())
}

async fn change(
    account: &Account,
    network: &str,
    paused: bool,
    why: OperatorNote,
) -> Result<PauseView, Failure> {
    let by = account.identity().await?;
    let change = PauseChange { paused, at: Timestamp::system(), by, why };
    let failed = account.ledger_failed("PutItem");
    account.ledger.change_pause(network, &change).await.map_err(failed)?;
    Ok(PauseView::of(network, &change))
}

fn key(account: &Account, network: Option<&str>) -> Result<String, Failure> {
    match network {
        None => Ok(ALL_NETWORKS.to_owned()),
        Some(name) => account.network(name).map(|network| network.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(network: &str, at: i64) -> PauseView {
        let note = |text| OperatorNote::new(text).expect("a note");
        let at = Timestamp::from_millis(at);
        let (by, why) = (note("ann"), note("they asked for it"));
        PauseView { network: network.to_owned(), paused: true, at, by, why }
    }

    #[test]
    fn the_latest_pause_of_a_network_or_of_all_is_in_force() {
        let pauses = [view("net", 1), view("*", 2), view("other", 3)];

        assert_eq!(of(&pauses, "net"), Some(&pauses[1]));
        assert_eq!(of(&pauses[..1], "third"), None);
    }

    #[test]
    fn a_pause_is_shown_with_who_and_why_and_its_end() {
        assert_eq!(
            view("net", 0).line(),
            "net paused at 1970-01-01T00:00:00Z by ann: they asked for it"
        );
        assert_eq!(view("net", 0).cure(), "postback resume net");
        assert_eq!(view("*", 0).cure(), "postback resume --all");
    }
}
