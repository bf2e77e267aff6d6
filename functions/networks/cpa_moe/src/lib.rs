#![doc = include_str!("../README.md")]

use std::collections::BTreeMap;

use postback_core::{
    delivery::{Attempt, Facts, Lookup},
    fields::{Fields, Invalid, integer, secret},
    http::{Answer, Request},
    network::{
        Classification, Network, Plan, Progress, ReadsBack, RecoveryPlan, Sought, TracksStatus,
    },
    order::Order,
    redaction::Reason,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

mod answer;
mod click;
mod contact;
mod lead;
mod list;
mod our_id;
mod status;

pub use click::Click;
pub use contact::{Phone, PublicIp};
pub use lead::{Discount, Good, Lead, Money, Report, Source};
pub use list::{IDS_PER_REQUEST, List, ListedLead, read_list};
pub use our_id::OurId;
pub use status::{CancelReason, Stage, Status};

/// cpa.moe with the merchant's settings.
#[derive(Clone, Debug)]
pub struct CpaMoe {
    /// `{user}-{key}`: a parameter of every URL.
    credentials: SecretString,
    /// The offer for orders without one.
    default_offer: Option<u64>,
}

impl Network for CpaMoe {
    const NAME: &'static str = "cpa_moe";
    const CLICK: &'static [&'static str] = &["offer", "wm"];
    const ENDPOINT: &'static str = "https://api.cpa.moe";
    const TRACKS_STATUS: bool = true;
    type Report = Report;

    fn configure(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let user = fields.required("user", integer(1..=u64::MAX));
        let key = fields.required("key", key);
        let default_offer = fields.optional("default_offer", integer(1..=u64::MAX));
        let credentials = SecretString::from(format!("{}-{}", user?, key?.expose_secret()));
        Some(Self { credentials, default_offer })
    }

    fn plan(&self, order: &Order) -> Plan<Report> {
        if !order.is_completed() {
            return Plan::Skip(Reason::new("not_completed"));
        }
        let Ok(click) = Click::of(order) else {
            return Plan::Reject(Reason::new("invalid_click"));
        };
        match (&click, self.default_offer) {
            (None, None) => return Plan::Skip(Reason::new("no_click")),
            (Some(Click { offer: None, .. }), None) => {
                return Plan::Reject(Reason::new("no_offer"));
            }
            _ => {}
        }
        match Lead::of(order, click.unwrap_or_default()) {
            Ok(lead) => Plan::order(Report { lead, total: order.total }),
            Err(reason) => Plan::Reject(reason),
        }
    }

    /// <https://cpa.moe/en/api-wm.html>, "Add new lead".
    fn request(&self, Report { lead, .. }: &Report, _: &Attempt) -> Request {
        let offer = lead.offer.or(self.default_offer);
        let body = serde_json::to_value(Lead { offer, ..lead.clone() }).unwrap_or_default();
        Request::post_json("ext/add.json", body).query_secret("id", &self.credentials)
    }

    fn verdict(&self, report: &Report, answer: &Answer, _: &Attempt) -> Classification {
        let (lead, credentials) = (&report.lead, &self.credentials);
        answer::Classifier { lead, credentials }.classify(answer)
    }

    fn facts(order: &Order) -> Facts {
        let click = Click::of(order).ok().flatten().unwrap_or_default();
        let offer = click.offer.map(|offer| offer.to_string());
        offer.map_or_else(Facts::none, |offer| Facts::none().digest("offer", &offer))
    }

    /// The user, whose leads the list shows. The key behind it is secret.
    fn scope(&self, _: &Report) -> String {
        self.shown_scope()
    }

    fn recovery(&self, _: &Report) -> RecoveryPlan<Self> {
        RecoveryPlan::look_up()
    }

    fn read_back(&self) -> Option<RecoveryPlan<Self>> {
        Some(RecoveryPlan::look_up())
    }
}

impl ReadsBack for CpaMoe {
    fn shown_scope(&self) -> String {
        let credentials = self.credentials.expose_secret();
        credentials.split('-').next().unwrap_or_default().to_owned()
    }

    fn lookup(&self, sought: &Sought<'_, Report>) -> Request {
        list::request(&self.credentials, &[our_id(sought)])
    }

    fn found(&self, sought: &Sought<'_, Report>, answer: &Answer) -> Lookup {
        let lead = match sought {
            Sought::Report(report) => Some(&report.lead),
            Sought::Order(_) => None,
        };
        list::look_for(&our_id(sought), lead, answer)
    }
}

fn our_id(sought: &Sought<'_, Report>) -> OurId {
    match sought {
        Sought::Report(report) => report.lead.id.clone(),
        Sought::Order(order_id) => OurId::of(order_id),
    }
}

impl TracksStatus for CpaMoe {
    const AT_ONCE: usize = IDS_PER_REQUEST;
    const REFERENCE: &'static str = "our_id";

    fn ask(&self, ids: &[&str]) -> Request {
        let ids: Vec<_> = ids.iter().filter_map(|id| OurId::kept(id)).collect();
        list::request(&self.credentials, &ids)
    }

    fn progress(&self, answer: &Answer) -> Result<BTreeMap<String, Progress>, Reason> {
        let progress = |lead: &ListedLead| Progress {
            status: lead.details(),
            is_final: lead.is_final(),
            is_dropped: lead.is_dropped(),
        };
        let list = read_list(answer)?;
        Ok(list
            .leads
            .iter()
            .map(|lead| (lead.our_id.as_str().to_owned(), progress(lead)))
            .collect())
    }
}

/// The access key: one word, so that a line end from the clipboard is seen at start.
fn key(value: &Value) -> Result<SecretString, Invalid> {
    let key = secret(128)(value)?;
    if key.expose_secret().chars().any(char::is_whitespace) {
        return Err(Invalid::new("blanks", "must be the key alone, without blanks and line ends"));
    }
    Ok(key)
}
