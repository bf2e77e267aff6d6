//! Any list of leads from cpa.moe: the lookup of a lost answer, and the status poll.

#![no_main]

use std::sync::LazyLock;

use cpa_moe::{CpaMoe, read_list};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use postback_core::{delivery::Lookup, network::{ReadsBack, Sought}};
use postback_fuzz::{
    answers::{Given, given, is_narrow},
    json::Json,
    mutate,
    networks::{self, Fixture, ORDER_ID},
    seeds,
};

static FIXTURE: LazyLock<Fixture<CpaMoe>> = LazyLock::new(networks::cpa_moe);

fuzz_target!(init: seeds::from_answers(&["cpa_moe/answers/list"]), |data: &[u8]| {
    let Some(given) = given(data) else { return };

    match FIXTURE.network.found(&Sought::Report(&FIXTURE.report), &given.answer) {
        Lookup::Found { references } => {
            is_narrow(&references);
            assert_eq!(references.get("our_id"), Some(ORDER_ID));
            assert!(holds(&given, ORDER_ID));
        }
        Lookup::Absent => assert!(is_empty(&given)),
        Lookup::Failed { .. } => {}
    }
    let Ok(list) = read_list(&given.answer) else { return };
    for lead in list.leads {
        is_narrow(&lead.references());
        is_narrow(&lead.details());
        assert!(holds(&given, lead.our_id.as_str()));
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed, 3)
});

/// Returns true if a 2xx answer lists a lead of ours as `id`, under that name or in itself.
fn holds(given: &Given, id: &str) -> bool {
    let Some(json) = given.json().filter(|_| given.answer.is_success()) else { return false };
    let names = |entry: &Json| {
        entry.last("id").and_then(Json::word).is_none_or(|own| own.is_empty() || own == id)
    };
    json.has_private_names()
        || match &json {
            Json::Object(_) => json.last(id).is_some_and(|lead| {
                lead.members().is_some_and(|said| !said.is_empty()) && names(lead)
            }),
            Json::List(leads) => leads.iter().any(|lead| lead.last("id").is_some() && names(lead)),
            _ => false,
        }
}

/// Returns true if a 2xx answer lists nothing: only that is a clean "not there".
fn is_empty(given: &Given) -> bool {
    let nothing = match given.json() {
        Some(Json::Object(members)) => members.is_empty(),
        Some(Json::List(leads)) => leads.is_empty(),
        _ => false,
    };
    nothing && given.answer.is_success()
}
