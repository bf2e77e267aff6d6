//! The recorded payload of a paid order with one thing otherwise: what no shop should send, and does.

use postback_conformance::platform::changed_payloads_give;
use serde_json::{Value, json};
use shopify::Shopify;

/// A refund of one shirt with these payments.
fn refund(id: u64, transactions: Value) -> Value {
    json!({
        "id": id, "created_at": "2026-11-25T09:00:00+05:30", "transactions": transactions,
        "refund_line_items": [{ "line_item_id": 914_402_617, "quantity": 1, "subtotal": "700.00" }],
    })
}

fn paid(status: &str, amount: &str) -> Value {
    json!({ "kind": "refund", "status": status, "amount": amount, "currency": "INR" })
}

#[test]
fn texts_numbers_and_lists_where_others_belong() {
    changed_payloads_give::<Shopify>(&[
        ("a name that is a number", json!({ "name": 1008 }), json!({ "/order_id": "1008" })),
        ("a name with blanks", json!({ "name": " #1008 " }), json!({ "/order_id": "#1008" })),
        ("no name", json!({ "name": null }), json!({ "/faults": ["/order_id"] })),
        ("a blank name", json!({ "name": "  " }), json!({ "/faults": ["/order_id"] })),
        (
            "totals as numbers",
            json!({ "total_price": 1499, "current_total_price": 1499.00 }),
            json!({ "/total": "1499" }),
        ),
        (
            "blanks around a total",
            json!({ "current_total_price": " 1499.00 " }),
            json!({ "/total": "1499" }),
        ),
        (
            "a total with a comma",
            json!({ "total_price": "1,499.00", "current_total_price": "1,499.00" }),
            json!({ "/faults": ["/total"] }),
        ),
        (
            "a negative total",
            json!({ "total_price": "-1.00", "current_total_price": "-1.00" }),
            json!({ "/faults": ["/total"] }),
        ),
        (
            "a total that is too large",
            json!({ "total_price": "9999999999999999", "current_total_price": "9999999999999999" }),
            json!({ "/faults": ["/total"] }),
        ),
        (
            "a total of 17 digits",
            json!({ "total_price": "1499.0000000000001", "current_total_price": "1499.0000000000001" }),
            json!({ "/faults": ["/total"] }),
        ),
        (
            "no total at all",
            json!({ "total_price": null, "current_total_price": "" }),
            json!({ "/faults": ["/total"] }),
        ),
        (
            "only the older total",
            json!({ "current_total_price": null }),
            json!({ "/total": "1499" }),
        ),
        (
            "lists for objects",
            json!({ "customer": [], "shipping_address": [], "billing_address": [], "client_details": [], "total_shipping_price_set": [] }),
            json!({ "/total": "1499", "/customer/email": "asha@shop.example", "/shipping": null, "/customer/country": null }),
        ),
        (
            "an object for a list",
            json!({ "line_items": { "2": { "title": "Shirt", "quantity": "2", "price": "700.00" } }, "note_attributes": {}, "refunds": {} }),
            json!({ "/items/0/quantity": "2", "/items/0/total": "1400", "/refunds": null, "/click_cookie": null }),
        ),
        (
            "texts for lists",
            json!({ "line_items": "x", "note_attributes": "x", "refunds": "x" }),
            json!({ "/total": "1499", "/items": null, "/refunds": null }),
        ),
        (
            "a list of nulls",
            json!({ "line_items": [null, 7], "note_attributes": [null], "refunds": [null, "x"] }),
            json!({ "/total": "1499", "/items": null }),
        ),
        (
            "an address that is empty beside another",
            json!({ "shipping_address": {}, "billing_address": { "country_code": "de", "zip": 10115, "city": "Berlin" } }),
            json!({ "/customer/country": "DE", "/customer/address/city": "Berlin" }),
        ),
        (
            "an address of blanks beside another",
            json!({ "shipping_address": { "address1": " ", "country_code": "" }, "billing_address": { "country_code": "DE" } }),
            json!({ "/customer/country": "DE" }),
        ),
        ("a note that is a list", json!({ "note": ["a", "b"] }), json!({ "/total": "1499" })),
        (
            "times without a zone",
            json!({ "created_at": "2026-11-21T10:15:00" }),
            json!({ "/faults": ["/completed_at"] }),
        ),
        (
            "a time that is a number",
            json!({ "updated_at": 1_795_256_100 }),
            json!({ "/faults": ["/updated_at"] }),
        ),
        (
            "no time of the change",
            json!({ "updated_at": "" }),
            json!({ "/updated_at": null, "/total": "1499" }),
        ),
        (
            "a currency in small letters",
            json!({ "currency": "inr" }),
            json!({ "/faults": ["/currency"] }),
        ),
        (
            "an object for a currency",
            json!({ "currency": { "code": "INR" } }),
            json!({ "/faults": ["/currency"] }),
        ),
        (
            "another currency without decimals",
            json!({ "currency": "JPY", "total_price": "1499.00", "current_total_price": "1499" }),
            json!({ "/total": "1499", "/currency": "JPY" }),
        ),
    ]);
}

#[test]
fn statuses_that_nobody_knows_and_cancellations() {
    changed_payloads_give::<Shopify>(&[
        (
            "an unknown status",
            json!({ "financial_status": "levitating" }),
            json!({ "/ignored": "not_paid" }),
        ),
        ("no status", json!({ "financial_status": null }), json!({ "/ignored": "not_paid" })),
        ("expired", json!({ "financial_status": "expired" }), json!({ "/ignored": "not_paid" })),
        ("false for no time", json!({ "cancelled_at": false }), json!({ "/status": "completed" })),
        ("blank for no time", json!({ "cancelled_at": "" }), json!({ "/status": "completed" })),
        (
            "cancelled and paid back",
            json!({ "cancelled_at": "2026-11-22T10:15:00+05:30", "financial_status": "refunded" }),
            json!({ "/status": "cancelled", "/total": null }),
        ),
        (
            "cancelled while it was not paid",
            json!({ "cancelled_at": "2026-11-22T10:15:00Z", "financial_status": "pending" }),
            json!({ "/status": "cancelled" }),
        ),
        (
            "refunded, and its total can't be read",
            json!({ "financial_status": "refunded", "current_total_price": "x" }),
            json!({ "/status": "refunded", "/order_id": "#1008" }),
        ),
        (
            "a channel with a number",
            json!({ "source_name": "580111" }),
            json!({ "/status": "completed" }),
        ),
        (
            "a channel that is a number",
            json!({ "source_name": 580_111 }),
            json!({ "/status": "completed" }),
        ),
        ("no test", json!({ "test": null }), json!({ "/status": "completed" })),
        (
            "given away",
            json!({ "total_price": "0.00", "current_total_price": "0.00" }),
            json!({ "/total": "0" }),
        ),
    ]);
}

#[test]
fn refunds_of_every_kind() {
    let rows = |about: &'static str, refunds: Value, expected: Value| {
        (about, json!({ "financial_status": "partially_refunded", "refunds": refunds }), expected)
    };
    changed_payloads_give::<Shopify>(&[
        rows(
            "no money",
            json!([refund(1, json!([paid("success", "0.00")]))]),
            json!({ "/refunds": null, "/total": "1499" }),
        ),
        rows(
            "goods back to the shelf",
            json!([refund(1, json!([]))]),
            json!({ "/refunds": null, "/total": "1499" }),
        ),
        rows(
            "under way",
            json!([refund(1, json!([paid("pending", "700.00")]))]),
            json!({ "/refunds": null, "/total": "1499" }),
        ),
        rows(
            "failed",
            json!([refund(1, json!([paid("failure", "700.00"), paid("error", "700.00")]))]),
            json!({ "/refunds": null, "/total": "1499" }),
        ),
        rows(
            "failed, then done",
            json!([refund(1, json!([paid("failure", "700.00"), paid("success", "700.00")]))]),
            json!({ "/refunds/0/amount": "700", "/refunds/1": null }),
        ),
        rows(
            "to a card and to a voucher",
            json!([refund(1, json!([paid("success", "500.00"), paid("success", "200.00")]))]),
            json!({ "/refunds/0/amount": "700", "/refunds/1": null }),
        ),
        rows(
            "a payment that is no refund",
            json!([refund(
                1,
                json!([{ "kind": "capture", "status": "success", "amount": "700.00" }])
            )]),
            json!({ "/refunds": null }),
        ),
        rows(
            "an amount as a number",
            json!([refund(1, json!([{ "kind": "refund", "status": "success", "amount": 700 }]))]),
            json!({ "/refunds/0/amount": "700" }),
        ),
        rows(
            "an amount that can't be read",
            json!([refund(1, json!([paid("success", "x")]))]),
            json!({ "/faults": ["/refunds/0/amount"] }),
        ),
        rows(
            "no id",
            json!([{ "created_at": "2026-11-25T09:00:00Z", "transactions": [paid("success", "9.00")] }]),
            json!({ "/faults": ["/refunds/0/id"] }),
        ),
        rows(
            "the same one twice",
            json!([
                refund(1, json!([paid("success", "700.00")])),
                refund(1, json!([paid("success", "700.00")]))
            ]),
            json!({ "/refunds/0/id": "1" }),
        ),
        rows(
            "all of it",
            json!([refund(1, json!([paid("success", "1499.00")]))]),
            json!({ "/refunds/0/amount": "1499", "/total": "1499" }),
        ),
        rows(
            "a huge id",
            json!([refund(u64::MAX, json!([paid("success", "700.00")]))]),
            json!({ "/refunds/0/id": "18446744073709551615" }),
        ),
        rows(
            "a line that is not in the order",
            json!([{ "id": 1, "created_at": "2026-11-25T09:00:00Z", "transactions": [paid("success", "9.00")], "refund_line_items": [{ "line_item_id": 5, "quantity": 1, "subtotal": "9.00" }] }]),
            json!({ "/refunds/0/amount": "9", "/refunds/0/lines/0/line": null }),
        ),
        rows(
            "in euros, less than the goods",
            json!([{ "id": 1, "created_at": "2026-11-25T09:00:00Z", "transactions": [{ "kind": "refund", "status": "success", "amount": "7.00", "currency": "EUR" }], "refund_line_items": [{ "line_item_id": 914_402_617, "quantity": 1, "subtotal": "700.00" }], "order_adjustments": [{ "kind": "refund_discrepancy", "amount": "100.00" }] }]),
            json!({ "/refunds/0/amount": "600" }),
        ),
    ]);
}

#[test]
fn an_id_that_no_number_of_a_machine_holds() {
    let text = r#"{ "name": 123456789012345678901234567890, "line_items": [{ "id": 5, "quantity": 1, "price": "17.169999999999998" }] }"#;
    let changes: Value = serde_json::from_str(text).expect("JSON");
    changed_payloads_give::<Shopify>(&[(
        "and a price of 17 digits",
        changes,
        json!({
            "/order_id": "123456789012345678901234567890",
            "/total": "1499",
            "/items/0/unit_price": "17.169999999999998",
        }),
    )]);
}
