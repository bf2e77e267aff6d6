//! The fields of a lead, each with the type cpa.moe's document gives it.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::query::looks_like_template;
use crate::vendor::{is_email, is_plain_decimal, is_public_ip};

/// A JSON object's members in order, doubled ones included.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, Value)>);

impl Fields {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    /// A text or a number as text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(as_text)
    }

    /// Everything the document forbids.
    pub(super) fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        for (at, (name, value)) in self.0.iter().enumerate() {
            if self.0[..at].iter().any(|(other, _)| other == name) {
                violations.push(format!("{name} stands there twice"));
            }
            match FIELDS.iter().find(|(known, _)| known == name) {
                None => violations.push(format!("{name} is not a documented field")),
                Some((_, kind)) => {
                    if let Some(wanted) = kind.wants_other_than(value) {
                        violations.push(format!("{name} is not {wanted}"));
                    }
                }
            }
        }
        for required in ["id", "offer", "phone", "ip"] {
            if self.get(required).is_none() {
                violations.push(format!("{required} is missing"));
            }
        }
        violations
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Fields::default();
                while let Some(member) = map.next_entry()? {
                    fields.0.push(member);
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// <https://api.cpa.moe>, "Add new lead": both tables of the document.
const FIELDS: [(&str, Kind); 28] = [
    ("id", Kind::OurId),
    ("wm", Kind::Label),
    ("offer", Kind::Integer),
    ("name", Kind::Text),
    ("phone", Kind::Phone),
    ("email", Kind::Email),
    ("ip", Kind::Ip),
    ("ua", Kind::Text),
    ("country", Kind::Country),
    ("us", Kind::Text),
    ("uc", Kind::Text),
    ("un", Kind::Text),
    ("ut", Kind::Text),
    ("um", Kind::Text),
    ("currency", Kind::Currency),
    ("index", Kind::Label),
    ("addr", Kind::Text),
    ("area", Kind::Text),
    ("city", Kind::Text),
    ("street", Kind::Text),
    ("base", Kind::Money),
    ("count", Kind::Count),
    ("discount", Kind::Percentage),
    ("more", Kind::Money),
    ("comm", Kind::Text),
    ("item", Kind::Item),
    ("items", Kind::Items),
    ("params", Kind::Params),
];

#[derive(Debug, Clone, Copy)]
enum Kind {
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

impl Kind {
    /// What was wanted, if `value` is something else.
    fn wants_other_than(self, value: &Value) -> Option<&'static str> {
        let text = value.as_str().filter(|text| is_filled(text));
        let number = match value {
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let letters = |text: &str, count, wanted: fn(&u8) -> bool| {
            text.len() == count && text.bytes().all(|b| wanted(&b))
        };
        let integer = number.as_deref().is_some_and(digits);
        let (fits, wanted) = match self {
            Self::OurId => (
                integer || text.is_some_and(|id| is_our_id(id) && id != "auto"),
                "an order id of 1 to 64 letters, digits, _ . - that can be looked up again",
            ),
            Self::Label => (integer || text.is_some(), "a number or a filled text"),
            Self::Integer => (integer, "a whole number"),
            Self::Text => (text.is_some(), "a filled text"),
            Self::Phone => (
                text.is_some_and(|phone| digits(phone) && (7..=15).contains(&phone.len())),
                "a text of 7 to 15 digits",
            ),
            Self::Email => (text.is_some_and(is_email), "an e-mail address"),
            Self::Ip => (text.is_some_and(is_public_ip), "the public address of a customer"),
            Self::Country => (
                text.is_some_and(|text| letters(text, 2, u8::is_ascii_lowercase)),
                "two lower-case letters",
            ),
            Self::Currency => (
                text.is_some_and(|text| letters(text, 3, u8::is_ascii_uppercase)),
                "three upper-case letters",
            ),
            Self::Money => (
                number.as_deref().is_some_and(is_money),
                "a number with at most 2 places, whole when whole",
            ),
            Self::Count => (integer && number.as_deref() != Some("0"), "a whole number from 1"),
            Self::Percentage => (
                number.as_deref().is_some_and(is_money)
                    && value.as_f64().is_some_and(|percent| percent <= 100.0),
                "a number from 0 to 100",
            ),
            Self::Item => (
                integer || text.is_some_and(|items| items.split(',').all(|id| digits(id.trim()))),
                "a good's id, or several with commas",
            ),
            Self::Items => (is_items(value), "a list of {id, price, count}"),
            Self::Params => (is_params(value), "an object of texts and numbers"),
        };
        (!fits).then_some(wanted)
    }
}

/// `[0-9A-Za-z_.-]`, at most 64: what list.json can be asked for.
pub(super) fn is_our_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_filled(text: &str) -> bool {
    !text.trim().is_empty() && !looks_like_template(text)
}

fn is_money(number: &str) -> bool {
    let fraction = number.split_once('.').map(|(_, fraction)| fraction);
    is_plain_decimal(number, 2) && fraction.is_none_or(|places| places.bytes().any(|b| b != b'0'))
}

fn is_items(value: &Value) -> bool {
    let goods = value.as_array().filter(|goods| !goods.is_empty());
    goods.is_some_and(|goods| {
        goods.iter().all(|good| {
            let fits = |name, kind: Kind| {
                good.get(name).is_some_and(|value| kind.wants_other_than(value).is_none())
            };
            good.as_object().is_some_and(|members| members.len() == 3)
                && fits("id", Kind::Label)
                && fits("price", Kind::Money)
                && fits("count", Kind::Count)
        })
    })
}

fn is_params(value: &Value) -> bool {
    let params = value.as_object().filter(|params| !params.is_empty());
    params.is_some_and(|params| {
        params.iter().all(|(name, value)| {
            !name.trim().is_empty() && Kind::Label.wants_other_than(value).is_none()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The violations of a lead that is right but for these members.
    fn with(members: &str) -> Vec<String> {
        let right = r#""id":112358,"offer":217,"ip":"12.34.56.78","phone":"77000000000""#;
        let body = format!("{{{right}{}{members}}}", if members.is_empty() { "" } else { "," });
        match serde_json::from_str::<Fields>(&body) {
            Ok(fields) => fields.violations(),
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn every_documented_field_is_accepted() {
        let all = r#""wm":42,"name":"John Doe","email":"a+b@example.com","ua":"Mozilla/5.0","country":"kz",
            "us":"s","uc":"c","un":"n","ut":"t","um":"m","currency":"USD","index":"050000","addr":"a","area":"b",
            "city":"c","street":"d","base":9900,"count":1,"discount":10,"more":1.5,"comm":"x","item":"1,2",
            "items":[{"id":135,"price":9900.01,"count":1}],"params":{"sirname":"Doe","phonecc":"+7"}"#;

        assert_eq!(with(all), [""; 0]);
    }

    #[test]
    fn each_field_of_the_wrong_type_is_named() {
        for (member, name) in [
            (r#""wm":"""#, "wm"),
            (r#""name":null"#, "name"),
            (r#""name":" ""#, "name"),
            (r#""name":"{name}""#, "name"),
            (r#""email":"a b@x.example""#, "email"),
            (r#""country":"KZ""#, "country"),
            (r#""country":"kaz""#, "country"),
            (r#""currency":"usd""#, "currency"),
            (r#""base":"9900""#, "base"),
            (r#""base":9900.00"#, "base"),
            (r#""base":14.990000000000002"#, "base"),
            (r#""base":1e3"#, "base"),
            (r#""base":-1"#, "base"),
            (r#""count":0"#, "count"),
            (r#""count":1.5"#, "count"),
            (r#""discount":101"#, "discount"),
            (r#""item":"1,,2""#, "item"),
            (r#""items":[]"#, "items"),
            (r#""items":[{"id":1,"price":1}]"#, "items"),
            (r#""items":[{"id":1,"price":"1","count":1}]"#, "items"),
            (r#""items":[{"id":1,"price":1,"count":1,"name":"x"}]"#, "items"),
            (r#""params":{}"#, "params"),
            (r#""params":["x"]"#, "params"),
            (r#""params":{"x":{"y":1}}"#, "params"),
            (r#""colour":"red""#, "colour"),
            (r#""offer":217"#, "offer stands there twice"),
        ] {
            let violations = with(member);

            assert_eq!(violations.len(), 1, "{member}: {violations:?}");
            assert!(violations[0].starts_with(name), "{member}: {violations:?}");
        }
    }

    #[test]
    fn required_fields_are_checked_for_shape() {
        for (body, start) in [
            (r#"{"offer":1,"phone":"7700000","ip":"12.34.56.78"}"#, "id is missing"),
            (r#"{"id":"auto","offer":1,"phone":"7700000","ip":"12.34.56.78"}"#, "id is not"),
            (r#"{"id":"a,b","offer":1,"phone":"7700000","ip":"12.34.56.78"}"#, "id is not"),
            (r#"{"id":1,"offer":"1","phone":"7700000","ip":"12.34.56.78"}"#, "offer is not"),
            (r#"{"id":1,"offer":1,"phone":"+7700000","ip":"12.34.56.78"}"#, "phone is not"),
            (r#"{"id":1,"offer":1,"phone":7700000,"ip":"12.34.56.78"}"#, "phone is not"),
            (r#"{"id":1,"offer":1,"phone":"7700000","ip":"10.0.0.1"}"#, "ip is not"),
            (r#"{"id":1,"offer":1,"phone":"7700000"}"#, "ip is missing"),
        ] {
            let violations = serde_json::from_str::<Fields>(body).map(|fields| fields.violations());

            assert!(
                matches!(violations.as_deref(), Ok([only]) if only.starts_with(start)),
                "{body}: {violations:?}"
            );
        }
    }
}
