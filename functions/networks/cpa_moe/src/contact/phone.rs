//! The customer's telephone number, as people write it.

use std::fmt;

use serde::Serialize;

/// The number of digits of the shortest telephone number.
pub(crate) const SHORTEST_PHONE: usize = 7;

/// The number of digits of the longest telephone number.
const LONGEST_PHONE: usize = 15;

/// The noughts of all scripts (Unicode 15, category Nd): the nine characters behind each are the
/// script's other digits.
const NOUGHTS: [char; 66] = [
    '0',
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{ff10}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{1d7ce}',
    '\u{1d7d8}',
    '\u{1d7e2}',
    '\u{1d7ec}',
    '\u{1d7f6}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e950}',
    '\u{1fbf0}',
];

/// A telephone number in the network's form: 7 to 15 digits and nothing else.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Phone(String);

impl Phone {
    /// Keeps the digits, of any script. Separators and format characters go, an extension is dropped,
    /// and so is the trunk zero in brackets behind a country code. `None` if a letter is left, or if
    /// there are not 7 to 15 digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.trim().to_lowercase().chars().map(half_width).collect();
        let text = without_extension(text.strip_prefix("tel:").unwrap_or(&text));
        let written: String = text.chars().filter(|c| !is_separator(*c)).map(ascii).collect();
        let digits = match written.split_once("(0)") {
            Some((before, _)) if is_country_code(before) => written.replace("(0)", ""),
            _ => written,
        };
        let digits: String = digits.chars().filter(|c| !matches!(c, '+' | '(' | ')')).collect();
        let is_number = digits.bytes().all(|b| b.is_ascii_digit());
        let fits = (SHORTEST_PHONE..=LONGEST_PHONE).contains(&digits.len());
        (is_number && fits).then_some(Self(digits))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

/// Returns whether a number begins with a country code: behind `+` or `00`, or as one to three digits by
/// themselves. It may stand in brackets: "(+49) (0)30".
fn is_country_code(before: &str) -> bool {
    let before = before.trim_matches(['(', ')']);
    let is_marked = before.starts_with('+') || before.starts_with("00");
    let is_bare = (1..=3).contains(&before.len()) && !before.starts_with('0');
    is_marked || is_bare
}

/// The text before `x12`, `ext. 12`, `#12`, `;ext=12` or `,12`.
fn without_extension(text: &str) -> &str {
    let ends = ["ext", "x", "#", ";", ","].into_iter().filter_map(|mark| text.find(mark));
    &text[..ends.min().unwrap_or(text.len())]
}

/// Whether a character is neither a letter or number nor one of those that a prefix is known by.
fn is_separator(c: char) -> bool {
    !c.is_alphanumeric() && !matches!(c, '+' | '(' | ')')
}

/// A sign of a prefix in full width as the one of ASCII.
const fn half_width(c: char) -> char {
    match c {
        '＋' => '+',
        '（' => '(',
        '）' => ')',
        other => other,
    }
}

/// A digit of any script as the one of ASCII; any other character as it is.
fn ascii(c: char) -> char {
    let value = |nought: &char| u32::from(c).checked_sub(u32::from(*nought)).filter(|v| *v < 10);
    let digit = NOUGHTS.iter().find_map(value).and_then(|value| char::from_digit(value, 10));
    digit.unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<String> {
        Phone::parse(text).map(|phone| phone.0)
    }

    #[test]
    fn a_phone_number_is_its_digits() {
        for text in [
            "+91 98765 43210",
            "+91 (98765) 43-210",
            "91\u{a0}[98765]\u{2011}43210",
            "+91.98765.43210",
            "+91/98765~43210",
            "'+91 98765 43210",
            "tel:+91-98765-43210",
            "\u{202d}+91 98765 43210\u{202c}",
            "\u{200e}+91\u{fe0f} 98765 43210",
            "+９１ ９８７６５ ４３２１０",
            "+٩١ ٩٨٧٦٥ ٤٣٢١٠",
            "+91 98765 4321\u{1d7d8}",
            "+91 (0)98765 43210",
            "＋91（0）98765 43210",
            "+91 98765 43210 x12",
            "+91 98765 43210 ext. 12",
            "+91 98765 43210 #12",
            "tel:+919876543210;ext=12",
            "+91 98765 43210, 12",
        ] {
            assert_eq!(parse(text).as_deref(), Some("919876543210"), "{text}");
        }
        assert_eq!(parse("06.12.34.56.78").as_deref(), Some("0612345678"));
        assert_eq!(parse("+49 (0)30 1234567").as_deref(), Some("49301234567"));
        assert_eq!(parse("(+49) (0)30 1234567").as_deref(), Some("49301234567"));
        assert_eq!(parse("(0049) (0)30 1234567").as_deref(), Some("0049301234567"));
        assert_eq!(parse("0049 (0)30 1234567").as_deref(), Some("0049301234567"));
        assert_eq!(parse("49 (0)30 1234567").as_deref(), Some("49301234567"));
        assert_eq!(parse("(49) (0)30 1234567").as_deref(), Some("49301234567"));
        assert_eq!(parse("030 (0) 1234567").as_deref(), Some("03001234567"));
        assert_eq!(parse("98765 (0) 43210").as_deref(), Some("98765043210"));
        assert_eq!(parse("(0)30 1234567").as_deref(), Some("0301234567"));
        assert_eq!(parse("1234567").as_deref(), Some("1234567"));
        assert_eq!(parse("123456789012345").as_deref(), Some("123456789012345"));
    }

    #[test]
    fn what_is_no_phone_number_is_refused() {
        for text in [
            "123456",
            "1234567890123456",
            "",
            "+",
            "{phone}",
            "call me",
            "98765a43210",
            "9876½543210",
            "#9876543210",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
