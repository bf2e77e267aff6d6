//! The requests to add and to list leads, as the network checks them.

use serde_json::Value;

use super::fields::{Fields, as_text, is_our_id};
use super::{BANNED_IP, BANNED_PHONE, Call, MAGIC_OFFERS, offer_of, refusal};
use crate::http::{Answer, Request};
use crate::network_api::{Context, Inspection, check_no_body};
use crate::query::Query;

const MOST_IDS: usize = 50;

pub(super) fn inspect_add(request: &Request, context: &Context<'_>) -> Inspection<Call> {
    let mut query = Query::parse(&request.query, None);
    query.check_names(&["id"]);
    let mut violations = Vec::new();
    let fields = if request.method == "POST" && is_json(request) {
        serde_json::from_slice::<Fields>(&request.body).map_err(|error| error.to_string())
    } else {
        violations.push(
            "not a POST with content-type application/json: the fields are ignored".to_owned(),
        );
        Ok(Fields::default())
    };
    let key = fields.as_ref().ok().and_then(|fields| fields.text("id"));
    let result = match fields {
        _ if !is_authorised(&query, context, &mut violations) => Err(refusal("key")),
        Err(error) => {
            violations.push(format!("the body is not a JSON object: {error}"));
            Err(refusal("data"))
        }
        Ok(fields) => validate(fields, &mut violations),
    };
    Inspection::new("add", key.into_iter().collect(), request, query, violations, result)
}

/// Refuses a lead as the network does: missing fields by name, others with `data`.
fn validate(fields: Fields, violations: &mut Vec<String>) -> Result<Call, Answer> {
    let of_fields = fields.violations();
    let is_invalid = !of_fields.is_empty();
    violations.extend(of_fields);
    for (name, code) in [("id", "noid"), ("offer", "nooffer"), ("phone", "nophone")] {
        if fields.text(name).is_none() {
            return Err(refusal(code));
        }
    }
    let is_auto = fields.text("id").as_deref() == Some("auto");
    // The network itself accepts `auto`; nobody could look such a lead up again.
    if is_invalid && !is_auto {
        return Err(refusal("data"));
    }
    if fields.text("phone").as_deref() == Some(BANNED_PHONE)
        || fields.text("ip").as_deref() == Some(BANNED_IP)
    {
        return Err(refusal("ban"));
    }
    let magic = MAGIC_OFFERS.iter().find(|(id, _)| *id == offer_of(&fields));
    match magic {
        Some((_, code)) => Err(refusal(code)),
        None => Ok(Call::Add(Box::new(fields))),
    }
}

pub(super) fn inspect_list(request: &Request, context: &Context<'_>) -> Inspection<Call> {
    if !matches!(request.method.as_str(), "GET" | "POST") {
        let answer = Answer::page(405);
        let violation = format!("{} instead of GET or POST", request.method);
        return Inspection::unknown(request, violation, answer);
    }
    let mut query = Query::parse(&request.query, Some("ids"));
    query.check_names(&["id", "ids"]);
    let mut violations = Vec::new();
    if request.method == "GET" {
        check_no_body(request, &mut violations);
    }
    let ids: Vec<String> = query
        .get("ids")
        .map(str::to_owned)
        .or_else(|| ids_in_body(request))
        .map(|ids| ids.split(',').map(str::to_owned).collect())
        .unwrap_or_default();
    let mut is_valid = true;
    if ids.is_empty() || ids.iter().any(|id| !is_our_id(id)) {
        violations.push("ids is not a list of order ids separated by commas".to_owned());
        is_valid = false;
    }
    if ids.len() > MOST_IDS {
        violations.push(format!("{} ids; {MOST_IDS} are allowed", ids.len()));
        is_valid = false;
    }
    let result = if !is_authorised(&query, context, &mut violations) {
        Err(refusal("key"))
    } else if is_valid {
        Ok(Call::List(ids.clone()))
    } else {
        Err(refusal("data"))
    };
    Inspection::new("list", ids, request, query, violations, result)
}

/// Checks `id={user}-{key}` in the query. A wrong pair is refused; only a malformed one is a violation.
fn is_authorised(query: &Query, context: &Context<'_>, violations: &mut Vec<String>) -> bool {
    let account = &context.accounts.cpa_moe;
    let id = query.filled("id").unwrap_or_default();
    let well_formed = id.split_once('-').is_some_and(|(user, key)| {
        let filled = !user.is_empty() && !key.is_empty();
        filled
            && user.bytes().all(|byte| byte.is_ascii_digit())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    if !well_formed {
        violations.push("the query's id is not {user}-{key}".to_owned());
    }
    id == format!("{}-{}", account.user, account.key)
}

fn is_json(request: &Request) -> bool {
    let sent = request.header("content-type").unwrap_or_default();
    let kind = sent.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// The ids of a "pure POST", which sends them in a form or a JSON body.
fn ids_in_body(request: &Request) -> Option<String> {
    if is_json(request) {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        return body.get("ids").and_then(as_text);
    }
    let body = String::from_utf8_lossy(&request.body);
    Query::parse(&body, Some("ids")).get("ids").map(str::to_owned)
}
