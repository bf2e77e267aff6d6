//! The sandbox on real sockets, as the code under test meets it.

mod client;
mod control;
mod faults;
mod program;
mod vendors;
