//! The merchant's settings, checked at start.

use std::collections::BTreeMap;

use postback_core::fields::{Fields, Invalid, integer, one_of, secret, setting};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::{ShopBack, UNIQUE_ID, report::OrderFacts, template::Template, validation};

/// The optional parameters, in the document's order.
pub(crate) const ADV: [&str; 9] = [
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

/// The most offers a merchant may have.
const OFFERS: usize = 250;

/// The content of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The whole order.
    Order,
    /// One line of it.
    LineItems,
}

const MODES: &[(&str, Mode)] = &[("order", Mode::Order), ("line_items", Mode::LineItems)];

/// `true` if a lost answer is held for a person.
const ON_UNCONFIRMED: &[(&str, bool)] = &[("resend", false), ("hold", true)];

/// The merchant's offers.
#[derive(Clone, Debug)]
pub(crate) struct Offers {
    /// The only one, or the one for everything that `by` does not list.
    otherwise: Option<u64>,
    by: By,
}

#[derive(Clone, Debug)]
enum By {
    Nothing,
    Country(BTreeMap<String, u64>),
    Currency(BTreeMap<String, u64>),
}

impl Offers {
    /// The offer of an order.
    pub(crate) fn of(&self, order: &OrderFacts) -> Option<u64> {
        let own = match &self.by {
            By::Nothing => None,
            By::Country(offers) => order.country.as_ref().and_then(|country| offers.get(country)),
            By::Currency(offers) => offers.get(order.currency.code()),
        };
        own.copied().or(self.otherwise)
    }

    /// Returns whether there are several offers: if one is wrong, others may be right.
    pub(crate) const fn are_several(&self) -> bool {
        !matches!(self.by, By::Nothing)
    }
}

/// Parses all settings, so that all faults are reported at once.
pub(crate) fn parse(fields: &mut Fields<'_, '_>) -> Option<ShopBack> {
    let offers = offers(fields);
    let security_token = fields.required("security_token", security_token);
    let mode = fields.optional("mode", one_of(MODES)).unwrap_or(Mode::Order);
    let hold = fields.optional("on_unconfirmed", one_of(ON_UNCONFIRMED)).unwrap_or(false);
    let unique_id = unique_id(fields, mode);
    let templates = ADV.into_iter().map(|name| Some((name, template(fields, name, mode)?)));
    let adv: Vec<_> = templates.collect::<Vec<_>>().into_iter().flatten().collect();
    let validation = validation::settings(fields);
    if validation.is_some() {
        validation::refuse_personal(fields, &adv);
    }
    let (offers, security_token) = (offers?, security_token?);
    Some(ShopBack { offers, security_token, mode, hold, unique_id, adv, validation })
}

fn template(fields: &mut Fields<'_, '_>, name: &'static str, mode: Mode) -> Option<Template> {
    let template = fields.optional(name, Template::from_json)?;
    if mode == Mode::Order && template.needs_line() {
        let detail = "names a field of a line, which only the mode line_items has";
        fields.fault(name, Invalid::new("field_of_a_line", detail));
    }
    Some(template)
}

/// The id that ShopBack takes once: without the order's id, or in `line_items` without the line's
/// place, two reports would share one, and the second would be lost.
fn unique_id(fields: &mut Fields<'_, '_>, mode: Mode) -> Option<Template> {
    let id = template(fields, UNIQUE_ID, mode)?;
    let is_unique = id.names("order_id") && (mode == Mode::Order || id.names("line"));
    if !is_unique {
        let detail = "must name {order_id}, and in the mode line_items {line}, too";
        fields.fault(UNIQUE_ID, Invalid::new("not_unique", detail));
    }
    Some(id)
}

fn offers(fields: &mut Fields<'_, '_>) -> Option<Offers> {
    let by_country = by(fields, "offer_by_country", 2);
    let by_currency = by(fields, "offer_by_currency", 3);
    let otherwise = if by_country.is_empty() && by_currency.is_empty() {
        Some(fields.required("offer_id", offer)?)
    } else {
        fields.optional("offer_id", offer)
    };
    let by = match (by_country.is_empty(), by_currency.is_empty()) {
        (true, true) => By::Nothing,
        (false, true) => By::Country(by_country),
        (true, false) => By::Currency(by_currency),
        (false, false) => {
            let detail = "can't be given together with offer_by_country";
            fields.fault("offer_by_currency", Invalid::new("ambiguous", detail));
            return None;
        }
    };
    Some(Offers { otherwise, by })
}

/// Offers by a code of `letters` upper-case letters.
fn by(fields: &mut Fields<'_, '_>, name: &'static str, letters: usize) -> BTreeMap<String, u64> {
    let offers = fields.map(name, OFFERS, |code, value| {
        if code.len() != letters || !code.bytes().all(|b| b.is_ascii_uppercase()) {
            let detail = format!("must be named by {letters} upper-case letters");
            return Err(Invalid::new("bad_name", detail));
        }
        offer(value)
    });
    offers.into_iter().collect()
}

/// An offer id: a number, or a string of digits.
pub(crate) fn offer(value: &Value) -> Result<u64, Invalid> {
    if value.is_string() {
        setting(20)(value)?;
    }
    integer(1..=u64::MAX)(value)
}

fn security_token(value: &Value) -> Result<SecretString, Invalid> {
    let token = secret(100)(value)?;
    let text = token.expose_secret();
    if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Invalid::new("not_a_token", "must be 32 letters and digits"));
    }
    Ok(token)
}
