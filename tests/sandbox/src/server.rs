//! Connections: requests in, answers out, and the faults where they happen on the wire.

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
use crate::http::{Answer, Incoming, Request, Wire};
use crate::world::{Plan, World};

/// What a sandbox's owner may ask of its server.
#[derive(Debug)]
pub(crate) enum Order {
    /// Listen no more and cut every connection.
    Stop(oneshot::Sender<()>),
    /// Listen again where it listened before.
    Resume(oneshot::Sender<io::Result<()>>),
}

/// Binds the loopback address; 0 is any port.
pub(crate) async fn bind(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until it is dropped, and all connections with it.
pub(crate) async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    world: Arc<World>,
    mut orders: mpsc::Receiver<Order>,
) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            stream = accept(listener.as_ref()) => {
                let fault = world.state().script.strike_connection();
                connections.spawn(connection(stream, fault, Arc::clone(&world)));
            }
            Some(order) = orders.recv() => match order {
                Order::Stop(done) => {
                    listener = None;
                    connections.shutdown().await;
                    let _ = done.send(());
                }
                Order::Resume(done) => {
                    let bound = bind(address.port()).await;
                    let _ = done.send(bound.map(|(bound, _)| listener = Some(bound)));
                }
            },
            // Ended connections are only waited for, so that they do not pile up.
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
        // No file handle is free, say: another connection must end first.
        yield_now().await;
    }
}

async fn connection(stream: TcpStream, fault: Option<ConnectionFault>, world: Arc<World>) {
    let _ = stream.set_nodelay(true);
    let allowance = match fault {
        None => None,
        Some(ConnectionFault::AtAccept) => Some(0),
        Some(ConnectionFault::CutAfter(bytes)) => Some(bytes),
    };
    let mut wire = Wire::new(stream, allowance);
    if fault == Some(ConnectionFault::AtAccept) {
        return wire.reset();
    }
    loop {
        // Taken before the request is known to anybody, so that no release can be missed.
        let releases = world.releases.subscribe();
        let request = match wire.next().await {
            Ok(Incoming::Request(request)) => request,
            Ok(Incoming::Cut) => return wire.reset(),
            Ok(Incoming::Closed) | Err(_) => return,
            Ok(Incoming::Bad(answer, flaw)) => {
                world.arrive_broken(flaw);
                let _ = wire.write(&answer.with_header("connection", "close").bytes()).await;
                return wire.finish().await;
            }
        };
        let keep_alive = request.keep_alive;
        let carried_on = if control::is_for(&request) {
            let answer = control::answer(&world, &request);
            reply(wire, &answer).await
        } else {
            let plan = world.arrive(&request);
            carry_out(wire, plan, &request, &world, releases).await
        };
        match carried_on {
            ControlFlow::Continue(same) if keep_alive => wire = same,
            ControlFlow::Continue(last) => return last.finish().await,
            ControlFlow::Break(()) => return,
        }
    }
}

/// The connection for the next request, or nothing where it has ended.
type Carried = ControlFlow<(), Wire>;

async fn carry_out(
    mut wire: Wire,
    plan: Plan,
    request: &Request,
    world: &World,
    mut releases: watch::Receiver<u64>,
) -> Carried {
    match &plan.fault {
        None | Some(Kind::OnConnection(_)) => reply(wire, &plan.answer).await,
        Some(Kind::Answer(scripted)) => reply(wire, scripted).await,
        Some(Kind::Delay(delay)) => {
            // Not by tokio's clock, which ticks in milliseconds: a benchmark's delays are that short.
            async_io::Timer::after(*delay).await;
            answer_late(wire, &plan, request, world).await
        }
        Some(Kind::Hang) => {
            let hanging = Hanging::start(world);
            let peer_left = tokio::select! {
                _ = releases.changed() => false,
                () = wire.closed() => true,
            };
            if peer_left && plan.processed != Processed::Late {
                return ControlFlow::Break(());
            }
            if peer_left {
                let _ = releases.changed().await;
            }
            drop(hanging);
            answer_late(wire, &plan, request, world).await
        }
        Some(Kind::CloseBeforeReading) => {
            wire.reset();
            ControlFlow::Break(())
        }
        Some(Kind::CloseAfterReading) => {
            wire.finish().await;
            ControlFlow::Break(())
        }
        Some(Kind::CutBodyAt(bytes)) => {
            let at = plan.answer.head().len().saturating_add(*bytes);
            cut(wire, &plan.answer, at).await
        }
        Some(Kind::CutAnswerAt(bytes)) => cut(wire, &plan.answer, *bytes).await,
    }
}

/// After a wait: the answer, late, or the end.
async fn answer_late(wire: Wire, plan: &Plan, request: &Request, world: &World) -> Carried {
    if let Some(answer) = world.answer_late(request, plan) {
        return reply(wire, &answer).await;
    }
    wire.finish().await;
    ControlFlow::Break(())
}

async fn reply(mut wire: Wire, answer: &Answer) -> Carried {
    match wire.write(&answer.bytes()).await {
        Ok(()) => ControlFlow::Continue(wire),
        Err(_) => ControlFlow::Break(()),
    }
}

async fn cut(mut wire: Wire, answer: &Answer, at: usize) -> Carried {
    let bytes = answer.bytes();
    let _ = wire.write(&bytes[..at.min(bytes.len())]).await;
    wire.finish().await;
    ControlFlow::Break(())
}

/// Counts a hanging request for as long as it hangs, however that ends.
struct Hanging<'a>(&'a World);

impl<'a> Hanging<'a> {
    fn start(world: &'a World) -> Self {
        world.state().hanging += 1;
        Self(world)
    }
}

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.hanging = state.hanging.saturating_sub(1);
    }
}
