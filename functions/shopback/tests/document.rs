//! The examples of the vendor's documents.

mod common;

use common::{lines, order, settings, urls};
use serde_json::json;

#[test]
fn the_demonstration_is_sent_byte_for_byte_but_for_the_scheme() {
    let order = order(json!({
        "total": 100, "clicks": { "shopback": { "transaction_id": "ABCD1234" } },
    }));
    let documented = "http://shopback.go2cloud.org/aff_lsr?offer_id={order_offer_id}\
        &adv_sub=order_123&transaction_id=ABCD1234&amount=100&security_token={ security_token }";
    let expected = documented
        .replace("http://", "https://")
        .replace("{order_offer_id}", "1234")
        .replace("{ security_token }", common::TOKEN);

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
