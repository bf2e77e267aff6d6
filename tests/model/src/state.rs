//! The state of the world at one moment, and the actions that can follow.

use std::sync::{Arc, LazyLock};

use postback_core::{
    clock::Timestamp,
    delivery::{Attempt, Decision, Delivery, Event, Fingerprint, IfAbsent, Lookup, Proof, Verdict},
    redaction::{Details, Reason},
};

use crate::clock::{NOW, TICK, Ticks, long_ago, ticks};

/// The content of the order, as a digest that is quickly compared.
static CONTENT: LazyLock<Fingerprint> =
    LazyLock::new(|| serde_json::from_str("\"o\"").unwrap_or_else(|_| Fingerprint::of(&"order")));

/// The state of the world at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The delivery in the ledger.
    pub ledger: Option<Arc<Delivery>>,
    /// The number of messages on the queue. Each may come at any time, and more than once.
    pub queue: u8,
    /// The running invocations; their order does not matter.
    pub running: Vec<Invocation>,
    /// The version of the settings.
    pub settings: u8,
    /// The number of our conversions at the network.
    pub effects: u8,
    /// The time for which the network may still not show it.
    pub hidden: Ticks,
    /// True if the network holds somebody else's conversion.
    pub elsewhere: bool,
    /// True if a byte of ours ever reached the network.
    pub reached_network: bool,
    /// True if anybody was promised that the delivery is carried on.
    pub promised: bool,
    pub(crate) starts: u8,
    pub(crate) calls: u8,
    pub(crate) ahead: u8,
    pub(crate) looks: u8,
    pub(crate) wrong_settings: u8,
}

/// One run of a function, or an operator at work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Invocation {
    /// The origin of the invocation.
    pub kind: Kind,
    /// The ticks by which its clock is ahead of the true time.
    pub ahead: Ticks,
    /// The time at which its host ends it, by its own clock.
    pub deadline: Timestamp,
    /// The settings it read.
    pub settings: u8,
    /// The end of the pause that it observes, if any.
    pub paused: Option<Timestamp>,
    /// The delivery that it last read or wrote.
    pub held: Option<Arc<Delivery>>,
    /// True if the ledger still holds that: the version shows it.
    pub current: bool,
    /// The turn it is at.
    pub turn: Turn,
}

/// The origin of an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A message, which comes again unless the invocation ends well.
    Message,
    /// A direct call.
    Call,
    /// A person who has looked at the delivery and at the network.
    Operator,
}

/// The turn of an invocation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// A write is on its way.
    Write {
        /// The cause, decided anew if the write is refused.
        cause: Cause,
        /// The delivery as written; `None` when it is certain to be refused.
        next: Option<Arc<Delivery>>,
        /// The action once it has succeeded.
        after: AfterWrite,
    },
    /// The claim is written; the request's bytes leave until then, to the very tick, if at all.
    Send {
        /// The attempt.
        attempt: Attempt,
        /// By its own clock.
        until: Timestamp,
    },
    /// About to look up the delivery at the network.
    LookUp,
    /// All is written. `true`: the order is about to be put back on the queue.
    FollowUp(bool),
}

/// The action once a write has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AfterWrite {
    /// Send.
    Send(Attempt),
    /// Look up the delivery at the network.
    LookUp,
    /// Decide again at once.
    DecideAgain,
    /// End; `true`: and come back.
    FollowUp(bool),
}

/// The cause of a decision: an event in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The order has come.
    Arrival,
    /// The attempt has this meaning.
    Settled(u32, Meaning),
    /// The network was looked up then, and shows it, does not show it (`Some(false)`) or gave no answer.
    LookedUp(Timestamp, Option<bool>),
    /// A person who saw that many attempts has decided.
    Decided(u32, Decision),
}

/// A verdict in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meaning {
    /// Confirmed, or accepted by a network that never confirms.
    Success,
    /// A duplicate of our own.
    OurDuplicate,
    /// A duplicate of somebody else's.
    DuplicateElsewhere,
    /// A duplicate; only a lookup can say whose.
    DuplicateOfWhom,
    /// No answer.
    Lost,
    /// Not one byte left.
    NotSent,
    /// Certainly not processed.
    NotNow,
    /// A setting is wrong.
    WrongSetting,
    /// Refused, by reason of the moment.
    Refused,
    /// Nothing to report.
    Nothing,
}

/// The course of an attempt at the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Not one byte leaves.
    NotSent,
    /// It is processed and answered.
    Answered,
    /// It is processed, and the answer is lost.
    AnswerLost,
    /// It is lost on its way, which looks like the above.
    RequestLost,
    /// It is answered: not now.
    NotNow,
    /// It is answered that a setting is wrong.
    WrongSetting,
    /// It is refused now.
    Refused,
    /// It is answered that there is nothing to report.
    Nothing,
}

/// One thing that can happen. Invocations are named by their place in [`State::running`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Time passes.
    Tick,
    /// An invocation begins.
    Begin {
        /// By a message, or by a direct call.
        kind: Kind,
        /// The ticks by which its clock is ahead.
        ahead: Ticks,
        /// True if the queue keeps the message and delivers it again.
        copy: bool,
        /// True if the running function observes a pause of the network.
        paused: bool,
    },
    /// An operator looks at the delivery and at the network.
    Look,
    /// The settings are fixed.
    FixSettings,
    /// The write arrives.
    Land(usize),
    /// The write of a result fails; `true`: it has succeeded all the same.
    WriteFails(usize, bool),
    /// The bytes leave, if at all.
    Send(usize, Exchange),
    /// No byte left in time.
    TimeOut(usize),
    /// The lookup at the network: true if it shows the delivery, `None` without an answer.
    LookUp(usize, Option<bool>),
    /// The order is put back if need be, and the invocation ends well.
    End(usize),
    /// The invocation dies.
    Crash(usize),
}

impl Invocation {
    pub(crate) fn clock(&self) -> Timestamp {
        NOW + ticks(self.ahead)
    }

    /// Returns true if time may pass before its next turn. An answer is acted on, or lost with the
    /// invocation, before its age exceeds what the model distinguishes.
    pub(crate) fn may_wait(&self) -> bool {
        !matches!(
            self.turn,
            Turn::Write { cause: Cause::LookedUp(asked, _), .. } if asked <= long_ago()
        )
    }

    pub(crate) fn event(&self, cause: Cause) -> Event {
        let jitter = 0;
        let settings = self.settings.to_string();
        match cause {
            Cause::Arrival => Event::Arrive {
                content: CONTENT.clone(),
                deadline: self.deadline,
                settings,
                paused: self.paused.map(|until| (until, Reason::new("key"))),
            },
            Cause::Settled(attempt, meaning) => {
                Event::Settle { attempt, verdict: meaning.verdict(), settings, jitter }
            }
            Cause::LookedUp(asked, shown) => {
                let lookup = match shown {
                    Some(true) => Lookup::Found { references: Details::none() },
                    Some(false) => Lookup::Absent,
                    None => Lookup::Failed { reason: Reason::new("lost") },
                };
                Event::LookedUp { asked, lookup, deadline: self.deadline, jitter }
            }
            Cause::Decided(attempt, decision) => Event::Decide { attempt, decision },
        }
    }
}

impl Meaning {
    fn verdict(self) -> Verdict {
        let reason = Reason::new("model");
        match self {
            Self::Success => Verdict::Delivered(Proof::Response),
            Self::OurDuplicate => Verdict::Delivered(Proof::Duplicate),
            Self::DuplicateElsewhere => Verdict::rejected("duplicate_elsewhere"),
            Self::DuplicateOfWhom => Verdict::Unconfirmed { reason, if_absent: IfAbsent::Reject },
            Self::Lost => Verdict::unconfirmed("model"),
            Self::NotSent => Verdict::Retry { reason, after: None, sent: false },
            Self::NotNow => Verdict::retry("model", Some(TICK)),
            Self::WrongSetting => Verdict::parked("model"),
            Self::Refused => Verdict::rejected_now("model"),
            Self::Nothing => Verdict::Skipped(reason),
        }
    }
}
