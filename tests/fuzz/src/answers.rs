//! An answer and the attempt it is to, from a target's bytes.

use std::time::Duration;

use postback_conformance::{NOW, Recorded};
use postback_core::{
    delivery::{Attempt, Verdict},
    http::{Answer, BODY_CAP},
    network::Classification,
    redaction::Details,
};
use serde_json::Value;

use crate::{canary, json::Json};

/// An answer, the attempt it belongs to, and flags for the target.
pub struct Given {
    /// The answer.
    pub answer: Answer,
    /// The attempt.
    pub attempt: Attempt,
    flags: u8,
}

const SECOND: u8 = 1;
const IN_DOUBT: u8 = 1 << 1;
const ASKED_TO_WAIT: u8 = 1 << 2;

/// Two bytes are the status, one is flags, the rest is the body.
pub fn given(data: &[u8]) -> Option<Given> {
    let (&[low, high, flags], body) = data.split_first_chunk()?;
    let status = 100 + u16::from_le_bytes([low, high]) % 500;
    let body = &body[..body.len().min(BODY_CAP)];
    let mut answer = Answer::new(status, body);
    let is = |flag| flags & flag != 0;
    answer.retry_after = is(ASKED_TO_WAIT).then_some(Duration::from_secs(77));
    let number = 1 + u32::from(is(SECOND));
    let attempt = Attempt { number, at: NOW, in_doubt: is(IN_DOUBT) };
    Some(Given { answer, attempt, flags })
}

/// The bytes of which [`given`] makes a recorded answer.
pub fn bytes(file: &Recorded) -> Vec<u8> {
    let [low, high] = (file.answer.status - 100).to_le_bytes();
    let attempt = file.attempt;
    let flags = [
        (attempt.number > 1, SECOND),
        (attempt.in_doubt, IN_DOUBT),
        (file.answer.retry_after.is_some(), ASKED_TO_WAIT),
    ];
    let flags = flags.into_iter().filter(|(is, _)| *is).fold(0, |all, (_, flag)| all | flag);
    [&[low, high, flags], file.answer.body.as_slice()].concat()
}

impl Given {
    /// The target's own flags, 0 to 4.
    pub fn flag(&self, number: u8) -> bool {
        self.flags & (0b1000 << number) != 0
    }

    /// The body as a careless reader would take it: text without a byte-order mark at its start
    /// and outer blanks.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.answer.body).into_owned();
        text.trim_matches(|c: char| c == '\u{feff}' || c.is_whitespace()).to_owned()
    }

    /// The body as JSON, read by [`crate::json`].
    pub fn json(&self) -> Option<Json> {
        Json::parse(&self.text())
    }
}

/// Checks what holds for the classification of any answer: it keeps only short words of a narrow
/// alphabet and nothing of the order or the settings, and claims no proof that an answer can't give.
pub fn is_sound(classification: &Classification) {
    use postback_core::delivery::Proof::{Lookup, Operator};

    assert!(!matches!(classification.verdict, Verdict::Delivered(Lookup | Operator)));
    is_narrow(&classification.references);
    is_narrow(&classification.details);
    canary::is_hidden(&format!("{classification:?}"));
    if let Verdict::Retry { sent, .. } = classification.verdict {
        assert!(sent, "an answer came, so something was sent");
    }
}

/// Checks that only letters, digits and `_-.` are kept, at most 64 of them.
pub fn is_narrow(kept: &Details) {
    let Ok(Value::Object(kept)) = serde_json::to_value(kept) else { panic!("details is a map") };
    for (name, value) in kept {
        let value = value.as_str().unwrap_or_default();
        let narrow = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        assert!((1..=64).contains(&value.len()) && value.chars().all(narrow), "{name}: {value:?}");
    }
}
