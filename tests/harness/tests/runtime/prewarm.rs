//! The connection to the network that is opened before an order needs it.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::time::Duration;

use postback_core::{clock::Timestamp, http::Request};
use postback_runtime::client::{SendResult, Sender};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::Url;

/// 2026-11-21T10:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);
/// For what comes, however busy the machine is.
const LONG: Duration = Duration::from_mins(1);

async fn network() -> (TcpListener, Sender) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let endpoint = Url::parse(&format!("http://{address}/")).expect("a URL");
    (listener, Sender::new(endpoint, LONG, Duration::from_secs(3)))
}

async fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().await.expect("a connection").0
}

/// Reads one request, answers it, and says what was read.
async fn serve(stream: &mut TcpStream) -> String {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        asked.push(stream.read_u8().await.expect("a request"));
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.expect("written");
    String::from_utf8(asked).expect("text")
}

fn status(outcome: &SendResult) -> u16 {
    match outcome {
        SendResult::Answered(answer) => answer.status,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_first_request_goes_over_the_connection_that_was_opened_ahead() {
    let (listener, sender) = network().await;
    sender.prewarm(NOW);
    let mut opened = accept(&listener).await;

    let (request, later) = (Request::get("first"), Request::get("second"));
    let (outcome, asked) = tokio::join!(sender.send(&request, NOW), serve(&mut opened));
    let (again, asked_again) = tokio::join!(sender.send(&later, NOW), serve(&mut opened));

    // It is the first thing that ever came on it.
    assert!(asked.starts_with("GET /first HTTP/1.1\r\n"), "{asked}");
    assert!(asked_again.starts_with("GET /second HTTP/1.1\r\n"), "{asked_again}");
    assert_eq!((status(&outcome), status(&again)), (200, 200));
}

#[tokio::test]
async fn a_second_request_at_once_has_a_connection_of_its_own() {
    let (listener, sender) = network().await;
    sender.prewarm(NOW);
    let mut opened = accept(&listener).await;

    let serve_both = async {
        let other = async { serve(&mut accept(&listener).await).await };
        tokio::join!(serve(&mut opened), other)
    };
    let (first, second) = (Request::get("a"), Request::get("b"));
    let (one, two, _) =
        tokio::join!(sender.send(&first, NOW), sender.send(&second, NOW), serve_both);

    assert_eq!((status(&one), status(&two)), (200, 200));
}

#[tokio::test]
async fn one_that_the_network_has_closed_is_not_used() {
    let (listener, sender) = network().await;
    sender.prewarm(NOW);
    let mut opened = accept(&listener).await;
    opened.shutdown().await.expect("closed");

    let request = Request::get("x");
    let fresh = async { serve(&mut accept(&listener).await).await };
    let (outcome, _) = tokio::join!(sender.send(&request, NOW), fresh);

    assert_eq!(status(&outcome), 200);
    assert_eq!(opened.read(&mut [0; 8]).await.expect("the end"), 0);
}

#[tokio::test]
async fn one_on_which_the_network_spoke_first_is_not_used() {
    let (listener, sender) = network().await;
    sender.prewarm(NOW);
    let mut opened = accept(&listener).await;
    opened.write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n").await.expect("written");

    let request = Request::get("x");
    let fresh = async { serve(&mut accept(&listener).await).await };
    let (outcome, _) = tokio::join!(sender.send(&request, NOW), fresh);

    assert_eq!(status(&outcome), 200);
}

#[tokio::test]
async fn one_that_was_opened_before_a_freeze_is_not_used() {
    let (listener, sender) = network().await;
    sender.prewarm(NOW);
    let mut opened = accept(&listener).await;

    let request = Request::get("x");
    let fresh = async { serve(&mut accept(&listener).await).await };
    let (outcome, _) = tokio::join!(sender.send(&request, NOW + Duration::from_secs(4)), fresh);

    assert_eq!(status(&outcome), 200);
    assert_eq!(opened.read(&mut [0; 8]).await.expect("the end"), 0);
}

#[tokio::test]
async fn one_that_can_t_be_opened_costs_nothing() {
    let (listener, sender) = network().await;
    let address = listener.local_addr().expect("an address");
    drop(listener);
    sender.prewarm(NOW);
    tokio::task::yield_now().await;
    let listener = TcpListener::bind(address).await.expect("the same port");

    let request = Request::get("x");
    let fresh = async { serve(&mut accept(&listener).await).await };
    let (outcome, _) = tokio::join!(sender.send(&request, NOW), fresh);

    assert_eq!(status(&outcome), 200);
}

#[tokio::test]
async fn one_is_opened_anew_only_where_none_may_be_fresh() {
    let (listener, sender) = network().await;
    sender.prewarm(NOW);
    let mut opened = accept(&listener).await;
    let request = Request::get("x");
    let (outcome, _) = tokio::join!(sender.send(&request, NOW), serve(&mut opened));
    assert_eq!(status(&outcome), 200);

    // Within the time that one may stay unused it is the same connection.
    let soon = NOW + Duration::from_secs(2);
    sender.prewarm(soon);
    let (outcome, _) = tokio::join!(sender.send(&request, soon), serve(&mut opened));
    assert_eq!(status(&outcome), 200);

    let late = soon + Duration::from_secs(4);
    sender.prewarm(late);
    let mut anew = accept(&listener).await;
    let (outcome, _) = tokio::join!(sender.send(&request, late), serve(&mut anew));
    assert_eq!(status(&outcome), 200);
    assert_eq!(opened.read(&mut [0; 8]).await.expect("the end"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_at_once_open_connections_ahead_without_meeting_each_other() {
    let (listener, sender) = network().await;
    let serving = tokio::spawn(async move {
        loop {
            let mut stream = accept(&listener).await;
            tokio::spawn(async move {
                // One that was only opened is closed without a word.
                while stream.peek(&mut [0]).await.is_ok_and(|bytes| bytes > 0) {
                    serve(&mut stream).await;
                }
            });
        }
    });

    let mut orders = JoinSet::new();
    for number in 0..200 {
        let (sender, now) = (sender.clone(), NOW + Duration::from_secs(number * 2));
        orders.spawn(async move {
            sender.prewarm(now);
            status(&sender.send(&Request::get("x"), now).await)
        });
    }
    assert_eq!(orders.join_all().await, vec![200; 200]);
    serving.abort();
}
