//! `--discard`: letters that a person names are deleted, once they were shown and somebody said yes.

use postback_core::clock::Timestamp;

use super::{Done, Letter, NO_MESSAGE, lines, redrive};
use crate::{account::Account, args::Redrive, failure::Failure, view::Output};

/// Shows the letters and asks. Fails if one is not there.
pub(super) async fn confirm(
    account: &Account,
    wanted: &Redrive,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let Redrive { network, bus, status, discard, limit, .. } = wanted;
    let (network, discard) = (network.clone(), discard.clone());
    let (bus, status, limit) = (*bus, *status, *limit);
    let look =
        Redrive { network, bus, status, discard, limit, dry_run: true, ..Redrive::default() };
    let (letters, worked) = redrive(account, &look, now).await?;
    worked?;
    is_done(wanted, &letters, Done::Left)?;
    if wanted.yes {
        return Ok(());
    }
    let question = format!("Delete for good (messages: {})?", letters.len());
    let instead = "See the messages with --dry-run, then give --yes. Nothing was changed.";
    output.ask(&lines(&letters), &question, instead)
}

pub(super) fn is_named(wanted: &Redrive, letter: &Letter) -> bool {
    wanted.discard.contains(&letter.message_id)
}

/// Fails unless this was done with each letter that is named.
pub(super) fn is_done(wanted: &Redrive, letters: &[Letter], done: Done) -> Result<(), Failure> {
    let is = |id: &&String| letters.iter().any(|it| it.message_id == **id && it.done == done);
    match wanted.discard.iter().filter(|id| !is(id)).count() {
        0 => Ok(()),
        left => Err(Failure::Left { left, why: NO_MESSAGE }),
    }
}
