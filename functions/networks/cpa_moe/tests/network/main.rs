//! cpa.moe's tests, in one program.

mod conformance;
mod plan;
mod status_poll;
mod vendor_document;
