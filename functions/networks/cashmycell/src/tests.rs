use postback_conformance::{
    NOW, Subject, answers_give_their_verdicts, conforms, documented_reasons_are_met,
    reasons_are_documented, secret_refuses_templates, settings_match_their_schema,
};
use postback_core::{
    clock::Timestamp, delivery::Recovery, fields::UnknownFields, network::configure,
};
use serde_json::{Value, json};
use url::Url;

use super::*;

/// `ts` of the vendor's examples. It is 2024-01-01T00:00:00Z, whatever the page says.
const THEN: Timestamp = Timestamp::from_millis(1_704_067_200_000);

fn network(settings: &str) -> CashMyCell {
    configure(settings).expect("settings")
}

fn order(total: &str, currency: &str, cmc_id: &str) -> Value {
    json!({
        "order_id": "A-1001", "status": "completed", "completed_at": "2023-12-01T00:00:00Z",
        "currency": currency, "total": total,
        "clicks": { "cashmycell": { "cmc_id": cmc_id, "clicked_at": "2023-11-30T09:00:00Z" } },
    })
}

fn plan(order: &Value) -> Plan<Report> {
    network("{}").plan(&Order::from_json(order, UnknownFields::Deny).expect("an order"))
}

fn report_of(order: &Value) -> Report {
    match plan(order) {
        Plan::Send(mut parts) if parts.len() == 1 => parts.remove(0).report,
        _ => panic!("it is not one delivery"),
    }
}

fn url(settings: &str, order: &Value, at: Timestamp) -> String {
    let endpoint = Url::parse(CashMyCell::ENDPOINT).expect("a URL");
    let request = network(settings).request(&report_of(order), &Attempt::first(at));
    request.url(&endpoint).into()
}

fn rejected() -> Plan<Report> {
    Plan::Reject(Reason::new("invalid_click"))
}

fn cmc_id(raw: &str) -> String {
    let url = url("{}", &order("1499", "INR", raw), THEN);
    let (_, rest) = url.split_once("&cmc_id=").expect("a click id");
    rest.split('&').next().unwrap_or_default().to_owned()
}

#[test]
fn conforms_to_what_holds_for_any_network() {
    conforms::<CashMyCell>(&Subject {
        settings: json!({}),
        other_settings: json!({ "reference_id": true, "on_unconfirmed": "resend" }),
        order: order("1499.00", "INR", "canaryclick4711"),
        canaries: &["canaryclick4711"],
        facts: &["amount", "click", "currency"],
        scoped_by: &[],
        credentials: &[],
        concern: "/clicks/cashmycell/cmc_id",
        without: "no_click",
        confirms: false,
        answers: "answers",
    });
}

#[test]
fn each_recorded_answer_means_what_its_file_says() {
    let report = report_of(&order("1499", "INR", "abc123xyz789"));

    answers_give_their_verdicts(&network("{}"), &report, "answers");
    reasons_are_documented("answers", include_str!("../README.md"));
    let local = ["no_click", "not_completed", "invalid_click"];
    documented_reasons_are_met(&["answers"], include_str!("../README.md"), &local);
}

#[test]
fn the_settings_match_their_schema() {
    settings_match_their_schema::<CashMyCell>();
}

#[test]
fn a_wrong_setting_is_refused_by_name() {
    secret_refuses_templates::<CashMyCell>(&json!({
        "reference_id": true, "on_unconfirmed": "hold",
    }));
}

#[test]
fn the_vendors_example_requests_are_made_byte_for_byte() {
    let make = |total, cmc_id| url("{}", &order(total, "INR", cmc_id), THEN);

    let full_url = "https://api.cashmycell.com/api/v1/public/order-complete?status=COMPLETED&order_value=1499&cmc_id=abc123xyz&ts=1704067200000";
    let curl = "https://api.cashmycell.com/api/v1/public/order-complete?status=COMPLETED&order_value=1499&cmc_id=abc123xyz789&ts=1704067200000";
    let verification = "https://api.cashmycell.com/api/v1/public/order-complete?status=COMPLETED&order_value=100&cmc_id=test123&ts=1704067200000";
    assert_eq!(make("1499.00", "abc123xyz"), full_url);
    assert_eq!(make("1499", "abc123xyz789"), curl);
    assert_eq!(make("100", "test123"), verification);
}

#[test]
fn the_vendors_example_of_encoding_is_encoded_alike() {
    // encodeURIComponent('$1,499.99') // %241%2C499.99
    assert_eq!(cmc_id("%241%2C499.99"), "%241%2C499.99");
}

#[test]
fn the_order_value_is_a_plain_decimal_in_the_orders_own_currency() {
    let value = |total, currency| report_of(&order(total, currency, "abc")).order_value;

    assert_eq!(value("14.99", "INR"), "14.99");
    assert_eq!(value("14.90", "INR"), "14.9");
    assert_eq!(value("0.00", "INR"), "0");
    assert_eq!(value("999999999999999.99", "USD"), "999999999999999.99");
    assert_eq!(value("1.234", "KWD"), "1.234");
    assert_eq!(value("100000", "JPY"), "100000");
}

#[test]
fn a_raw_cookie_value_is_decoded_once_before_it_is_encoded() {
    assert_eq!(cmc_id("a%2Fb%3D%3D"), "a%2Fb%3D%3D");
    assert_eq!(cmc_id("a/b=="), "a%2Fb%3D%3D");
    assert_eq!(cmc_id("a%252Fb"), "a%252Fb");
    assert_eq!(cmc_id("a+b%20c%26ts%3D1"), "a%2Bb%20c%26ts%3D1");
    assert_eq!(cmc_id(" abc%20"), "abc");
}

#[test]
fn a_value_that_is_not_encoded_though_it_looks_so_is_passed_on_as_it_is() {
    assert_eq!(cmc_id("a%ff"), "a%25ff");
}

#[test]
fn what_is_no_cookie_of_the_script_is_rejected_without_a_request() {
    let long = "a".repeat(257);
    for raw in ["100%", "a b", "a&b", "ä", "a%2", "a%zz", "$1", "<x>", long.as_str()] {
        assert!(plan(&order("1499", "INR", raw)) == rejected(), "{raw}");
    }
    let mut number = order("1499", "INR", "abc");
    number["clicks"]["cashmycell"]["cmc_id"] = json!(1_234_567_890);
    let order = Order::from_json(&number, UnknownFields::Deny).expect("an order");
    assert!(network("{}").plan(&order) == rejected());

    assert_eq!(cmc_id(&"a".repeat(256)).len(), 256);
}

#[test]
fn no_click_id_is_skipped_without_a_request() {
    for raw in [
        "",
        "  ",
        "undefined",
        "NULL",
        "NaN",
        "None",
        "false",
        "0",
        "[object Object]",
        "%20",
        "%75ndefined",
        "{cmc_id}",
        "%7Bid%7D",
        "%%cmc_id%%",
    ] {
        let plan = plan(&order("1499", "INR", raw));
        assert!(matches!(plan, Plan::Skip(reason) if reason.as_str() == "no_click"), "{raw}");
    }
}

#[test]
fn a_later_attempt_takes_a_fresh_time_for_the_same_content() {
    let order = order("1499", "INR", "abc");

    assert!(url("{}", &order, THEN).ends_with("&ts=1704067200000"));
    assert!(url("{}", &order, NOW).ends_with("&ts=1795256100000"));
}

#[test]
fn the_undocumented_reference_id_is_sent_only_when_asked_for() {
    let order = order("1499", "INR", "abc");

    assert!(!url(r#"{"reference_id": false}"#, &order, THEN).contains("reference_id"));
    assert!(url(r#"{"reference_id": true}"#, &order, THEN).ends_with("&reference_id=A-1001"));
}

#[test]
fn unconfirmed_is_held_for_a_person_unless_the_merchant_says_otherwise() {
    let report = report_of(&order("1499", "INR", "abc"));

    let recovery = |settings| network(settings).recovery(&report).recovery();
    assert_eq!(recovery("{}"), Recovery::Hold);
    assert_eq!(recovery(r#"{"on_unconfirmed":"resend"}"#), Recovery::SendOnceMore);
}
