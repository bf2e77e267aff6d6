//! The pauses of networks: a person stops reports to a network, or to all, within seconds. One small
//! item a network, beside the deliveries.

use aws_sdk_dynamodb::{operation::put_item::PutItemError, types::AttributeValue};
use postback_core::{clock::Timestamp, redaction::OperatorNote};
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use super::{Ledger, LedgerError};

/// The partition key of all of them. An order's id has no outer blanks, so no delivery has it.
pub const PAUSES: &str = " pauses";

/// The name that stands for all networks.
pub const ALL_NETWORKS: &str = "*";

/// The number of changes that are kept.
const KEPT: usize = 10;
/// The number of times a change is tried while others change it as well.
const TRIES: usize = 5;

/// A network that is paused, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    #[serde(rename = "order_id")]
    key: String,
    /// The network's name, or [`ALL_NETWORKS`].
    #[serde(rename = "delivery")]
    pub network: String,
    /// The number of changes: the condition of the next write.
    revision: u64,
    /// The latest changes, oldest first.
    pub changes: Vec<PauseChange>,
}

/// A person paused or resumed a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseChange {
    /// True if it is paused from here on.
    pub paused: bool,
    /// The time of the change.
    pub at: Timestamp,
    /// The ARN of the identity that wrote it.
    pub by: OperatorNote,
    /// The person's own words.
    pub why: OperatorNote,
}

impl Pause {
    /// The change that paused it; `None` if it is not paused now.
    #[must_use]
    pub fn in_force(&self) -> Option<&PauseChange> {
        self.changes.last().filter(|change| change.paused)
    }

    /// The latest of these pauses that is in force for a network.
    #[must_use]
    pub fn of<'a>(pauses: &'a [Self], network: &str) -> Option<&'a Self> {
        let own = |pause: &&Self| pause.network == network || pause.network == ALL_NETWORKS;
        let in_force = pauses.iter().filter(own).filter(|pause| pause.in_force().is_some());
        in_force.max_by_key(|pause| pause.in_force().map(|change| change.at))
    }
}

impl Ledger {
    /// All pauses, those that are over as well, read consistently.
    pub async fn pauses(&self) -> Result<Vec<Pause>, LedgerError> {
        // A query, because that is the only right of the function that shows an order.
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("order_id = :pauses")
            .expression_attribute_values(":pauses", AttributeValue::S(PAUSES.to_owned()))
            .consistent_read(true);
        let output = query.send().await.map_err(|_| LedgerError::Unavailable)?;
        let items = output.items.unwrap_or_default().into_iter();
        items.map(from_item).collect::<Result<_, _>>().map_err(|_| LedgerError::Unreadable)
    }

    /// Writes a change for a network, or for [`ALL_NETWORKS`].
    pub async fn change_pause(
        &self,
        network: &str,
        change: &PauseChange,
    ) -> Result<Pause, LedgerError> {
        for _ in 0..TRIES {
            let held = self.pauses().await?.into_iter().find(|pause| pause.network == network);
            let mut next = held.unwrap_or_else(|| Pause {
                key: PAUSES.to_owned(),
                network: network.to_owned(),
                revision: 0,
                changes: Vec::new(),
            });
            let expected = next.revision.to_string();
            next.revision += 1;
            next.changes.push(change.clone());
            let surplus = next.changes.len().saturating_sub(KEPT);
            next.changes.drain(..surplus);
            let item = to_item(&next).map_err(|_| LedgerError::Unreadable)?;
            let put = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(revision) OR revision = :expected")
                .expression_attribute_values(":expected", AttributeValue::N(expected));
            match put.send().await {
                Ok(_) => return Ok(next),
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(PutItemError::is_conditional_check_failed_exception) => {}
                Err(_) => return Err(LedgerError::Unavailable),
            }
        }
        Err(LedgerError::Unavailable)
    }
}
