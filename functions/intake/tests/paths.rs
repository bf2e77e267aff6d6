//! The answers at paths that no other function has.

use std::fs;

use postback_core::clock::Timestamp;
use postback_runtime::{
    lambda::api::{Request, Response},
    services::{BusEvent, EventBus, OrderServices},
};
use serde_json::Value;

/// Services that nothing may be asked of.
struct NoBus;

impl EventBus for NoBus {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        panic!("{events:?} came to the bus");
    }
}

impl OrderServices for NoBus {
    fn measure(&self, document: &Value) {
        panic!("{document} was measured");
    }
}

#[expect(clippy::expect_used, reason = "a helper of tests")]
async fn post(path: &str) -> (u16, String) {
    let (method, path) = ("POST".to_owned(), path.to_owned());
    let request = Request { method, path, ..Request::default() };
    let response: Response = intake::answer(&request, &NoBus, Timestamp::from_millis(0)).await;
    let problem: Value = serde_json::from_str(&response.body).expect("JSON");
    (response.status_code, problem["code"].as_str().unwrap_or_default().to_owned())
}

/// The networks' names: their folders'.
#[expect(clippy::expect_used, reason = "a helper of tests")]
fn networks() -> Vec<String> {
    let folders = fs::read_dir("../networks").expect("the networks");
    let folders = folders.map(|folder| folder.expect("a folder"));
    let folders = folders.filter(|folder| folder.path().join("Cargo.toml").is_file());
    folders.map(|folder| folder.file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn a_network_without_a_route_of_its_own_is_turned_off() {
    assert!(networks().len() >= 4);

    for network in networks() {
        let answer = post(&format!("/orders/{network}")).await;
        assert_eq!(answer, (404, "network_off".to_owned()), "{network}");
    }
}

#[tokio::test]
async fn a_network_that_nobody_has_heard_of_is_unknown() {
    for path in ["/orders/nobody", "/orders/intake", "/orders/shop/back", "/orders/nobody/"] {
        assert_eq!(post(path).await, (404, "unknown_network".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn no_answer_may_be_kept_by_a_cache() {
    let request = Request { method: "GET".to_owned(), ..Request::default() };

    let response = intake::answer(&request, &NoBus, Timestamp::from_millis(0)).await;

    assert_eq!(response.headers.get("cache-control").map(String::as_str), Some("no-store"));
}

#[tokio::test]
async fn a_path_that_ends_in_a_slash_is_no_networks() {
    for network in networks() {
        let answer = post(&format!("/orders/{network}/")).await;
        assert_eq!(answer, (404, "unknown_path".to_owned()), "{network}");
    }
}
