//! What comes of each thing that can happen to an order of lines.

use std::sync::Arc;

use postback_core::delivery::{
    ByLines, Delivery, Event, Facts, Lines, Refunds, State, Step, Then, step,
};

use super::{
    Deliveries, LinesHappen, LinesMoment, LinesMutant, LinesRun, LinesTurn, LinesWord, LinesWorld,
    Todo, WHOLE, instant, line_facts, order_facts, updated_at,
};

impl LinesWorld {
    pub(crate) fn first(&self) -> Vec<LinesMoment> {
        let words = 0..u8::try_from(self.bounds.words.len()).unwrap_or(u8::MAX);
        vec![LinesMoment {
            now: 0,
            whole: None,
            lines: Arc::default(),
            queue: words.map(|word| (word, false)).collect(),
            running: Vec::new(),
            effects: Vec::new(),
            starts: self.bounds.starts,
            cancelled: None,
            sent_cancelled: false,
            sent_outdated: false,
            is_by_lines: self.bounds.mode.0,
            may_change: self.bounds.mode.1,
        }]
    }

    pub(crate) fn possible(&self, moment: &LinesMoment, happens: &mut Vec<LinesHappen>) {
        if moment.now < self.bounds.last {
            happens.push(LinesHappen::Tick);
        }
        if moment.may_change {
            happens.push(LinesHappen::Change);
        }
        if moment.starts > 0 && moment.running.len() < self.bounds.at_once {
            happens.extend((0..moment.queue.len()).map(LinesHappen::Begin));
        }
        for (i, run) in moment.running.iter().enumerate() {
            happens.push(LinesHappen::Die(i));
            match run.turn {
                _ if moment.now > run.until => {}
                LinesTurn::Send(_) => {
                    let replies = self.bounds.replies.iter();
                    happens.extend(replies.map(|reply| LinesHappen::Send(i, *reply)));
                }
                _ => happens.push(LinesHappen::Turn(i)),
            }
        }
    }

    pub(crate) fn after(&self, last: &LinesMoment, happens: LinesHappen) -> LinesMoment {
        let mut moment = last.clone();
        match happens {
            LinesHappen::Tick => moment.now += 1,
            LinesHappen::Change => {
                moment.is_by_lines = !moment.is_by_lines;
                moment.may_change = false;
            }
            LinesHappen::Sweep(line) => {
                let _done = self.write_line(&mut moment, line, &Event::Expire);
            }
            LinesHappen::Begin(place) => {
                let (word, is_delayed) = moment.queue.remove(place);
                moment.starts = moment.starts.saturating_sub(1);
                moment.running.push(LinesRun {
                    word,
                    is_delayed,
                    is_by_lines: moment.is_by_lines,
                    until: moment.now + 1,
                    waits: false,
                    todo: Vec::new(),
                    turn: LinesTurn::Enter,
                });
            }
            LinesHappen::Turn(i) => {
                let run = moment.running.remove(i);
                self.turn(&mut moment, run);
            }
            LinesHappen::Send(i, reply) => {
                let run = moment.running.remove(i);
                self.send(&mut moment, run, reply);
            }
            LinesHappen::Die(i) => {
                let run = moment.running.remove(i);
                come_again(&mut moment, &run);
            }
        }
        moment.running.sort_unstable();
        moment
    }

    fn turn(&self, moment: &mut LinesMoment, mut run: LinesRun) {
        run.turn = match run.turn.clone() {
            LinesTurn::Enter => match self.word(&run) {
                LinesWord::Complete { .. } if !run.is_by_lines => {
                    self.arrive(moment, &mut run, WHOLE)
                }
                LinesWord::Complete { .. } => {
                    LinesTurn::Compare(moment.whole.as_ref().map(|(version, _)| *version))
                }
                LinesWord::Cancel { version } => self.cancel(moment, &mut run, version),
            },
            LinesTurn::Compare(version) => LinesTurn::Decide(version, Arc::clone(&moment.lines)),
            LinesTurn::Decide(version, lines) => self.decide(moment, &mut run, version, &lines),
            LinesTurn::Next => self.next(moment, &mut run),
            LinesTurn::Check(claimed) => self.check(moment, &run, claimed),
            LinesTurn::Settle(claimed, ending) => {
                self.settle(moment, &mut run, claimed, ending);
                LinesTurn::Next
            }
            LinesTurn::Send(_) => unreachable!("a line leaves by a reply"),
        };
        self.go_on(moment, run);
    }

    fn go_on(&self, moment: &mut LinesMoment, run: LinesRun) {
        let is_over = run.turn == LinesTurn::Next && run.todo.is_empty();
        if !is_over {
            moment.running.push(run);
        } else if run.waits && !self.lacks(LinesMutant::WaitingForgotten) {
            come_again(moment, &run);
        }
    }

    /// A cancellation is written on the order's item, then on its lines.
    fn cancel(&self, moment: &mut LinesMoment, run: &mut LinesRun, version: u8) -> LinesTurn {
        let event = cancellation(version);
        if !self.lacks(LinesMutant::OrderNotCancelled) {
            let held = moment.whole.as_ref().map(|(_, held)| &**held);
            let Step { next, then } = step(held, &event, &self.policy, instant(moment.now));
            write(moment, next);
            if then == Then::Superseded {
                return LinesTurn::Next;
            }
        }
        moment.cancelled = moment.cancelled.max(Some(version));
        run.todo = names(&moment.lines).map(Todo::Leave).collect();
        LinesTurn::Next
    }

    /// The order's item is decided on and written, if it is still the one that was read.
    fn decide(
        &self,
        moment: &mut LinesMoment,
        run: &mut LinesRun,
        version: Option<u64>,
        deliveries: &Deliveries,
    ) -> LinesTurn {
        let held = moment.whole.as_ref().map(|(held, _)| *held);
        if held != version {
            return LinesTurn::Compare(held);
        }
        let LinesWord::Complete { version, lines: words } = self.word(run) else {
            unreachable!("a cancellation has no lines")
        };
        let lines = Lines {
            facts: order_facts(words),
            updated_at: updated_at(version),
            parts: words
                .iter()
                .map(|(line, amount)| ((*line).to_owned(), line_facts(words, *amount)))
                .collect(),
            until: instant(run.until) + self.policy.skew,
            is_delayed: run.is_delayed,
            has_waited: false,
            are_permitted: false,
            refunds: Refunds::default(),
        };
        let held = moment.whole.as_ref().map(|(_, held)| Arc::clone(held));
        let way = self.by_lines(held.as_deref(), deliveries, &lines, moment.now);
        write(moment, way.next().cloned());
        let former = moment.whole.iter().flat_map(|(_, held)| held.former_lines.clone());
        let former: Vec<_> = former.collect();
        let parts = words.iter().map(|(line, _)| *line);
        match way {
            ByLines::Close { .. } => {
                return LinesTurn::Compare(moment.whole.as_ref().map(|(held, _)| *held));
            }
            ByLines::Deliver { .. } => {
                run.todo = parts.map(Todo::Arrive).collect();
                run.todo.extend(former.iter().map(|line| Todo::Leave(name(line))));
            }
            ByLines::Withdrawn { .. } => {
                run.todo = parts.map(Todo::Withdraw).collect();
                run.todo.extend(former.iter().map(|line| Todo::Leave(name(line))));
            }
            ByLines::Wait { .. } => run.waits = true,
            ByLines::Conflict { .. } => self.refuse(moment, run, parts),
            // One of them may have been claimed after the version held was taken.
            ByLines::Superseded { .. } if !self.lacks(LinesMutant::FormerLineForgotten) => {
                run.todo = former.iter().map(|line| Todo::Leave(name(line))).collect();
            }
            // It was claimed whole: what is open of it waits until the mode is back.
            ByLines::ModeChanged { .. } => self.leave_open(moment, run, WHOLE),
            ByLines::Superseded { .. } | ByLines::Permitted { .. } => {}
        }
        LinesTurn::Next
    }

    /// Nothing is sent; no cancellation of an earlier version holds any more of these lines.
    fn refuse(
        &self,
        moment: &mut LinesMoment,
        run: &mut LinesRun,
        parts: impl Iterator<Item = &'static str>,
    ) {
        let completed = Event::Complete { updated_at: updated_at(self.word(run).version()) };
        for line in parts {
            let _done = self.write_line(moment, line, &completed);
        }
        run.waits |= self.is_left(moment, run);
    }

    /// Returns whether lines of the version held wait until a person has decided about another one.
    pub(super) fn is_left(&self, moment: &LinesMoment, run: &LinesRun) -> bool {
        let LinesWord::Complete { version, lines } = self.word(run) else { return false };
        let is_held = moment.whole.as_ref().is_some_and(|(_, held)| {
            held.order_updated_at == updated_at(version) && held.facts == order_facts(lines)
        });
        let is_open = |held: &Delivery| {
            matches!(held.state, State::Retrying | State::Parked) && !held.in_doubt()
        };
        let mut held = lines.iter().map(|(line, _)| moment.lines.get(*line));
        is_held && !self.lacks(LinesMutant::LinesLeft) && held.any(|it| it.is_none_or(is_open))
    }

    /// The next line is written.
    fn next(&self, moment: &mut LinesMoment, run: &mut LinesRun) -> LinesTurn {
        let version = self.word(run).version();
        match run.todo.pop() {
            None => {}
            Some(Todo::Leave(line)) => {
                let is_cancel = matches!(self.word(run), LinesWord::Cancel { .. });
                let held = moment.whole.as_ref().and_then(|(_, held)| held.order_updated_at);
                let updated_at = if is_cancel { updated_at(version) } else { held };
                let withdrawal =
                    Event::Cancel { facts: Facts::none(), updated_at, by_refunds: false };
                let _done = self.write_line(moment, line, &withdrawal);
                if !is_cancel {
                    self.leave_open(moment, run, line);
                }
            }
            Some(Todo::Withdraw(line)) => {
                let _done = self.write_line(moment, line, &cancellation(version));
                if moment.lines.get(line).is_some_and(|held| !held.state.is_final()) {
                    run.todo.push(Todo::Arrive(line));
                }
            }
            Some(Todo::Arrive(line)) => return self.arrive(moment, run, line),
        }
        LinesTurn::Next
    }
}

fn cancellation(version: u8) -> Event {
    Event::Cancel { facts: Facts::none(), updated_at: updated_at(version), by_refunds: false }
}

/// The order's item is written.
pub(super) fn write(moment: &mut LinesMoment, next: Option<Delivery>) {
    if let Some(next) = next {
        let version = moment.whole.as_ref().map_or(1, |(version, _)| version + 1);
        moment.whole = Some((version, Arc::new(next)));
    }
}

/// The message comes again.
fn come_again(moment: &mut LinesMoment, run: &LinesRun) {
    let message = (run.word, true);
    if !moment.queue.contains(&message) {
        moment.queue.push(message);
        moment.queue.sort_unstable();
    }
}

fn names(lines: &Deliveries) -> impl Iterator<Item = &'static str> + '_ {
    lines.keys().map(|line| name(line))
}

/// The line's name for as long as the world stands.
pub(super) fn name(line: &str) -> &'static str {
    const NAMES: [&str; 3] = ["1", "2", "3"];
    NAMES.into_iter().find(|name| *name == line).unwrap_or("")
}
