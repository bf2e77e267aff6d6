#![doc = include_str!("../README.md")]

mod accounts;
pub mod cartstack;
pub mod cashmycell;
mod clock;
mod control;
pub mod cpa_moe;
mod fault;
mod http;
mod network;
mod query;
mod record;
mod sandbox;
mod script;
mod server;
mod settings;
pub mod shopback;
mod vendor;
mod world;

pub use accounts::{
    Accounts, CARTSTACK_KEY, CARTSTACK_SITEID, CPA_MOE_KEY, CPA_MOE_USER, CartStackAccount,
    CashMyCellAccount, CpaMoeAccount, SHOPBACK_OFFER_ID, SHOPBACK_SECURITY_TOKEN, ShopBackAccount,
};
pub use fault::{Fault, Processed};
pub use http::Answer;
pub use network::Network;
pub use record::{Answered, Effect, Received, Totals, Violation};
pub use sandbox::{Options, Sandbox};
pub use script::Rule;
pub use settings::{
    CartStackSettings, CashMyCellAnswer, CashMyCellSettings, CpaMoeSettings, Settings,
    ShopBackDuplicates, ShopBackSettings,
};
