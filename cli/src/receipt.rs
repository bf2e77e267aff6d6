//! `receipt`: signed receipts of deliveries, and their verification without AWS.

use std::{collections::BTreeMap, fs, path::Path};

use aws_sdk_kms::{
    primitives::Blob,
    types::{MessageType, SigningAlgorithmSpec},
};
use postback_core::{clock::Timestamp, delivery::Record};
use postback_reconcile::receipt::{PublicKey, Signed, parse_receipts, pem, receipt, signed_digest};
use serde::Serialize;

use crate::{
    account::{Account, failed},
    args::Verify,
    failure::{Failure, why_not},
    view::Output,
};

#[cfg(test)]
mod tests;

/// The output of the stack that names its key.
const KEY: &str = "ReceiptKeyArn";

#[derive(Serialize)]
struct View {
    valid: usize,
    /// The lines that are not valid, with the reason.
    invalid: BTreeMap<usize, String>,
}

/// Checks the receipts of a file.
pub(crate) fn verify(wanted: &Verify, output: &mut Output<'_>) -> Result<(), Failure> {
    let bad =
        |path: &Path, fault: String| Failure::BadFile { file: path.display().to_string(), fault };
    let key = fs::read(&wanted.key).map_err(|error| bad(&wanted.key, why_not(&error)))?;
    let key = PublicKey::parse(&key).map_err(|error| bad(&wanted.key, error.to_string()))?;
    let text = fs::read_to_string(&wanted.file);
    let text = text.map_err(|error| bad(&wanted.file, why_not(&error)))?;
    let mut view = View { valid: 0, invalid: BTreeMap::new() };
    for (line, signed) in parse_receipts(&text) {
        match signed.and_then(|signed| signed.verify(&key, wanted.order.as_deref())) {
            Ok(()) => view.valid += 1,
            Err(invalid) => drop(view.invalid.insert(line, invalid.to_string())),
        }
    }
    if view.valid + view.invalid.len() == 0 {
        return Err(bad(&wanted.file, "it holds no receipt".to_owned()));
    }
    let mut lines: Vec<_> =
        view.invalid.iter().map(|(line, why)| format!("line {line}: {why}")).collect();
    lines.push(format!("{} valid, {} not valid", view.valid, view.invalid.len()));
    output.answer(&lines, &view);
    match view.invalid.len() {
        0 => Ok(()),
        count => Err(Failure::NeedsPerson(format!("Not valid: {count}."))),
    }
}

/// Shows the public key.
pub(crate) async fn key(account: &Account, output: &mut Output<'_>) -> Result<(), Failure> {
    let client = aws_sdk_kms::Client::new(&account.place.config);
    let key = client.get_public_key().key_id(account.output(KEY)?).send().await;
    let key = key.map_err(|error| failed("KMS", "GetPublicKey", &error))?;
    let pem = pem(key.public_key().map(Blob::as_ref).unwrap_or_default());
    output.answer(&[pem.trim_end().to_owned()], &pem);
    Ok(())
}

/// Signs the receipt of a delivery with the stack's key.
pub(crate) async fn sign(
    account: &Account,
    client: &aws_sdk_kms::Client,
    record: &Record,
    now: Timestamp,
) -> Result<Signed, Failure> {
    let receipt = receipt(record, now);
    let sign = client
        .sign()
        .key_id(account.output(KEY)?)
        .message(Blob::new(signed_digest(&receipt)))
        .message_type(MessageType::Digest)
        .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256);
    let signed = sign.send().await.map_err(|error| failed("KMS", "Sign", &error))?;
    Ok(Signed::new(receipt, signed.signature().map(Blob::as_ref).unwrap_or_default()))
}
