//! Everything that can happen within the bounds, with all rules in force. More than 300 lines: a world
//! for each question.

use std::io::Write;

use postback_core::delivery::{Decision, Recovery};
use postback_model::{Bounds, Host, Outcome, Person, Plan, Script, Word, World};
use stateright::{Checker, Model};

const RECOVERIES: [Recovery; 4] =
    [Recovery::SendAgain, Recovery::SendOnceMore, Recovery::LookUp, Recovery::Hold];
const LOSSES: Bounds = Bounds::LOSSES;
/// What the network does where the question is another one.
const BRIEF: Bounds = Bounds {
    starts: 2,
    outcomes: &[Outcome::Answered, Outcome::AnswerLost, Outcome::NotNow],
    ..LOSSES
};

const fn completed(version: Option<u8>, content: u8) -> Word {
    Word::Complete { version, content }
}

const fn cancelled(version: Option<u8>) -> Word {
    Word::Cancel { version }
}

/// Prints a line even where the test passes: the count is what a sceptic asks for, and libtest keeps
/// the output of a passing test to itself.
fn print(line: &str) {
    let _nobody_listens = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

fn holds(what: &str, world: &World) {
    // Depth first takes little more than half the time: few states wait. Breadth first finds the shortest
    // path to a fault.
    let checker = world.clone().checker().threads(2).spawn_dfs().join();
    let recovery = world.policy.recovery;
    let (states, transitions) = (checker.unique_state_count(), checker.state_count());
    print(&format!(
        "{recovery:?}, {what}: {states} states, {transitions} transitions, all explored"
    ));

    if let Some((property, path)) = checker.discoveries().into_iter().next() {
        let last = format!("{:?}", path.last_state());
        panic!("{recovery:?}, {what}: {property:?} fails after {:?}: {last}", path.into_actions());
    }
}

fn holds_for_each(what: &str, bounds: Bounds, script: Script) {
    for recovery in RECOVERIES {
        holds(what, &World::new(recovery, bounds, script));
    }
}

#[test]
fn holds_through_crashes_and_losses() {
    holds_for_each("losses", LOSSES, Script::plain());
}

#[test]
fn holds_with_clocks_apart() {
    holds_for_each("clocks apart", Bounds { ahead: 1, starts: 2, ..LOSSES }, Script::plain());
}

#[test]
fn holds_with_direct_calls_that_do_not_come_again_and_the_sweep() {
    let bounds = Bounds { starts: 2, sweeps: 1, ..LOSSES };
    let words = const { &[completed(None, 0), completed(None, 0)] as &[Word] };
    holds_for_each("calls, the sweep", bounds, Script { words, calls: &[0], ..Script::plain() });
}

#[test]
fn holds_when_the_network_refuses() {
    let outcomes = &[Outcome::AnswerLost, Outcome::NotNow, Outcome::Refused, Outcome::Nothing];
    holds_for_each("refusals", Bounds { outcomes, starts: 2, ..LOSSES }, Script::plain());
}

#[test]
fn holds_while_a_setting_is_wrong() {
    let outcomes = &[Outcome::Answered, Outcome::AnswerLost, Outcome::WrongSetting];
    let bounds = Bounds { outcomes, starts: 2, wrong_settings: 1, pauses: true, ..LOSSES };
    let settings = &[Plan::Send("a"), Plan::Send("a")];
    holds_for_each("a wrong setting", bounds, Script { settings, ..Script::plain() });
}

#[test]
fn holds_when_the_network_has_somebody_elses_conversion() {
    let outcomes = &[Outcome::Answered, Outcome::RequestLost, Outcome::NotSent, Outcome::NotNow];
    let bounds = Bounds { elsewhere: true, outcomes, starts: 2, ..LOSSES };
    for recovery in [Recovery::LookUp, Recovery::SendOnceMore, Recovery::Hold] {
        holds("somebody else's", &World::new(recovery, bounds, Script::plain()));
    }
}

#[test]
fn holds_where_the_host_does_not_kill_at_the_deadline() {
    let bounds = Bounds { starts: 2, ahead: 1, ..LOSSES };
    for recovery in [Recovery::LookUp, Recovery::Hold] {
        let world = World::new(recovery, bounds, Script::plain());
        holds("not killed", &world.on(Host::LetsItRun));
    }
}

#[test]
fn holds_when_orders_are_cancelled_without_versions() {
    let words = const { &[completed(None, 0), cancelled(None)] as &[Word] };
    holds_for_each("cancelled", BRIEF, Script::of(words));
}

#[test]
fn holds_when_versions_are_cancelled() {
    for (what, words) in [
        ("cancelled later", const { &[completed(Some(1), 0), cancelled(Some(2))] as &[Word] }),
        (
            "the same version cancelled",
            const { &[completed(Some(1), 0), cancelled(Some(1))] as &[Word] },
        ),
        (
            "an earlier version cancelled",
            const { &[completed(Some(2), 0), cancelled(Some(1))] as &[Word] },
        ),
        (
            "cancelled without a version",
            const { &[completed(Some(1), 0), cancelled(None)] as &[Word] },
        ),
    ] {
        holds_for_each(what, BRIEF, Script::of(words));
    }
}

#[test]
fn holds_when_a_cancelled_order_is_completed_again() {
    let words =
        const { &[completed(Some(1), 0), cancelled(Some(2)), completed(Some(3), 1)] as &[Word] };
    holds_for_each("completed again", BRIEF, Script::of(words));
    let words =
        const { &[completed(Some(1), 0), cancelled(Some(2)), completed(Some(3), 0)] as &[Word] };
    holds_for_each("completed again alike", BRIEF, Script::of(words));
    let words =
        const { &[completed(Some(1), 0), cancelled(Some(2)), completed(Some(3), 1)] as &[Word] };
    let outcomes = &[Outcome::Answered, Outcome::AnswerLost];
    let bounds = Bounds { outcomes, starts: 3, at_once: 1, ..LOSSES };
    holds_for_each("cancelled late", bounds, Script::of(words));
}

#[test]
fn holds_with_versions_in_every_order_of_arrival() {
    for (what, words) in [
        ("a correction", const { &[completed(Some(1), 0), completed(Some(2), 1)] as &[Word] }),
        ("a repetition", const { &[completed(Some(1), 0), completed(Some(2), 0)] as &[Word] }),
        ("a first version", const { &[completed(None, 0), completed(Some(1), 1)] as &[Word] }),
        ("other content", const { &[completed(None, 0), completed(None, 1)] as &[Word] }),
    ] {
        holds_for_each(what, BRIEF, Script::of(words));
    }
    let words =
        const { &[completed(Some(1), 0), completed(Some(2), 1), completed(Some(3), 0)] as &[Word] };
    holds_for_each("three versions", BRIEF, Script::of(words));
}

#[test]
fn holds_with_several_versions_that_wait() {
    let words =
        const { &[completed(Some(1), 0), completed(Some(2), 1), completed(Some(3), 2)] as &[Word] };
    let bounds = Bounds { outcomes: &[Outcome::NotNow], starts: 3, ..LOSSES };
    holds("two that wait", &World::new(Recovery::Hold, bounds, Script::of(words)));
    let words = const { &[completed(Some(1), 0), completed(Some(2), 1)] as &[Word] };
    let bounds = Bounds { outcomes: &[Outcome::RequestLost], starts: 4, at_once: 1, ..LOSSES };
    let world = World::new(Recovery::LookUp, bounds, Script::of(words));
    holds("one that waits for a lookup", &world);
}

#[test]
fn holds_with_a_correction_by_a_direct_call() {
    let words = const { &[completed(Some(1), 0), completed(Some(2), 1)] as &[Word] };
    let script = Script { calls: &[1], ..Script::of(words) };
    holds_for_each("a correction by a call", BRIEF, script);
}

#[test]
fn holds_while_settings_change_between_attempts() {
    for (what, between) in
        [("another scope", Plan::Send("b")), ("skip", Plan::Skip), ("reject", Plan::Reject)]
    {
        let settings: &[Plan] = &[Plan::Send("a"), between, Plan::Send("a")];
        let settings = Box::leak(Box::<[Plan]>::from(settings));
        holds_for_each(what, BRIEF, Script { settings, ..Script::plain() });
    }
}

#[test]
fn holds_when_the_settings_hold_what_would_be_sent_again() {
    let settings = &[Plan::Send("a"), Plan::Send("a")];
    let script = Script { settings, holds_from: Some(1), ..Script::plain() };
    for recovery in [Recovery::SendAgain, Recovery::SendOnceMore] {
        holds("a consent that is taken back", &World::new(recovery, BRIEF, script));
    }
}

#[test]
fn holds_when_a_version_that_can_not_be_built_any_more_is_corrected() {
    let words = const { &[completed(Some(1), 0), completed(Some(2), 1)] as &[Word] };
    let settings = &[Plan::Send("a"), Plan::Send("a")];
    let script = Script { settings, unplannable: Some(0), ..Script::of(words) };
    holds("corrected in doubt", &World::new(Recovery::LookUp, BRIEF, script));
}

#[test]
fn holds_with_a_person_who_looks_and_decides() {
    let decisions = &[Decision::Confirm, Decision::PermitSending, Decision::Abandon];
    let outcomes = &[Outcome::AnswerLost, Outcome::RequestLost, Outcome::Refused];
    let bounds = Bounds { looks: 1, starts: 2, decisions, outcomes, ..LOSSES };
    holds_for_each("a person", bounds, Script::plain());
}

#[test]
fn holds_with_permissions_that_lapse() {
    let decisions = &[Decision::PermitSending];
    let outcomes = &[Outcome::RequestLost, Outcome::Refused];
    let bounds = Bounds { looks: 1, starts: 2, at_once: 1, decisions, outcomes, ..LOSSES };
    for recovery in RECOVERIES {
        let world = World::new(recovery, bounds, Script::plain()).lapsing(1);
        holds("a permission that lapses", &world);
    }
}

#[test]
fn holds_with_a_person_who_errs_and_reopens() {
    let decisions =
        &[Decision::Confirm, Decision::PermitSending, Decision::Abandon, Decision::Reopen];
    let outcomes = &[Outcome::AnswerLost, Outcome::RequestLost];
    let bounds = Bounds { looks: 2, starts: 2, decisions, outcomes, ..LOSSES };
    for recovery in RECOVERIES {
        let world = World::new(recovery, bounds, Script::plain());
        holds("a person who errs", &world.with(Person::Erring));
    }
}

#[test]
fn holds_with_a_person_who_abandons_what_a_later_version_waits_for() {
    let outcomes = &[Outcome::AnswerLost, Outcome::RequestLost];
    let bounds =
        Bounds { looks: 1, starts: 2, decisions: &[Decision::Abandon], outcomes, ..LOSSES };
    let words = const { &[completed(Some(1), 0), completed(Some(2), 1)] as &[Word] };
    holds_for_each("an abandoned doubt and a later version", bounds, Script::of(words));
}

#[test]
fn holds_with_a_person_who_acknowledges() {
    let decisions = &[Decision::Acknowledge];
    let outcomes = &[Outcome::Answered, Outcome::AnswerLost];
    let bounds = Bounds { looks: 1, starts: 2, decisions, outcomes, ..LOSSES };
    let words = const { &[completed(None, 0), completed(None, 1)] as &[Word] };
    holds_for_each("other content is acknowledged", bounds, Script::of(words));
    let decisions = &[Decision::Acknowledge, Decision::PermitSending];
    let outcomes = &[Outcome::RequestLost];
    let bounds = Bounds { looks: 2, starts: 2, decisions, outcomes, ..LOSSES };
    let world = World::new(Recovery::Hold, bounds, Script::plain());
    holds("acknowledged between decisions", &world);
}

#[test]
fn holds_with_a_person_and_a_cancellation() {
    let decisions = &[Decision::PermitSending, Decision::Abandon, Decision::Reopen];
    let outcomes = &[Outcome::RequestLost, Outcome::NotNow];
    let bounds = Bounds { looks: 1, starts: 2, decisions, outcomes, ..LOSSES };
    let words = const { &[completed(None, 0), cancelled(None)] as &[Word] };
    holds_for_each("a person, cancelled", bounds, Script::of(words));
}

#[test]
fn holds_when_an_order_exceeds_a_bound() {
    let decisions = &[Decision::PermitSending, Decision::Abandon];
    let outcomes = &[Outcome::Answered, Outcome::AnswerLost, Outcome::NotNow];
    let bounds = Bounds { looks: 1, starts: 2, decisions, outcomes, ..LOSSES };
    let bounded = |script| Script { implausible: Some(0), ..script };
    holds_for_each("beyond a bound", bounds, bounded(Script::plain()));
    for (what, words) in [
        (
            "corrected below a bound",
            const { &[completed(Some(1), 0), completed(Some(2), 1)] as &[Word] },
        ),
        (
            "corrected beyond a bound",
            const { &[completed(Some(1), 1), completed(Some(2), 0)] as &[Word] },
        ),
        (
            "cancelled beyond a bound",
            const { &[completed(Some(1), 0), cancelled(Some(2))] as &[Word] },
        ),
    ] {
        let outcomes = &[Outcome::AnswerLost, Outcome::NotNow];
        for recovery in [Recovery::SendAgain, Recovery::Hold] {
            let script = bounded(Script::of(words));
            holds(what, &World::new(recovery, Bounds { outcomes, ..bounds }, script));
        }
    }
}

#[test]
fn holds_with_two_orders_of_one_click() {
    let script = Script { orders: 2, ..Script::plain() };
    // One is lost, the other delivered, and the first sent again: three functions.
    let outcomes = &[Outcome::Answered, Outcome::AnswerLost, Outcome::RequestLost];
    let bounds = Bounds { starts: 3, at_once: 1, outcomes, ..LOSSES };
    holds("two orders of one click", &World::new(Recovery::SendAgain, bounds, script));
    let outcomes = &[Outcome::Answered, Outcome::RequestLost];
    let bounds = Bounds { starts: 2, outcomes, ..LOSSES };
    holds("two of one click at once", &World::new(Recovery::SendAgain, bounds, script));
    let outcomes = &[Outcome::Answered, Outcome::NotNow];
    let bounds = Bounds { starts: 3, at_once: 1, outcomes, ..LOSSES };
    holds("two of one click, one put off", &World::new(Recovery::SendAgain, bounds, script));
}

#[test]
fn holds_with_two_orders_of_one_click_that_are_cancelled() {
    let words = const { &[completed(None, 0), cancelled(None)] as &[Word] };
    let script = Script { orders: 2, ..Script::of(words) };
    let outcomes = &[Outcome::Answered, Outcome::RequestLost];
    let bounds = Bounds { starts: 3, at_once: 1, outcomes, ..LOSSES };
    holds("two of one click, cancelled", &World::new(Recovery::SendAgain, bounds, script));
}
