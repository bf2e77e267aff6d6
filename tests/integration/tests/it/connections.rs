//! Connections to a network: kept while they are surely fresh, never so long that a request meets a
//! closed one.

use std::time::Duration;

use postback_core::{clock::Timestamp, http::Request};
use postback_harness::TestBed;
use postback_integration::{minimal, with};
use postback_runtime::client::{SendResult, Sender};
use serde_json::{Value, json};
use shopback::ShopBack;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use url::Url;

/// The answer to every request: ShopBack's yes.
const YES: &str = "success=true;";

/// A network that answers every request, reports the connection of each, and closes
/// one after so many requests.
struct Host {
    sender: Sender,
    requests: mpsc::UnboundedReceiver<usize>,
    closed: mpsc::UnboundedReceiver<usize>,
    address: std::net::SocketAddr,
}

impl Host {
    async fn start(requests_each: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (served, requests) = mpsc::unbounded_channel();
        let (gone, closed) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 1.. {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (served, gone) = (served.clone(), gone.clone());
                tokio::spawn(async move {
                    answer(stream, number, requests_each, served).await;
                    let _ended = gone.send(number);
                });
            }
        });
        let endpoint = Url::parse(&format!("http://{address}")).expect("a URL");
        let sender = Sender::new(endpoint, Duration::from_secs(20), Duration::from_secs(3));
        Self { sender, requests, closed, address }
    }

    /// Sends a request. The number of the connection that it came on.
    async fn send(&mut self, now: Timestamp) -> usize {
        let outcome = self.sender.send(&Request::get("order"), now).await;
        assert!(
            matches!(&outcome, SendResult::Answered(answer) if answer.body == YES.as_bytes()),
            "{outcome:?}"
        );
        self.connection().await
    }

    /// The number of the connection that the next request came on.
    async fn connection(&mut self) -> usize {
        self.requests.recv().await.expect("a request")
    }

    /// Returns once a connection was closed and everybody here could see it: whatever happened
    /// before this round trip has been polled by its end.
    async fn has_closed(&mut self) {
        self.closed.recv().await.expect("a closed connection");
        let mut probe = TcpStream::connect(self.address).await.expect("a connection");
        probe.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("sent");
        probe.read_u8().await.expect("an answer");
        self.requests.recv().await.expect("the probe's request");
    }
}

async fn answer(
    mut stream: TcpStream,
    number: usize,
    requests: usize,
    served: mpsc::UnboundedSender<usize>,
) {
    for _ in 0..requests {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let _listening = served.send(number);
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{YES}", YES.len());
        stream.write_all(answer.as_bytes()).await.expect("an answer");
    }
}

fn start() -> Timestamp {
    Timestamp::parse("2026-11-21T10:15:00Z").expect("an instant")
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_order_but_not_for_long() {
    let mut host = Host::start(100).await;

    let first = host.send(start()).await;
    let soon = host.send(start() + Duration::from_secs(2)).await;
    let at_the_limit = host.send(start() + Duration::from_secs(5)).await;
    let after_a_freeze = host.send(start() + Duration::from_mins(10)).await;

    assert_eq!([first, soon, at_the_limit, after_a_freeze], [1, 1, 1, 2]);
}

#[tokio::test]
async fn a_connection_that_the_network_has_closed_costs_no_answer() {
    let mut host = Host::start(1).await;

    let first = host.send(start()).await;
    host.has_closed().await;
    let next = host.send(start() + Duration::from_secs(1)).await;

    assert_eq!((first, next), (1, 3), "the second one was the probe");
}

/// The connections on which ShopBack gets three orders, under these settings: 40 seconds lie before
/// the second one, and 50 before the third.
async fn connections_of(more: &[(&str, Value)]) -> [usize; 3] {
    let (mut host, bed) = (Host::start(100).await, TestBed::new(1).await);
    let mut secret =
        json!({ "offer_id": 1234, "security_token": "fake0token0fake0token0fake0token" });
    for (name, value) in more {
        secret[*name] = value.clone();
    }
    let endpoint = format!("http://{}/", host.address);
    let function = bed.function_at::<ShopBack>(&endpoint, &secret.to_string()).await;
    let mut connections = [0; 3];
    for (at, pause) in [0, 40, 50].into_iter().enumerate() {
        bed.advance(Duration::from_secs(pause));
        let click = json!(at.to_string().repeat(30));
        let order = with(minimal(&format!("A-{at}")), "/clicks/shopback/transaction_id", click);
        let answer = function.post(&order).await;
        assert_eq!(answer.body["state"], "delivered", "{}", answer.body);
        connections[at] = host.connection().await;
    }
    connections
}

#[tokio::test]
async fn a_connection_is_kept_longer_only_where_a_lost_answer_resolves_itself() {
    let resolved = connections_of(&[]).await;
    let held = connections_of(&[("on_unconfirmed", json!("hold"))]).await;

    assert_eq!(resolved, [1, 1, 2]);
    assert_eq!(held, [1, 2, 3]);
}
