//! The conformance suite of the networks. A network's crate calls, in its tests:
//!
//! | function | checks that |
//! |---|---|
//! | [`answers_give_their_verdicts`] | each file of `answers/` means what its first line says |
//! | [`lookups_find_what_is_there`] | the same for the answers to a lookup |
//! | [`conforms`] | the network is like any other: requests, redaction, transport, noise |
//! | [`secret_refuses_templates`] | the settings are refused unless they are right |
//! | [`settings_match_their_schema`] | `secret.schema.json` has the settings that are read |
//! | [`reasons_are_documented`] | each reason that a file of answers expects is in the README |
//! | [`documented_reasons_are_met`] | each reason in the README is expected by a file of answers |
//! | [`is_current`] | a generated file is as it would be generated now |
//!
//! All of them panic with everything that is wrong at once. Paths are relative to the crate's own
//! folder, where `cargo test` runs.
//!
//! # A file of answers
//!
//! ```text
//! # note: CartStack writes resp as a number or as a string
//! # expect: delivered response
//! # attempt: after_a_lost_answer
//! # keeps: resp=100
//! HTTP/1.1 200 OK
//! Content-Type: text/html
//!
//! {"resp":"100","err_txt":""}
//! ```
//!
//! The body is what stands after the empty line, byte for byte, without one last line end.
//!
//! | line | meaning |
//! |---|---|
//! | `# expect:` | the verdict, see below; must be there |
//! | `# attempt:` | `first` (unless given), `after_a_lost_answer`, or `number 3`: the third, the others refused |
//! | `# keeps:` | `name=value`: is among the references or the details; any number of lines |
//! | `# body: base64` | the body is written as base64, blanks and line ends aside |
//! | `# note:` | for the reader |
//!
//! | verdict | words that may follow the reason |
//! |---|---|
//! | `delivered response`, `… duplicate`, `… lookup` | |
//! | `accepted`, `accepted <reason>` | |
//! | `skipped <reason>` | |
//! | `rejected <reason>` | |
//! | `duplicate`: whose conversion it is, the other orders of the click decide | |
//! | `held <reason>`: `unconfirmed`, for a person | |
//! | `parked <reason>` | `network` or `delivery`: how far it reaches |
//! | `retrying <reason>` | `after 120`: the least wait in seconds; `once`: after the same answer it is parked |
//! | `unconfirmed <reason>` | `send_again` or `reject`: if a lookup finds nothing |
//! | of a lookup: `found`, `absent`, `failed <reason>` | |

#[cfg(test)]
mod careless;
mod corpus;
mod current;
mod noise;
pub mod platform;
mod schema;
mod settings;
mod suite;

pub use corpus::{
    Recorded, answers_give_their_verdicts, documented_reasons_are_met, lookups_find_what_is_there,
    reasons_are_documented, recorded,
};
pub use current::is_current;
pub use schema::settings_match_their_schema;
pub use settings::secret_refuses_templates;
pub use suite::{Subject, conforms};

use postback_core::clock::Timestamp;

/// The time of all of it: 2026-11-21T10:15:00Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

/// Fails with everything that is wrong.
fn report(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}:\n  {}\n", faults.join("\n  "));
}
