//! The question of `postback orders check`: do the settings leave an order out? The ledger keeps nothing
//! of such an order. Nothing is sent, written or measured for the answer.

use postback_core::{network::Network, order::Arrived};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::direct;
use crate::{dispatch::Dispatcher, services::Services};

/// The `detail-type` of the call.
pub const PLAN: &str = "postback.plan";

/// The call: these members alone, so that no trigger's event is one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Box<RawValue>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanAnswer {
    /// The reason for which the settings in force leave the order out; `None` if they do not. Never
    /// absent: another answer than this is no answer.
    #[serde(deserialize_with = "Option::deserialize")]
    pub left_out: Option<String>,
}

/// The order of the call; `None` if the event is not the call.
pub(super) fn order_of(payload: &RawValue) -> Option<Box<RawValue>> {
    let call: Call = serde_json::from_str(payload.get()).ok()?;
    (call.detail_type == PLAN).then_some(call.detail)
}

/// Answers the question about an order. One with faults is not left out: it is refused when it is sent.
pub(super) async fn answer<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
    order: &RawValue,
) -> PlanAnswer {
    let order = direct::parse::<N>(order.get(), dispatcher.services().now());
    let Ok(Arrived::Order(order)) = order else { return PlanAnswer::default() };
    let left_out = dispatcher.left_out(&order).await;
    PlanAnswer { left_out: left_out.map(|reason| reason.to_string()) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json, value::to_raw_value};

    use super::*;

    fn is_call(event: &Value) -> bool {
        order_of(&to_raw_value(event).expect("JSON")).is_some()
    }

    #[test]
    fn another_answer_is_none() {
        let from_json = |answer: Value| serde_json::from_value::<PlanAnswer>(answer).ok();

        assert_eq!(from_json(json!({ "left_out": null })), Some(PlanAnswer::default()));
        assert_eq!(from_json(json!({})), None);
        assert_eq!(from_json(json!({ "left_out": null, "statusCode": 500 })), None);
    }

    #[test]
    fn nobody_outside_can_make_an_event_the_call() {
        let order = json!({ "order_id": "A-1" });

        assert!(is_call(&json!({ "detail-type": PLAN, "detail": order })));
        assert!(!is_call(&json!({ "detail-type": PLAN })));
        assert!(!is_call(&json!({ "detail-type": "order.completed", "detail": order })));
        // As EventBridge and API Gateway write events.
        assert!(!is_call(&json!({ "source": "s", "detail-type": PLAN, "detail": order })));
        let request = json!({ "http": { "method": "POST" } });
        let posted = json!({ "detail-type": PLAN, "detail": order, "requestContext": request });
        assert!(!is_call(&posted));
    }
}
