//! Without one of its rules the protocol fails, and the model sees it.

use postback_core::delivery::Recovery;
use postback_model::{Bounds, DISCLAIMED, Exchange, Host, Mutant, STUCK, TWICE, UNFOUNDED, World};
use stateright::{Checker, HasDiscoveries, Model};

const BOUNDS: Bounds = Bounds {
    starts: 3,
    calls: 0,
    ahead: 1,
    at_once: 2,
    looks: 0,
    exchanges: &[
        Exchange::Answered,
        Exchange::AnswerLost,
        Exchange::RequestLost,
        Exchange::NotSent,
    ],
    wrong_settings: 0,
    elsewhere: false,
};

/// The world without the rule has a way to break the property.
#[expect(clippy::print_stdout, reason = "a sceptic wants to see how it fails")]
fn fails(mutant: Mutant, property: &'static str, world: World) {
    let recovery = world.policy.recovery;
    let wanted = HasDiscoveries::AllOf([property].into_iter().collect());

    let checker = world.without(mutant).checker().threads(2).finish_when(wanted).spawn_bfs().join();

    let Some(path) = checker.discovery(property) else {
        let states = checker.unique_state_count();
        panic!("{recovery:?} without {mutant:?}: {property:?} holds in all {states} states");
    };
    let actions = path.into_actions();
    println!("{recovery:?} without {mutant:?}: {property:?} fails after {actions:?}");
}

fn looked_up() -> World {
    World::new(Recovery::LookUp, BOUNDS)
}

fn held() -> World {
    World::new(Recovery::Hold, BOUNDS)
}

fn deduplicated(bounds: Bounds) -> World {
    World::new(Recovery::SendAgain, bounds)
}

#[test]
fn reports_twice_without_the_fence() {
    fails(Mutant::FenceDropped, TWICE, held());
    fails(Mutant::FenceDropped, TWICE, looked_up());
}

#[test]
fn reports_twice_without_the_intent() {
    fails(Mutant::IntentDropped, TWICE, held());
    fails(Mutant::IntentDropped, DISCLAIMED, deduplicated(BOUNDS));
}

#[test]
fn reports_twice_when_an_expired_claim_is_taken_over() {
    fails(Mutant::ExpiredTakenOver, TWICE, held());
    fails(Mutant::ExpiredTakenOver, TWICE, looked_up());
}

#[test]
fn reports_twice_when_it_asks_without_waiting() {
    fails(Mutant::LookupWithoutWaiting, TWICE, looked_up());
}

#[test]
fn reports_twice_when_a_lagging_absence_is_believed() {
    let exchanges = &[Exchange::AnswerLost, Exchange::RequestLost];
    let bounds = Bounds { starts: 4, ahead: 0, exchanges, ..BOUNDS };
    fails(Mutant::LaggingAbsenceBelieved, TWICE, World::new(Recovery::LookUp, bounds));
}

#[test]
fn reports_twice_when_the_attempt_is_not_checked() {
    let exchanges = &[Exchange::AnswerLost, Exchange::NotSent];
    let bounds = Bounds { starts: 4, ahead: 0, exchanges, ..BOUNDS };
    fails(Mutant::AttemptNotChecked, TWICE, World::new(Recovery::LookUp, bounds));
}

#[test]
fn reports_twice_when_clocks_are_taken_for_equal() {
    fails(Mutant::SkewIgnored, TWICE, looked_up());
}

#[test]
fn reports_twice_when_the_network_gets_no_time_to_show_it() {
    fails(Mutant::LagIgnored, TWICE, looked_up());
}

#[test]
fn reports_twice_when_a_lost_answer_counts_as_a_failure() {
    fails(Mutant::LostAnswerRetried, TWICE, held());
    fails(Mutant::LostAnswerRetried, TWICE, looked_up());
    fails(Mutant::LostAnswerRetried, DISCLAIMED, deduplicated(BOUNDS));
}

#[test]
fn reports_twice_when_a_sender_outlives_its_claim() {
    fails(Mutant::DeadlineNotChecked, TWICE, looked_up().on(Host::LetsItRun));
}

#[test]
fn reports_twice_when_a_decision_counts_for_a_later_attempt() {
    let exchanges = &[Exchange::AnswerLost, Exchange::RequestLost];
    let bounds = Bounds { looks: 1, starts: 4, ahead: 0, exchanges, ..BOUNDS };
    fails(Mutant::DecisionNotFenced, TWICE, World::new(Recovery::LookUp, bounds));
}

#[test]
fn disclaims_an_effect_when_a_refusal_ends_the_doubt() {
    let exchanges = &[Exchange::AnswerLost, Exchange::NotNow];
    fails(Mutant::RefusalEndsDoubt, DISCLAIMED, deduplicated(Bounds { exchanges, ..BOUNDS }));
}

#[test]
fn disclaims_an_effect_when_no_duplicate_is_ours() {
    fails(Mutant::DuplicateNeverOurs, DISCLAIMED, deduplicated(BOUNDS));
}

#[test]
fn says_delivered_without_an_effect_when_every_duplicate_is_ours() {
    let bounds =
        Bounds { elsewhere: true, exchanges: &[Exchange::Answered, Exchange::NotSent], ..BOUNDS };
    fails(Mutant::DuplicateAlwaysOurs, UNFOUNDED, World::new(Recovery::LookUp, bounds));
    fails(Mutant::DuplicateAlwaysOurs, UNFOUNDED, World::new(Recovery::Hold, bounds));
}

#[test]
fn says_delivered_without_an_effect_when_a_duplicate_is_ours_without_asking() {
    let exchanges = &[Exchange::Answered, Exchange::NotNow];
    let bounds = Bounds { elsewhere: true, exchanges, ..BOUNDS };
    let world = World::new(Recovery::LookUp, bounds);
    fails(Mutant::DuplicateOursOnceReached, UNFOUNDED, world);
}

#[test]
fn is_stuck_when_a_claim_held_elsewhere_is_forgotten() {
    let bounds = Bounds { calls: 1, starts: 2, ..BOUNDS };
    fails(Mutant::ClaimedElsewhereForgotten, STUCK, deduplicated(bounds));
    fails(Mutant::ClaimedElsewhereForgotten, STUCK, World::new(Recovery::LookUp, bounds));
}
