//! The fields of a lead, each with the type cpa.moe's document gives it.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::field_type::FieldType;

/// A JSON object's members in order, repeated ones included.
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

    /// Everything in the fields that the document forbids.
    pub(super) fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        for (at, (name, value)) in self.0.iter().enumerate() {
            if self.0[..at].iter().any(|(other, _)| other == name) {
                violations.push(format!("{name} appears twice"));
            }
            match FIELDS.iter().find(|(known, _)| known == name) {
                None => violations.push(format!("{name} is not a documented field")),
                Some((_, kind)) if kind.accepts(value) => {}
                Some((_, kind)) => {
                    violations.push(format!("{name} is not {}", kind.description()));
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

/// The fields of both tables under "Add new lead": <https://api.cpa.moe>.
const FIELDS: [(&str, FieldType); 28] = [
    ("id", FieldType::OurId),
    ("wm", FieldType::Label),
    ("offer", FieldType::Integer),
    ("name", FieldType::Text),
    ("phone", FieldType::Phone),
    ("email", FieldType::Email),
    ("ip", FieldType::Ip),
    ("ua", FieldType::Text),
    ("country", FieldType::Country),
    ("us", FieldType::Text),
    ("uc", FieldType::Text),
    ("un", FieldType::Text),
    ("ut", FieldType::Text),
    ("um", FieldType::Text),
    ("currency", FieldType::Currency),
    ("index", FieldType::Label),
    ("addr", FieldType::Text),
    ("area", FieldType::Text),
    ("city", FieldType::Text),
    ("street", FieldType::Text),
    ("base", FieldType::Money),
    ("count", FieldType::Count),
    ("discount", FieldType::Percentage),
    ("more", FieldType::Money),
    ("comm", FieldType::Text),
    ("item", FieldType::Item),
    ("items", FieldType::Items),
    ("params", FieldType::Params),
];

/// True for 1 to 64 of `[0-9A-Za-z_.-]`, the ids that list.json can look up.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The violations of a valid lead with these members added.
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
            (r#""offer":217"#, "offer appears twice"),
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
