//! A stand-in for a network that handles each connection exactly as scripted, byte by byte.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// The script of one connection: some requests are read and answered, then it is closed.
#[derive(Clone, Debug, Default)]
pub struct Close {
    /// Answers to whole requests, one each.
    pub answers: Vec<Vec<u8>>,
    /// The number of bytes of the next request that are read; `None` closes without waiting for one.
    pub read: Option<usize>,
    /// True if it ends with a reset.
    pub reset: bool,
}

/// The bytes and requests that came over one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The number of bytes that were read.
    pub bytes: usize,
    /// The number of whole requests.
    pub requests: usize,
}

/// The stand-in. A connection without a script is reset unread.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<VecDeque<Close>>,
    received: Mutex<Vec<Received>>,
    closed: watch::Sender<usize>,
}

impl StandIn {
    /// Listens.
    ///
    /// # Panics
    ///
    /// If loopback can't be listened on.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::<Shared>::default();
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { address, shared, task }
    }

    /// The URL at which it listens.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Handles the next connections by these scripts, and forgets the ones before.
    pub fn script(&self, script: impl IntoIterator<Item = Close>) {
        *locked(&self.shared.script) = script.into_iter().collect();
        locked(&self.shared.received).clear();
        self.shared.closed.send_replace(0);
    }

    /// Returns what came over each connection since, once this many are closed.
    pub async fn received(&self, closed: usize) -> Vec<Received> {
        let mut count = self.shared.closed.subscribe();
        // The sender lives as long as the stand-in.
        let _enough = count.wait_for(|count| *count >= closed).await.is_ok();
        locked(&self.shared.received).clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let close = locked(&shared.script).pop_front();
        let close = close.unwrap_or(Close { reset: true, ..Close::default() });
        let at = {
            let mut received = locked(&shared.received);
            received.push(Received::default());
            received.len() - 1
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move { connection(stream, close, at, &shared).await });
    }
}

async fn connection(mut stream: TcpStream, close: Close, at: usize, shared: &Shared) {
    let _ = stream.set_nodelay(true);
    let note = |bytes, requests| {
        if let Some(received) = locked(&shared.received).get_mut(at) {
            received.bytes += bytes;
            received.requests += requests;
        }
    };
    let Close { answers, read, reset } = close;
    let mut answers = answers.into_iter();
    let mut request = Vec::new();
    loop {
        let more = answers.len() > 0;
        let most = if more { usize::MAX } else { read.unwrap_or(0) };
        while request.len() < most && (!more || !is_whole(&request)) {
            let mut byte = [0];
            if !matches!(stream.read(&mut byte).await, Ok(1)) {
                break;
            }
            request.extend_from_slice(&byte);
            note(1, 0);
        }
        note(0, usize::from(is_whole(&request)));
        let Some(answer) = answers.next() else { break };
        let _ = stream.write_all(&answer).await;
        request.clear();
    }
    if reset {
        let _ = stream.set_zero_linger();
    }
    drop(stream);
    shared.closed.send_modify(|closed| *closed += 1);
}

/// Returns true if these bytes are a request, head and body.
fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    request.len() >= head + 4 + length
}
