//! What there is at one moment, and what can happen next.

use std::sync::{Arc, LazyLock};

use postback_core::{
    clock::Timestamp,
    delivery::{Attempt, Decision, Delivery, Event, Fingerprint, IfAbsent, Lookup, Proof, Verdict},
    redaction::{Details, Reason},
};

use crate::clock::{NOW, TICK, Ticks, long_ago, ticks};

/// What is told, as a digest that is quickly compared.
static CONTENT: LazyLock<Fingerprint> =
    LazyLock::new(|| serde_json::from_str("\"o\"").unwrap_or_else(|_| Fingerprint::of(&"order")));

/// All that is true at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What the ledger holds.
    pub ledger: Option<Arc<Delivery>>,
    /// How many messages are on the queue. Each may come at any time, and more than once.
    pub queue: u8,
    /// The invocations that live, in an order that does not matter.
    pub running: Vec<Invocation>,
    /// The version of the settings.
    pub settings: u8,
    /// How many conversions of ours the network holds.
    pub effects: u8,
    /// How long the network may still not show it.
    pub hidden: Ticks,
    /// Whether the network holds somebody else's conversion.
    pub elsewhere: bool,
    /// Whether a byte of ours ever reached the network.
    pub reached_network: bool,
    /// Whether anybody was promised that the delivery is carried on.
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
    /// What began it.
    pub kind: Kind,
    /// How far its clock is ahead of the true time.
    pub ahead: Ticks,
    /// When it is ended, by its own clock.
    pub deadline: Timestamp,
    /// The settings it read.
    pub settings: u8,
    /// Until when it holds the network for paused.
    pub paused: Option<Timestamp>,
    /// What it believes the ledger to hold.
    pub held: Option<Arc<Delivery>>,
    /// Whether the ledger still holds that: what the version tells.
    pub current: bool,
    /// Where it is.
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
    Operator,
}

/// Where an invocation is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// A write is on its way.
    Write {
        /// What it comes of: decided anew if the write is refused.
        cause: Cause,
        /// What is written; `None` when it is certain to be refused.
        next: Option<Arc<Delivery>>,
        /// What is done once it stands.
        place: Place,
    },
    /// The claim stands; the request's bytes leave until then, to the very tick, if at all.
    Send {
        /// Which attempt.
        attempt: Attempt,
        /// By its own clock.
        until: Timestamp,
    },
    /// About to ask the network.
    Ask,
    /// All is written. Whether the order is about to be put back on the queue.
    FollowUp(bool),
}

/// What is done once a write stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Send.
    Send(Attempt),
    /// Ask the network.
    Ask,
    /// Decide again at once.
    Again,
    /// End, and come back or not.
    FollowUp(bool),
}

/// What an invocation decides on: an event in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The order has come.
    Arrival,
    /// The attempt has come to this.
    Settled(u32, Meaning),
    /// The network was asked then, and shows it, does not show it (`Some(false)`) or did not answer.
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
    /// A duplicate; whose is for a lookup to say.
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

/// What the network does with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not one byte leaves.
    NotSent,
    /// It is processed and answered.
    Answered,
    /// It is processed, and the answer is lost.
    AnswerLost,
    /// It is lost on its way, which nobody can tell from the above.
    RequestLost,
    /// It is asked to come again.
    NotNow,
    /// It is told that a setting is wrong.
    WrongSetting,
    /// It is refused now.
    Refused,
    /// It is told that there is nothing to report.
    Nothing,
}

/// What can happen. Invocations and messages are named by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Time passes.
    Tick,
    /// An invocation begins.
    Begin {
        /// With a message, or by a direct call.
        kind: Kind,
        /// How far its clock is ahead.
        ahead: Ticks,
        /// Whether the queue keeps the message and delivers it again.
        copy: bool,
        /// Whether the running function holds the network for paused.
        paused: bool,
    },
    /// An operator looks at the delivery and at the network.
    Look,
    /// The settings are changed.
    Mend,
    /// The write arrives.
    Land(usize),
    /// The write of an outcome fails; whether it stands all the same.
    WriteFails(usize, bool),
    /// The bytes leave, if at all.
    Send(usize, Outcome),
    /// No byte left in time.
    TimeOut(usize),
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

    /// Whether time may pass before its next turn. An answer is acted on, or lost with the
    /// invocation, before its age can no longer be told.
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
