//! The connection is closed at every byte of the request and of the answer.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Proof, State},
    http::Request,
    network::Network,
};
use postback_faults::{
    Close, Ending, KillPlan, Lifecycle, NetworkCase, Received, Redelivery, StandIn, Trigger,
};
use postback_runtime::client::{SendResult, Sender};
use postback_sandbox::{Fault, Rule};
use serde_json::json;
use url::Url;

const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

fn get() -> Request {
    let request = Request::get("ss/v1/").query("email", "a+b@example.com");
    request.query("total", "14.99")
}

fn post() -> Request {
    Request::post_json("ext/add.json", json!({ "id": "A-1001", "phone": "919876543210" }))
}

/// A sender that has no connection yet.
fn sender(endpoint: &str) -> Sender {
    let endpoint = Url::parse(endpoint).expect("a URL");
    Sender::new(endpoint, Duration::from_secs(20), Duration::from_secs(3))
}

fn whole_answer() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\nsuccess=true;".to_vec()
}

/// The length of a request on the wire.
async fn length(stand_in: &StandIn, request: &Request) -> usize {
    stand_in.script([Close { answers: vec![whole_answer()], read: None, reset: false }]);
    let sent = sender(&stand_in.endpoint()).send(request, NOW).await;
    assert!(matches!(sent, SendResult::Answered(_)), "{sent:?}");
    stand_in.received(1).await[0].bytes
}

#[tokio::test]
async fn not_sent_is_reported_when_nobody_listens() {
    let stand_in = StandIn::start().await;
    let endpoint = stand_in.endpoint();
    drop(stand_in);
    tokio::task::yield_now().await;

    let sent = sender(&endpoint).send(&get(), NOW).await;

    assert!(matches!(sent, SendResult::NotSent(_)), "{sent:?}");
}

#[tokio::test]
async fn not_sent_is_never_reported_once_a_byte_was_accepted() {
    let stand_in = StandIn::start().await;
    let mut count = 0;
    for request in [get(), post()] {
        for at in 0..=length(&stand_in, &request).await {
            for reset in [false, true] {
                stand_in.script([Close { answers: Vec::new(), read: Some(at), reset }]);

                let sent = sender(&stand_in.endpoint()).send(&request, NOW).await;

                let received = stand_in.received(1).await;
                assert_eq!(received.len(), 1, "tried once, {at}");
                assert_eq!(received[0].bytes, at);
                assert!(matches!(sent, SendResult::MaybeSent(_)), "byte {at}: {sent:?}");
                count += 1;
            }
        }
    }
    println!("request closed in {count} ways");
}

#[tokio::test]
async fn a_request_on_a_connection_that_was_used_before_is_not_sent_twice_either() {
    let stand_in = StandIn::start().await;
    let (mut lost, mut moved) = (0, 0);
    for request in [get(), post()] {
        for at in 0..=length(&stand_in, &request).await {
            for reset in [false, true] {
                let answers = vec![whole_answer()];
                let again = Close { answers: answers.clone(), read: None, reset: false };
                stand_in.script([Close { answers, read: Some(at), reset }, again]);
                let sender = sender(&stand_in.endpoint());
                let first = sender.send(&request, NOW).await;
                assert!(matches!(first, SendResult::Answered(_)), "{first:?}");

                let second = sender.send(&request, NOW).await;

                let received = stand_in.received(1).await;
                let of_second = received[0].bytes - length_of_first(&received[0], at);
                match second {
                    // It went over a new connection, and nothing of it over the old one.
                    SendResult::Answered(_) => {
                        assert_eq!((of_second, received.len()), (0, 2), "byte {at}");
                        moved += 1;
                    }
                    SendResult::MaybeSent(_) => {
                        assert_eq!(received.len(), 1, "byte {at}: {received:?}");
                        lost += 1;
                    }
                    SendResult::NotSent(_) => assert_eq!(of_second, 0, "byte {at}"),
                }
            }
        }
    }
    println!("used connection closed: {lost} lost, {moved} moved to a new one unsent");
    assert!(lost > 0);
}

/// The bytes of the first request on a connection of which the second was read up to `at`.
fn length_of_first(received: &Received, at: usize) -> usize {
    assert!(received.requests >= 1 && received.bytes >= at);
    received.bytes - at
}

/// Answers as they stand on the wire, which say themselves where they end.
const BOUNDED: [(&str, &str); 5] = [
    (
        "length",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n\
         {\"status\":\"ok\",\"id\":500001}",
    ),
    (
        "length, then closed",
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 13\r\n\r\nsuccess=true;",
    ),
    (
        "chunks",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
         8\r\nsuccess=\r\n5\r\ntrue;\r\n0\r\n\r\n",
    ),
    ("no content", "HTTP/1.1 204 No Content\r\nserver: x\r\n\r\n"),
    (
        "interim, then length",
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n\
         HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK",
    ),
];

/// Answers that end where the connection ends.
const UNBOUNDED: [(&str, &str); 2] = [
    (
        "neither length nor chunks",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\
         success=false; err_msg=Duplicate recorded with Trans. ID #1.;",
    ),
    ("neither, HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-type: text/html\r\n\r\nsuccess=true;"),
];

/// The numbers of bytes after which the end of the connection was taken for the end of this answer;
/// and true if the whole one was taken for an answer.
async fn taken_for_whole(stand_in: &StandIn, answer: &str) -> (Vec<usize>, bool) {
    let answer = answer.as_bytes();
    let (mut cut, mut whole) = (Vec::new(), false);
    for at in 0..=answer.len() {
        for reset in [false, true] {
            let answers = vec![answer[..at].to_vec()];
            stand_in.script([Close { answers, read: None, reset }]);

            match sender(&stand_in.endpoint()).send(&get(), NOW).await {
                SendResult::NotSent(reason) => panic!("byte {at}: {reason:?}"),
                SendResult::MaybeSent(_) => {}
                SendResult::Answered(_) if at < answer.len() => cut.push(at),
                SendResult::Answered(_) => whole = true,
            }
        }
    }
    (cut, whole)
}

#[tokio::test]
async fn a_truncated_answer_is_never_an_answer() {
    let stand_in = StandIn::start().await;
    for (name, answer) in BOUNDED {
        assert_eq!(taken_for_whole(&stand_in, answer).await, (vec![], true), "{name}");
        println!("{name}: answer cut at each of {} bytes, in two ways", answer.len());
    }
}

#[tokio::test]
async fn a_truncated_answer_without_a_length_is_no_answer_either() {
    let stand_in = StandIn::start().await;
    for (name, answer) in UNBOUNDED {
        let (cut, _) = taken_for_whole(&stand_in, answer).await;
        assert_eq!(cut, [0_usize; 0], "{name}");
    }
}

/// Deliveries whose connection to the network is cut, `stride` bytes later each, until a cut comes
/// too late to matter.
async fn survives_cuts<N: Network>(
    case: NetworkCase<N>,
    cut: fn(usize) -> Rule,
    stride: usize,
) -> usize {
    let lifecycle = Lifecycle::new(case).await;
    for at in (0..).step_by(stride) {
        let id = format!("A{at}");
        lifecycle.bed.sandbox.script(cut(at)).expect("a rule");
        assert!(
            lifecycle
                .run(&id, Trigger::Queue, Redelivery::AfterTimeout, &KillPlan::default())
                .await
        );

        lifecycle.check(&id, &format!("{} cut at {at}", N::NAME)).await;
        let ends = lifecycle.deliveries(&id).await;
        let (effects, record) = &ends[0];
        let protocol = &record.as_ref().expect("a record").protocol;
        if lifecycle.case.ending == Ending::Held && *effects == 0 {
            assert_eq!(protocol.state, State::Unconfirmed);
        }
        let by_lookup = protocol.proof == Some(Proof::Lookup);
        if protocol.attempt == 1 && protocol.state.is_final() && !by_lookup {
            return at;
        }
    }
    unreachable!("a cut behind the end is none")
}

fn cut_request(at: usize) -> Rule {
    Rule::on_connection(Fault::cut_request_at(at))
}

fn cut_answer(at: usize) -> Rule {
    Rule {
        network: None,
        ..Rule::on(postback_sandbox::Network::ShopBack, Fault::cut_answer_at(at))
    }
}

#[tokio::test]
async fn effects_and_ledger_agree_wherever_the_answer_is_cut() {
    let cuts = [
        survives_cuts(NetworkCase::shopback(), cut_answer, 1).await,
        survives_cuts(NetworkCase::cpa_moe(), cut_answer, 1).await,
        survives_cuts(NetworkCase::cashmycell(), cut_answer, 1).await,
        survives_cuts(NetworkCase::cartstack(), cut_answer, 1).await,
    ];

    println!("answers cut at each of {cuts:?} bytes: ShopBack, cpa.moe, CashMyCell, CartStack");
}

#[tokio::test]
async fn effects_and_ledger_agree_where_the_request_is_cut() {
    // The sender's result at every single byte is tested above; this test is about its consequence.
    let cuts = [
        survives_cuts(NetworkCase::shopback(), cut_request, 16).await,
        survives_cuts(NetworkCase::cpa_moe(), cut_request, 16).await,
        survives_cuts(NetworkCase::cashmycell(), cut_request, 16).await,
        survives_cuts(NetworkCase::cartstack(), cut_request, 16).await,
    ];

    println!("requests cut at up to {cuts:?} bytes: ShopBack, cpa.moe, CashMyCell, CartStack");
}
