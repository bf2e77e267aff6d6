//! Any answer to a new lead at cpa.moe.

#![no_main]

use std::sync::LazyLock;

use cpa_moe::CpaMoe;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use postback_core::{
    delivery::{IfAbsent, Proof, Verdict},
    network::Network,
};
use postback_fuzz::{
    answers::{Given, given, is_sound},
    json::Json,
    mutate,
    networks::{self, Fixture, PHONE},
    seeds,
};

static FIXTURE: LazyLock<Fixture<CpaMoe>> = LazyLock::new(networks::cpa_moe);

fuzz_target!(init: seeds::from_answers(&["cpa_moe/answers"]), |data: &[u8]| {
    let Some(given) = given(data) else { return };

    let classification = FIXTURE.network.verdict(&FIXTURE.report, &given.answer, &given.attempt);

    is_sound(&classification);
    assert_ne!(classification.references.get("lead_id"), Some(PHONE));
    assert_ne!(classification.details.get("error"), Some(PHONE));
    match classification.verdict {
        Verdict::Delivered(proof) => {
            assert_eq!(proof, Proof::Response);
            assert!(given.answer.status < 500, "a failing server is not believed");
            assert!(!given.answer.is_redirect(), "a redirect is no answer");
            assert!(is_a_lead(&given));
        }
        Verdict::Accepted(_) | Verdict::Skipped(_) => panic!("it confirms or it refuses"),
        Verdict::Unconfirmed { if_absent: IfAbsent::Reject, .. } => {
            assert!(given.text().to_lowercase().contains("dup") || given.text().contains('\\'));
        }
        _ => {}
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed, 3)
});

/// Returns true if the body is an object that says ok, names an id and no error.
fn is_a_lead(given: &Given) -> bool {
    let Some(json) = given.json() else { return false };
    if json.has_private_names() {
        return true;
    }
    let says_ok = json.last("status").and_then(Json::word);
    let says_ok = says_ok.is_some_and(|word| word.eq_ignore_ascii_case("ok"));
    let id = json.last("id").and_then(Json::word).unwrap_or_default();
    let is_id = id.bytes().all(|b| b.is_ascii_digit()) && id.contains(|c| c != '0') && id != PHONE;
    let says_two_things = json.is_twice("status") || json.is_twice("id") || json.is_twice("error");
    let no_error = match json.last("error") {
        None | Some(Json::Null | Json::Flag(false)) => true,
        Some(Json::List(list)) => list.is_empty(),
        Some(Json::Text(word) | Json::Number(word)) => matches!(word.trim(), "" | "0"),
        Some(_) => false,
    };
    says_ok && is_id && no_error && !says_two_things
}
