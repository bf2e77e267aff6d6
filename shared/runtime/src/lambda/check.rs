//! The call of `postback doctor`: reads the settings as they are now, and asks the network where that is
//! harmless. No order is reported, nothing is written.

use postback_core::network::{Network, TracksStatus};
use serde::{Deserialize, Serialize};

use crate::{
    dispatch::{Configured, Dispatcher},
    services::Services,
};

/// The `detail-type` of the call.
pub const CHECK: &str = "postback.check";

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The version that the function was built as.
    pub version: String,
    /// The faults of the settings as they are now; `None` if there are none.
    pub settings: Option<String>,
    /// True if the network was asked.
    pub asked: bool,
    /// The reason that the network gave no status, if it was asked.
    pub refused: Option<String>,
}

impl Checked {
    /// The answer of a function that has no settings of a network: its version alone.
    pub(super) fn version_alone() -> Self {
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), ..Self::default() }
    }
}

/// Checks the settings.
pub(super) async fn settings<N: Network, S: Services>(dispatcher: &Dispatcher<N, S>) -> Checked {
    read(dispatcher).await.0
}

/// Checks the settings, and asks the network.
pub(super) async fn settings_and_network<N: TracksStatus, S: Services>(
    dispatcher: &Dispatcher<N, S>,
) -> Checked {
    let (checked, configured) = read(dispatcher).await;
    let Some(configured) = configured else { return checked };
    let refused = dispatcher.ask_harmlessly(&configured).await.err();
    Checked { asked: true, refused: refused.map(|reason| reason.to_string()), ..checked }
}

async fn read<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
) -> (Checked, Option<Configured<N>>) {
    let read = dispatcher.read_settings().await;
    let settings = read.as_ref().err().map(ToString::to_string);
    (Checked { settings, ..Checked::version_alone() }, read.ok())
}
