//! The state of the sandbox, and how one request changes it.

use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::cartstack::CartStack;
use crate::cashmycell::CashMyCell;
use crate::clock::Clock;
use crate::cpa_moe::CpaMoe;
use crate::effects::{Effect, Effects};
use crate::fault::{Fault, Kind, Processed};
use crate::http::{Answer, Request};
use crate::network::Network;
use crate::network_api::{Context, Inspection, NetworkApi, Reply};
use crate::request_log::{Answered, Received, RequestLog};
use crate::script::Script;
use crate::settings::Settings;
use crate::shopback::ShopBack;

/// Everything that can change.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) accounts: Accounts,
    pub(crate) settings: Settings,
    pub(crate) script: Script,
    pub(crate) log: RequestLog,
    pub(crate) effects: Effects,
    pub(crate) hanging: usize,
    /// The number of resets: a request that hung before one takes no effect after it.
    pub(crate) resets: u64,
    pub(crate) cpa_moe: CpaMoe,
    cashmycell: CashMyCell,
    cartstack: CartStack,
    pub(crate) shopback: ShopBack,
}

/// The answer to a request, and the fault that stands in its way.
#[derive(Debug)]
pub(crate) struct PlannedAnswer {
    pub(crate) answer: Answer,
    pub(crate) fault: Option<Kind>,
    /// The time at which the network processes the request; if late, [`State::process_late`] does it.
    pub(crate) processed: Processed,
    pub(crate) seq: u64,
    pub(crate) resets: u64,
}

/// A request after its network has handled it.
struct Handled {
    call: &'static str,
    keys: Vec<String>,
    params: Vec<(String, String)>,
    violations: Vec<String>,
    fault: Option<Fault>,
    answer: Answer,
    effect: Option<(String, Effect)>,
}

impl State {
    pub(crate) fn new(record_limit: usize) -> Self {
        Self {
            clock: Clock::SYSTEM,
            accounts: Accounts::default(),
            settings: Settings::default(),
            script: Script::default(),
            log: RequestLog::new(record_limit),
            effects: Effects::default(),
            hanging: 0,
            resets: 0,
            cpa_moe: CpaMoe::default(),
            cashmycell: CashMyCell::default(),
            cartstack: CartStack::default(),
            shopback: ShopBack::default(),
        }
    }

    /// A fresh state; the requests that hang are still counted.
    pub(crate) fn after_reset(&self) -> Self {
        Self { hanging: self.hanging, resets: self.resets + 1, ..Self::new(self.log.limit()) }
    }

    /// The state in numbers.
    pub(crate) fn health(&self) -> Value {
        json!({
            "status": "ok",
            "now_ms": self.clock.now_ms(),
            "received": self.log.requests,
            "kept": self.log.kept(),
            "violations": self.log.violated,
            "hanging": self.hanging,
        })
    }

    pub(crate) fn receive(
        &mut self,
        network: Option<Network>,
        path: &str,
        request: &Request,
    ) -> PlannedAnswer {
        let handled = match network {
            Some(network) => self.handle(network, path, request, |script, call, keys| {
                let fault = script.next_fault(network, call, keys);
                let now = fault.as_ref().is_none_or(|fault| fault.processed == Processed::Yes);
                (fault, now)
            }),
            None => Handled::without_network(request),
        };
        let processed = handled.fault.as_ref().map_or(Processed::Yes, |fault| fault.processed);
        let answered = Answered::planned(&handled.answer, handled.fault.clone());
        let order = match handled.call {
            "list" => Some(handled.keys.join(",")).filter(|ids| !ids.is_empty()),
            _ => handled.keys.into_iter().next(),
        };
        let seq = self.log.push(Received {
            seq: 0,
            at_ms: self.clock.now_ms(),
            network,
            call: handled.call.to_owned(),
            method: request.method.clone(),
            path: path.to_owned(),
            query: request.query.clone(),
            params: handled.params,
            headers: request.headers.iter().cloned().collect(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            order,
            answered,
            violations: handled.violations,
            effect: handled.effect.is_some(),
        });
        if let (Some(network), Some((key, effect))) = (network, handled.effect) {
            let at_ms = self.clock.now_ms();
            self.effects.add(network, key, Effect { seq, at_ms, ..effect });
        }
        PlannedAnswer {
            answer: handled.answer,
            fault: handled.fault.map(|fault| fault.kind),
            processed,
            seq,
            resets: self.resets,
        }
    }

    /// Processes a request whose wait has ended.
    pub(crate) fn process_late(&mut self, request: &Request, seq: u64) -> Option<Answer> {
        let (network, path) = Network::of_path(&request.path)?;
        let handled = self.handle(network, path, request, |_, _, _| (None, true));
        if let Some(received) = self.log.at_mut(seq) {
            received.effect = handled.effect.is_some();
        }
        if let Some((key, effect)) = handled.effect {
            let at_ms = self.clock.now_ms();
            self.effects.add(network, key, Effect { seq, at_ms, ..effect });
        }
        Some(handled.answer)
    }

    /// Lets the network inspect a request and process it, unless the fault that `choose_fault` picks prevents it.
    fn handle(
        &mut self,
        network: Network,
        path: &str,
        request: &Request,
        choose_fault: impl FnOnce(&mut Script, &str, &[String]) -> (Option<Fault>, bool),
    ) -> Handled {
        let context = Context {
            now_ms: self.clock.now_ms(),
            accounts: &self.accounts,
            settings: &self.settings,
        };
        let choose = |call: &str, keys: &[String]| choose_fault(&mut self.script, call, keys);
        match network {
            Network::CashMyCell => handle(&mut self.cashmycell, path, request, &context, choose),
            Network::CartStack => handle(&mut self.cartstack, path, request, &context, choose),
            Network::CpaMoe => handle(&mut self.cpa_moe, path, request, &context, choose),
            Network::ShopBack => handle(&mut self.shopback, path, request, &context, choose),
        }
    }
}

fn handle<N: NetworkApi>(
    network: &mut N,
    path: &str,
    request: &Request,
    context: &Context<'_>,
    choose_fault: impl FnOnce(&str, &[String]) -> (Option<Fault>, bool),
) -> Handled {
    let Inspection { call, keys, params, violations, result } = N::inspect(request, path, context);
    let (fault, processed) = choose_fault(call, &keys);
    let reply = match result {
        Ok(call) if processed => network.process(call, context),
        // Never sent: a fault that leaves a request unprocessed replaces the answer or sends none.
        Ok(_) => Reply::without_effect(Answer::status(500)),
        Err(answer) => Reply::without_effect(answer),
    };
    Handled { call, keys, params, violations, fault, answer: reply.answer, effect: reply.effect }
}

impl Handled {
    fn without_network(request: &Request) -> Self {
        // Bytes that are not HTTP have no path; their own violation is in the request.
        let violation = match request.path.as_str() {
            "" => "not a request".to_owned(),
            path => format!("{path} belongs to no network"),
        };
        let answer = Answer::page(404);
        let inspection = Inspection::<()>::unknown(request, violation, answer.clone());
        Self {
            call: inspection.call,
            keys: inspection.keys,
            params: inspection.params,
            violations: inspection.violations,
            fault: None,
            answer,
            effect: None,
        }
    }
}

impl Answered {
    fn planned(answer: &Answer, fault: Option<Fault>) -> Self {
        let sent = match fault.as_ref().map(|fault| &fault.kind) {
            None | Some(Kind::CutBodyAt(_) | Kind::CutAnswerAt(_)) => Some(answer),
            Some(Kind::Answer(scripted)) => Some(scripted),
            Some(_) => None,
        };
        Self {
            status: sent.map(|answer| answer.status),
            body: sent.map_or_else(String::new, |answer| {
                String::from_utf8_lossy(&answer.body).into_owned()
            }),
            fault,
        }
    }
}
