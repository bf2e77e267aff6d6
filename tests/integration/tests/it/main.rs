//! Orders through the real handlers to the four networks and the ledger, in one program: each
//! program links the AWS client anew.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]
#![expect(clippy::print_stdout, reason = "the figures are for people")]

mod api;
mod bad_input;
mod bad_messages;
mod bad_requests;
mod batches;
mod canaries;
mod canaries_beside;
mod canaries_in_lists;
mod canaries_of_shop_systems;
mod canaries_refused;
mod check;
mod click_cookie;
mod click_forms;
mod connections;
mod dead_hour;
mod dead_network;
mod events;
mod from_bus;
mod from_bus_read;
mod hostile_sender;
mod hostile_shopper;
mod layers;
mod life;
mod logs;
mod logs_refused;
mod metrics;
mod nature;
mod networks;
mod odd_events;
mod order_cases;
mod outbox;
mod platforms;
mod platforms_in_time;
mod reading_back;
mod reconcile;
mod schema;
mod senders;
mod status_poll;
mod status_poll_faults;
mod structure;
mod too_old;
mod transport;
mod verdicts;
mod webhook;
mod webhook_flood;
mod webhook_keys;
