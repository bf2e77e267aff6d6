//! The measurements of the shop systems' webhooks.

use postback_core::clock::Timestamp;
use serde_json::{Value, json};

use super::document::directive;

/// Messages that were not signed with a key of ours.
const REFUSALS: &str = "PlatformRefusals";
/// Messages whose sender is known, by their result.
const MESSAGES: &str = "PlatformMessages";

/// The document of one message that was refused because its sender is not known.
#[must_use]
pub fn platform_refusal(stack: &str, platform: &str, now: Timestamp) -> Value {
    document(REFUSALS, &["Stack", "Platform"], now, stack, platform)
}

/// The document of one message: taken, repeated, faulty, or ignored for a reason.
#[must_use]
pub fn platform_message(stack: &str, platform: &str, result: &str, now: Timestamp) -> Value {
    let dimensions = ["Stack", "Platform", "Result"];
    let mut document = document(MESSAGES, &dimensions, now, stack, platform);
    document["Result"] = json!(result);
    document
}

fn document(
    metric: &str,
    dimensions: &[&str],
    now: Timestamp,
    stack: &str,
    platform: &str,
) -> Value {
    let declared = json!({ "Name": metric, "Unit": "Count" });
    json!({
        "_aws": {
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [directive(dimensions, &[declared])],
        },
        "Stack": stack,
        "Platform": platform,
        metric: 1,
    })
}
