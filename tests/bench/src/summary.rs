//! Medians and percentiles, in milliseconds.

use std::time::Duration;

/// The middle one.
pub(crate) fn median(durations: &[Duration]) -> f64 {
    percentile(durations, 50)
}

/// The one that so many of a hundred do not exceed; 0 of none.
pub(crate) fn percentile(durations: &[Duration], percent: usize) -> f64 {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).map_or(0.0, |duration| duration.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();

        let found = [50, 99, 100].map(|percent| percentile(&values, percent));

        let off =
            found.iter().zip([100.0, 198.0, 200.0]).map(|(found, right)| (found - right).abs());
        assert!(off.sum::<f64>() < 0.001, "{found:?}");
        assert!(median(&[]).abs() < f64::EPSILON);
    }
}
