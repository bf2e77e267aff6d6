//! The network against its document and its recorded answers.

use postback_conformance::{
    NOW, Subject, answers_give_their_verdicts, conforms, documented_reasons_are_met,
    reasons_are_documented, secret_refuses_templates, settings_match_their_schema,
};
use postback_core::{delivery::Recovery, fields::UnknownFields, network::configure};
use serde_json::{Value, json};
use url::Url;

use super::*;

const KEY: &str = "CanaryKey0123456789";

fn network(more: Value) -> CartStack {
    let mut settings = json!({ "key": KEY, "siteid": "aBcD12" });
    let Value::Object(more) = more else { panic!("no settings") };
    settings.as_object_mut().expect("settings").extend(more);
    configure(&settings.to_string()).expect("settings")
}

fn order(total: &str) -> Value {
    json!({
        "order_id": "A-1001", "status": "completed", "completed_at": "2026-11-21T10:00:00Z",
        "currency": "EUR", "total": total, "tax": "19.00", "shipping": "4.90",
        "customer": { "email": " canary.shopper+b@shop.example " },
    })
}

fn report_of(order: &Value) -> Report {
    let order = Order::from_json(order, UnknownFields::Deny).expect("an order");
    match network(json!({})).plan(&order) {
        Plan::Send(mut parts) if parts.len() == 1 => parts.remove(0).report,
        _ => panic!("it is not one delivery"),
    }
}

fn url(network: &CartStack, order: &Value) -> String {
    let endpoint = Url::parse(CartStack::ENDPOINT).expect("a URL");
    network.request(&report_of(order), &Attempt::first(NOW)).url(&endpoint).into()
}

fn total(choice: &str, order: &Value) -> Option<String> {
    let url = url(&network(json!({ "total": choice })), order);
    url.split_once("&total=").map(|(_, total)| total.to_owned())
}

fn verdict_of(body: &str) -> Verdict {
    let report = report_of(&order("119.00"));
    let attempt = Attempt::first(NOW);
    network(json!({})).verdict(&report, &Answer::new(200, body), &attempt).verdict
}

#[test]
fn conforms_to_what_holds_for_any_network() {
    conforms::<CartStack>(&Subject {
        settings: json!({ "key": KEY, "siteid": "aBcD12" }),
        other_settings: json!({
            "key": "other", "siteid": "other", "on_unconfirmed": "resend",
            "total": "without_tax_and_shipping",
        }),
        order: order("119.00"),
        canaries: &[KEY, "canary.shopper", "canary.shopper+b@shop.example"],
        facts: &["amount", "currency"],
        scoped_by: &["siteid"],
        credentials: &[("key", KEY), ("siteid", "aBcD12")],
        concern: "/customer/email",
        without: "no_email",
        confirms: true,
        answers: "answers",
    });
}

#[test]
fn each_recorded_answer_means_what_its_file_says() {
    let report = report_of(&order("119.00"));

    answers_give_their_verdicts(&network(json!({})), &report, "answers");
    reasons_are_documented("answers", include_str!("../README.md"));
    let local = ["no_email", "not_completed"];
    documented_reasons_are_met(&["answers"], include_str!("../README.md"), &local);
}

#[test]
fn a_wrong_setting_is_refused_by_name() {
    secret_refuses_templates::<CartStack>(&json!({
        "key": KEY, "siteid": "aBcD12", "total": "without_tax", "on_unconfirmed": "resend",
    }));
}

#[test]
fn key_and_site_must_be_given_and_the_vendors_place_holders_are_none() {
    let faults = |settings: Value| {
        let faults = configure::<CartStack>(&settings.to_string()).expect_err("faults");
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect::<Vec<_>>()
    };

    let place = |pointer: &str, code| (pointer.to_owned(), code);
    assert_eq!(faults(json!({})), [place("/key", "missing"), place("/siteid", "missing")]);
    assert_eq!(
        faults(json!({ "key": "{api key}", "siteid": "{site id}" })),
        [place("/key", "template"), place("/siteid", "template")]
    );
    assert_eq!(
        faults(json!({ "key": " ", "siteid": "" })),
        [place("/key", "blank"), place("/siteid", "blank")]
    );
}

#[test]
fn the_vendors_request_is_made_byte_for_byte() {
    let documented = "https://api.cartstack.com/ss/v1/?key={api key}&siteid={site id}&email={customer email}&total={cart total}";

    // "Do not include the brackets{}".
    let expected = documented
        .replace("{api key}", KEY)
        .replace("{site id}", "aBcD12")
        .replace("{customer email}", "canary.shopper%2Bb%40shop.example")
        .replace("{cart total}", "119.00");
    assert_eq!(url(&network(json!({})), &order("119.00")), expected);
}

#[test]
fn an_email_is_trimmed_and_otherwise_as_the_customer_wrote_it() {
    let sent = |email: &str| {
        let mut order = order("1");
        order["customer"]["email"] = json!(email);
        let url = url(&network(json!({})), &order);
        let (_, rest) = url.split_once("&email=").expect("an address");
        rest.split('&').next().unwrap_or_default().to_owned()
    };

    assert_eq!(sent(" a+b@shop.example\n"), "a%2Bb%40shop.example");
    assert_eq!(sent("A.B+News@Shop.Example"), "A.B%2BNews%40Shop.Example");
}

#[test]
fn two_orders_of_one_customer_are_two_calls() {
    let mut other = order("119.00");
    other["order_id"] = json!("A-1002");
    let network = network(json!({}));

    for order in [order("119.00"), other] {
        let order = Order::from_json(&order, UnknownFields::Deny).expect("an order");
        assert!(matches!(network.plan(&order), Plan::Send(parts) if parts.len() == 1));
    }
}

#[test]
fn key_and_siteid_are_case_sensitive_and_sent_as_they_are() {
    let shouted = network(json!({ "key": "aBcDeF", "siteid": "XyZ" }));

    assert!(url(&shouted, &order("1")).contains("?key=aBcDeF&siteid=XyZ&"));
}

#[test]
fn an_email_that_is_a_place_holder_is_no_email() {
    let mut order = order("1");
    order["customer"]["email"] = json!("{customer.email}@shop.example");
    let order = Order::from_json(&order, UnknownFields::Deny).expect("an order");

    let plan = network(json!({})).plan(&order);

    assert!(matches!(plan, Plan::Skip(reason) if reason.as_str() == "no_email"));
}

#[test]
fn an_email_that_is_longer_than_any_can_be_is_refused() {
    let plan = |letters: usize| {
        let mut order = order("1");
        order["customer"]["email"] = json!(format!("{}@shop.example", "a".repeat(letters)));
        network(json!({})).plan(&Order::from_json(&order, UnknownFields::Deny).expect("an order"))
    };

    assert!(matches!(plan(254 - 13), Plan::Send(_)));
    let refusal = |plan| matches!(plan, Plan::Reject(reason) if reason.as_str() == "invalid_email");
    assert!(refusal(plan(254 - 12)) && refusal(plan(254)));
}

#[test]
fn the_total_is_what_the_merchant_chose_with_two_decimals() {
    let order = order("1119");

    assert_eq!(total("order_total", &order).as_deref(), Some("1119.00"));
    assert_eq!(total("without_tax", &order).as_deref(), Some("1100.00"));
    assert_eq!(total("without_shipping", &order).as_deref(), Some("1114.10"));
    assert_eq!(total("without_tax_and_shipping", &order).as_deref(), Some("1095.10"));
}

#[test]
fn a_total_that_cannot_be_sent_is_left_out() {
    let mut bare = order("119.00");
    bare.as_object_mut().expect("an order").retain(|name, _| name != "tax");
    let mut fine = order("1.234");
    fine["currency"] = json!("KWD");

    assert_eq!(total("without_tax", &bare), None);
    assert_eq!(total("without_tax_and_shipping", &bare), None);
    assert_eq!(total("without_shipping", &bare).as_deref(), Some("114.10"));
    assert_eq!(total("without_tax_and_shipping", &order("20.00")), None);
    assert_eq!(total("without_tax", &order("19.00")).as_deref(), Some("0.00"));
    assert_eq!(total("order_total", &fine), None);
}

#[test]
fn an_unconfirmed_report_is_held_unless_the_merchant_says_otherwise() {
    let report = report_of(&order("1"));
    let recovery = |settings| network(settings).recovery(&report).recovery();

    assert_eq!(recovery(json!({})), Recovery::Hold);
    assert_eq!(recovery(json!({ "on_unconfirmed": "hold" })), Recovery::Hold);
    assert_eq!(recovery(json!({ "on_unconfirmed": "resend" })), Recovery::SendOnceMore);
}

#[test]
fn every_line_of_the_vendors_table_of_codes_is_read() {
    let line = |code, text| verdict_of(&json!({ "resp": code, "err_txt": text }).to_string());

    assert_eq!(line(100, "success"), Verdict::Delivered(Proof::Response));
    let missing = "missing required field (api key, site id, or email)";
    assert_eq!(line(101, missing), Verdict::rejected("missing_field"));
    assert_eq!(line(101, "Invalid Email Address"), Verdict::rejected("invalid_email"));
    let no_cart = Verdict::Skipped(Reason::new("no_cart"));
    let general = "general error(Err_Txt: Cart not found for email address [email])";
    assert_eq!(line(102, general), no_cart);
    assert_eq!(line(102, "Not a valid site id."), Verdict::parked("wrong_site"));
    assert_eq!(line(102, "Purchase Insert Failed"), Verdict::retry("insert_failed", None));
    let create_one = "No cart exists for this email address. Please create a cart first \
                      before marking a purchase.";
    assert_eq!(line(102, create_one), no_cart);
    assert_eq!(line(103, "API Key does not match"), Verdict::parked("wrong_key"));
}

#[test]
fn the_settings_match_their_schema() {
    settings_match_their_schema::<CartStack>();
}
