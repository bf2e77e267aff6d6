//! Who plays: the four networks with the settings that change what a lost answer means, and an
//! order that concerns all of them.

use std::marker::PhantomData;

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use postback_core::network::Network;
use postback_sandbox::{CARTSTACK_KEY, CARTSTACK_SITEID, CPA_MOE_KEY, CPA_MOE_USER};
use postback_sandbox::{SHOPBACK_OFFER_ID, SHOPBACK_SECURITY_TOKEN};
use serde_json::{Value, json};
use shopback::ShopBack;

/// How a delivery to a network must end when an answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Delivered, with one effect.
    Delivered,
    /// With one effect at most; unconfirmed if it may have been told and no answer was kept.
    Held,
    /// Delivered, with one effect for each attempt at most: the merchant has asked for it.
    Consented,
}

/// One network with one merchant's settings.
#[derive(Clone, Debug)]
pub struct NetworkCase<N> {
    /// Which of the sandbox's networks.
    pub at: postback_sandbox::Network,
    /// The merchant's secret.
    pub secret: Value,
    /// How a lost answer ends.
    pub ends: Ends,
    /// Whether it wants lines.
    pub by_line: bool,
    network: PhantomData<fn() -> N>,
}

/// One delivery of an order: all of it, or a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name in the ledger.
    pub name: Option<String>,
    /// What tells its effects from those of other lines.
    pub amount: Option<String>,
}

impl<N: Network> NetworkCase<N> {
    const fn new(at: postback_sandbox::Network, secret: Value, ends: Ends) -> Self {
        Self { at, secret, ends, by_line: false, network: PhantomData }
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

    /// The deliveries that an order of [`order`] is.
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

    /// Makes the sandbox behave as this merchant's contract says.
    pub fn prepare(&self, sandbox: &postback_sandbox::Sandbox) {
        if self.by_line {
            sandbox.change_settings(|settings| {
                settings.shopback.duplicates = postback_sandbox::ShopBackDuplicates::Never;
            });
        }
    }
}

impl NetworkCase<ShopBack> {
    /// Takes whole orders and refuses a second one.
    #[must_use]
    pub fn shopback() -> Self {
        let secret =
            json!({ "offer_id": SHOPBACK_OFFER_ID, "security_token": SHOPBACK_SECURITY_TOKEN });
        Self::new(postback_sandbox::Network::ShopBack, secret, Ends::Delivered)
    }

    /// Takes lines and de-duplicates nothing.
    #[must_use]
    pub fn shopback_lines() -> Self {
        let mut role = Self::shopback();
        role.secret["mode"] = json!("line_items");
        Self { ends: Ends::Held, by_line: true, ..role }
    }
}

impl NetworkCase<CpaMoe> {
    /// Can be asked.
    #[must_use]
    pub fn cpa_moe() -> Self {
        let secret = json!({ "user": CPA_MOE_USER, "key": CPA_MOE_KEY });
        Self::new(postback_sandbox::Network::CpaMoe, secret, Ends::Delivered)
    }
}

impl NetworkCase<CashMyCell> {
    /// Never confirms and never de-duplicates.
    #[must_use]
    pub fn cashmycell() -> Self {
        Self::new(postback_sandbox::Network::CashMyCell, json!({}), Ends::Held)
    }
}

impl NetworkCase<CartStack> {
    /// Counts a second call as a second purchase.
    #[must_use]
    pub fn cartstack() -> Self {
        let secret = json!({ "key": CARTSTACK_KEY, "siteid": CARTSTACK_SITEID });
        Self::new(postback_sandbox::Network::CartStack, secret, Ends::Held)
    }

    /// The same, for a merchant who would rather have it told twice than not at all.
    #[must_use]
    pub fn cartstack_resend() -> Self {
        let mut role = Self::cartstack();
        role.secret["on_unconfirmed"] = json!("resend");
        Self { ends: Ends::Consented, ..role }
    }
}

fn click(order_id: &str) -> String {
    format!("cmc{order_id}")
}

fn email(order_id: &str) -> String {
    format!("{order_id}@example.com")
}

/// How many contents one order of [`order`] may have.
pub const VARIANTS: u8 = 3;

/// An order that concerns all four networks. The variants are other contents of the same order.
///
/// # Panics
///
/// When the id is not up to 30 letters and digits.
#[must_use]
pub fn order(id: &str, variant: u8) -> Value {
    assert!(id.len() <= 30 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    let item = |name: &str, price: &str| json!({ "sku": name, "name": name, "quantity": 1, "unit_price": price });
    json!({
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
    })
}
