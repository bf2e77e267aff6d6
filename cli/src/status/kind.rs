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

    use super::*;
    use crate::args::Arguments;

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
