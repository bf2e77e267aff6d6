//! The tests of decisions.

use axum::http::{StatusCode, header};
use postback_core::delivery::{Decision, Record, Stamp, State};
use postback_harness::Strike;

use super::bed::{Bed, delivery};
use crate::fixtures::validation;

/// The number of a plan in its preview.
fn plan(page: &str) -> &str {
    let (_, rest) = page.split_once("name=\"id\" value=\"").expect("a plan");
    rest.split('"').next().expect("a number")
}

/// Confirms a preview, and returns the page of results.
pub(super) async fn decided(bed: &mut Bed, preview: &str) -> String {
    let id = plan(preview).to_owned();
    bed.submit("/decide/run", &format!("id={id}")).await;
    let mut work = bed.get(&format!("/work?id={id}")).await.text;
    while work.contains("Deciding:") {
        tokio::task::yield_now().await;
        work = bed.get(&format!("/work?id={id}")).await.text;
    }
    work
}

#[tokio::test]
async fn many_are_decided_after_one_confirmation_and_one_that_moved_on_is_refused() {
    let mut bed = Bed::open(true).await;
    bed.put((0..30).map(|n| delivery(&format!("A-{n}"), "unconfirmed"))).await;
    bed.put([delivery("B-1", "parked")]).await;

    let preview =
        bed.submit("/decide/preview", "which=held&decision=confirm&why=report+of+May").await;
    assert!(preview.text.contains("The network has it: 30 deliveries"), "{}", preview.text);
    assert!(preview.text.contains("315 EUR"), "{}", preview.text);
    assert!(
        preview.text.contains("Confirm: the network has it, 30 deliveries"),
        "{}",
        preview.text
    );
    assert_eq!(bed.record("A-7").await.protocol.state, State::Unconfirmed);
    // It moves on between the preview and the confirmation.
    let mut moved = bed.record("A-7").await;
    moved.version += 1;
    moved.protocol.attempt += 1;
    bed.table.ledger().put(&moved, Some(1)).await.expect("a write");

    let id = plan(&preview.text).to_owned();
    let started = bed.submit("/decide/run", &format!("id={id}")).await;
    assert_eq!(&started.headers[header::LOCATION], &format!("/work?id={id}"));
    let mut work = bed.get(&format!("/work?id={id}")).await.text;
    while work.contains("Deciding:") {
        tokio::task::yield_now().await;
        work = bed.get(&format!("/work?id={id}")).await.text;
    }

    assert!(
        work.contains("29 deliveries</strong> decided, 1 refused")
            || work.contains("29 deliveries decided, 1 refused"),
        "{work}"
    );
    assert!(work.contains("moved_on") && work.contains("attempt 2, you saw attempt 1"), "{work}");
    assert_eq!(bed.record("A-7").await.protocol.state, State::Unconfirmed);
    let decided = bed.record("A-8").await;
    assert_eq!(decided.protocol.state, State::Delivered);
    let last = decided.decisions.last().expect("a decision");
    assert_eq!(
        (last.decision, last.attempt, last.why.as_str()),
        (Decision::Confirm, 1, "report of May")
    );
    assert!(last.by.as_str().ends_with("user/ann"), "{last:?}");
    // Confirmed twice, it is decided once.
    bed.submit("/decide/run", &format!("id={id}")).await;
    assert_eq!(bed.record("A-8").await.version, decided.version);
    let mut by_report = decided.clone();
    let mut entries = serde_json::to_value(&decided.decisions).expect("JSON");
    entries["entries"][0]["evidence"] = "sha256-of-a-report".into();
    by_report.decisions = serde_json::from_value(entries).expect("decisions");
    by_report.version += 1;
    bed.table.ledger().put(&by_report, Some(decided.version)).await.expect("a write");
    let who = bed.get("/activity").await.text;
    assert!(who.contains("by the report") && who.contains("sha256-of-a-report"), "{who}");
    assert!(who.contains("report of May") && who.contains("user/ann"), "{who}");
    let money = bed.get("/money").await.text;
    assert!(money.contains("304.5 (29)") && money.contains("2026-11"), "{money}");
}

/// Puts a delivered order with another content into the ledger, or adds one to it.
async fn other_content(bed: &mut Bed, amount: &str) {
    if bed.table.ledger().of_order("A-1").await.expect("records").is_empty() {
        bed.put([delivery("A-1", "delivered")]).await;
    }
    let record = bed.record("A-1").await;
    let facts = serde_json::from_value(serde_json::json!({ "amount": amount })).expect("facts");
    let stamp = Stamp { now: record.updated_at, write_id: 7 };
    let ledger = bed.table.ledger();
    ledger.put(&record.with_conflict(&facts, stamp), Some(record.version)).await.expect("a write");
}

#[tokio::test]
async fn other_content_needs_a_person_until_it_is_acknowledged_and_a_new_one_again() {
    let mut bed = Bed::open(true).await;
    other_content(&mut bed, "99").await;
    let before = bed.record("A-1").await;
    let order = bed.get("/order?id=A-1").await.text;
    assert!(order.contains("amount 99 instead of 10.5"), "{order}");
    assert!(order.contains("It was dealt with"), "{order}");
    // Another content comes between the look and the confirmation: it was not seen.
    let fields = "order=A-1&delivery=net&attempt=1&conflicts=1&decisions=0&decision=acknowledge&why=ours+is+right";
    let preview = bed.submit("/decide/preview", fields).await.text;
    other_content(&mut bed, "98").await;
    let work = decided(&mut bed, &preview).await;
    assert!(work.contains("moved_on") && work.contains("2 other contents, you saw 1"), "{work}");

    let preview =
        bed.submit("/decide/preview", "which=conflicts&decision=acknowledge&why=ours").await;
    let work = decided(&mut bed, &preview.text).await;

    assert!(work.contains("Acknowledged"), "{work}");
    let record = bed.record("A-1").await;
    let last = record.decisions.last().expect("a decision");
    assert_eq!((last.decision, last.why.as_str()), (Decision::Acknowledge, "ours"));
    assert!(last.by.as_str().ends_with("user/ann"), "{last:?}");
    let state =
        |record: &Record| (record.protocol.state, record.protocol.proof, record.state_version);
    assert_eq!(state(&record), state(&before));
    assert!(!record.has_open_conflict());
    // A second time there is nothing to decide.
    let again = bed.submit("/decide/preview", fields).await.text;
    assert!(again.contains("There is nothing to decide."), "{again}");
    other_content(&mut bed, "97").await;
    let order = bed.get("/order?id=A-1").await.text;
    assert!(order.contains("It was dealt with"), "{order}");
}

#[tokio::test]
async fn what_came_back_since_the_page_was_shown_is_not_acknowledged() {
    let mut bed = Bed::open(true).await;
    let mut back = validation("delivered", Some(("approved", "10.5")));
    back.protocol.refunds =
        serde_json::from_value(serde_json::json!({ "r-1": { "amount": "4" } })).expect("refunds");
    bed.put([back.clone()]).await;
    let page = bed.get("/order?id=A-1").await.text;
    let seen = r#"name="came_back" value="4""#;
    assert!(page.contains(seen) && page.contains("It was dealt with"), "{page}");
    let fields = |came_back: &str| {
        let seen = format!("attempt=1&conflicts=0&decisions=0&came_back={came_back}");
        format!("order=A-1&delivery=net!validation&{seen}&decision=acknowledge&why=claimed")
    };

    let preview = bed.submit("/decide/preview", &fields("3")).await.text;
    let stale = decided(&mut bed, &preview).await;
    let preview = bed.submit("/decide/preview", &fields("4")).await.text;
    let work = decided(&mut bed, &preview).await;

    assert!(preview.contains("1 delivery</strong> 4 EUR"), "{preview}");
    assert!(stale.contains("4 that came back, you saw 3"), "{stale}");
    assert!(work.contains("Acknowledged"), "{work}");
    let preview = bed.submit("/decide/preview", &fields("x")).await;
    assert_eq!(preview.status, StatusCode::BAD_REQUEST);
    let page = bed.get("/order?id=A-1").await.text;
    assert!(!page.contains("It was dealt with"), "{page}");
}

#[tokio::test]
async fn a_decision_about_an_attempt_that_is_not_the_last_is_refused() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;

    let fields =
        "order=A-1&delivery=net&attempt=0&conflicts=0&decisions=0&decision=confirm&why=seen";
    let preview = bed.submit("/decide/preview", fields).await.text;
    let work = decided(&mut bed, &preview).await;

    assert!(work.contains("moved_on"), "{work}");
    assert_eq!(bed.record("A-1").await.protocol.state, State::Unconfirmed);
    let again = bed
        .submit(
            "/decide/preview",
            "order=A-1&delivery=net&attempt=1&conflicts=0&decisions=0&decision=permit&why=w",
        )
        .await;
    assert!(again.text.contains("There is nothing to decide."), "{}", again.text);
    let personal = bed
        .submit(
            "/decide/preview",
            "order=A-1&delivery=net&attempt=1&conflicts=0&decisions=0&decision=confirm&why=ann@example.com",
        )
        .await;
    assert_eq!(personal.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_network_is_paused_and_resumed_with_who_and_why() {
    let mut bed = Bed::open(true).await;
    assert!(bed.get("/activity").await.text.contains("Nothing was ever paused."));

    let wrong = [
        "network=&change=pause&why=w",
        "network=net&change=stop&why=w",
        "network=net&change=pause&why=",
        "network=net&change=resume&why=w",
    ];
    for fields in wrong {
        assert_ne!(bed.submit("/pause", fields).await.status, StatusCode::SEE_OTHER, "{fields}");
    }
    let paused = bed.submit("/pause", "network=net&change=pause&why=they+asked").await;
    assert_eq!(&paused.headers[header::LOCATION], "/networks");
    let page = bed.get("/networks").await.text;
    assert!(page.contains("Paused: net") && page.contains("user/ann: they asked"), "{page}");
    assert!(bed.get("/").await.text.contains("net: paused at"));
    for (order_id, state) in [("A-1", "retrying"), ("A-2", "delivered")] {
        bed.put([delivery(order_id, state)]).await;
    }
    let order = bed.get("/order?id=A-1").await.text;
    assert!(order.contains("Paused: net") && order.contains("user/ann: they asked"), "{order}");
    assert!(order.contains("Nothing while the network is paused"), "{order}");
    assert!(!order.contains("It is sent again at the time above"), "{order}");
    assert!(!bed.get("/order?id=A-2").await.text.contains("Paused"));
    bed.submit("/pause", "network=*&change=pause&why=a+leaked+key").await;
    bed.submit("/pause", "network=net&change=resume&why=they+are+back").await;
    let page = bed.get("/networks").await.text;
    assert!(page.contains("Paused: all networks") && !page.contains("Paused: net"), "{page}");

    let who = bed.get("/activity").await.text;
    let at = |text: &str| who.find(text).unwrap_or_else(|| panic!("{text}: {who}"));
    assert!(at("they are back") < at("a leaked key") && at("a leaked key") < at("they asked"));
    assert!(who.contains("<td>resumed</td>") && who.contains("<td>all</td>"), "{who}");
}

#[tokio::test]
async fn a_replay_takes_a_reason_and_is_among_what_was_done() {
    let mut bed = Bed::open(true).await;

    let span = "network=net&from=2h&to=";
    let refused = bed.submit("/replay/run", span).await;
    let started = bed.submit("/replay/run", &format!("{span}&why=after+an+outage")).await;

    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.text);
    let who = bed.get("/activity").await.text;
    assert!(who.contains("postback-1") && who.contains("completed"), "{who}");
    assert!(who.contains("user/bob") && who.contains("after an outage"), "{who}");
}

#[tokio::test]
async fn a_decision_under_way_is_kept_however_many_previews_come_after_it() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "unconfirmed"), delivery("A-2", "unconfirmed")]).await;
    let fields = |order_id: &str| {
        let seen = "delivery=net&attempt=1&conflicts=0&decisions=0";
        format!("order={order_id}&{seen}&decision=confirm&why=seen")
    };
    let preview = bed.submit("/decide/preview", &fields("A-1")).await.text;
    let id = plan(&preview).to_owned();
    // The ledger does not answer it.
    bed.table.script([Strike::Hang]);
    bed.submit("/decide/run", &format!("id={id}")).await;
    bed.table.wait_for_strikes(1).await;

    let mut last = String::new();
    for _ in 0..25 {
        last = bed.submit("/decide/preview", &fields("A-2")).await.text;
    }

    let work = bed.get(&format!("/work?id={id}")).await.text;
    assert!(work.contains("Deciding: 0 of 1 delivery."), "{work}");
    assert!(work.contains("Decision: confirm."), "{work}");
    // The oldest previews have gone, the last has not.
    assert_eq!(bed.get("/work?id=2").await.status, StatusCode::BAD_REQUEST);
    let work = decided(&mut bed, &last).await;
    assert!(work.contains("decided, 0 refused"), "{work}");
}

#[tokio::test]
async fn an_answer_is_behind_a_redirect_and_a_reload_of_it_repeats_nothing() {
    let mut bed = Bed::open(true).await;

    let done = bed.submit("/letters/run", "network=net").await;

    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let place = done.headers[header::LOCATION].to_str().expect("text").to_owned();
    assert_eq!(place, "/letters?network=net&done=1");
    for _ in 0..2 {
        let page = bed.get(&place).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("There are no dead letters of net."), "{}", page.text);
    }
}
