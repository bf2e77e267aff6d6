//! The recorded payload of a paid order with one thing otherwise: what no shop should send, and does.

use postback_conformance::platform::changed_payloads_give;
use serde_json::{Value, json};
use woocommerce::WooCommerce;

#[test]
fn texts_numbers_and_lists_where_others_belong() {
    changed_payloads_give::<WooCommerce>(&[
        ("a number that is one", json!({ "number": 3084 }), json!({ "/order_id": "3084" })),
        ("no number", json!({ "number": "" }), json!({ "/faults": ["/order_id"] })),
        ("a total as a number", json!({ "total": 1499.5 }), json!({ "/total": "1499.5" })),
        ("a total with a comma", json!({ "total": "1499,00" }), json!({ "/faults": ["/total"] })),
        ("a total with a symbol", json!({ "total": "₹1499.00" }), json!({ "/faults": ["/total"] })),
        ("a negative total", json!({ "total": "-5.00" }), json!({ "/faults": ["/total"] })),
        ("no total", json!({ "total": null }), json!({ "/faults": ["/total"] })),
        ("given away", json!({ "total": "0.00" }), json!({ "/total": "0" })),
        (
            "a total that is too fine",
            json!({ "total": "17.169999999999998" }),
            json!({ "/faults": ["/total"] }),
        ),
        (
            "a tax that can't be read",
            json!({ "total_tax": "x", "shipping_total": [] }),
            json!({ "/tax": null, "/shipping": null, "/total": "1499" }),
        ),
        (
            "lists for objects",
            json!({ "billing": [], "shipping": [] }),
            json!({ "/customer/email": null, "/total": "1499" }),
        ),
        (
            "texts for lists",
            json!({ "line_items": "", "refunds": "x", "meta_data": "x" }),
            json!({ "/items": null, "/refunds": null, "/click_cookie": null }),
        ),
        (
            "lists of nulls",
            json!({ "line_items": [null], "refunds": [null, 5], "meta_data": [null] }),
            json!({ "/items": null, "/refunds": null }),
        ),
        (
            "a quantity as a text",
            json!({ "line_items": [{ "name": "Cloth", "quantity": "1.5", "total": "10.00", "total_tax": "" }] }),
            json!({ "/items/0/quantity": "1.5", "/items/0/total": "10" }),
        ),
        (
            "an empty country",
            json!({ "billing": { "country": "", "email": "A@shop.example" }, "shipping": {} }),
            json!({ "/customer/country": null, "/customer/email": "A@shop.example" }),
        ),
        (
            "addresses of a proxy",
            json!({ "customer_ip_address": "203.0.113.9, 10.0.0.1" }),
            json!({ "/customer/ip": "203.0.113.9, 10.0.0.1" }),
        ),
        (
            "an e-mail address that is none",
            json!({ "billing": { "email": "no mail", "country": "IN" } }),
            json!({ "/total": "1499" }),
        ),
        (
            "a currency in small letters",
            json!({ "currency": "inr" }),
            json!({ "/faults": ["/currency"] }),
        ),
        (
            "a cookie that is a number",
            json!({ "meta_data": [{ "key": "pb_clicks", "value": 7 }] }),
            json!({ "/click_cookie": null }),
        ),
        (
            "a key that is a number",
            json!({ "meta_data": [{ "key": 7, "value": "x" }] }),
            json!({ "/click_cookie": null, "/total": "1499" }),
        ),
    ]);
}

#[test]
fn times_of_every_kind() {
    changed_payloads_give::<WooCommerce>(&[
        (
            "as a database has them",
            json!({ "date_paid_gmt": "2026-11-21 10:15:30", "date_modified_gmt": "2026-11-21 10:16:00" }),
            json!({ "/completed_at": "2026-11-21T10:15:30Z", "/updated_at": "2026-11-21T10:16:00Z" }),
        ),
        (
            "zeros for none",
            json!({ "date_paid_gmt": "0000-00-00 00:00:00" }),
            json!({ "/completed_at": "2026-11-21T10:15:00Z" }),
        ),
        (
            "zeros for all",
            json!({ "date_paid_gmt": "0000-00-00T00:00:00", "date_created_gmt": "0000-00-00T00:00:00" }),
            json!({ "/faults": ["/completed_at"] }),
        ),
        (
            "with an offset",
            json!({ "date_paid_gmt": "2026-11-21T15:45:30+05:30" }),
            json!({ "/completed_at": "2026-11-21T10:15:30Z" }),
        ),
        (
            "with a fraction",
            json!({ "date_paid_gmt": "2026-11-21T10:15:30.250" }),
            json!({ "/completed_at": "2026-11-21T10:15:30.25Z" }),
        ),
        (
            "a day alone",
            json!({ "date_paid_gmt": "2026-11-21" }),
            json!({ "/faults": ["/completed_at"] }),
        ),
        (
            "a number",
            json!({ "date_paid_gmt": 1_795_256_130 }),
            json!({ "/completed_at": "2026-11-21T10:15:00Z" }),
        ),
        (
            "no change",
            json!({ "date_modified_gmt": null }),
            json!({ "/updated_at": null, "/total": "1499" }),
        ),
    ]);
}

#[test]
fn statuses_and_their_senders() {
    changed_payloads_give::<WooCommerce>(&[
        (
            "an unknown one",
            json!({ "status": "levitating" }),
            json!({ "/ignored": "unknown_status" }),
        ),
        ("none", json!({ "status": null }), json!({ "/ignored": "unknown_status" })),
        (
            "refunded, and the rest can't be read",
            json!({ "status": "refunded", "total": "x", "refunds": "x" }),
            json!({ "/status": "refunded", "/order_id": "3084" }),
        ),
        (
            "cancelled without a time",
            json!({ "status": "cancelled", "date_modified_gmt": "" }),
            json!({ "/status": "cancelled", "/updated_at": null }),
        ),
        (
            "a draft of the block editor",
            json!({ "status": "auto-draft" }),
            json!({ "/ignored": "not_paid" }),
        ),
        (
            "a sender that is a list",
            json!({ "created_via": [] }),
            json!({ "/status": "completed" }),
        ),
        ("no sender", json!({ "created_via": "" }), json!({ "/status": "completed" })),
        (
            "the mode of another plugin",
            json!({ "meta_data": [{ "key": "_mode", "value": "test" }] }),
            json!({ "/status": "completed" }),
        ),
    ]);
}

#[test]
fn refunds_of_every_kind() {
    let row = |about: &'static str, refunds: Value, expected: Value| {
        (about, json!({ "refunds": refunds }), expected)
    };
    changed_payloads_give::<WooCommerce>(&[
        row("as a number", json!([{ "id": 9, "total": -5 }]), json!({ "/refunds/0/amount": "5" })),
        row(
            "a positive one",
            json!([{ "id": 9, "total": "5.00" }]),
            json!({ "/refunds/0/amount": "5" }),
        ),
        row(
            "no money",
            json!([{ "id": 9, "total": "-0.00" }, { "id": 10, "total": 0 }]),
            json!({ "/refunds": null }),
        ),
        row(
            "with a comma",
            json!([{ "id": 9, "total": "-5,00" }]),
            json!({ "/faults": ["/refunds/0/amount"] }),
        ),
        row("no id", json!([{ "total": "-5.00" }]), json!({ "/faults": ["/refunds/0/id"] })),
        row(
            "an id as a text",
            json!([{ "id": "9", "total": "-5.00" }]),
            json!({ "/refunds/0/id": "9" }),
        ),
        row(
            "all of it",
            json!([{ "id": 9, "total": "-1499.00" }]),
            json!({ "/refunds/0/amount": "1499", "/status": "completed" }),
        ),
    ]);
}
