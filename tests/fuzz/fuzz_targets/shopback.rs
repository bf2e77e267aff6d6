//! Any answer of ShopBack.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use postback_core::{
    delivery::{Proof, Scope, Verdict},
    http::Answer,
    network::Network,
};
use postback_fuzz::{
    answers::{given, is_sound},
    networks::{self, Fixture},
    seeds,
};
use shopback::ShopBack;

static FIXTURES: LazyLock<[Fixture<ShopBack>; 4]> = LazyLock::new(|| {
    [(false, false), (false, true), (true, false), (true, true)]
        .map(|(line, several)| networks::shopback(line, several))
});

fuzz_target!(init: seeds::from_answers(&["shopback/answers"]), |data: &[u8]| {
    let Some(given) = given(data) else { return };
    let (line, several) = (given.flag(0), given.flag(1));
    let fixture = &FIXTURES[usize::from(line) * 2 + usize::from(several)];

    let classification = fixture.network.verdict(&fixture.report, &given.answer, &given.attempt);

    is_sound(&classification);
    let text = given.text().to_ascii_lowercase();
    match classification.verdict {
        Verdict::Delivered(Proof::Response) => assert!(says(&text, "true"), "{text:?}"),
        Verdict::Delivered(_) => panic!("a duplicate is judged by the other orders of its click"),
        Verdict::Duplicate => {
            assert!(!line, "another line is no duplicate");
            assert!(says(&text, "false") && text.contains("duplicate"), "{text:?}");
        }
        Verdict::Accepted(_) | Verdict::Skipped(_) => panic!("it confirms or it refuses"),
        _ => {}
    }
    if given.flag(2) {
        let echo: String = text.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
        an_echo_decides_nothing(fixture, &echo, &given.attempt);
    }
});

/// Returns true if the first pair is `success`, in either spelling, with `value`.
fn says(text: &str, value: &str) -> bool {
    let rest = ["success", "sucess"].iter().find_map(|key| text.strip_prefix(key));
    let rest = rest.and_then(|rest| rest.trim_start().strip_prefix('='));
    let Some(rest) = rest.and_then(|rest| rest.trim_start().strip_prefix(value)) else {
        return false;
    };
    let behind = rest.trim_start();
    let blanks = &rest[..rest.len() - behind.len()];
    behind.is_empty() || behind.starts_with(';') || blanks.contains(['\r', '\n'])
}

/// A click id comes from a link that anybody can write: whatever it reads, it is an unknown click,
/// and nothing stops all orders.
fn an_echo_decides_nothing(
    fixture: &Fixture<ShopBack>,
    echo: &str,
    attempt: &postback_core::delivery::Attempt,
) {
    let answer = Answer::new(200, format!("success=false; err_msg=Invalid Trans. ID #{echo}.;"));
    let classification = fixture.network.verdict(&fixture.report, &answer, attempt);
    assert_eq!(classification.verdict, Verdict::rejected("invalid_click"), "{echo}");

    let answer = Answer::new(200, format!("success=false; err_msg=Something about #{echo}.;"));
    let verdict = fixture.network.verdict(&fixture.report, &answer, attempt).verdict;
    assert!(!matches!(verdict, Verdict::Parked { scope: Scope::Network, .. }), "{echo}");
}
