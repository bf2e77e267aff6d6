//! The result of a request whose answer comes whole, in part or not at all.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{IfAbsent, Verdict},
    http::{Answer, BODY_CAP, Request},
    redaction::Reason,
};
use postback_runtime::client::{SendResult, Sender};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};
use url::Url;

/// 2026-11-21T10:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

/// Long enough for a busy machine.
const LONG: Duration = Duration::from_mins(1);

/// The wait for an answer that never comes.
const SHORT: Duration = Duration::from_millis(200);

fn sender(listener: &TcpListener, timeout: Duration) -> Sender {
    let _already = rustls::crypto::ring::default_provider().install_default();
    let address = listener.local_addr().expect("an address");
    let endpoint = Url::parse(&format!("http://{address}/base/")).expect("a URL");
    Sender::new(endpoint, timeout, Duration::from_secs(3))
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

/// Reads a whole request, head and body.
async fn request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    loop {
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            lengths.next().is_none_or(|(_, length)| length == body.len().to_string())
        });
        if whole {
            return text;
        }
        let mut bytes = [0; 4_096];
        let count = stream.read(&mut bytes).await.expect("bytes");
        assert!(count > 0, "the request ends early");
        text.push_str(str::from_utf8(&bytes[..count]).expect("text"));
    }
}

/// The result when the network answers `answer` and closes; and the request that it read.
async fn answered(what: &Request, answer: &[u8]) -> (SendResult, String) {
    let listener = listener().await;
    let sender = sender(&listener, LONG);
    let serve = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let asked = request(&mut stream).await;
        // The sender may hang up before it has read all.
        let _hung_up = stream.write_all(answer).await;
        asked
    };
    tokio::join!(sender.send(what, NOW), serve)
}

fn whole(outcome: SendResult) -> Answer {
    match outcome {
        SendResult::Answered(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn maybe(outcome: &SendResult) -> &str {
    match outcome {
        SendResult::MaybeSent(reason) => reason.as_str(),
        other => panic!("{other:?}"),
    }
}

fn with_length(status: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    answer.push_str(&String::from_utf8_lossy(body));
    answer.into_bytes()
}

#[tokio::test]
async fn a_get_has_its_query_and_no_body() {
    let (outcome, asked) =
        answered(&Request::get("ping").query("a", "b c"), &with_length("200 OK", b"ok")).await;

    assert!(asked.starts_with("GET /base/ping?a=b%20c HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("\r\nuser-agent: postback/"), "{asked}");
    let answer = whole(outcome);
    assert_eq!(
        (answer.status, answer.body.as_slice(), answer.retry_after),
        (200, &b"ok"[..], None)
    );
}

#[tokio::test]
async fn a_post_says_that_its_body_is_json() {
    let body = serde_json::json!({ "id": 1 });
    let (_, asked) = answered(&Request::post_json("add", body), &with_length("200 OK", b"")).await;

    assert!(asked.starts_with("POST /base/add HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("\r\ncontent-type: application/json\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\n{\"id\":1}"), "{asked}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let redirect =
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n";

    assert_eq!(whole(answered(&Request::get("x"), redirect).await.0).status, 302);
}

#[tokio::test]
async fn retry_after_counts_from_the_time_of_sending() {
    let date = b"HTTP/1.1 503 x\r\nRetry-After: Sat, 21 Nov 2026 10:16:30 GMT\r\nContent-Length: 0\r\n\r\n";

    let answer = whole(answered(&Request::get("x"), date).await.0);

    assert_eq!(answer.retry_after, Some(Duration::from_secs(90)));
}

#[tokio::test]
async fn an_answer_that_stops_before_its_length_is_cut_off() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsuccess";

    assert_eq!(maybe(&answered(&Request::get("x"), cut).await.0), "answer_cut_off");
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nsuccess\r\n";
    assert_eq!(maybe(&answered(&Request::get("x"), chunked).await.0), "answer_cut_off");
}

#[tokio::test]
async fn a_plain_answer_without_length_is_not_known_to_be_whole() {
    let bare = b"HTTP/1.1 200 OK\r\n\r\nsuccess";
    let (get, start) = (Request::get("x"), Request::get("x").start_of_answer_suffices());

    assert_eq!(maybe(&answered(&get, bare).await.0), "answer_without_length");
    assert_eq!(whole(answered(&start, bare).await.0).body, b"success");
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nsuccess\r\n0\r\n\r\n";
    assert_eq!(whole(answered(&get, chunked).await.0).body, b"success");
    for status in [204, 304] {
        let bodiless = format!("HTTP/1.1 {status} x\r\n\r\n");
        assert_eq!(whole(answered(&get, bodiless.as_bytes()).await.0).status, status);
    }
}

#[tokio::test]
async fn an_answer_longer_than_the_cap_is_cut_or_not_believed() {
    let (get, start) = (Request::get("x"), Request::get("x").start_of_answer_suffices());
    let full = with_length("200 OK", &vec![b'a'; BODY_CAP]);
    let longer = with_length("200 OK", &[vec![b'a'; BODY_CAP], vec![b'b']].concat());

    assert_eq!(whole(answered(&get, &full).await.0).body.len(), BODY_CAP);
    assert_eq!(maybe(&answered(&get, &longer).await.0), "answer_too_long");
    assert_eq!(whole(answered(&start, &longer).await.0).body, vec![b'a'; BODY_CAP]);
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_is_lost() {
    assert_eq!(maybe(&answered(&Request::get("x"), b"").await.0), "connection_lost");
    assert_eq!(maybe(&answered(&Request::get("x"), b"HTTP/1.1 20").await.0), "connection_lost");
}

#[tokio::test]
async fn silence_after_the_request_may_have_been_heard() {
    let listener = listener().await;
    let sender = sender(&listener, SHORT);
    let serve = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        request(&mut stream).await;
        stream
    };

    let get = Request::get("x");
    let (outcome, _open) = tokio::join!(sender.send(&get, NOW), serve);

    assert_eq!(maybe(&outcome), "answer_timeout");
}

#[tokio::test]
async fn silence_in_the_middle_of_the_answer_is_no_answer() {
    let listener = listener().await;
    let sender = sender(&listener, SHORT);
    let serve = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsucc").await.expect("sent");
        stream
    };

    let get = Request::get("x");
    let (outcome, _open) = tokio::join!(sender.send(&get, NOW), serve);

    assert_eq!(maybe(&outcome), "answer_timeout");
}

#[tokio::test]
async fn who_cannot_be_reached_was_not_sent_anything() {
    let refusing = listener().await;
    let refused = sender(&refusing, LONG);
    drop(refusing);

    let outcome = refused.send(&Request::get("x"), NOW).await;

    assert!(matches!(&outcome, SendResult::NotSent(reason) if reason.as_str() == "connect_failed"));
}

/// A certificate that does not hold, a wrong port: no outage, so it has a name of its own.
#[tokio::test]
async fn where_tls_fails_nothing_was_sent() {
    let listener = listener().await;
    let address = listener.local_addr().expect("an address");
    let _already = rustls::crypto::ring::default_provider().install_default();
    let endpoint = Url::parse(&format!("https://{address}/")).expect("a URL");
    let sender = Sender::new(endpoint, LONG, Duration::from_secs(3));
    let serve = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let _hung_up = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        stream
    };

    let request = Request::get("x");
    let (outcome, _stream) = tokio::join!(sender.send(&request, NOW), serve);

    assert!(matches!(&outcome, SendResult::NotSent(reason) if reason.as_str() == "tls_failed"));
}

#[tokio::test]
async fn an_answer_says_what_its_body_is() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";
    let typed =
        format!("{head}Content-Type: Text/HTML; charset=utf-8\r\nContent-Encoding: br\r\n\r\nok");
    let (outcome, _) = answered(&Request::get("x"), typed.as_bytes()).await;
    let answer = whole(outcome);
    assert_eq!((answer.content_type.as_deref(), answer.is_encoded), (Some("text/html"), true));

    let (outcome, _) = answered(&Request::get("x"), format!("{head}\r\nok").as_bytes()).await;
    let answer = whole(outcome);
    assert_eq!((answer.content_type, answer.is_encoded), (None, false));
}

/// A listener whose queue is full takes no more connections.
#[tokio::test]
async fn who_does_not_pick_up_was_not_sent_anything() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let full = socket.listen(0).expect("a listener");
    let address = full.local_addr().expect("an address");
    let _waiting = TcpStream::connect(address).await.expect("the one that fits");
    let sender = sender(&full, SHORT * 2);

    let outcome = sender.send(&Request::get("x"), NOW).await;

    assert!(
        matches!(&outcome, SendResult::NotSent(reason) if reason.as_str() == "connect_timeout")
    );
}

#[test]
fn what_was_not_answered_means_the_same_for_every_network() {
    let reason = Reason::new("a_reason");
    let retry = Verdict::Retry { reason: reason.clone(), after: None, sent: false };
    let unconfirmed =
        Verdict::Unconfirmed { reason: reason.clone(), if_absent: IfAbsent::SendAgain };

    assert_eq!(SendResult::NotSent(reason.clone()).unanswered(), Some(retry));
    assert_eq!(SendResult::MaybeSent(reason).unanswered(), Some(unconfirmed));
    assert_eq!(SendResult::Answered(Answer::new(200, "")).unanswered(), None);
}

#[tokio::test]
async fn a_sender_shows_nothing_of_itself() {
    let listener = listener().await;

    assert_eq!(format!("{:?}", sender(&listener, LONG)), "Sender { .. }");
}
