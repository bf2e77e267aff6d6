//! Ids, and what a spreadsheet does to them.

use crate::date;

/// The id of a cell, without the signs by which people keep a spreadsheet from reading a number:
/// `="00123"`, `'00123`.
pub(crate) fn clean(cell: &str) -> &str {
    let cell = cell.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let quoted = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    quoted.unwrap_or_else(|| cell.strip_prefix('\'').unwrap_or(cell))
}

/// The most digits that a spreadsheet keeps.
const DIGITS: usize = 15;
/// The digits that it shows of a long number.
const SHOWN: usize = 6;
/// The most digits that a program keeps which reads numbers as floats.
const FLOAT_DIGITS: usize = 17;

/// The errors that a spreadsheet writes into cells.
const ERRORS: [&str; 10] = [
    "#N/A",
    "#REF!",
    "#VALUE!",
    "#NAME?",
    "#DIV/0!",
    "#NUM!",
    "#NULL!",
    "#SPILL!",
    "#CALC!",
    "#GETTING_DATA",
];

/// The largest exponent of a number that a spreadsheet reads.
const EXPONENT: i64 = 308;

/// An id as a spreadsheet leaves it: the number to its 15 digits, cut as in a cell into which it is
/// typed or rounded as a number is, and to the 6 digits that it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damaged {
    cut: String,
    pub(crate) rounded: String,
    pub(crate) shown: String,
    /// True if only the shown digits are left.
    pub(crate) is_shown: bool,
}

impl Damaged {
    /// The numbers that a spreadsheet may leave.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &str> {
        let rounded = Some(&self.rounded).filter(|rounded| **rounded != self.cut);
        std::iter::once(&self.cut).chain(rounded).map(String::as_str)
    }
}

/// Returns the id as a number, if a spreadsheet takes it for one: `00123` is 123, `1e5` is 100000. Of what
/// it shows with an exponent the decimal sign may be a comma.
pub(crate) fn damaged(id: &str) -> Option<Damaged> {
    let (mantissa, exponent) = id.split_once(['e', 'E']).unwrap_or((id, ""));
    let has_exponent = id.len() > mantissa.len();
    let is_sign = |sign: char| sign == '.' || has_exponent && sign == ',';
    let (whole, places) = mantissa.split_once(is_sign).unwrap_or((mantissa, ""));
    if whole.is_empty() || !is_digits(whole) || !is_digits(places) || id.len() > 64 {
        return None;
    }
    let exponent: i64 = if has_exponent { exponent.parse().ok()? } else { 0 };
    if !(-EXPONENT..=EXPONENT).contains(&exponent) {
        return None;
    }
    let digits = format!("{whole}{places}");
    let zeros = digits.len() - digits.trim_start_matches('0').len();
    let point = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()? + exponent;
    let digits = &digits[zeros..];
    let significant = digits.trim_end_matches('0').len();
    Some(Damaged {
        cut: rounded(digits.get(..DIGITS).unwrap_or(digits), point, DIGITS),
        rounded: rounded(digits, point, DIGITS),
        shown: rounded(digits, point, SHOWN),
        is_shown: has_exponent && significant <= SHOWN && point > 11,
    })
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether the id is a number of which only the first digits were shown or kept, with zeros
/// in place of the others.
fn has_lost_digits(id: &str) -> bool {
    let whole = id.split('.').next().unwrap_or_default();
    let behind = whole.get(FLOAT_DIGITS..).unwrap_or_default();
    let are_zeros = behind.bytes().all(|digit| digit == b'0');
    let is_cut = whole.len() > DIGITS && whole.ends_with('0') && are_zeros;
    damaged(id).is_some() && (is_cut || id.contains(['e', 'E']))
}

/// Returns whether nobody can say of which id a spreadsheet made this: a number that has lost digits, or
/// a date.
pub(crate) fn is_lost(id: &str) -> bool {
    has_lost_digits(id) || date::may_be_an_id(id)
}

/// An id without signs and capital letters.
pub(crate) fn plain(id: &str) -> String {
    id.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns whether a spreadsheet shows this where it has no value, or no room for it: `#N/A`, `#####`.
pub(crate) fn is_error(cell: &str) -> bool {
    let cell = cell.to_ascii_uppercase();
    let is_narrow = cell.len() > 2 && cell.bytes().all(|sign| sign == b'#');
    is_narrow || ERRORS.contains(&cell.as_str())
}

/// Returns whether the id may be what a spreadsheet leaves of another one: digits without a zero in
/// front, and only zeros behind the fifteenth.
pub(crate) fn may_be_left(id: &str) -> bool {
    let behind = id.get(DIGITS..).unwrap_or_default();
    let is_number = !id.is_empty() && is_digits(id) && (id.len() == 1 || !id.starts_with('0'));
    is_number && behind.bytes().all(|digit| digit == b'0')
}

/// The id as a reader leaves it that takes what it can for a number, or a spreadsheet into which it is
/// typed; `None` where nothing changes.
pub(crate) fn changed(id: &str) -> Option<String> {
    let number: f64 = id.trim().replace('_', "").parse().ok()?;
    if !number.is_finite() {
        return None;
    }
    let read = format!("{:.0}", number.trunc());
    let is_long = id.len() > DIGITS && id.bytes().all(|byte| byte.is_ascii_digit());
    match id.get(..DIGITS) {
        Some(kept) if is_long && read == id => Some(format!("{kept:0<0$}", id.len())),
        _ => Some(read).filter(|read| read != id),
    }
}

/// The digits rounded to so many, with the place of the point: one text for one number.
fn rounded(digits: &str, mut point: i64, most: usize) -> String {
    let mut kept: Vec<u8> = digits.bytes().take(most).collect();
    if digits.as_bytes().get(most).is_some_and(|next| *next >= b'5') {
        let nines = kept.iter().rev().take_while(|digit| **digit == b'9').count();
        kept.truncate(kept.len() - nines);
        if let Some(last) = kept.last_mut() {
            *last += 1;
        } else {
            kept.push(b'1');
            point += 1;
        }
    }
    let kept = String::from_utf8(kept).unwrap_or_default();
    let kept = kept.trim_end_matches('0');
    if kept.is_empty() { "0".to_owned() } else { format!("{kept}@{point}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(id: &str) -> Option<String> {
        damaged(id).map(|damaged| damaged.rounded)
    }

    #[test]
    fn guards_against_a_spreadsheet_are_no_part_of_an_id() {
        for cell in ["00123", "'00123", "=\"00123\"", " 00123\u{a0}"] {
            assert_eq!(clean(cell), "00123", "{cell}");
        }
    }

    #[test]
    fn one_number_is_one_text_however_it_is_written() {
        assert_eq!(number("00123"), number("123"));
        assert_eq!(number("123.0"), number("123"));
        assert_eq!(number("1e5"), number("100000"));
        assert_eq!(number("1.23E+02"), number("123"));
        assert_ne!(number("1230"), number("123"));
        assert_eq!(number("12345678901234567890"), number("12345678901234600000"));
        assert_eq!(number("9999999999999999999"), number("1e19"));
        for text in ["A-1", "", "1-2", "e5", "1e", "1.2.3", "1e309", "1e9223372036854775807"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(number("1e-9223372036854775808"), None);
    }

    #[test]
    fn a_long_number_is_cut_or_rounded_and_either_is_known() {
        let fits = |left: &str, id: &str| {
            let (left, id) = (damaged(left).expect("a number"), damaged(id).expect("a number"));
            left.numbers().any(|left| id.numbers().any(|id| id == left))
        };
        for left in ["1234567890123450", "1234567890123460", "1.23456789012345E+15"] {
            assert!(fits(left, "1234567890123456"), "{left}");
        }
        assert!(!fits("1234567890123470", "1234567890123456"));

        let lost = ["1234567890123450", "1.2E+14", "1e5", "1234567890123450.0"];
        for id in lost.into_iter().chain(["12345678901234567000"]) {
            assert!(has_lost_digits(id), "{id}");
        }
        let whole = ["1234567890123456", "123", "00120", "A-1e5", "102e59831", ""];
        for id in whole.into_iter().chain(["12345678901234567840"]) {
            assert!(!has_lost_digits(id), "{id}");
        }
        for (id, may_be) in [("123", true), ("0", true), ("00123", false), ("A-1", false)] {
            assert_eq!(may_be_left(id), may_be, "{id}");
        }
        assert!(may_be_left("1234567890123450") && !may_be_left("1234567890123456"));
    }

    #[test]
    fn an_error_of_a_spreadsheet_is_no_id() {
        for cell in ["#N/A", "#n/a", "#REF!", "#####", "#DIV/0!"] {
            assert!(is_error(cell), "{cell}");
        }
        for id in ["#1001", "#N", "##", "#", "N/A", ""] {
            assert!(!is_error(id), "{id}");
        }
    }

    #[test]
    fn an_id_that_is_read_as_a_number_is_another_one() {
        let cases = [
            ("00123", "123"),
            ("1e5", "100000"),
            ("12.50", "12"),
            ("+7", "7"),
            ("1_000", "1000"),
            ("12345678901234567890", "12345678901234567168"),
            ("9007199254740992", "9007199254740990"),
        ];
        for (id, becomes) in cases {
            assert_eq!(changed(id).as_deref(), Some(becomes), "{id}");
        }
        for id in ["123", "0", "A-1", "00123-A", "123456789012345", "nan", "inf", "1e999", ""] {
            assert_eq!(changed(id), None, "{id}");
        }
    }

    #[test]
    fn a_number_that_only_shows_six_digits_is_recognised() {
        let shown = damaged("1.23457E+14").expect("a number");

        assert!(shown.is_shown);
        assert_eq!(shown.shown, damaged("123456789012345").expect("a number").shown);
        assert_eq!(damaged("1,23457E+14").as_ref(), Some(&shown), "with a comma");
        assert_eq!(damaged("1,234"), None, "no exponent");
        assert!(!damaged("100000").expect("a number").is_shown);
        assert!(!damaged("123456789012345").expect("a number").is_shown);
    }
}
