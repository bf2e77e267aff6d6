//! The table of transitions, `tests/model/transitions.md`, made by asking `step`.
//! `UPDATE_TRANSITIONS=1` writes it anew.

use std::{collections::BTreeMap, env, fs};

use postback_core::delivery::{Event, Policy, Recovery, State, step};

mod events;
mod states;
mod words;

use events::{Class, arrivals, others, verdicts};
use states::{LAG, NOW, TIMEOUT, states};
use words::{NOTHING, UNCHANGED, words};

/// The file of the table.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/transitions.md");

const RESOLUTIONS: [(Recovery, &str); 3] =
    [(Recovery::SendAgain, "send again"), (Recovery::LookUp, "look up"), (Recovery::Hold, "hold")];

/// The rows of one event: its outcome, and the states that it has it in.
fn rows(class: &Class) -> Vec<String> {
    let mut order = Vec::new();
    let mut grouped: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (name, delivery) in states() {
        let delivery = delivery.as_ref();
        if !(class.concerns)(delivery) {
            continue;
        }
        let attempt = delivery.map_or(0, |delivery| delivery.attempt);
        let outcomes = RESOLUTIONS.map(|(recovery, _)| {
            let policy = Policy::new(recovery, TIMEOUT, LAG);
            let comes_to =
                |event: fn(u32) -> Event| words(&step(delivery, &event(attempt), &policy, NOW));
            let outcome = comes_to(class.event);
            (class.usual.map(comes_to).as_ref() != Some(&outcome)).then_some(outcome)
        });
        let alike = outcomes.iter().all(|outcome| *outcome == outcomes[0]);
        for (outcome, (_, recovery)) in outcomes.into_iter().zip(RESOLUTIONS) {
            let Some(outcome) = outcome else { continue };
            if outcome == (UNCHANGED.to_owned(), NOTHING.to_owned()) {
                continue;
            }
            let label = if alike { name.to_owned() } else { format!("{name} ({recovery})") };
            if !order.contains(&outcome) {
                order.push(outcome.clone());
            }
            let labels = grouped.entry(outcome).or_default();
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
    }
    let row = |outcome: &(String, String)| {
        let (next, then) = outcome;
        format!("| {} | {} | {next} | {then} |\n", class.name, grouped[outcome].join("; "))
    };
    order.iter().map(row).collect()
}

fn table() -> String {
    let mut table =
        String::from("| what happens | to a delivery that is | it becomes | and then |\n");
    table.push_str("|---|---|---|---|\n");
    for class in arrivals().iter().chain(&verdicts()).chain(&others()) {
        for row in rows(class) {
            table.push_str(&row);
        }
    }
    table.push_str(
        "\nWhat is not listed changes nothing and leaves nothing to do. Of the variants of an order's \
         coming,\nonly what differs from the first is listed.\n",
    );
    table
}

#[test]
fn the_table_is_current() {
    let fresh = format!("# Transitions of a delivery\n\n{}", table());
    if env::var_os("UPDATE_TRANSITIONS").is_some() {
        fs::write(FILE, &fresh).expect("the table is written");
    }
    let stored = fs::read_to_string(FILE).unwrap_or_default();
    assert!(stored == fresh, "run with UPDATE_TRANSITIONS=1");
}

#[test]
fn every_state_and_every_event_has_a_row() {
    let table = table();

    for state in State::ALL {
        assert!(table.contains(&format!("`{}`", state.as_str())), "{state:?}");
    }
    assert!(table.lines().all(|row| !row.contains("come back in ") || row.contains("in an hour")));
}
