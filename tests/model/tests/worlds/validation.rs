//! The validation of what a network took: everything that can happen within the bounds, and the rules
//! without which it fails.

use std::io::Write;

use postback_core::delivery::Decision;
use postback_model::{
    Person,
    validation::{
        About, CLAIMED_BACK, EARLY_REFUND, FOLLOWED, LOCKED, Reply, Return, TOO_MUCH, UNREPORTED,
        VALIDATED_CANCELLED, VALIDATED_TWICE, ValidationBounds, ValidationMutant, ValidationWorld,
    },
};
use stateright::{Checker, HasDiscoveries, Model};

const BOUNDS: ValidationBounds = ValidationBounds {
    in_doubt: false,
    before: 0,
    words: &[Return::Refund(4), Return::Cancel],
    sweeps: 2,
    at_once: 2,
    replies: &[Reply::Taken, Reply::AnswerLost, Reply::RequestLost, Reply::NotNow],
    looks: 0,
    decisions: &[],
    person: Person::Informed,
    last: 4,
};
const REFUNDED: ValidationBounds =
    ValidationBounds { words: &[Return::Refund(4), Return::Refund(6)], ..BOUNDS };
/// A delivery of which nobody knows whether the network has it, and a person who decides.
const IN_DOUBT: ValidationBounds = ValidationBounds {
    in_doubt: true,
    before: 0,
    words: &[Return::Refund(4)],
    sweeps: 2,
    at_once: 2,
    replies: &[Reply::Taken, Reply::AnswerLost],
    looks: 3,
    decisions: &[
        (About::Delivery, Decision::Confirm),
        (About::Delivery, Decision::Reopen),
        (About::Validation, Decision::PermitSending),
    ],
    person: Person::Informed,
    last: 3,
};
const DECIDED: ValidationBounds = ValidationBounds {
    words: &[Return::Refund(4)],
    replies: &[Reply::AnswerLost, Reply::RequestLost, Reply::Refused],
    looks: 2,
    decisions: &[
        (About::Validation, Decision::Confirm),
        (About::Validation, Decision::PermitSending),
        (About::Validation, Decision::Abandon),
        (About::Validation, Decision::Reopen),
    ],
    ..BOUNDS
};

/// Prints a line even where the test passes: the count is what a sceptic asks for.
fn print(line: &str) {
    let _nobody_listens = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

fn holds(what: &str, bounds: ValidationBounds) {
    let checker = ValidationWorld::new(bounds).checker().threads(2).spawn_dfs().join();
    let (states, transitions) = (checker.unique_state_count(), checker.state_count());
    print(&format!("validation, {what}: {states} states, {transitions} transitions, all explored"));

    if let Some((property, path)) = checker.discoveries().into_iter().next() {
        let last = format!("{:?}", path.last_state());
        panic!("{what}: {property:?} fails after {:?}: {last}", path.into_actions());
    }
}

/// The world without the rule has a way to break the property.
fn fails(mutant: ValidationMutant, property: &'static str, bounds: ValidationBounds) {
    let wanted = HasDiscoveries::AllOf([property].into_iter().collect());
    let world = ValidationWorld::new(bounds).without(mutant);

    let checker = world.checker().threads(2).finish_when(wanted).spawn_bfs().join();

    let Some(path) = checker.discovery(property) else {
        let states = checker.unique_state_count();
        panic!("without {mutant:?}: {property:?} holds in all {states} states");
    };
    let actions = path.into_actions();
    print(&format!("validation without {mutant:?}: {property:?} fails after {actions:?}"));
}

#[test]
fn holds_through_refunds_and_a_cancellation() {
    holds("refunded and cancelled", BOUNDS);
    holds("refunded whole", REFUNDED);
    let words = &[Return::RefundAlone(4), Return::Refund(2)];
    holds("refunded by messages of refunds alone", ValidationBounds { words, before: 4, ..BOUNDS });
}

#[test]
fn holds_when_refunds_are_more_than_the_total() {
    let words = &[Return::Refund(6), Return::Refund(6), Return::Nothing];
    holds("refunded too much", ValidationBounds { words, sweeps: 1, ..BOUNDS });
}

#[test]
fn holds_with_a_person_who_looks_and_decides() {
    holds("a person", DECIDED);
    holds("a delivery in doubt", IN_DOUBT);
}

#[test]
fn holds_with_a_person_who_errs() {
    let person = Person::Erring;
    holds("a person who errs", ValidationBounds { person, ..DECIDED });
    holds("a delivery in doubt, a person who errs", ValidationBounds { person, ..IN_DOUBT });
}

#[test]
fn validates_twice_when_a_lost_answer_is_taken_for_a_failure() {
    fails(ValidationMutant::LostCallRepeated, VALIDATED_TWICE, BOUNDS);
}

#[test]
fn validates_twice_when_a_call_whose_sender_died_is_repeated() {
    fails(ValidationMutant::ExpiredCallRepeated, VALIDATED_TWICE, BOUNDS);
}

#[test]
fn validates_twice_when_a_permission_outlives_its_call() {
    fails(ValidationMutant::PermissionOutlivesCall, VALIDATED_TWICE, DECIDED);
}

#[test]
fn approves_too_much_when_the_delivery_is_not_read_once_more() {
    fails(ValidationMutant::DeliveryNotRead, TOO_MUCH, BOUNDS);
    fails(ValidationMutant::DeliveryNotRead, EARLY_REFUND, BOUNDS);
    fails(ValidationMutant::DeliveryNotRead, VALIDATED_CANCELLED, BOUNDS);
}

#[test]
fn validates_before_the_lock_when_the_return_period_is_ignored() {
    fails(ValidationMutant::PeriodIgnored, LOCKED, BOUNDS);
    fails(ValidationMutant::PeriodIgnored, EARLY_REFUND, BOUNDS);
}

#[test]
fn approves_a_cancelled_order_when_an_earlier_reader_is_believed() {
    fails(ValidationMutant::EarlierReaderBelieved, VALIDATED_CANCELLED, BOUNDS);
}

#[test]
fn loses_money_that_came_back_when_the_validation_does_not_follow() {
    fails(ValidationMutant::NotFollowed, CLAIMED_BACK, BOUNDS);
}

#[test]
fn validates_what_was_not_reported_when_a_persons_word_is_taken_for_the_networks() {
    let bounds = ValidationBounds { person: Person::Erring, ..IN_DOUBT };
    fails(ValidationMutant::ConfirmationBelieved, UNREPORTED, bounds);
}

#[test]
fn validates_what_is_in_doubt_when_the_doubt_is_ignored() {
    let bounds = ValidationBounds { person: Person::Erring, ..IN_DOUBT };
    fails(ValidationMutant::DoubtIgnored, UNREPORTED, bounds);
}

#[test]
fn approves_too_much_when_a_refund_before_its_order_is_forgotten() {
    let bounds = ValidationBounds { before: 4, ..BOUNDS };
    fails(ValidationMutant::RefundBeforeOrderForgotten, EARLY_REFUND, bounds);
}

#[test]
fn is_stuck_when_the_first_word_is_not_followed() {
    fails(ValidationMutant::FirstNotFollowed, FOLLOWED, BOUNDS);
}
