//! The decisions that a report suggests.

use postback_core::delivery::Decision;

use crate::{
    format::{Absence, Status},
    ledger::{Called, Entry, Said, Standing},
    line::Line,
};

/// The decision that a report suggests: a held delivery that is there was delivered; one that is not
/// there may be sent again, unless the shop cancelled it.
pub(crate) fn of_delivery(
    entry: &Entry,
    line: Option<&Line<'_>>,
    reason: &str,
    absence: Absence,
) -> Option<Decision> {
    match (entry.standing, line) {
        (Standing::Held | Standing::Abandoned, Some(_)) => Some(Decision::Confirm),
        (Standing::Held, None)
            if matches!(reason, "too_early" | "its_line_is_unreadable")
                || absence == Absence::Nothing =>
        {
            None
        }
        (Standing::Held, None) if entry.is_cancelled => Some(Decision::Abandon),
        (Standing::Held, None) => Some(Decision::PermitSending),
        _ => None,
    }
}

/// The decision about a validation whose answer was lost: a report that shows its result proves it.
/// One that does not proves nothing, as a network takes its time.
pub(crate) fn of_validation(
    entry: &Entry,
    said: &Said,
    line: Option<&Line<'_>>,
) -> Option<Decision> {
    let known = said.validated.filter(|known| known.is_in_doubt)?;
    let is_there = match known.call {
        Called::Approved(amount) => {
            line?.status == Some(Status::Approved) && entry.found.amount() == Some(amount)
        }
        Called::Rejected => line?.status == Some(Status::Rejected),
    };
    is_there.then_some(Decision::Confirm)
}
