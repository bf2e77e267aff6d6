//! The orders that concern no network. Those whose clicks name something need a person: the sender
//! misspells it, or the network is not on. Those without a click are most shops' ordinary orders.

use std::{collections::BTreeMap, time::Duration};

use postback_core::clock::Timestamp;
use postback_runtime::ledger::UnclaimedOrder;
use serde::Serialize;

use super::{
    group::Group,
    needs::{Need, behind},
};
use crate::list::Sum;

/// The time after the last one for which they need a person: nobody can close them, and the ledger
/// keeps them for a month.
const NEEDING: Duration = Duration::from_hours(24);

/// The orders of the last 30 days that concern no network.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Unclaimed {
    with_click: Sum,
    without_click: Sum,
    /// Those with clicks, by their sender and the members of clicks that came.
    #[serde(skip)]
    groups: BTreeMap<(String, String), Group>,
}

impl Unclaimed {
    pub(crate) fn add(&mut self, order: &UnclaimedOrder) {
        let money = Some((order.amount.as_str(), order.currency.as_str()));
        if order.clicks.is_empty() {
            self.without_click.add(money);
            return;
        }
        self.with_click.add(money);
        let (key, seen) = ((order.source.clone(), order.clicks.join(", ")), order.accepted_at);
        self.groups.entry(key).or_insert_with(|| Group::new(seen)).add(money, seen);
    }

    /// The senders whose clicks no network knows.
    pub(super) fn needs(&self, now: Timestamp) -> impl Iterator<Item = Need> {
        let groups = self.groups.iter();
        let recent = groups.filter(move |(_, group)| now.since(group.last_seen_at) < NEEDING);
        recent.map(|((source, clicks), group)| {
            let (count, money) = (group.sum.count, behind(&group.sum.money()));
            let verb = if count == 1 { "order concerns" } else { "orders concern" };
            Need {
                code: "unclaimed",
                subject: source.clone(),
                reason: None,
                what: format!("{count} {verb} no network, with clicks {clicks}{money}"),
                command: "postback logs intake --since 1d --code order_unclaimed".to_owned(),
                deliveries: Some(group.clone()),
            }
        })
    }

    /// All of them in a sentence, if there are any.
    pub(crate) fn line(&self) -> Option<String> {
        let (without, with) = (&self.without_click, &self.with_click);
        (without.count + with.count > 0).then(|| {
            format!(
                "No network, last 30 days: {} without a click{}; {} with one{}",
                without.count,
                behind(&without.money()),
                with.count,
                behind(&with.money())
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::unclaimed;

    #[test]
    fn orders_whose_clicks_no_network_knows_need_a_person_for_a_day() {
        let mut found = Unclaimed::default();
        found.add(&unclaimed("A-1", &[]));
        found.add(&unclaimed("A-2", &["net.transactionid"]));
        found.add(&unclaimed("A-3", &["net.transactionid"]));
        let now = Timestamp::parse("2026-11-21T10:45:00Z").expect("an instant");

        let needs: Vec<_> = found.needs(now).collect();

        assert_eq!(needs.len(), 1, "{needs:?}");
        assert_eq!(
            (needs[0].subject.as_str(), needs[0].what.as_str()),
            ("shop", "2 orders concern no network, with clicks net.transactionid: 21 EUR")
        );
        assert_eq!(found.needs(now + NEEDING).count(), 0);
        let line = "No network, last 30 days: 1 without a click: 10.5 EUR; 2 with one: 21 EUR";
        assert_eq!(found.line().as_deref(), Some(line));
        assert_eq!(Unclaimed::default().line(), None);
    }
}
