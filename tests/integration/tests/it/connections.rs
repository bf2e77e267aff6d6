//! Connections to a network: kept while they are surely fresh, never so long that a request meets a
//! closed one.

use std::time::Duration;

use postback_core::{clock::Timestamp, http::Request};
use postback_runtime::client::{SendResult, Sender};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use url::Url;

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
            matches!(&outcome, SendResult::Answered(answer) if answer.body == b"ok"),
            "{outcome:?}"
        );
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
        let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        stream.write_all(ok).await.expect("an answer");
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
