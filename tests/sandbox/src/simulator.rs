//! The simulator behind the sockets, shared by all connections.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::fault::Processed;
use crate::http::{Answer, Request};
use crate::network::Network;
use crate::state::{PlannedAnswer, State};

/// The four networks, their log, and the signals between connections.
#[derive(Debug)]
pub(crate) struct Simulator {
    state: Mutex<State>,
    /// Changes with every release of hanging requests.
    pub(crate) releases: watch::Sender<u64>,
    /// The number of the last request.
    pub(crate) arrivals: watch::Sender<u64>,
}

impl Simulator {
    pub(crate) fn new(record_limit: usize) -> Self {
        Self {
            state: Mutex::new(State::new(record_limit)),
            releases: watch::Sender::new(0),
            arrivals: watch::Sender::new(0),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Releases all hanging requests.
    pub(crate) fn release(&self) {
        self.releases.send_modify(|count| *count += 1);
    }

    /// Forgets everything, script and settings included, and releases hanging requests.
    pub(crate) fn reset(&self) {
        {
            let mut state = self.state();
            *state = state.after_reset();
        }
        self.release();
    }

    /// Receives a request: inspects it, processes it unless a fault prevents that, and logs it.
    pub(crate) fn receive(&self, request: &Request) -> PlannedAnswer {
        let (network, path) = match Network::of_path(&request.path) {
            Some((network, path)) => (Some(network), path),
            None => (None, request.path.as_str()),
        };
        let planned = self.state().receive(network, path, request);
        self.arrivals.send_replace(planned.seq);
        planned
    }

    /// Logs bytes that are not a request.
    pub(crate) fn receive_broken(&self, violation: String) {
        let request = Request {
            method: String::new(),
            path: String::new(),
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
            violations: vec![violation],
            keep_alive: false,
        };
        self.receive(&request);
    }

    /// Ends the wait for an answer, and processes a request whose fault says "late". `None`: no answer is sent.
    pub(crate) fn answer_late(&self, request: &Request, planned: &PlannedAnswer) -> Option<Answer> {
        let mut state = self.state();
        if state.resets != planned.resets {
            return None;
        }
        let answer = match planned.processed {
            Processed::Yes => planned.answer.clone(),
            Processed::No => return None,
            Processed::Late => state.process_late(request, planned.seq)?,
        };
        if let Some(received) = state.log.at_mut(planned.seq) {
            received.answered.status = Some(answer.status);
            received.answered.body = String::from_utf8_lossy(&answer.body).into_owned();
        }
        Some(answer)
    }
}
