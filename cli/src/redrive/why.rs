//! The reason that a letter is among the dead.

use aws_sdk_sqs::types::Message;

use super::{Content, Work, attribute};
use crate::{failure::Failure, view::name};

impl Work<'_> {
    /// The reason that a letter is here: what a function or the bus said, or the order's state.
    pub(super) async fn why(
        &self,
        message: &Message,
        content: &Content,
        reason: Option<String>,
    ) -> Result<String, Failure> {
        if let Some(code) = attribute(message, "ERROR_CODE") {
            let stays = content.stays.map(|why| format!("; {why}")).unwrap_or_default();
            return Ok(format!("the bus could not put it on the queue: {code}{stays}"));
        }
        if let Some(reason) = reason {
            let faults = attribute(message, "faults").filter(|_| content.faults.is_empty());
            return Ok([Some(reason), faults].into_iter().flatten().collect::<Vec<_>>().join("; "));
        }
        if let Some(stays) = content.stays {
            return Ok(stays.to_owned());
        }
        if self.wanted.status {
            return Ok("its function could not read it as one about a lead".to_owned());
        }
        if let Some(platform) = content.partner {
            let is_off = if self.queue_of(content).is_none() { ", which is off" } else { "" };
            return Ok(format!("an event of the partner bus of {}{is_off}", platform.name));
        }
        let Some(order_id) = &content.order_id else { return Ok("no order".to_owned()) };
        let (records, partial) = self.account.readable_of_order(order_id).await?;
        let own = |name: &str| self.network.is_none_or(|network| network.name == name);
        let states = records.iter().filter(|record| own(record.network())).map(|record| {
            let reason = record.protocol.reason.as_ref().map(|reason| format!(", {reason}"));
            format!("{}{}", record.protocol.state.as_str(), reason.unwrap_or_default())
        });
        let unread = partial.iter().map(|partial| format!("unreadable: {}", name(partial)));
        let states = states.chain(unread).collect::<Vec<_>>().join("; ");
        Ok(if states.is_empty() {
            "the function failed before it wrote to the ledger: see its log".to_owned()
        } else {
            format!("the function failed on it; now {states}")
        })
    }
}
