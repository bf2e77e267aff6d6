//! The network's answers to `add.json`.

use postback_core::network::by_status;
use postback_core::{
    delivery::{IfAbsent, Proof, Verdict},
    http::Answer,
    network::Classification,
    redaction::{Details, Reason},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::{Lead, OurId, lead::shares};

/// The references of a lead: the network's id, if known, and ours.
pub(crate) fn references(lead_id: Option<&str>, our_id: &OurId) -> Details {
    let references = Details::none().id("our_id", our_id.as_str());
    match lead_id {
        Some(lead_id) => references.id("lead_id", lead_id),
        None => references,
    }
}

/// A word or a number as text, trimmed; `None` for an absent value, in PHP's spellings too.
pub(crate) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An id of the network: any number of digits, not zero.
pub(crate) fn lead_id(value: Option<&Value>) -> Option<String> {
    let is_id = |id: &String| {
        id.len() <= 40 && id.bytes().all(|b| b.is_ascii_digit()) && id.bytes().any(|b| b != b'0')
    };
    text(value).filter(is_id)
}

/// Classifies answers about one lead.
pub(crate) struct Classifier<'a> {
    pub(crate) lead: &'a Lead,
    pub(crate) credentials: &'a SecretString,
}

impl Classifier<'_> {
    /// Classifies an answer. The body decides, because the network answers 200 to everything; an
    /// unreadable body leaves it to the status. The body of a 5xx proves nothing.
    pub(crate) fn classify(&self, answer: &Answer) -> Classification {
        let by_status = || self.classification(by_status(answer), None, Details::none());
        let Some(body) = answer.object().filter(|_| !answer.is_redirect()) else {
            return by_status();
        };
        let status = text(body.get("status")).map(|status| status.to_ascii_lowercase());
        match status.as_deref() {
            Some("ok" | "error") if answer.status >= 500 => self.classification(
                Verdict::unconfirmed("http_server_error"),
                None,
                Details::none(),
            ),
            Some("ok") => self.accepted(&body),
            Some("error") => self.refused(&body),
            _ => by_status(),
        }
    }

    /// Classifies an "ok". Here `id` is the network's id and `uid` ours; in the list it is the
    /// reverse.
    fn accepted(&self, body: &Map<String, Value>) -> Classification {
        // An echo of the phone number is no id, though it looks like one.
        let lead_id = lead_id(body.get("id")).filter(|id| !self.lead.is_echoed_in(id));
        let verdict = match lead_id {
            _ if has_error(body) => Verdict::unconfirmed("error_beside_ok"),
            None => Verdict::unconfirmed("ok_without_id"),
            Some(_) => Verdict::Delivered(Proof::Response),
        };
        let is_ours = text(body.get("uid")).is_none_or(|uid| uid == self.lead.id.as_str());
        let details = Details::none();
        let details = if is_ours { details } else { details.code("uid", "other") };
        self.classification(verdict, lead_id.as_deref(), details)
    }

    fn refused(&self, body: &Map<String, Value>) -> Classification {
        let code = text(body.get("error")).map(|code| code.to_ascii_lowercase().replace('_', "-"));
        let code = code.unwrap_or_default();
        let known = refusal(&code);
        let is_kept = known.is_some() || self.may_be_kept(&code);
        let verdict = known.unwrap_or(Verdict::parked_until_fixed("unknown_code"));
        let details = Details::none();
        let details = if is_kept { details.code("error", &code) } else { details };
        self.classification(verdict, None, details)
    }

    /// Returns whether an undocumented code may be kept: no long number, which might be the customer's,
    /// nothing with a point, which might be their address, no word of theirs and nothing of the key.
    fn may_be_kept(&self, code: &str) -> bool {
        let is_number = code.bytes().filter(u8::is_ascii_digit).count() > 4 || code.contains('.');
        let secrets = self.credentials.expose_secret().split('-');
        !is_number && !self.lead.holds(code) && !secrets.into_iter().any(|s| shares(s, code))
    }

    /// A classification, with references if the network holds the lead or may hold it.
    fn classification(
        &self,
        verdict: Verdict,
        lead_id: Option<&str>,
        details: Details,
    ) -> Classification {
        let references = match verdict {
            Verdict::Delivered(_) | Verdict::Unconfirmed { .. } => {
                references(lead_id, &self.lead.id)
            }
            _ => Details::none(),
        };
        Classification { verdict, references, details }
    }
}

/// The verdict of an error code, of the network's document or of the platform's.
fn refusal(code: &str) -> Option<Verdict> {
    let verdict = match code {
        // The platform compares offer and phone, not our id: the lookup finds out whose it is.
        "duplicate" => {
            Verdict::Unconfirmed { reason: Reason::new("duplicate"), if_absent: IfAbsent::Reject }
        }
        "nooffer" => Verdict::rejected("no_offer"),
        "noid" => Verdict::rejected("no_id"),
        "nophone" => Verdict::rejected("no_phone"),
        "data" => Verdict::rejected("bad_data"),
        // A ban says nothing of an earlier attempt: it may have come since.
        "ban" => Verdict::rejected("customer_banned"),
        "offer" => Verdict::parked_alone("offer_not_found"),
        "traffic" => Verdict::parked_alone("offer_blocked"),
        "security" => Verdict::parked("account_banned"),
        "key" => Verdict::parked("key_refused"),
        "func" => Verdict::parked("function_unknown"),
        "app" => Verdict::parked("app_refused"),
        "access-denied" => Verdict::parked("access_denied"),
        "unpaid" => Verdict::parked("account_unpaid"),
        "db" => Verdict::unconfirmed("db"),
        _ => return None,
    };
    Some(verdict)
}

fn has_error(body: &Map<String, Value>) -> bool {
    match body.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(_) | Value::Bool(true)) => true,
        error @ Some(Value::String(_) | Value::Number(_)) => {
            text(error).is_some_and(|text| text != "0")
        }
    }
}
