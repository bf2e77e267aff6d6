//! Answers that say nothing, and answers that are almost right.

use fastrand::Rng;
use postback_core::http::BODY_CAP;

const BOM: &[u8] = b"\xef\xbb\xbf";
const PAGE: &[u8] =
    b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>100</body></html>";

/// A transparent GIF of one pixel.
pub(crate) const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\
    !\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// Pages for people.
pub(crate) fn pages() -> Vec<Vec<u8>> {
    let shouted = PAGE.to_ascii_uppercase();
    vec![PAGE.to_vec(), [BOM, PAGE].concat(), [b" \r\n", PAGE].concat(), shouted]
}

/// Bodies that no network means anything by.
pub(crate) fn nothings() -> Vec<Vec<u8>> {
    let deep = [vec![b'['; 5_000], vec![b']'; 5_000]].concat();
    let deep_object = [br#"{"a":"#.repeat(5_000), b"1".to_vec(), b"}".repeat(5_000)].concat();
    let texts: [&[u8]; 16] = [
        b"",
        b" ",
        b"\r\n\r\n",
        BOM,
        b"ok",
        b"OK",
        b"null",
        b"true",
        b"1",
        b"\"\"",
        b"[]",
        b"{}",
        b"{",
        b"[{}]",
        b"\0\0\0\0",
        b"\xff\xfe\xfd",
    ];
    let mut bodies: Vec<_> = texts.iter().map(|text| text.to_vec()).collect();
    bodies.extend([GIF.to_vec(), [BOM, b"garbage"].concat(), deep, deep_object]);
    bodies.extend([vec![b'a'; BODY_CAP], vec![b' '; BODY_CAP], vec![0xff; BODY_CAP]]);
    bodies
}

/// Random bytes, or random printable characters.
pub(crate) fn random(rng: &mut Rng) -> Vec<u8> {
    let printable = rng.bool();
    let byte = |rng: &mut Rng| if printable { rng.u8(0x20..0x7f) } else { rng.u8(..) };
    (0..rng.usize(..200)).map(|_| byte(rng)).collect()
}

/// `body` with a few of the things done to it that go wrong on the way.
pub(crate) fn mutated(rng: &mut Rng, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(..=body.len());
        let end = rng.usize(at..=body.len());
        match rng.u8(..8) {
            0 => body.truncate(at),
            1 => drop(body.drain(at..end)),
            2 => body.insert(at, rng.u8(..)),
            3 if at < body.len() => body[at] ^= 1 << rng.u8(..8),
            4 => {
                let again = body[at..end].to_vec();
                body.splice(at..at, again);
            }
            5 => body.splice(0..0, BOM.iter().copied()).for_each(drop),
            6 => body[at..end].make_ascii_uppercase(),
            _ => body.reverse(),
        }
    }
    body
}

/// `body` once for each word in it, that word replaced by `other`.
pub(crate) fn each_word_replaced(body: &[u8], other: &str) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(body);
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
    let mut replaced = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_word(c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                let body = format!("{}{other}{}", &text[..from], &text[at..]);
                replaced.push(body.into_bytes());
                start = None;
            }
            _ => {}
        }
    }
    replaced
}
