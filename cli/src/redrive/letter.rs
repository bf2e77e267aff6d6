//! A dead letter, read: its order, and the reason that it is here.

use aws_sdk_sqs::types::Message;
use postback_core::{
    clock::Timestamp,
    fields::Fault,
    order::{self, OrderId, readable},
};
use postback_orders::networks::click_faults_on_bus;
use postback_runtime::services::{ORDER_DELAYED, ORDER_TYPES};
use serde::Deserialize;
use serde_json::{Number, Value, value::RawValue};

use crate::networks::{Platform, partner};

/// The type of an event that is encrypted with the bus's KMS key.
const ENCRYPTED: &str = "Encrypted Events";

/// The longest number that is shown in place of an order's id.
const LONGEST: usize = 40;

/// The content of a dead letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// The order's id, also of a faulty order; `None` if there is none.
    pub(super) order_id: Option<String>,
    /// The number that was sent in place of the order's id.
    pub(super) number: Option<String>,
    /// The faults of the order: each a code and a place.
    pub(super) faults: Vec<String>,
    /// True if it is encrypted: nothing of the order in it is known.
    pub(super) is_encrypted: bool,
    /// The reason that it can't be put back; `None` if it can.
    pub(super) stays: Option<&'static str>,
    /// The shop system, if it is an event of its partner bus: its function reads it.
    pub(super) partner: Option<&'static Platform>,
}

#[derive(Deserialize)]
struct BusEvent {
    #[serde(default)]
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Option<Box<RawValue>>,
}

impl Content {
    /// Parses the body of a letter of a status queue.
    pub(super) fn of_lead(body: &str) -> Self {
        let lead: Value = serde_json::from_str(body).unwrap_or_default();
        let order_id = OrderId::from_json(&lead["order_id"]).ok();
        Self { order_id: order_id.as_ref().map(OrderId::to_string), ..Self::default() }
    }

    /// Parses the body of a letter with an order.
    pub(super) fn parse(body: &str, now: Timestamp) -> Self {
        let stays = |why| Self { stays: Some(why), ..Self::default() };
        let Ok(BusEvent { source, detail_type, detail }) = serde_json::from_str(&readable(body))
        else {
            return stays("the message is no event");
        };
        if detail_type == ENCRYPTED {
            let why = "encrypted with the bus's KMS key; redrive does not decrypt";
            return Self { is_encrypted: true, ..stays(why) };
        }
        if let Some(partner) = partner(&source) {
            return Self { partner: Some(partner), ..Self::default() };
        }
        let detail = detail.as_deref().map_or("null", RawValue::get);
        // As the functions read it: what they refuse would come back.
        let (order, detail) = match order::read_event(detail, now) {
            Ok(read) => read,
            Err(faults) => {
                let order_id = order::faulty_id(detail, &faults);
                let order_id = order_id.as_ref().map(OrderId::to_string);
                let (number, faults) = (number(detail, &faults), places(&faults));
                let stays = Some("the order is faulty");
                return Self { order_id, number, faults, stays, ..Self::default() };
            }
        };
        let order_id = Some(order.order_id().as_str().to_owned());
        let is_taken = detail_type == ORDER_DELAYED || ORDER_TYPES.contains(&detail_type.as_str());
        let stays = (!is_taken).then_some("the event is of a type that no network takes");
        // A click that is wrong stops no network but its own.
        Self { order_id, faults: places(&click_faults_on_bus(&detail)), stays, ..Self::default() }
    }
}

/// The number that stands in the place of an order's id.
fn number(detail: &str, faults: &[Fault]) -> Option<String> {
    #[derive(Deserialize)]
    struct Numbered {
        order_id: Number,
    }

    let is_wrong = |fault: &Fault| fault.pointer == "/order_id" && fault.code == "wrong_type";
    let Numbered { order_id } = serde_json::from_str(detail).ok()?;
    faults.iter().any(is_wrong).then(|| order_id.to_string()).filter(|id| id.len() <= LONGEST)
}

/// The faults with their whole places: who may read the letter may read its names, too.
fn places(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|fault| format!("{} at {}", fault.code, fault.pointer)).collect()
}

/// Returns whether nothing is wrong with an order that is here for this reason: AWS did not take it
/// from a shop system's function.
pub(super) fn is_untaken(reason: &str) -> bool {
    matches!(reason, "bus_unavailable" | "ledger_unavailable")
}

/// The detail type and the detail of an event.
pub(super) fn event(body: &str) -> Option<(String, String)> {
    let body = readable(body);
    let BusEvent { detail_type, detail, .. } = serde_json::from_str(&body).ok()?;
    Some((detail_type, detail?.get().to_owned()))
}

/// A text that a function left with a letter, or `EventBridge`.
pub(super) fn attribute(message: &Message, name: &str) -> Option<String> {
    let text = message.message_attributes()?.get(name)?.string_value()?;
    Some(text.chars().filter(|c| !c.is_control()).collect())
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::MessageAttributeValue;
    use serde_json::json;

    use super::*;
    use crate::networks::PLATFORMS;

    /// 2026-11-21T10:15:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

    fn of(kind: &str, detail: &Value) -> Content {
        Content::parse(&json!({ "detail-type": kind, "detail": detail }).to_string(), NOW)
    }

    #[test]
    fn a_letter_is_an_order_or_stays() {
        let order = json!({
            "order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
            "currency": "INR", "total": "1.00",
        });
        let whole = Content { order_id: Some("A-1".to_owned()), ..Content::default() };

        assert_eq!(of("order.completed", &order), whole);
        assert_eq!(of("postback.order_delayed", &order), whole);
        let cancelled = json!({ "order_id": "A-1", "status": "cancelled" });
        assert_eq!(of("order.cancelled", &cancelled), whole);
        assert_eq!(
            of("postback.delivered", &order).stays,
            Some("the event is of a type that no network takes")
        );
        assert_eq!(Content::parse("not json", NOW).stays, Some("the message is no event"));
    }

    #[test]
    fn an_event_of_a_partner_bus_is_its_shop_systems() {
        let platform = PLATFORMS.iter().find(|it| it.partner.is_some()).expect("one");
        let source = format!("{}/1/postback", platform.partner.unwrap_or_default());
        let event = json!({ "source": source, "detail-type": "any", "detail": { "payload": {} } });

        let content = Content::parse(&event.to_string(), NOW);

        assert_eq!(content.partner.map(|it| it.name), Some(platform.name));
        assert_eq!((content.order_id, content.stays), (None, None));
    }

    #[test]
    fn an_order_from_the_future_stays() {
        let order = json!({
            "order_id": "A-1", "status": "cancelled", "updated_at": "2026-11-22T10:15:00.001Z",
        });

        let content = of("order.cancelled", &order);

        assert_eq!(content.faults, ["in_the_future at /updated_at"]);
        assert_eq!(content.stays, Some("the order is faulty"));
    }

    #[test]
    fn a_faulty_order_is_shown_with_its_id_and_its_faults() {
        let content = of("order.completed", &json!({ "order_id": "A-1", "status": "paid" }));

        assert_eq!(content.order_id.as_deref(), Some("A-1"));
        assert!(content.faults.contains(&"unknown_word at /status".to_owned()), "{content:?}");
        assert!(content.faults.contains(&"missing at /total".to_owned()), "{content:?}");
        assert_eq!(content.stays, Some("the order is faulty"));
    }

    #[test]
    fn an_order_that_names_a_member_twice_stays_and_is_shown() {
        let parse = |detail: &str| {
            let body = format!(r#"{{"detail-type": "order.completed", "detail": {detail}}}"#);
            Content::parse(&body, NOW)
        };
        let rest =
            r#""status": "completed", "completed_at": "2026-11-21T10:15:00Z", "currency": "INR""#;

        let total = parse(&format!(r#"{{"order_id": "A-1", {rest}, "total": 1, "total": 1499}}"#));
        let id = parse(&format!(r#"{{"order_id": "A-1", {rest}, "total": 1, "order_id": "A-2"}}"#));

        assert_eq!(total.order_id.as_deref(), Some("A-1"));
        assert_eq!(total.faults, ["given_twice at /total"]);
        assert_eq!(total.stays, Some("the order is faulty"));
        // Nobody knows whose it is.
        assert_eq!((id.order_id, id.stays), (None, Some("the order is faulty")));
        let none = Content::parse(r#"{"detail-type": "order.completed"}"#, NOW);
        assert_eq!(none.stays, Some("the order is faulty"));
    }

    #[test]
    fn a_number_in_place_of_an_orders_id_is_shown_and_no_id() {
        let rest = json!({ "order_id": 1001, "status": "cancelled" });
        let content = of("order.cancelled", &rest);
        let long = Content::parse(
            &format!(
                r#"{{"detail-type": "order.cancelled", "detail": {{"order_id": 1{}, "status": "cancelled"}}}}"#,
                "0".repeat(40)
            ),
            NOW,
        );

        assert_eq!((content.order_id, content.number.as_deref()), (None, Some("1001")));
        assert_eq!(content.faults, ["wrong_type at /order_id"]);
        assert_eq!((long.order_id, long.number), (None, None));
    }

    #[test]
    fn a_wrong_click_is_named_with_its_network_and_holds_no_letter() {
        let order = json!({
            "order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
            "currency": "INR", "total": "1.00", "clicks": { "shopback": { "transactionid": "1" } },
        });

        let content = of("order.completed", &order);

        assert_eq!(content.faults, ["unknown_member at /clicks/shopback/transactionid"]);
        assert_eq!(content.stays, None);
    }

    #[test]
    fn an_order_with_a_text_that_was_cut_within_a_character_is_none_of_the_faulty() {
        let order = r#"{ "order_id": "A-1", "status": "cancelled", "comment": "nice \ud83d" }"#;
        let body = format!(r#"{{ "detail-type": "order.cancelled", "detail": {order} }}"#);

        let content = Content::parse(&body, Timestamp::from_millis(0));

        assert_eq!((content.order_id.as_deref(), content.stays), (Some("A-1"), None));
    }

    #[test]
    fn an_encrypted_event_is_known_as_one() {
        let detail = json!({ "kms-key-arn": "arn", "encrypted-payload": "AgR4" });

        let content = of("Encrypted Events", &detail);

        assert!(content.is_encrypted, "{content:?}");
        assert!(content.stays.is_some_and(|why| why.starts_with("encrypted with")), "{content:?}");
    }

    #[test]
    fn the_buss_error_code_is_an_attribute() {
        let code =
            MessageAttributeValue::builder().data_type("String").string_value("NO_PERMISSIONS");
        let code = code.build().expect("an attribute");
        let message = Message::builder().message_attributes("ERROR_CODE", code).build();

        assert_eq!(attribute(&message, "ERROR_CODE").as_deref(), Some("NO_PERMISSIONS"));
        assert_eq!(attribute(&Message::builder().build(), "ERROR_CODE"), None);
    }
}
