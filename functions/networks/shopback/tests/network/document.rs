//! The examples of the vendor's documents.

use crate::common::{self, lines, order, parts, settings, urls};
use postback_conformance::NOW;
use postback_core::{
    delivery::{Attempt, Proof, Verdict},
    http::Answer,
    network::Network,
};
use serde_json::json;

/// "Example Order API", line by line as printed.
const EXAMPLE: &str = "http://shopback.go2cloud.org/aff_lsr?
offer_id={order_offer_id}
&
adv_sub={ customer_facing_order_id }
&
transaction_id={ transaction_id }
&
amount={ order_total }
&
security_token={ security_token }";

/// "API 1" of the "Order API Demonstration", line by line as printed: order 123, RM100, click
/// ABCD1234.
const DEMONSTRATION: &str = "http://shopback.go2cloud.org/aff_lsr?
offer_id={order_offer_id}
&adv_sub=order_123
&transaction_id=ABCD1234
&amount=100
&security_token={ security_token }";

/// The URL of a printed example: on one line, the place holders filled in, by https.
fn filled_in(printed: &str, values: &[(&str, &str)]) -> String {
    let line = printed.replace('\n', "").replace("http://", "https://");
    values.iter().fold(line, |line, (name, value)| line.replace(name, value))
}

#[test]
fn the_example_is_sent_byte_for_byte_but_for_the_scheme() {
    let expected = filled_in(
        EXAMPLE,
        &[
            ("{order_offer_id}", "1234"),
            ("{ customer_facing_order_id }", "order_123"),
            ("{ transaction_id }", "102b983f153f632c9a0a1469e27b55"),
            ("{ order_total }", "100"),
            ("{ security_token }", "070a632e2b574ca894d90610c7da97bc"),
        ],
    );

    assert_eq!(urls(&settings(json!({})), &order(json!({}))), [expected]);
}

#[test]
fn every_response_of_the_document_is_read_as_it_is_printed() {
    let parts = parts(&settings(json!({})), &order(json!({})));
    let read = |printed: &str, attempt: Attempt| {
        let network = common::network(&settings(json!({})));
        network.verdict(&parts[0].report, &Answer::new(200, printed), &attempt).verdict
    };
    let first = |printed: &str| read(printed, Attempt::first(NOW));

    assert_eq!(first("sucess=true;"), Verdict::Delivered(Proof::Response));
    let invalid = "success=false; err_msg=Invalid Trans. ID";
    assert_eq!(first(invalid), Verdict::rejected("invalid_click"));
    let mismatch = "success=false; err_msg=Request offer #1234 does not match session offer #2345.";
    assert_eq!(first(mismatch), Verdict::parked_alone("offer_mismatch"));
    let duplicate = "success=false; err_msg=Duplicate recorded with Trans. ID";
    assert_eq!(first(duplicate), Verdict::Duplicate);
    let again = read(duplicate, Attempt::after_a_lost_answer(NOW));
    assert_eq!(again, Verdict::Duplicate);
}

#[test]
fn the_demonstration_is_sent_byte_for_byte_but_for_the_scheme() {
    let order = order(json!({
        "total": 100, "clicks": { "shopback": { "transaction_id": "ABCD1234" } },
    }));
    let expected = filled_in(
        DEMONSTRATION,
        &[("{order_offer_id}", "1234"), ("{ security_token }", common::TOKEN)],
    );

    assert_eq!(urls(&settings(json!({})), &order), [expected]);
}

#[test]
fn every_parameter_stands_where_the_document_has_it() {
    let adv = ["adv_unique5", "adv_unique4", "adv_unique3", "adv_unique2", "adv_unique1"];
    let adv = adv.into_iter().chain(["adv_sub5", "adv_sub4", "adv_sub3", "adv_sub2"]);
    let adv = adv.map(|name| (name.to_owned(), json!(name))).collect();

    let url = &urls(&settings(adv), &order(json!({})))[0];

    let query = url.split_once('?').expect("a query").1;
    let names: Vec<_> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    let documented = "offer_id adv_sub adv_sub2 adv_sub3 adv_sub4 adv_sub5 adv_unique1 adv_unique2 \
        adv_unique3 adv_unique4 adv_unique5 transaction_id amount security_token";
    assert_eq!(names.join(" "), documented);
}

#[test]
fn a_line_is_sent_as_the_document_on_lines_has_it() {
    let mut settings = lines();
    for (name, template) in [
        ("adv_sub2", "{category}"),
        ("adv_sub3", "{quantity}"),
        ("adv_sub4", "{sku}"),
        ("adv_sub5", "{total}"),
    ] {
        settings[name] = json!(template);
    }

    let urls = urls(&settings, &order(json!({})));

    let line = |parameters: &str, amount: &str| {
        format!(
            "https://shopback.go2cloud.org/aff_lsr?offer_id=1234&adv_sub=order_123{parameters}\
            &transaction_id={}&amount={amount}&security_token={}",
            common::CLICK,
            common::TOKEN
        )
    };
    let first = "&adv_sub2=Home%20%26%20Living&adv_sub3=3&adv_sub4=HP-0052&adv_sub5=100";
    let second = "&adv_sub3=1&adv_sub4=AC-10033&adv_sub5=100";
    assert_eq!(urls, [line(first, "59.85"), line(second, "40.15")]);
}
