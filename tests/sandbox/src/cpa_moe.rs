//! cpa.moe on AlterCPA: <https://api.cpa.moe/ext/add.json> and <https://api.cpa.moe/ext/list.json>.

mod field_type;
mod fields;
mod lead;
mod requests;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

pub use self::lead::{Lead, LeadUpdate};

use self::fields::{Fields, as_text};
use crate::effects::Effect;
use crate::http::{Answer, Request};
use crate::network_api::{Context, Inspection, NetworkApi, Reply};
use crate::settings::CpaMoeSettings;

/// A customer with this phone is banned.
pub const BANNED_PHONE: &str = "79000000666";
/// A customer at this address is banned.
pub const BANNED_IP: &str = "198.51.100.66";
/// The offers that do not work, and their errors. All others exist.
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
/// The error `db`; the lead is created.
pub const OFFER_DB_CREATED: u64 = 9021;
/// `ok` without an id; the lead is created.
pub const OFFER_OK_WITHOUT_ID: u64 = 9022;
/// `ok` with an id and an error beside it; the lead is created.
pub const OFFER_OK_WITH_ERROR: u64 = 9023;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The network.
#[derive(Debug, Default)]
pub(crate) struct CpaMoe {
    leads: HashMap<String, Vec<Lead>>,
    created: u64,
    /// The time of an offer's last lead with this phone or e-mail.
    contacts: HashMap<(u64, String), u64>,
}

/// One of the two calls.
#[derive(Debug)]
pub(crate) enum Call {
    Add(Box<Fields>),
    List(Vec<String>),
}

impl NetworkApi for CpaMoe {
    type Call = Call;

    fn inspect(request: &Request, path: &str, context: &Context<'_>) -> Inspection<Call> {
        match path {
            "/ext/add.json" => requests::inspect_add(request, context),
            "/ext/list.json" => requests::inspect_list(request, context),
            _ => {
                let violation = format!("{path} is neither /ext/add.json nor /ext/list.json");
                Inspection::unknown(request, violation, Answer::page(404))
            }
        }
    }

    fn process(&mut self, call: Call, context: &Context<'_>) -> Reply {
        match call {
            Call::Add(fields) => self.add(&fields, context),
            Call::List(ids) => Reply::without_effect(self.list(&ids, context)),
        }
    }
}

impl CpaMoe {
    /// The leads of one of our orders.
    pub(crate) fn leads(&self, id: &str) -> &[Lead] {
        self.leads.get(id).map_or(&[], Vec::as_slice)
    }

    /// All leads, as a list shows them.
    pub(crate) fn all(&self, settings: &CpaMoeSettings) -> Map<String, Value> {
        let last = self.leads.iter().filter_map(|(id, leads)| Some((id, leads.last()?)));
        last.map(|(id, lead)| (id.clone(), lead.show(settings))).collect()
    }

    /// Updates leads and returns their number.
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

    fn add(&mut self, fields: &Fields, context: &Context<'_>) -> Reply {
        let settings = &context.settings.cpa_moe;
        let offer = offer_of(fields);
        let contacts = ["phone", "email"].into_iter().filter_map(|name| fields.text(name));
        let contacts: Vec<_> = contacts.map(|contact| (offer, contact)).collect();
        let window_ms = settings.duplicate_days * DAY_MS;
        let known = contacts.iter().filter_map(|contact| self.contacts.get(contact));
        let repeated = known.into_iter().any(|at| context.now_ms.saturating_sub(*at) < window_ms);
        if settings.refuse_duplicates && repeated {
            return Reply::without_effect(refusal("duplicate"));
        }
        for contact in contacts {
            self.contacts.insert(contact, context.now_ms);
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
            created_ms: context.now_ms,
            hidden_for: settings.list_lag_requests,
        };
        self.leads.entry(key.clone()).or_default().push(lead);

        let mut effect = Effect::of(fields.text("base"));
        effect.reference = Some(lead_id.to_string());
        let lead_id = lead::number(lead_id, settings);
        Reply {
            answer: match offer {
                OFFER_DB_CREATED => refusal("db"),
                OFFER_OK_WITHOUT_ID => Answer::json(&json!({ "status": "ok", "uid": id })),
                OFFER_OK_WITH_ERROR => Answer::json(
                    &json!({ "status": "ok", "id": lead_id, "uid": id, "error": "db" }),
                ),
                _ => Answer::json(&json!({ "status": "ok", "id": lead_id, "uid": id })),
            },
            effect: Some((key, effect)),
        }
    }

    fn list(&mut self, ids: &[String], context: &Context<'_>) -> Answer {
        let settings = &context.settings.cpa_moe;
        let mut shown = Map::new();
        for id in ids {
            // The last one, if an order has several: the object has one member for it.
            let Some(lead) = self.leads.get_mut(id).and_then(|leads| leads.last_mut()) else {
                continue;
            };
            let hidden = lead.hidden_for > 0;
            lead.hidden_for = lead.hidden_for.saturating_sub(1);
            let visible_at = lead.created_ms.saturating_add(settings.list_lag_ms);
            if !hidden && context.now_ms >= visible_at {
                shown.insert(id.clone(), lead.show(settings));
            }
        }
        // PHP encodes an empty array as a list.
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

fn refusal(code: &str) -> Answer {
    Answer::json(&json!({ "status": "error", "error": code }))
}
