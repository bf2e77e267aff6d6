//! The tests of a ledger that takes long to read.

use postback_harness::Strike;

use super::bed::{Bed, delivery};

#[tokio::test]
async fn the_first_rows_are_shown_before_the_ledger_is_read_to_its_end() {
    let mut bed = Bed::open(false).await;
    bed.put((0..40).map(|n| delivery(&format!("A-{n}"), "unconfirmed"))).await;
    // Of the 24 shares one is not answered.
    bed.table.script([Strike::Pass; 23].into_iter().chain([Strike::Hang]));

    let page = bed.get("/orders?which=held").await.text;

    assert!(page.contains(">A-"), "{page}");
    assert!(page.contains("Still reading the ledger: the counts are too low."), "{page}");
    assert!(page.contains("data-refresh"), "{page}");
    assert!(!page.contains("Nothing matches."), "{page}");
}
