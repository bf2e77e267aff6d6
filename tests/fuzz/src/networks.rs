//! The four networks with settings, and an order that concerns all of them. Secrets and personal
//! data hold a [`crate::canary`].

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use postback_core::{
    fields::UnknownFields,
    network::{Network, Plan, configure},
    order::Order,
};
use serde_json::{Value, json};
use shopback::ShopBack;

/// Our order's id, and under which cpa.moe knows it.
pub const ORDER_ID: &str = "112358";

/// The customer's telephone number as cpa.moe gets it.
pub const PHONE: &str = "77001234567";

/// A network with settings and a report of the order to it.
pub struct Fixture<N: Network> {
    /// The network.
    pub network: N,
    /// The report.
    pub report: N::Report,
}

impl<N: Network> Fixture<N> {
    fn of(settings: &Value) -> Self {
        let network: N = configured(settings);
        let order = Order::from_json(&order(), UnknownFields::Deny);
        let order = order.unwrap_or_else(|faults| panic!("the order is refused: {faults:?}"));
        let Plan::Send(mut parts) = network.plan(&order) else { panic!("nothing is sent") };
        let report = parts.swap_remove(0).report;
        Self { network, report }
    }
}

/// CartStack.
pub fn cartstack() -> Fixture<CartStack> {
    Fixture::of(&json!({ "key": "CanaryKey0123456789", "siteid": "aBcD12" }))
}

/// CashMyCell.
pub fn cashmycell() -> Fixture<CashMyCell> {
    Fixture::of(&json!({ "reference_id": true }))
}

/// cpa.moe.
pub fn cpa_moe() -> Fixture<CpaMoe> {
    Fixture::of(&json!({ "user": 2718, "key": "canarykey314" }))
}

/// ShopBack, with a report of the whole order or of one line, and with one offer or several.
pub fn shopback(line: bool, several: bool) -> Fixture<ShopBack> {
    let mode = if line { "line_items" } else { "order" };
    let offers = if several { json!({ "MYR": 1234 }) } else { json!({}) };
    Fixture::of(&json!({
        "offer_id": 1234, "security_token": "canarytokencanarytokencanaryto01", "mode": mode,
        "offer_by_currency": offers, "adv_sub2": "{currency}", "adv_unique1": "{custom.coupon}",
    }))
}

/// A network with settings that are right.
pub fn configured<N: Network>(settings: &Value) -> N {
    let network = configure(&settings.to_string());
    network.unwrap_or_else(|faults| panic!("the settings are refused: {faults:?}"))
}

/// An order that concerns all networks.
pub fn order() -> Value {
    json!({
        "order_id": ORDER_ID, "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "MYR", "total": "119.00", "tax": "19.00", "shipping": "4.90",
        "customer": {
            "email": "canary.shopper+b@shop.example", "phone": "+7 700 123-45-67",
            "name": "Canaria Canarova", "ip": "9.9.9.9", "user_agent": "CanaryAgent/5.0",
            "country": "MY",
            "address": { "postal_code": "050000", "line": "2", "region": "Canaryland",
                         "city": "Canarycity", "street": "Canarystreet" },
        },
        "clicks": {
            "cashmycell": { "cmc_id": "canaryclick0000" },
            "shopback": { "transaction_id": "canaryclick0001" },
            "cpa_moe": { "offer": 217, "wm": "blog" },
        },
        "items": [{ "sku": "S-1", "quantity": 2, "unit_price": "59.50",
                    "refs": { "cpa_moe": 135, "shopback": "tier-2" } }],
        "utm": { "source": "canaryutm" }, "comment": "canarycomment",
        "custom": { "coupon": "canaryparam" },
    })
}
