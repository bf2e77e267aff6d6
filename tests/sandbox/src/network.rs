//! The four networks and their names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the four networks the sandbox simulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Network {
    /// CashMyCell: order completion.
    #[serde(rename = "cashmycell")]
    CashMyCell,
    /// CartStack: server side confirmation.
    #[serde(rename = "cartstack")]
    CartStack,
    /// cpa.moe: affiliate API.
    #[serde(rename = "cpa_moe")]
    CpaMoe,
    /// ShopBack: order API.
    #[serde(rename = "shopback")]
    ShopBack,
}

impl Network {
    /// All four.
    pub const ALL: [Self; 4] = [Self::CashMyCell, Self::CartStack, Self::CpaMoe, Self::ShopBack];

    /// The name in paths, in the control API and of the secret's file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CashMyCell => "cashmycell",
            Self::CartStack => "cartstack",
            Self::CpaMoe => "cpa_moe",
            Self::ShopBack => "shopback",
        }
    }

    /// The network with this [name](Self::name).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|network| network.name() == name)
    }

    /// Splits `/shopback/aff_lsr` into the network and the path as the network itself receives it.
    pub(crate) fn of_path(path: &str) -> Option<(Self, &str)> {
        let rest = path.strip_prefix('/')?;
        let name = rest.split('/').next()?;
        Some((Self::named(name)?, &rest[name.len()..]))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
