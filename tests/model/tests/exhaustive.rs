//! Everything that can happen within the bounds, with all rules in force.

use std::io::Write;

use postback_core::delivery::Recovery;
use postback_model::{Bounds, Exchange, Host, World};
use stateright::{Checker, Model};

/// Crashes, late writes, duplicates of the message, clocks apart, lost requests and answers.
const LOSSES: Bounds = Bounds {
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

/// One invocation more, so that a lookup can meet the attempt after the next.
const LONGER: Bounds = Bounds {
    starts: 4,
    exchanges: &[Exchange::Answered, Exchange::AnswerLost, Exchange::RequestLost],
    ahead: 0,
    ..LOSSES
};

/// A direct call beside the message: when it dies, nothing brings it back.
const CALLS: Bounds = Bounds { calls: 1, starts: 2, ahead: 0, ..LOSSES };

/// An operator, who looks, thinks, and decides.
const OPERATOR: Bounds = Bounds {
    looks: 1,
    ahead: 0,
    exchanges: &[Exchange::AnswerLost, Exchange::RequestLost],
    ..LOSSES
};

/// Answers that refuse, now or for good.
const REFUSALS: Bounds = Bounds {
    exchanges: &[Exchange::AnswerLost, Exchange::NotNow, Exchange::Refused, Exchange::Nothing],
    ahead: 0,
    ..LOSSES
};

/// A wrong setting that is fixed at some time.
const SETTINGS: Bounds = Bounds {
    exchanges: &[Exchange::Answered, Exchange::AnswerLost, Exchange::WrongSetting],
    wrong_settings: 1,
    ahead: 0,
    ..LOSSES
};

/// Somebody else's conversion at the network: all of ours are duplicates.
const ELSEWHERE: Bounds = Bounds {
    exchanges: &[Exchange::Answered, Exchange::RequestLost, Exchange::NotSent, Exchange::NotNow],
    elsewhere: true,
    ahead: 0,
    ..LOSSES
};

/// Says it even where the test passes: the count is what a sceptic asks for, and libtest keeps what
/// is printed of a passing test to itself.
fn say(line: &str) {
    let _nobody_listens = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

fn holds(what: &str, world: &World) {
    let checker = world.clone().checker().threads(2).spawn_bfs().join();
    let recovery = world.policy.recovery;
    let (states, transitions) = (checker.unique_state_count(), checker.state_count());
    say(&format!("{recovery:?}, {what}: {states} states, {transitions} transitions, all explored"));

    if let Some((property, path)) = checker.discoveries().into_iter().next() {
        panic!("{recovery:?}, {what}: {property:?} fails after {:#?}", path.into_actions());
    }
}

fn holds_for_each_resolution(what: &str, bounds: Bounds) {
    for recovery in [Recovery::SendAgain, Recovery::LookUp, Recovery::Hold] {
        holds(what, &World::new(recovery, bounds));
    }
}

#[test]
fn holds_through_crashes_and_losses() {
    holds_for_each_resolution("losses", LOSSES);
}

#[test]
fn holds_through_more_invocations() {
    holds_for_each_resolution("more invocations", LONGER);
}

#[test]
fn holds_with_direct_calls_that_do_not_come_again() {
    holds_for_each_resolution("direct calls", CALLS);
}

#[test]
fn holds_with_an_operator() {
    holds_for_each_resolution("an operator", OPERATOR);
}

#[test]
fn holds_when_the_network_refuses() {
    holds_for_each_resolution("refusals", REFUSALS);
}

#[test]
fn holds_while_a_setting_is_wrong() {
    holds_for_each_resolution("a wrong setting", SETTINGS);
}

#[test]
fn holds_when_the_network_has_somebody_elses_conversion() {
    holds_for_each_resolution("somebody else's", ELSEWHERE);
}

#[test]
fn holds_where_the_host_does_not_kill_at_the_deadline() {
    for recovery in [Recovery::LookUp, Recovery::Hold] {
        let bounds = Bounds { starts: 2, ..LOSSES };
        holds("not killed", &World::new(recovery, bounds).on(Host::LetsItRun));
    }
}
