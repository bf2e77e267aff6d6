//! The networks' behaviour where their documents are silent or merchants' contracts differ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All settings; [`Default`] is the behaviour the documents suggest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// CashMyCell's settings.
    pub cashmycell: CashMyCellSettings,
    /// CartStack's settings.
    pub cartstack: CartStackSettings,
    /// cpa.moe's settings.
    pub cpa_moe: CpaMoeSettings,
    /// ShopBack's settings.
    pub shopback: ShopBackSettings,
}

/// CashMyCell's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CashMyCellSettings {
    /// The answer to a success.
    pub answer: CashMyCellAnswer,
    /// Missing parameters get a 2xx instead of a 400; both are documented.
    pub ignore_missing: bool,
    /// A second completion of one `cmc_id` is not counted; the document promises neither.
    pub deduplicate: bool,
}

/// The three documented successes, and one a proxy makes of them.
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
    /// 200 with `OK`, compressed by a proxy although the request did not ask for it.
    Gzip,
}

/// CartStack's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CartStackSettings {
    /// The first recorded purchase consumes the cart: a second call for that e-mail finds none.
    pub cart_gone_after_purchase: bool,
}

/// cpa.moe's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CpaMoeSettings {
    /// The first lead's number, the next ones follow. Above 2^53 no float can hold it.
    pub first_lead_id: u64,
    /// Lead numbers are answered as JSON strings.
    pub ids_as_strings: bool,
    /// The number of list requests for a new lead that do not show it.
    pub list_lag_requests: u32,
    /// The time a new lead is missing from the list, in milliseconds of the sandbox's clock.
    pub list_lag_ms: u64,
    /// The list is an array of objects, as some installations answer, not an object keyed by id.
    pub list_as_array: bool,
    /// The platform's filter: same offer and same phone or e-mail within [`duplicate_days`](Self::duplicate_days).
    pub refuse_duplicates: bool,
    /// The filter's period in days.
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

/// ShopBack's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShopBackSettings {
    /// The conversions of the account's offer that are refused as duplicates.
    pub duplicates: ShopBackDuplicates,
    /// More offers of this merchant (one per country, for example), each with its own de-duplication.
    pub other_offers: BTreeMap<u64, ShopBackDuplicates>,
    /// A wrong token is answered `success=true;` and the conversion is recorded without being approved.
    pub silent_refusals: bool,
    /// The validation of pending conversions.
    pub validation: ShopBackValidation,
}

/// The validation of pending conversions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShopBackValidation {
    /// Its offer: another one than the orders'.
    pub offer_id: u64,
    /// Its affiliate.
    pub aff_id: u64,
    /// The time from which nothing is validated any more, in milliseconds since 1970; 0 for never.
    pub invoiced_at_ms: u64,
}

impl Default for ShopBackValidation {
    fn default() -> Self {
        Self { offer_id: 4321, aff_id: 77, invoiced_at_ms: 0 }
    }
}

/// The de-duplication of an offer: the merchant's contract.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShopBackDuplicates {
    /// One conversion per `transaction_id`: order mode.
    #[default]
    TransactionId,
    /// One conversion per `conversion_unique_id`, over all offers; the `transaction_id` does not count. A conversion
    /// without the id is never a duplicate.
    /// <https://support.tune.com/hc/en-us/articles/1500008248141-Limiting-Conversion-by-Unique-ID>
    ConversionUniqueId,
    /// Several conversions per `transaction_id`: line items. Nothing is de-duplicated.
    Never,
}

/// Merges `patch` into `base`: objects member by member, everything else is replaced.
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
