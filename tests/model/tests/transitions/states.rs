//! The deliveries of the table, and its instants.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Delivery, Fingerprint, IfAbsent, Proof, State},
};

pub(crate) const HOUR: Duration = Duration::from_hours(1);
/// 2026-11-21T10:15:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
pub(crate) const LAG: Duration = Duration::from_mins(2);
/// Longer than any backoff here.
pub(crate) const RETRY_AFTER: Duration = Duration::from_mins(7);
pub(crate) const SETTINGS: &str = "v1";

/// The end of the claim, in the states where it is still to come.
pub(crate) fn claim_expires_at() -> Timestamp {
    NOW + Duration::from_secs(41)
}

/// The time at which a waiting delivery may be carried on.
pub(crate) fn due() -> Timestamp {
    NOW + Duration::from_secs(1_234)
}

/// The end of the network's pause.
pub(crate) fn pause_end() -> Timestamp {
    NOW + Duration::from_secs(234)
}

fn delivery(state: State) -> Delivery {
    let attempted = state != State::Skipped;
    Delivery {
        state,
        reason: None,
        proof: (state == State::Delivered).then_some(Proof::Response),
        attempt: u32::from(attempted),
        content: Fingerprint::of(&"order"),
        first_seen_at: NOW - HOUR,
        claim_expires_at: NOW - HOUR,
        not_before: NOW,
        reached_network: attempted,
        in_doubt: state == State::Unconfirmed,
        if_absent: IfAbsent::SendAgain,
        parked_settings: (state == State::Parked).then(|| SETTINGS.to_owned()),
    }
}

pub(crate) fn states() -> Vec<(&'static str, Option<Delivery>)> {
    let of = |name, delivery| (name, Some(delivery));
    let sending = Delivery {
        claim_expires_at: claim_expires_at(),
        not_before: claim_expires_at(),
        ..delivery(State::Sending)
    };
    let unconfirmed = delivery(State::Unconfirmed);
    let parked = delivery(State::Parked);
    vec![
        ("nothing", None),
        of("`sending`", sending.clone()),
        of(
            "`sending`, an earlier attempt in doubt",
            Delivery { in_doubt: true, attempt: 2, ..sending },
        ),
        of("`sending`, its sender dead", delivery(State::Sending)),
        of("`retrying`", Delivery { not_before: due(), ..delivery(State::Retrying) }),
        of("`retrying`, due", delivery(State::Retrying)),
        of("`parked`", Delivery { not_before: due(), ..parked.clone() }),
        of("`parked`, due", parked.clone()),
        of(
            "`parked`, settings changed",
            Delivery { not_before: due(), parked_settings: Some("v0".into()), ..parked.clone() },
        ),
        of("`parked` in doubt, due", Delivery { in_doubt: true, ..parked }),
        of("`unconfirmed`", Delivery { not_before: due(), ..unconfirmed.clone() }),
        of("`unconfirmed`, due", unconfirmed.clone()),
        of(
            "`unconfirmed` of a duplicate, due",
            Delivery { if_absent: IfAbsent::Reject, ..unconfirmed.clone() },
        ),
        of("`unconfirmed`, attempts spent, due", Delivery { attempt: 20, ..unconfirmed }),
        of("`delivered`", delivery(State::Delivered)),
        of("`accepted`", delivery(State::Accepted)),
        of("`skipped`", delivery(State::Skipped)),
        of("`rejected`", delivery(State::Rejected)),
        of(
            "`rejected` before any attempt",
            Delivery { attempt: 0, reached_network: false, ..delivery(State::Rejected) },
        ),
    ]
}
