//! The ranks and the kinds of the states.

use super::*;

#[test]
fn the_worst_line_comes_first() {
    let mut states = State::ALL;
    states.sort_by_key(|state| state.rank());

    let words = states.map(State::as_str);
    assert_eq!(
        words,
        [
            "unconfirmed",
            "parked",
            "retrying",
            "sending",
            "abandoned",
            "rejected",
            "withdrawn",
            "skipped",
            "accepted",
            "delivered",
        ]
    );
}

#[test]
fn each_state_is_final_or_waits_or_is_under_way() {
    let waiting = [State::Parked, State::Retrying, State::Unconfirmed];
    for state in State::ALL {
        let is_under_way = state == State::Sending;
        assert_eq!(state.is_waiting(), waiting.contains(&state), "{state:?}");
        assert_eq!(state.is_final(), !state.is_waiting() && !is_under_way, "{state:?}");
    }
}
