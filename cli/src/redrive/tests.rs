use std::{env, fs, process};

use serde_json::json;

use super::*;
use crate::{fixtures::FakeAws, networks::PLATFORMS};

/// 2026-11-21T10:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

/// Puts an order with this id and total in the place of the faulty order A-1.
async fn corrected(aws: &FakeAws, order_id: &str, total: &str) -> Result<(), Failure> {
    let order = json!({
        "order_id": order_id, "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "EUR", "total": total,
    });
    let file = env::temp_dir().join(format!("postback-redrive-{}-{order_id}", process::id()));
    fs::write(&file, order.to_string()).expect("a file");
    let (message, order) = (Some("letter".to_owned()), Some(file.clone()));
    let wanted = Redrive { bus: true, message, order, limit: 10, ..Redrive::default() };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut out, err: &mut err };
    let done = run(&aws.account, &wanted, NOW, &mut output).await;
    fs::remove_file(file).expect("removed");
    done
}

#[tokio::test]
async fn a_letter_goes_only_for_its_own_order_without_faults() {
    let aws = FakeAws::start().await;

    let other = corrected(&aws, "A-2", "14.99").await;
    let faulty = corrected(&aws, "A-1", "14,99").await;

    assert!(matches!(other, Err(Failure::OtherOrder { .. })), "{other:?}");
    assert!(matches!(faulty, Err(Failure::FaultyOrder { .. })), "{faulty:?}");
    assert_eq!((aws.calls("PutEvents"), aws.calls("DeleteMessage")), (0, 0));
    // Others see the letter again at once, and the one beside it.
    assert_eq!(aws.calls("ChangeMessageVisibility"), 2);
    assert_eq!(corrected(&aws, "A-1", "14.99").await, Ok(()));
    assert_eq!((aws.calls("PutEvents"), aws.calls("DeleteMessage")), (1, 1));
}

#[tokio::test]
async fn an_event_of_a_partner_bus_goes_back_to_its_shop_systems_queue() {
    let platform = PLATFORMS.iter().find(|it| it.partner.is_some()).expect("one");
    let url = format!("{}PartnerEventsUrl", platform.prefix);
    let all = Redrive { bus: true, limit: 10, ..Redrive::default() };
    for (outputs, done, sent) in [(vec![url], Done::Redriven, 1), (vec![], Done::Left, 0)] {
        let aws = FakeAws::start().await.with_partner_letter(&outputs);

        let (letters, worked) = redrive(&aws.account, &all, NOW).await.expect("looked at");

        assert_eq!((worked, letters[0].done), (Ok(()), done), "{letters:?}");
        assert_eq!(aws.calls("SendMessage of a partner event"), sent);
        assert_eq!((aws.calls("SendMessage"), aws.calls("DeleteMessage")), (sent, sent));
    }
}

#[tokio::test]
async fn an_order_that_the_bus_did_not_take_goes_on_the_bus_as_it_is() {
    let aws = FakeAws::start().await.with_untaken_letter();
    let all = |dry_run| Redrive { bus: true, dry_run, limit: 10, ..Redrive::default() };

    let (shown, _) = redrive(&aws.account, &all(true), NOW).await.expect("looked at");
    assert_eq!((shown[0].done, shown[0].why.as_str()), (Done::Left, "bus_unavailable"));
    assert_eq!(aws.calls("PutEvents"), 0);

    let (letters, worked) = redrive(&aws.account, &all(false), NOW).await.expect("looked at");

    assert_eq!((worked, letters[0].done), (Ok(()), Done::Redriven), "{letters:?}");
    let calls = ["PutEvents", "DeleteMessage", "SendMessage"].map(|action| aws.calls(action));
    assert_eq!(calls, [1, 1, 0]);
}

#[tokio::test]
async fn an_encrypted_event_stays_until_its_decrypted_order_takes_its_place() {
    let aws = FakeAws::start().await.with_encrypted_letter();
    let all = Redrive { bus: true, limit: 10, ..Redrive::default() };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: false, out: &mut out, err: &mut err };

    let left = run(&aws.account, &all, NOW, &mut output).await;

    let Err(Failure::Left { left: 1, why }) = left else { panic!("{left:?}") };
    assert!(why.contains("encrypted") && why.contains("runbook"), "{why}");
    let shown = String::from_utf8_lossy(&out);
    assert!(shown.contains("redrive does not decrypt") && !shown.contains("AgR4"), "{shown}");
    assert_eq!((aws.calls("SendMessage"), aws.calls("DeleteMessage")), (0, 0));
    assert_eq!(corrected(&aws, "A-9", "14.99").await, Ok(()));
    assert_eq!((aws.calls("PutEvents"), aws.calls("DeleteMessage")), (1, 1));
}

#[tokio::test]
async fn letters_beyond_the_limit_are_never_left_out_in_silence() {
    let aws = FakeAws::start().await;
    let few = |limit| Redrive { bus: true, dry_run: true, limit, ..Redrive::default() };

    let (letters, worked) = redrive(&aws.account, &few(0), NOW).await.expect("looked at");

    assert_eq!((letters.len(), worked), (0, Err(Failure::More { limit: 0 })));
    // Others see what it met at once.
    assert_eq!(aws.calls("ChangeMessageVisibility"), 2);
    let (letters, worked) = redrive(&aws.account, &few(2), NOW).await.expect("looked at");
    assert_eq!((letters.len(), worked), (2, Ok(())));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: false, out: &mut out, err: &mut err };
    let ended = run(&aws.account, &few(0), NOW, &mut output).await;
    assert_eq!(ended.map_err(|failure| failure.exit_status()), Err(5));
}

/// Discards letters of the faulty orders: A-1 in `letter`, and `other`, which is no order.
async fn discarded(aws: &FakeAws, wanted: Redrive) -> (Result<(), Failure>, String) {
    let wanted = Redrive { bus: !wanted.status, limit: 10, ..wanted };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut out, err: &mut err };
    let done = run(&aws.account, &wanted, NOW, &mut output).await;
    (done, String::from_utf8(out).expect("text"))
}

#[tokio::test]
async fn a_letter_that_is_named_is_deleted_and_no_other_touched() {
    let aws = FakeAws::start().await;
    let named = |ids: &[&str], yes| Redrive {
        discard: ids.iter().map(ToString::to_string).collect(),
        yes,
        ..Redrive::default()
    };

    let (unasked, _) = discarded(&aws, named(&["other"], false)).await;
    let (unknown, _) = discarded(&aws, named(&["other", "none"], true)).await;

    assert!(matches!(unasked, Err(Failure::NotAsked(_))), "{unasked:?}");
    assert!(matches!(unknown, Err(Failure::Left { left: 1, why: NO_MESSAGE })), "{unknown:?}");
    assert_eq!(aws.calls("DeleteMessage"), 0);
    let (done, shown) = discarded(&aws, named(&["other"], true)).await;
    assert_eq!(done, Ok(()), "{shown}");
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let letters = shown["letters"].as_array().expect("letters");
    assert_eq!((letters.len(), &letters[0]["done"]), (1, &json!("discarded")), "{shown}");
    assert_eq!((aws.calls("DeleteMessage"), aws.calls("SendMessage")), (1, 0));
}

#[tokio::test]
async fn the_letters_of_a_status_queue_are_seen_put_back_and_deleted() {
    let aws = FakeAws::start().await;
    let of = |dry_run, discard: &[&str]| Redrive {
        network: Some("net".to_owned()),
        status: true,
        dry_run,
        discard: discard.iter().map(ToString::to_string).collect(),
        yes: !discard.is_empty(),
        ..Redrive::default()
    };

    let (looked, shown) = discarded(&aws, of(true, &[])).await;

    assert_eq!(looked, Ok(()));
    assert!(shown.contains("\"A-1\"") && shown.contains("about a lead"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
    assert_eq!((aws.calls("SendMessage"), aws.calls("DeleteMessage")), (0, 0));
    assert_eq!(discarded(&aws, of(false, &["lead"])).await.0, Ok(()));
    assert_eq!((aws.calls("SendMessage"), aws.calls("DeleteMessage")), (0, 1));
    assert_eq!(discarded(&aws, of(false, &[])).await.0, Ok(()));
    assert_eq!((aws.calls("SendMessage"), aws.calls("DeleteMessage")), (1, 2));
}
