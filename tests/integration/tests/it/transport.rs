//! Faults of the transport: each means the same for all networks.

use std::time::Duration;

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use postback_core::network::Network as _;
use postback_harness::{Function, Patience};
use postback_integration::{Bundle, minimal};
use postback_sandbox::{Answer, CashMyCellAnswer, Fault, Network, Rule};
use serde_json::Value;
use shopback::ShopBack;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const NETWORKS: [Network; 4] =
    [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack];

/// For what comes, however busy the machine is.
const LONG: Duration = Duration::from_mins(1);

/// For what never comes.
const SHORT: Duration = Duration::from_millis(300);

/// State and reason, as the API shows them.
type Shown = (String, String);

fn shown(state: &str, reason: &str) -> Shown {
    (state.to_owned(), reason.to_owned())
}

fn shown_by(body: &Value) -> Shown {
    shown(body["state"].as_str().unwrap_or_default(), body["reason"].as_str().unwrap_or_default())
}

/// The results of an order at each network, each with an endpoint of its name below `base`.
async fn post_at(bundle: &Bundle, base: &str, network: Duration) -> [Shown; 4] {
    let bed = &bundle.bed;
    let patience = Patience { network, ..Patience::default() };
    let at = |name: &str| format!("{base}/{name}");
    let order = minimal("A-1");
    let services = bundle.cartstack.services.clone();
    let cartstack: Function<CartStack> =
        bed.instance_with(&at(CartStack::NAME), services, patience).await;
    let services = bundle.cashmycell.services.clone();
    let cashmycell: Function<CashMyCell> =
        bed.instance_with(&at(CashMyCell::NAME), services, patience).await;
    let services = bundle.cpa_moe.services.clone();
    let cpa_moe: Function<CpaMoe> = bed.instance_with(&at(CpaMoe::NAME), services, patience).await;
    let services = bundle.shopback.services.clone();
    let shopback: Function<ShopBack> =
        bed.instance_with(&at(ShopBack::NAME), services, patience).await;
    [
        shown_by(&cartstack.post(&order).await.body),
        shown_by(&cashmycell.post(&order).await.body),
        shown_by(&cpa_moe.post(&order).await.body),
        shown_by(&shopback.post(&order).await.body),
    ]
}

/// The results of an order at each network that meets `fault`.
async fn post_through(bundle: &Bundle, fault: &Fault) -> [Shown; 4] {
    post_within(bundle, fault, LONG).await
}

async fn post_within(bundle: &Bundle, fault: &Fault, patience: Duration) -> [Shown; 4] {
    for network in NETWORKS {
        bundle.bed.sandbox.script(Rule::on(network, fault.clone())).expect("a rule");
    }
    post_at(bundle, &bundle.bed.sandbox.base_url(), patience).await
}

fn all(state: &str, reason: &str) -> [Shown; 4] {
    std::array::from_fn(|_| shown(state, reason))
}

#[tokio::test]
async fn a_refused_connection_is_retried() {
    let bundle = Bundle::new(1).await;
    let base = bundle.bed.sandbox.base_url();
    bundle.bed.sandbox.stop().await;

    assert_eq!(post_at(&bundle, &base, LONG).await, all("retrying", "connect_failed"));
}

#[tokio::test]
async fn a_name_that_is_not_found_is_retried() {
    let bundle = Bundle::new(1).await;
    // A label longer than names may be: nobody has to be asked.
    let base = format!("http://{}.example", "a".repeat(64));

    assert_eq!(post_at(&bundle, &base, LONG).await, all("retrying", "connect_failed"));
}

#[tokio::test]
async fn a_failed_tls_handshake_is_retried() {
    let bundle = Bundle::new(1).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let plain = tokio::spawn(async move {
        let mut greeted = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            let greeting = stream.writable().await.map(|()| stream.try_write(b"Hello, no TLS\r\n"));
            assert!(matches!(greeting, Ok(Ok(_))), "{greeting:?}");
            greeted.push(stream);
        }
    });

    let results = post_at(&bundle, &format!("https://{address}"), LONG).await;

    assert_eq!(results, all("retrying", "tls_failed"));
    plain.abort();
    let failures = |document: &Value| document["TlsFailures"] == 1;
    assert!(bundle.shopback.services.metrics().iter().any(failures), "it is an alarm of its own");
}

#[tokio::test]
async fn a_connection_that_takes_too_long_is_retried() {
    let bundle = Bundle::new(1).await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    // Nobody accepts: once the queue is full, whoever comes waits.
    let mut queue = Vec::new();
    while let Ok(connected) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        queue.push(connected.expect("a connection"));
    }

    let results = post_at(&bundle, &format!("http://{address}"), SHORT).await;

    assert_eq!(results, all("retrying", "connect_timeout"));
}

#[tokio::test]
async fn a_read_timeout_is_unconfirmed() {
    let bundle = Bundle::new(1).await;

    let results = post_within(&bundle, &Fault::hang(), SHORT).await;

    assert_eq!(results, all("unconfirmed", "answer_timeout"));
}

#[tokio::test]
async fn a_reset_connection_is_unconfirmed() {
    for fault in [Fault::close_before_reading(), Fault::close_after_reading()] {
        let bundle = Bundle::new(1).await;

        assert_eq!(post_through(&bundle, &fault).await, all("unconfirmed", "connection_lost"));
    }
}

#[tokio::test]
async fn a_truncated_body_is_unconfirmed() {
    let bundle = Bundle::new(1).await;
    bundle.bed.sandbox.change_settings(|settings| {
        settings.cashmycell.answer = CashMyCellAnswer::Text;
    });

    let results = post_through(&bundle, &Fault::cut_body_at(1)).await;

    assert_eq!(results, all("unconfirmed", "answer_cut_off"));
}

#[tokio::test]
async fn a_body_over_the_cap_is_unconfirmed() {
    let bundle = Bundle::new(1).await;
    let long = Answer::of("text/html", "success=true;".repeat(10_000));

    let results = post_through(&bundle, &Fault::answer(long)).await;

    let mut expected = all("unconfirmed", "answer_too_long");
    // The start of CashMyCell's answer shows a page for people.
    expected[1] = shown("unconfirmed", "html_answer");
    assert_eq!(results, expected);
}

#[tokio::test]
async fn retry_after_is_honoured_as_seconds_and_as_a_date_and_capped() {
    for (header, next_at) in [
        ("600", "2026-11-21T10:25:00Z"),
        ("Sat, 21 Nov 2026 10:40:00 GMT", "2026-11-21T10:40:00Z"),
        ("99999999", "2026-11-21T16:15:00Z"),
    ] {
        for status in [429, 503] {
            let bundle = Bundle::new(1).await;
            let answer = Answer::status(status).with_header("retry-after", header);

            let results = post_through(&bundle, &Fault::answer(answer)).await;

            assert_eq!(results, all("retrying", &format!("http_{status}")));
            let deliveries = bundle.get("A-1").await.body()["deliveries"].clone();
            let next: Vec<_> = deliveries.as_array().expect("a list").iter().collect();
            assert_eq!(next.len(), 4);
            assert!(next.iter().all(|delivery| delivery["next_at"] == next_at), "{deliveries}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    for status in [301, 302, 303, 307, 308] {
        let bundle = Bundle::new(1).await;
        let elsewhere = format!("{}/shopback/aff_lsr", bundle.bed.sandbox.base_url());
        let answer = Answer::status(status).with_header("location", &elsewhere);

        let results = post_through(&bundle, &Fault::answer(answer)).await;

        assert_eq!(results, all("parked", "redirected"), "{status}");
        assert_eq!(bundle.bed.sandbox.requests(), 4, "{status}");
    }
}

#[tokio::test]
async fn every_status_means_the_same_at_every_network() {
    let classes: [(&[u16], &str); 5] = [
        (&[429, 521, 523], "retrying"),
        (&[500, 502, 503, 504, 520, 522, 524], "unconfirmed"),
        (&[400, 413, 414, 422], "rejected"),
        (&[401, 403, 404, 405, 410], "parked"),
        (&[300, 304, 308], "parked"),
    ];
    for (statuses, state) in classes {
        for status in statuses {
            let bundle = Bundle::new(1).await;

            let results = post_through(&bundle, &Fault::status(*status)).await;

            assert!(results.iter().all(|(is, _)| is == state), "{status}: {results:?}");
        }
    }
}

#[tokio::test]
async fn a_page_for_people_or_nothing_where_an_answer_belongs_is_unconfirmed() {
    let bundle = Bundle::new(1).await;
    let page = Answer::of("text/html", "<!DOCTYPE html><html><body>success=true;</body></html>");

    let results = post_through(&bundle, &Fault::answer(page)).await;

    assert_eq!(results, all("unconfirmed", "html_answer"));

    let bundle = Bundle::new(1).await;
    let results = post_through(&bundle, &Fault::status(200)).await;

    let mut expected = all("unconfirmed", "empty_answer");
    // Only CashMyCell is decided by the status.
    expected[1] = shown("accepted", "");
    assert_eq!(results, expected);
}
