//! The decision about a validation, and the properties of its way through `step`.
//!
//! More than 300 lines: the cases, and one life whose world stands beside its properties.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    delivery::{
        Call, Decision, Due, Event, Facts, Followed, IfAbsent, Policy, Recovery, RefundEntry, Then,
        Verdict, samples::delivery, step,
    },
    redaction::Reason,
};

/// 2026-11-21T10:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const PERIOD: Duration = Duration::from_hours(30 * 24);
const TERMS: Terms = Terms { return_period: PERIOD, decimals: 2 };

/// The amount in minor units.
fn minor(units: i64) -> Decimal {
    Decimal::new(units, 2)
}

fn reported(units: i64) -> Reported {
    Reported {
        amount: minor(units),
        currency: "INR".to_owned(),
        completed_at: NOW,
        ids: BTreeMap::from([("adv_sub".to_owned(), "A-1".to_owned())]),
        differs: false,
        workbook_days: None,
    }
}

fn refunds(entries: &[(u8, i64)]) -> Refunds {
    let one = |(id, units): &(u8, i64)| {
        let entry = RefundEntry { amount: Some(minor(*units).normalize()), at: None };
        Refunds::of([(format!("r-{id}"), entry)].into_iter())
    };
    entries.iter().map(one).fold(Refunds::default(), |all, one| all.and(&one))
}

fn decide(total: i64, refunds: &Refunds, now: Timestamp) -> Validated {
    let order = OrderFacts { standing: Standing::Reported, cancelled: None, is_permitted: false };
    validate(order, refunds, Some(&reported(total)), TERMS, now)
}

fn cancelled(completed_after: bool) -> Cancellation {
    Cancellation { at: NOW, updated_at: None, completed_after, by_refunds: false }
}

#[test]
fn each_decision_has_its_case() {
    let late = NOW + PERIOD;
    let person = |reason| Validated::Person(Reason::new(reason));
    let cases = [
        (decide(100, &refunds(&[]), late - SECOND), Validated::Wait(late)),
        (decide(100, &refunds(&[]), late), Validated::Approve(minor(100))),
        (decide(100, &refunds(&[(1, 1)]), late), Validated::Approve(minor(99))),
        (decide(100, &refunds(&[(1, 40), (2, 60)]), late), Validated::Reject),
        (decide(100, &refunds(&[(1, 101)]), late), person("refunds_exceed_amount")),
        (decide(100, &refunds(&[(1, 1), (1, 2)]), late), person("refund_unclear")),
        (decide(0, &refunds(&[]), late), Validated::Approve(minor(0))),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn an_amount_that_the_network_can_not_take_exactly_is_a_persons_matter() {
    let fils = |id: &str, units| {
        let entry = RefundEntry { amount: Some(Decimal::new(units, 3)), at: None };
        Refunds::of([(id.to_owned(), entry)].into_iter())
    };
    let late = NOW + PERIOD;
    let person = Validated::Person(Reason::new("amount_too_precise"));

    assert_eq!(decide(1_050, &fils("r-1", 1), late), person, "10.499");
    assert_eq!(decide(1_050, &fils("r-1", 10), late), Validated::Approve(minor(1_049)));
    let both = fils("r-1", 1).and(&fils("r-2", 9));
    assert_eq!(decide(1_050, &both, late), Validated::Approve(minor(1_049)), "their sum counts");
    assert_eq!(decide(1_050, &fils("r-1", 10_500), late), Validated::Reject);
}

#[test]
fn what_the_order_says_comes_first() {
    let late = NOW + PERIOD;
    let decide = |standing, cancelled: Option<&Cancellation>, is_permitted, reported| {
        let order = OrderFacts { standing, cancelled, is_permitted };
        validate(order, &refunds(&[(1, 1)]), reported, TERMS, late)
    };
    let (whole, differing) = (reported(100), Reported { differs: true, ..reported(100) });
    let person = |reason| Validated::Person(Reason::new(reason));
    let approve = Validated::Approve(minor(99));

    assert_eq!(decide(Standing::Reported, None, false, None), Validated::Nothing);
    assert_eq!(decide(Standing::NotReported, None, false, Some(&whole)), Validated::Nothing);
    let in_doubt = decide(Standing::InDoubt, None, false, Some(&whole));
    assert_eq!(in_doubt, Validated::Wait(late + A_DAY));
    let confirmed = decide(Standing::Confirmed, None, false, Some(&whole));
    assert_eq!(confirmed, person("confirmed_by_operator"));
    assert_eq!(decide(Standing::Confirmed, None, true, Some(&whole)), approve);
    let twice = decide(Standing::Reported, None, false, Some(&differing));
    assert_eq!(twice, person("reported_twice"));
    let cancelled_whole = decide(Standing::Reported, Some(&cancelled(false)), false, Some(&whole));
    assert_eq!(cancelled_whole, Validated::Reject);
    let again = decide(Standing::Reported, Some(&cancelled(true)), false, Some(&whole));
    assert_eq!(again, person("completed_after_cancellation"));
}

#[test]
fn the_standing_of_a_delivery_is_its_state_and_the_word_of_a_person() {
    let standing = |state, proof| Standing::of(&Delivery { proof, ..delivery(state, 1) });

    assert_eq!(standing(State::Delivered, Some(Proof::Operator)), Standing::Confirmed);
    assert_eq!(standing(State::Delivered, Some(Proof::Response)), Standing::Reported);
    assert_eq!(standing(State::Accepted, None), Standing::Reported);
    assert_eq!(standing(State::Rejected, None), Standing::NotReported);
    assert_eq!(standing(State::Sending, None), Standing::InDoubt);
}

#[test]
fn what_no_call_validates_is_not_followed() {
    let is_followed = |reported| {
        let delivery = Delivery { reported, ..delivery(State::Delivered, 1) };
        Followed::of(&delivery, 1, TERMS).is_some()
    };

    assert!(is_followed(Some(reported(100))));
    assert!(!is_followed(None));
    assert!(!is_followed(Some(Reported { workbook_days: Some(30), ..reported(100) })));
}

#[test]
fn refunds_are_the_amount_neither_less_nor_more() {
    let facts = |amount: Option<&str>| {
        serde_json::from_value(serde_json::json!({ "amount": amount.unwrap_or("?") }))
            .expect("facts")
    };
    let is_exact = |amount, refunds| {
        let facts = facts(amount);
        Delivery { facts, refunds, ..delivery(State::Delivered, 1) }.is_refunded_exactly()
    };

    assert!(is_exact(Some("1.00"), refunds(&[(1, 40), (2, 60)])));
    assert!(!is_exact(Some("1.00"), refunds(&[(1, 99)])));
    assert!(!is_exact(Some("1.00"), refunds(&[(1, 101)])));
    let unclear = refunds(&[(1, 40), (1, 60)]);
    assert!(!is_exact(Some("1.00"), unclear.clone()) && !is_exact(None, unclear));
}

#[test]
fn refunds_that_cancel_an_order_decide_its_validation() {
    let person = |reason| Validated::Person(Reason::new(reason));
    let decide = |refunds: &Refunds, by_refunds| {
        let cancelled = Cancellation { by_refunds, ..cancelled(false) };
        let standing = Standing::Reported;
        let order = OrderFacts { standing, cancelled: Some(&cancelled), is_permitted: false };
        validate(order, refunds, Some(&reported(149_900)), TERMS, NOW + PERIOD)
    };
    let unclear = refunds(&[(1, 149_900), (1, 100)]);
    for (refunds, by_refunds, expected) in [
        (&refunds(&[(1, 149_900)]), true, Validated::Reject),
        (&refunds(&[(1, 149_901)]), true, person("refunds_exceed_amount")),
        (&refunds(&[(1, 149_901)]), false, person("refunds_exceed_amount")),
        (&unclear, true, person("refund_unclear")),
        (&unclear, false, Validated::Reject),
        (&refunds(&[(1, 100)]), true, person("refund_unclear")),
        (&refunds(&[(1, 100)]), false, Validated::Reject),
    ] {
        assert_eq!(decide(refunds, by_refunds), expected, "{refunds:?}, {by_refunds}");
    }
}

#[test]
fn a_longer_return_period_moves_the_lock_and_the_validation_is_not_overdue() {
    let mut life = Life::new();
    life.now = NOW + PERIOD;
    let (terms, deadline) =
        (Terms { return_period: PERIOD + A_DAY * 15, ..TERMS }, life.now + 30 * SECOND);
    let due = Due { terms, deadline, settings: "v2".to_owned(), open: None };

    let then = life.apply(&Event::Validate(due));

    let lock_at = NOW + PERIOD + A_DAY * 15;
    assert_eq!(then, Then::Wait(lock_at));
    let held = life.validation.expect("a validation");
    assert_eq!(held.validation.map(|validation| validation.lock_at), Some(lock_at));
    assert_eq!(held.not_before, lock_at);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever the order, and however often: the same sum, exact.
    #[test]
    fn refunds_are_summed_once_whatever_the_order(
        (arrivals, shuffled) in prop::collection::vec((0_u8..6, 1_i64..50_000), 0..12)
            .prop_flat_map(|all| {
                let doubled: Vec<_> = all.iter().chain(&all).copied().collect();
                (Just(all), Just(doubled).prop_shuffle())
            }),
        total in 0_i64..200_000,
    ) {
        let (once, again) = (refunds(&arrivals), refunds(&shuffled));
        prop_assert_eq!(&once, &again);
        let mut amounts: BTreeMap<u8, Vec<i64>> = BTreeMap::new();
        for (id, units) in &arrivals {
            amounts.entry(*id).or_default().push(*units);
        }
        let is_clear = amounts.values().all(|units| units.iter().all(|one| *one == units[0]));
        let sum: i64 = amounts.values().map(|units| units[0]).sum();
        let expected = match total - sum {
            _ if !is_clear => Validated::Person(Reason::new("refund_unclear")),
            0 if sum > 0 => Validated::Reject,
            left if left >= 0 => Validated::Approve(minor(left)),
            _ => Validated::Person(Reason::new("refunds_exceed_amount")),
        };
        prop_assert_eq!(decide(total, &again, NOW + PERIOD), expected);
    }

    /// The way of a validation under all kinds of trouble.
    #[test]
    fn never_against_what_is_known_never_twice_never_stuck(
        turns in prop::collection::vec(turn(), 0..40),
    ) {
        let mut life = Life::new();
        for turn in turns {
            life.take(turn);
        }
        life.end();
    }
}

/// One turn of a validation's life.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Refund {
        id: u8,
        units: i64,
        is_followed: bool,
    },
    Cancel {
        is_followed: bool,
    },
    Pass(Duration),
    Sweep(End),
    /// A person's decision about the validation.
    Decide(Decision),
    /// The delivery itself is reopened, confirmed or settled.
    Stand {
        standing: Standing,
        is_followed: bool,
    },
}

/// The end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Approved,
    Throttled,
    Lost,
    /// The function dies before the call leaves, or behind it: nobody knows.
    Killed,
}

fn turn() -> impl Strategy<Value = Turn> {
    let end =
        prop_oneof![Just(End::Approved), Just(End::Throttled), Just(End::Lost), Just(End::Killed)];
    prop_oneof![
        3 => (0_u8..4, prop_oneof![1_i64..60, Just(50_i64), Just(100_i64)], any::<bool>())
            .prop_map(|(id, units, is_followed)| Turn::Refund { id, units, is_followed }),
        1 => any::<bool>().prop_map(|is_followed| Turn::Cancel { is_followed }),
        4 => (1_u64..20 * 24).prop_map(|hours| Turn::Pass(HOUR * u32::try_from(hours).unwrap_or(1))),
        6 => end.prop_map(Turn::Sweep),
        2 => prop_oneof![
            Just(Decision::PermitSending),
            Just(Decision::Confirm),
            Just(Decision::Abandon),
            Just(Decision::Reopen),
        ]
        .prop_map(Turn::Decide),
        1 => (
            prop_oneof![
                Just(Standing::InDoubt),
                Just(Standing::Confirmed),
                Just(Standing::Reported),
            ],
            any::<bool>(),
        )
            .prop_map(|(standing, is_followed)| Turn::Stand { standing, is_followed }),
    ]
}

/// A delivery of 100 minor units, its validation, and what the world knows.
struct Life {
    now: Timestamp,
    /// The delivery as the ledger holds it.
    followed: Followed,
    validation: Option<Delivery>,
    /// True if a call may have been processed, and no person has said otherwise since.
    may_be_validated: bool,
}

const TOTAL: i64 = 100;

impl Life {
    fn new() -> Self {
        let followed = Followed {
            version: 2,
            first_seen_at: NOW,
            facts: Facts::none(),
            standing: Standing::Reported,
            reported: reported(TOTAL),
            refunds: Refunds::default(),
            cancelled: None,
            terms: TERMS,
        };
        let mut life = Self { now: NOW, followed, validation: None, may_be_validated: false };
        life.follow();
        life
    }

    fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Refund { id, units, is_followed } => {
                self.followed.refunds = self.followed.refunds.and(&refunds(&[(id, units)]));
                self.change(is_followed);
            }
            Turn::Cancel { is_followed } => {
                self.followed.cancelled = Some(cancelled(false));
                self.change(is_followed);
            }
            Turn::Pass(time) => self.now = self.now + time,
            Turn::Sweep(end) => self.sweep(end),
            Turn::Decide(decision) => self.decide(decision),
            Turn::Stand { standing, is_followed } => {
                self.followed.standing = standing;
                self.change(is_followed);
            }
        }
    }

    fn change(&mut self, is_followed: bool) {
        self.followed.version += 1;
        if is_followed {
            self.follow();
        }
    }

    fn apply(&mut self, event: &Event) -> Then {
        let policy = Policy {
            budget: crate::delivery::RETENTION,
            ..Policy::new(Recovery::Hold, 10 * SECOND, SECOND)
        };
        let step = step(self.validation.as_ref(), event, &policy, self.now);
        if step.next.is_some() {
            self.validation = step.next;
        }
        step.then
    }

    fn follow(&mut self) {
        let event = Event::Follow(Box::new(self.followed.clone()));
        self.apply(&event);
    }

    /// A function reads the delivery, and validates what is due.
    fn sweep(&mut self, end: End) {
        self.apply(&Event::Expire);
        self.follow();
        let deadline = self.now + 30 * SECOND;
        let (settings, open) = ("v1".to_owned(), None);
        let due = Due { terms: TERMS, deadline, settings: settings.clone(), open };
        let permission = self.validation.as_ref().and_then(|held| held.permission.as_ref());
        let is_permitted = permission.is_some_and(|permission| self.now < permission.until);
        let Then::Send(attempt) = self.apply(&Event::Validate(due)) else { return };
        self.check_call(is_permitted);
        self.may_be_validated = end != End::Throttled;
        let verdict = match end {
            End::Approved => Verdict::Delivered(Proof::Response),
            End::Throttled => {
                Verdict::Retry { reason: Reason::new("http_429"), after: None, sent: true }
            }
            End::Lost => {
                let reason = Reason::new("read_timeout");
                Verdict::Unconfirmed { reason, if_absent: IfAbsent::SendAgain }
            }
            End::Killed => return,
        };
        let attempt = attempt.number;
        self.apply(&Event::Settle { attempt, verdict, settings, jitter: 0 });
    }

    /// The call that is about to leave is what the shop says, to the minor unit.
    fn check_call(&self, is_permitted: bool) {
        let held = self.validation.as_ref().expect("a validation");
        let call = held.validation.as_ref().and_then(|own| own.call.clone()).expect("a call");
        assert!(self.now >= NOW + PERIOD, "before the lock");
        assert!(!self.may_be_validated || is_permitted, "a second call without a person");
        let standing = self.followed.standing;
        let is_known = standing == Standing::Reported || is_permitted;
        assert!(is_known && standing != Standing::InDoubt, "{standing:?}");
        let refunded = self.followed.refunds.sum();
        let left = refunded.map(|refunded| minor(TOTAL) - refunded);
        let expected = match (&self.followed.cancelled, left) {
            (Some(_), _) => Call { status: Status::Rejected, amount: minor(TOTAL) },
            (None, Some(left)) if left.is_zero() => {
                Call { status: Status::Rejected, amount: minor(TOTAL) }
            }
            (None, Some(left)) => Call { status: Status::Approved, amount: left },
            (None, None) => panic!("a call although a refund is not clear"),
        };
        assert!(expected.amount >= Decimal::ZERO);
        assert_eq!(call, expected);
    }

    /// A person decides about the validation, as it is.
    fn decide(&mut self, decision: Decision) {
        let Some(held) = &self.validation else { return };
        let (attempt, decisions) = (held.attempt, held.decisions);
        self.apply(&Event::Decide { attempt, decisions, decision });
    }

    /// Hourly sweeps after the lock, at a network that answers, for longer than a doubt of the delivery
    /// lets it wait: nothing is stuck, and only a person's matter is left.
    fn end(mut self) {
        self.now = self.now.max(NOW + PERIOD);
        self.followed.standing = Standing::Reported;
        self.change(true);
        for _ in 0..=24 {
            self.sweep(End::Approved);
            self.now = self.now + HOUR;
        }
        let held = self.validation.expect("a validation");
        let is_settled =
            matches!(held.state, State::Delivered | State::Unconfirmed | State::Abandoned);
        assert!(is_settled || held.state == State::Parked && held.reason.is_some(), "{held:?}");
        let back = held.claim_back();
        if held.state == State::Delivered {
            // A person may have settled it without a call.
            let call = held.validation.as_ref().and_then(|own| own.call.clone());
            let approved = call.filter(|call| call.status == Status::Approved);
            let left = held.amount_left().unwrap_or_default();
            let due = approved.map(|call| call.amount - left);
            assert_eq!(back, due.filter(|due| *due > Decimal::ZERO));
        }
    }
}
