//! The credentials the networks accept: the JSON in each network's secret.

use serde::{Deserialize, Serialize};

/// The credentials accepted now; [`Default`] is the documented fake set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accounts {
    /// `secrets/cashmycell.json`
    pub cashmycell: CashMyCellAccount,
    /// `secrets/cartstack.json`
    pub cartstack: CartStackAccount,
    /// `secrets/cpa_moe.json`
    pub cpa_moe: CpaMoeAccount,
    /// `secrets/shopback.json`
    pub shopback: ShopBackAccount,
}

/// CashMyCell's account, which has no credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CashMyCellAccount {}

/// CartStack's API key and site, both case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CartStackAccount {
    /// The API key.
    pub key: String,
    /// The site.
    pub siteid: String,
}

/// cpa.moe's user and key, sent as `id=user-key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CpaMoeAccount {
    /// Digits.
    pub user: String,
    /// Letters and digits.
    pub key: String,
}

/// ShopBack's offer and security token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopBackAccount {
    /// The merchant's offer.
    pub offer_id: u64,
    /// 32 letters and digits.
    pub security_token: String,
}

/// The API key CartStack accepts by default.
pub const CARTSTACK_KEY: &str = "Fake0ApiKey0CaseSensitive";
/// The site CartStack accepts by default.
pub const CARTSTACK_SITEID: &str = "FakeSite01";
/// The user cpa.moe accepts by default.
pub const CPA_MOE_USER: &str = "1001";
/// The key cpa.moe accepts by default.
pub const CPA_MOE_KEY: &str = "fake0key0fake0key0";
/// The offer ShopBack accepts by default.
pub const SHOPBACK_OFFER_ID: u64 = 1234;
/// The token ShopBack accepts by default.
pub const SHOPBACK_SECURITY_TOKEN: &str = "fake0token0fake0token0fake0token";

impl Default for CartStackAccount {
    fn default() -> Self {
        Self { key: CARTSTACK_KEY.to_owned(), siteid: CARTSTACK_SITEID.to_owned() }
    }
}

impl Default for CpaMoeAccount {
    fn default() -> Self {
        Self { user: CPA_MOE_USER.to_owned(), key: CPA_MOE_KEY.to_owned() }
    }
}

impl Default for ShopBackAccount {
    fn default() -> Self {
        Self { offer_id: SHOPBACK_OFFER_ID, security_token: SHOPBACK_SECURITY_TOKEN.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_and_secret_files_agree() -> Result<(), serde_json::Error> {
        let from_files = Accounts {
            cashmycell: serde_json::from_str(include_str!("../secrets/cashmycell.json"))?,
            cartstack: serde_json::from_str(include_str!("../secrets/cartstack.json"))?,
            cpa_moe: serde_json::from_str(include_str!("../secrets/cpa_moe.json"))?,
            shopback: serde_json::from_str(include_str!("../secrets/shopback.json"))?,
        };

        assert_eq!(Accounts::default(), from_files);
        Ok(())
    }

    #[test]
    fn the_fake_credentials_have_the_documented_shapes() {
        let accounts = Accounts::default();

        assert_eq!(accounts.shopback.security_token.len(), 32);
        assert!(accounts.cpa_moe.user.bytes().all(|b| b.is_ascii_digit()));
        for secret in
            [&accounts.shopback.security_token, &accounts.cpa_moe.key, &accounts.cartstack.key]
        {
            assert!(secret.bytes().all(|b| b.is_ascii_alphanumeric()));
            assert!(secret.to_ascii_lowercase().contains("fake"));
        }
    }
}
