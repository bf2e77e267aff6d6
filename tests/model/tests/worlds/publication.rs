//! The publication of what the ledger's stream shows: everything that can happen within the bounds, and
//! the rules without which it fails.

use std::io::Write;

use postback_core::delivery::Decision;
use postback_model::publication::{
    ANNOUNCED, IN_ORDER, ONE_ID, PublicationBounds, PublicationMutant, PublicationWorld, Writing,
};
use stateright::{Checker, HasDiscoveries, Model};

/// All words.
const BOUNDS: PublicationBounds = PublicationBounds {
    words: &[
        Writing::Arrive(1),
        Writing::Arrive(2),
        Writing::ArrivePaused,
        Writing::ArriveRejected("no_offer"),
        Writing::ArriveRejected("no_phone"),
        Writing::Confirmed,
        Writing::Lost,
        Writing::Refused,
        Writing::WrongSetting,
        Writing::LookedUp(true),
        Writing::LookedUp(false),
        Writing::Cancel,
        Writing::Sweep,
        Writing::Decide(Decision::Confirm),
        Writing::Decide(Decision::PermitSending),
        Writing::Decide(Decision::Abandon),
        Writing::Decide(Decision::Reopen),
        Writing::Decide(Decision::Acknowledge),
        Writing::Status,
        Writing::Delete,
    ],
    writes: 4,
    batch: 2,
    failures: 1,
};
/// What comes after a lost answer, in longer stories.
const LONG: PublicationBounds = PublicationBounds {
    words: &[
        Writing::Arrive(1),
        Writing::Confirmed,
        Writing::Lost,
        Writing::LookedUp(false),
        Writing::Cancel,
        Writing::Decide(Decision::Confirm),
        Writing::Decide(Decision::Reopen),
    ],
    writes: 7,
    ..BOUNDS
};
/// Few words, and more that goes wrong.
const FAILING: PublicationBounds = PublicationBounds {
    words: &[Writing::Arrive(1), Writing::ArrivePaused, Writing::Confirmed, Writing::Cancel],
    batch: 4,
    failures: 2,
    ..BOUNDS
};

/// Prints a line even where the test passes: the count is what a sceptic asks for.
fn print(line: &str) {
    let _nobody_listens = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

fn holds(what: &str, bounds: PublicationBounds) {
    let checker = PublicationWorld::new(bounds).checker().threads(2).spawn_dfs().join();
    let (states, transitions) = (checker.unique_state_count(), checker.state_count());
    print(&format!(
        "publication, {what}: {states} states, {transitions} transitions, all explored"
    ));

    if let Some((property, path)) = checker.discoveries().into_iter().next() {
        let last = format!("{:?}", path.last_state());
        panic!("{what}: {property:?} fails after {:?}: {last}", path.into_actions());
    }
}

/// The world without the rule has a way to break the property.
fn fails(mutant: PublicationMutant, property: &'static str) {
    let wanted = HasDiscoveries::AllOf([property].into_iter().collect());
    let world = PublicationWorld::new(FAILING).without(mutant);

    let checker = world.checker().threads(2).finish_when(wanted).spawn_bfs().join();

    let Some(path) = checker.discovery(property) else {
        let states = checker.unique_state_count();
        panic!("without {mutant:?}: {property:?} holds in all {states} states");
    };
    let actions = path.into_actions();
    print(&format!("publication without {mutant:?}: {property:?} fails after {actions:?}"));
}

#[test]
fn holds_whatever_is_written() {
    holds("whatever is written", BOUNDS);
}

#[test]
fn holds_through_long_stories() {
    holds("long stories", LONG);
}

#[test]
fn holds_when_batches_fail() {
    holds("batches that fail", FAILING);
}

#[test]
fn loses_events_when_the_stream_is_passed_before_they_are_put() {
    fails(PublicationMutant::PassedBeforePut, ANNOUNCED);
}

#[test]
fn loses_events_when_the_last_version_of_a_batch_alone_is_read() {
    fails(PublicationMutant::LastVersionAlone, ANNOUNCED);
}

#[test]
fn loses_events_when_the_record_is_read_anew() {
    fails(PublicationMutant::RecordReadAnew, ANNOUNCED);
}

#[test]
fn changes_the_order_when_the_events_of_a_batch_are_put_together() {
    fails(PublicationMutant::PutTogether, IN_ORDER);
}

#[test]
fn gives_an_event_two_ids_when_they_are_made_for_each_try() {
    fails(PublicationMutant::IdOfTheTry, ONE_ID);
}
