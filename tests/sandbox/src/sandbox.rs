//! A running sandbox, for Rust tests.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::cpa_moe::{Lead, LeadUpdate};
use crate::fault::Fault;
use crate::network::Network;
use crate::record::{Effect, Received, Totals, Violation};
use crate::script::Rule;
use crate::server::{self, Order};
use crate::settings::Settings;
use crate::world::World;

/// How a sandbox is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The port on 127.0.0.1; 0 is any.
    pub port: u16,
    /// How many requests (the newest) and violations (the oldest) are kept in full. Effects are always kept.
    pub record_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, record_limit: 10_000 }
    }
}

/// The four networks on one loopback port. They are gone, connections and all, when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    world: Arc<World>,
    orders: mpsc::Sender<Order>,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts on a port of its own, in the current tokio runtime.
    ///
    /// # Panics
    /// When the loopback address cannot be bound: a test can do nothing about it.
    pub async fn start() -> Self {
        match Self::start_with(Options::default()).await {
            Ok(sandbox) => sandbox,
            Err(error) => panic!("the sandbox cannot listen on 127.0.0.1: {error}"),
        }
    }

    /// Starts as told. The error is that of binding the port.
    pub async fn start_with(options: Options) -> io::Result<Self> {
        let (listener, address) = server::bind(options.port).await?;
        let world = Arc::new(World::new(options.record_limit.max(1)));
        let (orders, to_obey) = mpsc::channel(1);
        let serving = server::serve(listener, address, Arc::clone(&world), to_obey);
        Ok(Self { address, world, orders, server: tokio::spawn(serving) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port`, where the control API is.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `http://127.0.0.1:port/shopback` and so on: what stands in place of the network's own scheme and host.
    #[must_use]
    pub fn endpoint(&self, network: Network) -> String {
        format!("{}/{network}", self.base_url())
    }

    /// The kept requests of a network.
    #[must_use]
    pub fn received(&self, network: Network) -> Vec<Received> {
        let state = self.world.state();
        state.record.received(Some(network), None).cloned().collect()
    }

    /// The kept requests of one order at a network.
    #[must_use]
    pub fn received_for(&self, network: Network, order: &str) -> Vec<Received> {
        let state = self.world.state();
        state.record.received(Some(network), Some(order)).cloned().collect()
    }

    /// How many requests came altogether, kept or not.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.world.state().record.seen
    }

    /// What the vendors' documents forbid and somebody did all the same; empty is good.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.world.state().record.violations().to_vec()
    }

    /// What a network holds of an order.
    #[must_use]
    pub fn held(&self, network: Network, order: &str) -> Vec<Effect> {
        self.world.state().held.of(network, order).to_vec()
    }

    /// How much a network holds, and which orders more than once.
    #[must_use]
    pub fn totals(&self, network: Network) -> Totals {
        self.world.state().held.totals(network)
    }

    /// The leads cpa.moe has of an order, shown in its list or not yet.
    #[must_use]
    pub fn leads(&self, id: &str) -> Vec<Lead> {
        self.world.state().cpa_moe.leads(id).to_vec()
    }

    /// Moves leads along; says how many.
    #[must_use = "0 is: no such lead"]
    pub fn update_leads(&self, update: &LeadUpdate) -> usize {
        self.world.state().cpa_moe.update(update)
    }

    /// Adds a rule to the script. The error says why it could never strike.
    pub fn script(&self, rule: Rule) -> Result<(), String> {
        self.world.state().script.add(rule)
    }

    /// Takes a network down with this fault, or up again with none.
    pub fn outage(&self, network: Network, fault: Option<Fault>) -> Result<(), String> {
        self.world.state().script.outage(network, fault)
    }

    /// Lets all hanging requests go on.
    pub fn release(&self) {
        self.world.release();
    }

    /// How many requests hang at the moment.
    #[must_use]
    pub fn hanging(&self) -> usize {
        self.world.state().hanging
    }

    /// The credentials accepted at the moment.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        self.world.state().accounts.clone()
    }

    /// Changes the credentials accepted.
    pub fn change_accounts(&self, change: impl FnOnce(&mut Accounts)) {
        change(&mut self.world.state().accounts);
    }

    /// Changes how the networks behave.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.world.state().settings);
    }

    /// The sandbox's clock, Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.world.state().clock.now_ms()
    }

    /// Stops the sandbox's clock at this instant, Unix milliseconds.
    pub fn set_clock(&self, now_ms: u64) {
        self.world.state().clock = Clock::Frozen { now_ms };
    }

    /// Moves the sandbox's clock on, stopped or not.
    pub fn advance_clock(&self, by_ms: u64) {
        self.world.state().clock.advance(by_ms);
    }

    /// Forgets everything: requests, effects, script, settings, credentials, clock. Hanging requests are let go.
    pub fn reset(&self) {
        self.world.reset();
    }

    /// Returns once a network has had so many requests for an order. Counts among the kept ones.
    pub async fn wait_for_received(&self, network: Network, order: &str, count: usize) {
        let mut arrivals = self.world.arrivals.subscribe();
        while self.received_for(network, order).len() < count {
            if arrivals.changed().await.is_err() {
                return;
            }
        }
    }

    /// Listens no more: connections are refused, open ones are cut, until [`resume`](Self::resume).
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.orders.send(Order::Stop(done)).await.is_ok() {
            let _ = stopped.await;
        }
    }

    /// Listens again on the same port. The error is that of binding it.
    pub async fn resume(&self) -> io::Result<()> {
        let (done, resumed) = oneshot::channel();
        let gone = || io::Error::other("the sandbox's runtime has ended");
        let sent = self.orders.send(Order::Resume(done)).await;
        sent.map_err(|_| gone())?;
        resumed.await.map_err(|_| gone())?
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
