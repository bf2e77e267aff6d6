//! An order that is reported by lines: everything that can happen within the bounds, and the rules
//! without which it fails.

use std::io::Write;

use postback_model::lines::{
    LINE_CANCELLED, LINE_STUCK, LINE_TWICE, LINES_AND_WHOLE, LINES_MIXED, LineReply, LinesBounds,
    LinesMutant, LinesWord, LinesWorld,
};
use stateright::{Checker, HasDiscoveries, Model};

const fn completed(version: u8, lines: &'static [(&'static str, u8)]) -> LinesWord {
    LinesWord::Complete { version, lines }
}

const fn cancelled(version: u8) -> LinesWord {
    LinesWord::Cancel { version }
}

const ALL: &[LineReply] =
    &[LineReply::Taken, LineReply::AnswerLost, LineReply::RequestLost, LineReply::NotNow];
/// Both lines are corrected.
const CORRECTED: LinesBounds = LinesBounds {
    words: const { &[completed(1, &[("1", 1), ("2", 2)]), completed(2, &[("1", 3), ("2", 4)])] },
    starts: 3,
    at_once: 2,
    replies: &[LineReply::Taken, LineReply::NotNow],
    last: 3,
    mode: (true, false),
};
/// One line is gone.
const SHORTENED: LinesBounds = LinesBounds {
    words: const { &[completed(1, &[("1", 1), ("2", 2)]), completed(2, &[("1", 1)])] },
    ..CORRECTED
};
const CANCELLED: LinesBounds = LinesBounds {
    words: const { &[completed(1, &[("1", 1), ("2", 2)]), cancelled(2)] },
    ..CORRECTED
};
const ONCE: LinesBounds = LinesBounds {
    words: const { &[completed(1, &[("1", 1), ("2", 2)])] },
    replies: ALL,
    ..CORRECTED
};

/// The mode changes once, and the order comes again.
const CHANGED: LinesBounds = LinesBounds {
    words: const { &[completed(1, &[("1", 1), ("2", 2)]), completed(1, &[("1", 1), ("2", 2)])] },
    starts: 3,
    at_once: 1,
    replies: &[LineReply::Taken, LineReply::AnswerLost, LineReply::NotNow],
    mode: (true, true),
    ..ONCE
};

/// Prints a line even where the test passes: the count is what a sceptic asks for.
fn print(line: &str) {
    let _nobody_listens = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

fn holds(what: &str, bounds: LinesBounds) {
    let checker = LinesWorld::new(bounds).checker().threads(2).spawn_dfs().join();
    let (states, transitions) = (checker.unique_state_count(), checker.state_count());
    print(&format!("lines, {what}: {states} states, {transitions} transitions, all explored"));

    if let Some((property, path)) = checker.discoveries().into_iter().next() {
        let last = format!("{:?}", path.last_state());
        panic!("{what}: {property:?} fails after {:?}: {last}", path.into_actions());
    }
}

/// The world without the rule has a way to break the property.
fn fails(mutant: LinesMutant, property: &'static str, bounds: LinesBounds) {
    let wanted = HasDiscoveries::AllOf([property].into_iter().collect());
    let world = LinesWorld::new(bounds).without(mutant);

    let checker = world.checker().threads(2).finish_when(wanted).spawn_bfs().join();

    let Some(path) = checker.discovery(property) else {
        let states = checker.unique_state_count();
        panic!("without {mutant:?}: {property:?} holds in all {states} states");
    };
    let actions = path.into_actions();
    print(&format!("lines without {mutant:?}: {property:?} fails after {actions:?}"));
}

#[test]
fn holds_through_crashes_and_losses() {
    holds("losses", ONCE);
}

#[test]
fn holds_when_lines_are_corrected_and_gone() {
    holds("corrected", CORRECTED);
    holds("a line is gone", SHORTENED);
}

#[test]
fn holds_when_the_order_is_cancelled() {
    holds("cancelled", CANCELLED);
}

#[test]
fn holds_when_the_mode_is_changed() {
    holds("from lines to the order whole", CHANGED);
    holds("from the order whole to lines", LinesBounds { mode: (false, true), ..CHANGED });
}

#[test]
fn reports_an_order_whole_and_by_lines_when_the_mode_it_was_claimed_in_is_ignored() {
    fails(LinesMutant::ModeIgnored, LINES_AND_WHOLE, CHANGED);
    let whole_first = LinesBounds { mode: (false, true), ..CHANGED };
    fails(LinesMutant::ModeIgnored, LINES_AND_WHOLE, whole_first);
}

#[test]
fn reports_lines_of_two_versions_when_they_are_not_compared() {
    fails(LinesMutant::LinesNotCompared, LINES_MIXED, CORRECTED);
}

#[test]
fn reports_lines_of_two_versions_when_the_order_is_not_closed_meanwhile() {
    fails(LinesMutant::OrderNotClosed, LINES_MIXED, CORRECTED);
}

#[test]
fn reports_lines_of_two_versions_when_the_order_is_not_read_again() {
    fails(LinesMutant::OrderNotReadAgain, LINES_MIXED, CORRECTED);
}

#[test]
fn reports_a_line_after_a_cancellation_that_the_order_does_not_keep() {
    fails(LinesMutant::OrderNotCancelled, LINE_CANCELLED, CANCELLED);
    fails(LinesMutant::OrderNotReadAgain, LINE_CANCELLED, CANCELLED);
}

#[test]
fn reports_a_line_twice_when_a_lost_answer_is_taken_for_a_failure() {
    fails(LinesMutant::LostLineRepeated, LINE_TWICE, ONCE);
}

#[test]
fn reports_a_line_twice_when_a_dead_sender_is_taken_for_a_failure() {
    fails(LinesMutant::DeadSenderRepeated, LINE_TWICE, ONCE);
}

#[test]
fn is_stuck_when_a_conflict_of_one_line_leaves_the_others() {
    fails(LinesMutant::LinesLeft, LINE_STUCK, CORRECTED);
}

#[test]
fn is_stuck_when_a_line_that_is_gone_is_left_to_its_own_version() {
    fails(LinesMutant::FormerLineForgotten, LINE_STUCK, SHORTENED);
}

#[test]
fn is_stuck_when_a_version_that_waits_is_forgotten() {
    fails(LinesMutant::WaitingForgotten, LINE_STUCK, ONCE);
}
