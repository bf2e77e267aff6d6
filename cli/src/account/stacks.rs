//! The stacks of Postback in a region.

use aws_sdk_cloudformation::Client;

use super::open::{OURS, outputs};

/// Their names, for a message; what can't be listed is said.
pub(super) async fn names(client: &Client) -> String {
    let mut pages = client.describe_stacks().into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(stack) = pages.next().await {
        let Ok(stack) = stack else { return "they could not be listed".to_owned() };
        if outputs(&stack).contains_key(OURS) {
            names.push(stack.stack_name().unwrap_or_default().to_owned());
        }
    }
    names.sort();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
