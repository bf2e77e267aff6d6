//! `list.json`: the leads that the network holds, by our ids.

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

/// The most ids of one request.
pub const IDS_PER_REQUEST: usize = 50;

/// The request for `ids`, at most [`IDS_PER_REQUEST`]: <https://cpa.moe/en/api-wm.html>, "Check lead
/// status".
///
/// The document asks for a `POST` and shows the ids in the URL. With a JSON body the platform may read
/// its fields from the body alone, and a list of no ids might come back empty, which means "not
/// there". So the request holds the ids in both places.
pub(crate) fn request(credentials: &SecretString, ids: &[OurId]) -> Request {
    let ids: Vec<_> = ids.iter().map(OurId::as_str).collect();
    let body = json!({ "ids": ids.join(",") });
    Request::post_json("ext/list.json", body)
        .query_secret("id", credentials)
        .query_list("ids", &ids)
}

/// A lead in the list, without the comment: that is free text about a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedLead {
    /// Our id: `id` in the list.
    pub our_id: OurId,
    /// The network's id: `uid` in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<String>,
    /// The stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// The extended status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The reason of a cancellation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<CancelReason>,
    /// The number of goods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

impl ListedLead {
    /// Returns whether the stage is final.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.stage.as_ref().is_some_and(Stage::is_final)
    }

    /// Returns whether the network has cancelled it.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.stage.as_ref().is_some_and(Stage::is_dropped)
    }

    /// The ids of both sides.
    #[must_use]
    pub fn references(&self) -> Details {
        references(self.lead_id.as_deref(), &self.our_id)
    }

    /// The status, without anything personal.
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

    /// Parses an entry of the list; `key` is its key, if the list is an object. `None` if it has no id
    /// of ours, or no member of a lead.
    fn from_json(key: Option<&str>, entry: &Value) -> Option<Self> {
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
            stage: text(entry.get("stage")).map(|word| Stage::parse(&word)),
            status: text(entry.get("status")).map(|number| Status::parse(&number)),
            reason: text(entry.get("reason")).and_then(|number| CancelReason::parse(&number)),
            count: text(entry.get("count")).and_then(|count| count.parse().ok()),
        };
        let has_content = lead.lead_id.is_some() || lead.stage.is_some() || lead.status.is_some();
        has_content.then_some(lead)
    }
}

/// The readable part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The leads.
    pub leads: Vec<ListedLead>,
    /// True if every entry could be read: only then a missing lead means "not there".
    pub is_whole: bool,
}

/// Parses a list; the error is the reason that it is none.
pub fn read_list(answer: &Answer) -> Result<List, Reason> {
    // "Not there" under another status is the word of something between.
    if answer.status != 200 {
        return Err(Reason::new("lookup_http_error"));
    }
    let (leads, entries) = match answer.json() {
        Some(Value::Object(body)) if is_message(&body) => {
            let is_error = text(body.get("status")).as_deref() == Some("error");
            let reason = if is_error { "lookup_refused" } else { "lookup_unreadable" };
            return Err(Reason::new(reason));
        }
        Some(Value::Object(body)) => {
            let leads =
                body.iter().filter_map(|(key, entry)| ListedLead::from_json(Some(key), entry));
            (leads.collect::<Vec<_>>(), body.len())
        }
        Some(Value::Array(body)) => {
            let leads = body.iter().filter_map(|entry| ListedLead::from_json(None, entry));
            (leads.collect(), body.len())
        }
        _ => return Err(Reason::new("lookup_unreadable")),
    };
    let is_whole = leads.len() == entries;
    Ok(List { leads, is_whole })
}

/// Returns whether this is an answer about the request and no list: its `status` is a word, not a lead.
fn is_message(body: &Map<String, Value>) -> bool {
    body.get("status").is_some_and(|status| !status.is_object())
}

/// Looks for our lead in the answer to a request for it alone. Its own id at the network is kept only
/// where the lead is known: an echo of the phone number is no id, though it looks like one.
pub(crate) fn look_for(our_id: &OurId, sent: Option<&Lead>, answer: &Answer) -> Lookup {
    let list = match read_list(answer) {
        Ok(list) => list,
        Err(reason) => return Lookup::Failed { reason },
    };
    if let Some(lead) = list.leads.iter().find(|lead| lead.our_id == *our_id) {
        let is_own = |id: &&str| sent.is_some_and(|sent| !sent.is_echoed_in(id));
        let lead_id = lead.lead_id.as_deref().filter(is_own);
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
