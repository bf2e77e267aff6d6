//! The values of `adv_sub2` to `adv_unique5`, and the templates that the settings refuse.

use crate::common::{self, faults, lines, order, refusal, sent, settings};
use postback_core::network::Network;
use serde_json::{Value, json};

/// The value of `adv_sub2` for the first line of an order.
fn of_line(template: &str, order: &postback_core::order::Order) -> Option<String> {
    let mut settings = lines();
    settings["adv_sub2"] = json!(template);
    sent(&settings, order, "adv_sub2")
}

fn of_order(template: &str, more: Value) -> Option<String> {
    sent(&settings(json!({ "adv_sub2": template })), &order(more), "adv_sub2")
}

#[test]
fn each_field_of_the_order_can_be_named() {
    let more = || {
        json!({
            "tax": "6.00", "shipping": "4.50", "surcharge": "0", "discount_percent": "12.5",
            "customer": { "country": "my" },
        })
    };
    let cases = [
        ("{order_id}", "order_123"),
        ("{currency}", "MYR"),
        ("{total}", "100"),
        ("{tax}", "6"),
        ("{shipping}", "4.5"),
        ("{surcharge}", "0"),
        ("{discount_percent}", "12.5"),
        ("{country}", "MY"),
        ("{custom.coupon}", "SPRING 10%"),
        ("online", "online"),
        ("{country}-{currency}/{custom.none}!", "MY-MYR/!"),
    ];

    for (template, value) in cases {
        assert_eq!(of_order(template, more()).as_deref(), Some(value), "{template}");
    }
}

#[test]
fn each_field_of_a_line_can_be_named() {
    let cases = [
        ("{line}", "1"),
        ("{sku}", "HP-0052"),
        ("{item_name}", "Kettle"),
        ("{category}", "Home & Living"),
        ("{ref}", "tier-2"),
        ("{quantity}", "3"),
        ("{unit_price}", "19.95"),
        ("{line_amount}", "59.85"),
        ("{order_id}-{line}", "order_123-1"),
    ];

    for (template, value) in cases {
        assert_eq!(of_line(template, &order(json!({}))).as_deref(), Some(value), "{template}");
    }
}

#[test]
fn a_reference_may_be_a_number() {
    let items = json!([{ "unit_price": "1", "refs": { "shopback": 135 } }]);

    assert_eq!(of_line("{ref}", &order(json!({ "items": items }))).as_deref(), Some("135"));
}

#[test]
fn what_comes_out_blank_is_left_out() {
    assert_eq!(of_order("{country}", json!({})), None);
    assert_eq!(of_order("{custom.none} {tax}", json!({})), None);
    assert_eq!(of_order("{custom.blank}", json!({ "custom": { "blank": "  " } })), None);
    assert_eq!(of_line("{category}", &order(json!({ "items": [{ "unit_price": "1" }] }))), None);
}

#[test]
fn what_the_platform_would_cut_is_not_sent() {
    let settings = settings(json!({ "adv_unique5": "{custom.long}" }));
    let long = |count: usize| order(json!({ "custom": { "long": "ä".repeat(count) } }));

    let fits = sent(&settings, &long(500), "adv_unique5");

    assert_eq!(fits.map(|value| value.chars().count()), Some(500));
    assert_eq!(refusal(&settings, &long(501)), "rejected adv_too_long");
}

#[test]
fn a_place_holder_that_comes_from_the_order_is_left_out() {
    let settings = settings(json!({ "adv_sub2": "{custom.tier}" }));
    let tier =
        |tier: &str| sent(&settings, &order(json!({ "custom": { "tier": tier } })), "adv_sub2");

    assert_eq!(tier("{tier}"), None);
    assert_eq!(tier("{\"a\":1}").as_deref(), Some("{\"a\":1}"));
}

#[test]
fn only_known_fields_stand_in_braces() {
    for unknown in [
        "{order_offer_id}",
        "{ security_token }",
        "{ currency }",
        "{}",
        "{custom.}",
        "{{currency}}",
        "{custom}",
        "{email}",
    ] {
        let settings = settings(json!({ "adv_sub3": unknown }));
        assert_eq!(faults(&settings), [("/adv_sub3".to_owned(), "unknown_field")], "{unknown}");
    }
    for broken in ["{currency", "currency}", "}{", "{currency}}"] {
        let settings = settings(json!({ "adv_unique1": broken }));
        assert_eq!(faults(&settings), [("/adv_unique1".to_owned(), "bad_template")], "{broken}");
    }
}

#[test]
fn a_template_has_no_outer_blanks_or_line_ends() {
    for blank in [" {currency}", "{currency} ", "{currency}\n", "\tonline", "\u{a0}online"] {
        let settings = settings(json!({ "adv_sub2": blank }));
        assert_eq!(faults(&settings), [("/adv_sub2".to_owned(), "outer_blanks")], "{blank:?}");
    }
    assert_eq!(of_order("{currency} online", json!({})).as_deref(), Some("MYR online"));
}

#[test]
fn a_field_of_a_line_needs_lines() {
    let settings = settings(json!({ "adv_sub2": "{currency}{sku}" }));

    assert_eq!(faults(&settings), [("/adv_sub2".to_owned(), "field_of_a_line")]);
}

#[test]
fn every_wrong_setting_is_named_at_once() {
    let wrong = json!({
        "offer_id": "{order_offer_id}", "security_token": "short", "mode": "lines", "adv_sub2": " ",
        "adv_sub6": "x",
    });
    let named = [
        ("/offer_id", "template"),
        ("/security_token", "not_a_token"),
        ("/mode", "unknown_word"),
        ("/adv_sub2", "blank"),
        ("/adv_sub6", "unknown_member"),
    ];

    assert_eq!(faults(&wrong), named.map(|(pointer, code)| (pointer.to_owned(), code)));
}

#[test]
fn offers_are_numbers_named_by_codes_and_given_in_one_way() {
    let offers = |more: Value| faults(&settings(more));
    let one = |pointer: &str, code: &'static str| vec![(pointer.to_owned(), code)];

    assert_eq!(faults(&json!({ "security_token": common::TOKEN })), one("/offer_id", "missing"));
    assert_eq!(offers(json!({ "offer_id": "12a" })), one("/offer_id", "wrong_type"));
    assert_eq!(offers(json!({ "offer_id": 0 })), one("/offer_id", "out_of_range"));
    assert_eq!(
        offers(json!({ "offer_by_country": { "my": 1 } })),
        one("/offer_by_country/my", "bad_name")
    );
    assert_eq!(
        offers(json!({ "offer_by_currency": { "MYR": "{offer}" } })),
        one("/offer_by_currency/MYR", "template")
    );
    assert_eq!(
        offers(json!({ "offer_by_country": { "MY": 1 }, "offer_by_currency": { "MYR": 1 } })),
        one("/offer_by_currency", "ambiguous")
    );
}

#[test]
fn a_token_is_thirty_two_letters_and_digits() {
    for wrong in ["070a632e2b574ca894d90610c7da97b", "070a632e2b574ca894d90610c7da97b_"] {
        let faults = faults(&settings(json!({ "security_token": wrong })));
        assert_eq!(faults, [("/security_token".to_owned(), "not_a_token")]);
    }
    let settings = settings(json!({ "security_token": "{ security_token }" }));
    assert_eq!(faults(&settings), [("/security_token".to_owned(), "template")]);
}

#[test]
fn a_workbook_validates_without_the_account_of_the_calls() {
    let by = |by: &str, with_account: bool| {
        let mut validation = json!({ "by": by, "return_period_days": 30 });
        if with_account {
            validation["offer_id"] = json!(4321);
            validation["aff_id"] = json!(77);
        }
        settings(json!({ "validation": validation }))
    };
    let plan = |settings: Value| common::network(&settings).validation().expect("a validation");

    assert!(plan(by("workbook", false)).by_workbook);
    assert!(!plan(by("api", true)).by_workbook);
    let lacks = ["/validation/offer_id", "/validation/aff_id"];
    let missing = lacks.map(|pointer| (pointer.to_owned(), "missing"));
    assert_eq!(faults(&by("api", false)), missing);
    // Nobody knows which of the two is meant.
    let unknown = faults(&by("workbook", true)).into_iter().map(|(_, code)| code);
    assert_eq!(unknown.collect::<Vec<_>>(), ["unknown_member"; 2]);
}

#[test]
fn a_validation_repeats_every_id_of_the_report_after_the_return_period() {
    let validation = json!({ "offer_id": 4321, "aff_id": 77, "return_period_days": 30 });
    let more = json!({ "adv_sub2": "{order_id}-{currency}", "validation": validation });
    let settings = settings(more);
    let network = common::network(&settings);
    let plan = network.validation().expect("a validation");

    let ids = plan.ids(&network, &common::parts(&settings, &order(json!({})))[0].report);

    let expected = [("adv_sub", "order_123"), ("adv_sub2", "order_123-MYR")];
    assert!(ids.iter().map(|(name, id)| (name.as_str(), id.as_str())).eq(expected), "{ids:?}");
    assert_eq!(plan.terms.return_period, std::time::Duration::from_hours(30 * 24));
}

#[test]
fn with_a_validation_no_id_names_a_member_of_the_shops_own() {
    let with = |adv: &str, validation: Value| {
        settings(json!({ "adv_sub2": adv, "validation": validation }))
    };
    let by_workbook = || json!({ "by": "workbook", "return_period_days": 30 });

    let personal = [("/adv_sub2".to_owned(), "may_be_personal")];
    assert_eq!(faults(&with("{custom.coupon}", by_workbook())), personal);
    assert!(common::network(&with("{order_id}", by_workbook())).validation().is_some());
    common::network(&settings(json!({ "adv_sub2": "{custom.coupon}" })));
}
