//! CashMyCell: accepts its document's examples and refuses what the document forbids.

use crate::client::{Tested, completion, get};
use postback_sandbox::{CashMyCellAnswer, Network, Sandbox};

/// The instant of the document's `ts=1704067200000`.
const DOCUMENTS_TS: u64 = 1_704_067_200_000;

#[tokio::test]
async fn accepts_the_documents_examples() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.set_clock(DOCUMENTS_TS);

    for query in [
        "status=COMPLETED&order_value=1499&cmc_id=abc123xyz&ts=1704067200000",
        "status=COMPLETED&order_value=1499&cmc_id=abc123xyz789&ts=1704067200000",
        "status=COMPLETED&order_value=100&cmc_id=test123&ts=1704067200000",
        "status=COMPLETED&order_value=14.99&cmc_id=decimal&ts=1704067200000",
    ] {
        let reply =
            get(&sandbox, &format!("/cashmycell/api/v1/public/order-complete?{query}")).await?;

        assert_eq!((reply.status, reply.body.len()), (204, 0), "{query}");
    }

    assert_eq!(sandbox.violations(), []);
    let held = sandbox.held(Network::CashMyCell, "abc123xyz789");
    assert_eq!(held[0].amount.as_deref(), Some("1499"));
    assert_eq!(sandbox.totals(Network::CashMyCell).effects, 4);
    Ok(())
}

#[tokio::test]
async fn records_nothing_that_the_document_forbids() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.set_clock(DOCUMENTS_TS);
    let right = "status=COMPLETED&order_value=1499&cmc_id=abc&ts=1704067200000";
    let too_long = format!("cmc_id={}", "a".repeat(257));

    for (from, to, status) in [
        ("status=COMPLETED", "status=completed", 204),
        ("status=COMPLETED&", "", 400),
        ("order_value=1499", "order_value=", 400),
        ("order_value=1499", "order_value=1%2C499", 204),
        ("order_value=1499", "order_value=-1", 204),
        ("order_value=1499", "order_value=$1,499.99", 204),
        ("cmc_id=abc", "cmc_id=undefined", 204),
        ("cmc_id=abc", "cmc_id=NULL", 204),
        ("cmc_id=abc", "cmc_id=0", 204),
        ("cmc_id=abc", "cmc_id=%5Bobject%20Object%5D", 204),
        ("cmc_id=abc", &too_long, 204),
        ("cmc_id=abc", "cmc_id=%20", 400),
        ("cmc_id=abc", "cmc_id=a%252Bb", 204),
        ("cmc_id=abc", "cmc_id=a+b", 204),
        ("cmc_id=abc", "cmc_id=a b", 400),
        ("cmc_id=abc", "cmc_id=é", 400),
        ("ts=1704067200000", "ts=1704067200", 204),
        ("ts=1704067200000", "ts=1704067500001", 204),
        ("ts=1704067200000", "ts=1704066899999", 204),
        ("ts=1704067200000", "ts=%2B1704067200000", 204),
    ] {
        let target =
            format!("/cashmycell/api/v1/public/order-complete?{}", right.replace(from, to));
        let before = sandbox.violations().len();

        let reply = get(&sandbox, &target).await?;

        assert_eq!(reply.status, status, "{to}");
        assert!(sandbox.violations().len() > before, "{to}");
    }

    assert_eq!(sandbox.totals(Network::CashMyCell).effects, 0);
    Ok(())
}

#[tokio::test]
async fn allows_five_minutes_and_counts_every_call() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.set_clock(DOCUMENTS_TS);
    let target = completion(&sandbox, "abc");

    for (advance, answer, body) in [
        (300_000, CashMyCellAnswer::NoContent, 0),
        (0, CashMyCellAnswer::Gif, 43),
        (0, CashMyCellAnswer::Text, 2),
    ] {
        sandbox.advance_clock(advance);
        sandbox.change_settings(|settings| settings.cashmycell.answer = answer);
        assert_eq!(get(&sandbox, &target).await?.body.len(), body);
    }
    get(&sandbox, &completion(&sandbox, "unmatched1")).await?;
    get(&sandbox, &format!("{}&reference_id=A-1", completion(&sandbox, "ref"))).await?;

    assert_eq!(sandbox.violations(), []);
    assert_eq!(sandbox.held(Network::CashMyCell, "abc").len(), 3);
    assert_eq!(sandbox.held(Network::CashMyCell, "unmatched1"), []);
    assert_eq!(sandbox.held(Network::CashMyCell, "ref")[0].reference.as_deref(), Some("A-1"));
    assert_eq!(sandbox.totals(Network::CashMyCell).more_than_once, ["abc"]);
    Ok(())
}

#[tokio::test]
async fn may_ignore_missing_parameters_and_count_a_click_once() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.change_settings(|settings| {
        settings.cashmycell.ignore_missing = true;
        settings.cashmycell.deduplicate = true;
    });
    let right = completion(&sandbox, "abc");

    assert_eq!(get(&sandbox, &right.replace("status=COMPLETED&", "")).await?.status, 204);
    assert_eq!(sandbox.totals(Network::CashMyCell).effects, 0);
    get(&sandbox, &right).await?;
    get(&sandbox, &right).await?;
    assert_eq!(sandbox.totals(Network::CashMyCell).effects, 1);
    Ok(())
}

#[tokio::test]
async fn may_send_a_compressed_success_that_nobody_asked_for() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.change_settings(|settings| settings.cashmycell.answer = CashMyCellAnswer::Gzip);

    let reply = get(&sandbox, &completion(&sandbox, "abc")).await?;

    assert_eq!((reply.status, &reply.body[..2]), (200, [0x1f, 0x8b].as_slice()));
    assert!(reply.head.contains("content-encoding: gzip"), "{}", reply.head);
    assert_eq!(sandbox.held(Network::CashMyCell, "abc").len(), 1);
    Ok(())
}
