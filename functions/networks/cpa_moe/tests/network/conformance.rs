//! The conformance suite, and what only cpa.moe has.

#![expect(clippy::expect_used, reason = "a test that can't go on fails")]

use cpa_moe::{CpaMoe, Phone, PublicIp};
use postback_conformance::{
    NOW, Subject, answers_give_their_verdicts, conforms, documented_reasons_are_met,
    lookups_find_what_is_there, reasons_are_documented, secret_refuses_templates,
    settings_match_their_schema,
};
use postback_core::{
    delivery::{Attempt, Lookup, Recovery, Verdict},
    fields::UnknownFields,
    http::Answer,
    network::{Network, Plan, ReadsBack, Sought, configure},
    order::Order,
};
use serde_json::{Value, json};

const ANSWERS: &str = "answers";
const LISTS: &str = "answers/list";

fn order() -> Value {
    json!({
        "order_id": "112358", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": "1499.00", "surcharge": "50.00", "discount_percent": 10,
        "customer": {
            "email": "canary+mail@example.com", "phone": "+7 700 000-00-00", "name": "Canaria Canarova",
            "ip": "203.0.113.99", "user_agent": "CanaryBrowser/5.0", "country": "IN",
            "address": { "postal_code": "canary050000", "line": "canaryline 2", "region": "Canaryland",
                         "city": "Canarycity", "street": "Canarystreet" }
        },
        "clicks": { "cpa_moe": { "offer": 217, "wm": "canarysource" } },
        "items": [{ "quantity": 1, "unit_price": "1499.00", "refs": { "cpa_moe": 135 } }],
        "utm": { "source": "canaryutm" }, "comment": "canarycomment",
        "custom": { "surname": "canaryparam" }
    })
}

fn network() -> CpaMoe {
    configure(r#"{ "user": 2718, "key": "canarykey314" }"#).expect("settings")
}

fn report() -> <CpaMoe as Network>::Report {
    let order = Order::from_json(&order(), UnknownFields::Deny).expect("an order");
    match network().plan(&order) {
        Plan::Send(mut parts) => parts.remove(0).report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn conforms_to_what_holds_for_any_network() {
    conforms::<CpaMoe>(&Subject {
        settings: json!({ "user": 2718, "key": "canarykey314" }),
        other_settings: json!({ "user": 1, "key": "other", "default_offer": 9 }),
        order: order(),
        canaries: &[
            "canarykey314",
            "canary+mail@example.com",
            "77000000000",
            "Canaria",
            "Canarova",
            "203.0.113.99",
            "CanaryBrowser",
            "canary050000",
            "canaryline",
            "Canaryland",
            "Canarycity",
            "Canarystreet",
            "canarysource",
            "canaryutm",
            "canarycomment",
            "canaryparam",
        ],
        facts: &["amount", "currency", "offer"],
        scoped_by: &["user"],
        credentials: &[("id", "2718-canarykey314")],
        concern: "/clicks/cpa_moe",
        without: "no_click",
        confirms: true,
        answers: ANSWERS,
    });
}

#[test]
fn every_answer_means_what_its_file_says() {
    answers_give_their_verdicts(&network(), &report(), ANSWERS);
}

#[test]
fn every_list_says_of_a_lookup_what_its_file_says() {
    lookups_find_what_is_there(&network(), &report(), LISTS);
}

#[test]
fn the_readme_explains_every_reason() {
    let readme = include_str!("../../README.md");

    reasons_are_documented(ANSWERS, readme);
    reasons_are_documented(LISTS, readme);
    let local = [
        "not_completed",
        "no_click",
        "no_offer",
        "invalid_click",
        "invalid_good",
        "no_phone",
        "bad_phone",
        "no_ip",
        "private_ip",
        "amount_too_precise",
        "duplicate_elsewhere",
    ];
    documented_reasons_are_met(&[ANSWERS, LISTS], readme, &local);
    for local in local {
        assert!(readme.contains(&format!("`{local}`")), "{local}");
    }
}

#[test]
fn the_settings_match_their_schema() {
    settings_match_their_schema::<CpaMoe>();
}

#[test]
fn settings_are_refused_by_name_and_never_quoted() {
    secret_refuses_templates::<CpaMoe>(&json!({
        "user": "2718", "key": "0123456789abcdef", "default_offer": 217
    }));
}

#[test]
fn a_key_with_a_line_end_or_a_user_that_is_no_number_stops_the_function_at_start() {
    let code = |settings: &Value| {
        let faults = configure::<CpaMoe>(&settings.to_string()).expect_err("faults");
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect::<Vec<_>>()
    };

    let key = ("/key".to_owned(), "outer_blanks");
    assert_eq!(code(&json!({ "user": 1, "key": "abc\n" })), [key]);
    let user = ("/user".to_owned(), "wrong_type");
    assert_eq!(code(&json!({ "user": "1-abc", "key": "abc" })), [user]);
    let missing = ["/user", "/key"].map(|pointer| (pointer.to_owned(), "missing"));
    assert_eq!(code(&json!({})), missing);
}

#[test]
fn a_lost_answer_is_looked_up() {
    assert_eq!(network().recovery(&report()).recovery(), Recovery::LookUp);
    let by_order = network().read_back().map(|plan| plan.recovery());
    assert_eq!(by_order, Some(Recovery::LookUp), "where no report can be built");
}

#[test]
fn nothing_personal_and_no_secret_shows_in_debug() {
    let shown = format!("{:?} {:?}", network(), report()).to_lowercase();

    assert!(!shown.contains("canar") && !shown.contains("77000"), "{shown}");
    assert!(shown.contains("lead { id: "), "{shown}");
    assert_eq!(format!("{:?}", Phone::parse("77000000000")), "Some(Phone(…))");
    let ip = PublicIp::new("203.0.113.9".parse().expect("an address"));
    assert_eq!(format!("{ip:?}"), "Some(PublicIp(…))");
}

#[test]
fn an_id_that_holds_the_customers_number_is_no_id() {
    let mut order = order();
    order["customer"]["phone"] = json!("+91 98765-43210");
    order["customer"]["email"] = json!("canary5550173@example.com");
    let order = Order::from_json(&order, UnknownFields::Deny).expect("an order");
    let Plan::Send(parts) = network().plan(&order) else { panic!("not sent") };
    let report = &parts[0].report;
    let added = |id: &str| {
        let answer = Answer::new(200, format!(r#"{{"status":"ok","id":{id},"uid":112358}}"#));
        network().verdict(report, &answer, &Attempt::first(NOW))
    };
    let found = |id: &str| {
        let list = format!(r#"{{"112358":{{"id":112358,"uid":{id},"stage":"wait"}}}}"#);
        match network().found(&Sought::Report(report), &Answer::new(200, list)) {
            Lookup::Found { references } => references.get("lead_id").map(str::to_owned),
            other => panic!("{other:?}"),
        }
    };

    for echo in ["919876543210", "9876543210", "\"09876543210\"", "10009198765432109", "5550173"] {
        let classification = added(echo);
        assert_eq!(classification.verdict, Verdict::unconfirmed("ok_without_id"), "{echo}");
        assert_eq!(classification.references.get("lead_id"), None, "{echo}");
        assert_eq!(found(echo), None, "{echo}");
    }
    for id in ["987654", "1234", "9007199254740993123"] {
        assert_eq!(added(id).references.get("lead_id"), Some(id));
        assert_eq!(found(id).as_deref(), Some(id));
    }
}

#[test]
fn a_lead_that_cannot_be_built_today_is_looked_up_by_the_orders_id() {
    let order = Order::from_json(&order(), UnknownFields::Deny).expect("an order");
    let (by_report, by_order) = (report(), Sought::Order(&order.order_id));
    let by_report = Sought::Report(&by_report);
    let list = r#"{"112358":{"id":112358,"uid":77000000000,"stage":"wait"}}"#;

    let asked = network().lookup(&by_order);
    let Lookup::Found { references } = network().found(&by_order, &Answer::new(200, list)) else {
        panic!("not found")
    };

    assert_eq!(asked.body(), network().lookup(&by_report).body());
    assert_eq!(references.get("our_id"), Some("112358"));
    assert_eq!(references.get("lead_id"), None, "it may be an echo of the phone number");
    assert_eq!(network().found(&by_order, &Answer::new(200, "[]")), Lookup::Absent);
    assert_eq!(network().shown_scope(), network().scope(&report()));
}

#[test]
fn an_unknown_code_is_kept_unless_it_echoes_the_customer_or_the_key() {
    let kept = |code: &str| {
        let answer = Answer::new(200, json!({ "status": "error", "error": code }).to_string());
        let classification = network().verdict(&report(), &answer, &Attempt::first(NOW));
        assert_eq!(classification.verdict, Verdict::parked_until_fixed("unknown_code"), "{code}");
        classification.details.get("error").map(str::to_owned)
    };

    assert_eq!(kept("teapot").as_deref(), Some("teapot"));
    assert_eq!(kept("e4180").as_deref(), Some("e4180"));
    for echo in [
        "e41801",
        "e418011",
        "e4.1",
        "77000000000",
        "phone-77000000000",
        "Canarova",
        "anarov",
        "x-canarova-y",
        "canarysource",
        "CanaryKey314",
    ] {
        assert_eq!(kept(echo), None, "{echo}");
    }
}
