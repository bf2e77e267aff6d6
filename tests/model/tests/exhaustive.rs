//! Everything that can happen within the bounds, with all rules in force.

use std::io::Write;

use postback_core::delivery::{Decision, Recovery};
use postback_model::{Bounds, Host, Outcome, Person, Plan, Script, Word, World};
use stateright::{Checker, Model};

const RECOVERIES: [Recovery; 4] =
    [Recovery::SendAgain, Recovery::SendOnceMore, Recovery::LookUp, Recovery::Hold];
const LOSSES: Bounds = Bounds::LOSSES;
const LOST: &[Outcome] = &[Outcome::AnswerLost, Outcome::RequestLost];

/// Prints a line even where the test passes: the count is what a sceptic asks for, and libtest keeps
/// the output of a passing test to itself.
fn print(line: &str) {
    let _nobody_listens = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

fn holds(what: &str, world: &World) {
    let checker = world.clone().checker().threads(2).spawn_bfs().join();
    let recovery = world.policy.recovery;
    let (states, transitions) = (checker.unique_state_count(), checker.state_count());
    print(&format!(
        "{recovery:?}, {what}: {states} states, {transitions} transitions, all explored"
    ));

    if let Some((property, path)) = checker.discoveries().into_iter().next() {
        panic!("{recovery:?}, {what}: {property:?} fails after {:#?}", path.into_actions());
    }
}

fn holds_for_each(what: &str, bounds: Bounds, script: Script) {
    for recovery in RECOVERIES {
        holds(what, &World::new(recovery, bounds, script));
    }
}

#[test]
fn holds_through_crashes_and_losses_with_clocks_apart() {
    holds_for_each("losses", Bounds { ahead: 1, ..LOSSES }, Script::plain());
}
