//! The rows of a file of decisions.

use postback_core::delivery::Decision;

use super::DecisionRow;
use crate::amount;

/// Reads a row. Its decision must follow from its evidence.
pub(super) fn row<'a>(
    line: u64,
    cell: &impl Fn(usize) -> &'a str,
) -> Result<DecisionRow, &'static str> {
    let none = "it is no decision";
    let decision = match cell(3) {
        "delivered" => Decision::Confirm,
        "send_again" => Decision::PermitSending,
        "abandon" => Decision::Abandon,
        _ => return Err(none),
    };
    let (order_id, delivery) = (cell(0).to_owned(), cell(1).to_owned());
    if order_id.is_empty() || delivery.is_empty() || amount::parse(cell(5), '.').is_err() {
        return Err(none);
    }
    let evidence = cell(4);
    let of_line = evidence.strip_prefix("line ").and_then(|line| line.parse::<u64>().ok());
    let is_absent = evidence == "absent";
    let follows = match decision {
        Decision::Confirm => of_line.is_some(),
        Decision::PermitSending => is_absent,
        _ => is_absent || of_line.is_some(),
    };
    if !follows {
        return Err("its decision does not follow from its evidence");
    }
    Ok(DecisionRow {
        line,
        order_id,
        delivery,
        attempt: cell(2).parse().map_err(|_| none)?,
        decision,
        is_absent,
        evidence: evidence.to_owned(),
    })
}
