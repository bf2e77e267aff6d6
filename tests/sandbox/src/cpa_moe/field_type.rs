//! The types of a lead's fields.

use serde_json::Value;

use super::fields::is_our_id;
use crate::query::is_placeholder;
use crate::values::{is_email, is_plain_decimal, is_public_ip};

/// The type the document gives a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum FieldType {
    OurId,
    Label,
    Integer,
    Text,
    Phone,
    Email,
    Ip,
    Country,
    Currency,
    Money,
    Count,
    Percentage,
    Item,
    Items,
    Params,
}

impl FieldType {
    pub(super) fn accepts(self, value: &Value) -> bool {
        let text = value.as_str().filter(|text| is_filled(text));
        let number = match value {
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let number = number.as_deref();
        let is_integer = number.is_some_and(is_digits);
        match self {
            Self::OurId => is_integer || text.is_some_and(|id| is_our_id(id) && id != "auto"),
            Self::Label => is_integer || text.is_some(),
            Self::Integer => is_integer,
            Self::Text => text.is_some(),
            Self::Phone => {
                text.is_some_and(|phone| is_digits(phone) && (7..=15).contains(&phone.len()))
            }
            Self::Email => text.is_some_and(is_email),
            Self::Ip => text.is_some_and(is_public_ip),
            Self::Country => text.is_some_and(|text| is_letters(text, 2, u8::is_ascii_lowercase)),
            Self::Currency => text.is_some_and(|text| is_letters(text, 3, u8::is_ascii_uppercase)),
            Self::Money => number.is_some_and(is_money),
            Self::Count => is_integer && number != Some("0"),
            Self::Percentage => {
                number.is_some_and(is_money)
                    && value.as_f64().is_some_and(|percent| percent <= 100.0)
            }
            Self::Item => {
                is_integer || text.is_some_and(|ids| ids.split(',').all(|id| is_digits(id.trim())))
            }
            Self::Items => is_items(value),
            Self::Params => is_params(value),
        }
    }

    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::OurId => {
                "an order id of 1 to 64 letters, digits, _ . - that can be looked up again"
            }
            Self::Label => "a number or a filled text",
            Self::Integer => "a whole number",
            Self::Text => "a filled text",
            Self::Phone => "a text of 7 to 15 digits",
            Self::Email => "an e-mail address",
            Self::Ip => "the public address of a customer",
            Self::Country => "two lower-case letters",
            Self::Currency => "three upper-case letters",
            Self::Money => "a number with at most 2 places, whole when whole",
            Self::Count => "a whole number from 1",
            Self::Percentage => "a number from 0 to 100",
            Self::Item => "a good's id, or several separated by commas",
            Self::Items => "a list of {id, price, count}",
            Self::Params => "an object of texts and numbers",
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_letters(text: &str, count: usize, is_allowed: fn(&u8) -> bool) -> bool {
    text.len() == count && text.bytes().all(|byte| is_allowed(&byte))
}

fn is_filled(text: &str) -> bool {
    !text.trim().is_empty() && !is_placeholder(text)
}

fn is_money(number: &str) -> bool {
    let fraction = number.split_once('.').map(|(_, fraction)| fraction);
    is_plain_decimal(number, 2) && fraction.is_none_or(|places| places.bytes().any(|b| b != b'0'))
}

fn is_items(value: &Value) -> bool {
    let goods = value.as_array().filter(|goods| !goods.is_empty());
    goods.is_some_and(|goods| {
        goods.iter().all(|good| {
            let fits =
                |name, kind: FieldType| good.get(name).is_some_and(|value| kind.accepts(value));
            good.as_object().is_some_and(|members| members.len() == 3)
                && fits("id", FieldType::Label)
                && fits("price", FieldType::Money)
                && fits("count", FieldType::Count)
        })
    })
}

fn is_params(value: &Value) -> bool {
    let params = value.as_object().filter(|params| !params.is_empty());
    params.is_some_and(|params| {
        params
            .iter()
            .all(|(name, value)| !name.trim().is_empty() && FieldType::Label.accepts(value))
    })
}
