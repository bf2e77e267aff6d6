//! The status poll of many leads.

#![expect(clippy::expect_used, reason = "a test that can't go on fails")]

use cpa_moe::{CpaMoe, Stage, read_list};
use postback_core::{
    http::Answer,
    network::{TracksStatus, configure},
};
use serde_json::json;

fn network() -> CpaMoe {
    configure(r#"{ "user": 2718, "key": "abc" }"#).expect("settings")
}

#[test]
fn leads_are_asked_about_by_our_ids_with_commas_between() {
    let request = network().ask(&["A-1", "A-2", "no id"]);

    assert_eq!(request.body().map(|body| body["ids"].clone()), Some(json!("A-1,A-2")));
}

#[test]
fn progress_is_found_by_our_id_and_ends_with_a_final_status() {
    let answer = json!({
        "A-1": { "id": "A-1", "uid": 9, "stage": "approve", "status": 10 },
        "A-2": { "id": "A-2", "uid": 8, "stage": "hold" },
        "A-3": { "id": "A-3", "uid": 7, "stage": "trash" },
    });

    let progress = network().progress(&Answer::new(200, answer.to_string())).expect("a list");

    assert_eq!(progress["A-1"].status.get("stage"), Some("approve"));
    assert!(progress["A-1"].is_final && !progress["A-2"].is_final);
    assert!(!progress["A-1"].is_dropped && progress["A-3"].is_dropped);
}

#[test]
fn an_unknown_stage_status_and_reason_are_kept() {
    let answer = json!({ "A-1": { "uid": 9, "stage": "frozen", "status": 99, "reason": "77" } });

    let list = read_list(&Answer::new(200, answer.to_string())).expect("a list");

    let details = list.leads[0].details();
    assert_eq!(list.leads[0].stage, Some(Stage::Other("frozen".to_owned())));
    assert_eq!(details.get("stage"), Some("frozen"));
    assert_eq!(details.get("status"), Some("99"));
    assert_eq!(details.get("reason"), Some("77"));
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
