//! One shopper, whose texts a firewall answers as a network that is down does.

use super::*;

/// Bad orders failed and wait, then a good one came and waits.
fn with_a_good_one_that_waits() -> CircuitBreaker {
    let mut breaker = opened(&doubt());
    for order_id in ["bad-3", "bad-4", "good"] {
        assert!(matches!(breaker.check(order_id, true, "v1", START), Circuit::Open(_)));
    }
    breaker
}

/// Returns the time at which an order that waited comes again; `None` if it is sent.
fn comes_again(breaker: &mut CircuitBreaker, order_id: &str, now: Timestamp) -> Option<Timestamp> {
    match breaker.check(order_id, false, "v1", now) {
        Circuit::Open(open) => Some(open.until),
        Circuit::Closed | Circuit::HalfOpen => None,
    }
}

#[test]
fn orders_that_wait_leave_the_probe_to_a_new_one_for_half_a_minute() {
    let half_open = START + OUTAGE_PAUSES[0];
    let with_ten_at_once = || {
        let mut breaker = opened(&doubt());
        for number in 3..=10 {
            breaker.check(&format!("bad-{number}"), true, "v1", START);
        }
        breaker
    };

    let mut breaker = with_ten_at_once();
    let soon = half_open + Duration::from_secs(20);
    for order_id in ["bad-3", "bad-10"] {
        // It comes again soon, to see whether a new one has closed the circuit.
        let again = comes_again(&mut breaker, order_id, soon);
        assert_eq!(again, Some(soon + COMES_AGAIN), "{order_id}");
    }
    assert_eq!(breaker.check("good", true, "v1", soon), Circuit::HalfOpen);
    let closed = breaker.record("good", &Verdict::Accepted(None), None, "v1", soon);
    assert_eq!(closed, Some(Change::Closed));

    // No other comes: the one that came last, and then any of them.
    let mut breaker = with_ten_at_once();
    let turn = half_open + NEW_FIRST;
    assert_eq!(comes_again(&mut breaker, "bad-3", turn), Some(turn + COMES_AGAIN));
    assert_eq!(comes_again(&mut breaker, "bad-10", turn), None);
    breaker.record("bad-10", &doubt(), None, "v1", turn);
    assert_eq!(comes_again(&mut breaker, "bad-3", turn + OUTAGE_PAUSES[1] + NEW_FIRST), None);
}

#[test]
fn a_refusal_of_one_request_ends_no_outage_and_hides_none() {
    let refused = Verdict::rejected("http_refused");
    for status in [406, 411, 413, 414, 416, 417, 431, 451] {
        let mut breaker = opened(&doubt());
        assert_eq!(breaker.record("bad", &refused, Some(status), "v1", START), None);
        assert!(!tries_others(&mut breaker, "C", START), "{status}");

        let mut breaker = CircuitBreaker::default();
        breaker.record("A", &doubt(), None, "v1", START);
        breaker.record("B", &doubt(), None, "v1", START);
        breaker.record("bad", &refused, Some(status), "v1", START);
        let change = breaker.record("C", &doubt(), None, "v1", START);
        assert!(matches!(change, Some(Change::Opened(_))), "{status}");
    }
    for status in [400, 422] {
        let closed = opened(&doubt()).record("C", &refused, Some(status), "v1", START);
        assert_eq!(closed, Some(Change::Closed), "{status}");
    }
}

#[test]
fn the_order_that_came_last_is_the_first_probe_and_the_others_follow_if_it_does_not_come() {
    let turn = START + OUTAGE_PAUSES[0] + NEW_FIRST;
    let others = turn + COMES_AGAIN;
    let mut breaker = with_a_good_one_that_waits();

    assert_eq!(comes_again(&mut breaker, "bad-3", turn), Some(others));
    assert_eq!(breaker.check("good", false, "v1", turn), Circuit::HalfOpen);
    let closed = breaker.record("good", &Verdict::Accepted(None), None, "v1", turn);
    assert_eq!(closed, Some(Change::Closed));

    let mut breaker = with_a_good_one_that_waits();
    assert_eq!(breaker.check("bad-3", false, "v1", others), Circuit::HalfOpen);
}

#[test]
fn a_new_order_is_the_probe_before_all_that_wait() {
    let half_open = START + OUTAGE_PAUSES[0];
    let mut breaker = with_a_good_one_that_waits();

    assert_eq!(breaker.check("new", true, "v1", half_open), Circuit::HalfOpen);
    // Who comes before its answer does not wait for a pause that may never begin.
    let Circuit::Open(open) = breaker.check("bad-3", false, "v1", half_open) else {
        panic!("two at once")
    };
    assert_eq!(open.until, half_open + Duration::from_secs(15));
    breaker.record("new", &doubt(), None, "v1", half_open);

    // No other has come since: any of them may be the next.
    let next = half_open + OUTAGE_PAUSES[1] + NEW_FIRST;
    assert_eq!(breaker.check("bad-4", false, "v1", next), Circuit::HalfOpen);
}

#[test]
fn an_order_that_fails_again_and_again_is_no_evidence() {
    let mut breaker = CircuitBreaker::default();

    for attempt in 2..5 {
        for order_id in ["A", "B", "C"] {
            assert_eq!(breaker.learn(order_id, attempt > 1, &doubt(), None, "v1", START), None);
        }
    }
    assert_eq!(breaker.record("D", &doubt(), None, "v1", START), None, "it is the first");
    assert_eq!(breaker.record("E", &doubt(), None, "v1", START), None, "it is the second");
    assert_eq!(breaker.learn("A", true, &doubt(), None, "v1", START), None);
    assert_eq!(breaker.check("F", true, "v1", START), Circuit::Closed);

    // As a probe it is.
    let mut breaker = opened(&doubt());
    let half_open = START + OUTAGE_PAUSES[0] + NEW_FIRST;
    assert_eq!(breaker.check("C", false, "v1", half_open), Circuit::HalfOpen);
    breaker.learn("C", true, &doubt(), None, "v1", half_open + Duration::from_secs(5));
    let Circuit::Open(open) = breaker.check("D", true, "v1", half_open) else { panic!("closed") };
    assert_eq!(open.until, half_open + Duration::from_secs(5) + OUTAGE_PAUSES[1]);
}

#[test]
fn a_refusal_by_the_status_alone_hides_no_outage_and_an_outage_no_refusal() {
    let refused = Verdict::parked("http_forbidden");
    let mut breaker = CircuitBreaker::default();
    breaker.record("Z", &doubt(), Some(500), "v1", START);
    breaker.record("A", &doubt(), Some(500), "v1", START);
    assert_eq!(breaker.record("B", &refused, Some(403), "v1", START), None);
    let opened = breaker.record("C", &doubt(), Some(500), "v1", START);
    assert_eq!(opened, Some(Change::Opened(Reason::new("network_down"))));

    let mut breaker = CircuitBreaker::default();
    breaker.record("A", &refused, Some(403), "v1", START);
    assert_eq!(breaker.record("B", &doubt(), Some(500), "v1", START), None);
    let opened = breaker.record("C", &refused, Some(403), "v1", START);
    assert_eq!(opened, Some(Change::Opened(Reason::new("http_forbidden"))));
}

/// Of two orders one after the other both may be one shopper's, whose texts a firewall refuses.
#[test]
fn two_orders_are_no_outage_however_often_they_fail() {
    let mut breaker = CircuitBreaker::default();
    for order_id in ["A", "B", "B", "A", "B"] {
        assert_eq!(breaker.record(order_id, &doubt(), None, "v1", START), None, "{order_id}");
    }
    assert_eq!(breaker.check("C", true, "v1", START), Circuit::Closed);
}
