//! The measurement of the webhook.

use postback_core::clock::Timestamp;
use serde_json::{Value, json};

use super::document::directive;

/// Its name in `CloudWatch`: messages that were not signed with a key of ours in time.
const REFUSALS: &str = "WebhookRefusals";

/// The document of one message that was refused because its sender is not known.
#[must_use]
pub fn webhook_refusal(stack: &str, now: Timestamp) -> Value {
    let declared = json!({ "Name": REFUSALS, "Unit": "Count" });
    json!({
        "_aws": {
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [directive(&["Stack"], &[declared])],
        },
        "Stack": stack,
        REFUSALS: 1,
    })
}
