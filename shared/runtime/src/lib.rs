//! The driving half of Postback: everything that reads, writes or sends.
//!
//! | module | holds |
//! |---|---|
//! | [`dispatch`] | a delivery from claim to settlement, driven by [`step`](postback_core::delivery::step) |
//! | [`ledger`] | the `DynamoDB` table of deliveries, changed by compare-and-set only |
//! | [`client`] | one request, sent once: not sent, maybe sent, or answered |
//! | [`services`] | time, randomness, queue, bus and secret, from AWS or from a test |
//! | [`lambda`] | the shell: API Gateway, SQS and their answers |
//! | [`sender`] | the short name of an order's sender |
//! | [`metrics`] | measurements, in `CloudWatch`'s embedded metric format |

/// The allocator of the functions, and of whatever else links this crate. It takes less of the processor
/// than glibc's, which shows in batches and cold starts (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(test)]
mod captured;
pub mod client;
pub mod dispatch;
pub mod lambda;
pub mod ledger;
pub mod metrics;
pub mod sender;
pub mod services;
