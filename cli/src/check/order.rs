//! An order of the file, read as `POST /orders` reads it.

use postback_core::{clock::Timestamp, fields::UnknownFields, order::Arrived};
use postback_orders::{CookieKeys, CookieResult, networks, resolve};
use serde_json::{Value, json};

/// An order without faults.
pub(super) struct Checked {
    pub(super) order: Arrived,
    /// The order as it goes on the bus: with the clicks of its cookie, which no network's function reads.
    pub(super) detail: Value,
    /// True if its cookie is not signed by a key in force: its clicks were ignored.
    is_forged: bool,
}

impl Checked {
    /// Reads an order; the error is its faults. Its cookie is the shopper's own, also in the shop's export:
    /// it counts as at the API.
    pub(super) fn from_json(
        value: &Value,
        keys: &CookieKeys,
        now: Timestamp,
    ) -> Result<Self, String> {
        let (value, cookie) = resolve(value.clone(), keys);
        let order = Arrived::from_json(&value, UnknownFields::Deny);
        let mut faults = networks::click_faults(&value);
        let order = order.map_err(|more| faults.extend(more)).ok();
        faults.extend(order.iter().flat_map(|order| order.too_far_ahead(now)));
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        let Some(order) = order.filter(|_| faults.is_empty()) else {
            return Err(faults.join("; "));
        };
        let detail = match &order {
            Arrived::Order(order) => json!(order),
            Arrived::Cancelled(cancelled) => json!(cancelled),
            Arrived::PartlyRefunded(partial) => json!(partial),
        };
        Ok(Self { order, detail, is_forged: cookie == Some(CookieResult::Forged) })
    }

    /// The reason that the order does not concern the network, by the pattern of the network's rule; `None` if it does.
    pub(super) fn not_concerned(&self, network: &str) -> Option<String> {
        let Some(network) = networks::find(network) else {
            return Some("this version of the tool does not know the network".to_owned());
        };
        let forged = "; its click_cookie is ignored, because no key in force has signed it";
        let forged = if self.is_forged { forged } else { "" };
        (!network.takes(&self.detail)).then(|| format!("it has no {}{forged}", network.wants()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T10:15:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

    #[test]
    fn an_order_is_completed_at_a_time_that_has_come() {
        let completed = |at: Option<&str>| {
            let mut order = json!({
                "order_id": "A-1", "status": "completed", "currency": "EUR", "total": "14.99",
            });
            if let Some(at) = at {
                order["completed_at"] = json!(at);
            }
            Checked::from_json(&order, CookieKeys::UNSIGNED, NOW).err()
        };

        assert_eq!(completed(Some("2026-11-22T10:15:00Z")), None);
        for wrong in [None, Some("2026-11-22T10:15:01Z")] {
            let fault = completed(wrong).expect("a fault");
            assert!(fault.contains("/completed_at"), "{fault}");
        }
    }

    #[test]
    fn an_order_is_read_as_by_intake_with_all_its_faults() {
        let order = json!({
            "order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
            "currency": "EUR", "total": "14,99", "clicks": { "no_such_network": { "id": "1" } },
        });

        let faults = Checked::from_json(&order, CookieKeys::UNSIGNED, NOW).err().expect("faults");

        assert!(faults.contains("/total") && faults.contains("no_such_network"), "{faults}");
    }

    #[test]
    fn a_network_is_concerned_or_says_which_member_is_missing() {
        let order = json!({
            "order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
            "currency": "EUR", "total": "14.99",
        });
        let checked = Checked::from_json(&order, CookieKeys::UNSIGNED, NOW).expect("an order");

        for network in crate::networks::NETWORKS {
            let why = checked.not_concerned(network.name).expect("it concerns nobody");
            assert!(why.starts_with("it has no ") && why.contains('.'), "{why}");
        }
        assert!(checked.not_concerned("nobody").is_some());
    }
}
