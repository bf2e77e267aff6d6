//! cpa.moe on AlterCPA: <https://api.cpa.moe/ext/add.json> and <https://api.cpa.moe/ext/list.json>.

mod fields;
mod lead;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

pub use self::lead::{Lead, LeadUpdate};

use self::fields::{Fields, as_text, is_our_id};
use crate::http::{Answer, Request};
use crate::query::Query;
use crate::record::Effect;
use crate::vendor::{Checked, Office, Taken, Vendor, check_no_body};

/// A customer with this phone is banned.
pub const BANNED_PHONE: &str = "79000000666";
/// A customer at this address is banned.
pub const BANNED_IP: &str = "198.51.100.66";
/// Every offer exists but these: the offer, and the error it gets.
pub const MAGIC_OFFERS: [(u64, &str); 12] = [
    (9001, "offer"),
    (9002, "traffic"),
    (9003, "security"),
    (9004, "key"),
    (9005, "func"),
    (9006, "app"),
    (9007, "access-denied"),
    (9008, "unpaid"),
    (9009, "data"),
    (9010, "duplicate"),
    (9011, "db"),
    (9012, "teapot"),
];
/// The error `db`, and the lead is created all the same.
pub const OFFER_DB_CREATED: u64 = 9021;
/// `ok` without an id; the lead is created.
pub const OFFER_OK_WITHOUT_ID: u64 = 9022;
/// `ok` with an id and an error beside it; the lead is created.
pub const OFFER_OK_WITH_ERROR: u64 = 9023;

const MOST_IDS: usize = 50;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The network.
#[derive(Debug, Default)]
pub(crate) struct CpaMoe {
    leads: HashMap<String, Vec<Lead>>,
    created: u64,
    /// When an offer last got a lead with this phone or e-mail.
    contacts: HashMap<(u64, String), u64>,
}

/// One of the two calls.
#[derive(Debug)]
pub(crate) enum Call {
    Add(Box<Fields>),
    List(Vec<String>),
}

impl Vendor for CpaMoe {
    type Call = Call;

    fn check(request: &Request, path: &str, office: &Office<'_>) -> Checked<Call> {
        match path {
            "/ext/add.json" => check_add(request, office),
            "/ext/list.json" => check_list(request, office),
            _ => {
                let violation = format!("{path} is neither /ext/add.json nor /ext/list.json");
                Checked::astray(request, violation, Answer::page(404, "Not Found"))
            }
        }
    }

    fn take(&mut self, call: Call, office: &Office<'_>) -> Taken {
        match call {
            Call::Add(fields) => self.add(&fields, office),
            Call::List(ids) => Taken::nothing(self.list(&ids, office)),
        }
    }
}

fn check_add(request: &Request, office: &Office<'_>) -> Checked<Call> {
    let mut query = Query::read(&request.query, None);
    query.check_names(&["id"]);
    let mut violations = Vec::new();
    let fields = if request.method == "POST" && is_json(request) {
        serde_json::from_slice::<Fields>(&request.body).map_err(|error| error.to_string())
    } else {
        violations
            .push("not a POST with content-type application/json: no field is seen".to_owned());
        Ok(Fields::default())
    };
    let key = fields.as_ref().ok().and_then(|fields| fields.text("id"));
    let verdict = match fields {
        _ if !is_authorised(&query, office, &mut violations) => Err(error("key")),
        Err(flaw) => {
            violations.push(format!("the body is not a JSON object: {flaw}"));
            Err(error("data"))
        }
        Ok(fields) => judge(fields, &mut violations),
    };
    Checked::new("add", key.into_iter().collect(), request, query, violations, verdict)
}

fn judge(fields: Fields, violations: &mut Vec<String>) -> Result<Call, Answer> {
    let wrong = fields.violations();
    let is_wrong = !wrong.is_empty();
    violations.extend(wrong);
    for (name, code) in [("id", "noid"), ("offer", "nooffer"), ("phone", "nophone")] {
        if fields.text(name).is_none() {
            return Err(error(code));
        }
    }
    let is_auto = fields.text("id").as_deref() == Some("auto");
    // The network itself accepts `auto`; nobody could look such a lead up again.
    if is_wrong && !is_auto {
        return Err(error("data"));
    }
    if fields.text("phone").as_deref() == Some(BANNED_PHONE)
        || fields.text("ip").as_deref() == Some(BANNED_IP)
    {
        return Err(error("ban"));
    }
    let magic = MAGIC_OFFERS.iter().find(|(id, _)| *id == offer_of(&fields));
    match magic {
        Some((_, code)) => Err(error(code)),
        None => Ok(Call::Add(Box::new(fields))),
    }
}

fn check_list(request: &Request, office: &Office<'_>) -> Checked<Call> {
    if !matches!(request.method.as_str(), "GET" | "POST") {
        let answer = Answer::page(405, "Method Not Allowed");
        let violation = format!("{} instead of GET or POST", request.method);
        return Checked::astray(request, violation, answer);
    }
    let mut query = Query::read(&request.query, Some("ids"));
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
    let mut sound = true;
    if ids.is_empty() || ids.iter().any(|id| !is_our_id(id)) {
        violations.push("ids is not a list of order ids with commas between".to_owned());
        sound = false;
    }
    if ids.len() > MOST_IDS {
        violations.push(format!("{} ids, {MOST_IDS} at most are asked for", ids.len()));
        sound = false;
    }
    let verdict = if !is_authorised(&query, office, &mut violations) {
        Err(error("key"))
    } else if sound {
        Ok(Call::List(ids.clone()))
    } else {
        Err(error("data"))
    };
    Checked::new("list", ids, request, query, violations, verdict)
}

impl CpaMoe {
    /// The leads of one of our orders.
    pub(crate) fn leads(&self, id: &str) -> &[Lead] {
        self.leads.get(id).map_or(&[], Vec::as_slice)
    }

    /// Moves leads along; says how many.
    pub(crate) fn update(&mut self, update: &LeadUpdate) -> usize {
        let mut updated = 0;
        let one = update.id.as_deref();
        let leads: Box<dyn Iterator<Item = &mut Lead>> = match one {
            Some(id) => Box::new(self.leads.get_mut(id).into_iter().flatten()),
            None => Box::new(self.leads.values_mut().flatten()),
        };
        for lead in leads {
            lead.apply(update);
            updated += 1;
        }
        updated
    }

    fn add(&mut self, fields: &Fields, office: &Office<'_>) -> Taken {
        let settings = &office.settings.cpa_moe;
        let offer = offer_of(fields);
        let contacts = ["phone", "email"].into_iter().filter_map(|name| fields.text(name));
        let contacts: Vec<_> = contacts.map(|contact| (offer, contact)).collect();
        let window_ms = settings.duplicate_days * DAY_MS;
        let known = contacts.iter().filter_map(|contact| self.contacts.get(contact));
        let repeated = known.into_iter().any(|at| office.now_ms.saturating_sub(*at) < window_ms);
        if settings.refuse_duplicates && repeated {
            return Taken::nothing(error("duplicate"));
        }
        for contact in contacts {
            self.contacts.insert(contact, office.now_ms);
        }

        let lead_id = settings.first_lead_id.saturating_add(self.created);
        self.created += 1;
        let sent = fields.get("id").cloned().unwrap_or_default();
        let is_auto = sent.as_str() == Some("auto");
        let id = if is_auto { json!(format!("auto{lead_id}")) } else { sent };
        let key = as_text(&id).unwrap_or_default();
        let lead = Lead {
            id: id.clone(),
            uid: lead_id,
            src: fields.get("wm").cloned(),
            offer,
            stage: "wait".to_owned(),
            status: 1,
            reason: None,
            count: fields.get("count").cloned(),
            comment: fields.text("comm"),
            created_ms: office.now_ms,
            hidden_for: settings.list_lag_requests,
        };
        self.leads.entry(key.clone()).or_default().push(lead);

        let mut effect = Effect::of(fields.text("base"));
        effect.reference = Some(lead_id.to_string());
        let lead_id = lead::number(lead_id, settings);
        Taken {
            answer: match offer {
                OFFER_DB_CREATED => error("db"),
                OFFER_OK_WITHOUT_ID => Answer::json(&json!({ "status": "ok", "uid": id })),
                OFFER_OK_WITH_ERROR => Answer::json(
                    &json!({ "status": "ok", "id": lead_id, "uid": id, "error": "db" }),
                ),
                _ => Answer::json(&json!({ "status": "ok", "id": lead_id, "uid": id })),
            },
            effect: Some((key, effect)),
        }
    }

    fn list(&mut self, ids: &[String], office: &Office<'_>) -> Answer {
        let settings = &office.settings.cpa_moe;
        let mut shown = Map::new();
        for id in ids {
            // One of them, where an order has several: the object has one place for it.
            let Some(lead) = self.leads.get_mut(id).and_then(|leads| leads.last_mut()) else {
                continue;
            };
            let hidden = lead.hidden_for > 0;
            lead.hidden_for = lead.hidden_for.saturating_sub(1);
            let visible_at = lead.created_ms.saturating_add(settings.list_lag_ms);
            if !hidden && office.now_ms >= visible_at {
                shown.insert(id.clone(), lead.show(settings));
            }
        }
        // PHP: an empty array is a list, whatever it was meant to be.
        if shown.is_empty() || settings.list_as_array {
            let leads = shown.into_iter().map(|(_, lead)| lead);
            return Answer::json(&leads.collect());
        }
        Answer::json(&Value::Object(shown))
    }
}

fn offer_of(fields: &Fields) -> u64 {
    let offer = fields.text("offer").and_then(|offer| offer.parse().ok());
    offer.unwrap_or_default()
}

/// `id={user}-{key}` in the query. A wrong pair is refused; only a malformed one is a violation.
fn is_authorised(query: &Query, office: &Office<'_>, violations: &mut Vec<String>) -> bool {
    let account = &office.accounts.cpa_moe;
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

/// "Pure POST": the ids may stand in a form or a JSON body as well.
fn ids_in_body(request: &Request) -> Option<String> {
    if is_json(request) {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        return body.get("ids").and_then(as_text);
    }
    let body = String::from_utf8_lossy(&request.body);
    Query::read(&body, Some("ids")).get("ids").map(str::to_owned)
}

fn error(code: &str) -> Answer {
    Answer::json(&json!({ "status": "error", "error": code }))
}
