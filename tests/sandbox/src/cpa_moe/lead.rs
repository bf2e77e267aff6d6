//! A lead, and its entry in the list.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::settings::CpaMoeSettings;

/// A lead as cpa.moe holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lead {
    /// The order's id on our side, number or text as it was sent.
    pub id: Value,
    /// The lead's number at cpa.moe.
    pub uid: u64,
    /// The affiliate or source, as sent.
    pub src: Option<Value>,
    /// The offer.
    pub offer: u64,
    /// `wait`, `hold`, `approve`, `cancel`, `trash`, or any word a test sets.
    pub stage: String,
    /// 1 to 12 by the document.
    pub status: u32,
    /// 1 to 15 by the document, with status 5.
    pub reason: Option<u32>,
    /// The quantity, as sent.
    pub count: Option<Value>,
    /// The comment, as sent.
    pub comment: Option<String>,
    /// The sandbox's clock when it was created, Unix milliseconds.
    pub created_ms: u64,
    /// The number of further list requests that do not show it.
    pub hidden_for: u32,
}

/// A change of leads; members left out stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeadUpdate {
    /// The order's id on our side; all leads if left out.
    pub id: Option<String>,
    /// The new stage, any word.
    pub stage: Option<String>,
    /// The new status, any number.
    pub status: Option<u32>,
    /// The new reason, any number.
    pub reason: Option<u32>,
    /// The new comment.
    pub comment: Option<String>,
    /// The number of further list requests that do not show it.
    pub hidden_for: Option<u32>,
}

impl Lead {
    pub(super) fn apply(&mut self, update: &LeadUpdate) {
        if let Some(stage) = &update.stage {
            self.stage.clone_from(stage);
        }
        self.status = update.status.unwrap_or(self.status);
        self.reason = update.reason.or(self.reason);
        self.comment = update.comment.clone().or(self.comment.take());
        self.hidden_for = update.hidden_for.unwrap_or(self.hidden_for);
    }

    /// The entry in the list: `id` is ours and `uid` theirs, swapped against the answer to add.
    pub(super) fn show(&self, settings: &CpaMoeSettings) -> Value {
        let mut shown = json!({
            "id": self.id,
            "uid": number(self.uid, settings),
            "stage": self.stage,
            "status": self.status,
        });
        for (name, value) in [
            ("src", self.src.clone()),
            ("reason", self.reason.map(Value::from)),
            ("count", self.count.clone()),
            ("comment", self.comment.clone().map(Value::from)),
        ] {
            if let Some(value) = value {
                shown[name] = value;
            }
        }
        shown
    }
}

/// A lead's number, as JSON number or string by the settings.
pub(super) fn number(id: u64, settings: &CpaMoeSettings) -> Value {
    if settings.ids_as_strings { json!(id.to_string()) } else { json!(id) }
}
