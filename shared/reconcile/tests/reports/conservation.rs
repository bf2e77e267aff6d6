//! The sums of the buckets are the sums of both sides, in exact decimals.

use std::fmt::Write;

use crate::common::{self, AT, HEADER, compared, record};
use postback_reconcile::{
    bucket::Bucket,
    fault::Fault,
    format::{Format, Sign},
    shop::Shop,
    source::Source,
    understand::{Hints, Report},
};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn amount() -> impl Strategy<Value = Decimal> {
    (-1_000_000_i64..100_000_000, 0_u32..4).prop_map(|(digits, scale)| Decimal::new(digits, scale))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_sums_of_the_buckets_are_the_sums_of_the_sides(
        lines in proptest::collection::vec((0_u8..30, 0_usize..5, proptest::option::weighted(0.9, amount())), 1..60),
        ours in proptest::collection::vec((0_u8..40, 0_usize..7, amount()), 0..60),
        adds_up in any::<bool>(),
    ) {
        let statuses = ["approved", "pending", "rejected", "", "exploded"];
        let states =
            ["delivered", "accepted", "unconfirmed", "withdrawn", "abandoned", "rejected", "retrying"];
        let sign = if adds_up { Sign::Ledger } else { Sign::Lines };
        let format = Format { sign, ..common::generic() };
        let mut text = HEADER.to_owned();
        let mut total = Decimal::ZERO;
        for (n, (order, status, amount)) in lines.iter().enumerate() {
            let day = 1 + n % 28;
            total += amount.unwrap_or_default();
            let amount = amount.map(|amount| amount.to_string()).unwrap_or_default();
            writeln!(text, "A-{order},,,2026-11-{day:02},{},{amount},MYR", statuses[*status])?;
        }
        let hints = Hints { decimal: Some('.'), ..Hints::default() };
        let source = Source::Bytes(text.as_bytes().into());
        let report = Report::understand(source, format.clone(), &hints)
            .map_err(|fault| TestCaseError::fail(fault.to_string()))?;
        let records: Vec<_> = ours
            .iter()
            .map(|(order, state, amount)| {
                record(&format!("A-{order}"), states[*state], &amount.to_string(), AT)
            })
            .collect();

        let compared = match compared(&report, &records, &Shop::none(), &format) {
            Err(Fault::Foreign { .. }) => return Ok(()),
            compared => compared.map_err(|fault| TestCaseError::fail(fault.to_string()))?,
        };

        let outcome = &compared.outcome;
        let theirs: Decimal = outcome.buckets.iter().map(|total| total.theirs.get("MYR")).sum();
        prop_assert_eq!(theirs, total);
        prop_assert_eq!(outcome.report.sums.get("MYR"), total);
        let ours: Decimal = outcome.buckets.iter().map(|total| total.ours.get("MYR")).sum();
        prop_assert_eq!(ours, outcome.ours.get("MYR"));
        let count = |pick: fn(&postback_reconcile::compare::BucketTotal) -> u64| {
            outcome.buckets.iter().map(pick).sum::<u64>()
        };
        prop_assert_eq!(count(|total| total.lines), lines.len() as u64);
        prop_assert_eq!(count(|total| total.deliveries), outcome.deliveries);
        prop_assert_eq!(outcome.deliveries + outcome.left_out, records.len() as u64);
        prop_assert!(outcome.bucket(Bucket::Matched).is_some());
        // An amount that the report does not name is never the right one.
        let rows = compared.lines.lines().map(|row| row.split(',').collect::<Vec<_>>());
        for row in rows.filter(|row| row[0] == "matched" && row[2] == "both") {
            prop_assert!(adds_up || row[9] == "rejected" || !row[10].is_empty(), "{:?}", row);
        }
        // The file says the same as the totals.
        let rows = compared.lines.lines().skip(1);
        let of_lines = rows.filter(|row| row.split(',').nth(2).is_none_or(|side| side != "ours"));
        prop_assert_eq!(of_lines.count(), lines.len());
    }
}
