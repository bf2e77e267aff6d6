//! The script: which request meets which fault.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::fault::{ConnectionFault, Fault, Kind};
use crate::network::Network;

/// A fault and the requests it strikes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only this network; any where left out.
    #[serde(default)]
    pub network: Option<Network>,
    /// Only this call (`add`, `list`, …); any where left out.
    #[serde(default)]
    pub call: Option<String>,
    /// Only this order (`cmc_id`, `email`, `id`, `adv_sub`); any where left out.
    #[serde(default)]
    pub order: Option<String>,
    /// Lets so many matching requests pass first.
    #[serde(default)]
    pub after: u64,
    /// Strikes so many times, forever if `None`; once where left out.
    #[serde(default = "once")]
    pub times: Option<u64>,
    /// What happens then.
    pub fault: Fault,
}

#[expect(clippy::unnecessary_wraps, reason = "the field's own type")]
const fn once() -> Option<u64> {
    Some(1)
}

impl Rule {
    /// Strikes the next request to `network`, once.
    #[must_use]
    pub const fn on(network: Network, fault: Fault) -> Self {
        Self { network: Some(network), call: None, order: None, after: 0, times: Some(1), fault }
    }

    /// Strikes the next connection, whoever makes it: for the faults that come before a request can be read.
    #[must_use]
    pub const fn on_connection(fault: Fault) -> Self {
        let mut rule = Self::on(Network::CashMyCell, fault);
        rule.network = None;
        rule
    }

    /// Only this order.
    #[must_use]
    pub fn order(mut self, order: impl Into<String>) -> Self {
        self.order = Some(order.into());
        self
    }

    /// Only this call.
    #[must_use]
    pub fn call(mut self, call: impl Into<String>) -> Self {
        self.call = Some(call.into());
        self
    }

    /// Not before so many matching requests have passed.
    #[must_use]
    pub const fn after(mut self, requests: u64) -> Self {
        self.after = requests;
        self
    }

    /// So many times.
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Until the reset.
    #[must_use]
    pub const fn forever(mut self) -> Self {
        self.times = None;
        self
    }

    fn matches(&self, call: &str) -> bool {
        self.call.as_deref().is_none_or(|only| only == call)
    }

    /// Uses the rule for one matching request; `None` while it lets requests pass.
    fn strike(&mut self) -> Option<Fault> {
        if self.after > 0 {
            self.after -= 1;
            return None;
        }
        self.times = self.times.map(|times| times - 1);
        Some(self.fault.clone())
    }
}

type Place = (Option<Network>, Option<String>);

/// All rules, found by network and order without searching.
#[derive(Debug, Default)]
pub(crate) struct Script {
    rules: HashMap<Place, Vec<Rule>>,
    connections: VecDeque<Rule>,
    outages: HashMap<Network, Fault>,
}

impl Script {
    /// Adds a rule, or says why it can never strike.
    pub(crate) fn add(&mut self, rule: Rule) -> Result<(), String> {
        if rule.times == Some(0) {
            return Err("times is 0: the rule would never strike".to_owned());
        }
        if rule.fault.on_connection().is_some() {
            let named = rule.network.is_some() || rule.order.is_some() || rule.call.is_some();
            if named {
                return Err("this fault comes before the request is read: \
                            it cannot know a network, a call or an order"
                    .to_owned());
            }
            if rule.times.is_none() {
                return Err(
                    "this fault would lock everybody out for good: give it times".to_owned()
                );
            }
            self.connections.push_back(rule);
        } else {
            let place = (rule.network, rule.order.clone());
            self.rules.entry(place).or_default().push(rule);
        }
        Ok(())
    }

    /// The network is down with this fault until it is up again.
    pub(crate) fn outage(&mut self, network: Network, fault: Option<Fault>) -> Result<(), String> {
        match fault {
            Some(fault) if fault.on_connection().is_some() => {
                return Err("this fault cannot know the network".to_owned());
            }
            Some(fault) => self.outages.insert(network, fault),
            None => self.outages.remove(&network),
        };
        Ok(())
    }

    /// The fault for a request: an outage first, then the oldest of the most specific rules.
    pub(crate) fn strike(
        &mut self,
        network: Network,
        call: &str,
        keys: &[String],
    ) -> Option<Fault> {
        if let Some(fault) = self.outages.get(&network) {
            return Some(fault.clone());
        }
        if self.rules.is_empty() {
            return None;
        }
        for only in [Some(network), None] {
            let orders = keys.iter().map(|key| Some(key.clone()));
            for order in orders.chain([None]) {
                let fault = self.strike_at(&(only, order), call);
                if fault.is_some() {
                    return fault;
                }
            }
        }
        None
    }

    fn strike_at(&mut self, place: &Place, call: &str) -> Option<Fault> {
        let rules = self.rules.get_mut(place)?;
        let mut struck = rules.iter_mut().filter(|rule| rule.matches(call));
        let fault = struck.find_map(Rule::strike);
        rules.retain(|rule| rule.times != Some(0));
        if rules.is_empty() {
            self.rules.remove(place);
        }
        fault
    }

    /// The fault for a connection just accepted.
    pub(crate) fn strike_connection(&mut self) -> Option<ConnectionFault> {
        let fault = self
            .connections
            .iter_mut()
            .find_map(Rule::strike)
            .as_ref()
            .and_then(Fault::on_connection);
        self.connections.retain(|rule| rule.times != Some(0));
        fault
    }

    /// What is still to strike.
    pub(crate) fn rules(&self) -> Vec<&Rule> {
        self.connections.iter().chain(self.rules.values().flatten()).collect()
    }
}

impl Fault {
    const fn on_connection(&self) -> Option<ConnectionFault> {
        match self.kind {
            Kind::OnConnection(fault) => Some(fault),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strike(script: &mut Script, order: &str) -> Option<Fault> {
        script.strike(Network::ShopBack, "conversion", &[order.to_owned()])
    }

    #[test]
    fn a_rule_strikes_once_after_so_many() -> Result<(), String> {
        let mut script = Script::default();
        script.add(Rule::on(Network::ShopBack, Fault::status(503)).order("A").after(1).times(2))?;

        let struck: Vec<bool> = (0..5).map(|_| strike(&mut script, "A").is_some()).collect();

        assert_eq!(struck, [false, true, true, false, false]);
        assert!(script.rules().is_empty());
        Ok(())
    }

    #[test]
    fn the_order_comes_before_the_network_and_an_outage_before_both() -> Result<(), String> {
        let mut script = Script::default();
        script.add(Rule::on(Network::ShopBack, Fault::status(500)).forever())?;
        script.add(Rule::on(Network::ShopBack, Fault::status(501)).order("A").forever())?;

        assert_eq!(strike(&mut script, "A"), Some(Fault::status(501)));
        assert_eq!(strike(&mut script, "B"), Some(Fault::status(500)));
        script.outage(Network::ShopBack, Some(Fault::status(502)))?;
        assert_eq!(strike(&mut script, "A"), Some(Fault::status(502)));
        script.outage(Network::ShopBack, None)?;
        assert_eq!(strike(&mut script, "A"), Some(Fault::status(501)));
        Ok(())
    }

    #[test]
    fn a_rule_strikes_only_its_call_and_any_of_a_lists_orders() -> Result<(), String> {
        let mut script = Script::default();
        script.add(Rule::on(Network::CpaMoe, Fault::status(500)).order("B").call("list"))?;
        let ids = ["A".to_owned(), "B".to_owned()];

        assert_eq!(script.strike(Network::CpaMoe, "add", &ids[1..]), None);
        assert!(script.strike(Network::CpaMoe, "list", &ids).is_some());
        Ok(())
    }

    #[test]
    fn what_strikes_connections_cannot_name_a_network() {
        let mut script = Script::default();

        assert!(script.add(Rule::on(Network::CpaMoe, Fault::close_at_accept())).is_err());
        assert!(script.add(Rule::on_connection(Fault::close_at_accept()).forever()).is_err());
        assert!(script.add(Rule::on_connection(Fault::cut_request_at(3))).is_ok());
        assert_eq!(script.strike_connection(), Some(ConnectionFault::CutAfter(3)));
        assert_eq!(script.strike_connection(), None);
    }
}
