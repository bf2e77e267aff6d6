//! Medians and percentiles, in milliseconds.

use std::time::Duration;

/// The median.
pub(crate) fn median(durations: &[Duration]) -> f64 {
    percentile(durations, 50)
}

/// The smallest value that `percent` of the durations do not exceed; 0 for none.
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

        let error = found
            .iter()
            .zip([100.0, 198.0, 200.0])
            .map(|(found, expected)| (found - expected).abs());
        assert!(error.sum::<f64>() < 0.001, "{found:?}");
        assert!(median(&[]).abs() < f64::EPSILON);
    }
}
