//! What the network holds: `list.json`, asked by our ids.

use postback_core::{
    delivery::Lookup,
    http::{Answer, Request},
    redaction::{Details, Reason},
};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    CancelReason, Lead, OurId, Stage, Status,
    answer::{lead_id, references, text},
};

/// How many ids one request may ask for.
pub const IDS_PER_REQUEST: usize = 50;

/// Asks for `ids`, at most [`IDS_PER_REQUEST`]: <https://cpa.moe/en/api-wm.html>, "Check lead
/// status".
///
/// The document wants a `POST` and shows the ids in the URL. With a JSON body the platform may
/// read its fields from the body alone, and a list asked for no ids might come back empty, which
/// reads as "not there": so they stand in both places.
pub(crate) fn request(credentials: &SecretString, ids: &[OurId]) -> Request {
    let ids: Vec<_> = ids.iter().map(OurId::as_str).collect();
    let body = json!({ "ids": ids.join(",") });
    Request::post_json("ext/list.json", body)
        .query_secret("id", credentials)
        .query_list("ids", &ids)
}

/// A lead as the list shows it. The operator's comment is not among it: it is free text about a
/// person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedLead {
    /// Our id of it: `id` in the list.
    pub our_id: OurId,
    /// The network's id of it: `uid` in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<String>,
    /// Its stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Its extended status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Why it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<CancelReason>,
    /// How many goods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

impl ListedLead {
    /// Whether the network has given its last word on it.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.stage.as_ref().is_some_and(Stage::is_final)
    }

    /// Whether the network has dropped it.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.stage.as_ref().is_some_and(Stage::is_dropped)
    }

    /// The ids under which both sides know it.
    #[must_use]
    pub fn references(&self) -> Details {
        references(self.lead_id.as_deref(), &self.our_id)
    }

    /// How far it is, as it may be kept.
    #[must_use]
    pub fn details(&self) -> Details {
        let mut details = Details::none();
        if let Some(stage) = &self.stage {
            details = details.code("stage", stage.as_str());
        }
        if let Some(status) = &self.status {
            details = details.code("status", status.as_str());
        }
        if let Some(reason) = &self.reason {
            details = details.code("reason", reason.as_str());
        }
        details
    }

    /// One entry of the list, `key` being what it stands under, if anything. `None` if it can't be
    /// told whose it is, or if it says nothing that a lead says.
    fn read(key: Option<&str>, entry: &Value) -> Option<Self> {
        let entry = entry.as_object()?;
        let id = text(entry.get("id"));
        let our_id = match (key, id) {
            (Some(key), Some(id)) if key != id => return None,
            (Some(key), _) => OurId::kept(key)?,
            (None, id) => OurId::kept(&id?)?,
        };
        let lead = Self {
            our_id,
            lead_id: lead_id(entry.get("uid")),
            stage: text(entry.get("stage")).map(|word| Stage::read(&word)),
            status: text(entry.get("status")).map(|number| Status::read(&number)),
            reason: text(entry.get("reason")).and_then(|number| CancelReason::read(&number)),
            count: text(entry.get("count")).and_then(|count| count.parse().ok()),
        };
        let says_something =
            lead.lead_id.is_some() || lead.stage.is_some() || lead.status.is_some();
        says_something.then_some(lead)
    }
}

/// A list as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Its leads.
    pub leads: Vec<ListedLead>,
    /// Whether there was nothing else in it: only then does a missing lead mean "not there".
    pub is_whole: bool,
}

/// Reads a list; `Err` says why it is none.
pub fn read_list(answer: &Answer) -> Result<List, Reason> {
    if !answer.is_success() {
        return Err(Reason::new("lookup_http_error"));
    }
    let (leads, entries) = match answer.json() {
        Some(Value::Object(body)) if is_message(&body) => {
            let is_error = text(body.get("status")).as_deref() == Some("error");
            let reason = if is_error { "lookup_refused" } else { "lookup_unreadable" };
            return Err(Reason::new(reason));
        }
        Some(Value::Object(body)) => {
            let leads = body.iter().filter_map(|(key, entry)| ListedLead::read(Some(key), entry));
            (leads.collect::<Vec<_>>(), body.len())
        }
        Some(Value::Array(body)) => {
            let leads = body.iter().filter_map(|entry| ListedLead::read(None, entry));
            (leads.collect(), body.len())
        }
        _ => return Err(Reason::new("lookup_unreadable")),
    };
    let is_whole = leads.len() == entries;
    Ok(List { leads, is_whole })
}

/// An answer about the request rather than a list: under `status` stands a word, not a lead.
fn is_message(body: &Map<String, Value>) -> bool {
    body.get("status").is_some_and(|status| !status.is_object())
}

/// Whether the lead that was `sent` is in a list that was asked for it alone.
pub(crate) fn look_for(sent: &Lead, answer: &Answer) -> Lookup {
    let our_id = &sent.id;
    let list = match read_list(answer) {
        Ok(list) => list,
        Err(reason) => return Lookup::Failed { reason },
    };
    if let Some(lead) = list.leads.iter().find(|lead| lead.our_id == *our_id) {
        // An echo of the phone number is no id, though it looks like one.
        let lead_id = lead.lead_id.as_deref().filter(|id| !sent.is_echoed_in(id));
        return Lookup::Found { references: references(lead_id, our_id) };
    }
    match list {
        List { is_whole: false, .. } => Lookup::Failed { reason: Reason::new("lookup_unreadable") },
        // Nobody asked for another's lead: the network has read another id than ours.
        List { leads, .. } if !leads.is_empty() => {
            Lookup::Failed { reason: Reason::new("lookup_other_lead") }
        }
        List { .. } => Lookup::Absent,
    }
}
