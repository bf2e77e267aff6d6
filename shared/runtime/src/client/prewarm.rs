//! A connection that is opened before a request needs it.

use std::{
    any::Any,
    future::{Future, poll_fn, ready},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_util::FutureExt;
use hyper::rt::{Read, ReadBuf};
use reqwest::{Client, ClientBuilder};
use tokio::task::JoinHandle;
use tower_layer::layer_fn;
use tower_service::Service;
use url::Url;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Opening<C> = JoinHandle<Result<C, BoxError>>;

/// The one connection of a client that is opened ahead.
#[derive(Clone, Default)]
pub(super) struct Prewarm(Arc<Mutex<Slot>>);

#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    /// Whoever asks for a connection next has it opened and left here.
    Wanted,
    /// An [`Opening`] of the client's own kind of connection, which has no name.
    Held(Box<dyn Any + Send>),
}

impl Prewarm {
    /// Lets the client look here first when it needs a connection.
    pub(super) fn built_into(&self, builder: ClientBuilder) -> ClientBuilder {
        let ahead = self.clone();
        builder.connector_layer(layer_fn(move |inner| Connector { inner, ahead: ahead.clone() }))
    }

    /// Opens the connection to `endpoint` of a `client` that nobody uses yet. Nothing is sent on it:
    /// a request is begun, for nothing else makes a client connect, and it is refused before it has
    /// a connection. Beside another request it could take that one's connection, or be taken for it.
    pub(super) fn open(&self, client: &Client, endpoint: &Url) {
        self.put(Slot::Wanted);
        let _refused = client.get(endpoint.clone()).send().now_or_never();
        if let Slot::Held(opening) = self.take() {
            self.put(Slot::Held(opening));
        }
    }

    fn take(&self) -> Slot {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, place: Slot) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }
}

#[derive(Clone)]
struct Connector<S> {
    inner: S,
    ahead: Prewarm,
}

impl<S, R> Service<R> for Connector<S>
where
    S: Service<R, Error = BoxError>,
    S::Response: Read + Unpin + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.inner.call(request);
        let opening = match self.ahead.take() {
            Slot::Empty => return Box::pin(connecting),
            Slot::Wanted => {
                self.ahead.put(Slot::Held(Box::new(tokio::spawn(connecting))));
                return Box::pin(ready(Err("only a connection was wanted".into())));
            }
            Slot::Held(opening) => opening.downcast::<Opening<S::Response>>(),
        };
        Box::pin(async move {
            if let Ok(opening) = opening
                && let Ok(Ok(mut connection)) = opening.await
                && is_quiet(&mut connection).await
            {
                return Ok(connection);
            }
            connecting.await
        })
    }
}

/// Returns whether the other side has neither closed the connection nor spoken first.
async fn is_quiet(connection: &mut (impl Read + Unpin)) -> bool {
    // What has come meanwhile is known only once the runtime has looked.
    tokio::task::yield_now().await;
    let mut bytes = [0; 1];
    let mut bytes = ReadBuf::new(&mut bytes);
    poll_fn(|cx| {
        let read = Pin::new(&mut *connection).poll_read(cx, bytes.unfilled());
        Poll::Ready(read.is_pending())
    })
    .await
}
