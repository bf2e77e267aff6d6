use std::{
    future::pending,
    sync::{Arc, Mutex},
};

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
use futures_util::{FutureExt, future::join_all};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::*;

/// An `EventBridge` that refuses what is of the type "refused".
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
        let answers: Vec<_> = types.iter().map(|of_one| answer(of_one)).collect();
        let failed = types.iter().filter(|of_one| *of_one == "refused").count();
        self.0.lock().expect("the calls").push(types);
        let body = json!({ "FailedEntryCount": failed, "Entries": answers }).to_string();
        let response = http::Response::new(SdkBody::from(body));
        HttpConnectorFuture::new(async {
            // A real answer takes its time.
            yield_now().await;
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

#[tokio::test]
async fn what_is_put_at_the_same_time_goes_in_one_call_of_ten_at_most() {
    let (bus, bridge) = bus();

    let all = (0..12).map(|_| bus.put("a", "{}".to_owned()));
    let taken = join_all(all).await;

    assert_eq!(taken, [Ok(()); 12]);
    assert_eq!(calls(&bridge), [10, 2]);
}

#[tokio::test]
async fn each_hears_what_became_of_its_own() {
    let (bus, bridge) = bus();

    let put = |detail_type| bus.put(detail_type, "{}".to_owned());
    let taken = join_all([put("a"), put("refused"), put("b")]).await;

    assert_eq!(taken, [Ok(()), Err(Unavailable), Ok(())]);
    assert_eq!(calls(&bridge), [3]);
}

#[tokio::test]
async fn large_events_go_in_calls_of_their_own() {
    let (bus, bridge) = bus();
    let large = format!("\"{}\"", "x".repeat(LARGEST));

    let taken = join_all([bus.put("a", large.clone()), bus.put("b", large)]).await;

    assert_eq!(taken, [Ok(()), Ok(())]);
    assert_eq!(calls(&bridge), [1, 1]);
}

#[tokio::test]
async fn what_nobody_waits_for_leaves_when_it_is_released() {
    let (bus, bridge) = bus();
    let written = Notify::new();
    let put = || bus.put_when("a", "{}".to_owned(), written.notified());
    let mut all = join_all([put(), put(), put()]).boxed();

    assert!((&mut all).now_or_never().is_none());
    yield_now().await;
    assert!((&mut all).now_or_never().is_none());
    assert_eq!(calls(&bridge), [0; 0]);
    written.notify_waiters();

    assert_eq!(all.await, [Ok(()); 3]);
    assert_eq!(calls(&bridge), [3]);
}

#[tokio::test]
async fn what_waits_goes_along_with_another() {
    let (bus, bridge) = bus();

    let waiting = bus.put_when("a", "{}".to_owned(), pending());
    let taken = join_all([waiting.boxed(), bus.put("b", "{}".to_owned()).boxed()]).await;

    assert_eq!(taken, [Ok(()), Ok(())]);
    assert_eq!(calls(&bridge), [2]);
}
