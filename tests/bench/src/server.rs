//! A server on loopback.

use std::net::{Ipv4Addr, SocketAddr};

use axum::{Router, serve::ListenerExt};
use tokio::{net::TcpListener, task::JoinHandle};

/// Serves `router` on a port of its own.
pub(crate) async fn start(router: Router) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let listener = listener.tap_io(|stream| {
        let _best_effort = stream.set_nodelay(true);
    });
    let serving = tokio::spawn(async move {
        let _never = axum::serve(listener, router).await;
    });
    (address, serving)
}
