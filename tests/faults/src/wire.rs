//! The wire between one running function and the networks: all of its connections pass here, so
//! that it is known when the last byte of a killed one has arrived.

use std::{
    collections::HashSet,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// Passes connections on, byte by byte, resets included.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    open: watch::Sender<usize>,
    /// Connections of nobody's, which only ask whether all before them have been accepted.
    probes: Mutex<HashSet<SocketAddr>>,
}

impl Wire {
    /// A wire that ends at `target`.
    ///
    /// # Panics
    ///
    /// If loopback can't be listened on.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { open: watch::Sender::new(0), probes: Mutex::default() });
        let task = tokio::spawn(accept(listener, target, Arc::clone(&shared)));
        Self { address, shared, task }
    }

    /// The URL that takes the place of a network's own.
    #[must_use]
    pub fn endpoint(&self, network: &str) -> String {
        format!("http://{}/{network}", self.address)
    }

    /// Returns once every connection has ended on both sides: whatever its function had handed to
    /// the operating system has arrived by then, or never will.
    ///
    /// # Panics
    ///
    /// If loopback can't be connected to.
    pub async fn drained(&self) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
        let name = socket.local_addr().expect("an address");
        self.shared.probes().insert(name);
        let mut probe = socket.connect(self.address).await.expect("a connection");
        // Closed on acceptance, which is in the order of connecting.
        let _closed = probe.read(&mut [0]).await;
        let _none = self.shared.open.subscribe().wait_for(|open| *open == 0).await.is_ok();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn probes(&self) -> std::sync::MutexGuard<'_, HashSet<SocketAddr>> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a connection for as long as it lives, however it ends.
struct Open(Arc<Shared>);

impl Open {
    fn count(shared: &Arc<Shared>) -> Self {
        shared.open.send_modify(|open| *open += 1);
        Self(Arc::clone(shared))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, shared: Arc<Shared>) {
    loop {
        let Ok((caller, name)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        if !shared.probes().remove(&name) {
            let open = Open::count(&shared);
            tokio::spawn(async move {
                connection(caller, target).await;
                drop(open);
            });
        }
    }
}

async fn connection(mut caller: TcpStream, target: SocketAddr) {
    let Ok(mut network) = TcpStream::connect(target).await else {
        let _ = caller.set_zero_linger();
        return;
    };
    let _ = (caller.set_nodelay(true), network.set_nodelay(true));
    let was_reset = {
        let (from_caller, to_caller) = caller.split();
        let (from_network, to_network) = network.split();
        let mut there = std::pin::pin!(pass(from_caller, to_network));
        let mut back = std::pin::pin!(pass(from_network, to_caller));
        tokio::select! {
            // The caller has left. What it sent is the network's to read to the end.
            _ = &mut there => back.await,
            end = &mut back => end,
        }
        .is_err()
    };
    if was_reset {
        let _ = caller.set_zero_linger();
    }
}

/// Passes bytes on until the side they come from has ended, then ends the other one. Returns an
/// error only if reading fails: when the other side has left, the rest is still read.
async fn pass(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let mut heard = true;
    loop {
        match from.read(&mut buffer).await {
            Ok(0) => {
                let _ = to.shutdown().await;
                return Ok(());
            }
            Ok(count) if heard => heard = to.write_all(&buffer[..count]).await.is_ok(),
            Ok(_) => {}
            Err(error) => {
                let _ = to.shutdown().await;
                return Err(error);
            }
        }
    }
}
