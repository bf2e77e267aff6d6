//! Facts about the past that no part of the protocol knows, by which the properties judge it.

use postback_core::delivery::{Decision, Delivery, Recovery, State};

use crate::{
    clock::Ticks,
    script::{Word, updated_at},
    state::{Act, Cause, Meaning, Order},
};

/// The past of one order, as far as a property asks for it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ghost {
    /// True if anybody was promised that the delivery is carried on.
    pub promised: bool,
    /// The cancellations that the ledger knows, by version.
    pub cancelled: Vec<Option<u8>>,
    /// True if the order came as completed after them.
    pub completed_after: bool,
    /// The latest cancelled version that a person has permitted to send all the same.
    pub overruled: Option<u8>,
    /// The latest completion that the ledger was asked about.
    pub latest: Option<u8>,
    /// The latest completion that was taken: its message is gone, or it was sent.
    pub taken: Option<u8>,
    /// The latest completion that waits, or has waited.
    pub known: Option<u8>,
    /// The number of permissions to send again.
    pub permits: u8,
    /// The number of attempts that the merchant's consent allowed.
    pub consents: u8,
    /// True if an attempt was claimed of an order that was known to be cancelled.
    pub sent_cancelled: bool,
    /// True if an attempt was claimed of a version after a later one was taken, or while a later one
    /// waited although nothing was in doubt.
    pub sent_outdated: bool,
    /// True if an attempt was claimed that a person had given up.
    pub sent_abandoned: bool,
    /// True if a person who saw the content that exceeds a bound permitted to send it.
    pub permitted_implausible: bool,
    /// True if an attempt was claimed that exceeds a bound and that no person had permitted.
    pub sent_implausible: bool,
    /// True if an attempt was claimed of a doubt under settings that hold it, without a person's permission.
    pub sent_withheld: bool,
    /// True if the network's own yes has come back and was decided on.
    pub confirmed: bool,
    /// True if the network refused it while an earlier attempt was in doubt, which it still is.
    pub refused: bool,
    /// True if an attempt was claimed after that, without a person's permission.
    pub sent_refused: bool,
    /// The time that a permission still holds, in a world where it lapses.
    pub permission: Option<Ticks>,
    /// True if somebody decided to send what was held for a person after a permission had lapsed.
    pub sent_lapsed: bool,
}

impl Ghost {
    /// A word of the shop was taken in by the ledger: `delayed` if it is no news.
    pub(crate) fn heard(&mut self, word: Word, delayed: bool) {
        match word {
            Word::Cancel { version } => {
                if version.is_some() && version <= self.overruled {
                    return;
                }
                if version.is_none() || self.cancelled.iter().all(|known| *known < version) {
                    self.completed_after = false;
                }
                if !self.cancelled.contains(&version) {
                    self.cancelled.push(version);
                    self.cancelled.sort_unstable();
                }
            }
            Word::Complete { version, .. } => {
                self.latest = self.latest.max(version);
                self.completed_after |= !delayed && !self.cancelled.is_empty();
                self.overruled = self.overruled.filter(|_| version.is_none());
            }
        }
    }

    /// The message of this word is gone.
    pub(crate) fn took(&mut self, word: Word) {
        if let Word::Complete { version: Some(version), .. } = word {
            self.taken = self.taken.max(Some(version));
        }
    }

    /// The message of this word waits.
    pub(crate) fn knew(&mut self, word: Word) {
        if let Word::Complete { version, .. } = word {
            self.known = self.known.max(version);
        }
    }

    /// What the network said to an attempt was decided on.
    pub(crate) fn heard_back(&mut self, cause: Cause) {
        self.confirmed |= matches!(cause, Cause::Settled(_, Meaning::Success));
    }

    /// Somebody who believes the delivery to be `held` decided to send it.
    pub(crate) fn decided_to_send(&mut self, held: Option<&Delivery>) {
        let doubt = held.and_then(|held| held.doubt.as_ref());
        let is_held = doubt.is_some_and(|doubt| doubt.recovery == Recovery::Hold);
        self.sent_lapsed |= is_held && self.permission == Some(0);
    }

    /// An attempt to send this word was claimed.
    fn claimed(&mut self, before: Option<&Delivery>, cause: Cause, word: Word) {
        let is_permitted = before.is_some_and(|before| before.permission.is_some());
        self.sent_refused |= self.refused && !is_permitted;
        let doubt = before.and_then(|before| before.doubt.as_ref());
        let version = word.version();
        let holds = |cancelled: &Option<u8>| {
            version.zip(*cancelled).is_none_or(|(version, cancelled)| version <= cancelled)
        };
        self.sent_cancelled |= self.cancelled.iter().any(holds);
        // Of one that was never sent, a later version is another matter.
        let is_given_up = |before: &Delivery| {
            let is_later = updated_at(version) > before.order_updated_at;
            before.state == State::Abandoned && (before.in_doubt() || !is_later)
        };
        self.sent_abandoned |=
            before.is_some_and(|before| is_given_up(before) && before.permission.is_none());
        // An attempt in doubt may be repeated; "not there" has ended the doubt. A person's permission
        // is for whichever version comes next.
        let is_asked = matches!(cause, Cause::LookedUp(..));
        let is_certain = is_asked || !before.is_some_and(Delivery::in_doubt);
        self.sent_outdated |=
            version < self.taken || (is_certain && !is_permitted && version < self.known);
        self.took(word);
        if doubt.is_some_and(|doubt| doubt.recovery == Recovery::SendOnceMore) {
            self.consents = 1;
        }
    }
}

impl Order {
    /// A write of this invocation has succeeded; it makes the delivery `next`.
    pub(crate) fn note(
        &mut self,
        before: Option<&Delivery>,
        next: &Delivery,
        cause: Cause,
        act: Act,
        word: Word,
        delayed: bool,
    ) {
        match cause {
            Cause::Arrival => self.ghost.heard(word, delayed),
            Cause::Decided(_, _, Decision::PermitSending) => {
                self.ghost.permits += 1;
                if self.ghost.completed_after {
                    let latest = self.ghost.cancelled.iter().copied().max().flatten();
                    self.ghost.overruled = self.ghost.overruled.max(latest);
                    self.ghost.cancelled.clear();
                    self.ghost.completed_after = false;
                }
            }
            _ => {}
        }
        if matches!(act, Act::Send(_)) {
            self.ghost.claimed(before, cause, word);
        }
        let is_refused = matches!(cause, Cause::Settled(_, Meaning::Refused | Meaning::Nothing))
            && before.is_some_and(Delivery::in_doubt);
        self.ghost.refused = next.in_doubt() && (self.ghost.refused || is_refused);
        self.ghost.heard_back(cause);
    }
}
