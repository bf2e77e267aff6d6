//! The check of a deployment: the settings as they are now, and a harmless question to the network. And
//! what the settings make of an order.

use postback_core::{
    network::{Network, Plan, TracksStatus},
    order::Order,
    redaction::Reason,
};

use super::{Configured, Dispatcher, NO_LINES, StartError, settings};
use crate::{client::SendResult, services::Services};

/// An id that no order has: the network is asked for it, and need not know it.
const NO_ORDER: &str = "postback-doctor";

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Reads the secret as it is now. The settings in force stay.
    pub async fn read_settings(&self) -> Result<Configured<N>, StartError> {
        settings::fetch(&self.services).await
    }

    /// The reason for which the settings in force leave an order out; `None` if it is sent or rejected.
    pub async fn left_out(&self, order: &Order) -> Option<Reason> {
        let configured = self.settings.current(&self.services, false).await;
        match configured.network.plan(order) {
            Plan::Skip(reason) => Some(reason),
            Plan::Send(parts) if parts.is_empty() => Some(NO_LINES.clone()),
            Plan::Send(_) | Plan::Reject(_) => None,
        }
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
