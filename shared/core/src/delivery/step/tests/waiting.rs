//! Later versions that wait for the one held.

use super::{versions::certain, *};

/// A delivery of version 1 for which a third one waits.
fn waited_for(delivery: Delivery) -> Delivery {
    Delivery { waiting_version: version(3), ..versioned(delivery, 1) }
}

#[test]
fn of_the_versions_that_wait_the_newest_is_sent() {
    let at = NOW + HOUR;
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let under_way = waited_for(sending(&policy));
        let soon = NOW + SECOND;
        let second = step(Some(&under_way), &arrive_as_other(soon, version(2)), &policy, soon);
        assert_eq!(second, unchanged(Then::Superseded), "it can never be the one that is sent");

        for held in certain(&policy).into_iter().map(waited_for) {
            for earlier in [arrive_as(at, version(1)), arrive_as_other(at, version(2))] {
                let earlier = step(Some(&held), &earlier, &policy, at);
                assert_eq!(earlier, unchanged(Then::Superseded), "{held:?}");
            }
            let third = step(Some(&held), &arrive_as_other(at, version(3)), &policy, at);
            assert!(matches!(third.then, Then::Send(_) | Then::Wait(_)), "{third:?}");
            let taken = third.next.expect("a change");
            assert_eq!((taken.order_updated_at, taken.waiting_version), (version(3), None));
        }
    }
}

#[test]
fn a_doubt_about_the_version_held_is_resolved_before_a_later_one_is_sent() {
    let policy = policy(Recovery::SendAgain);
    let doubtful = waited_for(unconfirmed(&policy));
    let at = doubtful.not_before;

    // Its content resolves it, although it comes under a later version.
    for alike in [1, 2] {
        let resent = step(Some(&doubtful), &arrive_as(at, version(alike)), &policy, at);

        assert!(matches!(resent.then, Then::Send(Attempt { in_doubt: true, .. })), "{resent:?}");
        assert_eq!(resent.next.expect("a claim").waiting_version, version(3));
    }
}

#[test]
fn other_content_of_the_version_held_is_a_conflict_though_a_later_one_waits() {
    let policy = policy(Recovery::SendAgain);
    let doubtful = waited_for(unconfirmed(&policy));
    let at = doubtful.not_before;

    let other = step(Some(&doubtful), &arrive_as_other(at, version(1)), &policy, at);

    assert_eq!(other, unchanged(Then::Conflict));
}

#[test]
fn a_persons_permission_is_for_what_comes_next() {
    let policy = policy(Recovery::Hold);
    let at = NOW + HOUR;
    let refused = waited_for(settled(&policy, Verdict::rejected("never")));
    let permitted =
        Delivery { permission: Some(Permission { until: at + HOUR }), ..refused.clone() };

    let before = step(Some(&refused), &arrive_as(at, version(1)), &policy, at);
    let after = step(Some(&permitted), &arrive_as(at, version(1)), &policy, at);

    assert_eq!(before, unchanged(Then::Superseded));
    assert!(matches!(after.then, Then::Send(_)), "{after:?}");
}

#[test]
fn what_is_not_there_is_not_sent_again_where_a_later_version_waits() {
    let policy = policy(Recovery::LookUp);
    let doubtful = waited_for(unconfirmed(&policy));
    let first = doubtful.not_before;
    let once = next(&doubtful, &absent(first), &policy, first);
    let second = once.not_before + SECOND;

    let absent = step(Some(&once), &absent(second), &policy, second);

    let left = absent.next.expect("a change");
    assert_eq!((left.state, &left.doubt), (State::Retrying, &None));
    assert_eq!((&left.reason, left.not_before), (&Some(Reason::new("order_changed")), second));
    let later = step(Some(&left), &arrive_as_other(second, version(3)), &policy, second);
    assert!(matches!(later.then, Then::Send(_)), "{later:?}");
}

#[test]
fn a_later_version_that_is_decided_waits_no_more() {
    let policy = policy(Recovery::SendAgain);
    let at = NOW + HOUR;
    let delivered = waited_for(settled(&policy, yes()));

    let other = step(Some(&delivered), &arrive_as_other(at, version(3)), &policy, at);
    let same = step(Some(&delivered), &arrive_as(at, version(3)), &policy, at);

    let decided = Delivery { waiting_version: None, ..delivered.clone() };
    let noted = Delivery { conflict_version: version(3), ..decided.clone() };
    assert_eq!(other, Step::write(noted, Then::Conflict));
    assert_eq!(same, Step::write(versioned(decided, 3), Then::Rest));
}
