//! Receipts: what the ledger knows about a delivery, signed so that it can be checked without AWS.

use base64::{Engine, engine::general_purpose::STANDARD};
use postback_core::{
    clock::Timestamp, delivery::Record, digest::sha256, order, redaction::Details,
};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The algorithm of the signature, by the name that KMS has for it.
pub const ALGORITHM: &str = "ECDSA_SHA_256";

/// The beginning of every public key on the curve P-256 in DER, before its point.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A receipt with its signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The receipt.
    pub receipt: Value,
    /// The signature of its canonical JSON, DER in Base64.
    pub signature: String,
    /// [`ALGORITHM`].
    pub algorithm: String,
}

/// The reason that a receipt is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The key is none.
    #[error("the key is no public key on the curve P-256, PEM or DER")]
    Key,
    /// The receipt is none.
    #[error("it is no receipt")]
    Receipt,
    /// The signature is not the key's, or the receipt was changed.
    #[error("the signature does not fit: the receipt was changed, or another key signed it")]
    Signature,
    /// The receipt is about another order.
    #[error("it is about another order")]
    Order,
}

/// The receipt of a delivery: the order by its digest, the attempts, and the network's answers.
#[must_use]
pub fn receipt(record: &Record, now: Timestamp) -> Value {
    let protocol = &record.protocol;
    let attempts = record.attempts.entries().iter().map(|attempt| {
        json!({
            "number": attempt.number.to_string(),
            "started_at": attempt.started_at,
            "ended_at": attempt.ended_at,
            "result": attempt.state,
            "reason": attempt.reason,
            "answer": attempt.details,
        })
    });
    let (amount, currency) = record.money().unwrap_or_default();
    json!({
        "format": "1",
        "order_sha256": digest(&record.order_id),
        "network": record.network(),
        "line": record.line(),
        "state": protocol.state,
        "proof": protocol.proof,
        "amount": amount,
        "currency": currency,
        "references": references(&record.references),
        "attempts": attempts.collect::<Vec<_>>(),
        "issued_at": now,
    })
}

/// The references, for the network only: nothing personal is among them.
fn references(references: &Details) -> Value {
    serde_json::to_value(references).unwrap_or_default()
}

/// The digest by which a receipt names its order.
#[must_use]
pub fn digest(order_id: &str) -> String {
    sha256(order_id, 32)
}

/// The text that is signed: JSON with sorted members and no blanks, all values texts or lists.
#[must_use]
pub fn canonical(receipt: &Value) -> String {
    let mut receipt = receipt.clone();
    receipt.sort_all_objects();
    receipt.to_string()
}

/// The SHA-256 of the text that is signed.
#[must_use]
pub fn signed_digest(receipt: &Value) -> Vec<u8> {
    Sha256::digest(canonical(receipt)).to_vec()
}

impl Signed {
    /// A receipt with the signature that KMS gave.
    #[must_use]
    pub fn new(receipt: Value, signature: &[u8]) -> Self {
        let (signature, algorithm) = (STANDARD.encode(signature), ALGORITHM.to_owned());
        Self { receipt, signature, algorithm }
    }

    /// Checks the signature, and that the receipt is about this order.
    pub fn verify(&self, key: &PublicKey, order_id: Option<&str>) -> Result<(), Invalid> {
        let signature = STANDARD.decode(&self.signature).map_err(|_| Invalid::Receipt)?;
        if self.algorithm != ALGORITHM || !self.receipt["order_sha256"].is_string() {
            return Err(Invalid::Receipt);
        }
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.0);
        let text = canonical(&self.receipt);
        key.verify(text.as_bytes(), &signature).map_err(|_| Invalid::Signature)?;
        let other = |id: &str| self.receipt["order_sha256"] != digest(id);
        if order_id.is_some_and(other) { Err(Invalid::Order) } else { Ok(()) }
    }
}

/// A public key on the curve P-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Parses a key in PEM or DER, as KMS gives it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Invalid> {
        let pem = SubjectPublicKeyInfoDer::from_pem_slice(bytes);
        let der = pem.as_ref().map_or(bytes, |der| der.as_ref());
        let point = der.strip_prefix(&P256).filter(|point| point.len() == 65);
        point.map(|point| Self(point.to_vec())).ok_or(Invalid::Key)
    }
}

/// A public key in PEM.
#[must_use]
pub fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

/// Parses receipts, one a line. One that gives a member twice is none: a person reads the one, and
/// the other is signed.
#[must_use]
pub fn parse_receipts(text: &str) -> Vec<(usize, Result<Signed, Invalid>)> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(number, line)| (number, parse(line).ok_or(Invalid::Receipt))).collect()
}

fn parse(line: &str) -> Option<Signed> {
    serde_json::from_value(order::parse(line).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
    };

    use super::*;

    /// A receipt that a key signed, and the key in DER as KMS gives it.
    fn signed() -> (Signed, Vec<u8>) {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key");
        let record = json!({
            "order_id": "A-1", "delivery": "net#2", "version": 1, "write_id": "0",
            "state_version": 1, "state_at": "2026-11-21T10:15:00Z", "state": "delivered",
            "proof": "response", "attempt": 1,
            "facts": { "line_amount": "1499", "currency": "INR", "click": "abc" },
            "first_seen_at": "2026-11-21T10:15:00Z", "claim_expires_at": "2026-11-21T10:15:00Z",
            "not_before": "2026-11-21T10:15:00Z", "updated_at": "2026-11-21T10:15:00Z",
            "expires_at": 0, "references": { "lead_id": "7" },
            "attempts": { "entries": [{
                "number": 1, "started_at": "2026-11-21T10:15:00Z",
                "ended_at": "2026-11-21T10:15:01Z", "state": "delivered",
                "details": { "http_status": "200" },
            }] },
        });
        let record: Record = serde_json::from_value(record).expect("a record");
        let now = Timestamp::from_millis(1_795_300_000_000);
        let receipt = receipt(&record, now);
        let text = canonical(&receipt);
        let signature = pair.sign(&random, text.as_bytes()).expect("a signature");
        let der = [&P256[..], pair.public_key().as_ref()].concat();
        (Signed::new(receipt, signature.as_ref()), der)
    }

    #[test]
    fn a_receipt_is_verified_with_the_public_key_alone() {
        let (signed, der) = signed();
        for key in [der.clone(), pem(&der).into_bytes()] {
            let key = PublicKey::parse(&key).expect("a key");
            assert_eq!(signed.verify(&key, None), Ok(()));
            assert_eq!(signed.verify(&key, Some("A-1")), Ok(()));
            assert_eq!(signed.verify(&key, Some("A-2")), Err(Invalid::Order));
        }
        // Whatever the order of its members is.
        let text = serde_json::to_string_pretty(&signed).expect("JSON").replace('\n', " ");
        let (_, read) = parse_receipts(&text).remove(0);
        let key = PublicKey::parse(&der).expect("a key");
        assert_eq!(read.expect("a receipt").verify(&key, None), Ok(()));
        assert!(!text.contains("A-1") && text.contains("\"amount\": \"1499\""), "{text}");
    }

    #[test]
    fn a_receipt_that_gives_a_member_twice_is_none() {
        let text = serde_json::to_string(&signed().0).expect("JSON");
        let invalid = |text: &str| parse_receipts(text).remove(0).1.err();
        assert_eq!(invalid(&text), None);
        for (was, is) in [
            (r#""amount":"#, r#""amount":"9999","amount":"#),
            (r#""amount":"#, r#""\u0061mount":"9999","amount":"#),
            (r#""state":"delivered""#, r#""state":"rejected","state":"delivered""#),
            (r#""http_status":"#, r#""http_status":"500","http_status":"#),
            (r#"{"receipt":"#, r#"{"receipt":{},"receipt":"#),
        ] {
            let changed = text.replacen(was, is, 1);
            assert_ne!(changed, text, "{was}");
            assert_eq!(invalid(&changed), Some(Invalid::Receipt), "{is}");
        }
    }

    #[test]
    fn a_receipt_with_any_bit_changed_is_not_valid() {
        let (original, der) = signed();
        let key = PublicKey::parse(&der).expect("a key");
        let text = serde_json::to_string(&original).expect("JSON");
        let is_valid = |bytes: Vec<u8>| {
            let Ok(text) = String::from_utf8(bytes) else { return false };
            parse_receipts(&text)
                .into_iter()
                .any(|(_, one)| one.is_ok_and(|it| it.verify(&key, None).is_ok()))
        };

        assert!(is_valid(text.clone().into_bytes()));
        for (at, bit) in (0..text.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1 << bit;
            assert!(!is_valid(changed), "bit {bit} at {at} of {text}");
        }
    }

    #[test]
    fn a_changed_receipt_and_another_key_fail() {
        let (original, der) = signed();
        let key = PublicKey::parse(&der).expect("a key");
        for (pointer, value) in [
            ("/amount", json!("1499.01")),
            ("/network", json!("other")),
            ("/state", json!("rejected")),
            ("/order_sha256", json!(digest("A-2"))),
            ("/attempts/0/answer/http_status", json!("500")),
            ("/issued_at", json!("2026-11-22T00:00:00Z")),
        ] {
            let mut changed = original.clone();
            *changed.receipt.pointer_mut(pointer).expect("a member") = value;
            assert_eq!(changed.verify(&key, None), Err(Invalid::Signature), "{pointer}");
        }
        let mut more = original.clone();
        more.receipt["more"] = json!("1");
        assert_eq!(more.verify(&key, None), Err(Invalid::Signature));
        let (_, another) = signed();
        let another = PublicKey::parse(&another).expect("a key");
        assert_eq!(original.verify(&another, None), Err(Invalid::Signature));
        assert_eq!(PublicKey::parse(b"no key"), Err(Invalid::Key));
        let mut none = original;
        none.algorithm = "none".to_owned();
        assert_eq!(none.verify(&key, None), Err(Invalid::Receipt));
    }
}
