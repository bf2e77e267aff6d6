//! Connections to AWS: HTTP/1.1, plain or over TLS, kept alive while they are surely fresh.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::{Client, ResponseFuture, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use rustls::ClientConfig;
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

use postback_core::clock::Timestamp;

use super::roots;

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// All connections share one configuration and its TLS sessions.
pub(super) static TLS: LazyLock<ClientConfig> = LazyLock::new(|| {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|_| unreachable!("ring speaks TLS 1.2 and 1.3"))
        .with_root_certificates(roots::all())
        .with_no_client_auth()
});

/// Connections of one kind, for requests with bodies of type `B`.
pub(crate) struct Connections<B> {
    connector: Connector,
    /// The time that one may stay unused. One that is kept longer may just have been closed by the
    /// other side, and a request written on it is a lost answer.
    idle: Duration,
    held: Arc<Mutex<Pool<B>>>,
}

struct Pool<B> {
    client: Client<Connector, B>,
    /// By the clock on the wall: a frozen function's own clock may stand still.
    used: Timestamp,
}

impl<B> Connections<B>
where
    B: http_body::Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Connections that are opened within `patience` and dropped after `idle`.
    pub(crate) fn new(patience: Duration, idle: Duration) -> Self {
        let connector = Connector::new(patience);
        let client = pool(&connector, idle);
        let held = Arc::new(Mutex::new(Pool { client, used: Timestamp::EPOCH }));
        Self { connector, idle, held }
    }

    /// Sends `request` at `now`. An error of the kind `is_connect` comes before it was handed to a
    /// connection.
    pub(crate) fn request(&self, request: Request<B>, now: Timestamp) -> ResponseFuture {
        let mut held = lock(&self.held);
        if now.since(held.used) > self.idle {
            held.client = pool(&self.connector, self.idle);
        }
        held.used = now;
        held.client.request(request)
    }
}

fn pool<B>(connector: &Connector, idle: Duration) -> Client<Connector, B>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new()).pool_idle_timeout(idle).build(connector.clone())
}

impl<B> Clone for Connections<B> {
    fn clone(&self) -> Self {
        let held = Arc::clone(&self.held);
        Self { connector: self.connector.clone(), idle: self.idle, held }
    }
}

impl<B> fmt::Debug for Connections<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

/// Opens connections.
#[derive(Clone)]
struct Connector {
    https: HttpsConnector<HttpConnector>,
    patience: Duration,
}

impl Connector {
    fn new(patience: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(TLS.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Self { https, patience }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let opening = timeout(self.patience, self.https.call(uri));
        let too_late = || io::Error::from(io::ErrorKind::TimedOut).into();
        Box::pin(async move { opening.await.unwrap_or_else(|_| Err(too_late())) })
    }
}

/// Returns whether an error, or what led to it, is that something took too long.
pub(crate) fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return true;
        }
        next = error.source();
    }
    false
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
