//! What must hold of an order of lines, always.

use postback_core::delivery::{Delivery, State};
use stateright::{Model, Property};

use super::{
    LineReply, LinesHappen, LinesMoment, LinesTurn, LinesWord, LinesWorld, WHOLE, line_facts,
    order_facts, turns::name,
};

/// The network takes each line once.
pub const LINE_TWICE: &str = "never a line reported twice";
/// The lines that the network has are all of one version of the order.
pub const LINES_MIXED: &str = "never lines of two versions";
/// The network has the order whole, or lines of it, never both.
pub const LINES_AND_WHOLE: &str = "never an order whole and by lines";
/// No line leaves that was claimed after the order was known to be cancelled.
pub const LINE_CANCELLED: &str = "never a line after a known cancellation";
/// No line leaves that was claimed after a later version was held.
pub const LINE_OUTDATED: &str = "never a line of an outdated version";
/// A line that the network has is never denied.
pub const LINE_DISCLAIMED: &str = "never a line that is disclaimed";
/// A line's record names the content that the network has.
pub const LINE_CONTENT: &str = "never other content of a line than recorded";
/// While messages and time go on, every line ends: final, or held for a person.
pub const LINE_STUCK: &str = "never stuck with a line";

/// More turns than any order needs once nothing goes wrong any more.
const PATIENCE: usize = 300;

impl Model for LinesWorld {
    type State = LinesMoment;
    type Action = LinesHappen;

    fn init_states(&self) -> Vec<LinesMoment> {
        self.first()
    }

    fn actions(&self, moment: &LinesMoment, happens: &mut Vec<LinesHappen>) {
        self.possible(moment, happens);
    }

    fn next_state(&self, moment: &LinesMoment, happens: LinesHappen) -> Option<LinesMoment> {
        Some(self.after(moment, happens))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(LINE_TWICE, |_, moment: &LinesMoment| {
                let mut lines: Vec<_> = moment.effects.iter().map(|(line, _)| line).collect();
                lines.dedup();
                lines.len() == moment.effects.len()
            }),
            Property::always(LINES_MIXED, |world: &Self, moment: &LinesMoment| {
                moment.effects.is_empty() || world.versions().any(|lines| is_of(moment, lines))
            }),
            Property::always(LINES_AND_WHOLE, |_, moment: &LinesMoment| {
                let whole = moment.effects.iter().filter(|(line, _)| *line == WHOLE).count();
                whole == 0 || whole == moment.effects.len()
            }),
            Property::always(LINE_CANCELLED, |_, moment: &LinesMoment| !moment.sent_cancelled),
            Property::always(LINE_OUTDATED, |_, moment: &LinesMoment| !moment.sent_outdated),
            Property::always(LINE_DISCLAIMED, |_, moment: &LinesMoment| {
                moment
                    .effects
                    .iter()
                    .all(|(line, _)| held(moment, line).is_some_and(admits_an_effect))
            }),
            Property::always(LINE_CONTENT, |_, moment: &LinesMoment| {
                moment.effects.iter().all(|(line, amount)| {
                    let held = held(moment, line).filter(|held| held.state.is_success());
                    held.is_none_or(|held| is_recorded(held, line, *amount))
                })
            }),
            Property::always(LINE_STUCK, |world: &Self, moment: &LinesMoment| {
                !moment.running.is_empty() || world.comes_to_an_end(moment)
            }),
        ]
    }
}

/// Returns whether all that the network has is of this version.
fn is_of(moment: &LinesMoment, lines: &[(&'static str, u8)]) -> bool {
    let total = lines.iter().map(|(_, amount)| amount).sum();
    moment.effects.iter().all(|effect| lines.contains(effect) || *effect == (WHOLE, total))
}

/// Returns whether the record leaves room for an effect.
fn admits_an_effect(held: &Delivery) -> bool {
    held.in_doubt() || held.state.is_success() || held.state == State::Sending
}

fn is_recorded(held: &Delivery, line: &str, amount: u8) -> bool {
    if line == WHOLE {
        return held.facts == order_facts(&[(WHOLE, amount)]);
    }
    let of = line_facts(&[], amount);
    held.facts.get("line_amount") == of.get("line_amount")
}

/// The delivery of a line, or of the order whole.
fn held<'a>(moment: &'a LinesMoment, line: &str) -> Option<&'a Delivery> {
    if line == WHOLE {
        return moment.whole.as_ref().map(|(_, held)| &**held);
    }
    moment.lines.get(line)
}

impl LinesWorld {
    fn versions(&self) -> impl Iterator<Item = &'static [(&'static str, u8)]> + '_ {
        self.bounds.words.iter().filter_map(|word| match word {
            LinesWord::Complete { lines, .. } => Some(*lines),
            LinesWord::Cancel { .. } => None,
        })
    }

    /// Returns whether every line ends final or held if nothing goes wrong from here on.
    fn comes_to_an_end(&self, moment: &LinesMoment) -> bool {
        // What was claimed in one mode goes on once that one is back.
        let is_by_lines = match &moment.whole {
            Some((_, held)) => held.lines.is_some() || held.attempt == 0,
            None => moment.is_by_lines,
        };
        let mut moment = LinesMoment { starts: u8::MAX, is_by_lines, ..moment.clone() };
        let mut round = 0;
        for _ in 0..PATIENCE {
            let happens = match moment.running.first() {
                Some(run) if matches!(run.turn, LinesTurn::Send(_)) => {
                    LinesHappen::Send(0, LineReply::Taken)
                }
                Some(_) => LinesHappen::Turn(0),
                None if moment.queue.is_empty() => match sending(&moment) {
                    Some(line) if round < PATIENCE / 10 => {
                        moment = self.after(&moment, LinesHappen::Tick);
                        round += 1;
                        LinesHappen::Sweep(line)
                    }
                    _ => break,
                },
                None => {
                    moment = self.after(&moment, LinesHappen::Tick);
                    moment.starts = u8::MAX;
                    round += 1;
                    LinesHappen::Begin(round % moment.queue.len())
                }
            };
            moment = self.after(&moment, happens);
        }
        let is_held = |held: &Delivery| held.state == State::Unconfirmed;
        let is_at_rest = |held: &Delivery| is_held(held) || held.state.is_final();
        let whole = held(&moment, WHOLE).filter(|held| held.lines.is_none());
        let all_rest = moment.lines.values().chain(whole).all(is_at_rest);
        // The message that waits for a person's decision about another line comes again.
        let waits_for_a_person =
            moment.lines.values().chain(whole).any(is_held) || sending(&moment).is_some();
        if moment.queue.is_empty() { all_rest } else { waits_for_a_person }
    }
}

/// A line whose claim nobody has settled.
fn sending(moment: &LinesMoment) -> Option<&'static str> {
    if held(moment, WHOLE).is_some_and(|held| held.state == State::Sending) {
        return Some(WHOLE);
    }
    let mut lines = moment.lines.iter();
    let found = lines.find(|(_, held)| held.state == State::Sending);
    found.map(|(line, _)| name(line))
}
