//! The tests of orders that concern no network.

use axum::http::header;

use super::bed::Bed;
use crate::fixtures::unclaimed;

#[tokio::test]
async fn an_order_that_concerns_no_network_is_found() {
    let mut bed = Bed::open(false).await;
    for (order_id, clicks) in [("U-1", &["net.transactionid"][..]), ("U-2", &[])] {
        bed.table.ledger().put_unclaimed(&unclaimed(order_id, clicks)).await.expect("a write");
    }

    let page = bed.get("/").await.text;

    assert!(
        page.contains("shop: 1 order concerns no network, with clicks net.transactionid: 10.5 EUR"),
        "{page}"
    );
    let money = bed.get("/money").await.text;
    assert!(money.contains("1 without a click: 10.5 EUR; 1 with one"), "{money}");
    let order = bed.get("/order?id=U-2").await.text;
    assert!(order.contains("It concerned no network"), "{order}");
    assert_eq!(&bed.get("/orders?find=U-2").await.headers[header::LOCATION], "/order?id=U%2D2");
    assert!(!bed.get("/orders").await.text.contains("U-2"));
}

#[tokio::test]
async fn the_names_of_clicks_are_shown_as_text_and_turn_nothing_around() {
    let mut bed = Bed::open(false).await;
    let order = unclaimed("U-1", &["net.\u{202e}<b>id"]);
    bed.table.ledger().put_unclaimed(&order).await.expect("a write");

    for path in ["/", "/order?id=U-1"] {
        let page = bed.get(path).await.text;
        assert!(page.contains("net.?&lt;b&gt;id"), "{path}: {page}");
        assert!(!page.contains('\u{202e}'), "{path}: {page}");
    }
}
