//! A private authority, as where egress is inspected: its certificates hold once it is trusted. A
//! process of its own, because what is trusted is the process's.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::{io::Write, net::TcpListener, sync::Arc, thread, time::Duration};

use postback_core::{clock::Timestamp, http::Request};
use postback_runtime::client::{SendResult, Sender, trust};
use rustls::{
    ServerConfig, ServerConnection, Stream,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use url::Url;

const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

/// Answers one request over TLS with the certificate of the test's authority.
fn server(host: &str) -> Url {
    let _already = rustls::crypto::ring::default_provider().install_default();
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.expect("a certificate")], key)
        .expect("a pair");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("a connection");
        let mut tls = ServerConnection::new(Arc::new(config)).expect("a server");
        let mut stream = Stream::new(&mut tls, &mut tcp);
        let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        let _open = std::io::copy(&mut stream, &mut std::io::sink());
    });
    Url::parse(&format!("https://{host}:{}/", address.port())).expect("a URL")
}

#[tokio::test]
async fn a_private_authority_is_trusted_once_it_is_named() {
    // Not base64: refused, and nothing is trusted.
    let malformed = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----";
    assert_eq!(trust(malformed), Err("holds a certificate that is not base64"));
    trust(include_str!("tls/ca.pem")).expect("a certificate");

    let send = async |host| {
        let sender = Sender::new(server(host), Duration::from_mins(1), Duration::from_secs(3));
        sender.send(&Request::get("x"), NOW).await
    };
    let outcome = send("127.0.0.1").await;
    assert!(
        matches!(&outcome, SendResult::Answered(answer) if answer.status == 200),
        "{outcome:?}"
    );
    // The certificate is another host's: no outage, so it has a name of its own.
    let outcome = send("localhost").await;
    assert!(
        matches!(&outcome, SendResult::NotSent(reason) if reason.as_str() == "tls_failed"),
        "{outcome:?}"
    );
}
