//! How the networks behave where their documents leave room or merchants' contracts differ.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All switches; [`Default`] is the behaviour the documents suggest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// CashMyCell's switches.
    pub cashmycell: CashMyCellSettings,
    /// CartStack's switches.
    pub cartstack: CartStackSettings,
    /// cpa.moe's switches.
    pub cpa_moe: CpaMoeSettings,
    /// ShopBack's switches.
    pub shopback: ShopBackSettings,
}

/// CashMyCell's switches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CashMyCellSettings {
    /// What a success looks like.
    pub answer: CashMyCellAnswer,
    /// Missing parameters are ignored with a 2xx instead of refused with a 400; both are documented.
    pub ignore_missing: bool,
    /// A second completion of one `cmc_id` is not counted; the document promises neither.
    pub deduplicate: bool,
}

/// The three documented successes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CashMyCellAnswer {
    /// 204 without a body, the typical one.
    #[default]
    NoContent,
    /// 200 with a 43 byte GIF.
    Gif,
    /// 200 with `OK`.
    Text,
}

/// CartStack's switches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CartStackSettings {
    /// The first recorded purchase uses the cart up: a second call for that e-mail finds none.
    pub cart_gone_after_purchase: bool,
}

/// cpa.moe's switches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CpaMoeSettings {
    /// The first lead's number, the next ones follow. Above 2^53 no float can hold it.
    pub first_lead_id: u64,
    /// Lead numbers are answered as JSON strings.
    pub ids_as_strings: bool,
    /// A new lead is missing from that many list requests that ask for it.
    pub list_lag_requests: u32,
    /// A new lead is missing from the list for that long, in milliseconds of the sandbox's clock.
    pub list_lag_ms: u64,
    /// The list is an array of objects, as some installations answer, not an object keyed by id.
    pub list_as_array: bool,
    /// The platform's filter: same offer and same phone or e-mail within [`duplicate_days`](Self::duplicate_days).
    pub refuse_duplicates: bool,
    /// How far back the filter looks.
    pub duplicate_days: u64,
}

impl Default for CpaMoeSettings {
    fn default() -> Self {
        Self {
            first_lead_id: 500_001,
            ids_as_strings: false,
            list_lag_requests: 0,
            list_lag_ms: 0,
            list_as_array: false,
            refuse_duplicates: false,
            duplicate_days: 3,
        }
    }
}

/// ShopBack's switches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShopBackSettings {
    /// What counts as the same conversion: the merchant's contract.
    pub duplicates: ShopBackDuplicates,
    /// Offers that belong to this merchant beside the account's own (one per country, say).
    pub other_offers: Vec<u64>,
    /// A wrong token is answered `success=true;` and the conversion is recorded without being approved.
    pub silent_refusals: bool,
}

/// What ShopBack refuses to record twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShopBackDuplicates {
    /// Order mode: one conversion per `transaction_id`.
    #[default]
    TransactionId,
    /// Line-item mode with the platform's unique id filter: one per `transaction_id` and `adv_unique1..5`.
    UniqueId,
    /// Line-item mode: nothing is de-duplicated.
    Never,
}

/// Puts `patch` over `base`: objects are merged member by member, everything else is replaced.
pub(crate) fn merge(base: &mut Value, patch: Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, patch) => *base = patch,
    }
}
