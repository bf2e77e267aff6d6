//! JSON, read a second time by other code than the networks' crates use.
//!
//! It takes all that is JSON and a little more (any `\u` escape, any run of number characters): it
//! is asked only whether a body that was believed says what was believed. It keeps members that
//! come twice.

use std::{fmt, iter::Peekable, str::Chars};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number as it is written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

/// The depth to which values may be nested. The other reader allows 127 for values that it reads,
/// and any depth for values that it passes over.
const DEPTH: usize = 1_000;

impl Json {
    /// Parses a whole text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut chars = text.chars().peekable();
        let value = value(&mut chars, DEPTH)?;
        blanks(&mut chars);
        chars.next().is_none().then_some(value)
    }

    /// Returns true if a text may be nested deeper than [`Self::parse`] goes.
    pub fn may_be_too_deep(text: &str) -> bool {
        text.matches(['[', '{']).count() >= DEPTH
    }

    /// The members of an object.
    pub fn members(&self) -> Option<&[(String, Self)]> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The value of the last member called `name`.
    pub fn last(&self, name: &str) -> Option<&Self> {
        self.members()?.iter().rfind(|member| member.0 == name).map(|member| &member.1)
    }

    /// Returns true if more than one member is called `name`.
    pub fn is_twice(&self, name: &str) -> bool {
        self.members().unwrap_or_default().iter().filter(|member| member.0 == name).count() > 1
    }

    /// A string or a number, trimmed.
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Text(word) | Self::Number(word) => Some(word.trim()),
            _ => None,
        }
    }

    /// Returns true if it holds a member whose name `serde_json` keeps for itself: it takes such an
    /// object for a number or a piece of JSON.
    pub fn has_private_names(&self) -> bool {
        match self {
            Self::Object(members) => members
                .iter()
                .any(|(name, value)| name.starts_with("$serde_json") || value.has_private_names()),
            Self::List(values) => values.iter().any(Self::has_private_names),
            _ => false,
        }
    }
}

/// Written as it was read: a number as any run of characters, members in their order.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => f.write_str(number),
            Self::Text(text) => quoted(f, text),
            Self::List(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { "," })?;
                    quoted(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\0'..='\u{1f}' => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

fn blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
}

fn value(chars: &mut Peekable<Chars<'_>>, depth: usize) -> Option<Json> {
    let depth = depth.checked_sub(1)?;
    blanks(chars);
    match chars.peek()? {
        '{' => object(chars, depth),
        '[' => list(chars, depth),
        '"' => text(chars).map(Json::Text),
        '-' | '0'..='9' => {
            let mut number = String::new();
            while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || "+-.eE".contains(*c)) {
                number.push(c);
            }
            Some(Json::Number(number))
        }
        _ => {
            let mut word = String::new();
            while let Some(c) = chars.next_if(char::is_ascii_lowercase) {
                word.push(c);
            }
            match word.as_str() {
                "null" => Some(Json::Null),
                "true" => Some(Json::Flag(true)),
                "false" => Some(Json::Flag(false)),
                _ => None,
            }
        }
    }
}

fn list(chars: &mut Peekable<Chars<'_>>, depth: usize) -> Option<Json> {
    chars.next_if_eq(&'[')?;
    let mut values = Vec::new();
    blanks(chars);
    if chars.next_if_eq(&']').is_some() {
        return Some(Json::List(values));
    }
    loop {
        values.push(value(chars, depth)?);
        blanks(chars);
        match chars.next()? {
            ',' => {}
            ']' => return Some(Json::List(values)),
            _ => return None,
        }
    }
}

fn object(chars: &mut Peekable<Chars<'_>>, depth: usize) -> Option<Json> {
    chars.next_if_eq(&'{')?;
    let mut members = Vec::new();
    blanks(chars);
    if chars.next_if_eq(&'}').is_some() {
        return Some(Json::Object(members));
    }
    loop {
        blanks(chars);
        let name = text(chars)?;
        blanks(chars);
        chars.next_if_eq(&':')?;
        members.push((name, value(chars, depth)?));
        blanks(chars);
        match chars.next()? {
            ',' => {}
            '}' => return Some(Json::Object(members)),
            _ => return None,
        }
    }
}

fn text(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    chars.next_if_eq(&'"')?;
    let mut units: Vec<u16> = Vec::new();
    loop {
        let c = match chars.next()? {
            '"' => return Some(String::from_utf16_lossy(&units)),
            '\\' => match chars.next()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    units.push(escaped(chars)?);
                    continue;
                }
                other => other,
            },
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
}

fn escaped(chars: &mut Peekable<Chars<'_>>) -> Option<u16> {
    (0..4).try_fold(0, |unit, _| {
        let digit = chars.next()?.to_digit(16)?;
        Some(unit * 16 + u16::try_from(digit).ok()?)
    })
}
