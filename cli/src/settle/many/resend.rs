//! The orders that are sent again after many decisions: one replay, or one message each.

use std::{
    collections::{HashMap, HashSet},
    slice,
};

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, Record},
    redaction::OperatorNote,
};
use serde_json::Value;

use super::{Batch, View};
use crate::{
    account::{Account, Network},
    args::Settle,
    dry_run::read_orders,
    failure::Failure,
    invoke::GivenOrder,
    replay::ReplayTarget,
    settle::send_again::{put_on_queue, span_of},
    span::Span,
};

/// The way in which the orders to send again come.
pub(crate) enum Resend {
    /// None is to be sent again.
    Nothing,
    /// One replay of the archive.
    Replay(Box<ReplayTarget>),
    /// One message an order.
    Messages(HashMap<String, GivenOrder>),
}

impl Resend {
    /// Finds the orders before anything is recorded: nobody is asked for what then can't be done.
    pub(super) async fn prepare(
        account: &Account,
        wanted: &Settle,
        network: &Network,
        batch: &Batch,
    ) -> Result<Self, Failure> {
        if batch.resends().next().is_none() {
            return Ok(Self::Nothing);
        }
        if wanted.from_archive {
            let target = ReplayTarget::find(account, None, slice::from_ref(network)).await?;
            return Ok(Self::Replay(Box::new(target)));
        }
        let Some(path) = &wanted.order else { return Err(Failure::OrderNeeded) };
        let orders: HashMap<String, Value> = read_orders(path)?
            .into_iter()
            .filter_map(|order| Some((order["order_id"].as_str()?.to_owned(), order)))
            .collect();
        let mut given = HashMap::new();
        for record in batch.resends() {
            let file = path.display().to_string();
            let order = orders.get(&record.order_id).ok_or_else(|| Failure::BadFile {
                file: file.clone(),
                fault: format!("it has no order {}", record.order_id),
            })?;
            given.insert(record.order_id.clone(), GivenOrder::of(order, file)?);
        }
        Ok(Self::Messages(given))
    }

    pub(super) async fn start(
        &self,
        account: &Account,
        network: &Network,
        recorded: &[Record],
        why: &OperatorNote,
        view: &mut View,
    ) -> Result<(), Failure> {
        let resends: Vec<_> = recorded
            .iter()
            .filter(|record| {
                record.last_decision().is_some_and(|last| last.decision == Decision::PermitSending)
            })
            .collect();
        if resends.is_empty() {
            return Ok(());
        }
        let span = span_of(resends.iter().copied(), Timestamp::system());
        match self {
            Self::Nothing => {}
            Self::Replay(target) => {
                let started = target.start(account, span, why).await;
                view.replay = Some(started.map_err(|why| not_on_its_way(&why, network, span))?);
            }
            Self::Messages(orders) => {
                let mut sent = HashSet::new();
                for record in resends {
                    // Once for all lines of an order.
                    let Some(order) = orders.get(&record.order_id) else { continue };
                    if sent.insert(&record.order_id) {
                        let put = put_on_queue(account, network, order).await;
                        put.map_err(|why| not_on_its_way(&why, network, span))?;
                        view.messages += 1;
                    }
                }
            }
        }
        Ok(())
    }
}

fn not_on_its_way(why: &Failure, network: &Network, span: Span) -> Failure {
    let what_to_do = format!("Run {}.", by_hand(&network.name, span));
    Failure::NotOnItsWay { why: why.to_string(), what_to_do }
}

/// The command that brings the orders of a time again.
pub(super) fn by_hand(network: &str, span: Span) -> String {
    let Span { from, to } = span;
    format!("`postback orders replay --from {from} --to {to} --network {network} --why TEXT`")
}
