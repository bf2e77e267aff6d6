//! Without one of its rules the protocol fails, and the model sees it; with all of them the same world
//! holds. More than 300 lines: one test
//! for each rule.

use std::{
    collections::BTreeSet,
    io::Write,
    sync::{Mutex, PoisonError},
};

use postback_core::delivery::{Decision, Recovery};
use postback_model::{
    ABANDONED, Bounds, CANCELLED, CONTENT, DISCLAIMED, Host, IMPLAUSIBLE, LAPSED, Mutant, OUTDATED,
    OVERTAKEN, Outcome, Person, Plan, REFUSED, STUCK, Script, TWICE, UNBELIEVED, UNFOUNDED,
    UNWATCHED, WITHHELD, Word, World,
};
use stateright::{Checker, HasDiscoveries, Model};

const BOUNDS: Bounds = Bounds { at_once: 1, ..Bounds::LOSSES };
/// Where two functions have to meet.
const TWO: Bounds = Bounds { at_once: 2, starts: 2, ..BOUNDS };
const LOST: Bounds =
    Bounds { outcomes: &[Outcome::AnswerLost, Outcome::RequestLost, Outcome::NotSent], ..BOUNDS };

const fn completed(version: Option<u8>, content: u8) -> Word {
    Word::Complete { version, content }
}

const fn cancelled(version: Option<u8>) -> Word {
    Word::Cancel { version }
}

const CORRECTED: Script =
    Script::of(const { &[completed(Some(1), 0), completed(Some(2), 1)] as &[Word] });
const CANCELLED_ORDER: Script =
    Script::of(const { &[completed(None, 0), cancelled(None)] as &[Word] });

/// Prints a line even where the test passes: the count is what a sceptic asks for.
fn print(line: &str) {
    let _nobody_listens = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

/// The same world holds with the rule in force: explored in full, each world once.
fn holds(world: &World) {
    static EXPLORED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut explored = EXPLORED.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("{world:?}");
    if explored.contains(&name) {
        return;
    }
    let checker = world.clone().checker().threads(2).spawn_dfs().join();
    if let Some((property, path)) = checker.discoveries().into_iter().next() {
        panic!("{name}: {property:?} fails with all rules after {:?}", path.into_actions());
    }
    explored.insert(name);
    let (recovery, states) = (world.policy.recovery, checker.unique_state_count());
    print(&format!("{recovery:?}: {states} states, all explored, with the rule in force"));
}

/// The world without the rule has a way to break the property, and with it has none.
fn fails(mutant: Mutant, property: &'static str, world: World) {
    holds(&world);
    fails_alone(mutant, property, world);
}

/// The world without the rule has a way to break the property.
fn fails_alone(mutant: Mutant, property: &'static str, world: World) {
    let recovery = world.policy.recovery;
    let wanted = HasDiscoveries::AllOf([property].into_iter().collect());

    let checker = world.without(mutant).checker().threads(2).finish_when(wanted).spawn_bfs().join();

    let Some(path) = checker.discovery(property) else {
        let states = checker.unique_state_count();
        panic!("{recovery:?} without {mutant:?}: {property:?} holds in all {states} states");
    };
    let actions = path.into_actions();
    print(&format!("{recovery:?} without {mutant:?}: {property:?} fails after {actions:?}"));
}

fn plain(recovery: Recovery) -> World {
    World::new(recovery, BOUNDS, Script::plain())
}

fn world(recovery: Recovery, bounds: Bounds, script: Script) -> World {
    World::new(recovery, bounds, script)
}

fn changing(between: Plan) -> Script {
    let settings = match between {
        Plan::Send(_) => const { &[Plan::Send("a"), Plan::Send("b"), Plan::Send("a")] },
        Plan::Skip => const { &[Plan::Send("a"), Plan::Skip, Plan::Send("a")] },
        Plan::Reject => const { &[Plan::Send("a"), Plan::Reject, Plan::Send("a")] },
    };
    Script { settings, ..Script::plain() }
}

fn with_a_person(looks: u8, decisions: &'static [Decision]) -> Bounds {
    Bounds { looks, decisions, ..LOST }
}

#[test]
fn reports_twice_without_the_fence() {
    for recovery in [Recovery::Hold, Recovery::LookUp] {
        fails(Mutant::FenceDropped, TWICE, world(recovery, TWO, Script::plain()));
    }
}

#[test]
fn reports_twice_without_the_intent() {
    fails(Mutant::IntentDropped, TWICE, plain(Recovery::Hold));
    fails(Mutant::IntentDropped, DISCLAIMED, plain(Recovery::SendAgain));
}

#[test]
fn reports_twice_when_an_expired_claim_is_taken_over() {
    fails(Mutant::ExpiredTakenOver, TWICE, plain(Recovery::Hold));
    fails(Mutant::ExpiredTakenOver, TWICE, plain(Recovery::LookUp));
}

#[test]
fn denies_an_effect_when_the_sweep_takes_an_expired_claim_for_a_failure() {
    let bounds = Bounds { sweeps: 1, starts: 2, ..LOST };
    let world = world(Recovery::Hold, bounds, Script::plain());
    fails(Mutant::SweptTakenForFailure, DISCLAIMED, world);
}

#[test]
fn reports_twice_when_it_asks_without_waiting() {
    let world = world(Recovery::LookUp, LOST, Script::plain());
    fails(Mutant::LookupWithoutWaiting, TWICE, world.slow(3));
}

#[test]
fn denies_an_effect_when_a_failure_counts_for_a_newer_attempt() {
    let outcomes = &[Outcome::AnswerLost, Outcome::NotSent];
    let bounds = Bounds { outcomes, ..with_a_person(1, &[Decision::PermitSending]) };
    let bounds = Bounds { at_once: 2, ..bounds };
    let world = world(Recovery::Hold, bounds, Script::plain());
    fails(Mutant::AttemptNotChecked, DISCLAIMED, world);
}

#[test]
fn reports_twice_when_clocks_are_taken_for_equal() {
    let outcomes = &[Outcome::AnswerLost];
    let bounds = with_a_person(1, &[Decision::PermitSending]);
    let bounds = Bounds { ahead: 1, at_once: 2, outcomes, ..bounds };
    fails(Mutant::SkewIgnored, TWICE, world(Recovery::Hold, bounds, Script::plain()));
}

#[test]
fn reports_twice_when_the_network_gets_no_time_to_show_it() {
    let bounds = Bounds { outcomes: &[Outcome::AnswerLost], ..BOUNDS };
    let world = world(Recovery::LookUp, bounds, Script::plain());
    fails(Mutant::LagIgnored, TWICE, world.slow(3));
}

#[test]
fn reports_twice_when_a_lost_answer_counts_as_a_failure() {
    fails(Mutant::LostAnswerRetried, TWICE, plain(Recovery::Hold));
    fails(Mutant::LostAnswerRetried, DISCLAIMED, plain(Recovery::SendAgain));
}

#[test]
fn reports_twice_when_a_sender_outlives_its_claim() {
    let bounds = Bounds { outcomes: &[Outcome::AnswerLost], starts: 3, ..TWO };
    let world = world(Recovery::LookUp, bounds, Script::plain()).on(Host::LetsItRun);
    fails(Mutant::DeadlineNotChecked, TWICE, world);
}

#[test]
fn reports_a_third_time_when_the_merchants_consent_does_not_end() {
    let bounds = Bounds { outcomes: &[Outcome::AnswerLost], ..BOUNDS };
    let world = world(Recovery::SendOnceMore, bounds, Script::plain());
    fails(Mutant::ConsentWithoutEnd, TWICE, world);
}

#[test]
fn denies_an_effect_when_a_refusal_ends_the_doubt() {
    let bounds = Bounds { outcomes: &[Outcome::AnswerLost, Outcome::Refused], ..BOUNDS };
    let world = world(Recovery::SendAgain, bounds, Script::plain());
    fails(Mutant::RefusalEndsDoubt, DISCLAIMED, world);
}

#[test]
fn calls_delivered_what_somebody_else_reported() {
    let outcomes = &[Outcome::Answered, Outcome::NotSent];
    let bounds = Bounds { elsewhere: true, outcomes, ..BOUNDS };
    for recovery in [Recovery::LookUp, Recovery::Hold] {
        fails(Mutant::DuplicateAlwaysOurs, UNFOUNDED, world(recovery, bounds, Script::plain()));
    }
}

#[test]
fn calls_delivered_what_another_order_of_the_click_had() {
    let outcomes = &[Outcome::Answered, Outcome::RequestLost];
    let bounds = Bounds { at_once: 1, outcomes, ..BOUNDS };
    let script = Script { orders: 2, ..Script::plain() };
    for mutant in
        [Mutant::DuplicateAlwaysOurs, Mutant::DuplicateOursFromDoubt, Mutant::ClickUseNotKept]
    {
        fails(mutant, UNFOUNDED, world(Recovery::SendAgain, bounds, script));
    }
}

#[test]
fn is_stuck_when_a_claim_held_elsewhere_is_forgotten() {
    let words = const { &[completed(None, 0), completed(None, 0)] as &[Word] };
    let script = Script { calls: &[0], ..Script::of(words) };
    let bounds = Bounds { starts: 2, ..LOST };
    fails(Mutant::ClaimedElsewhereForgotten, STUCK, world(Recovery::LookUp, bounds, script));
}

#[test]
fn loses_an_open_order_when_a_plan_that_sends_nothing_lets_it_go() {
    for plan in [Plan::Skip, Plan::Reject] {
        let world = world(Recovery::LookUp, LOST, changing(plan));
        fails(Mutant::RefusalLetsOpenOrderGo, UNWATCHED, world);
    }
}

#[test]
fn reports_other_content_when_it_takes_over_an_open_delivery() {
    let words = const { &[completed(None, 0), completed(None, 1)] as &[Word] };
    let bounds = Bounds { outcomes: &[Outcome::AnswerLost, Outcome::Answered], ..BOUNDS };
    let world = world(Recovery::SendAgain, bounds, Script::of(words));
    fails(Mutant::OtherContentTakesOver, CONTENT, world);
}

#[test]
fn reports_twice_when_a_doubt_is_resolved_in_another_scope() {
    let bounds = Bounds { outcomes: &[Outcome::AnswerLost], ..BOUNDS };
    for recovery in [Recovery::SendAgain, Recovery::LookUp] {
        let world = world(recovery, bounds, changing(Plan::Send("b")));
        fails(Mutant::ScopeIgnored, TWICE, world);
    }
}

#[test]
fn reports_after_a_cancellation_that_was_forgotten() {
    let outcomes = &[Outcome::NotSent, Outcome::RequestLost];
    let bounds = Bounds { outcomes, ..BOUNDS };
    let world = || world(Recovery::SendAgain, bounds, CANCELLED_ORDER);
    fails(Mutant::CancelledWhileSendingForgotten, CANCELLED, world());
    fails(Mutant::CancelledBeforeOrderForgotten, CANCELLED, world());
    fails(Mutant::CancelledSentAgain, CANCELLED, world());
}

#[test]
fn reports_after_a_cancellation_without_a_version_that_a_version_voids() {
    let words = const { &[completed(Some(1), 0), cancelled(None)] as &[Word] };
    let world = world(Recovery::Hold, LOST, Script::of(words));
    fails(Mutant::CancellationWithoutVersionVoided, CANCELLED, world);
}

#[test]
fn reports_an_outdated_version() {
    let outcomes = &[Outcome::NotSent, Outcome::RequestLost];
    let bounds = Bounds { outcomes, ..BOUNDS };
    fails(Mutant::EarlierVersionReplaces, OUTDATED, world(Recovery::Hold, bounds, CORRECTED));
    let bounds = Bounds { outcomes: &[Outcome::NotSent], starts: 3, ..TWO };
    fails(Mutant::LaterVersionForgotten, OUTDATED, world(Recovery::Hold, bounds, CORRECTED));
}

#[test]
fn is_cancelled_by_an_earlier_version_when_a_conflict_is_forgotten() {
    let words =
        const { &[completed(Some(1), 0), cancelled(Some(2)), completed(Some(3), 1)] as &[Word] };
    let bounds = Bounds { outcomes: &[Outcome::Answered], starts: 3, ..BOUNDS };
    let world = world(Recovery::Hold, bounds, Script::of(words));
    fails(Mutant::LaterConflictForgotten, OVERTAKEN, world);
}

#[test]
fn sends_again_what_the_settings_hold_by_now() {
    let settings = &[Plan::Send("a"), Plan::Send("a")];
    let script = Script { settings, holds_from: Some(1), ..Script::plain() };
    for recovery in [Recovery::SendAgain, Recovery::SendOnceMore] {
        fails(Mutant::ConsentOutlivesSettings, WITHHELD, world(recovery, LOST, script));
    }
}

#[test]
fn reports_an_earlier_version_of_those_that_wait() {
    let outcomes = &[Outcome::NotNow];
    let words =
        const { &[completed(Some(1), 0), completed(Some(2), 1), completed(Some(3), 2)] as &[Word] };
    let bounds = Bounds { outcomes, starts: 3, ..TWO };
    // With the rule it is "two that wait" of `exhaustive.rs`, the largest world there.
    let of_three = world(Recovery::Hold, bounds, Script::of(words));
    fails_alone(Mutant::WaitingVersionForgotten, OUTDATED, of_three);
    // The one held, after "not there".
    let outcomes = &[Outcome::RequestLost];
    let bounds = Bounds { outcomes, starts: 4, ..BOUNDS };
    let of_two = world(Recovery::LookUp, bounds, CORRECTED);
    // With the rule it is "one that waits for a lookup" of `exhaustive.rs`.
    fails_alone(Mutant::WaitingVersionForgotten, OUTDATED, of_two);
}

#[test]
fn loses_a_later_version_that_is_taken_for_surplus() {
    let bounds = Bounds { outcomes: &[Outcome::RequestLost, Outcome::NotSent], ..BOUNDS };
    let world = world(Recovery::LookUp, bounds, CORRECTED);
    fails(Mutant::LaterVersionTakenForSurplus, STUCK, world);
}

#[test]
fn is_stuck_when_a_doubt_about_what_can_not_be_built_is_not_looked_up() {
    let bounds = Bounds { outcomes: &[Outcome::RequestLost, Outcome::Answered], ..BOUNDS };
    let settings = &[Plan::Send("a"), Plan::Send("a")];
    let script = Script { settings, unplannable: Some(0), ..CORRECTED };
    fails(Mutant::UnplannableNotLookedUp, STUCK, world(Recovery::LookUp, bounds, script));
}

#[test]
fn reports_twice_when_a_later_version_replaces_a_doubt() {
    let bounds = Bounds { outcomes: &[Outcome::AnswerLost], ..BOUNDS };
    fails(Mutant::LaterVersionReplacesDoubt, TWICE, world(Recovery::LookUp, bounds, CORRECTED));
}

#[test]
fn has_no_message_when_it_is_written_before_it_is_put() {
    fails(Mutant::WrittenBeforePut, UNWATCHED, world(Recovery::LookUp, LOST, Script::plain()));
}

#[test]
fn has_no_message_when_an_earlier_name_is_believed() {
    let bounds = Bounds { outcomes: &[Outcome::RequestLost], starts: 3, ..TWO };
    let world = world(Recovery::LookUp, bounds, Script::plain());
    fails(Mutant::EarlierNameBelieved, UNWATCHED, world);
}

#[test]
fn reports_twice_when_a_decision_counts_for_a_later_attempt() {
    let bounds = Bounds { starts: 4, ..with_a_person(1, &[Decision::PermitSending]) };
    let bounds = Bounds { outcomes: &[Outcome::AnswerLost], ..bounds };
    let world = world(Recovery::LookUp, bounds, Script::plain());
    fails(Mutant::DecisionNotFenced, TWICE, world);
}

#[test]
fn reports_again_and_again_when_a_permission_outlives_its_claim() {
    let bounds = with_a_person(1, &[Decision::PermitSending]);
    let world = world(Recovery::Hold, bounds, Script::plain());
    fails(Mutant::PermissionOutlivesClaim, TWICE, world);
}

#[test]
fn reports_after_a_cancellation_that_a_permission_outlives() {
    let bounds = with_a_person(1, &[Decision::PermitSending]);
    let world = world(Recovery::Hold, bounds, CANCELLED_ORDER);
    fails(Mutant::PermissionOutlivesCancellation, CANCELLED, world);
}

#[test]
fn sends_what_a_person_abandoned_when_the_network_does_not_show_it() {
    let bounds =
        Bounds { outcomes: &[Outcome::RequestLost], ..with_a_person(1, &[Decision::Abandon]) };
    let world = world(Recovery::LookUp, bounds, Script::plain());
    fails(Mutant::AbandonedSentAgain, ABANDONED, world);
}

#[test]
fn reports_twice_when_an_acknowledgement_is_taken_for_the_end_of_the_doubt() {
    let bounds = with_a_person(1, &[Decision::Acknowledge]);
    let world = world(Recovery::Hold, bounds, Script::plain());
    fails(Mutant::AcknowledgedTakenForSettled, TWICE, world);
}

#[test]
fn denies_an_effect_when_reopening_forgets_the_doubt() {
    let bounds = with_a_person(2, &[Decision::Abandon, Decision::Reopen]);
    let world = world(Recovery::Hold, bounds, Script::plain()).with(Person::Erring);
    fails(Mutant::ReopenForgetsDoubt, DISCLAIMED, world);
}

#[test]
fn reports_after_a_cancellation_that_reopening_forgets() {
    let bounds = with_a_person(2, &[Decision::Abandon, Decision::Confirm, Decision::Reopen]);
    let bounds = Bounds { outcomes: &[Outcome::NotSent], ..bounds };
    let world = world(Recovery::Hold, bounds, CANCELLED_ORDER).with(Person::Erring);
    fails(Mutant::ReopenForgetsCancellation, CANCELLED, world);
}

#[test]
fn reports_what_exceeds_a_bound_when_the_bound_is_forgotten() {
    let script = Script { implausible: Some(0), ..Script::plain() };
    fails(Mutant::BoundForgotten, IMPLAUSIBLE, world(Recovery::Hold, BOUNDS, script));
}

#[test]
fn reports_what_exceeds_a_bound_when_other_content_was_permitted() {
    let outcomes = &[Outcome::NotNow];
    let bounds = Bounds { outcomes, starts: 2, ..with_a_person(1, &[Decision::PermitSending]) };
    let words = const { &[completed(Some(1), 1), completed(Some(2), 0)] as &[Word] };
    let script = Script { implausible: Some(0), ..Script::of(words) };
    fails(Mutant::BoundPassedByOtherContent, IMPLAUSIBLE, world(Recovery::Hold, bounds, script));
}

#[test]
fn is_stuck_when_the_bound_stops_again_what_a_person_permitted() {
    let outcomes = &[Outcome::NotNow];
    let bounds = Bounds { outcomes, ..with_a_person(1, &[Decision::PermitSending]) };
    let script = Script { implausible: Some(0), ..Script::plain() };
    fails(Mutant::BoundOutlivesPermission, STUCK, world(Recovery::Hold, bounds, script));
}

#[test]
fn reports_twice_when_not_there_is_believed_at_once() {
    let bounds = Bounds { ahead: 1, at_once: 1, outcomes: &[Outcome::AnswerLost], ..BOUNDS };
    let world = world(Recovery::LookUp, bounds, Script::plain()).showing_late();
    fails(Mutant::AbsentOnceBelieved, TWICE, world);
}

#[test]
fn sends_by_a_permission_that_has_lapsed_when_it_never_lapses() {
    let outcomes = &[Outcome::RequestLost, Outcome::Refused];
    let bounds = Bounds { starts: 2, at_once: 1, outcomes, ..BOUNDS };
    let bounds = Bounds { looks: 1, decisions: &[Decision::PermitSending], ..bounds };
    let world = world(Recovery::Hold, bounds, Script::plain()).lapsing(1);
    fails(Mutant::PermissionNeverLapses, LAPSED, world);
}

#[test]
fn forgets_a_yes_that_comes_late() {
    let bounds = Bounds { outcomes: &[Outcome::Answered], ..TWO };
    for recovery in [Recovery::SendAgain, Recovery::LookUp, Recovery::Hold] {
        let world = world(recovery, bounds, Script::plain());
        fails(Mutant::LateYesForgotten, UNBELIEVED, world);
    }
}

#[test]
fn sends_again_after_a_refusal_in_doubt() {
    let outcomes = &[Outcome::AnswerLost, Outcome::RequestLost, Outcome::Refused];
    let bounds = Bounds { at_once: 1, outcomes, ..BOUNDS };
    let world = world(Recovery::SendAgain, bounds, Script::plain());
    fails(Mutant::RefusedInDoubtSentAgain, REFUSED, world);
}
