//! Items of the ledger in every state, in each form that was ever written. They are kept: an order
//! whose item is of an earlier form comes to its right end in today's code.
//!
//! `UPDATE_FIXTURES=1 cargo test -p postback-integration --test it fixtures` writes those of
//! today's format that are missing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use postback_core::delivery::{Decision, FORMAT, Key};
use postback_harness::Strike;
use postback_integration::{Bundle, with};
use postback_sandbox::{Answer, Fault, Network};
use serde_json::{Value, json};

use super::{DAY, cancelled, changed_at, delivery, order, script};

mod beside;
mod validations;

/// A state: its fixture's name, the network, and the end to which the order's next arrival brings
/// it.
const STATES: [(&str, &str, &str); 21] = [
    ("sending", "shopback", "delivered"),
    ("retrying", "shopback", "delivered"),
    ("retrying_corrected", "shopback", "delivered"),
    ("parked", "cpa_moe", "delivered"),
    ("unconfirmed_send_again", "shopback", "delivered"),
    ("unconfirmed_look_up", "cpa_moe", "delivered"),
    ("unconfirmed_hold", "cashmycell", "unconfirmed"),
    ("unconfirmed_cancelled", "cashmycell", "unconfirmed"),
    ("unconfirmed_permitted", "cashmycell", "accepted"),
    ("unconfirmed_reopened", "cartstack", "unconfirmed"),
    ("delivered", "shopback", "delivered"),
    ("delivered_conflicts", "shopback", "delivered"),
    ("delivered_cancelled", "cpa_moe", "delivered"),
    ("delivered_refunded", "shopback", "delivered"),
    ("delivered_confirmed", "cartstack", "delivered"),
    ("accepted", "cashmycell", "accepted"),
    ("rejected", "shopback", "rejected"),
    ("skipped_by_lines", "shopback", "mode_changed"),
    ("withdrawn", "shopback", "withdrawn"),
    ("withdrawn_completed", "cashmycell", "withdrawn"),
    ("abandoned", "cashmycell", "abandoned"),
];

/// Brings order A-1 into a state, by the real code.
async fn enter(bundle: &Bundle, state: &str, network: &str) {
    let path = format!("/orders/{network}");
    let fault = match state.split('_').next() {
        Some("retrying") => Some(Fault::status(429)),
        Some("parked") => Some(Fault::redirect("https://elsewhere.example/")),
        Some("unconfirmed" | "abandoned") => Some(Fault::close_after_reading()),
        Some("rejected") => {
            let invalid = Answer::of("text/plain", "success=false;error=Invalid Trans. ID");
            Some(Fault::answer(invalid))
        }
        _ if state == "delivered_confirmed" => Some(Fault::close_after_reading()),
        _ => None,
    };
    if let Some(fault) = fault {
        script(bundle, at(network), fault);
    }
    match state {
        "sending" => return die_while_sending(bundle).await,
        "withdrawn" | "withdrawn_completed" => {
            bundle.post(&path, &cancelled("A-1")).await;
        }
        "skipped_by_lines" => bundle.shopback.services.rotate(&by_lines()),
        _ => {}
    }
    if state == "skipped_by_lines" {
        bundle.bed.advance(Duration::from_mins(10));
        let items = json!([{ "unit_price": "1000.00" }, { "unit_price": "499.00" }]);
        bundle.post(&path, &with(order("A-1", "a"), "/items", items)).await;
    } else if state != "withdrawn" {
        bundle.post(&path, &order("A-1", "a")).await;
    }
    let key = Key::known("A-1".to_owned(), network, None);
    let decide = |decision| bundle.bed.decide(&key, decision);
    match state {
        "retrying_corrected" => {
            bundle.post(&path, &changed_at(order("A-1", "a"), 20)).await;
        }
        "unconfirmed_cancelled" | "delivered_cancelled" => {
            bundle.post(&path, &changed_at(cancelled("A-1"), 20)).await;
        }
        "delivered_refunded" => {
            let refund = json!([{ "id": "R-1", "amount": "100.00" }]);
            bundle.post(&path, &with(order("A-1", "a"), "/refunds", refund)).await;
        }
        "unconfirmed_permitted" => decide(Decision::PermitSending).await,
        "unconfirmed_reopened" => {
            decide(Decision::Abandon).await;
            decide(Decision::Reopen).await;
        }
        "delivered_confirmed" => decide(Decision::Confirm).await,
        "abandoned" => decide(Decision::Abandon).await,
        "delivered_conflicts" => {
            for click in ["b", "c", "b"] {
                bundle.shopback.enqueue(&order("A-1", click));
                bundle.shopback.work().await;
            }
        }
        _ => {}
    }
}

fn by_lines() -> String {
    let token = "fake0token0fake0token0fake0token";
    json!({ "offer_id": 1234, "security_token": token, "mode": "line_items" }).to_string()
}

/// The claim and the use of the click are written, and the function dies before the settlement.
async fn die_while_sending(bundle: &Bundle) {
    bundle.bed.table.script([Strike::Pass; 2].into_iter().chain([Strike::Hang]));
    let died = order("A-1", "a");
    tokio::select! {
        _ = bundle.post("/orders/shopback", &died) => panic!("the ledger never answers"),
        () = bundle.bed.table.wait_for_strikes(1) => {}
    }
    bundle.bed.table.script([]);
}

/// The items of the ledger as the real code writes them, in DynamoDB's own JSON.
async fn items(state: &str, network: &str) -> Vec<Value> {
    let bundle = Bundle::new(1).await;
    enter(&bundle, state, network).await;
    latest(&bundle)
}

fn latest(bundle: &Bundle) -> Vec<Value> {
    let mut latest = BTreeMap::new();
    for write in bundle.bed.table.stream() {
        let change = &write["dynamodb"];
        latest.insert(change["Keys"].to_string(), change["NewImage"].clone());
    }
    latest.into_values().collect()
}

fn folder(format: u32) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ledger");
    fixtures.join(format!("format-{format}"))
}

fn load_items(format: u32, state: &str) -> Vec<Value> {
    let path = folder(format).join(format!("{state}.json"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
    serde_json::from_str(&text).expect("a fixture is JSON")
}

/// The attributes that were added within a format: earlier items of it lack them.
const ADDED_LATER: [&str; 1] = ["waiting"];

/// The items of a state in each form that was ever written, by the form's name.
fn of_each_form(state: &str) -> Vec<(String, Vec<Value>)> {
    let mut forms = Vec::new();
    for format in 1..=FORMAT {
        let items = load_items(format, state);
        let mut earlier = items.clone();
        for item in earlier.iter_mut().filter_map(Value::as_object_mut) {
            item.retain(|name, _| !ADDED_LATER.contains(&name.as_str()));
        }
        if earlier != items {
            forms.push((format!("format {format} without {ADDED_LATER:?}"), earlier));
        }
        forms.push((format!("format {format}"), items));
    }
    forms
}

/// The attributes of an item with their types. Members that are content are left out.
fn shape(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    let Some((kind, inner)) = value.as_object().and_then(|members| members.iter().next()) else {
        return;
    };
    found.insert(format!("{at}: {kind}"));
    let is_content = ["facts", "details", "references", "status"];
    if is_content.iter().any(|name| at.ends_with(&format!(".{name}"))) {
        return;
    }
    for (name, member) in inner.as_object().into_iter().flatten() {
        shape(member, &format!("{at}.{name}"), found);
    }
    for entry in inner.as_array().into_iter().flatten().filter(|entry| entry.is_object()) {
        shape(entry, &format!("{at}[]"), found);
    }
}

fn shapes(items: &[Value]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in items {
        shape(&json!({ "M": item }), "", &mut found);
    }
    found
}

#[tokio::test]
async fn todays_code_writes_the_format_of_its_fixtures() {
    for (state, network, _) in STATES {
        is_of_its_fixture(state, &items(state, network).await);
    }
}

/// Checks that items have the attributes of their fixture. Writes one that is missing, if asked.
fn is_of_its_fixture(state: &str, written: &[Value]) {
    let path = folder(FORMAT).join(format!("{state}.json"));
    if std::env::var_os("UPDATE_FIXTURES").is_some() && !path.exists() {
        fs::create_dir_all(folder(FORMAT)).expect("a folder");
        fs::write(&path, format!("{:#}\n", json!(written))).expect("written");
    }
    assert_eq!(
        shapes(written),
        shapes(&load_items(FORMAT, state)),
        "{state}: the format of the ledger's items has changed. Raise `FORMAT` in \
         shared/core/src/delivery/record.rs, so that earlier functions leave such items alone, and \
         run UPDATE_FIXTURES=1 cargo test -p postback-integration --test it fixtures. Keep the \
         fixtures of the earlier formats: today's code has to read them. An attribute that may be \
         missing and that earlier functions may leave as it is needs no new format: add it to \
         `ADDED_LATER`, delete the fixtures that have it now, and write them anew. Of a member \
         inside an attribute earlier functions keep nothing: they have to do without it, or it needs a new format"
    );
}

#[tokio::test]
async fn an_order_in_each_state_of_each_form_comes_to_its_right_end() {
    for (state, network, end) in STATES {
        for (form, items) in of_each_form(state) {
            let bundle = Bundle::new(2).await;
            for item in items {
                bundle.bed.table.put_raw(&item).await;
            }
            bundle.bed.advance(Duration::from_hours(2));

            // The version held: its message is the one that comes again.
            let again = match state {
                "retrying_corrected" => changed_at(order("A-1", "a"), 20),
                _ => order("A-1", "a"),
            };
            let reply = bundle.post(&format!("/orders/{network}"), &again).await;
            bundle.bed.work_off(&bundle.shopback, DAY).await;
            bundle.bed.work_off(&bundle.cpa_moe, DAY).await;

            if end == "mode_changed" {
                assert_eq!(reply.body()["reason"], end, "{form}, {state}: {reply:?}");
                assert_eq!(bundle.bed.sandbox.requests(), 0);
                continue;
            }
            let after = delivery(&bundle, "A-1", network).await;
            assert_eq!(after["state"], end, "{form}, {state}: {after:#}");
            let is_sent = bundle.bed.sandbox.totals(at(network)).effects > 0;
            let starts_open = !state.starts_with(end);
            assert_eq!(is_sent, starts_open, "{form}, {state}: {after:#}");
        }
    }
}

fn at(network: &str) -> Network {
    match network {
        "cashmycell" => Network::CashMyCell,
        "cartstack" => Network::CartStack,
        "cpa_moe" => Network::CpaMoe,
        _ => Network::ShopBack,
    }
}
