//! The kinds of need that are about deliveries.

use postback_core::{
    clock::Timestamp,
    delivery::{Record, State},
};

/// The kind of a need that is about deliveries, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Held,
    Validation,
    ClaimBack,
    Parked,
    Unwatched,
    UnclearRefusal,
    Conflict,
}

impl Kind {
    #[cfg(test)]
    const ALL: [Self; 7] = [
        Self::Held,
        Self::Validation,
        Self::ClaimBack,
        Self::Parked,
        Self::Unwatched,
        Self::UnclearRefusal,
        Self::Conflict,
    ];

    /// The kinds of need that a delivery is.
    pub(super) fn of(record: &Record, now: Timestamp) -> impl Iterator<Item = Self> {
        let parked = record.protocol.state == State::Parked && !record.is_held();
        let unwatched = record.is_unwatched(now);
        let kinds = [
            (Self::Held, record.is_held()),
            (Self::Validation, record.is_validation_for_a_person()),
            (Self::ClaimBack, record.open_claim_back().is_some()),
            (Self::Parked, parked && !unwatched),
            (Self::Unwatched, unwatched),
            (Self::UnclearRefusal, record.is_open_refusal()),
            (Self::Conflict, record.has_open_conflict()),
        ];
        let is_validation = record.is_validation();
        let applies = move |kind| match kind {
            Self::ClaimBack => true,
            kind => is_validation == (kind == Self::Validation),
        };
        kinds.into_iter().filter_map(move |(kind, is_so)| (is_so && applies(kind)).then_some(kind))
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Validation => "validation",
            Self::ClaimBack => "claim_back",
            Self::Parked => "parked",
            Self::Unwatched => "unwatched",
            Self::UnclearRefusal => "unclear_refusal",
            Self::Conflict => "conflict",
        }
    }

    /// The rest of a sentence that begins with a number.
    pub(super) const fn words(self, one: bool) -> &'static str {
        match (self, one) {
            (Self::Held, true) => "waits for a person",
            (Self::Held, false) => "wait for a person",
            (Self::Validation, true) => "validation waits for a person",
            (Self::Validation, false) => "validations wait for a person",
            (Self::ClaimBack, true) => "conversion has come back: claim it back",
            (Self::ClaimBack, false) => "conversions have come back: claim them back",
            (Self::Parked, true) => "is parked",
            (Self::Parked, false) => "are parked",
            (Self::Unwatched, true) => "has no message any more",
            (Self::Unwatched, false) => "have no message any more",
            (Self::UnclearRefusal, true) => "was refused unclearly",
            (Self::UnclearRefusal, false) => "were refused unclearly",
            (Self::Conflict, _) => "came with other content",
        }
    }

    /// The command that goes on; a network that is turned off takes no replay.
    pub(super) fn command(self, network: &str, reason: Option<&str>, is_on: bool) -> String {
        let reason = reason.map(|reason| format!(" --reason {reason}")).unwrap_or_default();
        let list = |what: &str| format!("postback orders list {what} --network {network}{reason}");
        match self {
            Self::Held | Self::Validation => list("--held"),
            Self::ClaimBack => format!("postback validate claim-back --network {network}"),
            Self::Parked => list("--state parked"),
            Self::UnclearRefusal => list("--state rejected"),
            Self::Conflict => format!("postback orders list --conflicts --network {network}"),
            Self::Unwatched if !is_on => list("--open"),
            Self::Unwatched => {
                format!("postback orders replay --from 7d --network {network} --dry-run")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, from_value, json};

    use super::*;
    use crate::{
        args::Arguments,
        fixtures::{paid, validation},
    };

    /// Every combination of what the needs look at.
    fn records() -> impl Iterator<Item = Record> {
        let at = "2026-11-21T10:20:00Z";
        let called = validation("delivered", Some(("approved", "10.5")));
        let bases = [paid("net", "delivered", "10.5", "EUR"), validation("parked", None), called];
        let bases = bases.map(|record| {
            let mut record = serde_json::to_value(record).expect("JSON");
            record["returned"] = json!({ "version": 3, "at": at });
            record
        });
        let doubt = |kind| json!({ "since": at, "recovery": kind, "scope": "" });
        let of_record = [
            ("state", State::ALL.map(|state| json!(state)).to_vec()),
            ("reason", vec![json!("implausible"), json!("duplicate_elsewhere")]),
            ("doubt", vec![doubt("hold"), doubt("look_up")]),
            ("cancelled", vec![json!({ "at": at })]),
            ("refunds", vec![json!({ "r-1": { "amount": "4" } })]),
            ("permission", vec![json!({ "until": at })]),
            (
                "conflicts",
                vec![json!({ "entries": [{
                "version": 2, "at": at, "last_at": at, "count": 1, "facts": { "amount": "11" },
            }] })],
            ),
            (
                "decisions",
                vec![json!({ "entries": [{
                "version": 4, "at": at, "attempt": 1, "decision": "acknowledge", "by": "arn",
                "why": "seen", "claim_back": "1",
            }] })],
            ),
        ];
        let with = |records: Vec<Value>, (name, values): (&str, Vec<Value>)| -> Vec<Value> {
            let each = |record: Value| {
                let of = |value: &Value| {
                    let mut record = record.clone();
                    record[name] = value.clone();
                    record
                };
                values.iter().map(of).chain([record.clone()]).collect::<Vec<_>>()
            };
            records.into_iter().flat_map(each).collect()
        };
        let records = of_record.into_iter().fold(bases.to_vec(), with);
        records.into_iter().map(|record| from_value(record).expect("a record"))
    }

    #[test]
    fn whatever_needs_a_person_is_in_the_index_but_for_a_dead_sender() {
        let [soon, later] = ["2026-11-21T10:45:00Z", "2026-11-23T10:15:00Z"]
            .map(|at| Timestamp::parse(at).expect("an instant"));
        let mut kinds = [0; Kind::ALL.len()];
        for record in records() {
            for kind in Kind::of(&record, soon).chain(Kind::of(&record, later)) {
                kinds[kind as usize] += 1;
                let has_died = kind == Kind::Unwatched && record.protocol.state == State::Sending;
                assert!(record.is_waiting() || has_died, "{kind:?}: {record:#?}");
            }
        }
        assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
    }

    #[test]
    fn an_order_without_trouble_is_in_the_index_at_no_time() {
        let undisturbed = ["sending", "delivered", "accepted", "skipped", "withdrawn"];
        for state in undisturbed {
            assert!(!paid("net", state, "10.5", "EUR").is_waiting(), "{state}");
        }
        for state in ["retrying", "sending", "delivered"] {
            assert!(!validation(state, Some(("approved", "10.5"))).is_waiting(), "{state}");
        }
    }

    #[test]
    fn the_command_of_every_need_is_one_of_the_tools() {
        for kind in Kind::ALL {
            for (reason, is_on) in [(None, true), (Some("answer_lost"), false)] {
                let command = kind.command("net", reason, is_on);
                let taken = Arguments::try_parse_from(command.split(' '));
                assert!(taken.is_ok(), "{command}: {taken:?}");
            }
        }
    }
}
