//! The reports of an order, and the orders without one.

use crate::common::{self, lines, order, order_json, parts, refusal, sent, settings, urls};
use postback_core::{fields::UnknownFields, network::Network, order::Order};
use serde_json::{Value, json};
use shopback::ShopBack;

fn click(transaction_id: &Value) -> Order {
    order(json!({ "clicks": { "shopback": { "transaction_id": transaction_id } } }))
}

#[test]
fn an_order_without_a_click_is_skipped() {
    let plain = settings(json!({}));
    let blanks = [json!(null), json!(""), json!("  "), json!("undefined"), json!("NULL")];
    let templates = [
        json!("{transaction_id}"),
        json!("{ transaction_id }"),
        json!("%%tid%%"),
        json!("NaN"),
        json!("0"),
        json!(false),
    ];

    for nothing in blanks.iter().chain(&templates) {
        assert_eq!(refusal(&plain, &click(nothing)), "skipped no_click", "{nothing}");
    }
    assert_eq!(refusal(&plain, &order(json!({ "clicks": {} }))), "skipped no_click");
    let pending = order(json!({ "status": "pending" }));
    assert_eq!(refusal(&plain, &pending), "skipped not_completed");
}

#[test]
fn a_click_id_of_other_characters_is_never_sent() {
    let plain = settings(json!({}));
    let long = "a".repeat(65);

    for invalid in ["x{y}", "abc-123", "a b", "ä1", "abc&x=1", "１２３", &long] {
        assert_eq!(refusal(&plain, &click(&json!(invalid))), "rejected invalid_click", "{invalid}");
    }
    assert_eq!(refusal(&plain, &click(&json!(12345))), "rejected invalid_click");
}

#[test]
fn one_to_sixty_four_letters_and_digits_are_for_the_network_to_judge() {
    let plain = settings(json!({}));
    let long = "Z".repeat(64);

    for valid in ["a", "7", "ABCD1234", common::CLICK, &long, "  ABCD1234  "] {
        let sent = sent(&plain, &click(&json!(valid)), "transaction_id");
        assert_eq!(sent.as_deref(), Some(valid.trim()));
    }
}

#[test]
fn an_amount_is_plain_and_exact_or_it_is_not_sent() {
    let plain = settings(json!({}));
    let amount = |currency: &str, total: &str| {
        let order = order(json!({ "currency": currency, "total": total, "items": [] }));
        sent(&plain, &order, "amount")
    };

    assert_eq!(amount("MYR", "1499.90").as_deref(), Some("1499.9"));
    assert_eq!(amount("MYR", "0").as_deref(), Some("0"));
    assert_eq!(amount("MYR", "999999999999999.99").as_deref(), Some("999999999999999.99"));
    assert_eq!(amount("JPY", "15900.00").as_deref(), Some("15900"));
    assert_eq!(amount("TWD", "399.00").as_deref(), Some("399"));
    assert_eq!(amount("KWD", "1.230").as_deref(), Some("1.23"));
    assert_eq!(amount("TWD", "1499.50").as_deref(), Some("1499.5"));
    let order = order(json!({ "currency": "KWD", "total": "1.234", "items": [] }));
    assert_eq!(refusal(&plain, &order), "rejected amount_too_precise");
}

#[test]
fn each_line_is_its_own_delivery_under_its_place() {
    let parts = parts(&lines(), &order(json!({})));

    let places: Vec<_> = parts.iter().filter_map(|part| part.line.as_deref()).collect();
    assert_eq!(places, ["1", "2"]);
}

#[test]
fn two_lines_alike_are_two_deliveries() {
    let alike = json!({ "sku": "HP-0052", "unit_price": "19.95" });
    let parts = parts(&lines(), &order(json!({ "items": [alike, alike] })));

    assert_ne!(parts[0].line, parts[1].line);
}

#[test]
fn an_order_with_one_line_that_cannot_be_sent_is_not_sent_in_part() {
    let with =
        |items: Value| refusal(&lines(), &order(json!({ "currency": "KWD", "items": items })));
    let fine = json!({ "unit_price": "1.5" });

    assert_eq!(with(json!([fine, { "sku": "a" }])), "rejected no_unit_price");
    assert_eq!(with(json!([fine, { "unit_price": "1.234" }])), "rejected amount_too_precise");
    for (line, reason) in [
        (json!({ "unit_price": "a lot" }), "bad_line_amount"),
        (json!({ "total": "a lot", "unit_price": "1.5" }), "bad_line_amount"),
        (json!({ "unit_price": "1.5", "quantity": 0 }), "bad_quantity"),
        (json!({ "unit_price": "1.5", "quantity": "two" }), "bad_quantity"),
        (json!({ "unit_price": "-1.5" }), "negative_amount"),
        (json!({ "total": "-1.5" }), "negative_amount"),
    ] {
        assert_eq!(with(json!([fine, line])), format!("rejected {reason}"), "{line}");
    }
    assert_eq!(with(json!([])), "rejected no_items");
    assert_eq!(with(json!(vec![fine.clone(); 1_001])), "rejected too_many_lines");
    assert_eq!(parts(&lines(), &order(json!({ "items": vec![fine; 1_000] }))).len(), 1_000);
}

#[test]
fn a_line_of_an_amount_beyond_all_numbers_is_not_sent() {
    let items = json!([{ "unit_price": "999999999999999.99", "quantity": 1_000_000 }]);

    assert_eq!(refusal(&lines(), &order(json!({ "items": items }))), "rejected amount_too_large");
}

#[test]
fn a_line_that_fits_only_as_a_whole_is_sent() {
    let items = json!([{ "unit_price": "1.255", "quantity": 2 }]);
    let order = order(json!({ "currency": "KWD", "items": items }));

    assert_eq!(sent(&lines(), &order, "amount").as_deref(), Some("2.51"));
}

#[test]
fn the_amount_of_a_line_is_a_fact_of_this_line_alone() {
    let first = |items: Value| parts(&lines(), &order(json!({ "items": items }))).remove(0).facts;
    let (one, two) = (json!({ "unit_price": "1" }), json!({ "unit_price": "2" }));

    let before = first(json!([one, two]));

    assert_eq!(first(json!([one, one])), before);
    assert_ne!(first(json!([two, one])), before);
}

#[test]
fn only_the_click_and_the_amounts_are_facts() {
    let of = |more: Value| ShopBack::facts(&order(more));
    let before = of(json!({}));

    for same in [
        json!({ "tax": "1" }),
        json!({ "customer": { "country": "SG" } }),
        json!({ "custom": { "coupon": "other" } }),
    ] {
        assert_eq!(of(same.clone()), before, "{same}");
    }
    let other = of(json!({ "clicks": { "shopback": { "transaction_id": "other" } } }));
    assert!(!other.agree(&before));
}

#[test]
fn the_offer_is_that_of_the_country_or_of_the_currency() {
    let offer = |settings: &Value, more: Value| sent(settings, &order(more), "offer_id");
    let singapore = || json!({ "customer": { "country": "SG" }, "currency": "SGD" });
    let by_country = settings(json!({ "offer_by_country": { "SG": "77" } }));
    let by_currency = settings(json!({ "offer_by_currency": { "SGD": 88 } }));

    assert_eq!(offer(&by_country, singapore()).as_deref(), Some("77"));
    assert_eq!(offer(&by_country, json!({})).as_deref(), Some("1234"));
    assert_eq!(offer(&by_currency, singapore()).as_deref(), Some("88"));
    assert_eq!(offer(&by_currency, json!({})).as_deref(), Some("1234"));
}

#[test]
fn an_order_of_a_country_without_an_offer_is_rejected() {
    let mut settings = settings(json!({ "offer_by_country": { "SG": 77 } }));
    settings["offer_id"] = Value::Null;

    assert_eq!(refusal(&settings, &order(json!({}))), "rejected no_offer");
}

#[test]
fn an_order_from_the_bus_is_sent_like_one_from_the_api() {
    let mut event = order_json(json!({}));
    event["clicks"]["shopback"]["seen_by"] = json!("pipeline");
    let event = Order::from_json(&event, UnknownFields::Ignore).expect("an order");
    let plain = settings(json!({}));

    assert_eq!(urls(&plain, &event), urls(&plain, &order(json!({}))));
}
