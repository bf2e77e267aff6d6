//! The verification, of receipts that another program signed.

use clap::Parser;

use super::*;
use crate::{
    args::{Arguments, Claims, Command, Receipt},
    claims,
    fixtures::{FakeAws, paid},
};

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/reconcile/tests/files");

/// Checks a file of receipts, and returns the answer with the code of the failure.
fn check(file: &str, flags: &[&str]) -> (String, Option<&'static str>) {
    check_with(&format!("{FILES}/receipt-key.pem"), file, flags)
}

fn check_with(key: &str, file: &str, flags: &[&str]) -> (String, Option<&'static str>) {
    let line = ["postback", "receipt", "verify", file, "--key", key];
    let arguments = Arguments::try_parse_from(line.iter().chain(flags)).expect("a command line");
    let Command::Receipt(Receipt::Verify(wanted)) = &arguments.command else {
        panic!("another command");
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: false, out: &mut out, err: &mut err };
    let failure = verify(wanted, &mut output).err().map(|failure| failure.code());
    (String::from_utf8(out).expect("text"), failure)
}

#[test]
fn a_receipt_verifies_without_aws_and_a_changed_one_does_not() {
    let file = format!("{FILES}/receipts.jsonl");
    assert_eq!(check(&file, &[]), ("2 valid, 0 not valid\n".to_owned(), None));
    let (shown, failure) = check(&file, &["--order", "A-1001"]);
    assert_eq!(shown, "line 2: it is about another order\n1 valid, 1 not valid\n");
    assert_eq!(failure, Some("needs_person"));

    let changed = fs::read_to_string(&file).expect("receipts").replacen("1499", "1498", 1);
    let path = std::env::temp_dir().join(format!("postback-receipts-{}", std::process::id()));
    fs::write(&path, changed).expect("written");
    let (shown, failure) = check(&path.display().to_string(), &[]);
    assert!(shown.starts_with("line 1: the signature does not fit"), "{shown}");
    assert_eq!(failure, Some("needs_person"));
    // The signed amount is still there, behind another one.
    let receipts = fs::read_to_string(&file).expect("receipts");
    let twice = receipts.replacen("\"amount\":", "\"amount\":\"9999\",\"amount\":", 1);
    assert_ne!(twice, receipts);
    fs::write(&path, twice).expect("written");
    let (shown, failure) = check(&path.display().to_string(), &[]);
    assert_eq!(shown, "line 1: it is no receipt\n1 valid, 1 not valid\n");
    assert_eq!(failure, Some("needs_person"));
    fs::write(&path, "").expect("written");
    assert_eq!(check(&path.display().to_string(), &[]).1, Some("bad_file"));
    fs::remove_file(&path).expect("removed");
}

#[test]
fn each_byte_of_a_receipt_counts() {
    let receipts = fs::read(format!("{FILES}/receipts.jsonl")).expect("receipts");
    let key = fs::read(format!("{FILES}/receipt-key.pem")).expect("a key");
    let key = PublicKey::parse(&key).expect("a key");
    let end = receipts.iter().position(|byte| *byte == b'\n').expect("a line");
    let verifies = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let all = parse_receipts(&text).into_iter();
        let mut all = all.map(|(_, signed)| signed.and_then(|signed| signed.verify(&key, None)));
        all.len() == 1 && all.all(|valid| valid.is_ok())
    };
    assert!(verifies(&receipts[..end]));
    for at in 0..end {
        for changed in [receipts[at] ^ 1, receipts[at] ^ 0x20, b'0'] {
            let mut other = receipts[..end].to_vec();
            other[at] = changed;
            let is_other = other != receipts[..end];
            assert!(!is_other || !verifies(&other), "byte {at} as {}", char::from(changed));
        }
        assert!(!verifies(&receipts[..at]), "cut at {at}");
    }
}

/// A delivery with its answer, and the validation that is no delivery of its own.
async fn put(aws: &FakeAws) {
    let mut delivered = paid("net", "delivered", "10.5", "EUR");
    delivered.attempts = serde_json::from_value(serde_json::json!({ "entries": [{
        "number": 1, "started_at": "2026-11-21T10:15:00Z", "ended_at": "2026-11-21T10:15:01Z",
        "state": "delivered", "details": { "http_status": "200" },
    }] }))
    .expect("attempts");
    let mut validation = paid("net!validation", "retrying", "10.5", "EUR");
    validation.protocol.validation = serde_json::from_value(serde_json::json!({
        "of_version": 2, "lock_at": "2026-12-21T10:15:00Z", "standing": "reported",
    }))
    .expect("a validation");
    for record in [delivered, validation] {
        aws.table.ledger().put(&record, None).await.expect("a write");
    }
}

#[tokio::test]
async fn kms_signs_the_receipt_of_a_claim_and_its_public_key_alone_verifies_it() {
    let aws = FakeAws::start().await.with_receipt_key();
    put(&aws).await;
    let path = |name: &str| {
        let file = format!("postback-{name}-{}", std::process::id());
        std::env::temp_dir().join(file).display().to_string()
    };
    let [list, receipts, key] = ["signed-list", "signed", "signing-key"].map(path);
    fs::write(&list, "Order ID,Date,Amount\nA-1,2026-11-21,10.50\n").expect("written");
    let line = ["postback", "claims", "answer", &list, "--network", "net", "--receipts", &receipts];
    let arguments = Arguments::try_parse_from(line).expect("a command line");
    let Command::Claims(Claims::Answer(wanted)) = &arguments.command else {
        panic!("another command");
    };
    let now = Timestamp::parse("2026-11-28T00:00:00Z").expect("an instant");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: false, out: &mut out, err: &mut err };

    claims::run(&aws.account, wanted, now, &mut output).await.expect("an answer");
    let (mut shown, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: false, out: &mut shown, err: &mut err };
    super::key(&aws.account, &mut output).await.expect("the key");

    fs::write(&key, &shown).expect("written");
    assert_eq!((aws.calls("Sign"), aws.calls("GetPublicKey")), (1, 1));
    let valid = ("1 valid, 0 not valid\n".to_owned(), None);
    assert_eq!(check_with(&key, &receipts, &["--order", "A-1"]), valid);
    let signed = fs::read_to_string(&receipts).expect("receipts");
    assert!(!signed.contains("A-1"), "{signed}");
    for (was, is) in [("10.5", "10.6"), ("\"200\"", "\"500\""), ("10:15:00Z", "10:15:02Z")] {
        fs::write(&receipts, signed.replacen(was, is, 1)).expect("written");
        let (shown, failure) = check_with(&key, &receipts, &[]);
        assert!(shown.starts_with("line 1: the signature does not fit"), "{was}: {shown}");
        assert_eq!(failure, Some("needs_person"));
    }
    for file in [list, receipts, key] {
        fs::remove_file(file).expect("removed");
    }
}
