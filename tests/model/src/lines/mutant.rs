//! An order of lines with one rule taken out.

use postback_core::{
    delivery::{ByLines, Delivery, Event, Lines, State, Verdict, by_lines},
    redaction::Reason,
};

use super::{Deliveries, LinesWorld, instant};

/// A rule that is taken out of the lines, or of the functions around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinesMutant {
    /// The order's item is not read once more before a line leaves.
    OrderNotReadAgain,
    /// The order's item is not closed while another version of it is compared.
    OrderNotClosed,
    /// A version is taken without comparing its lines.
    LinesNotCompared,
    /// A cancellation is written on the lines alone.
    OrderNotCancelled,
    /// A lost answer is taken for a failure.
    LostLineRepeated,
    /// A line whose sender died is taken for a failure.
    DeadSenderRepeated,
    /// A conflict of one line leaves the others to nobody.
    LinesLeft,
    /// A line that the version held no longer has is left to its own version.
    FormerLineForgotten,
    /// A version that has to wait is forgotten.
    WaitingForgotten,
    /// An order that is known by its lines is taken for one that nobody knows once it comes whole, and
    /// the other way round.
    ModeIgnored,
}

impl LinesWorld {
    /// [`by_lines`], with the rule taken out if it is one of its own.
    pub(crate) fn by_lines(
        &self,
        held: Option<&Delivery>,
        deliveries: &Deliveries,
        lines: &Lines,
        now: u32,
    ) -> ByLines {
        let now = instant(now);
        let is_claimed_whole = held.is_some_and(|held| held.lines.is_none() && held.attempt > 0);
        if self.lacks(LinesMutant::ModeIgnored) && is_claimed_whole {
            return by_lines(None, deliveries, lines, now);
        }
        if self.lacks(LinesMutant::LinesNotCompared) {
            return by_lines(held, &Deliveries::new(), lines, now);
        }
        let way = by_lines(held, deliveries, lines, now);
        if let ByLines::Close { next } = &way
            && self.lacks(LinesMutant::OrderNotClosed)
        {
            return by_lines(Some(next), deliveries, lines, now);
        }
        way
    }

    /// The line and the event as the mutant shows them to the protocol.
    pub(crate) fn changed(
        &self,
        held: Option<&Delivery>,
        mut event: Event,
        now: u32,
    ) -> (Option<Delivery>, Event) {
        let mut held = held.cloned();
        let has_expired = |held: &&mut Delivery| {
            held.state == State::Sending && instant(now) >= held.claim_expires_at
        };
        if self.lacks(LinesMutant::DeadSenderRepeated)
            && let Some(held) = held.as_mut().filter(has_expired)
        {
            (held.state, held.not_before) = (State::Retrying, instant(now));
        }
        if self.lacks(LinesMutant::ModeIgnored)
            && matches!(event, Event::Arrive(_))
            && held.as_ref().is_some_and(|held| held.lines.is_some())
        {
            held = None;
        }
        if self.lacks(LinesMutant::LostLineRepeated)
            && let Event::Settle { verdict, .. } = &mut event
            && matches!(verdict, Verdict::Unconfirmed { .. })
        {
            *verdict = Verdict::Retry { reason: Reason::new("model"), after: None, sent: true };
        }
        (held, event)
    }
}
