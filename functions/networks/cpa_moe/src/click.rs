//! `clicks.cpa_moe`: the ids that a shop keeps of a visit from cpa.moe.

use postback_core::{
    fields::{Invalid, integer},
    network::Network as _,
    order::Order,
};
use serde_json::Value;

use crate::CpaMoe;

/// `clicks.cpa_moe` of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Click {
    /// The offer's id at cpa.moe. May be left out where the setting `default_offer` names one.
    pub offer: Option<u64>,
    /// The affiliate's or source's id at the agency: a number or a word.
    pub wm: Option<String>,
}

/// A click that holds no ids of cpa.moe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadClick;

impl Click {
    /// The click of `order`; `None` if it has none, or none of these members.
    pub(crate) fn of(order: &Order) -> Result<Option<Self>, BadClick> {
        let Some(click) = order.click(CpaMoe::NAME).map_err(|_| BadClick)? else { return Ok(None) };
        let member = |name: &str| click.get(name).map(trimmed);
        let offer = member("offer").map(|offer| integer(1..=u64::MAX)(&offer)).transpose();
        let wm = member("wm").map(|wm| word(&wm)).transpose();
        let click = Self { offer: offer.map_err(|_| BadClick)?, wm: wm.map_err(|_| BadClick)? };
        Ok((click != Self::default()).then_some(click))
    }
}

fn trimmed(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| Value::from(text.trim()))
}

/// A whole number, or a word of a narrow alphabet.
fn word(value: &Value) -> Result<String, Invalid> {
    let word = match value {
        Value::Number(_) => integer(0..=u64::MAX)(value).ok().map(|number| number.to_string()),
        Value::String(text) => Some(text.clone()).filter(|text| is_word(text)),
        _ => return Err(Invalid::kind("a number or a string")),
    };
    let detail = "must be a whole number or 1 to 64 of letters, digits, '_', '.' and '-'";
    word.ok_or_else(|| Invalid::new("not_an_id", detail))
}

fn is_word(text: &str) -> bool {
    let taken = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(taken)
}

#[cfg(test)]
mod tests {
    use postback_core::fields::UnknownFields;
    use serde_json::json;

    use super::*;

    fn click_of(click: &Value) -> Result<Option<Click>, BadClick> {
        let order = json!({
            "order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
            "currency": "INR", "total": 1, "clicks": { "cpa_moe": click },
        });
        Click::of(&Order::from_json(&order, UnknownFields::Deny).expect("an order"))
    }

    #[test]
    fn an_offer_and_a_source_are_numbers_or_words() {
        let click = |offer, wm: Option<&str>| Some(Click { offer, wm: wm.map(str::to_owned) });
        for (given, read_as) in [
            (json!({ "offer": 217, "wm": 42 }), click(Some(217), Some("42"))),
            (
                json!({ "offer": " 217 ", "wm": "source-a_1.b" }),
                click(Some(217), Some("source-a_1.b")),
            ),
            (json!({ "offer": 217.0, "wm": 42.0 }), click(Some(217), Some("42"))),
            (json!({ "offer": "{offer}", "wm": "undefined" }), None),
            (json!({ "offer": 0, "wm": [] }), None),
            (json!({ "flow": 1 }), None),
            (json!({}), None),
        ] {
            assert_eq!(click_of(&given), Ok(read_as), "{given}");
        }
    }

    #[test]
    fn anything_else_is_no_click_of_theirs() {
        for click in [
            json!({ "offer": 2.5 }),
            json!({ "offer": true }),
            json!({ "offer": "abc" }),
            json!({ "wm": "a b" }),
            json!({ "wm": -1 }),
            json!({ "wm": { "a": 1 } }),
            json!("217"),
        ] {
            assert_eq!(click_of(&click), Err(BadClick), "{click}");
        }
    }
}
