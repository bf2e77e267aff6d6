//! The event source mappings: each queue, and the ledger's stream, feeds its function.

use super::Finding;
use crate::{
    account::{Account, Network, Resource},
    failure::Failure,
    watch::{Mapping, mappings},
};

/// The mapping of the ledger's stream.
const STREAM: &str = "PublishFunctionLedger";

/// A network, and the parameter by which it is paused, if it is.
#[derive(Clone, Debug)]
struct Fed {
    network: Network,
    paused_by: Option<String>,
}

impl Fed {
    /// The name of the queue's mapping in the template.
    fn mapping(&self) -> String {
        format!("{}FunctionQueue", self.network.prefix)
    }
}

pub(super) async fn findings(
    account: &Account,
    resources: &[Resource],
) -> Result<Vec<Finding>, Failure> {
    let mappings = mappings(account, resources).await?;
    let fed = account.networks().into_iter().map(|network| {
        let parameter = format!("{}Enabled", network.prefix);
        let paused = account.place.parameters.get(&parameter).is_some_and(|it| it == "paused");
        Fed { network, paused_by: paused.then_some(parameter) }
    });
    Ok(judge_all(&fed.collect::<Vec<_>>(), &mappings))
}

/// Judges every mapping: the networks' and the stream's, which have to be there, and all others.
fn judge_all(fed: &[Fed], mappings: &[Mapping]) -> Vec<Finding> {
    let of = |logical: &str| mappings.iter().find(|mapping| mapping.logical == logical);
    let networks = fed
        .iter()
        .filter_map(|fed| judge(&fed.network.name, of(&fed.mapping()), fed.paused_by.as_deref()));
    let known: Vec<_> = fed.iter().map(Fed::mapping).chain([STREAM.to_owned()]).collect();
    let others = mappings.iter().filter(|mapping| !known.contains(&mapping.logical));
    networks.chain(judge_stream(of(STREAM))).chain(others.filter_map(judge_other)).collect()
}

fn judge_other(mapping: &Mapping) -> Option<Finding> {
    if !mapping.is_stopped() {
        return None;
    }
    let what = "it feeds no function: its queue's messages wait, and are deleted after the queue's \
                retention";
    Some(Finding::new("queue_paused", &mapping.logical, what, ENABLE))
}

const ENABLE: &str = "Enable the function's event source mapping (`aws lambda \
                      update-event-source-mapping --enabled`), or deploy again.";

fn judge(network: &str, mapping: Option<&Mapping>, paused_by: Option<&str>) -> Option<Finding> {
    let mapping = mapping.filter(|mapping| !mapping.is_stopped());
    if mapping.is_some() {
        return None;
    }
    let what = "its queue feeds no function: its orders wait, and are deleted after \
                QueueRetentionSeconds";
    let cure = match paused_by {
        Some(parameter) => format!("Deploy with {parameter}=true when it may be sent to again."),
        None => ENABLE.to_owned(),
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

    #[test]
    fn every_mapping_is_judged() {
        let network = Network { name: "net".to_owned(), prefix: "Net".to_owned() };
        let fed = [Fed { network, paused_by: None }];
        let all = |state: &str| {
            let names = [
                "NetFunctionQueue",
                STREAM,
                "IntakeFunctionBusOrders",
                "ShopFunctionPartnerEvents",
            ];
            names.map(|logical| Mapping {
                logical: logical.to_owned(),
                state: Some(state.to_owned()),
            })
        };

        assert_eq!(judge_all(&fed, &all("Enabled")), []);
        let found = judge_all(&fed, &all("Disabled"));
        let found: Vec<_> = found.iter().map(|it| (it.code, it.subject.as_str())).collect();
        assert_eq!(
            found,
            [
                ("queue_paused", "net"),
                ("stream_paused", "publish"),
                ("queue_paused", "IntakeFunctionBusOrders"),
                ("queue_paused", "ShopFunctionPartnerEvents"),
            ]
        );
    }
}
