//! A rule: a fault and the requests it applies to.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::network::Network;

/// A fault and the requests it applies to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only this network; any if left out.
    #[serde(default)]
    pub network: Option<Network>,
    /// Only this call (`add`, `list`, …); any if left out.
    #[serde(default)]
    pub call: Option<String>,
    /// Only this order (`cmc_id`, `email`, `id`, `adv_sub`); any if left out.
    #[serde(default)]
    pub order: Option<String>,
    /// The number of matching requests to let pass first.
    #[serde(default)]
    pub after: u64,
    /// The number of times the rule applies, once if left out; `None` is forever.
    #[serde(default = "once")]
    pub times: Option<u64>,
    /// The fault.
    pub fault: Fault,
}

#[expect(clippy::unnecessary_wraps, reason = "the field's own type")]
const fn once() -> Option<u64> {
    Some(1)
}

impl Rule {
    /// Applies to the next request to `network`, once.
    #[must_use]
    pub const fn on(network: Network, fault: Fault) -> Self {
        Self { network: Some(network), call: None, order: None, after: 0, times: Some(1), fault }
    }

    /// Applies to the next connection of any caller, for the faults that come before a request can be read.
    #[must_use]
    pub const fn on_connection(fault: Fault) -> Self {
        let mut rule = Self::on(Network::CashMyCell, fault);
        rule.network = None;
        rule
    }

    /// The same rule for this order only.
    #[must_use]
    pub fn order(mut self, order: impl Into<String>) -> Self {
        self.order = Some(order.into());
        self
    }

    /// The same rule for this call only.
    #[must_use]
    pub fn call(mut self, call: impl Into<String>) -> Self {
        self.call = Some(call.into());
        self
    }

    /// The same rule after this number of matching requests.
    #[must_use]
    pub const fn after(mut self, requests: u64) -> Self {
        self.after = requests;
        self
    }

    /// The same rule, applied this number of times.
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// The same rule until the reset.
    #[must_use]
    pub const fn forever(mut self) -> Self {
        self.times = None;
        self
    }

    pub(crate) fn matches(&self, call: &str) -> bool {
        self.call.as_deref().is_none_or(|only| only == call)
    }

    /// Uses the rule for one matching request; `None` while it lets requests pass.
    pub(crate) fn apply(&mut self) -> Option<Fault> {
        if self.after > 0 {
            self.after -= 1;
            return None;
        }
        self.times = self.times.map(|times| times - 1);
        Some(self.fault.clone())
    }
}
