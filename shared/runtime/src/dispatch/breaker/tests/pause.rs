//! Pauses that the network asks for.

use super::*;

#[test]
fn a_throttled_network_is_left_alone_as_long_as_it_asks() {
    let mut breaker = CircuitBreaker::default();
    let pause = Duration::from_secs(30);
    assert_eq!(breaker.record("A", &asked(pause), Some(429), "v1", START), None);

    assert!(matches!(breaker.check("A", true, "v1", START), Circuit::Open(_)));
    assert!(!breaker.is_open(), "nobody has to act");
    assert_eq!(breaker.check("A", true, "v1", START + pause), Circuit::HalfOpen);
}

/// A firewall may answer one shopper's texts so.
#[test]
fn two_orders_in_a_row_that_a_429_asks_to_wait_hold_nobody_else_while_others_are_judged() {
    let mut breaker = CircuitBreaker::default();
    breaker.record("good", &Verdict::Accepted(None), None, "v1", START);
    for attempt in 1..4 {
        for order_id in ["A", "B"] {
            let change =
                breaker.learn(order_id, attempt > 1, &asked(HOURS), Some(429), "v1", START);
            assert_eq!((change, breaker.check("C", true, "v1", START)), (None, Circuit::Closed));
        }
    }
    // What a 429 answers between doubts hides no outage.
    for order_id in ["C", "D"] {
        assert_eq!(breaker.record(order_id, &doubt(), None, "v1", START), None);
    }
    breaker.learn("A", false, &asked(HOURS), Some(429), "v1", START);
    breaker.record("E", &doubt(), None, "v1", START);
    assert!(breaker.is_open());
}

#[test]
fn a_probe_that_a_429_asks_to_wait_for_hours_holds_the_others_as_long_as_any_that_fails() {
    let mut breaker = opened(&doubt());
    let due = START + OUTAGE_PAUSES[0];

    assert_eq!(breaker.check("C", true, "v1", due), Circuit::HalfOpen);
    breaker.record("C", &asked(HOURS), Some(429), "v1", due);

    assert_eq!(held_until(&mut breaker, due), due + OUTAGE_PAUSES[1]);
}

const HOURS: Duration = Duration::from_hours(6);

/// A 429 that asks to wait so long.
fn asked(pause: Duration) -> Verdict {
    Verdict::retry("http_429", Some(pause))
}

/// Three orders in a row meet it.
fn throttle(breaker: &mut CircuitBreaker, pause: Duration) -> Option<Change> {
    let orders = ["X", "Y", "A"].into_iter();
    orders.filter_map(|id| breaker.record(id, &asked(pause), Some(429), "v1", START)).last()
}

#[test]
fn one_order_that_a_503_asks_to_wait_holds_nobody_else_and_three_hold_as_an_outage_does() {
    let asked = Verdict::retry("http_503", Some(Duration::from_hours(6)));
    let mut breaker = CircuitBreaker::default();

    for _ in 0..3 {
        assert_eq!(breaker.record("A", &asked, Some(503), "v1", START), None);
        assert_eq!(breaker.check("B", true, "v1", START), Circuit::Closed);
    }
    assert_eq!(breaker.record("B", &asked, Some(503), "v1", START), None);
    let change = breaker.record("C", &asked, Some(503), "v1", START);
    assert_eq!(change, Some(Change::Opened(Reason::new("network_down"))));
    let Circuit::Open(open) = breaker.check("D", true, "v1", START) else { panic!("it is closed") };
    assert_eq!((open.until, open.state), (START + OUTAGE_PAUSES[0], State::Retrying));
}

#[test]
fn a_pause_that_the_network_asks_for_holds_everybody_for_as_long_as_it_asks() {
    for pause in [Duration::from_secs(30), Duration::from_mins(9)] {
        let mut breaker = opened(&Verdict::parked("http_forbidden"));
        assert_eq!(throttle(&mut breaker, pause), Some(Change::Closed));

        let Circuit::Open(open) = breaker.check("D", true, "v1", START) else {
            panic!("it is closed")
        };
        assert_eq!((open.until, open.only_refused), (START + pause, false));
        // One shopper's texts, refused by the status alone, make it no longer for the others.
        assert_eq!(breaker.check("bad", true, "v1", open.until), Circuit::HalfOpen);
        let refused = Verdict::parked("http_forbidden");
        assert_eq!(breaker.record("bad", &refused, Some(403), "v1", open.until), None);
        assert!(tries_others(&mut breaker, "good", open.until));
    }
}

/// A circuit breaker that a 429 opened for an hour.
fn throttled() -> (CircuitBreaker, Timestamp) {
    let mut breaker = CircuitBreaker::default();
    let hour = Duration::from_hours(1);
    throttle(&mut breaker, hour);
    (breaker, START + hour)
}

fn held_until(breaker: &mut CircuitBreaker, now: Timestamp) -> Timestamp {
    let Circuit::Open(open) = breaker.check("other", true, "v1", now) else {
        panic!("it is closed")
    };
    open.until
}

#[test]
fn one_order_makes_no_outage_of_a_pause_that_the_network_asks_for_and_more_do_not_shorten_it() {
    let asked = Verdict::retry("http_503", Some(Duration::from_secs(5)));
    for failure in [asked, doubt(), Verdict::parked("wrong_key")] {
        let (mut breaker, until) = throttled();

        for _ in 0..3 {
            assert_eq!(breaker.record("B", &failure, Some(503), "v1", START), None);
            assert_eq!(held_until(&mut breaker, START), until, "{failure:?}");
            assert!(!breaker.is_open(), "nobody has to act: {failure:?}");
        }
        for order_id in ["C", "D"] {
            breaker.record(order_id, &failure, Some(503), "v1", START);
        }

        assert_eq!(held_until(&mut breaker, START), until, "{failure:?}");
    }
}

#[test]
fn three_orders_make_an_outage_of_a_pause_that_the_network_asked_for() {
    let (mut breaker, until) = throttled();

    for order_id in ["B", "C", "D"] {
        breaker.record(order_id, &doubt(), None, "v1", until);
    }

    assert!(breaker.is_open());
    assert_eq!(held_until(&mut breaker, until), until + OUTAGE_PAUSES[0]);
}

#[test]
fn a_probe_that_is_asked_to_wait_for_hours_holds_the_others_as_long_as_any_that_fails() {
    let mut breaker = opened(&doubt());
    let due = START + OUTAGE_PAUSES[0];
    let wait = Duration::from_hours(1);

    assert_eq!(breaker.check("C", true, "v1", due), Circuit::HalfOpen);
    breaker.record("C", &Verdict::retry("http_503", Some(wait)), Some(503), "v1", due);

    assert_eq!(held_until(&mut breaker, due), due + OUTAGE_PAUSES[1]);
}
