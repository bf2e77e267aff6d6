//! The call of `postback doctor`, which every function answers with its version and its template's digest. A network's function
//! also reads its settings as they are now, and asks the network where that is harmless. No order is
//! reported, nothing is written, and nothing else of the function runs.

use lambda_runtime::Error;
use postback_core::network::{Network, TracksStatus};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    dispatch::{Configured, Dispatcher},
    services::Services,
};

/// The `detail-type` of the call.
pub const CHECK: &str = "postback.check";

/// The digest of the template, which `make generate` writes there as well.
const TEMPLATE: &str = include_str!("template_digest.txt");

/// The call: this member alone. Every trigger's event has others, so none of them is the call,
/// whatever a caller of the API or a sender on the bus writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    #[serde(rename = "detail-type")]
    detail_type: String,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The version that the function was built as.
    pub version: String,
    /// The digest of the template that the function was built beside.
    pub template: String,
    /// The faults of the settings as they are now; `None` if there are none.
    pub settings: Option<String>,
    /// True if the network was asked.
    pub asked: bool,
    /// The reason that the network gave no status, if it was asked.
    pub refused: Option<String>,
}

impl Checked {
    /// The answer of this version, without a fault.
    fn of_this_version() -> Self {
        let (version, template) = (env!("CARGO_PKG_VERSION").to_owned(), TEMPLATE.to_owned());
        Self { version, template, ..Self::default() }
    }
}

/// Returns whether an event is the call.
pub(super) fn is_call(payload: &RawValue) -> bool {
    serde_json::from_str::<Call>(payload.get()).is_ok_and(|call| call.detail_type == CHECK)
}

/// The answer of a function that has no network; `None` if the event is not the call.
pub(super) fn answer(payload: &RawValue) -> Result<Option<Box<RawValue>>, Error> {
    if !is_call(payload) {
        return Ok(None);
    }
    Ok(Some(to_raw_value(&Checked::of_this_version())?))
}

/// Checks the settings.
pub(super) async fn settings<N: Network, S: Services>(dispatcher: &Dispatcher<N, S>) -> Checked {
    read_settings(dispatcher).await.0
}

/// Checks the settings, and asks the network.
pub(super) async fn settings_and_network<N: TracksStatus, S: Services>(
    dispatcher: &Dispatcher<N, S>,
) -> Checked {
    let (checked, configured) = read_settings(dispatcher).await;
    let Some(configured) = configured else { return checked };
    let refused = dispatcher.ask_harmlessly(&configured).await.err();
    Checked { asked: true, refused: refused.map(|reason| reason.to_string()), ..checked }
}

async fn read_settings<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
) -> (Checked, Option<Configured<N>>) {
    let read = dispatcher.read_settings().await;
    let settings = read.as_ref().err().map(ToString::to_string);
    (Checked { settings, ..Checked::of_this_version() }, read.ok())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use postback_core::clock::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        lambda::{
            ScheduleHandler, StreamHandler,
            api::{self, Request, Response},
            handle_batch, handle_request, handle_scheduled,
            messages::{self, ApiAndQueueHandler},
        },
        services::Unavailable,
    };

    const NOW: Timestamp = Timestamp::from_millis(1_763_000_000_000);

    /// A function of every kind that counts what it is called for.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Counting {
        fn count(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn counted(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl StreamHandler for Counting {
        async fn handle(&self, _payload: &RawValue) -> Result<(), Error> {
            self.count();
            Ok(())
        }
    }

    impl ScheduleHandler for Counting {
        async fn handle(&self, _deadline: Timestamp) -> Result<(), Error> {
            self.count();
            Ok(())
        }
    }

    impl ApiAndQueueHandler for Counting {
        async fn answer(&self, _request: Request, _now: Timestamp) -> Response {
            self.count();
            api::answer(200, &json!({}))
        }

        async fn take(&self, _message: &str, _now: Timestamp) -> Result<(), Unavailable> {
            self.count();
            Ok(())
        }
    }

    fn raw(event: &Value) -> Box<RawValue> {
        to_raw_value(event).expect("JSON")
    }

    /// The answers of a function of each kind to an event, and how often a function ran for it.
    async fn of_each_kind(event: &Value) -> (Vec<Option<Box<RawValue>>>, usize) {
        let (counting, event) = (Counting::default(), raw(event));
        let api = async |request: Request, now: Timestamp| counting.answer(request, now).await;
        let answers = vec![
            handle_batch(&counting, &event).await.ok(),
            handle_scheduled(&counting, &event, NOW).await.ok(),
            handle_request(&api, &event, NOW).await.ok(),
            messages::handle(&counting, &event, NOW).await.ok(),
        ];
        (answers, counting.counted())
    }

    #[tokio::test]
    async fn a_function_of_each_kind_answers_with_its_version_and_does_nothing_else() {
        let (answers, ran) = of_each_kind(&json!({ "detail-type": CHECK })).await;

        for answer in answers {
            let answer = answer.expect("an answer");
            let checked: Checked = serde_json::from_str(answer.get()).expect("what was checked");
            assert_eq!(checked, Checked::of_this_version());
            assert!(!checked.version.is_empty());
            let is_digest = checked.template.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(checked.template.len() == 16 && is_digest, "{}", checked.template);
        }
        assert_eq!(ran, 0);
    }

    #[tokio::test]
    async fn nobody_outside_can_make_an_event_the_call() {
        let call = json!({ "detail-type": CHECK }).to_string();
        let request = json!({ "http": { "method": "POST" } });
        let posted = json!({
            "requestContext": request, "rawPath": "/orders", "headers": { "detail-type": CHECK },
            "body": call, "detail-type": CHECK,
        });
        let message = json!({ "messageId": "1", "body": call });
        let batch = json!({ "Records": [message], "detail-type": CHECK });

        // The stream and the schedule take any event; the others their own.
        assert_eq!(of_each_kind(&posted).await.1, 4);
        assert_eq!(of_each_kind(&batch).await.1, 3);
        assert_eq!(of_each_kind(&json!({ "source": "s", "detail-type": CHECK })).await.1, 2);
        assert_eq!(of_each_kind(&json!({ "detail-type": "Scheduled Event" })).await.1, 2);
    }
}
