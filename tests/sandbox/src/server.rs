//! The server: accepts connections, passes requests to the simulator and applies the faults on the wire.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinSet, yield_now};

use crate::control;
use crate::fault::{ConnectionFault, Kind, Processed};
use crate::http::{Answer, Connection, Incoming, Request};
use crate::simulator::Simulator;
use crate::state::PlannedAnswer;

/// A command to the server.
#[derive(Debug)]
pub(crate) enum Command {
    /// Stop listening and cut every connection.
    Stop(oneshot::Sender<()>),
    /// Listen on the same port again.
    Resume(oneshot::Sender<io::Result<()>>),
}

/// Binds the loopback address; 0 is any free port.
pub(crate) async fn bind(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until the future is dropped, which drops all connections.
pub(crate) async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    simulator: Arc<Simulator>,
    mut commands: mpsc::Receiver<Command>,
) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            stream = accept(listener.as_ref()) => {
                let fault = simulator.state().script.next_connection_fault();
                connections.spawn(serve_connection(stream, fault, Arc::clone(&simulator)));
            }
            Some(command) = commands.recv() => match command {
                Command::Stop(done) => {
                    listener = None;
                    connections.shutdown().await;
                    let _ = done.send(());
                }
                Command::Resume(done) => {
                    let bound = bind(address.port()).await;
                    let _ = done.send(bound.map(|(bound, _)| listener = Some(bound)));
                }
            },
            // Ended connections must be joined, or they would fill the set.
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return pending().await;
    };
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            return stream;
        }
        // For example, no file handle is free: another connection must end first.
        yield_now().await;
    }
}

async fn serve_connection(
    stream: TcpStream,
    fault: Option<ConnectionFault>,
    simulator: Arc<Simulator>,
) {
    let _ = stream.set_nodelay(true);
    let allowance = match fault {
        None => None,
        Some(ConnectionFault::AtAccept) => Some(0),
        Some(ConnectionFault::CutAfter(bytes)) => Some(bytes),
    };
    let mut connection = Connection::new(stream, allowance);
    if fault == Some(ConnectionFault::AtAccept) {
        return connection.reset();
    }
    loop {
        // Subscribed before the request is visible to anybody, so that no release can be missed.
        let releases = simulator.releases.subscribe();
        let request = match connection.next().await {
            Ok(Incoming::Request(request)) => request,
            Ok(Incoming::Cut) => return connection.reset(),
            Ok(Incoming::Closed) | Err(_) => return,
            Ok(Incoming::Bad(answer, violation)) => {
                simulator.receive_broken(violation);
                let _ = connection.write(&answer.with_header("connection", "close").bytes()).await;
                return connection.finish().await;
            }
        };
        let keep_alive = request.keep_alive;
        let next = if control::is_for(&request) {
            let answer = control::answer(&simulator, &request);
            send(connection, &answer).await
        } else {
            let planned = simulator.receive(&request);
            respond(connection, planned, &request, &simulator, releases).await
        };
        match next {
            ControlFlow::Continue(same) if keep_alive => connection = same,
            ControlFlow::Continue(last) => return last.finish().await,
            ControlFlow::Break(()) => return,
        }
    }
}

/// The connection for the next request, or `Break` if it has ended.
type Next = ControlFlow<(), Connection>;

/// Sends the planned answer, or applies the fault that stands in its way.
async fn respond(
    mut connection: Connection,
    planned: PlannedAnswer,
    request: &Request,
    simulator: &Simulator,
    mut releases: watch::Receiver<u64>,
) -> Next {
    match &planned.fault {
        None | Some(Kind::OnConnection(_)) => send(connection, &planned.answer).await,
        Some(Kind::Answer(scripted)) => send(connection, scripted).await,
        Some(Kind::Delay(delay)) => {
            // tokio's timer ticks in milliseconds, which is too coarse for the delays of a benchmark.
            async_io::Timer::after(*delay).await;
            answer_late(connection, &planned, request, simulator).await
        }
        Some(Kind::Hang) => {
            let hanging = Hanging::start(simulator);
            let peer_left = tokio::select! {
                _ = releases.changed() => false,
                () = connection.closed() => true,
            };
            if peer_left && planned.processed != Processed::Late {
                return ControlFlow::Break(());
            }
            if peer_left {
                let _ = releases.changed().await;
            }
            drop(hanging);
            answer_late(connection, &planned, request, simulator).await
        }
        Some(Kind::CloseBeforeReading) => {
            connection.reset();
            ControlFlow::Break(())
        }
        Some(Kind::CloseAfterReading) => {
            connection.finish().await;
            ControlFlow::Break(())
        }
        Some(Kind::CutBodyAt(bytes)) => {
            let at = planned.answer.head().len().saturating_add(*bytes);
            cut(connection, &planned.answer, at).await
        }
        Some(Kind::CutAnswerAt(bytes)) => cut(connection, &planned.answer, *bytes).await,
    }
}

/// Sends the answer after a wait, or closes the connection if there is none.
async fn answer_late(
    connection: Connection,
    planned: &PlannedAnswer,
    request: &Request,
    simulator: &Simulator,
) -> Next {
    if let Some(answer) = simulator.answer_late(request, planned) {
        return send(connection, &answer).await;
    }
    connection.finish().await;
    ControlFlow::Break(())
}

async fn send(mut connection: Connection, answer: &Answer) -> Next {
    match connection.write(&answer.bytes()).await {
        Ok(()) => ControlFlow::Continue(connection),
        Err(_) => ControlFlow::Break(()),
    }
}

async fn cut(mut connection: Connection, answer: &Answer, at: usize) -> Next {
    let bytes = answer.bytes();
    let _ = connection.write(&bytes[..at.min(bytes.len())]).await;
    connection.finish().await;
    ControlFlow::Break(())
}

/// Counts a hanging request until it is dropped.
struct Hanging<'a>(&'a Simulator);

impl<'a> Hanging<'a> {
    fn start(simulator: &'a Simulator) -> Self {
        simulator.state().hanging += 1;
        Self(simulator)
    }
}

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.hanging = state.hanging.saturating_sub(1);
    }
}
