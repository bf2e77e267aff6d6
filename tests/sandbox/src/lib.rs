#![doc = include_str!("../README.md")]

mod accounts;
pub mod cartstack;
pub mod cashmycell;
mod clock;
mod control;
pub mod cpa_moe;
mod effects;
mod fault;
mod http;
mod network;
mod network_api;
mod query;
mod report;
mod request_log;
mod rule;
mod sandbox;
mod script;
mod server;
mod settings;
pub mod shopback;
mod simulator;
mod state;
mod values;

pub use accounts::{
    Accounts, CARTSTACK_KEY, CARTSTACK_SITEID, CPA_MOE_KEY, CPA_MOE_USER, CartStackAccount,
    CashMyCellAccount, CpaMoeAccount, SHOPBACK_OFFER_ID, SHOPBACK_SECURITY_TOKEN, ShopBackAccount,
};
pub use effects::{Effect, Totals};
pub use fault::{Fault, Processed};
pub use http::Answer;
pub use network::Network;
pub use request_log::{Answered, Received, Violation};
pub use rule::Rule;
pub use sandbox::{Options, Sandbox};
pub use settings::{
    CartStackSettings, CashMyCellAnswer, CashMyCellSettings, CpaMoeSettings, Settings,
    ShopBackDuplicates, ShopBackSettings,
};
