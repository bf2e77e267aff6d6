//! What the ledger has validated counts before what was reported.

use crate::common::{self, AT, compared, generic, record, refunded, report, validation};
use postback_core::delivery::Record;
use postback_reconcile::{decide::Decisions, shop::Shop, understand::Hints};

/// A delivery of 10 with its validation, in an order that nobody may depend on.
fn pair(order: &str, state: &str, call: (&str, &str)) -> [Record; 2] {
    [validation(order, state, call), record(order, "delivered", "10", AT)]
}

#[test]
fn what_was_validated_counts_before_what_was_reported() {
    let [later, delivery] = pair("LATER", "delivered", ("approved", "10"));
    let called = |order, status, amount| pair(order, "delivered", (status, amount));
    let mut records = vec![refunded(later, &[("r-1", "2.5")]), delivery];
    for (order, status, amount) in [
        ("SAME", "approved", "8"),
        ("FULL", "approved", "8"),
        ("SLOW", "approved", "8"),
        ("NO", "approved", "8"),
        ("GONE", "rejected", "10"),
        ("PAID", "rejected", "10"),
        ("LOST", "approved", "8"),
        ("NEVER", "rejected", "10"),
        ("OFTEN", "approved", "8"),
    ] {
        records.extend(called(order, status, amount));
    }
    let lines = [
        ("SAME", "approved", "8.00"),
        ("FULL", "approved", "10.00"),
        ("SLOW", "pending", "10.00"),
        ("NO", "rejected", "10.00"),
        ("GONE", "rejected", "10.00"),
        ("PAID", "approved", "10.00"),
        ("LATER", "approved", "10.00"),
        ("OFTEN", "approved", "8.00"),
        ("OFTEN", "approved", "8.00"),
    ];

    let found = compared(&report(&lines, &generic()), &records, &Shop::none(), &generic());
    let found = found.expect("compared");

    for (order, bucket, reason) in [
        ("SAME", "matched", "validated"),
        ("FULL", "amount_differs", "another_amount_than_validated"),
        ("SLOW", "status_differs", "approved_here_pending_there"),
        ("NO", "status_differs", "approved_here_rejected_there"),
        ("GONE", "matched", "rejected_on_both_sides"),
        ("PAID", "refunded_but_approved", "rejected_here"),
        ("LATER", "refunded_but_approved", "came_back_after_validation"),
        ("LOST", "ours_only", "validated_and_not_there"),
        ("NEVER", "matched", "rejected_and_not_there"),
        ("OFTEN", "matched", "validated"),
    ] {
        assert_eq!(found.bucket(order), (bucket, reason), "{order}: {}", found.lines);
    }
    // A validation is no delivery of its own.
    assert_eq!(found.outcome.deliveries, 10);
    assert_eq!(found.outcome.ours.in_words(), "100 MYR");
    assert!(found.row("FULL").ends_with(",10,MYR,approved,8,"), "{}", found.row("FULL"));
    let dispute = |order: &str| {
        let row = found.disputes.lines().find(|row| row.starts_with(&format!("{order},")));
        row.expect(order).to_owned()
    };
    assert!(dispute("FULL").contains("We validated another amount."));
    assert!(dispute("FULL").contains(",8,MYR,10,MYR,"), "{}", dispute("FULL"));
    assert_eq!(found.disputes.matches("OFTEN").count(), 1);
}

#[test]
fn what_came_back_after_it_was_approved_is_claimed_back_with_its_date() {
    let [part, delivery] = pair("PART", "delivered", ("approved", "10"));
    let records = [
        [refunded(part, &[("r-1", "2.5")]), delivery],
        pair("PAID", "delivered", ("rejected", "10")),
        // Corrected there, by hand.
        pair("GOOD", "delivered", ("approved", "10"))
            .map(|record| refunded(record, &[("r-1", "4")])),
    ]
    .concat();
    let lines = [
        ("PART", "approved", "10.00"),
        ("PAID", "approved", "10.00"),
        ("GOOD", "approved", "6.00"),
    ];
    let mut format = generic();
    format.claim_back_days = Some(30);

    let found = compared(&report(&lines, &format), &records, &Shop::none(), &format);
    let found = found.expect("compared");

    let rows: Vec<_> = found.disputes.lines().skip(1).collect();
    let [part, paid] = rows.as_slice() else { panic!("{}", found.disputes) };
    assert!(part.ends_with(",2026-11-18T00:00:00Z,2.5,2026-12-01T00:00:00Z"), "{part}");
    assert!(paid.ends_with(",,10,2026-12-20T00:00:00Z"), "{paid}");
    assert_eq!(found.bucket("GOOD"), ("matched", "corrected_there"));
    assert_eq!(found.outcome.claim_back.in_words(), "12.5 MYR");
}

#[test]
fn what_came_back_is_nothing_where_they_list_nothing_to_pay() {
    let [part, delivery] = pair("PART", "delivered", ("approved", "10"));
    let whole = |order: &str| refunded(record(order, "delivered", "10", AT), &[("r-1", "10")]);
    let records =
        [whole("ZERO"), whole("PAID"), refunded(part, &[("r-1", "4"), ("r-2", "6")]), delivery];
    let lines =
        [("ZERO", "approved", "0.00"), ("PAID", "approved", "0.01"), ("PART", "approved", "0.00")];

    let found = compared(&report(&lines, &generic()), &records, &Shop::none(), &generic());
    let found = found.expect("compared");

    assert_eq!(found.bucket("ZERO"), ("matched", "corrected_there"), "{}", found.lines);
    assert_eq!(found.bucket("PART"), ("matched", "corrected_there"));
    assert_eq!(found.bucket("PAID"), ("refunded_but_approved", "cancelled"));
    assert_eq!(found.outcome.claim_back.in_words(), "0.01 MYR");
}

#[test]
fn where_a_report_has_no_amounts_what_is_owed_is_claimed_back() {
    let [part, delivery] = pair("PART", "delivered", ("approved", "8"));
    let records = [
        refunded(record("BACK", "delivered", "10", AT), &[("r-1", "10")]),
        refunded(part, &[("r-1", "2"), ("r-2", "1")]),
        delivery,
        record("PAID", "delivered", "10", AT),
    ];
    let text = "Order ID,Date,Status\nBACK,2026-11-01,approved\nPART,2026-11-20,approved\n\
                PAID,2026-11-20,approved\n";
    let report = common::understand(text.as_bytes(), &Hints::default()).expect("a report");

    let found = compared(&report, &records, &Shop::none(), &generic()).expect("compared");

    assert_eq!(found.bucket("BACK"), ("refunded_but_approved", "cancelled"), "{}", found.lines);
    assert_eq!(found.bucket("PART"), ("refunded_but_approved", "came_back_after_validation"));
    assert!(found.row("BACK").ends_with(",10") && found.row("PART").ends_with(",1"));
    assert_eq!(found.bucket("PAID"), ("matched", ""));
    assert_eq!(found.outcome.claim_back.in_words(), "11 MYR");
}

#[test]
fn refunds_of_the_ledger_and_of_the_shops_export_count_once_each() {
    let records = [
        refunded(record("SHOWN", "delivered", "10", AT), &[("r-1", "2")]),
        refunded(record("WAITS", "delivered", "10", AT), &[("r-1", "2")]),
        refunded(record("BACK", "delivered", "10", AT), &[("r-1", "2")]),
        refunded(record("WHOLE", "delivered", "10", AT), &[("r-1", "4"), ("r-2", "6")]),
        refunded(record("UNCLEAR", "delivered", "10", AT), &[("r-1", "4")]),
    ];
    let mut shop = Shop::none();
    let refund = |id: &str, amount: &str| serde_json::json!({ "id": id, "amount": amount });
    let order = |id: &str, refunds: &[serde_json::Value]| serde_json::json!({ "order_id": id, "total": "10", "refunds": refunds });
    shop.add(&order("SHOWN", &[refund("r-1", "2.00"), refund("r-2", "1")]));
    shop.add(&order("UNCLEAR", &[refund("r-1", "5")]));
    let lines = [
        ("SHOWN", "approved", "7.00"),
        ("WAITS", "pending", "10.00"),
        ("BACK", "approved", "10.00"),
        ("WHOLE", "approved", "10.00"),
        ("UNCLEAR", "approved", "10.00"),
    ];

    let found = compared(&report(&lines, &generic()), &records, &shop, &generic());
    let found = found.expect("compared");

    assert_eq!(found.bucket("SHOWN"), ("matched", ""), "{}", found.lines);
    assert_eq!(found.bucket("WAITS"), ("matched", "refund_not_validated_yet"));
    assert_eq!(found.bucket("BACK"), ("refunded_but_approved", "refunded_in_part"));
    assert_eq!(found.bucket("WHOLE"), ("refunded_but_approved", "cancelled"));
    assert_eq!(found.bucket("UNCLEAR"), ("refunded_but_approved", "refund_unclear"));
    // Where a refund is not clear, all of it may have come back.
    assert_eq!(found.outcome.claim_back.in_words(), "22 MYR");
}

#[test]
fn a_lines_refunds_are_its_own() {
    let line = |id: &str| {
        let mut line = record("A-1", "delivered", "10", AT);
        line.delivery = format!("net#{id}");
        line
    };
    let mut shop = Shop::none();
    shop.add(&serde_json::json!({
        "order_id": "A-1", "total": "20",
        "refunds": [{ "id": "r-1", "amount": "3", "lines": [{ "line": "2", "amount": "3" }] }],
    }));
    let text = format!(
        "{}A-1,C1,1,2026-11-01,approved,10,MYR\nA-1,C2,2,2026-11-20,approved,10,MYR\n",
        common::HEADER
    );
    let report = common::understand(text.as_bytes(), &Hints::default()).expect("a report");

    let found = compared(&report, &[line("1"), line("2")], &shop, &generic()).expect("compared");

    assert_eq!(found.bucket("net#1"), ("matched", ""), "{}", found.lines);
    assert_eq!(found.bucket("net#2"), ("refunded_but_approved", "refunded_in_part"));
}

#[test]
fn a_report_that_shows_the_result_settles_a_validation_whose_answer_was_lost() {
    let records = [
        pair("TOOK", "unconfirmed", ("approved", "8")),
        pair("OTHER", "unconfirmed", ("approved", "8")),
        pair("WAITS", "unconfirmed", ("approved", "8")),
        pair("NO", "unconfirmed", ("rejected", "10")),
        pair("GONE", "unconfirmed", ("approved", "8")),
    ]
    .concat()
    .into_iter()
    .map(|mut record| {
        let is_lost = record.is_validation();
        if is_lost {
            let doubt = serde_json::json!({ "since": AT, "recovery": "hold", "scope": "" });
            record.protocol.doubt = serde_json::from_value(doubt).expect("a doubt");
        }
        record
    });
    let records: Vec<_> = records.collect();
    let lines = [
        ("TOOK", "approved", "8.00"),
        ("OTHER", "approved", "10.00"),
        ("WAITS", "pending", "10.00"),
        ("NO", "rejected", "10.00"),
        ("GONE", "rejected", "10.00"),
    ];

    let found = compared(&report(&lines, &generic()), &records, &Shop::none(), &generic());
    let found = found.expect("compared");

    let rows = found.decisions.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>());
    let decided: Vec<_> = rows.map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    let both = ["TOOK", "NO"].map(|order| (order.to_owned(), "net!validation".to_owned()));
    assert_eq!(decided, both, "{}", found.decisions);
    assert_eq!(found.bucket("WAITS").1, "validation_in_doubt_pending_there");
    assert!(!found.disputes.contains("WAITS"));
    assert_eq!(found.bucket("GONE"), ("status_differs", "validation_in_doubt_rejected_there"));
    assert!(!found.disputes.contains("GONE"));
    let decisions = Decisions::parse(&found.decisions).expect("decisions");
    assert_eq!(decisions.rows.len(), 2);
}
