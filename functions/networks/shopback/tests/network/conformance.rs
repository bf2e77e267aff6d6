//! The conformance suite, and what only ShopBack has.

use crate::common::{self, TOKEN, lines, order, order_json, parts, settings};
use postback_conformance::{
    NOW, Subject, answers_give_their_verdicts, conforms, documented_reasons_are_met,
    reasons_are_documented, secret_refuses_templates, settings_match_their_schema,
};
use postback_core::{
    delivery::{Attempt, Proof, Recovery, Verdict},
    http::Answer,
    network::{Deduplicates, Network, Validates, by_status},
};
use serde_json::{Value, json};
use shopback::ShopBack;

const ANSWERS: &str = "answers";

#[test]
fn every_answer_gives_its_verdict() {
    let settings = settings(json!({}));
    let parts = parts(&settings, &order(json!({})));

    answers_give_their_verdicts(&common::network(&settings), &parts[0].report, ANSWERS);
    let readme = include_str!("../../README.md");
    reasons_are_documented(ANSWERS, readme);
    // Of the order, each with a test of its own in `plan.rs` or `templates.rs`; of a line, here.
    let local = [
        "not_completed",
        "no_click",
        "no_offer",
        "amount_too_precise",
        "amount_too_large",
        "no_items",
        "no_unit_price",
        "too_many_lines",
        "bad_line_amount",
        "bad_quantity",
        "negative_amount",
        "adv_too_long",
        "duplicate_of_a_line",
        // A duplicate is judged by the records of the other orders of its click.
        "duplicate_elsewhere",
        "click_used",
        "click_in_use",
    ];
    documented_reasons_are_met(&[ANSWERS], readme, &local);
}

#[test]
fn a_refused_validation_is_parked_alone_and_a_wrong_token_for_all() {
    let network = common::network(&settings(json!({})));
    let verdict = |status, text: &str| network.validated(&Answer::new(status, text)).verdict;

    assert_eq!(verdict(200, "success=true;"), Verdict::Delivered(Proof::Response));
    let token = "success=false;Invalid security token";
    assert_eq!(verdict(200, token), Verdict::parked("security_token_refused"));
    // It may be about this conversion: no other one waits for it.
    let refused = Verdict::parked_until_fixed("validation_refused");
    assert_eq!(verdict(200, "success=false;No such conversion"), refused);
    for (status, text) in
        [(503, "success=false;No such conversion"), (503, ""), (302, "success=true;")]
    {
        let by_status = by_status(&Answer::new(status, text));
        assert_eq!(verdict(status, text), by_status, "{status} {text}");
    }
}

#[test]
fn an_offer_is_kept_unless_its_number_is_one_that_was_sent() {
    let parts = parts(&lines(), &order(json!({})));
    let request_offer = |number: &str| {
        let text = format!(
            "success=false; err_msg=Request offer #{number} does not match session offer #2345.;"
        );
        let answer = Answer::new(200, text);
        let network = common::network(&lines());
        let found = network.verdict(&parts[0].report, &answer, &Attempt::first(NOW));
        found.details.get("request_offer").map(str::to_owned)
    };

    assert_eq!(request_offer("1234567").as_deref(), Some("1234567"));
    // The digits of the click.
    assert_eq!(request_offer("1029831"), None);
    assert_eq!(format!("{:?}", parts[0].report), "Report { line: Some(1), .. }");
}

#[test]
fn conforms_in_both_modes() {
    let facts: [&[&str]; 2] =
        [&["amount", "click", "currency"], &["amount", "click", "currency", "line_amount"]];
    for (mode, facts) in ["order", "line_items"].into_iter().zip(facts) {
        let click = "canaryclick0001";
        let unique_id = if mode == "order" { "{order_id}" } else { "{order_id}-{line}" };
        let order = json!({
            "clicks": { "shopback": {
                "transaction_id": click, "clicked_at": "2026-11-20T09:00:00Z",
            } },
            "customer": { "email": "canary@example.com", "name": "Canary Name", "country": "MY" },
        });
        let token = "canarytokencanarytokencanaryto01";
        conforms::<ShopBack>(&Subject {
            settings: settings(json!({
                "mode": mode, "security_token": token, "adv_sub2": "{currency}",
            })),
            other_settings: json!({
                "mode": mode, "security_token": TOKEN, "offer_by_country": { "MY": 7 },
                "on_unconfirmed": "hold", "conversion_unique_id": unique_id,
                "adv_sub3": "{total}", "adv_unique1": "{custom.coupon}",
            }),
            order: order_json(order),
            canaries: &[click, token, "canary@example.com", "Canary Name"],
            facts,
            scoped_by: &["offer_by_country", "conversion_unique_id"],
            credentials: &[("security_token", token)],
            concern: "/clicks/shopback/transaction_id",
            without: "no_click",
            confirms: true,
            answers: ANSWERS,
        });
    }
}

#[test]
fn the_settings_match_their_schema() {
    settings_match_their_schema::<ShopBack>();
}

#[test]
fn settings_refuse_place_holders_and_never_quote_a_value() {
    let by_country = json!({ "offer_by_country": { "MY": 1234, "SG": "2345" } });
    let by_currency = json!({ "offer_by_currency": { "MYR": 1234 } });
    for offers in [json!({}), by_country, by_currency] {
        let mut settings = settings(offers);
        settings["mode"] = json!("order");
        settings["on_unconfirmed"] = json!("hold");
        settings["conversion_unique_id"] = json!("{order_id}");
        for name in ["adv_sub2", "adv_sub3", "adv_sub4", "adv_sub5"] {
            settings[name] = json!("the {currency} of {custom.coupon}");
        }
        for number in 1..=5 {
            settings[format!("adv_unique{number}")] = json!("{order_id}");
        }
        secret_refuses_templates::<ShopBack>(&settings);
    }
}

#[test]
fn a_lost_answer_is_sent_again_for_an_order_and_held_for_a_line() {
    let recovery = |settings: &Value| {
        let parts = parts(settings, &order(json!({})));
        common::network(settings).recovery(&parts[0].report).recovery()
    };

    assert_eq!(recovery(&settings(json!({}))), Recovery::SendAgain);
    assert_eq!(recovery(&lines()), Recovery::Hold);
    assert_eq!(recovery(&settings(json!({ "on_unconfirmed": "resend" }))), Recovery::SendAgain);
    assert_eq!(recovery(&settings(json!({ "on_unconfirmed": "hold" }))), Recovery::Hold);
    assert_eq!(ShopBack::KEY, "transaction_id");
}

#[test]
fn the_click_is_no_key_where_the_offer_limits_conversions_by_an_id_of_ours() {
    let by_id = settings(json!({ "conversion_unique_id": "{order_id}" }));
    let click = |settings: &Value| {
        let parts = parts(settings, &order(json!({})));
        ShopBack::click(&parts[0].report).map(str::to_owned)
    };

    assert_eq!(click(&settings(json!({}))).as_deref(), Some(common::CLICK));
    assert_eq!(click(&by_id), None);
    let sent = common::sent(&by_id, &order(json!({})), "conversion_unique_id");
    assert_eq!(sent.as_deref(), Some("order_123"));
}

#[test]
fn an_id_that_two_reports_would_share_is_refused() {
    let fault = |more: Value| common::faults(&settings(more)).remove(0).1;

    assert_eq!(fault(json!({ "conversion_unique_id": "{currency}" })), "not_unique");
    let line = json!({ "conversion_unique_id": "{order_id}-{line}" });
    assert_eq!(fault(line), "field_of_a_line");
    let lines = json!({ "mode": "line_items", "conversion_unique_id": "{order_id}" });
    assert_eq!(fault(lines), "not_unique");
}

#[test]
fn a_duplicate_proves_nothing_of_a_line() {
    let parts = parts(&lines(), &order(json!({})));
    let text = "success=false; err_msg=Duplicate recorded with Trans. ID";
    let verdict = |attempt| {
        let answer = Answer::new(200, text);
        common::network(&lines()).verdict(&parts[1].report, &answer, &attempt).verdict
    };

    let first = verdict(Attempt::first(NOW));
    let second = verdict(Attempt::after_a_lost_answer(NOW));

    assert_eq!(first, Verdict::rejected("duplicate_elsewhere"));
    assert_eq!(second, Verdict::unconfirmed("duplicate_of_a_line"));
}

#[test]
fn an_inactive_offer_stops_the_others_only_where_there_are_no_others() {
    let several = settings(json!({ "offer_by_currency": { "MYR": 1, "SGD": 2 } }));
    let verdict = |settings: &Value| {
        let parts = parts(settings, &order(json!({})));
        let answer = Answer::new(200, "success=false; err_msg=Offer is not active");
        let network = common::network(settings);
        network.verdict(&parts[0].report, &answer, &Attempt::first(NOW)).verdict
    };

    assert_eq!(verdict(&settings(json!({}))), Verdict::parked("offer_inactive"));
    assert_eq!(verdict(&several), Verdict::parked_alone("offer_inactive"));
}

#[test]
fn an_offer_that_echoes_the_click_id_is_not_kept() {
    for click in ["7351940261", "id73519402610x", "2345"] {
        let with_click = json!({
            "clicks": { "shopback": { "transaction_id": click } },
            "custom": { "phone": "+91 98765-43210" },
        });
        let parts = parts(&settings(json!({})), &order(with_click));
        let kept = |session: &str| {
            let text = format!("Request offer #1234 does not match session offer #{session}.");
            let answer = Answer::new(200, format!("success=false; err_msg={text};"));
            let network = common::network(&settings(json!({})));
            let classification = network.verdict(&parts[0].report, &answer, &Attempt::first(NOW));
            assert_eq!(classification.details.get("request_offer"), Some("1234"));
            classification.details.get("session_offer").map(str::to_owned)
        };

        let digits: String = click.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(kept(&digits), None, "{click}");
        assert_eq!(kept("919876543210"), None);
        assert_eq!(kept("9876").as_deref(), Some("9876"));
    }
}

#[test]
fn no_click_id_that_is_echoed_makes_another_meaning() {
    let network = common::network(&settings(json!({})));
    for word in ["token", "ip", "cap", "protocol", "duplicate", "whitelisted", "offer", "match"] {
        let click = json!({ "clicks": { "shopback": { "transaction_id": word } } });
        let parts = parts(&settings(json!({})), &order(click));
        let verdict = |text: &str| {
            let answer = Answer::new(200, format!("success=false; err_msg={text}.;"));
            let attempt = Attempt::after_a_lost_answer(NOW);
            network.verdict(&parts[0].report, &answer, &attempt).verdict
        };

        let invalid = verdict(&format!("Invalid Trans. ID #{word}"));
        let duplicate = verdict(&format!("Duplicate recorded with Trans. ID #{word}"));
        let bare = verdict(&format!("Invalid Trans. ID {word}"));

        assert_eq!(invalid, Verdict::rejected("invalid_click"), "{word}");
        assert_eq!(duplicate, Verdict::Duplicate, "{word}");
        assert!(matches!(bare, Verdict::Rejected(_)), "{word}: {bare:?}");
    }
}
