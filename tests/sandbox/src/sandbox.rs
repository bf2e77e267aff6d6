//! A running sandbox, for Rust tests.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::cpa_moe::{Lead, LeadUpdate};
use crate::effects::{Effect, Totals};
use crate::fault::Fault;
use crate::network::Network;
use crate::report;
use crate::request_log::{Received, Violation};
use crate::rule::Rule;
use crate::server::{self, Command};
use crate::settings::Settings;
use crate::simulator::Simulator;

/// The options of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The port on 127.0.0.1; 0 is any free one.
    pub port: u16,
    /// The number of requests (the newest) and of violations (the oldest) to keep in full. Effects are always kept.
    pub record_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, record_limit: 10_000 }
    }
}

/// The four networks on one loopback port. Dropping it stops them and cuts their connections.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    simulator: Arc<Simulator>,
    commands: mpsc::Sender<Command>,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts on a port of its own, in the current tokio runtime.
    ///
    /// # Panics
    /// Panics if the loopback address cannot be bound, because no test can continue without it.
    pub async fn start() -> Self {
        match Self::start_with(Options::default()).await {
            Ok(sandbox) => sandbox,
            Err(error) => panic!("the sandbox cannot listen on 127.0.0.1: {error}"),
        }
    }

    /// Starts with these options. The error is that of binding the port.
    pub async fn start_with(options: Options) -> io::Result<Self> {
        let (listener, address) = server::bind(options.port).await?;
        let simulator = Arc::new(Simulator::new(options.record_limit.max(1)));
        let (commands, receiver) = mpsc::channel(1);
        let serving = server::serve(listener, address, Arc::clone(&simulator), receiver);
        Ok(Self { address, simulator, commands, server: tokio::spawn(serving) })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port`, the address of the control API.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `http://127.0.0.1:port/shopback` and so on, in place of the network's own scheme and host.
    #[must_use]
    pub fn endpoint(&self, network: Network) -> String {
        format!("{}/{network}", self.base_url())
    }

    /// The kept requests of a network.
    #[must_use]
    pub fn received(&self, network: Network) -> Vec<Received> {
        let state = self.simulator.state();
        state.log.received(Some(network), None).cloned().collect()
    }

    /// The kept requests of one order at a network.
    #[must_use]
    pub fn received_for(&self, network: Network, order: &str) -> Vec<Received> {
        let state = self.simulator.state();
        state.log.received(Some(network), Some(order)).cloned().collect()
    }

    /// The number of all requests, kept or not.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.simulator.state().log.requests
    }

    /// The breaches of the networks' documents; a correct client causes none.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.simulator.state().log.violations().to_vec()
    }

    /// The effects a network holds for an order.
    #[must_use]
    pub fn held(&self, network: Network, order: &str) -> Vec<Effect> {
        self.simulator.state().effects.of(network, order).to_vec()
    }

    /// The number of effects a network holds, and the orders with more than one.
    #[must_use]
    pub fn totals(&self, network: Network) -> Totals {
        self.simulator.state().effects.totals(network)
    }

    /// The report that a network exports of what it holds.
    #[must_use]
    pub fn report(&self, network: Network) -> String {
        report::of(&self.simulator.state(), network)
    }

    /// The validations that ShopBack was sent, each with its breach.
    #[must_use]
    pub fn validations(&self) -> Vec<crate::shopback::Validated> {
        self.simulator.state().shopback.validated().to_vec()
    }

    /// The leads cpa.moe has for an order, shown in its list or not yet.
    #[must_use]
    pub fn leads(&self, id: &str) -> Vec<Lead> {
        self.simulator.state().cpa_moe.leads(id).to_vec()
    }

    /// Updates leads and returns their number.
    #[must_use = "0 means: no such lead"]
    pub fn update_leads(&self, update: &LeadUpdate) -> usize {
        self.simulator.state().cpa_moe.update(update)
    }

    /// Adds a rule to the script. The error explains why it could never apply.
    pub fn script(&self, rule: Rule) -> Result<(), String> {
        self.simulator.state().script.add(rule)
    }

    /// Starts an outage of a network with this fault, or ends it with none.
    pub fn outage(&self, network: Network, fault: Option<Fault>) -> Result<(), String> {
        self.simulator.state().script.outage(network, fault)
    }

    /// Releases all hanging requests.
    pub fn release(&self) {
        self.simulator.release();
    }

    /// The number of requests that hang now.
    #[must_use]
    pub fn hanging(&self) -> usize {
        self.simulator.state().hanging
    }

    /// The credentials accepted now.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        self.simulator.state().accounts.clone()
    }

    /// Changes the credentials accepted.
    pub fn change_accounts(&self, change: impl FnOnce(&mut Accounts)) {
        change(&mut self.simulator.state().accounts);
    }

    /// Changes the behaviour of the networks.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.simulator.state().settings);
    }

    /// The sandbox's clock, Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.simulator.state().clock.now_ms()
    }

    /// Stops the sandbox's clock at this instant, Unix milliseconds.
    pub fn set_clock(&self, now_ms: u64) {
        self.simulator.state().clock = Clock::Frozen { now_ms };
    }

    /// Advances the sandbox's clock, stopped or not.
    pub fn advance_clock(&self, by_ms: u64) {
        self.simulator.state().clock.advance(by_ms);
    }

    /// Forgets everything (requests, effects, script, settings, credentials, clock) and releases hanging requests.
    pub fn reset(&self) {
        self.simulator.reset();
    }

    /// Returns once a network has received `count` requests for an order. Only kept ones count.
    pub async fn wait_for_received(&self, network: Network, order: &str, count: usize) {
        let mut arrivals = self.simulator.arrivals.subscribe();
        while self.received_for(network, order).len() < count {
            if arrivals.changed().await.is_err() {
                return;
            }
        }
    }

    /// Stops listening and cuts open connections, until [`resume`](Self::resume).
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.commands.send(Command::Stop(done)).await.is_ok() {
            let _ = stopped.await;
        }
    }

    /// Listens again on the same port. The error is that of binding it.
    pub async fn resume(&self) -> io::Result<()> {
        let (done, resumed) = oneshot::channel();
        let gone = || io::Error::other("the sandbox's runtime has stopped");
        let sent = self.commands.send(Command::Resume(done)).await;
        sent.map_err(|_| gone())?;
        resumed.await.map_err(|_| gone())?
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
