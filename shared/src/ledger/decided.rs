//! What a person decided about a delivery: who, when and why, beside what the protocol made of it.

use serde::{Deserialize, Serialize};

use super::{Key, Note, Record, record::STORIES};
use crate::{
    clock::Timestamp,
    delivery::{Decision, Delivery},
    word::Remark,
};

/// A person's decision, for the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// When it was recorded.
    pub at: Timestamp,
    /// The last attempt as the person saw it.
    pub attempt: u32,
    /// What was decided.
    pub decision: Decision,
    /// Who decided: the ARN of the identity that wrote it.
    pub by: Remark,
    /// Why, in that person's own words.
    pub why: Remark,
}

impl Record {
    /// The record that follows when a person's decision makes the delivery `next`.
    #[must_use]
    pub fn decided(&self, next: Delivery, decision: DecisionRecord, write_id: u64) -> Self {
        let key = Key { order_id: self.order_id.clone(), delivery: self.delivery.clone() };
        let at = decision.at;
        let mut record = Self::after(Some(self), &key, next, Note::default(), at, write_id);
        record.decisions.push(decision);
        if record.decisions.len() > STORIES {
            record.decisions.remove(1);
        }
        record
    }
}
