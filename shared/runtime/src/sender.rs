//! The short name of an order's sender: nothing by which a buyer could be recognised.

/// The beginning of the sources under which Postback's own functions put orders on the bus. Other
/// sources belong to the shop, `postbackshop` among them. The rule of intake's queue leaves these out.
pub const OWN: &str = "postback.";

/// The most characters of a sender's own name.
pub const LONGEST_NAME: usize = 64;

/// The way of an order that comes by the API.
pub const API: &str = "api";

/// The own name of a caller of the API, as its authorizer names it: an IAM role or user by its ARN, or
/// a token's subject.
#[must_use]
pub fn of_caller(arn: Option<&str>, subject: Option<&str>) -> Option<String> {
    arn.map(name_of_arn).or(subject).and_then(clean)
}

/// The role's or the user's name in an ARN. The session's is left out, of a role and of a federated
/// user: it may be a person's.
fn name_of_arn(arn: &str) -> &str {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let mut parts = resource.split('/');
    match parts.next() {
        Some("assumed-role") => parts.next().unwrap_or_default(),
        Some("federated-user") => "",
        _ => resource.rsplit('/').next().unwrap_or_default(),
    }
}

/// The short name of a sender by this way: `api/ShopRole`, or the way alone.
#[must_use]
pub fn short(way: &str, name: Option<&str>) -> String {
    name.map_or_else(|| way.to_owned(), |name| format!("{way}/{name}"))
}

/// The text in the alphabet of an event's source, cut to length. One with an `@` is none: it may be a
/// person's e-mail address.
#[must_use]
pub fn clean(text: &str) -> Option<String> {
    if text.contains('@') {
        return None;
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let text = text.chars().take(LONGEST_NAME).map(|c| if allowed(c) { c } else { '-' });
    let text: String = text.collect();
    (!text.is_empty()).then_some(text)
}

/// The short name of the sender of an event of this source: ours names it, another one is a sender
/// on the bus itself, by its way alone where the source may be a person's.
#[must_use]
pub fn of_source(source: &str) -> Option<String> {
    match source.strip_prefix(OWN) {
        Some(name) => clean(name),
        None if source.is_empty() => None,
        None => Some(short("bus", clean(source).as_deref())),
    }
}

/// Returns whether intake looks at the orders of this source on the bus, too. No event of the bus is
/// without a source.
#[must_use]
pub fn is_looked_at(source: &str) -> bool {
    !source.is_empty() && !source.starts_with(OWN)
}

/// The source of an event of the sender of this short name.
#[must_use]
pub fn source_of(name: &str) -> String {
    format!("{OWN}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(source: &str) -> String {
        of_source(source).expect("a name")
    }

    #[test]
    fn intake_looks_at_what_postbacks_own_functions_did_not_put() {
        for source in ["shop", "postbackshop", "postback-eu.checkout", "postback", "Postback.api"] {
            assert!(is_looked_at(source), "{source}");
        }
        for source in ["postback.api", "postback.webhook/1", "postback.bus/shop", "postback.", ""] {
            assert!(!is_looked_at(source), "{source}");
        }
    }

    #[test]
    fn a_source_names_its_sender_shortly_and_without_what_it_may_not_hold() {
        assert_eq!(name("postback.api/ShopRole"), "api/ShopRole");
        assert_eq!(name("postback.webhook/shop/1"), "webhook/shop/1");
        assert_eq!(name("shop.checkout"), "bus/shop.checkout");
        assert_eq!(name("asha@shop.example"), "bus");
        assert_eq!(name(&source_of("bus")), "bus");
        let late = format!("{}@shop.example", "a".repeat(LONGEST_NAME));
        assert_eq!(name(&late), "bus");
        assert_eq!(of_source("postback.asha@shop.example"), None);
        assert!(name(&"x".repeat(500)).len() <= "bus/".len() + LONGEST_NAME);
        assert_eq!((of_source(""), of_source("postback.")), (None, None));
        assert_eq!(name("postbackshop"), "bus/postbackshop");
        assert_eq!(name("postback-eu.checkout"), "bus/postback-eu.checkout");
        // A message that waits keeps its sender.
        assert_eq!(name(&source_of("bus/shop.checkout")), "bus/shop.checkout");
    }
}
