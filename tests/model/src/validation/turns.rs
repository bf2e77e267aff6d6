//! What comes of each thing that can happen to a validation.
//!
//! More than 300 lines: each of them has its turn here.

use std::{collections::BTreeMap, sync::Arc};

use postback_core::{
    delivery::{
        Arrival, Attempt, Decision, Delivery, Due, Event, Facts, Followed, Planned, Proof,
        RefundEntry, Refunds, Reported, State, Step, Then, Verdict, step,
    },
    order::Currency,
    redaction::Reason,
};

use super::{
    About, Ending, Happens, Kept, LOCK, Made, Moment, Reply, Return, Run, TERMS, TOTAL, Turn,
    ValidationMutant, ValidationWorld, instant,
};
use crate::world::Person;

const SETTINGS: &str = "v1";

impl ValidationWorld {
    /// The moments at which the world begins: the message of the order is in hand, and its attempt is
    /// settled.
    pub(crate) fn first(&self) -> Vec<Moment> {
        let Self { bounds, policy, .. } = self;
        let arrive = Event::Arrive(arrival(Refunds::default(), 0));
        let verdict = if bounds.in_doubt {
            Verdict::unconfirmed("model")
        } else {
            Verdict::Delivered(Proof::Response)
        };
        let (settings, jitter) = (SETTINGS.to_owned(), 0);
        let settle = Event::Settle { attempt: 1, verdict, settings, jitter };
        let next =
            |held: Option<&Delivery>, event: &Event| step(held, event, policy, instant(0)).next;
        let refunded = refund_alone(u8::MAX, bounds.before).filter(|_| bounds.before > 0);
        let before = refunded.and_then(|event| next(None, &event));
        let before = before.filter(|_| !self.lacks(ValidationMutant::RefundBeforeOrderForgotten));
        let claim = next(before.as_ref(), &arrive);
        let delivery = claim.and_then(|claim| next(Some(&claim), &settle));
        let Some(delivery) = delivery else { return Vec::new() };
        let kept = Arc::new(Kept { version: 2, delivery });
        let word = u8::try_from(bounds.words.len()).unwrap_or(u8::MAX);
        let follows = Run::Follows { word, seen: Arc::clone(&kept) };
        let moment = |is_held| Moment {
            now: 0,
            delivery: Arc::clone(&kept),
            validation: None,
            queue: (0..word).collect(),
            running: if bounds.in_doubt { Vec::new() } else { vec![follows.clone()] },
            is_held,
            calls: Vec::new(),
            early: bounds.before,
            permits: 0,
            sweeps: bounds.sweeps,
            looks: bounds.looks,
        };
        let truths: &[bool] = if bounds.in_doubt { &[false, true] } else { &[true] };
        truths.iter().map(|is_held| moment(*is_held)).collect()
    }

    pub(crate) fn possible(&self, moment: &Moment, happens: &mut Vec<Happens>) {
        if moment.now < self.bounds.last {
            happens.push(Happens::Tick);
        }
        if moment.running.len() < self.bounds.at_once {
            happens.extend((0..moment.queue.len()).map(Happens::Hear));
            if moment.sweeps > 0 && Self::is_due(moment) {
                happens.push(Happens::Sweep);
            }
        }
        if moment.state() == Some(State::Sending) {
            happens.push(Happens::Expire);
        }
        if moment.looks > 0 {
            let sensible = self.bounds.decisions.iter().filter(|it| self.is_sensible(moment, **it));
            happens.extend(sensible.map(|(about, decision)| Happens::Decide(*about, *decision)));
        }
        for (i, run) in moment.running.iter().enumerate() {
            happens.push(Happens::Die(i));
            match run {
                Run::Due { turn: Turn::Send(_), until, .. } if moment.now <= *until => {
                    happens.extend(self.bounds.replies.iter().map(|it| Happens::Send(i, *it)));
                }
                Run::Due { until, .. } if moment.now > *until => {}
                _ => happens.push(Happens::Turn(i)),
            }
        }
    }

    /// Returns whether this person would decide so.
    fn is_sensible(&self, moment: &Moment, (about, decision): (About, Decision)) -> bool {
        let is_there = match about {
            About::Delivery => moment.is_held,
            About::Validation => !moment.calls.is_empty(),
        };
        let is_right = match decision {
            Decision::Confirm => is_there,
            Decision::PermitSending => !is_there,
            Decision::Abandon | Decision::Reopen | Decision::Acknowledge => true,
        };
        is_right || self.bounds.person == Person::Erring
    }

    pub(crate) fn after(&self, last: &Moment, happens: Happens) -> Moment {
        let mut moment = last.clone();
        match happens {
            Happens::Tick => moment.now += 1,
            Happens::Hear(place) => {
                let word = moment.queue.remove(place);
                self.hear(&mut moment, word);
            }
            Happens::Sweep => {
                moment.sweeps -= 1;
                let turn = if self.lacks(ValidationMutant::DeliveryNotRead) {
                    Turn::Decide
                } else {
                    Turn::Read
                };
                let (until, known) = (moment.now + 1, moment.known());
                moment.running.push(Run::Due { until, known, turn });
            }
            Happens::Expire => {
                self.apply(&mut moment, &Event::Expire);
            }
            Happens::Decide(about, decision) => self.decide(&mut moment, about, decision),
            Happens::Turn(i) => self.turn(&mut moment, i),
            Happens::Send(i, reply) => send(&mut moment, i, reply),
            Happens::Die(i) => {
                // The word comes again; what is due is brought by the next sweep.
                if let Run::Follows { word, .. } = moment.running.remove(i)
                    && !self.lacks(ValidationMutant::FirstNotFollowed)
                {
                    moment.queue.push(word);
                    moment.queue.sort_unstable();
                }
            }
        }
        moment.running.sort_unstable();
        moment
    }

    /// A word is written on the delivery.
    fn hear(&self, moment: &mut Moment, word: u8) {
        let event = match self.bounds.words.get(usize::from(word)) {
            Some(Return::Cancel) => {
                Event::Cancel { facts: Facts::none(), updated_at: None, by_refunds: false }
            }
            Some(Return::Refund(amount)) => {
                Event::Arrive(arrival(refund(word, *amount), moment.now))
            }
            Some(Return::RefundAlone(amount)) => {
                let Some(event) = refund_alone(word, *amount) else { return };
                event
            }
            Some(Return::Nothing) | None => Event::Arrive(arrival(Refunds::default(), moment.now)),
        };
        self.write(moment, &event);
        if moment.now < LOCK {
            moment.early = moment.known().refunded;
        }
        let is_followed = moment.delivery.delivery.state.is_success();
        if is_followed && !self.lacks(ValidationMutant::NotFollowed) {
            let seen = Arc::clone(&moment.delivery);
            moment.running.push(Run::Follows { word, seen });
        }
    }

    /// Decides on the delivery as stored and writes the decision.
    fn write(&self, moment: &mut Moment, event: &Event) {
        let Kept { version, delivery } = &*moment.delivery;
        let Step { next, .. } = step(Some(delivery), event, &self.policy, instant(moment.now));
        if let Some(delivery) = next {
            moment.delivery = Arc::new(Kept { version: version + 1, delivery });
        }
    }

    fn decide(&self, moment: &mut Moment, about: About, decision: Decision) {
        moment.looks -= 1;
        moment.permits += u8::from(decision == Decision::PermitSending);
        let held = match about {
            About::Delivery => Some(&moment.delivery),
            About::Validation => moment.validation.as_ref(),
        };
        let Some(kept) = held else { return };
        let (attempt, decisions) = (kept.delivery.attempt, kept.delivery.decisions);
        let event = Event::Decide { attempt, decisions, decision };
        match about {
            About::Delivery => self.write(moment, &event),
            About::Validation => {
                self.apply(moment, &event);
            }
        }
    }

    fn turn(&self, moment: &mut Moment, i: usize) {
        let (until, known, turn) = match moment.running.remove(i) {
            Run::Follows { seen, .. } => {
                self.follow(moment, &seen);
                return;
            }
            Run::Due { until, known, turn } => (until, known, turn),
        };
        let turn = match turn {
            Turn::Read => Turn::Follow(Arc::clone(&moment.delivery)),
            Turn::Follow(seen) => {
                self.follow(moment, &seen);
                Turn::Decide
            }
            Turn::Decide => {
                let (settings, open) = (SETTINGS.to_owned(), None);
                let due = Due { terms: TERMS, deadline: instant(until), settings, open };
                match self.apply(moment, &Event::Validate(due)) {
                    Then::Send(attempt) => Turn::Send(attempt),
                    _ => return,
                }
            }
            Turn::Settle(attempt, ending) => {
                let (settings, verdict) = (SETTINGS.to_owned(), verdict(ending));
                let event = Event::Settle { attempt, verdict, settings, jitter: 0 };
                self.apply(moment, &event);
                return;
            }
            Turn::Send(_) => unreachable!("a call leaves by a reply"),
        };
        moment.running.push(Run::Due { until, known, turn });
    }

    fn follow(&self, moment: &mut Moment, seen: &Kept) {
        if let Some(followed) = Followed::of(&seen.delivery, seen.version, TERMS) {
            self.apply(moment, &Event::Follow(Box::new(followed)));
        }
    }
}

fn refund(word: u8, amount: u8) -> Refunds {
    let entry = RefundEntry { amount: Some(amount.into()), at: None };
    Refunds::of([(format!("r-{word}"), entry)].into_iter())
}

/// A refund that comes without the order.
fn refund_alone(word: u8, amount: u8) -> Option<Event> {
    let currency = Currency::of_code("INR")?;
    Some(Event::Refund { refunds: refund(word, amount), currency })
}

/// The order as it comes.
fn arrival(refunds: Refunds, now: u32) -> Arrival {
    let reported = Reported {
        amount: TOTAL.into(),
        currency: "INR".to_owned(),
        completed_at: instant(0),
        ids: BTreeMap::new(),
        differs: false,
        workbook_days: None,
    };
    Arrival {
        facts: Facts::none(),
        updated_at: None,
        planned: Planned::Send("a".to_owned()),
        shown_scope: None,
        deadline: instant(now + 1),
        settings: SETTINGS.to_owned(),
        open: None,
        is_implausible: false,
        is_delayed: true,
        has_waited: false,
        refunds,
        reported: Some(reported),
    }
}

/// The call leaves.
fn send(moment: &mut Moment, i: usize, reply: Reply) {
    let Run::Due { until, known, turn: Turn::Send(Attempt { number, .. }) } =
        moment.running.remove(i)
    else {
        unreachable!("only a claim sends")
    };
    if matches!(reply, Reply::Taken | Reply::AnswerLost)
        && let Some(kept) = &moment.validation
        && let Some(call) = kept.delivery.validation.as_ref().and_then(|own| own.call.clone())
    {
        let is_founded = moment.is_held || moment.permits > 0;
        moment.calls.push(Made { call, at: moment.now, known, is_founded });
    }
    let ending = match reply {
        Reply::Taken => Ending::Taken,
        Reply::AnswerLost | Reply::RequestLost => Ending::Lost,
        Reply::NotNow => Ending::NotNow,
        Reply::Refused => Ending::Refused,
    };
    let turn = Turn::Settle(number, ending);
    moment.running.push(Run::Due { until, known, turn });
}

fn verdict(ending: Ending) -> Verdict {
    match ending {
        Ending::Taken => Verdict::Delivered(Proof::Response),
        Ending::Lost => Verdict::unconfirmed("model"),
        Ending::NotNow => Verdict::Retry { reason: Reason::new("model"), after: None, sent: true },
        Ending::Refused => Verdict::rejected("model"),
    }
}
