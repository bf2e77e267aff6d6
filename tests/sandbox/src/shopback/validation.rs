//! ShopBack's validation: the same path, another offer, every id of the order repeated and no click.
//! <https://docs.shopback.com/docs/s2s-order-validation-api>

use std::collections::BTreeMap;

use serde::Serialize;

use super::{refusal, refuse};
use crate::http::Answer;
use crate::network_api::{Context, Reply};
use crate::query::Query;
use crate::values::is_plain_decimal;

/// The names of the ids that an order call may carry, `adv_sub` among them.
pub(super) const IDS: [&str; 10] = [
    "adv_sub",
    "adv_sub2",
    "adv_sub3",
    "adv_sub4",
    "adv_sub5",
    "adv_unique1",
    "adv_unique2",
    "adv_unique3",
    "adv_unique4",
    "adv_unique5",
];
const MANDATORY: [&str; 6] =
    ["offer_id", "aff_id", "adv_sub", "amount", "security_token", "status"];

/// A validating call, as it was understood.
#[derive(Debug)]
pub(crate) struct Validation {
    offer_id: String,
    aff_id: String,
    token_matches: bool,
    ids: BTreeMap<String, String>,
    amount: String,
    status: String,
}

/// A validation that arrived, with what ShopBack made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Validated {
    /// Every id of the conversion.
    pub ids: BTreeMap<String, String>,
    /// `approved` or `rejected`.
    pub status: String,
    /// The amount.
    pub amount: String,
    /// The time, in milliseconds since 1970.
    pub at_ms: u64,
    /// The breach of the document; a correct client causes none. One that was refused changed nothing.
    pub breach: Option<&'static str>,
}

/// The pending conversions and what became of them.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The reported amounts, by the ids.
    reported: BTreeMap<BTreeMap<String, String>, String>,
    pub(super) validated: Vec<Validated>,
}

/// Returns whether a call is a validation.
pub(super) fn is_validation(query: &Query) -> bool {
    query.get("aff_id").is_some() || query.get("status").is_some()
}

pub(super) fn parse(
    query: &mut Query,
    context: &Context<'_>,
    violations: &mut Vec<String>,
) -> Result<Validation, Answer> {
    let known: Vec<_> = MANDATORY.into_iter().chain(IDS).collect();
    query.check_names(&known);
    for name in MANDATORY.into_iter().filter(|name| query.filled(name).is_none()) {
        violations.push(format!("{name} is missing"));
    }
    let value = |name: &str| query.get(name).unwrap_or_default().to_owned();
    if !matches!(value("status").as_str(), "approved" | "rejected") {
        violations.push("status is neither approved nor rejected".to_owned());
    }
    if !is_plain_decimal(&value("amount"), 2) {
        violations.push("amount is not a plain decimal with at most 2 places".to_owned());
    }
    if !violations.is_empty() {
        return Err(refusal("Missing or malformed parameter"));
    }
    let ids =
        IDS.iter().filter_map(|name| Some(((*name).to_owned(), query.filled(name)?.to_owned())));
    Ok(Validation {
        offer_id: value("offer_id"),
        aff_id: value("aff_id"),
        token_matches: value("security_token") == context.accounts.shopback.security_token,
        ids: ids.collect(),
        amount: value("amount"),
        status: value("status"),
    })
}

impl Pending {
    /// Remembers a conversion.
    pub(super) fn report(&mut self, ids: BTreeMap<String, String>, amount: String) {
        self.reported.insert(ids, amount);
    }

    /// Takes a validation. A second one overwrites the first, as the document says, and is a breach.
    pub(super) fn validate(&mut self, call: Validation, context: &Context<'_>) -> Reply {
        let settings = &context.settings.shopback.validation;
        if call.offer_id != settings.offer_id.to_string() {
            let (asked, known) = (&call.offer_id, settings.offer_id);
            return refuse(&format!(
                "Request offer #{asked} does not match session offer #{known}"
            ));
        }
        if call.aff_id != settings.aff_id.to_string() {
            return refuse("Invalid affiliate");
        }
        if !call.token_matches {
            return refuse("Invalid Advertiser security token");
        }
        let is_second = self.validated.iter().any(|validated| validated.ids == call.ids);
        let reported = self.reported.get(&call.ids);
        let is_changed = reported.is_some_and(|reported| changes(reported, &call));
        let is_late = settings.invoiced_at_ms > 0 && context.now_ms >= settings.invoiced_at_ms;
        let breach = match reported {
            None => Some("unknown order"),
            Some(_) if is_late => Some("after the invoice"),
            Some(_) if is_changed => Some("changed amount"),
            Some(_) if is_second => Some("second call"),
            Some(_) => None,
        };
        self.validated.push(Validated {
            ids: call.ids,
            status: call.status,
            amount: call.amount,
            at_ms: context.now_ms,
            breach,
        });
        match breach {
            Some("unknown order") => refuse("No conversion found"),
            Some("after the invoice") => refuse("Conversion is invoiced"),
            Some("changed amount") => refuse("Sale amount does not match"),
            _ => Reply::without_effect(Answer::of("text/html; charset=utf-8", "success=true;")),
        }
    }
}

/// Returns whether the amount is another one than may be validated: more than was reported, or not
/// the whole of what is rejected.
fn changes(reported: &str, call: &Validation) -> bool {
    let cents = |text: &str| {
        let (whole, places) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{places:0<2}").parse::<u128>().unwrap_or(u128::MAX)
    };
    let (reported, validated) = (cents(reported), cents(&call.amount));
    if call.status == "rejected" { reported != validated } else { validated > reported }
}
