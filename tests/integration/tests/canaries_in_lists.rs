//! What cpa.moe's list shows of a lead is asked for long after the lead was sent: no more of it is
//! kept than how far the lead is.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::time::Duration;

use postback_integration::{
    Bundle, Reply,
    sweep::{Sweep, canary_order, echo, told},
    watch::Log,
};
use postback_sandbox::{Answer, Fault, Network, Rule};
use serde_json::{Value, json, value::to_raw_value};

const PHONE: &str = "7351940261";

fn script(bundle: &Bundle, rule: Rule) {
    bundle.stage.sandbox.script(rule).expect("a rule");
}

async fn post(bundle: &Bundle, id: &str) -> Reply {
    bundle.post("/orders/cpa_moe", &canary_order(id)).await
}

#[tokio::test]
async fn no_answer_to_a_lookup_gets_any_further() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::catch();
    let text = echo();
    let lead = |uid: Value| {
        json!({ "A-0": {
            "id": "A-0", "uid": uid, "stage": "canaryname", "status": "canarycity",
            "reason": "canarypostal", "comment": text, "email": "canary.mail@canary-mail.example",
        } })
    };
    let mut replies = vec![post(&bundle, "A-told").await];
    let told = told(&bundle.stage.sandbox, Network::CpaMoe);
    let mut lists: Vec<_> = told.iter().map(|canary| lead(json!(canary))).collect();
    lists.push(lead(json!(7_351_940_261_u64)));
    lists.push(json!({ "status": "error", "error": text }));
    lists.push(json!({ "canaryname": { "id": "canaryname", "uid": 7 } }));
    for (number, list) in lists.iter().enumerate() {
        let id = format!("A-{number}");
        let list = list.to_string().replace("A-0", &id);
        script(&bundle, Rule::on(Network::CpaMoe, Fault::close_after_reading()).call("add"));
        let answer = Answer::of("text/html", list);
        script(&bundle, Rule::on(Network::CpaMoe, Fault::answer(answer)).call("list"));
        replies.push(post(&bundle, &id).await);
        bundle.stage.work_off(&bundle.cpa_moe, Duration::from_hours(24)).await;
        replies.push(bundle.get(&id).await);
    }

    assert!(bundle.stage.sandbox.received(Network::CpaMoe).len() >= 2 * lists.len());
    Sweep::of(&bundle, &log).await.with_replies(&replies).assert_clean();
}

#[tokio::test]
async fn no_status_gets_further_than_how_far_the_lead_is() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::catch();
    let world = &bundle.cpa_moe.world;
    post(&bundle, "A-1").await;
    let (detail_type, detail) = &world.bus()[0];
    world.follow(&json!({ "detail-type": detail_type, "detail": detail }));
    let text = echo();
    let phone = || json!(PHONE);
    let leads = [
        json!({ "id": "A-1", "uid": 500_001, "stage": text, "comment": text, "email": text }),
        json!({ "id": "A-1", "uid": 500_001, "stage": "wait", "status": text, "reason": text }),
        json!({ "id": "A-1", "uid": 500_001, "stage": "new-word", "status": 73 }),
        json!({ "id": "A-1", "uid": phone(), "stage": "wait" }),
        json!({ "id": "A-1", "uid": 500_001, "stage": phone() }),
        json!({ "id": "A-1", "uid": 500_001, "stage": "hold", "status": phone() }),
        json!({ "id": "A-1", "uid": 500_001, "stage": "cancel", "reason": phone() }),
    ];

    for lead in &leads {
        let answer = Answer::of("text/html", json!({ "A-1": lead }).to_string());
        script(&bundle, Rule::on(Network::CpaMoe, Fault::answer(answer)).call("list"));
        let event = json!({ "detail-type": postback_runtime::lambda::FOLLOW });
        let event = to_raw_value(&event).expect("JSON");
        let deadline = bundle.stage.now() + Duration::from_mins(1);
        let dispatcher = &bundle.cpa_moe.dispatcher;
        let round =
            postback_runtime::lambda::handle_and_poll_status(dispatcher, &event, deadline).await;
        round.expect("a round");
        bundle.stage.advance(Duration::from_hours(12));
    }

    let sent = bundle.stage.sandbox.received(Network::CpaMoe);
    assert_eq!(sent.len(), 1 + leads.len());
    let kept = bundle.get("A-1").await;
    assert!(kept.text.contains("new-word"), "an unknown stage is kept: {}", kept.text);
    Sweep::of(&bundle, &log).await.with_replies(&[kept]).assert_clean();
}
