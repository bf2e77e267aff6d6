//! Amounts as people and spreadsheets write them.

use postback_core::order::Currency;
use rust_decimal::Decimal;

/// An amount, and the currency that its own sign names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) amount: Decimal,
    pub(crate) currency: Option<&'static str>,
}

/// The way in which amounts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Nothing speaks for either sign.
    None,
    /// The decimal sign is this.
    Sign(char),
    /// It can be read in two ways.
    Ambiguous,
}

/// Signs that stand for one currency. A `$` alone stands for many.
const SIGNS: [(&str, &str); 9] = [
    ("RM", "MYR"),
    ("S$", "SGD"),
    ("Rp", "IDR"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("₹", "INR"),
    ("₽", "RUB"),
    ("฿", "THB"),
    ("₫", "VND"),
];

/// The most digits before and behind the decimal sign: a million of such amounts add up exactly.
const WHOLE_DIGITS: usize = 12;
const PLACES: u32 = 10;

/// Signs that name no single currency.
const UNNAMED: [&str; 6] = ["$", "¥", "руб.", "руб", "р.", "Rs."];

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{feff}' | '\t')
}

/// The digits and separators of an amount, its sign and its currency.
fn parts(text: &str) -> Option<(&str, bool, Option<&'static str>)> {
    let mut rest = text.trim_matches(is_blank);
    let mut negative = false;
    let mut currency = None;
    loop {
        let before = rest;
        if let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            (rest, negative) = (inner, !negative);
        }
        for minus in ['-', '\u{2212}'] {
            let inner = rest.strip_prefix(minus).or_else(|| rest.strip_suffix(minus));
            if let Some(inner) = inner.filter(|_| rest.len() > minus.len_utf8()) {
                (rest, negative) = (inner, !negative);
            }
        }
        rest = rest.strip_prefix(['+', '\'']).unwrap_or(rest);
        if let Some((inner, named)) = without_currency(rest) {
            rest = inner;
            currency = named.or(currency);
        }
        rest = rest.trim_matches(is_blank);
        if rest == before {
            break;
        }
    }
    let is_number = rest.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',')
        && rest.ends_with(|c: char| c.is_ascii_digit());
    is_number.then_some((rest, negative, currency))
}

/// The text without the currency before or behind it.
fn without_currency(text: &str) -> Option<(&str, Option<&'static str>)> {
    for (sign, code) in SIGNS {
        if let Some(rest) = text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)) {
            return Some((rest, Some(code)));
        }
    }
    for sign in UNNAMED {
        if let Some(rest) = text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)) {
            return Some((rest, None));
        }
    }
    let (first, last) = (text.get(..3), text.get(text.len().checked_sub(3)?..));
    for (code, rest) in [(first, text.get(3..)), (last, text.get(..text.len() - 3))] {
        let (Some(code), Some(rest)) = (code, rest) else { continue };
        let known = code.bytes().all(|byte| byte.is_ascii_uppercase());
        if known && let Some(code) = currency(code) {
            return Some((rest, Some(code)));
        }
    }
    None
}

/// The code of a currency.
pub(crate) fn currency(text: &str) -> Option<&'static str> {
    let text = text.trim().to_ascii_uppercase();
    if let Some((_, code)) = SIGNS.iter().find(|(sign, _)| sign.to_uppercase() == text) {
        return Some(code);
    }
    Currency::of_code(&text).map(Currency::code)
}

/// Returns what this amount says about the decimal sign.
pub(crate) fn evidence(text: &str) -> Evidence {
    let Some((digits, ..)) = parts(text) else { return Evidence::None };
    let (points, commas) = (digits.matches('.').count(), digits.matches(',').count());
    let sign = match (points, commas) {
        (0, 0) => return Evidence::None,
        (_, 0) => '.',
        (0, _) => ',',
        _ if digits.rfind('.') > digits.rfind(',') => return Evidence::Sign('.'),
        _ => return Evidence::Sign(','),
    };
    let other = if sign == '.' { ',' } else { '.' };
    if points + commas > 1 {
        return Evidence::Sign(other);
    }
    let (whole, places) = digits.split_once(sign).unwrap_or_default();
    let is_group = places.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    if is_group { Evidence::Ambiguous } else { Evidence::Sign(sign) }
}

/// Parses an amount exactly; `Ok(None)` if the cell is empty, `Err` if it is none.
pub(crate) fn parse(text: &str, decimal: char) -> Result<Option<Written>, ()> {
    let trimmed = text.trim_matches(is_blank);
    if trimmed.is_empty() || trimmed == "-" {
        return Ok(None);
    }
    if let Some(amount) = scientific(trimmed) {
        return bounded(amount).map(|amount| Some(Written { amount, currency: None }));
    }
    let (digits, negative, currency) = parts(trimmed).ok_or(())?;
    let (whole, places) = digits.split_once(decimal).unwrap_or((digits, ""));
    let plain = format!("{}.{places}", ungrouped(whole).ok_or(())?);
    if !places.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(());
    }
    let amount = Decimal::from_str_exact(plain.trim_end_matches('.')).map_err(drop)?;
    let amount = bounded(if negative { -amount } else { amount })?;
    Ok(Some(Written { amount, currency }))
}

/// The amount, if a million of its kind add up exactly.
fn bounded(amount: Decimal) -> Result<Decimal, ()> {
    let amount = amount.normalize();
    let whole = amount.trunc().abs().to_string();
    if whole.len() > WHOLE_DIGITS || amount.scale() > PLACES { Err(()) } else { Ok(amount) }
}

/// A number as a spreadsheet writes large ones: `1.5E+03`.
fn scientific(text: &str) -> Option<Decimal> {
    let (digits, exponent) = text.split_once(['e', 'E'])?;
    let is_number =
        digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    if !is_number || !exponent.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Decimal::from_scientific(text).ok().map(|number| number.normalize())
}

/// The digits before the decimal sign without the separators of thousands: groups of three, or the
/// groups of two of lakhs.
fn ungrouped(whole: &str) -> Option<String> {
    let is_separator = |c: char| is_blank(c) || matches!(c, '.' | ',' | '\'' | '\u{2019}');
    let groups: Vec<_> = whole.split(is_separator).collect();
    let separators: Vec<_> = whole.chars().filter(|c| is_separator(*c)).collect();
    let last = groups.len() - 1;
    let is_group = |(at, group): (usize, &&str)| {
        group.bytes().all(|byte| byte.is_ascii_digit())
            && match at {
                _ if last == 0 => true,
                0 => (1..=3).contains(&group.len()),
                _ if at == last => group.len() == 3,
                _ => (2..=3).contains(&group.len()),
            }
    };
    let same = separators.windows(2).all(|pair| pair[0] == pair[1]);
    (same && groups.iter().enumerate().all(is_group))
        .then(|| if whole.is_empty() { "0".to_owned() } else { groups.concat() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str, decimal: char) -> Option<String> {
        parse(text, decimal).ok().flatten().map(|written| written.amount.to_string())
    }

    #[test]
    fn amounts_are_read_as_they_are_written() {
        for (text, decimal, wanted) in [
            ("1.234,56", ',', "1234.56"),
            ("1 234,56", ',', "1234.56"),
            ("1\u{a0}234,56 €", ',', "1234.56"),
            ("$1,234.50", '.', "1234.5"),
            ("RM100", '.', "100"),
            ("(12.00)", '.', "-12"),
            ("($12.00)", '.', "-12"),
            ("-12.5", '.', "-12.5"),
            ("12.50-", '.', "-12.5"),
            ("1,49,900.00", '.', "149900"),
            ("1'234.5", '.', "1234.5"),
            ("USD 12.00", '.', "12"),
            ("12,00 EUR", ',', "12"),
            ("1.5E+03", '.', "1500"),
            ("0", '.', "0"),
        ] {
            assert_eq!(amount(text, decimal).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(parse("", '.'), Ok(None));
        for wrong in [
            "abc",
            "12,50",
            "1,23,4",
            "1.2.3",
            "--",
            "12 50",
            "1e",
            "#REF!",
            "12%",
            "1234567890123",
            "0.00000000001",
            "1E+20",
        ] {
            assert_eq!(parse(wrong, '.'), Err(()), "{wrong}");
        }
    }

    #[test]
    fn a_sign_of_one_currency_names_it() {
        let named =
            |text: &str| parse(text, '.').ok().flatten().and_then(|written| written.currency);

        assert_eq!(named("RM100"), Some("MYR"));
        assert_eq!(named("100 SGD"), Some("SGD"));
        assert_eq!(named("$100"), None);
    }

    #[test]
    fn a_group_of_three_alone_is_ambiguous() {
        assert_eq!(evidence("1.234"), Evidence::Ambiguous);
        assert_eq!(evidence("1,234"), Evidence::Ambiguous);
        assert_eq!(evidence("1.234,5"), Evidence::Sign(','));
        assert_eq!(evidence("1,234,567"), Evidence::Sign('.'));
        assert_eq!(evidence("0.125"), Evidence::Sign('.'));
        assert_eq!(evidence("12,50"), Evidence::Sign(','));
        assert_eq!(evidence("RM100"), Evidence::None);
    }
}
