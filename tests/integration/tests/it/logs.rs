//! The log: one line for every attempt, and a code in every line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use postback_harness::{INVISIBLE, RecordingBus, Strike, publish_to};
use postback_integration::{Bundle, log::Log, minimal, outputs::canary_order, with};
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);

fn script(bundle: &Bundle, rule: Rule) {
    bundle.bed.sandbox.script(rule).expect("a rule");
}

/// A line without the durations, which differ from run to run.
fn stable(line: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    let fields = line.iter().filter(|(name, _)| !name.ends_with("_ms"));
    fields.map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn a_customer_or_an_address_that_nobody_reads_is_named_by_every_way_and_refuses_no_order() {
    let bundle = Bundle::new(77).await;
    let (log, _guard) = Log::capture();
    let order = |id: &str, customer: Value| with(minimal(id), "/customer", customer);

    let reply = bundle.post("/orders", &order("A-1", json!("canary7351"))).await;
    bundle.put_on_bus("order.completed", &order("A-2", json!(["canary7351"]))).await;
    bundle.post("/orders", &order("A-3", json!([]))).await;
    bundle.post("/orders", &order("B-1", json!({ "email": ["canary7351"] }))).await;
    bundle.put_on_bus("order.completed", &order("B-2", json!({ "email": true }))).await;
    for (id, email) in [("C-1", json!([])), ("C-2", json!("a@b.example")), ("C-3", json!("{mail}"))]
    {
        bundle.post("/orders", &order(id, json!({ "email": email }))).await;
    }

    assert_eq!(reply.status, 202, "{reply:?}");
    let lines = log.lines();
    let said = |id: &str| {
        let is = |line: &&String| line.contains("customer_unread") && line.contains(id);
        lines.iter().filter(is).count()
    };
    for (id, is_said) in [
        ("A-1", true),
        ("A-2", true),
        ("A-3", false),
        ("B-1", true),
        ("B-2", true),
        ("C-1", false),
        ("C-2", false),
        ("C-3", false),
    ] {
        assert_eq!(said(id) >= 1, is_said, "{id}: {lines:?}");
    }
    assert!(lines.iter().all(|line| !line.contains("canary7351")), "{lines:?}");
}

#[tokio::test]
async fn an_id_that_a_spreadsheet_changes_is_named_by_every_way() {
    let bundle = Bundle::new(79).await;
    let (log, _guard) = Log::capture();

    for id in ["00123", "123", "A-00123"] {
        bundle.post("/orders", &minimal(id)).await;
    }
    bundle.put_on_bus("order.completed", &minimal("1234567890123456")).await;

    let named = log.coded("order_id_changes");
    let named: Vec<_> = named.iter().map(|line| line["order_id"].as_str()).collect();
    assert_eq!(named, ["00123", "1234567890123456"]);
}

#[tokio::test]
async fn an_attempt_is_one_line_with_all_its_facts() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();

    bundle.post("/orders/shopback", &canary_order("A-1")).await;

    let [line] = &log.coded("attempt")[..] else { panic!("{:#?}", log.lines()) };
    assert_eq!(
        stable(line),
        [
            ("attempt", "1"),
            ("code", "attempt"),
            ("http_status", "200"),
            ("message", "attempt"),
            ("network", "shopback"),
            ("order_id", "A-1"),
            ("proof", "response"),
            ("verdict", "delivered"),
        ]
    );
    for duration in ["network_ms", "total_ms"] {
        assert!(line[duration].parse::<u64>().is_ok(), "{line:?}");
    }
}

#[tokio::test]
async fn there_are_as_many_lines_as_requests_however_an_attempt_ends() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let faults = [
        (Network::ShopBack, Fault::status(429)),
        (Network::ShopBack, Fault::close_after_reading().processed()),
        (Network::CartStack, Fault::close_after_reading().processed()),
        (Network::CashMyCell, Fault::redirect("https://elsewhere.example/")),
        (Network::CpaMoe, Fault::status(429)),
    ];
    for (network, fault) in faults {
        script(&bundle, Rule::on(network, fault));
    }

    for number in 1..=3 {
        let order = minimal(&format!("A-{number}"));
        let click = format!("{number:0>30}");
        bundle.post("/orders", &with(order, "/clicks/shopback/transaction_id", json!(click))).await;
        bundle.work().await;
    }
    for function in
        [&bundle.shopback.services, &bundle.cpa_moe.services, &bundle.cashmycell.services]
    {
        assert!(function.dead_letters().is_empty());
    }
    bundle.bed.work_off(&bundle.shopback, DAY).await;
    bundle.bed.work_off(&bundle.cpa_moe, DAY).await;
    bundle.bed.work_off(&bundle.cashmycell, DAY).await;

    let lines = log.coded("attempt");
    for network in [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack] {
        let name = network.to_string();
        let of_it = lines.iter().filter(|line| line["network"] == name);
        let requests = bundle.bed.sandbox.received(network).len();
        assert_eq!(of_it.count(), requests, "{name}");
        assert!(requests >= 3, "{name}");
    }
    let distinct: BTreeSet<_> = lines
        .iter()
        .map(|line| ["network", "order_id", "attempt"].map(|name| &line[name]))
        .collect();
    assert_eq!(distinct.len(), lines.len(), "an attempt has one line");
    let has = |parts: [(&str, &str); 3]| {
        lines.iter().any(|line| parts.iter().all(|(k, v)| line.get(*k).is_some_and(|it| it == v)))
    };
    assert!(has([("network", "shopback"), ("verdict", "retrying"), ("reason", "http_429")]));
    assert!(has([("network", "shopback"), ("verdict", "delivered"), ("proof", "duplicate")]));
    assert!(has([("network", "cartstack"), ("verdict", "unconfirmed"), ("attempt", "1")]));
    assert!(has([("network", "cashmycell"), ("verdict", "parked"), ("http_status", "302")]));
}

#[tokio::test]
async fn a_line_of_an_order_has_its_own_line_in_the_log() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    bundle.shopback.services.rotate(
        r#"{"offer_id": 1234, "security_token": "fake0token0fake0token0fake0token", "mode": "line_items"}"#,
    );
    bundle.bed.advance(Duration::from_mins(2));
    let good = json!({ "sku": "S", "quantity": 1, "unit_price": "749.50" });

    bundle.post("/orders/shopback", &with(minimal("A-1"), "/items", json!([good, good]))).await;

    let lines = log.coded("attempt");
    let numbers: Vec<_> = lines.iter().map(|line| line["line"].as_str()).collect();
    assert_eq!(numbers, ["1", "2"]);
}

#[tokio::test]
async fn every_line_has_a_code_that_the_runbook_explains() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let runbook = include_str!("../../../../docs/runbook.md");

    // What is no event, an order that is not one, a conflict, a refused request.
    bundle.shopback.services.enqueue("{");
    bundle.shopback.enqueue(&json!({ "order_id": "" }));
    bundle.post("/orders/shopback", &json!({})).await;
    bundle.post("/orders/shopback", &minimal("A-1")).await;
    bundle.post("/orders/shopback", &with(minimal("A-1"), "/total", json!("1.00"))).await;
    // A pause and its end.
    bundle.bed.sandbox.change_accounts(|accounts| accounts.shopback.security_token = "x".into());
    bundle.post("/orders/shopback", &minimal("A-2")).await;
    bundle.post("/orders/shopback", &minimal("A-6")).await;
    bundle.bed.sandbox.change_accounts(|accounts| {
        accounts.shopback.security_token = "fake0token0fake0token0fake0token".into();
    });
    bundle.bed.work_off(&bundle.shopback, DAY).await;
    // A lookup; settings that can't be read; a ledger that fails; a bus that fails.
    script(&bundle, Rule::on(Network::CpaMoe, Fault::close_after_reading().processed()));
    bundle.post("/orders/cpa_moe", &minimal("A-3")).await;
    bundle.bed.work_off(&bundle.cpa_moe, DAY).await;
    bundle.cartstack.services.rotate("{");
    bundle.bed.advance(INVISIBLE);
    bundle.post("/orders/cartstack", &minimal("A-4")).await;
    bundle.bed.table.script([Strike::Pass, Strike::Fail, Strike::Fail, Strike::Fail]);
    bundle.post("/orders/cashmycell", &minimal("A-5")).await;
    let bus = RecordingBus::default();
    bus.refuse([true; 1_000]);
    publish_to(&bus, &bundle.bed.table.stream()).await.expect_err("refused");

    let own = log
        .lines()
        .into_iter()
        .filter(|line| [" postback", " publish"].iter().any(|own| line.contains(own)));
    let uncoded: Vec<_> = own.filter(|line| !line.contains(" code=")).collect();
    assert_eq!(uncoded, Vec::<String>::new());
    for code in codes_in_the_code() {
        assert!(runbook.contains(&format!("| `{code}` |")), "{code} is not in docs/runbook.md");
    }
    for code in [
        "attempt",
        "lookup",
        "conflict",
        "network_paused",
        "network_resumed",
        "message_not_taken",
        "faulty_order_left",
        "request_refused",
        "settings_not_read",
        "events_not_published",
        "outcome_not_recorded",
    ] {
        assert!(!log.coded(code).is_empty(), "{code} was not logged: {:#?}", log.lines());
    }
}

/// The codes of all lines that the functions can write. Fails for one that has none.
fn codes_in_the_code() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut codes = BTreeSet::new();
    for folder in ["shared", "functions"] {
        for (path, text) in sources(&root.join(folder)) {
            for (at, _) in text.match_indices("tracing::").filter(|(at, _)| is_line(&text[*at..])) {
                let call = &text[at..at + text[at..].find(");").expect("an end")];
                assert!(call.contains("code"), "{path}: a line without a code: {call}");
                // Either in the call, or just before it.
                let start = text[..at].rfind('{').map_or(0, |start| start.min(at));
                let near = &text[text[..start].rfind('\n').unwrap_or(0)..at + call.len()];
                let named = near.find("code").map_or("", |at| &near[at..]);
                let word = named.split('"').nth(1).unwrap_or_default();
                let is_code = |c: char| c.is_ascii_lowercase() || c == '_';
                let fits = !word.is_empty() && word.chars().all(is_code);
                assert!(fits, "{path}: which code? {near}");
                codes.insert(word.to_owned());
            }
        }
    }
    assert!(codes.len() > 15, "{codes:?}");
    codes
}

fn is_line(text: &str) -> bool {
    ["error!(", "warn!(", "info!("].iter().any(|level| text["tracing::".len()..].starts_with(level))
}

/// Path and text of every source file below a folder.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(&path).expect("a text");
            found.push((path.display().to_string(), text));
        }
    }
    found
}
