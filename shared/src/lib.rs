//! What every Postback function shares.
//!
//! | module | what it holds |
//! |---|---|
//! | [`order`] | what the shop sends, checked at the edge |
//! | [`fields`] | reading JSON members: every fault at once, never a value |
//! | [`network`] | what a network is: a small, pure trait |
//! | [`delivery`] | the protocol: one pure function from state and event to state |
//! | [`ledger`] | the `DynamoDB` table of deliveries, changed by compare-and-set only |
//! | [`http`] | one request, once: not sent, maybe sent, or answered |
//! | [`courier`] | a delivery from claim to settlement, driven by [`delivery::step`] |
//! | [`surroundings`] | time, chance, queue, bus and secret, as AWS gives them or a test |
//! | [`lambda`] | the shell: API Gateway, SQS and the answers they get |
//! | [`metrics`] | what is measured, in `CloudWatch`'s embedded metric format |
//! | [`problem`] | RFC 9457 errors with stable codes |
//! | [`clock`] | instants |
//! | [`word`] | reasons and evidence: words that can hold no personal data |

pub mod clock;
pub mod courier;
pub mod delivery;
pub mod fields;
pub mod http;
pub mod lambda;
pub mod ledger;
pub mod metrics;
pub mod network;
pub mod order;
pub mod problem;
pub mod surroundings;
pub mod word;
