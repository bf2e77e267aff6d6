//! The short name of an order's sender: nothing by which a buyer could be recognised.

use crate::services::PUBLISHED;

/// The most characters of a sender's own name.
pub const LONGEST_NAME: usize = 64;

/// The name of the sender of a direct call. API Gateway's access log has the caller.
pub const DIRECT: &str = "api";

/// The text in the alphabet of an event's source, cut to length.
#[must_use]
pub fn clean(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let text = text.chars().take(LONGEST_NAME).map(|c| if allowed(c) { c } else { '-' });
    let text: String = text.collect();
    (!text.is_empty()).then_some(text)
}

/// The short name of the sender of an event of this source: ours names it, another one is a sender
/// on the bus itself.
#[must_use]
pub fn of_source(source: &str) -> Option<String> {
    match source.strip_prefix(PUBLISHED).and_then(|rest| rest.strip_prefix('.')) {
        Some(name) => clean(name),
        None => Some(format!("bus/{}", clean(source)?)),
    }
}

/// The source of an event of the sender of this short name.
#[must_use]
pub fn source_of(name: &str) -> String {
    format!("{PUBLISHED}.{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(source: &str) -> String {
        of_source(source).expect("a name")
    }

    #[test]
    fn a_source_names_its_sender_shortly_and_without_what_it_may_not_hold() {
        assert_eq!(name("postback.api/ShopRole"), "api/ShopRole");
        assert_eq!(name("postback.webhook/shop/1"), "webhook/shop/1");
        assert_eq!(name("shop.checkout"), "bus/shop.checkout");
        assert_eq!(name("asha@shop.example"), "bus/asha-shop.example");
        assert!(name(&"x".repeat(500)).len() <= "bus/".len() + LONGEST_NAME);
        assert_eq!((of_source(""), of_source("postback.")), (None, None));
        // A message that waits keeps its sender.
        assert_eq!(name(&source_of("bus/shop.checkout")), "bus/shop.checkout");
    }
}
