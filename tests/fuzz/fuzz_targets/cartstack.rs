//! Any answer to a confirmation at CartStack.

#![no_main]

use std::sync::LazyLock;

use cartstack::CartStack;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use postback_core::{
    delivery::{Proof, Verdict},
    network::Network,
};
use postback_fuzz::{
    answers::{Given, given, is_sound},
    json::Json,
    mutate,
    networks::{self, Fixture},
    seeds,
};

static FIXTURE: LazyLock<Fixture<CartStack>> = LazyLock::new(networks::cartstack);

fuzz_target!(init: seeds::from_answers(&["cartstack/answers"]), |data: &[u8]| {
    let Some(given) = given(data) else { return };

    let classification = FIXTURE.network.verdict(&FIXTURE.report, &given.answer, &given.attempt);

    is_sound(&classification);
    match classification.verdict {
        Verdict::Delivered(proof) => {
            assert_eq!(proof, Proof::Response);
            assert!(!given.answer.is_redirect(), "a redirect is no answer");
            assert!(says(&given, &["100"]));
        }
        Verdict::Held(_) => assert!(given.attempt.in_doubt && says(&given, &["102"])),
        Verdict::Accepted(_) => panic!("it confirms or it refuses"),
        Verdict::Skipped(_) => assert!(!given.attempt.in_doubt && says(&given, &["102"])),
        _ => {}
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed, 3)
});

/// Returns true if the body is an object with one `resp`, in any case, and that is one of `codes`.
fn says(given: &Given, codes: &[&str]) -> bool {
    let text = given.text();
    let Some(json) = Json::parse(&text) else { return Json::may_be_too_deep(&text) };
    if json.has_private_names() {
        return true;
    }
    let members = json.members().unwrap_or_default();
    let resp: Vec<_> =
        members.iter().filter(|member| member.0.eq_ignore_ascii_case("resp")).collect();
    let [(_, resp)] = resp[..] else { return false };
    resp.word().is_some_and(|code| codes.contains(&code))
}
