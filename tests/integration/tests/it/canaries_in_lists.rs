//! cpa.moe's list of leads is read long after a lead was sent: nothing of it is kept but the lead's
//! status.

use std::time::Duration;

use postback_integration::{
    Bundle, Reply,
    log::Log,
    outputs::{Outputs, canary_order, echo, received},
};
use postback_sandbox::{Answer, Fault, Network, Rule};
use serde_json::{Value, json, value::to_raw_value};

const PHONE: &str = "7351940261";

fn script(bundle: &Bundle, rule: Rule) {
    bundle.bed.sandbox.script(rule).expect("a rule");
}

async fn post(bundle: &Bundle, id: &str) -> Reply {
    bundle.post("/orders/cpa_moe", &canary_order(id)).await
}

#[tokio::test]
async fn no_answer_to_a_lookup_gets_any_further() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let text = echo();
    let lead = |uid: Value| {
        json!({ "A-0": {
            "id": "A-0", "uid": uid, "stage": "canaryname", "status": "canarycity",
            "reason": "canarypostal", "comment": text, "email": "canary.mail@canary-mail.example",
        } })
    };
    let mut replies = vec![post(&bundle, "A-sent").await];
    let received = received(&bundle.bed.sandbox, Network::CpaMoe);
    let mut lists: Vec<_> = received.iter().map(|canary| lead(json!(canary))).collect();
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
        bundle.bed.work_off(&bundle.cpa_moe, Duration::from_hours(24)).await;
        replies.push(bundle.get(&id).await);
    }

    assert!(bundle.bed.sandbox.received(Network::CpaMoe).len() >= 2 * lists.len());
    Outputs::of(&bundle, &log).await.with_replies(&replies).assert_clean();
}

#[tokio::test]
async fn nothing_of_a_list_is_kept_but_the_status() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    post(&bundle, "A-1").await;
    bundle.bed.track(&bundle.cpa_moe).await;
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
        let event = json!({ "detail-type": postback_runtime::lambda::POLL_STATUS });
        let event = to_raw_value(&event).expect("JSON");
        let deadline = bundle.bed.now() + Duration::from_mins(1);
        let dispatcher = &bundle.cpa_moe.dispatcher;
        let round =
            postback_runtime::lambda::handle_and_poll_status(dispatcher, &event, deadline).await;
        round.expect("a round");
        bundle.bed.advance(Duration::from_hours(12));
    }

    let sent = bundle.bed.sandbox.received(Network::CpaMoe);
    assert_eq!(sent.len(), 1 + leads.len());
    let kept = bundle.get("A-1").await;
    assert!(kept.text.contains("new-word"), "an unknown stage is kept: {}", kept.text);
    Outputs::of(&bundle, &log).await.with_replies(&[kept]).assert_clean();
}
