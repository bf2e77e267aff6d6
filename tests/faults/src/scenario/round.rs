//! The events of one round.

use super::InjectedFault;

/// The orders, the faults and the kills of one round.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// The orders that come.
    pub arrivals: Vec<Arrival>,
    /// The faults.
    pub faults: Vec<InjectedFault>,
    /// The invocations of the round that are killed, each with the step.
    pub kills: Vec<(u8, u8)>,
    /// The numbers by which the invocations yield to each other.
    pub pace: Vec<u8>,
    /// The time that passes after the round, in milliseconds.
    pub advance_ms: u64,
}

/// One arrival of an order.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The number of the order.
    pub order: usize,
    /// The number of its content.
    pub variant: u8,
    /// Its source.
    pub source: Source,
}

/// A source of orders.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// `POST /orders/{network}` of this function.
    Api(usize),
    /// An event on the bus, for all functions.
    Bus,
    /// A message of this function to itself.
    DelayedOrder(usize),
    /// A cancellation on the bus, for all functions.
    Cancellation,
}

/// The end of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// What never came to rest: messages, dead letters and calls.
    pub left: Vec<String>,
    /// The number of dead letters that were put back by hand.
    pub redriven: usize,
}
