//! Asking how far many leads are.

#![expect(clippy::expect_used, reason = "a test that can't go on fails")]

use cpa_moe::{CpaMoe, OurId, Stage, read_list};
use postback::{http::Answer, network::configure};
use serde_json::json;

fn network() -> CpaMoe {
    configure(r#"{ "user": 2718, "key": "abc" }"#).expect("settings")
}

fn asked(count: usize) -> Vec<usize> {
    let ids: Vec<_> = (1..=count).map(|n| OurId::kept(&format!("A-{n}")).expect("an id")).collect();
    let requests = network().list(&ids);
    let ids = requests.iter().filter_map(|request| request.body()?["ids"].as_str());
    ids.map(|ids| ids.split(',').count()).collect()
}

#[test]
fn fifty_leads_are_one_request_fifty_one_are_two_and_none_is_none() {
    assert_eq!(asked(0), [0; 0]);
    assert_eq!(asked(1), [1]);
    assert_eq!(asked(50), [50]);
    assert_eq!(asked(51), [50, 1]);
    assert_eq!(asked(120), [50, 50, 20]);
}

#[test]
fn an_unknown_stage_status_and_reason_are_kept() {
    let answer = json!({ "A-1": { "uid": 9, "stage": "frozen", "status": 99, "reason": "77" } });

    let list = read_list(&Answer::new(200, answer.to_string())).expect("a list");

    let evidence = list.leads[0].evidence();
    assert_eq!(list.leads[0].stage, Some(Stage::Other("frozen".to_owned())));
    assert_eq!(evidence.get("stage"), Some("frozen"));
    assert_eq!(evidence.get("status"), Some("99"));
    assert_eq!(evidence.get("reason"), Some("77"));
    assert_eq!(list.leads[0].references().get("lead_id"), Some("9"));
    assert!(!list.leads[0].is_final());
}

#[test]
fn what_is_no_lead_among_leads_costs_the_others_nothing() {
    let answer =
        json!({ "A-1": { "uid": 9, "stage": "approve" }, "A-2": null, "A,3": { "uid": 1 } });

    let list = read_list(&Answer::new(200, answer.to_string())).expect("a list");

    assert!(!list.is_whole);
    assert_eq!(list.leads.len(), 1);
    assert!(list.leads[0].is_final());
}

#[test]
fn a_lead_whose_id_is_the_word_status_is_a_lead() {
    let answer = json!({ "status": { "id": "status", "uid": 9, "stage": "wait" } });

    let list = read_list(&Answer::new(200, answer.to_string())).expect("a list");

    assert_eq!(list.leads[0].our_id.as_str(), "status");
}

#[test]
fn an_error_is_no_list() {
    let reason = |status, body: &str| {
        let list = read_list(&Answer::new(status, body));
        list.expect_err("no list").to_string()
    };

    assert_eq!(reason(200, r#"{"status":"error","error":"key"}"#), "lookup_refused");
    assert_eq!(reason(200, "<html>"), "lookup_unreadable");
    assert_eq!(reason(500, "[]"), "lookup_http_error");
}
