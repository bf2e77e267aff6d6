//! Personal data and secrets stay where they belong. Each test sends canaries through the
//! functions and looks at all that leaves them but for the order itself on its way to the network
//! or back to the function's own queue.

use std::time::Duration;

use postback_harness::{Function, Patience, Strike};
use postback_integration::{
    Bundle, Reply,
    log::{Log, canaries_in},
    outputs::{Outputs, canary_order, echo, received},
    with,
};
use postback_sandbox::{Answer, Fault, Network, Rule};
use serde_json::json;

const NETWORKS: [Network; 4] =
    [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack];

/// Longer than a network is paused.
const PAUSE: Duration = Duration::from_mins(26);

fn script(bundle: &Bundle, rule: Rule) {
    bundle.bed.sandbox.script(rule).expect("a rule");
}

async fn post(bundle: &Bundle, network: Network, id: &str) -> Reply {
    bundle.post(&format!("/orders/{network}"), &canary_order(id)).await
}

/// Answers in each network's own form that echo everything the network received.
fn echoes(network: Network, received: &[&str]) -> Vec<Answer> {
    let text = echo();
    let mut bodies = vec![text.clone(), format!("<html>{text}</html>")];
    match network {
        Network::CashMyCell => {}
        Network::CartStack => {
            let line = |code: u16, text: &str| json!({ "resp": code, "err_txt": text }).to_string();
            bodies.extend([100, 101, 102, 103, 999].map(|code| line(code, &text)));
            let no_cart = format!("Cart not found for email address [{text}]");
            bodies.push(line(102, &no_cart));
            bodies.push(line(102, &format!("Purchase Insert Failed {text}")));
        }
        Network::CpaMoe => {
            for canary in received {
                let refused = json!({ "status": "error", "error": canary, "text": text });
                let taken = json!({ "status": "ok", "id": canary, "uid": canary, "text": text });
                bodies.extend([refused.to_string(), taken.to_string()]);
            }
            bodies.push(json!({ "status": "ok", "id": 7_351_940_261_u64 }).to_string());
        }
        Network::ShopBack => {
            for refusal in [
                "Invalid Trans. ID #",
                "Duplicate recorded with Trans. ID #",
                "Request offer #1 does not match session offer #2 ",
                "token ",
                "Daily Conversion Cap Exceeded ",
                "",
            ] {
                bodies.push(format!("success=false; err_msg={refusal}{text}"));
            }
            bodies.push(format!("success=true;{text}"));
        }
    }
    let answer = |body: &String, status| {
        Answer::status(status)
            .with_header("content-type", "text/html")
            .with_header("x-canary", "canarysecret canary.mail@canary-mail.example")
            .with_header("location", "https://canary-mail.example/?email=canary.mail")
            .with_header("retry-after", "canarysecret")
            .with_body(body.as_bytes())
    };
    let plain = bodies.iter().map(|body| answer(body, 200));
    let statuses = [302, 400, 401, 403, 404, 422, 429, 500, 503, 599];
    let others = statuses.iter().map(|status| answer(&bodies[bodies.len() - 1], *status));
    plain.chain(others).collect()
}

#[tokio::test]
async fn the_search_finds_a_canary_in_every_place_it_looks_at() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let id = "canaryid7351";
    script(&bundle, Rule::on(Network::CpaMoe, Fault::status(429)));

    let replies = [
        bundle.post("/orders", &canary_order(id)).await,
        post(&bundle, Network::ShopBack, id).await,
        post(&bundle, Network::CpaMoe, id).await,
        bundle.get(id).await,
    ];

    let outputs = Outputs::of(&bundle, &log).await.with_replies(&replies);
    let mut places: Vec<_> = outputs.seen(&[id]).into_iter().map(|(place, _)| place).collect();
    places.dedup();
    assert_eq!(places, ["log", "event", "lead of shopback", "ledger", "answer"]);
    let measured = outputs.seen(&["AttemptLatency"]);
    assert!(measured.len() > 1 && measured.iter().all(|(place, _)| *place == "metrics"));
    let delayed = outputs.seen(&["not_before_ms"]);
    assert!(matches!(delayed[..], [("message of cpa_moe", _)]), "{delayed:?}");
    for (text, canaries) in [
        ("mail=CANARY.MAIL%2Bx%40canary-mail.example", &["canary.mail+x@"][..]),
        ("phone 7 (351) 940-26-1", &["7351940261"]),
    ] {
        assert_eq!(canaries_in(text, canaries), canaries, "{text}");
    }
    outputs.assert_clean();
}

#[tokio::test]
async fn an_order_that_is_sent_leaves_nothing_of_the_customer_behind() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let mut replies = vec![bundle.post("/orders", &canary_order("A-1")).await];
    bundle.work().await;

    for network in NETWORKS {
        replies.push(post(&bundle, network, "A-1").await);
        replies.push(post(&bundle, network, "A-2").await);
        assert_eq!(bundle.bed.sandbox.received(network).len(), 2, "{network}");
        assert!(!received(&bundle.bed.sandbox, network).is_empty(), "{network}");
    }
    replies.push(bundle.get("A-1").await);

    Outputs::of(&bundle, &log).await.with_replies(&replies).assert_clean();
    assert_eq!(bundle.bed.sandbox.violations(), []);
}

#[tokio::test]
async fn no_answer_of_a_network_gets_any_further() {
    for network in NETWORKS {
        let bundle = Bundle::new(1).await;
        let (log, _guard) = Log::capture();
        let mut replies = vec![post(&bundle, network, "A-sent").await];
        let echoes = echoes(network, &received(&bundle.bed.sandbox, network));
        for (number, answer) in echoes.iter().enumerate() {
            script(&bundle, Rule::on(network, Fault::answer(answer.clone())));
            let id = format!("A-{number}");
            replies.push(post(&bundle, network, &id).await);
            replies.push(bundle.get(&id).await);
            bundle.bed.advance(PAUSE);
        }

        assert_eq!(bundle.bed.sandbox.received(network).len(), 1 + echoes.len(), "{network}");
        assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 202)), "{network}");
        Outputs::of(&bundle, &log).await.with_replies(&replies).assert_clean();
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_nothing_behind() {
    for network in NETWORKS {
        let bundle = Bundle::new(1).await;
        let (log, _guard) = Log::capture();
        let mut replies = Vec::new();
        let faults = [
            Fault::close_before_reading(),
            Fault::close_after_reading(),
            Fault::cut_answer_at(20),
            Fault::cut_body_at(1),
            Fault::redirect("https://canary-mail.example/?email=canary.mail"),
            Fault::answer(Answer::of("text/html", echo().repeat(100))),
        ];
        for (number, fault) in faults.iter().enumerate() {
            script(&bundle, Rule::on(network, fault.clone()));
            let id = format!("A-{number}");
            replies.push(post(&bundle, network, &id).await);
            replies.push(bundle.get(&id).await);
            bundle.bed.advance(PAUSE);
        }
        bundle.bed.sandbox.stop().await;
        replies.push(post(&bundle, network, "A-refused").await);

        let refused = bundle.get("A-refused").await.body();
        assert_eq!(refused["deliveries"][0]["reason"], "connect_failed", "{network}");
        Outputs::of(&bundle, &log).await.with_replies(&replies).assert_clean();
    }
}

#[tokio::test]
async fn a_timeout_leaves_nothing_behind() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let endpoint = bundle.bed.sandbox.endpoint(Network::ShopBack);
    let patience = Patience { network: Duration::from_millis(200), ..Patience::default() };
    let services = bundle.shopback.services.clone();
    let shopback: Function<shopback::ShopBack> =
        bundle.bed.instance_with(&endpoint, services, patience).await;
    script(&bundle, Rule::on(Network::ShopBack, Fault::hang()));

    let answer = shopback.post(&canary_order("A-1")).await;

    assert_eq!(answer.body["reason"], "answer_timeout");
    let mut outputs = Outputs::of(&bundle, &log).await;
    outputs.add("answer", format!("{answer:?}"));
    outputs.assert_clean();
}

#[tokio::test]
async fn a_ledger_that_fails_leaves_nothing_behind() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let mut replies = Vec::new();
    bundle.bed.table.always(Strike::Fail);
    for network in NETWORKS {
        replies.push(post(&bundle, network, "A-1").await);
    }
    bundle.bed.table.always(Strike::Pass);
    // The claim and the use of its click are written, the settlement is not.
    let pass = [Strike::Pass; 2];
    bundle.bed.table.script(pass.into_iter().chain([Strike::Fail; 3]));
    replies.push(post(&bundle, Network::ShopBack, "A-2").await);
    script(&bundle, Rule::on(Network::ShopBack, Fault::status(429)));
    bundle.shopback.services.queue_down(true);
    replies.push(post(&bundle, Network::ShopBack, "A-3").await);
    bundle.bus.down(true);
    replies.push(bundle.post("/orders", &canary_order("A-4")).await);

    let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [503, 503, 503, 503, 202, 503, 503]);
    Outputs::of(&bundle, &log).await.with_replies(&replies).assert_clean();
}

#[tokio::test]
async fn a_conflict_leaves_nothing_behind() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let mut replies = vec![bundle.post("/orders", &canary_order("A-1")).await];
    bundle.work().await;
    let other = with(canary_order("A-1"), "/total", json!("1599.00"));

    replies.push(bundle.post("/orders", &other).await);
    bundle.work().await;
    for network in NETWORKS {
        replies.push(bundle.post(&format!("/orders/{network}"), &other).await);
    }
    replies.push(bundle.get("A-1").await);

    assert!(replies[2..6].iter().all(|reply| reply.status == 409), "{replies:?}");
    Outputs::of(&bundle, &log).await.with_replies(&replies).assert_clean();
}
