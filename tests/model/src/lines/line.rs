//! The way of one line: claimed, checked against the order's item, sent, settled.

use std::sync::Arc;

use postback_core::{
    delivery::{
        Arrival, Delivery, Event, Planned, Proof, Refunds, Step, Then, Verdict, is_void, step,
    },
    redaction::Reason,
};

use super::{
    Claimed, LineEnding, LineReply, LinesMoment, LinesMutant, LinesRun, LinesTurn, LinesWord,
    LinesWorld, SETTINGS, Todo, WHOLE, instant, line_facts, order_facts,
    turns::{name, write},
    updated_at,
};

impl LinesWorld {
    pub(super) fn arrive(
        &self,
        moment: &mut LinesMoment,
        run: &mut LinesRun,
        line: &'static str,
    ) -> LinesTurn {
        let LinesWord::Complete { version, lines } = self.word(run) else {
            unreachable!("a cancellation is not sent")
        };
        let amount = lines.iter().find(|(id, _)| *id == line).map_or(0, |(_, amount)| *amount);
        let is_whole = line == WHOLE;
        let event = Event::Arrive(Arrival {
            facts: if is_whole { order_facts(lines) } else { line_facts(lines, amount) },
            updated_at: updated_at(version),
            planned: Planned::Send("a".to_owned()),
            shown_scope: None,
            deadline: instant(run.until),
            settings: SETTINGS.to_owned(),
            open: None,
            is_implausible: false,
            is_delayed: run.is_delayed,
            has_waited: false,
            refunds: Refunds::default(),
            reported: None,
        });
        match self.write_line(moment, line, &event) {
            Then::Send(attempt) => {
                let whole = moment.whole.as_ref().map(|(_, held)| held);
                let is_cancelled = moment.cancelled >= Some(version);
                let is_outdated =
                    whole.is_some_and(|held| held.order_updated_at > updated_at(version));
                return LinesTurn::Check(Claimed { line, attempt, is_cancelled, is_outdated });
            }
            // The doubt of a dead sender is decided at once.
            Then::Wait(until) if until <= instant(moment.now) && is_doubtful(moment, line) => {
                run.todo.push(Todo::Arrive(line));
            }
            Then::Wait(_) => run.waits = true,
            // It is known by its lines: what is open of them waits until the mode is back.
            Then::ModeChanged => {
                let lines: Vec<_> = moment.lines.keys().map(|line| name(line)).collect();
                for line in lines {
                    self.leave_open(moment, run, line);
                }
            }
            Then::Conflict if is_whole => {}
            // Somebody else sent it meanwhile: no further line is sent.
            Then::Conflict => {
                run.todo.clear();
                run.waits |= self.is_left(moment, run);
            }
            _ => {}
        }
        LinesTurn::Next
    }

    /// The order's item is read once more before the line leaves.
    pub(super) fn check(
        &self,
        moment: &LinesMoment,
        run: &LinesRun,
        claimed: Claimed,
    ) -> LinesTurn {
        let LinesWord::Complete { version, lines } = self.word(run) else {
            unreachable!("a cancellation is not sent")
        };
        let is_part = claimed.line != WHOLE;
        let is_void = is_part
            && moment.whole.as_ref().is_some_and(|(_, held)| {
                is_void(held, &order_facts(lines), updated_at(version), instant(moment.now))
            });
        let has_time = instant(moment.now) + self.policy.need <= instant(run.until);
        if (is_void && !self.lacks(LinesMutant::OrderNotReadAgain)) || !has_time {
            return LinesTurn::Settle(claimed, LineEnding::NotSent);
        }
        LinesTurn::Send(claimed)
    }

    pub(super) fn send(&self, moment: &mut LinesMoment, mut run: LinesRun, reply: LineReply) {
        let LinesTurn::Send(claimed) = run.turn else { unreachable!("only a claim sends") };
        let LinesWord::Complete { lines, .. } = self.word(&run) else {
            unreachable!("a cancellation is not sent")
        };
        moment.sent_cancelled |= claimed.is_cancelled;
        moment.sent_outdated |= claimed.is_outdated;
        if matches!(reply, LineReply::Taken | LineReply::AnswerLost) {
            let sent = lines.iter().filter(|(id, _)| *id == claimed.line);
            let total = lines.iter().map(|(_, amount)| amount).sum();
            let whole = (claimed.line == WHOLE).then_some((WHOLE, total));
            moment.effects.extend(sent.copied().chain(whole));
            moment.effects.sort_unstable();
        }
        let ending = match reply {
            LineReply::Taken => LineEnding::Taken,
            LineReply::AnswerLost | LineReply::RequestLost => LineEnding::Lost,
            LineReply::NotNow => LineEnding::NotNow,
        };
        run.turn = LinesTurn::Settle(claimed, ending);
        moment.running.push(run);
    }

    pub(super) fn settle(
        &self,
        moment: &mut LinesMoment,
        run: &mut LinesRun,
        claimed: Claimed,
        ending: LineEnding,
    ) {
        let retry = |sent| Verdict::Retry { reason: Reason::new("model"), after: None, sent };
        let verdict = match ending {
            LineEnding::Taken => Verdict::Delivered(Proof::Response),
            LineEnding::Lost => Verdict::unconfirmed("model"),
            LineEnding::NotNow => retry(true),
            LineEnding::NotSent => retry(false),
        };
        let (settings, attempt) = (SETTINGS.to_owned(), claimed.attempt.number);
        let event = Event::Settle { attempt, verdict, settings, jitter: 0 };
        let then = self.write_line(moment, claimed.line, &event);
        run.waits |= matches!(then, Then::Wait(_));
    }

    /// What is open of a line can't be sent by this message: it waits.
    pub(super) fn leave_open(&self, moment: &mut LinesMoment, run: &mut LinesRun, line: &str) {
        let unplanned = Event::Unplanned { settings: SETTINGS.to_owned() };
        let then = self.write_line(moment, line, &unplanned);
        run.waits |= matches!(then, Then::Wait(_));
    }

    /// Decides on a line as stored and writes the decision.
    pub(super) fn write_line(&self, moment: &mut LinesMoment, line: &str, event: &Event) -> Then {
        let whole = moment.whole.as_ref().map(|(_, held)| &**held);
        let held = if line == WHOLE { whole } else { moment.lines.get(line) };
        let (held, event) = self.changed(held, event.clone(), moment.now);
        let Step { next, then } = step(held.as_ref(), &event, &self.policy, instant(moment.now));
        // A line that the ledger does not hold is not there to be cancelled.
        let is_there = held.is_some() || matches!(event, Event::Arrive(_));
        if line == WHOLE {
            write(moment, next.filter(|_| is_there));
        } else if let Some(next) = next.filter(|_| is_there) {
            Arc::make_mut(&mut moment.lines).insert(line.to_owned(), next);
        }
        then
    }
}

fn is_doubtful(moment: &LinesMoment, line: &str) -> bool {
    if line == WHOLE {
        return moment.whole.as_ref().is_some_and(|(_, held)| held.in_doubt());
    }
    moment.lines.get(line).is_some_and(Delivery::in_doubt)
}
