//! The world of an order that is reported by lines: its own item, a delivery for each line, a shop
//! that corrects and cancels, functions that die between any two things they do, and a network that
//! loses requests and answers, and takes every line as often as it is sent.
//!
//! A line's write is decided on its item as stored, and the order's item is written on the version
//! that was read: the compare-and-set itself is explored in the other world.

use std::{collections::BTreeMap, sync::Arc};

use postback_core::{
    clock::Timestamp,
    delivery::{Attempt, Delivery, Facts, Policy, Recovery},
};

use crate::clock::{NOW, TICK, ticks};

mod line;
mod mutant;
mod properties;
mod turns;

pub use mutant::LinesMutant;
pub use properties::{
    LINE_CANCELLED, LINE_CONTENT, LINE_DISCLAIMED, LINE_OUTDATED, LINE_STUCK, LINE_TWICE,
    LINES_AND_WHOLE, LINES_MIXED,
};

/// The version of the settings, which don't change.
const SETTINGS: &str = "v1";

/// The shop's word about its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinesWord {
    /// The order is completed with these amounts, by line.
    Complete {
        /// The number of the version.
        version: u8,
        /// The lines and their amounts.
        lines: &'static [(&'static str, u8)],
    },
    /// The order is cancelled.
    Cancel {
        /// The number of the version.
        version: u8,
    },
}

impl LinesWord {
    pub(crate) const fn version(self) -> u8 {
        match self {
            Self::Complete { version, .. } | Self::Cancel { version } => version,
        }
    }
}

/// What the network does with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineReply {
    /// It takes it and says so.
    Taken,
    /// It takes it, and the answer is lost.
    AnswerLost,
    /// The request is lost.
    RequestLost,
    /// It has no time.
    NotNow,
}

/// How far the world is explored.
#[derive(Clone, Copy, Debug)]
pub struct LinesBounds {
    /// The shop's words. All are on the queue from the start, and come in any order.
    pub words: &'static [LinesWord],
    /// The number of functions.
    pub starts: u8,
    /// The number of functions that may live at once.
    pub at_once: usize,
    /// What the network may do.
    pub replies: &'static [LineReply],
    /// The last tick.
    pub last: u32,
    /// The mode of the functions that begin at first, by lines if true, and whether it may change once.
    pub mode: (bool, bool),
}

/// The world: everything that does not change while it is explored.
#[derive(Clone, Debug)]
pub struct LinesWorld {
    pub(crate) bounds: LinesBounds,
    pub(crate) mutant: Option<LinesMutant>,
    pub(crate) policy: Policy,
}

/// The lines' deliveries, by line.
pub(crate) type Deliveries = BTreeMap<String, Delivery>;

/// All that is true at one moment.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinesMoment {
    pub(crate) now: u32,
    /// The order's own item, with its version.
    pub whole: Option<(u64, Arc<Delivery>)>,
    /// The lines' deliveries.
    pub lines: Arc<Deliveries>,
    /// The messages: each a word by its place, and whether it comes again.
    pub(crate) queue: Vec<(u8, bool)>,
    pub(crate) running: Vec<LinesRun>,
    /// What the network has taken: line and amount.
    pub effects: Vec<(&'static str, u8)>,
    pub(crate) starts: u8,
    /// The latest version that is known to be cancelled.
    pub(crate) cancelled: Option<u8>,
    /// True if a line was sent of an order that was known to be cancelled when it was claimed.
    pub(crate) sent_cancelled: bool,
    /// True if a line was sent of a version that was superseded when it was claimed.
    pub(crate) sent_outdated: bool,
    /// True if functions that begin report by lines.
    pub(crate) is_by_lines: bool,
    /// True if that may still change.
    pub(crate) may_change: bool,
}

/// A function at work on a word.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinesRun {
    /// The word, by its place.
    pub(crate) word: u8,
    /// True if the message came before.
    pub(crate) is_delayed: bool,
    /// True if it reports by lines, false if the order whole.
    pub(crate) is_by_lines: bool,
    /// The tick at which it is ended.
    pub(crate) until: u32,
    /// True if the message has to come again.
    pub(crate) waits: bool,
    /// What is left to do, the last first.
    pub(crate) todo: Vec<Todo>,
    pub(crate) turn: LinesTurn,
}

/// What is left to do with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Todo {
    /// It arrives.
    Arrive(&'static str),
    /// The order is cancelled, and its message can still carry the line on.
    Withdraw(&'static str),
    /// The order is cancelled, or this version no longer has it: nothing more comes for it.
    Leave(&'static str),
}

/// The next turn of a function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinesTurn {
    /// The order's item is about to be read, or of a cancellation written.
    Enter,
    /// The lines are about to be read.
    Compare(Option<u64>),
    /// The order's item is about to be decided on and written, if that version of it is still held.
    Decide(Option<u64>, Arc<Deliveries>),
    /// The next line is about to be written.
    Next,
    /// A line is claimed; the order's item is about to be read.
    Check(Claimed),
    /// A line is about to leave.
    Send(Claimed),
    /// Its answer is about to be written.
    Settle(Claimed, LineEnding),
}

/// A line that is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claimed {
    pub(crate) line: &'static str,
    pub(crate) attempt: Attempt,
    /// True if the order was known to be cancelled by then.
    pub(crate) is_cancelled: bool,
    /// True if a later version was held by then.
    pub(crate) is_outdated: bool,
}

/// The end of an attempt, as the function sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineEnding {
    /// Confirmed.
    Taken,
    /// No answer.
    Lost,
    /// Not now.
    NotNow,
    /// It never left.
    NotSent,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinesHappen {
    /// Time passes.
    Tick,
    /// A message comes.
    Begin(usize),
    /// A function takes its next turn.
    Turn(usize),
    /// A line leaves.
    Send(usize, LineReply),
    /// A function dies.
    Die(usize),
    /// The sweep turns an expired claim into a doubt.
    Sweep(&'static str),
    /// The mode is changed: from lines to the order whole, or back.
    Change,
}

impl LinesWorld {
    /// A world with all rules in force.
    #[must_use]
    pub fn new(bounds: LinesBounds) -> Self {
        let policy = Policy {
            need: TICK / 4,
            skew: ticks(1),
            backoff: TICK / 8,
            backoff_cap: TICK / 8,
            park: ticks(1),
            ..Policy::new(Recovery::Hold, TICK / 8, TICK)
        };
        Self { bounds, mutant: None, policy }
    }

    /// The same world without one rule.
    #[must_use]
    pub fn without(self, mutant: LinesMutant) -> Self {
        Self { mutant: Some(mutant), ..self }
    }

    pub(crate) fn lacks(&self, mutant: LinesMutant) -> bool {
        self.mutant == Some(mutant)
    }

    pub(crate) fn word(&self, run: &LinesRun) -> LinesWord {
        self.bounds.words[usize::from(run.word)]
    }
}

/// The name of the order whole among its lines: none.
pub(crate) const WHOLE: &str = "";

/// The instant of a tick.
pub(crate) fn instant(now: u32) -> Timestamp {
    NOW + TICK * now
}

/// The `updated_at` of a version.
pub(crate) fn updated_at(version: u8) -> Option<Timestamp> {
    crate::script::updated_at(Some(version))
}

/// The content of an order: its total.
pub(crate) fn order_facts(lines: &[(&'static str, u8)]) -> Facts {
    let total: u8 = lines.iter().map(|(_, amount)| amount).sum();
    Facts::none().digest("amount", &total.to_string())
}

/// The content of a line of an order.
pub(crate) fn line_facts(lines: &[(&'static str, u8)], amount: u8) -> Facts {
    order_facts(lines).and(Facts::none().digest("line_amount", &amount.to_string()))
}
