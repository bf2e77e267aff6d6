//! One delivery with its history, in lines.

use postback_core::{
    clock::Timestamp,
    delivery::{
        AttemptRecord, CancellationRecord, DecisionRecord, DeliveryView, PartialView, Record,
        Recovery, State, ValidationView,
    },
};
use rust_decimal::Decimal;

use super::{name, other_content, other_contents, outcome, pairs, reason, visible, word};

/// One delivery with its history.
pub(crate) fn story(record: &Record) -> Vec<String> {
    let mut lines = vec![visible(&format!("{} at {}", record.order_id, record.delivery))];
    let protocol = &record.protocol;
    let mut add = |name: &str, text: String| {
        if !text.is_empty() {
            lines.push(format!("  {name:<15}{text}"));
        }
    };
    add("state", protocol.state.as_str().to_owned());
    add("reason", reason(record));
    add("source", record.source.clone().unwrap_or_default());
    add("first seen", protocol.first_seen_at.to_string());
    for Wait { name, at, bound } in waits(record) {
        add(name, format!("{at}{}{bound}", if bound.is_empty() { "" } else { " " }));
    }
    add("references", pairs(&record.references));
    if !protocol.refunds.is_empty() {
        add("refunded", clear(protocol.refunds.sum()));
    }
    for (id, refund) in protocol.refunds.entries() {
        let at = refund.at.map(|at| format!("{at}  ")).unwrap_or_default();
        add("refund", format!("{at}{}: {id}", clear(refund.amount)));
    }
    for (name, text) in validation_facts(record) {
        add(name, text);
    }
    add("conflicts", other_contents(record));
    for conflict in record.conflicts.entries() {
        add("other content", format!("{}  {}", conflict.at, other_content(record, conflict)));
    }
    for word in record.cancellations.entries() {
        add("cancellation", cancelled(word));
    }
    for attempt in record.attempts.entries() {
        let own = attempt.amount.as_deref();
        let other = own.filter(|amount| Some(*amount) != protocol.facts.reported_amount());
        let other = other.map(|amount| format!(", with the amount {amount}")).unwrap_or_default();
        add(&format!("attempt {}", attempt.number), format!("{}{other}", attempted(attempt)));
    }
    for lookup in record.lookups.entries() {
        let state = lookup.state.as_str();
        add("lookup", format!("{}  {}: {state}", lookup.at, lookup.result));
    }
    for status in record.statuses.entries() {
        add("network status", format!("{}  {}", status.at, pairs(&status.status)));
    }
    for decision in record.decisions.entries() {
        add("decided", format!("{}  {}", decision.at, decided(decision)));
    }
    for text in no_longer_kept(record) {
        add("left out", text);
    }
    lines
}

/// What the ledger no longer keeps of the delivery's history, a line for each kind of entry.
pub(crate) fn no_longer_kept(record: &Record) -> Vec<String> {
    let left_out = DeliveryView::of(record).left_out;
    let lines = left_out.into_iter().map(|(kind, count)| match kind {
        "conflicts" => format!("{count} arrivals with further contents are only counted"),
        _ => format!("{count} {kind} between the first and the last ones are no longer kept"),
    });
    lines.collect()
}

/// Something that a delivery waits for.
pub(crate) struct Wait {
    pub(crate) name: &'static str,
    pub(crate) at: Timestamp,
    /// The words behind the time, if it is no exact one.
    pub(crate) bound: &'static str,
}

/// The events that a delivery waits for, with their times; a delivery that waits for a person has none.
pub(crate) fn waits(record: &Record) -> Vec<Wait> {
    let protocol = &record.protocol;
    let by_itself = !record.is_held() && !record.is_validation_for_a_person();
    let asks = protocol.doubt.as_ref().is_some_and(|doubt| doubt.recovery == Recovery::LookUp);
    let next = |name| Wait { name, at: protocol.not_before, bound: "at the earliest" };
    let own = match protocol.state {
        State::Sending => {
            Some(Wait { name: "claim expires", at: protocol.claim_expires_at, bound: "" })
        }
        State::Unconfirmed if by_itself && asks => Some(next("next question")),
        State::Retrying | State::Parked | State::Unconfirmed if by_itself => Some(next("next try")),
        _ => None,
    };
    let permitted = protocol.permission.as_ref();
    let permitted =
        permitted.map(|given| Wait { name: "permit lapses", at: given.until, bound: "" });
    own.into_iter().chain(permitted).collect()
}

/// A delivery that this version can't read: the parts that it can.
pub(crate) fn partial_story(partial: &PartialView) -> Vec<String> {
    let mut lines = vec![visible(&name(partial))];
    let mut add = |name: &str, text: Option<String>| {
        lines.extend(text.map(|text| format!("  {name:<15}{text}")));
    };
    let unread = "by this version: a later one of Postback wrote it. Update the tool.";
    add("can't be read", Some(unread.to_owned()));
    add("state", partial.state.clone());
    add("reason", partial.reason.as_ref().map(ToString::to_string));
    add("first seen", partial.first_seen_at.map(|at| at.to_string()));
    add("last change", partial.updated_at.map(|at| at.to_string()));
    add("references", partial.references.as_ref().map(pairs).filter(|text| !text.is_empty()));
    for attempt in partial.attempts.iter().flatten() {
        add(&format!("attempt {}", attempt.number), Some(attempted(attempt)));
    }
    lines
}

fn attempted(attempt: &AttemptRecord) -> String {
    format!("{}, {}", attempt.started_at, outcome(attempt))
}

/// The way of a delivery or a validation from reported to paid, as far as there is one.
pub(crate) fn validation_facts(record: &Record) -> Vec<(&'static str, String)> {
    let view = ValidationView::of(record);
    let currency = view.currency.unwrap_or_default();
    let has_none = view.status == "none" && !record.is_validation();
    let amount = view.amount.map(|amount| format!(", {amount} {currency}"));
    let status = format!("{}{}", view.status, amount.unwrap_or_default());
    let back = view.came_back.map(|back| {
        let when = view.came_back_at.map(|at| format!(" by {at}")).unwrap_or_default();
        let open = view.claim_back.unwrap_or_default();
        format!("{back}{when}, of which {open} to claim back")
    });
    let facts = [
        ("validation", if has_none { String::new() } else { status }),
        ("not before", view.lock_at.map_or_else(String::new, |at| at.to_string())),
        ("came back", back.unwrap_or_default()),
    ];
    facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// A person's decision: what, why and who.
pub(crate) fn decided(decision: &DecisionRecord) -> String {
    let what = word(&decision.decision).replace('_', " ");
    let sum = decision.claim_back.map(|sum| format!(" {sum} that came back")).unwrap_or_default();
    format!("{what}{sum}: {} ({})", decision.why.as_str(), decision.by.as_str())
}

/// An amount, where the shop's messages agree about it.
pub(crate) fn clear(amount: Option<Decimal>) -> String {
    amount.map_or_else(|| "not clear".to_owned(), |amount| amount.to_string())
}

fn cancelled(said: &CancellationRecord) -> String {
    let what = word(&said.word).replace('_', " ");
    let version = said.order_updated_at.map(|at| format!(", of the version of {at}"));
    format!("{}  {what}{}", said.at, version.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;
    use crate::fixtures::record;

    #[test]
    fn a_story_says_until_when_a_delivery_waits() {
        let lines = |state: &str, recovery: Option<&str>| {
            let mut record = record("net", state, 1);
            let at = "2026-11-22T10:15:00Z";
            let doubt = recovery.map(|it| json!({ "recovery": it, "since": at, "scope": "s" }));
            record.protocol.doubt = doubt.map(|doubt| from_value(doubt).expect("a doubt"));
            let permission = (state == "rejected").then(|| json!({ "until": at }));
            record.protocol.permission = permission.map(|it| from_value(it).expect("a permission"));
            let is_wait = |line: &String| {
                ["claim expires", "next ", "permit"].iter().any(|name| line.contains(name))
            };
            story(&record).into_iter().filter(is_wait).collect::<Vec<_>>()
        };

        assert_eq!(lines("sending", None), ["  claim expires  2026-11-21T10:15:00Z"]);
        assert_eq!(
            lines("retrying", None),
            ["  next try       2026-11-21T10:15:00Z at the earliest"]
        );
        let asked = lines("unconfirmed", Some("look_up"));
        assert_eq!(asked, ["  next question  2026-11-21T10:15:00Z at the earliest"]);
        assert_eq!(lines("unconfirmed", Some("hold")), [""; 0]);
        assert_eq!(lines("rejected", None), ["  permit lapses  2026-11-22T10:15:00Z"]);
    }

    #[test]
    fn a_story_has_the_networks_own_word_and_what_came_back_after_it() {
        let mut record = record("net", "delivered", 1);
        let lines = |record: &Record| {
            let is_its =
                |line: &String| line.contains("validation ") || line.contains("came back ");
            story(record).into_iter().filter(is_its).collect::<Vec<_>>()
        };
        assert_eq!(lines(&record), [""; 0]);

        record.statuses = from_value(json!({ "entries": [{
            "version": 2, "at": "2026-11-22T10:15:00Z", "status": { "stage": "approve" },
            "validation": "approved",
        }] }))
        .expect("statuses");
        let facts = json!({ "amount": "10.5", "currency": "EUR" });
        record.protocol.facts = from_value(facts).expect("facts");
        record.protocol.cancelled = from_value(json!({ "at": "2026-11-23T10:15:00Z" })).ok();

        let back = "  came back      10.5 by 2026-11-23T10:15:00Z, of which 10.5 to claim back";
        assert_eq!(lines(&record), ["  validation     approved", back]);
    }

    #[test]
    fn a_story_says_what_is_left_out_of_each_kind() {
        let mut record = record("net", "delivered", 12);
        let at = "2026-11-22T10:15:00Z";
        record.attempts = from_value(json!({ "entries": [
            { "number": 1, "started_at": at }, { "number": 12, "started_at": at },
        ], "left_out": 2 }))
        .expect("attempts");
        record.statuses = from_value(json!({ "entries": [], "left_out": 3 })).expect("statuses");
        record.conflicts = from_value(json!({ "entries": [], "left_out": 4 })).expect("conflicts");
        record.decisions = from_value(json!({ "entries": [], "left_out": 5 })).expect("decisions");

        let story = story(&record);
        let left_out: Vec<_> = story.iter().filter(|line| line.contains("left out")).collect();

        assert_eq!(
            left_out,
            [
                "  left out       2 attempts between the first and the last ones are no longer kept",
                "  left out       4 arrivals with further contents are only counted",
                "  left out       5 decisions between the first and the last ones are no longer kept",
                "  left out       3 statuses between the first and the last ones are no longer kept",
            ]
        );
    }

    #[test]
    fn a_story_has_every_cancellation_and_every_refund() {
        let mut record = record("net", "delivered", 1);
        let cancelled = |word: &str, at: &str| json!({ "version": 2, "at": at, "word": word, "order_updated_at": at });
        record.cancellations = from_value(json!({ "entries": [
            cancelled("cancelled", "2026-11-22T10:15:00Z"),
            cancelled("completed_after", "2026-11-23T10:15:00Z"),
        ] }))
        .expect("cancellations");
        record.protocol.refunds = from_value(json!({
            "r-1": { "amount": "5", "at": "2026-11-22T09:00:00Z" }, "r-2": { "amount": "2.50" },
        }))
        .expect("refunds");

        let story = story(&record);

        for line in [
            "  refunded       7.50",
            "  refund         2026-11-22T09:00:00Z  5: r-1",
            "  refund         2.50: r-2",
            "  cancellation   2026-11-22T10:15:00Z  cancelled, of the version of 2026-11-22T10:15:00Z",
            "  cancellation   2026-11-23T10:15:00Z  completed after, of the version of 2026-11-23T10:15:00Z",
        ] {
            assert!(story.iter().any(|it| it == line), "{line}: {story:#?}");
        }
    }
}
