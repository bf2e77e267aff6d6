//! CartStack's answers.
//!
//! The codes and texts are from the vendor's page "Server Side Confirmation", the form is from public
//! clients: `{"resp":100,"err_txt":""}`. The text quotes the customer's e-mail address, so it never
//! leaves this module.

use std::fmt;

use postback_core::http::Answer;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

/// Path of `https://api.cartstack.com/ss/v1/?…`; the slash at its end belongs there.
pub(crate) const PATH: &str = "ss/v1/";

/// The texts of the page's refusals.
const REFUSALS: [&str; 7] = [
    "missing required field",
    "invalid email",
    "cart not found",
    "no cart exists",
    "not a valid site id",
    "purchase insert failed",
    "does not match",
];

/// An answer that could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// `resp`, as sent.
    pub(crate) code: u16,
    /// The meaning.
    pub(crate) meaning: Meaning,
}

/// The meaning of code and text together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// 100 "success".
    Success,
    /// 100 beside the text of a refusal.
    Contradiction,
    /// 101 "Invalid Email Address".
    InvalidEmail,
    /// 101 "missing required field (api key, site id, or email)".
    MissingField,
    /// 101 that misses the key or the site, and not the e-mail.
    MissingSetting,
    /// 102 "Cart not found for email address [email]" and "No cart exists for this email address".
    NoCart,
    /// 102 "Not a valid site id."
    WrongSite,
    /// 102 "Purchase Insert Failed".
    InsertFailed,
    /// 102 with another text, or none: "general error".
    GeneralError,
    /// 103 "API Key does not match".
    WrongKey,
    /// A code that is not on the page.
    Unknown,
}

impl Response {
    /// Parses the body, whatever the status and the content type are.
    pub(crate) fn parse(answer: &Answer) -> Option<Self> {
        let Members { code, text } = serde_json::from_str(&answer.text()).ok()?;
        let has = |words: &str| text.contains(words);
        let meaning = match code {
            100 if REFUSALS.iter().any(|words| has(words)) => Meaning::Contradiction,
            100 => Meaning::Success,
            101 if has("invalid email") => Meaning::InvalidEmail,
            101 if has("email") => Meaning::MissingField,
            101 if has("api key") || has("site id") => Meaning::MissingSetting,
            101 => Meaning::MissingField,
            102 if has("cart not found") || has("no cart exists") => Meaning::NoCart,
            102 if has("not a valid site id") => Meaning::WrongSite,
            102 if has("purchase insert failed") => Meaning::InsertFailed,
            102 => Meaning::GeneralError,
            103 => Meaning::WrongKey,
            _ => Meaning::Unknown,
        };
        Some(Self { code, meaning })
    }
}

/// `resp` and `err_txt`. Keys may be in any case. A key that comes twice makes the answer unreadable,
/// because nobody knows which of the two is meant.
struct Members {
    code: u16,
    /// In lower case, with single blanks. An address has no blank, so it can't match a phrase.
    text: String,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `resp`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let (mut code, mut text) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            let (member, name) = match key.to_ascii_lowercase().as_str() {
                "resp" => (&mut code, "resp"),
                "err_txt" => (&mut text, "err_txt"),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if member.replace(map.next_value::<Value>()?).is_some() {
                return Err(A::Error::duplicate_field(name));
            }
        }
        let code = code.as_ref().and_then(number).ok_or_else(|| A::Error::missing_field("resp"))?;
        let text = text.as_ref().and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Members { code, text })
    }
}

/// A code of three digits, as a number or as a string.
fn number(value: &Value) -> Option<u16> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(body: &str) -> Option<Meaning> {
        Response::parse(&Answer::new(200, body)).map(|response| response.meaning)
    }

    #[test]
    fn takes_the_code_as_number_or_string_and_keys_in_any_case() {
        for body in [r#"{"resp":100}"#, r#"{"Resp":"100"}"#, r#"{ "RESP" : " 100 ", "x": [{}] }"#] {
            assert_eq!(meaning(body), Some(Meaning::Success), "{body}");
        }
    }

    #[test]
    fn an_answer_that_says_two_things_says_nothing() {
        for body in [
            r#"{"resp":103,"resp":100}"#,
            r#"{"resp":100,"RESP":103}"#,
            r#"{"resp":102,"err_txt":"Cart not found","ERR_TXT":"Purchase Insert Failed"}"#,
        ] {
            assert_eq!(meaning(body), None, "{body}");
        }
    }

    #[test]
    fn what_is_no_code_is_not_read_as_one() {
        for resp in ["1e2", "100.0", "-100", "\"0100\"", "\"+100\"", "true", "[100]", "{}", "null"]
        {
            assert_eq!(meaning(&format!(r#"{{"resp":{resp}}}"#)), None, "{resp}");
        }
        assert_eq!(meaning(r#"[{"resp":100}]"#), None);
        assert_eq!(meaning(r#"{"resp":100"#), None);
        assert_eq!(meaning(r#"{"resp":100}{"resp":100}"#), None);
        assert_eq!(meaning(r#"<br>{"resp":100}"#), None);
        assert_eq!(meaning(r#"{"resp":200}"#), Some(Meaning::Unknown));
    }

    #[test]
    fn an_address_in_the_text_does_not_change_its_meaning() {
        let body = r#"{"resp":102,"err_txt":"Cart not found for email address [purchase.insert.failed@not-a-valid-site-id.example]"}"#;

        assert_eq!(meaning(body), Some(Meaning::NoCart));
    }
}
