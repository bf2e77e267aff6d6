//! The control API: everything under `/_`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::cpa_moe::LeadUpdate;
use crate::effects::Effect;
use crate::fault::Fault;
use crate::http::{Answer, Request};
use crate::network::Network;
use crate::query::Query;
use crate::report;
use crate::rule::Rule;
use crate::settings::merge;
use crate::simulator::Simulator;
use crate::state::State;

/// The body of a 200, or the error of a 400.
type ControlResult = Result<Value, String>;

/// True for a request to the control API.
pub(crate) fn is_for(request: &Request) -> bool {
    request.path.starts_with("/_")
}

/// Executes the request and answers in JSON.
pub(crate) fn answer(simulator: &Simulator, request: &Request) -> Answer {
    let query = Query::parse(&request.query, None);
    let body = request.body.as_slice();
    let result = match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/_health") => Ok(simulator.state().health()),
        ("GET", "/_received") => received(&simulator.state(), &query),
        ("GET", "/_violations") => violations(&simulator.state(), &query),
        ("GET", "/_held") => held(&simulator.state(), &query),
        ("GET", "/_report") => match network(&query) {
            Ok(Some(network)) => {
                return Answer::text(&report::of(&simulator.state(), network));
            }
            Ok(None) => Err("give ?network=".to_owned()),
            Err(error) => Err(error),
        },
        ("GET", "/_script") => to_json(&simulator.state().script.rules()),
        ("POST", "/_script") => script(&mut simulator.state(), body),
        ("POST", "/_outage") => outage(&mut simulator.state(), body),
        ("POST", "/_release") => {
            let hanging = simulator.state().hanging;
            simulator.release();
            Ok(json!({ "released": hanging }))
        }
        ("GET", "/_accounts") => to_json(&simulator.state().accounts),
        ("POST", "/_accounts") => change(&mut simulator.state().accounts, body),
        ("GET", "/_settings") => to_json(&simulator.state().settings),
        ("POST", "/_settings") => change(&mut simulator.state().settings, body),
        ("GET", "/_clock") => Ok(clock(&simulator.state())),
        ("POST", "/_clock") => set_clock(&mut simulator.state(), body),
        ("GET", "/_leads") => {
            to_json(&simulator.state().cpa_moe.leads(query.get("id").unwrap_or_default()))
        }
        ("POST", "/_leads") => leads(&mut simulator.state(), body),
        ("POST", "/_reset") => {
            simulator.reset();
            Ok(json!({ "reset": true }))
        }
        (method, path) => {
            let error = json!({ "error": format!("{method} {path} is not part of the control API; see the README") });
            return Answer::json(&error).with_status(404);
        }
    };
    match result {
        Ok(value) => Answer::json(&value),
        Err(error) => Answer::json(&json!({ "error": error })).with_status(400),
    }
}

fn received(state: &State, query: &Query) -> ControlResult {
    let network = network(query)?;
    to_json(&state.log.received(network, query.get("order")).collect::<Vec<_>>())
}

fn violations(state: &State, query: &Query) -> ControlResult {
    let network = network(query)?;
    let all = state.log.violations().iter();
    let wanted = all.filter(|violation| network.is_none() || violation.network == network);
    to_json(&wanted.collect::<Vec<_>>())
}

fn held(state: &State, query: &Query) -> ControlResult {
    let only = network(query)?;
    let networks =
        Network::ALL.into_iter().filter(|network| only.is_none_or(|only| only == *network));
    let mut held = BTreeMap::new();
    for network in networks {
        let of_network = if query.get("totals").is_some() {
            to_json(&state.effects.totals(network))?
        } else if let Some(order) = query.get("order") {
            match state.effects.of(network, order) {
                [] => json!({}),
                effects => json!({ order: summary(effects) }),
            }
        } else {
            let all = state.effects.all(network).into_iter();
            to_json(&all.map(|(key, effects)| (key, summary(effects))).collect::<BTreeMap<_, _>>())?
        };
        held.insert(network, of_network);
    }
    to_json(&held)
}

fn summary(effects: &[Effect]) -> Value {
    json!({
        "count": effects.len(),
        "approved": effects.iter().filter(|effect| effect.approved).count(),
        "amounts": effects.iter().map(|effect| &effect.amount).collect::<Vec<_>>(),
        "effects": effects,
    })
}

fn script(state: &mut State, body: &[u8]) -> ControlResult {
    let rule: Rule = parse(body)?;
    state.script.add(rule)?;
    Ok(json!({ "rules": state.script.rules().len() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outage {
    network: Network,
    on: bool,
    #[serde(default = "Fault::close_before_reading")]
    fault: Fault,
}

fn outage(state: &mut State, body: &[u8]) -> ControlResult {
    let outage: Outage = parse(body)?;
    state.script.outage(outage.network, outage.on.then_some(outage.fault))?;
    Ok(json!({ "network": outage.network, "on": outage.on }))
}

/// Changes the members that the body names.
fn change<T: serde::Serialize + DeserializeOwned>(current: &mut T, body: &[u8]) -> ControlResult {
    let mut whole = to_json(current)?;
    merge(&mut whole, parse(body)?);
    *current = T::deserialize(&whole).map_err(|error| error.to_string())?;
    to_json(current)
}

fn clock(state: &State) -> Value {
    json!({
        "now_ms": state.clock.now_ms(),
        "frozen": matches!(state.clock, Clock::Frozen { .. }),
    })
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ClockChange {
    system: bool,
    now_ms: Option<u64>,
    advance_ms: u64,
}

fn set_clock(state: &mut State, body: &[u8]) -> ControlResult {
    let change: ClockChange = parse(body)?;
    if change.system {
        state.clock = Clock::SYSTEM;
    }
    if let Some(now_ms) = change.now_ms {
        state.clock = Clock::Frozen { now_ms };
    }
    state.clock.advance(change.advance_ms);
    Ok(clock(state))
}

fn leads(state: &mut State, body: &[u8]) -> ControlResult {
    let update: LeadUpdate = parse(body)?;
    Ok(json!({ "updated": state.cpa_moe.update(&update) }))
}

fn network(query: &Query) -> Result<Option<Network>, String> {
    let Some(name) = query.get("network") else {
        return Ok(None);
    };
    match Network::named(name) {
        Some(network) => Ok(Some(network)),
        None => Err(format!("{name} is not one of the four networks")),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> ControlResult {
    serde_json::to_value(value).map_err(|error| error.to_string())
}
