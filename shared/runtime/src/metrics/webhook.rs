//! The measurement of the webhook.

use postback_core::clock::Timestamp;
use serde_json::{Value, json};

use super::document::directive;

/// Its name in `CloudWatch`: 1 for a message that was not signed with a key of ours in time, 0 for any
/// other. The sum counts them, and the minimum is 1 if there are no others.
const REFUSALS: &str = "WebhookRefusals";

/// The document of one message: `is_known` if a key of ours has signed it.
#[must_use]
pub fn webhook_message(is_known: bool, stack: &str, now: Timestamp) -> Value {
    let declared = json!({ "Name": REFUSALS, "Unit": "Count" });
    json!({
        "_aws": {
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [directive(&["Stack"], &[declared])],
        },
        "Stack": stack,
        REFUSALS: u8::from(!is_known),
    })
}
