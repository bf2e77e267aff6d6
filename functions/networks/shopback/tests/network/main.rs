//! ShopBack's tests, in one program.

mod common;
mod conformance;
mod document;
mod plan;
mod templates;
