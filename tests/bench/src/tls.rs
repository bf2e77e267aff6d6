//! TLS before a service on loopback, with the certificate of an authority of the tests' own: what a
//! function meets in the cloud, where nothing is plain.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::Failure;

const CERTIFICATE: &[u8] = include_bytes!("../../harness/tests/tls/server.pem");
const KEY: &[u8] = include_bytes!("../../harness/tests/tls/server.key");

/// Serves `plain` over TLS. Returns the base URL.
pub(crate) async fn before(plain: SocketAddr) -> Result<String, Failure> {
    let acceptor = acceptor()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(forward(acceptor.clone(), tcp, plain));
        }
    });
    Ok(format!("https://{address}"))
}

async fn forward(acceptor: TlsAcceptor, tcp: TcpStream, plain: SocketAddr) -> Result<(), Failure> {
    tcp.set_nodelay(true)?;
    let mut tls = acceptor.accept(tcp).await?;
    let mut service = TcpStream::connect(plain).await?;
    service.set_nodelay(true)?;
    copy_bidirectional(&mut tls, &mut service).await?;
    Ok(())
}

fn acceptor() -> Result<TlsAcceptor, Failure> {
    static ACCEPTOR: OnceLock<TlsAcceptor> = OnceLock::new();
    if let Some(acceptor) = ACCEPTOR.get() {
        return Ok(acceptor.clone());
    }
    let _already = rustls::crypto::ring::default_provider().install_default();
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(KEY)?)?;
    Ok(ACCEPTOR.get_or_init(|| TlsAcceptor::from(Arc::new(config))).clone())
}
