//! The command line of `secret`.

use clap::Args;

/// Set a network's settings or keys in its secret, without a deployment
///
/// On a terminal it asks for each setting that fits on a line; one that is left
/// empty stays as it is. Of the webhook, the capture cookie and a shop system it
/// sets keys: a new one beside the present one, or in its place, or none, which
/// revokes all. From standard input it takes the whole secret as one JSON object,
/// which replaces what was there:
///
///   postback secret shopback < shopback.json
///
/// A value that the function would refuse is refused, and no value is shown.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Secret {
    /// A network, a shop system, webhook or click_cookie
    pub(crate) name: String,
}
