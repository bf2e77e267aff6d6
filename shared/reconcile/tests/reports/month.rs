//! The decisions about a month's conversions: those of the validating call, or the reason that there
//! is none.

use std::time::Duration;

use crate::common::{
    conversions::{DAYS_30, conversion, decide, instant, line, october, validation},
    generic,
};
use postback_core::delivery::{
    Due, Event, Followed, Policy, Record, Recovery, Status, Step, Terms, step,
};
use postback_reconcile::month::{Month, Period, Remark};
use rust_decimal::Decimal;
use serde_json::{Value, json};

const AT: &str = "2026-10-05T10:15:00Z";
const AFTER: &str = "2026-12-20T00:00:00Z";

fn pairs(remarks: &[Remark]) -> Vec<(&str, &str)> {
    remarks.iter().map(|it| (it.order_id.as_str(), it.reason.as_str())).collect()
}

/// The status and the amount of the validating call that the protocol would make.
fn called(delivery: &Record) -> Option<(Status, Decimal)> {
    let terms = Terms { return_period: DAYS_30, decimals: 2 };
    let policy = Policy::new(Recovery::Hold, Duration::from_secs(10), Duration::ZERO);
    let followed = Followed::of(&delivery.protocol, delivery.version, terms)?;
    let followed = Followed { standing: delivery.standing(), ..followed };
    let (now, follow) = (instant(AFTER), Event::Follow(Box::new(followed)));
    let Step { next: held, .. } = step(None, &follow, &policy, now);
    let deadline = now + Duration::from_mins(5);
    let due = Due { terms, deadline, settings: String::new(), open: None };
    let Step { next, .. } = step(held.as_ref(), &Event::Validate(due), &policy, now);
    let call = next?.validation?.call?;
    Some((call.status, call.amount))
}

#[test]
fn both_ways_give_the_same_status_and_amount() {
    let evidence = json!({ "entries": [{
        "version": 2, "at": AT, "attempt": 1, "decision": "confirm", "by": "ann",
        "why": "listed", "evidence": "ab",
    }] });
    let cases = [
        json!({}),
        json!({ "refunds": { "r1": { "amount": "40.25" }, "r2": { "amount": "0.25" } } }),
        json!({ "refunds": { "r1": { "amount": "100.5" } } }),
        json!({ "cancelled": { "at": AT } }),
        json!({ "cancelled": { "at": AT, "completed_after": true } }),
        json!({ "refunds": { "r1": { "amount": "100.51" } } }),
        json!({ "refunds": { "r1": {} } }),
        json!({ "proof": "operator" }),
        json!({ "proof": "operator", "decisions": evidence }),
        json!({ "refunds": { "r1": { "amount": "0.125" } } }),
        json!({ "refunds": { "r1": { "amount": "0.125" }, "r2": { "amount": "0.375" } } }),
    ];
    for more in cases {
        let delivery = conversion("A-1", AT, more.clone());

        let decided = decide(std::slice::from_ref(&delivery), Some(DAYS_30), AFTER);

        let ours = decided.conversions.first().map(|row| (row.status, row.amount));
        assert_eq!(ours, called(&delivery), "{more}");
        assert_eq!(decided.in_the_way.is_empty(), ours.is_some(), "{more}: {decided:?}");
    }
}

#[test]
fn what_is_not_decided_stands_in_the_way_with_its_reason() {
    let not_decided: [(&str, Value); 9] = [
        ("delivery_in_doubt", json!({ "state": "sending", "proof": null })),
        (
            "delivery_in_doubt",
            json!({
                "state": "unconfirmed", "proof": null,
                "doubt": { "since": AT, "recovery": "hold", "scope": "" },
            }),
        ),
        ("confirmed_by_operator", json!({ "proof": "operator" })),
        ("refund_unclear", json!({ "refunds": { "r1": {} } })),
        ("refunds_exceed_amount", json!({ "refunds": { "r1": { "amount": "101" } } })),
        ("amount_too_precise", json!({ "refunds": { "r1": { "amount": "0.125" } } })),
        (
            "completed_after_cancellation",
            json!({
                "cancelled": { "at": AT, "completed_after": true },
            }),
        ),
        (
            "reported_twice",
            json!({ "reported": {
            "amount": "100.5", "currency": "EUR", "completed_at": AT, "ids": {}, "differs": true,
        } }),
        ),
        ("amount_unknown", json!({ "reported": null, "facts": {} })),
    ];
    for (reason, more) in not_decided {
        let decided = decide(&[conversion("A-1", AT, more)], Some(DAYS_30), AFTER);

        assert_eq!(pairs(&decided.in_the_way), [("A-1", reason)]);
        assert_eq!(decided.conversions, []);
    }
    let delivery = conversion("A-1", AT, json!({}));
    let doubt = json!({ "state": "unconfirmed", "reason": "connection_lost",
        "doubt": { "since": AT, "recovery": "hold", "scope": "" } });
    for more in [json!({ "state": "sending" }), doubt] {
        let decided = decide(&[delivery.clone(), validation(&delivery, more)], None, AFTER);

        assert_eq!(pairs(&decided.in_the_way), [("A-1", "validation_in_doubt")]);
    }
}

#[test]
fn the_return_period_is_the_ledgers_or_the_one_given_whichever_is_longer() {
    let delivery = conversion("A-1", AT, json!({}));
    let records = [delivery.clone(), validation(&delivery, json!({}))];
    let until = |records: &[Record], given: Option<u64>, now: &str| {
        let given = given.map(|days| Duration::from_hours(24 * days));
        let decided = decide(records, given, now);
        decided.in_the_way.first().map(|it| (it.reason.clone(), it.until.map(|at| at.to_string())))
    };
    let waits = |until: &str| Some(("return_period".to_owned(), Some(until.to_owned())));

    assert_eq!(until(&records, None, "2026-11-04T10:14:59Z"), waits("2026-11-04T10:15:00Z"));
    assert_eq!(until(&records, None, "2026-11-04T10:15:00Z"), None);
    assert_eq!(until(&records, Some(7), "2026-11-04T10:14:59Z"), waits("2026-11-04T10:15:00Z"));
    assert_eq!(until(&records, Some(45), "2026-11-05T00:00:00Z"), waits("2026-11-19T10:15:00Z"));
    // One that became longer: the validation waits for it.
    let longer = validation(&delivery, json!({ "not_before": "2026-11-14T10:15:00Z" }));
    let longer = [delivery.clone(), longer];
    assert_eq!(until(&longer, None, "2026-11-05T00:00:00Z"), waits("2026-11-14T10:15:00Z"));
    // What waits for the end of a doubt, or has waited for it, says nothing about it.
    let own = json!({ "of_version": 2, "lock_at": "2026-11-04T10:15:00Z", "standing": "in_doubt" });
    let doubtful = json!({ "not_before": "2026-12-01T10:15:00Z", "validation": own });
    for more in [doubtful, json!({ "not_before": "2026-12-01T08:00:00.001Z" })] {
        let beside = conversion("A-2", AT, json!({}));
        let both = [validation(&delivery, more), beside];
        assert_eq!(until(&both, None, "2026-11-04T10:14:59Z"), waits("2026-11-04T10:15:00Z"));
        assert_eq!(until(&both, None, "2026-11-04T10:15:00Z"), None);
    }
    // Another delivery's, where its own is not known; and none at all.
    let other = conversion("A-2", "2026-10-06T10:15:00Z", json!({}));
    let both = [records[1].clone(), other.clone()];
    assert_eq!(until(&both, None, "2026-11-05T00:00:00Z"), waits("2026-11-05T10:15:00Z"));
    let unknown = Some(("return_period_unknown".to_owned(), None));
    assert_eq!(until(&[other], None, AFTER), unknown);
}

#[test]
fn what_was_validated_or_settled_stays_as_it_is() {
    let delivery =
        |id: &str| conversion(id, AT, json!({ "refunds": { "r1": { "amount": "10" } } }));
    let done = |id: &str, more: Value| {
        let delivery = delivery(id);
        [delivery.clone(), validation(&delivery, more)]
    };
    let body = |call: Value| json!({ "of_version": 2, "lock_at": AT, "standing": "reported", "call": call });
    let call = json!({ "status": "approved", "amount": "100.5" });
    let called = json!({ "state": "delivered", "proof": "response", "validation": body(call) });
    let by_hand = json!({ "state": "delivered", "proof": "operator" });
    let mut records = Vec::new();
    records.extend(done("A-1", called));
    records.extend(done("A-2", by_hand));
    records.extend(done("A-3", json!({ "state": "abandoned" })));
    records.push(conversion("A-4", AT, json!({ "state": "abandoned", "proof": null })));

    let decided = decide(&records, None, AFTER);

    let rows: Vec<_> = decided
        .conversions
        .iter()
        .map(|row| (row.order_id.as_str(), row.amount.to_string()))
        .collect();
    assert_eq!(rows, [("A-1", "100.50".to_owned())]);
    assert_eq!(
        pairs(&decided.left_out),
        [
            ("A-2", "validated_by_a_person"),
            ("A-3", "validation_abandoned"),
            ("A-4", "delivery_abandoned"),
        ]
    );
    assert_eq!(pairs(&decided.warnings), [("A-1", "claim_back")]);
    assert_eq!(decided.in_the_way, []);
}

#[test]
fn what_came_back_of_an_abandoned_delivery_is_rejected() {
    let given_up = |id: &str, more: Value| {
        let mut whole = json!({ "state": "abandoned", "proof": null });
        for (name, value) in more.as_object().into_iter().flatten() {
            whole[name] = value.clone();
        }
        conversion(id, AT, whole)
    };
    let cancelled = json!({ "at": AT });
    let came_again = json!({ "at": AT, "completed_after": true });
    let refunded = |amount: &str| json!({ "refunds": { "r1": { "amount": amount } } });
    let later = given_up("A-3", json!({}));
    let its_refund = validation(&later, refunded("100.5"));
    let unknown = json!({ "cancelled": cancelled, "reported": null, "facts": {} });
    let records = [
        given_up("A-1", json!({ "cancelled": cancelled })),
        given_up("A-2", refunded("100.5")),
        later,
        its_refund,
        given_up("A-4", refunded("100")),
        given_up("A-5", json!({ "cancelled": came_again })),
        given_up("A-6", unknown),
    ];

    let decided = decide(&records, None, AFTER);

    let rows = decided.conversions.iter();
    let rows: Vec<_> = rows.map(|row| (row.order_id.as_str(), row.status)).collect();
    assert_eq!(rows, ["A-1", "A-2", "A-3"].map(|id| (id, Status::Rejected)));
    assert!(decided.conversions.iter().all(|row| row.amount.to_string() == "100.50"));
    let left_out = ["A-4", "A-5", "A-6"].map(|id| (id, "delivery_abandoned"));
    assert_eq!(pairs(&decided.left_out), left_out);
    assert_eq!(decided.in_the_way, []);
}

#[test]
fn the_day_is_that_of_the_report_the_network_took() {
    let attempts = json!({ "entries": [
        { "number": 1, "started_at": "2026-09-30T10:00:00Z", "state": "retrying" },
        { "number": 2, "started_at": "2026-09-30T23:00:00Z", "state": "unconfirmed" },
        { "number": 3, "started_at": "2026-10-01T00:00:00Z", "state": "delivered" },
    ] });
    let early = "2026-09-30T10:00:00Z";
    let answered = conversion("A-1", early, json!({ "attempts": attempts }));
    let duplicate = conversion("A-2", early, json!({ "attempts": attempts, "proof": "duplicate" }));
    let not_reported = conversion(
        "A-3",
        AT,
        json!({ "state": "retrying", "proof": null,
        "attempts": { "entries": [{ "number": 1, "started_at": AT, "state": "retrying" }] } }),
    );
    let records = [
        answered,
        duplicate,
        not_reported,
        conversion("A-4", "2026-10-31T23:59:59Z", json!({})),
        conversion("A-5", "2026-11-01T00:00:00Z", json!({})),
    ];
    let rows = |period: Period| {
        let mut month = Month::new(period);
        for record in &records {
            month.add(record.clone());
        }
        let decided = month.decide(&generic(), Some(DAYS_30), instant(AFTER));
        assert_eq!(decided.in_the_way, []);
        decided.conversions.into_iter().map(|row| row.order_id).collect::<Vec<_>>()
    };

    assert_eq!(rows(october()), ["A-1", "A-4"]);
    let there = Period::month("2026-10", Some("+02:00")).expect("a month");
    assert_eq!(rows(there), ["A-2", "A-1"]);
}

#[test]
fn an_order_is_named_as_it_was_reported() {
    let ids = json!({ "reference": "R-1", "campaign": "C-7" });
    let more = json!({ "reported": {
        "amount": "7", "currency": "EUR", "completed_at": AT, "ids": ids,
    } });

    let decided = decide(&[conversion("A-1", AT, more)], Some(DAYS_30), AFTER);

    let row = decided.conversions.first().expect("a row");
    assert_eq!(row.order_id, "R-1");
    assert_eq!(row.ids.iter().collect::<Vec<_>>(), [(&"campaign".to_owned(), &"C-7".to_owned())]);
    assert_eq!(decided.warnings, []);
}

#[test]
fn a_report_whose_ids_are_not_kept_has_the_shops_own() {
    let bare = json!({ "reported": null });
    let record = conversion("00123", AT, bare.clone());

    let decided = decide(&[record], Some(DAYS_30), AFTER);

    let row = decided.conversions.first().expect("a row");
    assert_eq!((row.order_id.as_str(), row.amount.to_string()), ("00123", "100.50".to_owned()));
    assert!(row.ids.is_empty());
    assert_eq!(pairs(&decided.warnings), [("00123", "id_changes"), ("00123", "ids_not_kept")]);
    // A line would be found by its order's id alone, as the other lines of it.
    let lines = ["1", "2"].map(|number| line("B-1", Some(number), "7.5", AT, bare.clone()));
    let decided = decide(&lines, Some(DAYS_30), AFTER);
    assert_eq!(decided.conversions, []);
    assert_eq!(pairs(&decided.in_the_way), [("B-1", "ids_not_kept"); 2]);
}
