//! Any `Retry-After` at any time.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use postback_conformance::NOW;
use postback_core::{
    clock::Timestamp,
    http::{RETRY_AFTER_CAP, retry_after},
};
use postback_fuzz::seeds;

fuzz_target!(init: seeds(), |data: &[u8]| {
    let Some((now, header)) = data.split_first_chunk() else { return };
    let now = Timestamp::from_millis(i64::from_le_bytes(*now));
    // A header's value is visible ASCII, or it is not read at all.
    let Ok(header) = str::from_utf8(header) else { return };

    let wait = retry_after(header, now);

    assert!(wait.is_none_or(|wait| wait <= RETRY_AFTER_CAP));
    let digits = header.trim();
    if (1..=19).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = digits.parse().map(Duration::from_secs);
        assert_eq!(wait, seconds.ok().map(|wait| wait.min(RETRY_AFTER_CAP)));
    }
});

fn seeds() {
    let headers = [
        "120",
        "99999999999",
        "Sat, 21 Nov 2026 10:16:30 GMT",
        "Saturday, 21-Nov-26 10:16:30 GMT",
        "Sat Nov 21 10:16:30 2026",
        "soon",
    ];
    for (header, number) in headers.iter().zip(1..) {
        let now = NOW.as_millis().to_le_bytes();
        seeds::write(&format!("{number}"), &[&now, header.as_bytes()].concat());
    }
}
