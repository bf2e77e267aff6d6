use std::sync::{Arc, Mutex};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_eventbridge::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::*;

/// An `EventBridge` that refuses what is of the type "refused" and says nothing of "unnamed".
#[derive(Clone, Debug, Default)]
struct Bridge(Arc<Mutex<Vec<Vec<String>>>>);

impl HttpClient for Bridge {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Bridge {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let asked: Value =
            serde_json::from_slice(request.body().bytes().expect("a body")).expect("JSON");
        let entries = asked["Entries"].as_array().expect("entries");
        let types: Vec<_> = entries.iter().map(|entry| text(&entry["DetailType"])).collect();
        let named = types.iter().filter(|of_one| *of_one != "unnamed");
        let answers: Vec<_> = named.map(|of_one| answer(of_one)).collect();
        let failed = types.iter().filter(|of_one| *of_one == "refused").count();
        self.0.lock().expect("the calls").push(types);
        let body = json!({ "FailedEntryCount": failed, "Entries": answers }).to_string();
        let response = http::Response::new(SdkBody::from(body));
        HttpConnectorFuture::new(async {
            Ok(HttpResponse::try_from(response).expect("a response"))
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn answer(detail_type: &str) -> Value {
    match detail_type {
        "refused" => json!({ "ErrorCode": "InternalFailure" }),
        _ => json!({ "EventId": "e" }),
    }
}

fn bus() -> (Bus, Bridge) {
    let bridge = Bridge::default();
    let credentials = Credentials::new("id", "key", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(bridge.clone())
        .build();
    (Bus::named(&config, "bus".to_owned()), bridge)
}

fn calls(bridge: &Bridge) -> Vec<usize> {
    bridge.0.lock().expect("the calls").iter().map(Vec::len).collect()
}

fn event(detail_type: &str, bytes: usize) -> BusEvent {
    let (source, detail_type) = ("shop".to_owned(), detail_type.to_owned());
    BusEvent { source, detail_type, detail: "x".repeat(bytes) }
}

#[tokio::test]
async fn puts_ten_events_a_call_and_no_more_bytes_than_one_call_may_hold() {
    let (bus, bridge) = bus();

    bus.put_all(&vec![event("one", 10); 12]).await.expect("taken");
    bus.put_all(&vec![event("one", 100 * 1024); 3]).await.expect("taken");
    bus.put_all(&[event("one", 200 * 1024)]).await.expect("taken");

    assert_eq!(calls(&bridge), [10, 2, 1, 1, 1, 1]);
}

#[tokio::test]
async fn returns_what_the_bus_refused_and_everything_after_it() {
    let (bus, bridge) = bus();
    let mut events = vec![event("one", 1); 10];
    events[3] = event("refused", 1);
    events.push(event("later", 1));

    let refused = bus.put_all(&events).await.expect_err("refused");

    assert_eq!(refused, [event("refused", 1), event("later", 1)]);
    assert_eq!(calls(&bridge), [10]);
}

#[tokio::test]
async fn a_success_that_names_no_events_took_none() {
    let (bus, _) = bus();
    let events = [event("unnamed", 1), event("unnamed", 1)];

    let refused = bus.put_all(&events).await.expect_err("nothing was taken");

    assert_eq!(refused, events);
}
