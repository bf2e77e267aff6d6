//! The soak, a short one.

use postback_faults::{Bound, soak};

#[test]
fn nothing_is_reported_twice_and_nothing_is_lost() {
    let report = soak(Bound::Orders(300), 2, 1, |_| {});

    println!("{report}\n{}\n{}", report.tally, report.census.ends());
    assert!(
        report.is_clean(),
        "{report}\n{:#?}\nnever at rest: {:#?}",
        report.census.defects,
        report.left
    );
    assert!(report.census.orders >= 300);
    assert!(report.invocations.1 > 0, "some were killed");
}
