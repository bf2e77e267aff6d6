//! The networks and the shop systems as their folders describe them, collected when the tool is built.

use serde_json::Value;

/// A network.
pub(crate) struct Network {
    pub(crate) name: &'static str,
    /// The schema of its secret: JSON.
    secret: &'static str,
}

/// A shop system whose webhooks are taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    pub(crate) name: &'static str,
    /// The prefix of its outputs in the template.
    pub(crate) prefix: &'static str,
    /// The start of the source of its events on a partner bus, if it has such.
    pub(crate) partner: Option<&'static str>,
}

include!(concat!(env!("OUT_DIR"), "/networks.rs"));

/// The shop system that put an event of this source on a partner bus: nobody but AWS passes such a
/// source on.
pub(crate) fn partner(source: &str) -> Option<&'static Platform> {
    let is_of = |platform: &&Platform| platform.partner.is_some_and(|own| source.starts_with(own));
    PLATFORMS.iter().find(is_of)
}

/// The network of this name; `None` if this version of the tool does not know it.
pub(crate) fn find(name: &str) -> Option<&'static Network> {
    NETWORKS.iter().find(|network| network.name == name)
}

impl Network {
    /// The schema of its secret.
    pub(crate) fn secret(&self) -> Value {
        serde_json::from_str(self.secret).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use postback_orders::networks;

    use super::*;

    #[test]
    fn every_network_has_the_schema_of_its_secret() {
        assert!(NETWORKS.len() >= 4);
        for network in NETWORKS {
            assert_eq!(network.secret()["type"], "object", "{}", network.name);
            assert!(networks::is_network(network.name), "{}", network.name);
        }
    }
}
