//! The whole sandbox behind its sockets: who is asked, what goes wrong, what is remembered.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::accounts::Accounts;
use crate::cartstack::CartStack;
use crate::cashmycell::CashMyCell;
use crate::clock::Clock;
use crate::cpa_moe::CpaMoe;
use crate::fault::{Fault, Kind, Processed};
use crate::http::{Answer, Request};
use crate::network::Network;
use crate::record::{Answered, Effect, Held, Received, Record};
use crate::script::Script;
use crate::settings::Settings;
use crate::shopback::ShopBack;
use crate::vendor::{Checked, Office, Taken, Vendor};

/// Shared by all connections.
#[derive(Debug)]
pub(crate) struct World {
    state: Mutex<State>,
    /// Changes whenever hanging requests are let go.
    pub(crate) releases: watch::Sender<u64>,
    /// The number of the last request.
    pub(crate) arrivals: watch::Sender<u64>,
}

/// Everything that can change.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) accounts: Accounts,
    pub(crate) settings: Settings,
    pub(crate) script: Script,
    pub(crate) record: Record,
    pub(crate) held: Held,
    pub(crate) hanging: usize,
    /// Counts the resets: what hung before one has no business after it.
    era: u64,
    pub(crate) cpa_moe: CpaMoe,
    cashmycell: CashMyCell,
    cartstack: CartStack,
    shopback: ShopBack,
}

/// What is to happen on the wire.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) answer: Answer,
    pub(crate) fault: Option<Kind>,
    /// Whether it takes effect; where late, by [`World::process_late`] when the wait is over.
    pub(crate) processed: Processed,
    seq: u64,
    era: u64,
}

impl World {
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

    /// Lets all hanging requests go.
    pub(crate) fn release(&self) {
        self.releases.send_modify(|count| *count += 1);
    }

    /// Forgets everything, script and settings included; hanging requests are let go.
    pub(crate) fn reset(&self) {
        {
            let mut state = self.state();
            *state = State {
                hanging: state.hanging,
                era: state.era + 1,
                ..State::new(state.record.limit())
            };
        }
        self.release();
    }

    /// A request has arrived: judge it, let it take effect unless a fault prevents it, remember it.
    pub(crate) fn arrive(&self, request: &Request) -> Plan {
        let (network, path) = match Network::of_path(&request.path) {
            Some((network, path)) => (Some(network), path),
            None => (None, request.path.as_str()),
        };
        let plan = self.state().arrive(network, path, request);
        self.arrivals.send_replace(plan.seq);
        plan
    }

    /// Something that is no request has arrived.
    pub(crate) fn arrive_broken(&self, flaw: String) {
        let request = Request {
            method: String::new(),
            path: String::new(),
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
            flaws: vec![flaw],
            keep_alive: false,
        };
        self.arrive(&request);
    }

    /// The wait for an answer is over: what was to take effect late does so now. `None` where nothing is answered.
    pub(crate) fn answer_late(&self, request: &Request, plan: &Plan) -> Option<Answer> {
        let mut state = self.state();
        if state.era != plan.era {
            return None;
        }
        let answer = match plan.processed {
            Processed::Yes => plan.answer.clone(),
            Processed::No => return None,
            Processed::Late => state.process_late(request, plan.seq)?,
        };
        if let Some(received) = state.record.at_mut(plan.seq) {
            received.answered.status = Some(answer.status);
            received.answered.body = String::from_utf8_lossy(&answer.body).into_owned();
        }
        Some(answer)
    }
}

/// A request as its network saw it.
struct Judged {
    call: &'static str,
    keys: Vec<String>,
    params: Vec<(String, String)>,
    violations: Vec<String>,
    fault: Option<Fault>,
    answer: Answer,
    effect: Option<(String, Effect)>,
}

impl State {
    fn new(record_limit: usize) -> Self {
        Self {
            clock: Clock::SYSTEM,
            accounts: Accounts::default(),
            settings: Settings::default(),
            script: Script::default(),
            record: Record::new(record_limit),
            held: Held::default(),
            hanging: 0,
            era: 0,
            cpa_moe: CpaMoe::default(),
            cashmycell: CashMyCell::default(),
            cartstack: CartStack::default(),
            shopback: ShopBack::default(),
        }
    }

    /// The state in numbers.
    pub(crate) fn health(&self) -> Value {
        json!({
            "status": "ok",
            "now_ms": self.clock.now_ms(),
            "received": self.record.seen,
            "kept": self.record.kept(),
            "violations": self.record.violated,
            "hanging": self.hanging,
        })
    }

    fn arrive(&mut self, network: Option<Network>, path: &str, request: &Request) -> Plan {
        let judged = match network {
            Some(network) => self.judge(network, path, request, |script, call, keys| {
                let fault = script.strike(network, call, keys);
                let now = fault.as_ref().is_none_or(|fault| fault.processed == Processed::Yes);
                (fault, now)
            }),
            None => Judged::nobodys(request),
        };
        let processed = judged.fault.as_ref().map_or(Processed::Yes, |fault| fault.processed);
        let answered = Answered::planned(&judged.answer, judged.fault.clone());
        let order = match judged.call {
            "list" => Some(judged.keys.join(",")).filter(|ids| !ids.is_empty()),
            _ => judged.keys.into_iter().next(),
        };
        let seq = self.record.push(Received {
            seq: 0,
            at_ms: self.clock.now_ms(),
            network,
            call: judged.call.to_owned(),
            method: request.method.clone(),
            path: path.to_owned(),
            query: request.query.clone(),
            params: judged.params,
            headers: request.headers.iter().cloned().collect(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            order,
            answered,
            violations: judged.violations,
            effect: judged.effect.is_some(),
        });
        if let (Some(network), Some((key, effect))) = (network, judged.effect) {
            self.held.add(network, key, Effect { seq, ..effect });
        }
        Plan {
            answer: judged.answer,
            fault: judged.fault.map(|fault| fault.kind),
            processed,
            seq,
            era: self.era,
        }
    }

    fn process_late(&mut self, request: &Request, seq: u64) -> Option<Answer> {
        let (network, path) = Network::of_path(&request.path)?;
        let judged = self.judge(network, path, request, |_, _, _| (None, true));
        if let Some(received) = self.record.at_mut(seq) {
            received.effect = judged.effect.is_some();
        }
        if let Some((key, effect)) = judged.effect {
            self.held.add(network, key, Effect { seq, ..effect });
        }
        Some(judged.answer)
    }

    /// Lets the network judge a request and, if `pick` says so, act on it.
    fn judge(
        &mut self,
        network: Network,
        path: &str,
        request: &Request,
        pick: impl FnOnce(&mut Script, &str, &[String]) -> (Option<Fault>, bool),
    ) -> Judged {
        let office = Office {
            now_ms: self.clock.now_ms(),
            accounts: &self.accounts,
            settings: &self.settings,
        };
        let pick = |call: &str, keys: &[String]| pick(&mut self.script, call, keys);
        match network {
            Network::CashMyCell => attend(&mut self.cashmycell, path, request, &office, pick),
            Network::CartStack => attend(&mut self.cartstack, path, request, &office, pick),
            Network::CpaMoe => attend(&mut self.cpa_moe, path, request, &office, pick),
            Network::ShopBack => attend(&mut self.shopback, path, request, &office, pick),
        }
    }
}

fn attend<V: Vendor>(
    vendor: &mut V,
    path: &str,
    request: &Request,
    office: &Office<'_>,
    pick: impl FnOnce(&str, &[String]) -> (Option<Fault>, bool),
) -> Judged {
    let Checked { call, keys, params, violations, verdict } = V::check(request, path, office);
    let (fault, processed) = pick(call, &keys);
    let taken = match verdict {
        Ok(call) if processed => vendor.take(call, office),
        // Never sent: a fault that leaves a request unprocessed answers otherwise or not at all.
        Ok(_) => Taken::nothing(Answer::status(500)),
        Err(answer) => Taken::nothing(answer),
    };
    Judged { call, keys, params, violations, fault, answer: taken.answer, effect: taken.effect }
}

impl Judged {
    fn nobodys(request: &Request) -> Self {
        // What was not even HTTP has no path, and says so itself.
        let violation = match request.path.as_str() {
            "" => "not a request".to_owned(),
            path => format!("{path} belongs to no network"),
        };
        let answer = Answer::page(404, "Not Found");
        let checked = Checked::<()>::astray(request, violation, answer.clone());
        Self {
            call: checked.call,
            keys: checked.keys,
            params: checked.params,
            violations: checked.violations,
            fault: None,
            answer,
            effect: None,
        }
    }
}

impl Answered {
    fn planned(answer: &Answer, fault: Option<Fault>) -> Self {
        let on_the_wire = match fault.as_ref().map(|fault| &fault.kind) {
            None | Some(Kind::CutBodyAt(_) | Kind::CutAnswerAt(_)) => Some(answer),
            Some(Kind::Answer(scripted)) => Some(scripted),
            Some(_) => None,
        };
        Self {
            status: on_the_wire.map(|answer| answer.status),
            body: on_the_wire.map_or_else(String::new, |answer| {
                String::from_utf8_lossy(&answer.body).into_owned()
            }),
            fault,
        }
    }
}
