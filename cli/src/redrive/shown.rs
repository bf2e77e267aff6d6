//! The dead letters as they are shown: nothing of their content but the order's id and its faults.

use serde::Serialize;

/// A dead letter, without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Letter {
    /// The message's id.
    pub(crate) message_id: String,
    /// The id of the order in it, or the number in its place; `None` if there is none.
    pub(crate) order_id: Option<String>,
    /// The faults of the order.
    pub(crate) faults: Vec<String>,
    /// True if it is encrypted with the bus's KMS key.
    pub(crate) encrypted: bool,
    /// The reason that it is here, as far as can be seen.
    pub(crate) why: String,
    /// The tool's action.
    pub(crate) done: Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    /// Put back on the queue.
    Redriven,
    /// Replaced by the corrected order.
    Corrected,
    /// Deleted, because a person named it.
    Discarded,
    /// Left where it was.
    Left,
}

#[derive(Serialize)]
pub(super) struct View<'a> {
    /// `None` for the bus.
    pub(super) network: Option<&'a str>,
    pub(super) letters: &'a [Letter],
}

pub(super) fn row(letter: &Letter) -> Vec<String> {
    let done = match letter.done {
        Done::Redriven => "redriven",
        Done::Corrected => "corrected",
        Done::Discarded => "deleted",
        Done::Left => "left",
    };
    let order = letter.order_id.clone().unwrap_or_else(|| "-".to_owned());
    let faults = letter.faults.iter().map(|fault| format!("; {fault}"));
    let why = std::iter::once(letter.why.clone()).chain(faults).collect();
    vec![order, why, done.to_owned(), letter.message_id.clone()]
}

/// The reason that letters stay, and where to read on.
pub(super) fn why_left(letters: &[Letter]) -> &'static str {
    if letters.iter().any(|letter| letter.encrypted) {
        "some are encrypted with the bus's KMS key, and redrive does not decrypt: the runbook's section \
         on bus dead letters has the way. Others are faulty or no orders, and would come back."
    } else {
        "they are faulty or no orders, and would come back."
    }
}
