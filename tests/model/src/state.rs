//! One moment of the world, and what can happen next. All of a moment stands in one place: more than
//! 300 lines.

use postback_core::{
    clock::Timestamp,
    delivery::{Attempt, Decision, Delivery, IfAbsent, Proof, Verdict},
    redaction::Reason,
};

use crate::{
    clock::{NOW, TICK, Ticks, long_ago, ticks},
    ghost::Ghost,
    shared::Shared,
};

/// All that is true at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The orders. More than one share a click.
    pub orders: Vec<Order>,
    /// The invocations that live, in an order that does not matter.
    pub running: Vec<Invocation>,
    /// The number of changes of the settings so far.
    pub settings: u8,
    /// True if the network holds somebody else's conversion.
    pub elsewhere: bool,
    pub(crate) starts: u8,
    pub(crate) ahead: u8,
    pub(crate) looks: u8,
    pub(crate) sweeps: u8,
    pub(crate) wrong_settings: u8,
}

/// An order: its record, its messages, and the truth about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// The record in the ledger.
    pub ledger: Option<Entry>,
    /// The messages on the queue. Each may come at any time, and more than once.
    pub queue: Vec<Message>,
    /// The words that may still come by a direct call.
    pub calls: Vec<u8>,
    /// This order's conversions at the network.
    pub effects: Vec<Effect>,
    /// The time for which the network may still not show them.
    pub hidden: Ticks,
    /// True if the ledger keeps that this order used the click.
    pub used: bool,
    /// Facts that no part of the protocol knows.
    pub ghost: Ghost,
}

/// A conversion at the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Effect {
    /// Its content.
    pub content: u8,
    /// The scope of the settings under which the network remembers it.
    pub scope: &'static str,
}

/// A record: the protocol's part, and the name of the message that waits for it (0: none).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// The delivery.
    pub delivery: Shared<Delivery>,
    /// The name of the waiting message.
    pub named: u8,
}

/// A message on the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message {
    /// The word of the shop, by its place in the script.
    pub what: u8,
    /// True if it was put back, or comes again.
    pub delayed: bool,
    /// Its name, 0 if it has none.
    pub name: u8,
}

/// One run of a function, a person or the sweep at work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Invocation {
    /// What began it.
    pub kind: Kind,
    /// The order that it is about.
    pub order: u8,
    /// The message in hand, or what a call or a person would put on the queue.
    pub message: Message,
    /// The distance of its clock ahead of the true time.
    pub ahead: Ticks,
    /// The time when it is ended, by its own clock.
    pub deadline: Timestamp,
    /// The settings it read.
    pub settings: u8,
    /// The time until which its circuit breaker is open.
    pub paused: Option<Timestamp>,
    /// The record as it believes it to be.
    pub held: Option<Entry>,
    /// True if the ledger still holds that.
    pub current: bool,
    /// Its next turn.
    pub turn: Turn,
}

/// What began an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A message, which comes again unless the invocation ends well.
    Message,
    /// A direct call.
    Call,
    /// A person who has looked at the delivery and at the network.
    Person,
    /// The sweep.
    Sweep,
}

/// The next turn of an invocation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// The message that waits is about to be put on the queue, then the write.
    Put {
        /// The event that is decided on.
        cause: Cause,
        /// What is written.
        next: Shared<Delivery>,
        /// What is done once it is written.
        act: Act,
    },
    /// A write is on its way.
    Write {
        /// The event that is decided on: decided anew if the write is refused.
        cause: Cause,
        /// What is written; `None` when it is certain to be refused.
        next: Option<Shared<Delivery>>,
        /// The message that it names.
        name: u8,
        /// What is done once it is written.
        act: Act,
    },
    /// The claim is written; the request's bytes leave until then, to the very tick, if at all.
    Send {
        /// The attempt.
        attempt: Attempt,
        /// By its own clock.
        until: Timestamp,
    },
    /// The network said "duplicate"; the other orders' records are about to be read.
    Judge(Attempt),
    /// About to ask the network.
    Ask,
    /// All is written. Whether the order is about to be put back on the queue.
    FollowUp(bool),
}

/// What is done once a write succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Send.
    Send(Attempt),
    /// Ask the network.
    Ask,
    /// Decide again at once.
    Again,
    /// End, and come back or not.
    FollowUp(bool),
    /// End; the order has other content, or is not the version held.
    Conflict,
}

/// An event in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The shop's word has come.
    Arrival,
    /// The attempt has this result.
    Settled(u32, Meaning),
    /// The network was asked then, and shows it, does not show it (`Some(false)`) or did not answer.
    LookedUp(Timestamp, Option<bool>),
    /// A person who saw that many attempts and decisions has decided.
    Decided(u32, u32, Decision),
    /// The sweep looks.
    Swept,
}

/// A verdict in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meaning {
    /// Confirmed.
    Success,
    /// A duplicate of our own.
    OurDuplicate,
    /// A duplicate of somebody else's.
    DuplicateElsewhere,
    /// A duplicate; whose is for a lookup to find out.
    DuplicateOfWhom,
    /// Another order of ours holds the click.
    ClickUsed,
    /// A duplicate; only a person can find out whose.
    Held,
    /// No answer.
    Lost,
    /// Not one byte left.
    NotSent,
    /// Certainly not processed.
    NotNow,
    /// A setting is wrong.
    WrongSetting,
    /// Refused.
    Refused,
    /// Nothing to report.
    Nothing,
}

/// What the network does with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not one byte leaves.
    NotSent,
    /// It is processed and answered.
    Answered,
    /// It is processed, and the answer is lost.
    AnswerLost,
    /// It is lost on its way, which looks like the above.
    RequestLost,
    /// It is asked to come again.
    NotNow,
    /// It is refused because of a wrong setting.
    WrongSetting,
    /// It is refused.
    Refused,
    /// There is nothing to report.
    Nothing,
}

/// What can happen. Invocations and messages are named by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Time passes.
    Tick,
    /// An invocation begins with a message.
    Begin {
        /// The order.
        order: usize,
        /// The message.
        message: usize,
        /// The distance of its clock ahead.
        ahead: Ticks,
        /// True if the queue keeps the message and delivers it again.
        copy: bool,
        /// True if its circuit breaker is open.
        paused: bool,
    },
    /// A direct call.
    Call {
        /// The order.
        order: usize,
        /// The place among the calls that may come.
        call: usize,
    },
    /// A person looks at the delivery and at the network, and decides.
    Look(usize, Decision),
    /// The sweep looks.
    Sweep(usize),
    /// The settings are changed.
    Change,
    /// The waiting message is put on the queue.
    Put(usize),
    /// The write arrives.
    Land(usize),
    /// The write of an outcome fails; whether it stands all the same.
    WriteFails(usize, bool),
    /// The bytes leave, if at all.
    Send(usize, Outcome),
    /// No byte left in time.
    TimeOut(usize),
    /// The other orders' records are read.
    Judge(usize),
    /// The network is asked; whether it shows it, `None` when it does not answer.
    Ask(usize, Option<bool>),
    /// The order is put back if need be, and the invocation ends well.
    End(usize),
    /// The invocation dies.
    Crash(usize),
}

impl Invocation {
    pub(crate) fn clock(&self) -> Timestamp {
        NOW + ticks(self.ahead)
    }

    pub(crate) fn delivery(&self) -> Option<&Delivery> {
        self.held.as_ref().map(|entry| &*entry.delivery)
    }

    /// Returns whether time may pass before its next turn. An answer is acted on, or lost with the
    /// invocation, before its age no longer shows.
    pub(crate) fn may_wait(&self) -> bool {
        !matches!(
            self.turn,
            Turn::Write { cause: Cause::LookedUp(asked, _), .. } if asked <= long_ago()
        )
    }
}

impl Meaning {
    pub(crate) fn verdict(self) -> Verdict {
        let reason = Reason::new("model");
        match self {
            Self::Success => Verdict::Delivered(Proof::Response),
            Self::OurDuplicate => Verdict::Delivered(Proof::Duplicate),
            Self::DuplicateElsewhere => Verdict::rejected("duplicate_elsewhere"),
            Self::DuplicateOfWhom => Verdict::Unconfirmed { reason, if_absent: IfAbsent::Reject },
            Self::ClickUsed => Verdict::ClickUsed,
            Self::Held => Verdict::Held(reason),
            Self::Lost => Verdict::unconfirmed("model"),
            Self::NotSent => Verdict::Retry { reason, after: None, sent: false },
            Self::NotNow => Verdict::retry("model", Some(TICK)),
            Self::WrongSetting => Verdict::parked("model"),
            Self::Refused => Verdict::rejected("model"),
            Self::Nothing => Verdict::Skipped(reason),
        }
    }

    pub(crate) fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Delivered(_) => Self::OurDuplicate,
            Verdict::ClickUsed => Self::ClickUsed,
            Verdict::Held(_) => Self::Held,
            Verdict::Retry { .. } => Self::NotNow,
            _ => Self::DuplicateElsewhere,
        }
    }
}
