//! `clicks.cpa_moe`: the ids that a shop keeps of a visit from cpa.moe.

use postback_core::{
    fields::{self, Fault, Fields, Invalid, UnknownFields, integer, is_nothing},
    network::Network as _,
    order::Order,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use crate::CpaMoe;

/// `clicks.cpa_moe` of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(title = "clicks.cpa_moe", deny_unknown_fields)]
pub struct Click {
    /// The offer's id at cpa.moe. May be left out where the setting `default_offer` names one.
    #[schemars(schema_with = "offer_schema", default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<u64>,
    /// The affiliate's or source's id at the agency: a number or a word.
    #[schemars(schema_with = "wm_schema", default, skip_serializing_if = "Option::is_none")]
    pub wm: Option<String>,
}

impl Click {
    /// Parses the members strictly; `fields` collects the faults.
    pub(crate) fn parse(fields: &mut Fields<'_, '_>) -> Self {
        let offer = fields.optional("offer", integer(1..=u64::MAX));
        let wm = fields.optional("wm", word);
        Self { offer, wm }
    }

    /// The click of `order`; `None` if it has none or an empty one. Values that scripts leave behind
    /// (words for none, place holders, blanks) count as absent. Unknown members are ignored, because an order
    /// from the bus may be unchecked.
    pub(crate) fn of(order: &Order) -> Result<Option<Self>, Vec<Fault>> {
        let Some(click) = order.click(CpaMoe::NAME) else { return Ok(None) };
        let members: Map<_, _> = click.iter().filter_map(present).collect();
        let parse = |fields: &mut Fields<'_, '_>| Some(Self::parse(fields));
        let click = fields::read(&Value::Object(members), UnknownFields::Ignore, parse)?;
        Ok((click != Self::default()).then_some(click))
    }
}

fn present((name, value): (&String, &Value)) -> Option<(String, Value)> {
    let value = Some(value).filter(|value| !is_nothing(value))?;
    let value = value.as_str().map_or_else(|| value.clone(), |text| Value::from(text.trim()));
    Some((name.clone(), value))
}

/// A whole number, or a word of a narrow alphabet.
fn word(value: &Value) -> Result<String, Invalid> {
    let word = match value {
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
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

fn offer_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "oneOf": [
        { "type": "integer", "minimum": 1 },
        { "type": "string", "pattern": r"^0*[1-9][0-9]*$" },
        { "type": "null" },
    ] })
}

fn wm_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "oneOf": [
        { "type": "integer", "minimum": 0 },
        { "type": "string", "pattern": r"^[0-9A-Za-z_.-]{1,64}$" },
        { "type": "null" },
    ] })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(click: &Value) -> Vec<(String, &'static str)> {
        let read = fields::read(click, UnknownFields::Deny, |fields| {
            CpaMoe::check_click(fields);
            Some(())
        });
        read.err().unwrap_or_default().into_iter().map(|f| (f.pointer, f.code)).collect()
    }

    #[test]
    fn the_api_takes_an_offer_and_a_source_and_nothing_else() {
        assert_eq!(check(&json!({ "offer": 217, "wm": 42 })), []);
        assert_eq!(check(&json!({ "offer": "217", "wm": "source-a_1.b" })), []);
        assert_eq!(check(&json!({})), []);

        let cases = [
            (json!({ "offer": "{offer}" }), "/offer", "wrong_type"),
            (json!({ "offer": 0 }), "/offer", "out_of_range"),
            (json!({ "offer": 2.5 }), "/offer", "out_of_range"),
            (json!({ "offer": true }), "/offer", "wrong_type"),
            (json!({ "wm": "{wm}" }), "/wm", "not_an_id"),
            (json!({ "wm": "a b" }), "/wm", "not_an_id"),
            (json!({ "wm": -1 }), "/wm", "not_an_id"),
            (json!({ "wm": [] }), "/wm", "wrong_type"),
            (json!({ "flow": 1 }), "/flow", "unknown_member"),
        ];
        for (click, pointer, code) in cases {
            assert_eq!(check(&click), [(pointer.to_owned(), code)]);
        }
    }

    #[test]
    fn the_published_schema_is_the_one_of_the_type() {
        postback_conformance::is_current("clicks.schema.json", &schemars::schema_for!(Click));
    }
}
