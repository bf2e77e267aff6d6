//! The queues and the ledger's stream: each feeds its function.

use super::Finding;
use crate::{
    account::{Account, Resource},
    failure::Failure,
    watch::{Mapping, mappings},
};

pub(super) async fn findings(
    account: &Account,
    resources: &[Resource],
) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let mappings = mappings(account, resources).await?;
    for network in account.networks() {
        let parameter = format!("{}Enabled", network.prefix);
        let paused = account.place.parameters.get(&parameter).is_some_and(|it| it == "paused");
        let logical = format!("{}FunctionQueue", network.prefix);
        let feeds = mappings.iter().find(|mapping| mapping.logical == logical);
        findings.extend(judge(&network.name, feeds, paused.then_some(parameter.as_str())));
    }
    let stream = mappings.iter().find(|mapping| mapping.logical == "PublishFunctionLedger");
    findings.extend(judge_stream(stream));
    Ok(findings)
}

fn judge(network: &str, mapping: Option<&Mapping>, paused_by: Option<&str>) -> Option<Finding> {
    let mapping = mapping.filter(|mapping| !mapping.is_stopped());
    if mapping.is_some() {
        return None;
    }
    let what = "its queue feeds no function: its orders wait, and are deleted after \
                QueueRetentionSeconds";
    let cure = match paused_by {
        Some(parameter) => format!("Deploy with {parameter}=true when it may be sent to again."),
        None => {
            "Enable the function's event source mapping (`aws lambda update-event-source-mapping \
                 --enabled`), or deploy again."
                .to_owned()
        }
    };
    Some(Finding::new("queue_paused", network, what, cure))
}

fn judge_stream(mapping: Option<&Mapping>) -> Option<Finding> {
    if mapping.is_some_and(|mapping| !mapping.is_stopped()) {
        return None;
    }
    let what = "the ledger's stream feeds no function: no event is published, and after 24 hours \
                they are lost";
    let cure = "Enable the event source mapping of the function publish, then publish what is missing: \
                `postback events replay`.";
    Some(Finding::new("stream_paused", "publish", what, cure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_feeds_its_function() {
        let mapping = |state: Option<&str>| Mapping {
            logical: "NetFunctionQueue".to_owned(),
            state: state.map(str::to_owned),
        };

        assert_eq!(judge("net", Some(&mapping(Some("Enabled"))), None), None);
        for stopped in [Some(mapping(Some("Disabled"))), Some(mapping(None)), None] {
            let finding = judge("net", stopped.as_ref(), None).expect("a finding");
            assert_eq!(finding.code, "queue_paused");
            assert_eq!(judge_stream(stopped.as_ref()).map(|it| it.code), Some("stream_paused"));
        }
        let paused = judge("net", None, Some("NetEnabled")).expect("a finding");
        assert_eq!(paused.cure, "Deploy with NetEnabled=true when it may be sent to again.");
    }
}
