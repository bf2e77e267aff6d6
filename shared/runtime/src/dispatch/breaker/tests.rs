use postback_core::delivery::State;

use super::{
    open::{FAILED_COMES_AGAIN, LONE_ORDER_PAUSE, NEW_FIRST, OUTAGE_PAUSES, SETTING_PAUSE},
    *,
};

mod pause;
mod shopper;

const START: Timestamp = Timestamp::from_millis(1_795_256_100_000);

impl CircuitBreaker {
    /// Learns from an order's first attempt.
    fn record(
        &mut self,
        order_id: &str,
        verdict: &Verdict,
        status: Option<u16>,
        settings: &str,
        now: Timestamp,
    ) -> Option<Change> {
        self.learn(order_id, false, verdict, status, settings, now)
    }
}

fn doubt() -> Verdict {
    Verdict::unconfirmed("answer_timeout")
}

/// So many orders fail as make it the network's, the last one "B".
fn fail(breaker: &mut CircuitBreaker, verdict: &Verdict, settings: &str) -> Option<Change> {
    let is_outage = matches!(verdict, Verdict::Unconfirmed { .. });
    for order_id in ["Z", "A"].into_iter().skip(usize::from(!is_outage)) {
        assert_eq!(breaker.record(order_id, verdict, None, settings, START), None);
    }
    breaker.record("B", verdict, None, settings, START)
}

fn opened(verdict: &Verdict) -> CircuitBreaker {
    let mut breaker = CircuitBreaker::default();
    assert!(matches!(fail(&mut breaker, verdict, "v1"), Some(Change::Opened(_))));
    breaker
}

#[test]
fn one_order_opens_nothing_however_often_it_fails() {
    let mut breaker = CircuitBreaker::default();

    for _ in 0..5 {
        assert_eq!(
            breaker.record("A", &Verdict::parked("http_forbidden"), None, "v1", START),
            None
        );
    }
    assert_eq!(breaker.check("B", true, "v1", START), Circuit::Closed);
}

#[test]
fn a_shopper_whose_orders_are_refused_in_a_row_stops_nobody_while_others_are_judged() {
    let refused = Verdict::parked("http_forbidden");
    let mut breaker = CircuitBreaker::default();
    breaker.record("good", &Verdict::Accepted(None), None, "v1", START);

    let proven_until = START + PROVEN;
    let early = Timestamp::from_millis(proven_until.as_millis() - 1);
    for number in 0..50 {
        assert_eq!(breaker.record(&format!("bad-{number}"), &refused, None, "v1", early), None);
    }
    assert_eq!(breaker.check("next", true, "v1", early), Circuit::Closed);

    // Nobody's order was judged for two minutes: the setting may be wrong after all.
    let opened = breaker.record("bad-50", &refused, None, "v1", proven_until);
    assert_eq!(opened, Some(Change::Opened(Reason::new("http_forbidden"))));
}

#[test]
fn other_settings_a_networks_own_words_and_outages_count_although_an_order_was_judged() {
    for (verdict, settings) in [
        (Verdict::parked("http_forbidden"), "v2"),
        (Verdict::parked("wrong_key"), "v1"),
        (doubt(), "v1"),
    ] {
        let mut breaker = CircuitBreaker::default();
        breaker.record("good", &Verdict::Accepted(None), None, "v1", START);

        assert!(matches!(fail(&mut breaker, &verdict, settings), Some(Change::Opened(_))));
    }
}

#[test]
fn a_failure_of_tls_is_no_outage() {
    let reason = Reason::new("tls_failed");
    let mut breaker = opened(&Verdict::Retry { reason: reason.clone(), after: None, sent: false });

    let Circuit::Open(open) = breaker.check("C", true, "v1", START) else { panic!("it is closed") };
    assert_eq!((open.state, open.reason), (State::Parked, reason));
}

#[test]
fn a_second_order_with_another_refusal_opens_nothing() {
    let mut breaker = CircuitBreaker::default();
    breaker.record("A", &Verdict::parked("http_forbidden"), None, "v1", START);

    assert_eq!(breaker.record("B", &Verdict::parked("key"), None, "v1", START), None);
    assert_eq!(breaker.record("A", &doubt(), None, "v1", START), None);
}

#[test]
fn another_status_is_another_refusal() {
    let mut breaker = CircuitBreaker::default();
    let refused = Verdict::parked("http_client_error");

    breaker.record("A", &refused, Some(409), "v1", START);

    assert_eq!(breaker.record("B", &refused, Some(415), "v1", START), None);
    let opened = breaker.record("C", &refused, Some(415), "v1", START);
    assert!(matches!(opened, Some(Change::Opened(_))));
}

#[test]
fn a_success_between_failures_keeps_it_closed() {
    let mut breaker = CircuitBreaker::default();
    for order_id in ["A", "B", "good", "C", "D"] {
        let verdict = if order_id == "good" { Verdict::rejected("invalid_click") } else { doubt() };
        assert_eq!(breaker.record(order_id, &verdict, None, "v1", START), None, "{order_id}");
    }
}

#[test]
fn orders_wait_retrying_in_an_outage_and_parked_for_a_wrong_setting() {
    let state = |breaker: &mut CircuitBreaker| match breaker.check("C", true, "v1", START) {
        Circuit::Open(open) => (open.state, open.reason.to_string()),
        other => panic!("{other:?}"),
    };

    let outage = state(&mut opened(&doubt()));
    assert_eq!(outage, (State::Retrying, "network_down".to_owned()));
    let setting = state(&mut opened(&Verdict::parked("key")));
    assert_eq!(setting, (State::Parked, "key".to_owned()));
}

#[test]
fn probes_after_2_and_15_seconds_2_10_and_25_minutes_and_never_with_the_order_that_failed_last() {
    let mut breaker = opened(&doubt());
    let mut now = START;

    for (seconds, probe) in [(2, "C"), (15, "D"), (120, "E"), (600, "F"), (1500, "G"), (1500, "H")]
    {
        now = now + Duration::from_secs(seconds);
        let early = Timestamp::from_millis(now.as_millis() - 1);
        assert!(matches!(breaker.check(probe, true, "v1", early), Circuit::Open(_)), "{seconds}");
        let last = breaker.failed.as_ref().and_then(Failed::last).expect("a failure").to_owned();
        assert!(matches!(breaker.check(&last, true, "v1", now), Circuit::Open(_)), "{last}");
        assert_eq!(breaker.check(probe, true, "v1", now), Circuit::HalfOpen);
        assert!(matches!(breaker.check("X", true, "v1", now), Circuit::Open(_)));
        breaker.record(probe, &doubt(), None, "v1", now);
    }
    assert_eq!(
        breaker.record("X", &Verdict::Accepted(None), None, "v1", now),
        Some(Change::Closed)
    );
    assert_eq!(breaker.check("I", true, "v1", now), Circuit::Closed);
}

#[test]
fn changed_settings_let_orders_through() {
    assert_eq!(opened(&Verdict::parked("key")).check("C", true, "v2", START), Circuit::Closed);
}

#[test]
fn two_are_in_flight_until_one_ended_well() {
    let mut breaker = CircuitBreaker::default();
    breaker.begin();
    assert!(breaker.has_room());
    breaker.begin();
    assert!(!breaker.has_room());
    breaker.end();
    breaker.record("A", &Verdict::Accepted(None), None, "v1", START);
    breaker.begin();
    assert!(breaker.has_room());
    breaker.record("B", &doubt(), None, "v1", START);
    assert!(!breaker.has_room());

    // One more failure would make an outage: no two at once.
    breaker.end();
    assert!(breaker.has_room());
    breaker.record("C", &doubt(), None, "v1", START);
    assert!(!breaker.has_room());
    breaker.end();
    assert!(breaker.has_room());
}

#[test]
fn the_next_order_is_the_probe_when_the_first_was_not_sent() {
    let mut breaker = opened(&doubt());
    let due = START + OUTAGE_PAUSES[0];

    assert_eq!(breaker.check("C", true, "v1", due), Circuit::HalfOpen);
    breaker.give_back(&Circuit::HalfOpen, due);
    assert_eq!(breaker.check("D", true, "v1", due), Circuit::HalfOpen);
}

#[test]
fn the_order_that_failed_last_is_the_probe_once_no_other_came_for_a_quarter_of_an_hour() {
    let mut breaker = opened(&doubt());
    let half_open = START + OUTAGE_PAUSES[0];

    // It looks every minute if another was judged meanwhile.
    for minutes in 0..15 {
        let now = half_open + Duration::from_mins(minutes);
        let Circuit::Open(open) = breaker.check("B", false, "v1", now) else { panic!("{minutes}") };
        assert_eq!(open.until, now + FAILED_COMES_AGAIN);
    }
    assert_eq!(breaker.check("B", false, "v1", half_open + LONE_ORDER_PAUSE), Circuit::HalfOpen);
}

#[test]
fn a_duplicate_that_a_lookup_decides_is_an_answer_and_no_outage() {
    let reason = Reason::new("duplicate");
    let duplicate = Verdict::Unconfirmed { reason, if_absent: IfAbsent::Reject };
    let mut breaker = opened(&doubt());

    assert_eq!(breaker.record("C", &duplicate, None, "v1", START), Some(Change::Closed));
}

/// Returns whether an order that was never sent, or met something else, is sent.
fn tries_others(breaker: &mut CircuitBreaker, order_id: &str, now: Timestamp) -> bool {
    match breaker.check(order_id, true, "v1", now) {
        Circuit::Open(open) => open.only_refused,
        Circuit::Closed | Circuit::HalfOpen => true,
    }
}

#[test]
fn a_refusal_by_the_status_alone_holds_nobody_who_did_not_meet_it_however_many_did() {
    let refused = Verdict::parked("http_forbidden");
    let mut breaker = opened(&refused);

    for number in 0..500 {
        let id = format!("bad-{number}");
        assert!(tries_others(&mut breaker, &id, START), "{id}");
        assert_eq!(breaker.record(&id, &refused, None, "v1", START), None);
    }
    assert!(tries_others(&mut breaker, "good", START));
    // Those that met it wait for a probe, and are refused as a wrong setting is.
    let Circuit::Open(open) = breaker.check("bad-0", true, "v1", START) else {
        panic!("it is closed")
    };
    assert_eq!((open.until, open.state), (START + SETTING_PAUSE, State::Parked));
    assert_eq!(open.reason, Reason::new("http_forbidden"));
    assert_eq!(breaker.check("bad-0", true, "v1", open.until), Circuit::HalfOpen);

    let closed = breaker.record("good", &Verdict::Accepted(None), None, "v1", START);
    assert_eq!(closed, Some(Change::Closed));
    assert_eq!(breaker.check("next", true, "v1", START), Circuit::Closed);
}

#[test]
fn a_networks_own_words_hold_everybody() {
    let mut breaker = opened(&Verdict::parked("wrong_key"));

    assert!(!tries_others(&mut breaker, "C", START));
    // What comes late by the status alone changes nothing.
    breaker.record("C", &Verdict::parked("http_forbidden"), None, "v1", START);
    assert!(!tries_others(&mut breaker, "D", START));
}

#[test]
fn what_the_network_itself_says_holds_everybody_after_refusals_by_the_status_alone_too() {
    for verdict in [doubt(), Verdict::parked("wrong_key")] {
        let mut breaker = opened(&Verdict::parked("http_forbidden"));

        // One of them is no evidence, as ever.
        assert_eq!(breaker.record("C", &verdict, None, "v1", START), None);
        assert!(tries_others(&mut breaker, "D", START));

        let mut breaker = opened(&Verdict::parked("http_forbidden"));
        let change = fail(&mut breaker, &verdict, "v1");
        assert!(matches!(change, Some(Change::Opened(_))), "{change:?}");
        assert!(!tries_others(&mut breaker, "E", START));
    }
}

#[test]
fn another_refusal_by_the_status_alone_takes_the_place_of_the_first() {
    let mut breaker = opened(&Verdict::parked("http_forbidden"));
    let moved = Verdict::parked("http_moved");

    assert_eq!(breaker.record("C", &moved, Some(404), "v1", START), None);
    let change = breaker.record("D", &moved, Some(404), "v1", START);

    assert_eq!(change, Some(Change::Opened(Reason::new("http_moved"))));
    let Circuit::Open(open) = breaker.check("E", true, "v1", START) else { panic!("it is closed") };
    assert_eq!((open.reason, open.only_refused), (Reason::new("http_moved"), true));
}
