//! The script: all rules and outages.

use std::collections::{HashMap, VecDeque};

use crate::fault::{ConnectionFault, Fault};
use crate::network::Network;
use crate::rule::Rule;

/// The network and the order a rule names.
type Target = (Option<Network>, Option<String>);

/// All rules, indexed by network and order.
#[derive(Debug, Default)]
pub(crate) struct Script {
    rules: HashMap<Target, Vec<Rule>>,
    connections: VecDeque<Rule>,
    outages: HashMap<Network, Fault>,
}

impl Script {
    /// Adds a rule. The error explains why it could never apply.
    pub(crate) fn add(&mut self, rule: Rule) -> Result<(), String> {
        if rule.times == Some(0) {
            return Err("times is 0: the rule would never apply".to_owned());
        }
        if rule.fault.on_connection().is_some() {
            let named = rule.network.is_some() || rule.order.is_some() || rule.call.is_some();
            if named {
                return Err("this fault comes before the request is read: \
                            it cannot depend on a network, a call or an order"
                    .to_owned());
            }
            if rule.times.is_none() {
                return Err(
                    "this fault would lock out every caller: limit it with times".to_owned()
                );
            }
            self.connections.push_back(rule);
        } else {
            let target = (rule.network, rule.order.clone());
            self.rules.entry(target).or_default().push(rule);
        }
        Ok(())
    }

    /// Starts an outage of the network with this fault, or ends it with none.
    pub(crate) fn outage(&mut self, network: Network, fault: Option<Fault>) -> Result<(), String> {
        match fault {
            Some(fault) if fault.on_connection().is_some() => {
                return Err("this fault comes before the network is known".to_owned());
            }
            Some(fault) => self.outages.insert(network, fault),
            None => self.outages.remove(&network),
        };
        Ok(())
    }

    /// The fault for a request: that of an outage first, then that of the oldest of the most specific rules.
    pub(crate) fn next_fault(
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
                let fault = self.fault_at(&(only, order), call);
                if fault.is_some() {
                    return fault;
                }
            }
        }
        None
    }

    fn fault_at(&mut self, target: &Target, call: &str) -> Option<Fault> {
        let rules = self.rules.get_mut(target)?;
        let mut matching = rules.iter_mut().filter(|rule| rule.matches(call));
        let fault = matching.find_map(Rule::apply);
        rules.retain(|rule| rule.times != Some(0));
        if rules.is_empty() {
            self.rules.remove(target);
        }
        fault
    }

    /// The fault for a connection just accepted.
    pub(crate) fn next_connection_fault(&mut self) -> Option<ConnectionFault> {
        let fault = self.connections.iter_mut().find_map(Rule::apply);
        self.connections.retain(|rule| rule.times != Some(0));
        fault.as_ref().and_then(Fault::on_connection)
    }

    /// The rules that can still apply.
    pub(crate) fn rules(&self) -> Vec<&Rule> {
        self.connections.iter().chain(self.rules.values().flatten()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next_fault(script: &mut Script, order: &str) -> Option<Fault> {
        script.next_fault(Network::ShopBack, "conversion", &[order.to_owned()])
    }

    #[test]
    fn a_rule_applies_after_the_first_requests_and_then_ends() -> Result<(), String> {
        let mut script = Script::default();
        script.add(Rule::on(Network::ShopBack, Fault::status(503)).order("A").after(1).times(2))?;

        let faults: Vec<bool> = (0..5).map(|_| next_fault(&mut script, "A").is_some()).collect();

        assert_eq!(faults, [false, true, true, false, false]);
        assert!(script.rules().is_empty());
        Ok(())
    }

    #[test]
    fn the_order_comes_before_the_network_and_an_outage_before_both() -> Result<(), String> {
        let mut script = Script::default();
        script.add(Rule::on(Network::ShopBack, Fault::status(500)).forever())?;
        script.add(Rule::on(Network::ShopBack, Fault::status(501)).order("A").forever())?;

        assert_eq!(next_fault(&mut script, "A"), Some(Fault::status(501)));
        assert_eq!(next_fault(&mut script, "B"), Some(Fault::status(500)));
        script.outage(Network::ShopBack, Some(Fault::status(502)))?;
        assert_eq!(next_fault(&mut script, "A"), Some(Fault::status(502)));
        script.outage(Network::ShopBack, None)?;
        assert_eq!(next_fault(&mut script, "A"), Some(Fault::status(501)));
        Ok(())
    }

    #[test]
    fn a_rule_applies_to_its_call_only_and_to_any_order_of_a_list() -> Result<(), String> {
        let mut script = Script::default();
        script.add(Rule::on(Network::CpaMoe, Fault::status(500)).order("B").call("list"))?;
        let ids = ["A".to_owned(), "B".to_owned()];

        assert_eq!(script.next_fault(Network::CpaMoe, "add", &ids[1..]), None);
        assert!(script.next_fault(Network::CpaMoe, "list", &ids).is_some());
        Ok(())
    }

    #[test]
    fn a_connection_fault_cannot_name_a_network() {
        let mut script = Script::default();

        assert!(script.add(Rule::on(Network::CpaMoe, Fault::close_at_accept())).is_err());
        assert!(script.add(Rule::on_connection(Fault::close_at_accept()).forever()).is_err());
        assert!(script.add(Rule::on_connection(Fault::cut_request_at(3))).is_ok());
        assert_eq!(script.next_connection_fault(), Some(ConnectionFault::CutAfter(3)));
        assert_eq!(script.next_connection_fault(), None);
    }
}
