//! The result of many decisions, for people and for programs.

use postback_reconcile::decide::{DecisionCounts, DecisionRow};
use serde::Serialize;

use crate::{failure::Failure, view::shortened};

/// The refused rows that are shown.
const SHOWN: usize = 20;

/// The result for people and for programs.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct View {
    pub(super) network: String,
    /// The SHA-256 of the report that the decisions rest on.
    pub(crate) report: String,
    /// What is recorded, or would be.
    pub(super) decisions: DecisionCounts,
    /// The number of rows that were recorded before, or settled by themselves.
    pub(super) done_before: usize,
    /// The rows that do not fit the delivery any more.
    pub(super) refused: Vec<Refused>,
    /// The number of those that the preview has named.
    #[serde(skip)]
    pub(super) named: usize,
    /// The number of decisions that this run recorded.
    pub(super) recorded: usize,
    /// The orders that were put on the queue.
    pub(super) messages: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) replay: Option<String>,
}

/// A row that is refused.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Refused {
    line: u64,
    order_id: String,
    delivery: String,
    pub(super) why: &'static str,
}

impl Refused {
    pub(super) fn new(row: &DecisionRow, why: &'static str) -> Self {
        let (order_id, delivery) = (row.order_id.clone(), row.delivery.clone());
        Self { line: row.line, order_id, delivery, why }
    }
}

impl View {
    /// What was recorded, in words, and what was refused since the preview.
    pub(crate) fn recorded(&self) -> Vec<String> {
        let mut lines = vec![format!("Recorded: {}.", self.recorded)];
        lines.extend(refused(self.refused.get(self.named..).unwrap_or_default()));
        if self.messages > 0 {
            lines.push(format!("{} orders are on their queue.", self.messages));
        }
        if let Some(replay) = &self.replay {
            let line = format!("The archive is being replayed for this network (replay {replay}).");
            lines.push(line);
        }
        lines
    }

    /// Checks that every row is recorded, now or before.
    pub(super) fn is_complete(&self) -> Result<(), Failure> {
        match self.refused.len() {
            0 => Ok(()),
            count => Err(Failure::NeedsPerson(format!(
                "Rows that do not fit their delivery any more: {count}. They are left as they are."
            ))),
        }
    }
}

/// The rows that are refused, in words.
pub(super) fn refused(rows: &[Refused]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("{} do not fit any more and are left as they are:", rows.len())];
    for Refused { line, order_id, delivery, why } in rows.iter().take(SHOWN) {
        let order_id = shortened(order_id, 40);
        lines.push(format!("  line {line}  {order_id} at {delivery}: {}", why.replace('_', " ")));
    }
    lines
}
