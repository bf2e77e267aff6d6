//! Decimals as JSON writes numbers: exact, never a float.

use rust_decimal::Decimal;

/// The decimal that a JSON number is, exactly: `217.0`, `1.5e3`. `None` where 28 digits don't hold it.
pub(crate) fn exact(text: &str) -> Option<Decimal> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let is_plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-');
    if !digits.ends_with(|c: char| c.is_ascii_digit()) || !digits.chars().all(is_plain) {
        return None;
    }
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let places = places.trim_end_matches('0');
    // Zeros at the end need not be held: 1.500, 1499000e-3.
    let (significant, zeros) = if places.is_empty() {
        let significant = whole.trim_end_matches('0');
        (significant.to_owned(), whole.len() - significant.len())
    } else {
        (format!("{whole}.{places}"), 0)
    };
    if matches!(significant.as_str(), "" | "-") {
        return Some(Decimal::ZERO);
    }
    let value = Decimal::from_str_exact(&significant).ok()?.normalize();
    if value.is_zero() {
        return Some(Decimal::ZERO);
    }
    let exponent = exponent.parse::<i32>().ok()?.checked_add(i32::try_from(zeros).ok()?)?;
    let scale = i32::try_from(value.scale()).ok()?.checked_sub(exponent)?;
    if let Ok(scale) = u32::try_from(scale) {
        return Decimal::try_from_i128_with_scale(value.mantissa(), scale).ok();
    }
    let factor = 10_i128.checked_pow(scale.unsigned_abs())?;
    Decimal::try_from_i128_with_scale(value.mantissa().checked_mul(factor)?, 0).ok()
}
