//! The control API: everything under `/_`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::cpa_moe::LeadUpdate;
use crate::fault::Fault;
use crate::http::{Answer, Request};
use crate::network::Network;
use crate::query::Query;
use crate::record::Effect;
use crate::script::Rule;
use crate::settings::merge;

use crate::world::{State, World};

type Outcome = Result<Value, String>;

/// Whether a request is for the control API.
pub(crate) fn is_for(request: &Request) -> bool {
    request.path.starts_with("/_")
}

/// Does what is asked and says so in JSON.
pub(crate) fn answer(world: &World, request: &Request) -> Answer {
    let query = Query::read(&request.query, None);
    let body = request.body.as_slice();
    let outcome = match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/_health") => Ok(world.state().health()),
        ("GET", "/_received") => received(&world.state(), &query),
        ("GET", "/_violations") => violations(&world.state(), &query),
        ("GET", "/_held") => held(&world.state(), &query),
        ("GET", "/_script") => to_json(&world.state().script.rules()),
        ("POST", "/_script") => script(&mut world.state(), body),
        ("POST", "/_outage") => outage(&mut world.state(), body),
        ("POST", "/_release") => {
            let hanging = world.state().hanging;
            world.release();
            Ok(json!({ "released": hanging }))
        }
        ("GET", "/_accounts") => to_json(&world.state().accounts),
        ("POST", "/_accounts") => change(&mut world.state().accounts, body),
        ("GET", "/_settings") => to_json(&world.state().settings),
        ("POST", "/_settings") => change(&mut world.state().settings, body),
        ("GET", "/_clock") => Ok(clock(&world.state())),
        ("POST", "/_clock") => set_clock(&mut world.state(), body),
        ("GET", "/_leads") => {
            to_json(&world.state().cpa_moe.leads(query.get("id").unwrap_or_default()))
        }
        ("POST", "/_leads") => leads(&mut world.state(), body),
        ("POST", "/_reset") => {
            world.reset();
            Ok(json!({ "reset": true }))
        }
        (method, path) => {
            let error = json!({ "error": format!("no {method} {path} here; see the README") });
            return Answer::json(&error).with_status(404);
        }
    };
    match outcome {
        Ok(value) => Answer::json(&value),
        Err(error) => Answer::json(&json!({ "error": error })).with_status(400),
    }
}

fn received(state: &State, query: &Query) -> Outcome {
    let network = network(query)?;
    to_json(&state.record.received(network, query.get("order")).collect::<Vec<_>>())
}

fn violations(state: &State, query: &Query) -> Outcome {
    let network = network(query)?;
    let all = state.record.violations().iter();
    let asked = all.filter(|violation| network.is_none() || violation.network == network);
    to_json(&asked.collect::<Vec<_>>())
}

fn held(state: &State, query: &Query) -> Outcome {
    let only = network(query)?;
    let networks =
        Network::ALL.into_iter().filter(|network| only.is_none_or(|only| only == *network));
    let mut held = BTreeMap::new();
    for network in networks {
        let of_network = if query.get("totals").is_some() {
            to_json(&state.held.totals(network))?
        } else if let Some(order) = query.get("order") {
            match state.held.of(network, order) {
                [] => json!({}),
                effects => json!({ order: summary(effects) }),
            }
        } else {
            let all = state.held.all(network).into_iter();
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

fn script(state: &mut State, body: &[u8]) -> Outcome {
    let rule: Rule = from_json(body)?;
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

fn outage(state: &mut State, body: &[u8]) -> Outcome {
    let outage: Outage = from_json(body)?;
    state.script.outage(outage.network, outage.on.then_some(outage.fault))?;
    Ok(json!({ "network": outage.network, "on": outage.on }))
}

/// Puts a part over the whole; what the part does not name stays.
fn change<T: serde::Serialize + DeserializeOwned>(current: &mut T, body: &[u8]) -> Outcome {
    let mut whole = to_json(current)?;
    merge(&mut whole, from_json(body)?);
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

fn set_clock(state: &mut State, body: &[u8]) -> Outcome {
    let change: ClockChange = from_json(body)?;
    if change.system {
        state.clock = Clock::SYSTEM;
    }
    if let Some(now_ms) = change.now_ms {
        state.clock = Clock::Frozen { now_ms };
    }
    state.clock.advance(change.advance_ms);
    Ok(clock(state))
}

fn leads(state: &mut State, body: &[u8]) -> Outcome {
    let update: LeadUpdate = from_json(body)?;
    Ok(json!({ "updated": state.cpa_moe.update(&update) }))
}

fn network(query: &Query) -> Result<Option<Network>, String> {
    let Some(name) = query.get("network") else {
        return Ok(None);
    };
    match Network::named(name) {
        Some(network) => Ok(Some(network)),
        None => Err(format!("{name} is none of the four networks")),
    }
}

fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Outcome {
    serde_json::to_value(value).map_err(|error| error.to_string())
}
