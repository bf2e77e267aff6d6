//! The check of a deployment: the settings as they are now, and a harmless question to the network.

use postback_core::{
    network::{Network, TracksStatus},
    redaction::Reason,
};

use super::{Configured, Dispatcher, StartError, settings};
use crate::{client::SendResult, services::Services};

/// An id that no order has: the network is asked for it, and need not know it.
const NO_ORDER: &str = "postback-doctor";

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Reads the secret as it is now. The settings in force stay.
    pub async fn read_settings(&self) -> Result<Configured<N>, StartError> {
        settings::read(&self.services).await
    }
}

impl<N: TracksStatus, S: Services> Dispatcher<N, S> {
    /// Asks the network for the status of an order that it does not have: nothing changes there. The
    /// error is the reason that it gave no status.
    pub async fn ask_harmlessly(&self, configured: &Configured<N>) -> Result<(), Reason> {
        let request = configured.network.ask(&[NO_ORDER]);
        match self.sender.send(&request, self.services.now()).await {
            SendResult::Answered(answer) => configured.network.progress(&answer).map(|_| ()),
            SendResult::NotSent(reason) | SendResult::MaybeSent(reason) => Err(reason),
        }
    }
}
