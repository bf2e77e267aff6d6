//! The ledger and the sender of the runtime, in one program: each program links the AWS client anew.

mod common;
mod ledger;
mod prewarm;
mod scan;
mod sender;
