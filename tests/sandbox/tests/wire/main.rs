//! The sandbox on real sockets, as a client meets it.

mod all_networks;
mod cartstack;
mod cashmycell;
mod client;
mod control;
mod cpa_moe_add;
mod cpa_moe_list;
mod faults;
mod program;
mod shopback;
mod shopback_validation;
