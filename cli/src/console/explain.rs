//! The words for a delivery: why it is as it is, what happens next by itself, and what a person can do.

use postback_core::delivery::{Record, Recovery, State, ValidationView};

mod validation;

/// Three sentences about a delivery.
pub(super) struct Explained {
    pub(super) why: &'static str,
    pub(super) next: &'static str,
    pub(super) person: &'static str,
}

const DONE: &str = "Nothing has to be done.";

const CLAIM_BACK: &str = "Claim back at the network what came back: postback validate claim-back lists it. Then say that it was \
                          dealt with.";

const WHILE_PAUSED: &str = "Nothing while the network is paused: it is neither sent nor asked. Once it is resumed, this goes on at \
                            the next look at it.";
const SENDING_WHILE_PAUSED: &str = "What is under way ends, and is noted. Nothing more is sent before the network is \
                                    resumed.";
const RESUME: &str = "Resume the network once the cause of the pause is gone.";

/// The words for a delivery, of a network that is paused or not.
pub(super) fn explain(record: &Record, is_paused: bool) -> Explained {
    let explained = unless_paused(record);
    // What only a person can settle waits for no network.
    let by_itself = !record.is_held() && !record.is_validation_for_a_person();
    if is_paused && by_itself && !record.protocol.state.is_final() {
        let is_sending = record.protocol.state == State::Sending;
        let next = if is_sending { SENDING_WHILE_PAUSED } else { WHILE_PAUSED };
        let person = if explained.person == DONE { RESUME } else { explained.person };
        return Explained { next, person, ..explained };
    }
    explained
}

fn unless_paused(record: &Record) -> Explained {
    let protocol = &record.protocol;
    let recovery = protocol.doubt.as_ref().map(|doubt| doubt.recovery);
    let of = |why, next, person| Explained { why, next, person };
    if record.is_validation() {
        return validation::explain(record);
    }
    if record.is_implausible() {
        return of(
            "Its total exceeds a bound of the stack (LargestTotals, LargestTotalToLines). Nothing was sent.",
            "Nothing: it waits for a person.",
            "Compare the amount with the shop's. If it is right, permit to send it; if not, have the shop correct or \
             cancel the order, or give it up.",
        );
    }
    if record.is_held() {
        return held();
    }
    match protocol.state {
        State::Sending => of(
            "An attempt is under way, or its function died in it.",
            "Its claim expires; then the delivery counts as maybe sent and the network's rule decides.",
            "Nothing.",
        ),
        State::Retrying => of(
            "The network certainly did not process it.",
            "It is sent again at the time above, for days if need be.",
            DONE,
        ),
        State::Parked => of(
            "A setting is wrong or the network is paused. The order is kept.",
            "It comes round every 15 minutes and is sent once the setting is right.",
            "Correct what the reason names. If the network has the order after all, confirm it.",
        ),
        State::Unconfirmed => {
            let next = match recovery {
                Some(Recovery::LookUp) => {
                    "The network is asked until it has the order or says no twice."
                }
                _ => "It is sent again, and the network's \"duplicate\" proves that it was there.",
            };
            let person = "Nothing has to be done unless this lasts for hours.";
            of("It was sent and its answer was lost.", next, person)
        }
        _ => settled(record),
    }
}

/// A delivery that stays as it is.
fn settled(record: &Record) -> Explained {
    let protocol = &record.protocol;
    let is_back = protocol.cancelled.is_some() || !protocol.refunds.is_empty();
    let is_success = protocol.state.is_success();
    if is_success && is_back && protocol.reported.is_some() {
        return Explained {
            why: "The network has it, and the shop took it, or a part of it, back afterwards.",
            next: "Its validation, by a call or by the month's workbook, rejects it or approves what is left.",
            person: DONE,
        };
    }
    let (why, person) = match protocol.state {
        State::Delivered | State::Accepted if record.open_claim_back().is_some() => (
            "The network has it, and the shop took it, or a part of it, back afterwards. Nothing takes that back at the \
             network by itself.",
            CLAIM_BACK,
        ),
        State::Delivered | State::Accepted if record.came_back().is_some() => (
            "The network has it, and the shop took it, or a part of it, back afterwards. A person has dealt with that.",
            DONE,
        ),
        State::Delivered if is_back && ValidationView::of(record).status == "rejected" => {
            ("The network had it and has rejected it, and the shop took it back.", DONE)
        }
        State::Delivered | State::Accepted if protocol.cancelled.is_some() => (
            "The network has it, and the shop cancelled the order afterwards.",
            "Have the conversion taken back at the network.",
        ),
        State::Delivered => ("The network has it.", DONE),
        State::Accepted => ("It was sent to a network that confirms nothing.", DONE),
        State::Rejected if record.is_unclear_refusal() => (
            "The network refused it, and its words leave open whether it has the order.",
            "Look for the order in the network's portal. Confirm it if it is there; else permit to send it again. If the \
             refusal is right, acknowledge it.",
        ),
        State::Rejected => (
            "The network refused it for good, or it can't be reported.",
            "If the reason is gone, permit to send it again.",
        ),
        State::Withdrawn => {
            ("The shop cancelled the order, and the network certainly holds nothing of it.", DONE)
        }
        State::Abandoned if !record.protocol.in_doubt() => (
            "A person gave it up: it exceeds a bound of the stack, and nothing was sent.",
            "Reopen it if it is to be sent after all.",
        ),
        State::Abandoned => (
            "A person gave it up: nobody knows whether the network has it.",
            "Reopen it if somebody found out after all.",
        ),
        _ => ("There was nothing to report.", DONE),
    };
    Explained { why, next: "Nothing.", person }
}

/// A delivery that waits for a person.
fn held() -> Explained {
    Explained {
        why: "It was sent and its answer was lost. This network can neither be asked nor be sent the order \
              again without the risk of reporting it twice.",
        next: "Nothing: it waits for a person.",
        person: "Look for the order in the network's portal. Confirm it if it is there; if it is not, permit to \
                 send it again; give it up if nobody can find out.",
    }
}

/// The runbook's words about a need.
pub(super) fn to_do(code: &str) -> &'static str {
    match code {
        "held" => {
            "Look for each order in the network's own portal or report, then decide: the network has it, send it \
             again, or give it up. What is implausible was not sent: compare its amount with the shop's."
        }
        "validation" => {
            "Until they are decided the customers get no cashback, and what came back may be billed. Do what the \
             reason asks for: have the shop send a refund that is missing, correct the setting of validations (postback \
             secret), or look the order up at the network and decide about its validation."
        }
        "claim_back" => {
            "The network took more than is left of them, and nothing takes that back by itself. Claim the difference at \
             the network, then acknowledge it, at each order or of many at once: it is shown no more, unless more comes \
             back."
        }
        "parked" => {
            "Correct the setting that the reason names (postback secret), or have the network correct its side. The \
             orders are kept and sent within 15 minutes after that."
        }
        "unwatched" => {
            "Their messages are gone. Replay the archive for this network: what was reported is not reported again."
        }
        "unclear_refusal" => {
            "The network holds a conversion that is not ours, or its answer is unknown. Look for the order there, \
             then confirm it or permit to send it again. If the refusal is right, acknowledge it."
        }
        "conflict" => {
            "An order came again with other content, and the second content was not sent. Find out which is right; \
             correct it at the network if need be. Then acknowledge it: it is shown no more, unless yet another content \
             comes."
        }
        "unclaimed" => {
            "Their clicks are of no network that is on: a misspelt member, or a network that is not deployed. Correct \
             the sender or deploy the network, then send them again. Shown until a day after the last one."
        }
        "faulty_orders" => {
            "A sender put them on the bus, and no network's rule takes them. See the fault of each, correct the \
             sender, and send each order corrected."
        }
        "dead_letters" => "See why each is there, fix the cause, then redrive them.",
        "status_letters" => {
            "They ask for a conversion's status and could not be read. See each, then put it back, or delete what \
             nobody needs."
        }
        "paused" => "A person paused it. Its orders wait, and are reported once it is resumed.",
        "queue_stopped" | "events_stopped" => {
            "Its event source mapping is off. Turn it on; postback doctor names it."
        }
        "unreadable_items" => "A later version wrote them. Use the tool of that version.",
        _ => "docs/runbook.md has a section for each alarm.",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;
    use crate::fixtures::{paid, validation};

    #[test]
    fn a_cancelled_order_is_claimed_back_only_where_no_validation_rejects_it() {
        let mut cancelled = paid("net", "delivered", "10.5", "EUR");
        cancelled.protocol.cancelled =
            from_value(json!({ "at": "2026-11-22T10:15:00Z" })).expect("a cancellation");
        let mut validated = cancelled.clone();
        validated.protocol.reported = validation("retrying", None).protocol.reported;
        let mut rejected = cancelled.clone();
        rejected.statuses = from_value(json!({ "entries": [{
            "version": 2, "at": "2026-11-22T10:20:00Z", "status": { "stage": "cancel" },
            "validation": "rejected",
        }] }))
        .expect("statuses");

        assert_eq!(explain(&cancelled, false).person, CLAIM_BACK);
        let of_validated = explain(&validated, false);
        assert!(of_validated.next.contains("rejects it"), "{}", of_validated.next);
        assert_eq!((of_validated.person, explain(&rejected, false).person), (DONE, DONE));
    }
}
