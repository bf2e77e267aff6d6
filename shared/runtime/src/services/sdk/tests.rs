use std::net::SocketAddr;

use aws_sdk_dynamodb::{Client, error::SdkError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

/// A service that answers every request with what it is given, or never.
struct Service {
    address: SocketAddr,
    heads: mpsc::UnboundedReceiver<String>,
}

impl Service {
    async fn start(answer: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, heads) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(serve(stream, answer.clone(), asked.clone()));
            }
        });
        Self { address, heads }
    }

    fn client(&self) -> Client {
        let credentials = Credentials::new("id", "key", None, None, "test");
        let limits = CallLimits::default();
        let config = config(Region::new("eu-central-1"), credentials, limits)
            .endpoint_url(format!("http://{}", self.address))
            .build();
        let config = aws_sdk_dynamodb::config::Builder::from(&config).interceptor(MinimalHeaders);
        Client::from_conf(config.build())
    }

    fn asked(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.heads.try_recv().ok()).collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Option<String>,
    asked: mpsc::UnboundedSender<String>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a request"));
    }
    let head = String::from_utf8(head).expect("text");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
    stream.read_exact(&mut body).await.expect("a body");
    let _listening = asked.send(head);
    match answer {
        Some(answer) => stream.write_all(answer.as_bytes()).await.expect("an answer"),
        None => std::future::pending().await,
    }
}

fn answer(body: &str) -> String {
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0";
    format!("{head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

fn names(head: &str) -> Vec<String> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let mut names: Vec<_> = lines.map(|(name, _)| name.to_lowercase()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_request_says_who_asks_and_nothing_of_the_sdk() {
    let mut service = Service::start(Some(answer("{}"))).await;

    service.client().describe_limits().send().await.expect("an answer");

    let [head] = &service.asked()[..] else { panic!("not one request") };
    assert!(head.contains(&format!("user-agent: {NAME}\r\n")), "{head}");
    let plain = [
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-amz-date",
        "x-amz-target",
    ];
    assert_eq!(names(head), plain);
}

#[tokio::test]
async fn an_answer_of_any_length_is_read_whole() {
    for length in [1, 1000, 1024, 5000, 300_000] {
        let name = "x".repeat(length);
        let body = format!(r#"{{"TableNames":["{name}"]}}"#);
        let service = Service::start(Some(answer(&body))).await;

        let output = service.client().list_tables().send().await.expect("an answer");

        assert_eq!(output.table_names.unwrap_or_default(), [name]);
    }
}

#[tokio::test]
async fn a_long_head_is_read_whole() {
    let (head, body) = answer("{}").split_once("\r\n\r\n").map(owned).expect("a head");
    let head = format!("{head}\r\nx-amzn-padding: {}", "x".repeat(20_000));
    let service = Service::start(Some(format!("{head}\r\n\r\n{body}"))).await;

    service.client().describe_limits().send().await.expect("an answer");
}

fn owned((head, body): (&str, &str)) -> (String, String) {
    (head.to_owned(), body.to_owned())
}

#[tokio::test(start_paused = true)]
async fn who_never_answers_is_asked_again_and_given_up_after_five_seconds() {
    let mut service = Service::start(None).await;
    let before = tokio::time::Instant::now();

    let given_up = service.client().describe_limits().send().await.expect_err("no answer");

    assert!(matches!(given_up, SdkError::TimeoutError(_)), "{given_up:?}");
    assert_eq!(before.elapsed().as_secs(), CallLimits::default().operation.as_secs());
    let asked = service.asked().len();
    assert!((2..=3).contains(&asked), "{asked} times");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let whole = answer(r#"{"TableNames":[]}"#);
    let mut service = Service::start(Some(whole[..whole.len() - 3].to_owned())).await;

    let lost = service.client().list_tables().send().await.expect_err("no whole answer");

    assert!(matches!(lost, SdkError::DispatchFailure(_)), "{lost:?}");
    assert_eq!(service.asked().len(), 3);
}
