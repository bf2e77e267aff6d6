//! The tests of dead letters.

use super::bed::Bed;
use crate::fixtures::FakeAws;

#[tokio::test]
async fn a_letter_that_nobody_needs_is_deleted_once_it_was_shown_alone() {
    let aws = FakeAws::start().await;
    let endpoint = aws.account.place.config.endpoint_url().expect("an endpoint").to_owned();
    let mut bed = Bed::open_at(&endpoint, true).await;

    let all = bed.get("/letters").await.text;
    let one = bed.get("/letters?discard=other").await.text;
    let deleted = aws.calls("DeleteMessage");
    let done = bed.submit("/letters/run", "network=&discard=other").await;
    let place = done.headers["location"].to_str().expect("text").to_owned();
    let after = bed.get(&place).await.text;

    assert!(
        all.contains("/letters?discard=letter") && all.contains("/letters?discard=other"),
        "{all}"
    );
    assert!(one.contains("Delete this message for good") && one.contains("1 letter"), "{one}");
    assert!(!one.contains("A-1") && !one.contains("Put back"), "{one}");
    assert_eq!((deleted, aws.calls("DeleteMessage"), aws.calls("SendMessage")), (0, 1, 0));
    assert!(after.contains("deleted") && !after.contains("A-1"), "{after}");
}

#[tokio::test]
async fn a_console_that_only_shows_offers_no_deletion() {
    let aws = FakeAws::start().await;
    let endpoint = aws.account.place.config.endpoint_url().expect("an endpoint").to_owned();
    let mut bed = Bed::open_at(&endpoint, false).await;

    for path in ["/letters", "/letters?discard=other"] {
        let page = bed.get(path).await.text;
        assert!(page.contains("other") && !page.contains("Delete"), "{path}: {page}");
    }
}
