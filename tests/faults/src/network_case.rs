//! The four networks with the settings that change what a lost answer means, and an order that
//! concerns all of them.

use std::marker::PhantomData;

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use postback_core::{
    fields::UnknownFields,
    network::{Network, Plan, configure},
    order::Order,
};
use postback_sandbox::{CARTSTACK_KEY, CARTSTACK_SITEID, CPA_MOE_KEY, CPA_MOE_USER};
use postback_sandbox::{SHOPBACK_OFFER_ID, SHOPBACK_SECURITY_TOKEN};
use serde_json::{Value, json};
use shopback::ShopBack;

/// The end that a delivery must come to when an answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Delivered, with one effect.
    Delivered,
    /// At most one effect; `unconfirmed` if it may have been reported and no answer was kept.
    Held,
    /// One more attempt, by the merchant's consent: at most one effect for each; `unconfirmed` if that
    /// answer was lost, too.
    Consented,
}

/// One network with one merchant's settings.
#[derive(Clone, Debug)]
pub struct NetworkCase<N> {
    /// The network in the sandbox.
    pub at: postback_sandbox::Network,
    /// The merchant's secret.
    pub secret: Value,
    /// The end of a delivery whose answer was lost.
    pub ending: Ending,
    /// True if it takes lines instead of orders.
    pub by_line: bool,
    /// Members of the secret that a merchant may change at any time.
    others: Vec<(&'static str, Value)>,
    network: PhantomData<fn() -> N>,
}

/// Another offer of the same merchant at ShopBack.
const OTHER_OFFER: u64 = 7002;

/// One delivery of an order: all of it, or a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name in the ledger.
    pub name: Option<String>,
    /// The amount by which its effects differ from those of other lines.
    pub amount: Option<String>,
}

impl<N: Network> NetworkCase<N> {
    const fn new(at: postback_sandbox::Network, secret: Value, ending: Ending) -> Self {
        Self { at, secret, ending, by_line: false, others: Vec::new(), network: PhantomData }
    }

    fn or(mut self, member: &'static str, value: Value) -> Self {
        self.others.push((member, value));
        self
    }

    /// The value by which the sandbox knows an order.
    #[must_use]
    pub fn key(&self, order_id: &str) -> String {
        match self.at {
            postback_sandbox::Network::CashMyCell => click(order_id),
            postback_sandbox::Network::CartStack => email(order_id),
            postback_sandbox::Network::CpaMoe | postback_sandbox::Network::ShopBack => {
                order_id.to_owned()
            }
        }
    }

    /// The deliveries of one order of [`order`].
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        if !self.by_line {
            return vec![Line { name: None, amount: None }];
        }
        let line = |name: &str, amount: &str| Line {
            name: Some(name.to_owned()),
            amount: Some(amount.to_owned()),
        };
        vec![line("1", "10"), line("2", "20")]
    }

    /// Returns true if the ledger keeps which orders used a click: one more write before the first byte.
    ///
    /// # Panics
    ///
    /// If the network does not take the order.
    #[must_use]
    pub fn keeps_clicks(&self) -> bool {
        let network = configure::<N>(&self.secret.to_string()).expect("settings");
        let order = Order::from_json(&order("A1", 0), UnknownFields::Deny).expect("an order");
        let Plan::Send(parts) = network.plan(&order) else { panic!("it is not sent") };
        N::click(&parts[0].report).is_some()
    }

    /// The merchant's secret, and others that the network takes as well.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![self.secret.to_string()];
        secrets.extend(self.others.iter().map(|(member, value)| {
            let mut secret = self.secret.clone();
            secret[*member] = value.clone();
            secret.to_string()
        }));
        secrets
    }

    /// Makes the sandbox behave as this merchant's contract says.
    pub fn prepare(&self, sandbox: &postback_sandbox::Sandbox) {
        sandbox.change_settings(|settings| {
            let duplicates = if self.by_line {
                postback_sandbox::ShopBackDuplicates::Never
            } else {
                postback_sandbox::ShopBackDuplicates::TransactionId
            };
            settings.shopback.duplicates = duplicates;
            settings.shopback.other_offers.insert(OTHER_OFFER, duplicates);
        });
    }
}

impl NetworkCase<ShopBack> {
    /// Takes whole orders and refuses a second one.
    #[must_use]
    pub fn shopback() -> Self {
        let secret =
            json!({ "offer_id": SHOPBACK_OFFER_ID, "security_token": SHOPBACK_SECURITY_TOKEN });
        Self::new(postback_sandbox::Network::ShopBack, secret, Ending::Delivered)
            .or("offer_id", json!(OTHER_OFFER))
            .or("on_unconfirmed", json!("hold"))
    }

    /// Takes lines and de-duplicates nothing.
    #[must_use]
    pub fn shopback_lines() -> Self {
        let mut case = Self::shopback();
        case.secret["mode"] = json!("line_items");
        Self { ending: Ending::Held, by_line: true, ..case }
    }
}

impl NetworkCase<CpaMoe> {
    /// Can be asked.
    #[must_use]
    pub fn cpa_moe() -> Self {
        let secret = json!({ "user": CPA_MOE_USER, "key": CPA_MOE_KEY });
        let case = Self::new(postback_sandbox::Network::CpaMoe, secret, Ending::Delivered);
        case.or("default_offer", json!(217))
    }
}

impl NetworkCase<CashMyCell> {
    /// Never confirms and never de-duplicates.
    #[must_use]
    pub fn cashmycell() -> Self {
        let case = Self::new(postback_sandbox::Network::CashMyCell, json!({}), Ending::Held);
        case.or("reference_id", json!(true))
    }
}

impl NetworkCase<CartStack> {
    /// Counts a second call as a second purchase.
    #[must_use]
    pub fn cartstack() -> Self {
        let secret = json!({ "key": CARTSTACK_KEY, "siteid": CARTSTACK_SITEID });
        let case = Self::new(postback_sandbox::Network::CartStack, secret, Ending::Held);
        case.or("total", json!("order_total"))
    }

    /// The same, for a merchant who prefers a second report to a missing one.
    #[must_use]
    pub fn cartstack_resend() -> Self {
        let mut case = Self::cartstack();
        case.secret["on_unconfirmed"] = json!("resend");
        Self { ending: Ending::Consented, ..case }
    }
}

fn click(order_id: &str) -> String {
    format!("cmc{order_id}")
}

fn email(order_id: &str) -> String {
    format!("{order_id}@example.com")
}

/// The number of contents that [`order`] gives one order.
pub const VARIANTS: u8 = 3;

/// The `updated_at` of a variant: the first [`VARIANTS`] have none, each further [`VARIANTS`] are
/// the contents of the next version.
pub(crate) fn updated_at(variant: u8) -> Option<String> {
    let version = variant / VARIANTS;
    (version > 0).then(|| format!("2026-11-21T10:{:02}:00Z", version % 60))
}

/// An order that concerns all four networks. The variants are other contents of the same order, and
/// later versions of it.
///
/// # Panics
///
/// If the id is not up to 30 letters and digits.
#[must_use]
pub fn order(id: &str, variant: u8) -> Value {
    assert!(id.len() <= 30 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    let item = |name: &str, price: &str| json!({ "sku": name, "name": name, "quantity": 1, "unit_price": price });
    let mut order = json!({
        "order_id": id, "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": format!("3{}.00", variant % VARIANTS),
        "customer": {
            "email": email(id), "phone": "+91 98765 43210", "name": "N. N.", "ip": "203.0.113.9",
            "user_agent": "Mozilla/5.0", "country": "IN",
        },
        "clicks": {
            "cashmycell": { "cmc_id": click(id), "clicked_at": "2026-11-20T09:00:00Z" },
            "shopback": { "transaction_id": format!("{id:0>30}") },
            "cpa_moe": { "offer": 217, "wm": 42 },
        },
        "items": [item("one", "10.00"), item("two", "20.00")],
    });
    if let Some(updated_at) = updated_at(variant) {
        order["updated_at"] = json!(updated_at);
    }
    order
}
