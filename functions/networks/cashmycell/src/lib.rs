#![doc = include_str!("../README.md")]

use postback_core::{
    delivery::{Attempt, Facts, Verdict},
    fields::{Fields, flag, one_of},
    http::{Answer, Request},
    network::{Classification, Consent, Network, Plan, RecoveryPlan, by_status},
    order::Order,
    redaction::Reason,
};
#[cfg(test)]
mod tests;
mod wire;

/// CashMyCell with its settings.
#[derive(Clone, Debug)]
pub struct CashMyCell {
    /// True if the request holds the order's id as the undocumented `reference_id`.
    reference_id: bool,
    /// The merchant's consent to a second report after a lost answer.
    resend: Option<Consent>,
}

const ON_UNCONFIRMED: &[(&str, Option<Consent>)] = &[("hold", None), ("resend", Some(Consent))];

/// The facts of an order that are reported.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    order_value: String,
    cmc_id: String,
    order_id: String,
}

impl Network for CashMyCell {
    const NAME: &'static str = "cashmycell";
    const CLICK: &'static [&'static str] = &["cmc_id", "clicked_at"];
    const ENDPOINT: &'static str = "https://api.cashmycell.com";

    type Report = Report;

    fn configure(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let reference_id = fields.optional("reference_id", flag).unwrap_or(false);
        let resend = fields.optional("on_unconfirmed", one_of(ON_UNCONFIRMED)).flatten();
        Some(Self { reference_id, resend })
    }

    fn plan(&self, order: &Order) -> Plan<Report> {
        if !order.is_completed() {
            return Plan::Skip(Reason::new("not_completed"));
        }
        let cmc_id = match wire::click_id(order, Self::NAME) {
            Ok(Some(cmc_id)) => cmc_id,
            Ok(None) => return Plan::Skip(Reason::new("no_click")),
            Err(invalid) => return Plan::Reject(invalid),
        };
        // "Use the order value in your system's currency (no currency conversion)."
        let order_value = order.total.shortest();
        Plan::order(Report { order_value, cmc_id, order_id: order.order_id.to_string() })
    }

    fn request(&self, report: &Report, attempt: &Attempt) -> Request {
        let reference_id = self.reference_id.then_some(&report.order_id);
        Request::get(wire::PATH)
            .query("status", wire::STATUS)
            .query("order_value", &report.order_value)
            .query("cmc_id", &report.cmc_id)
            // Milliseconds, within ±5 minutes of now: the time of this attempt, not of the order.
            .query("ts", attempt.at.as_millis().to_string())
            .query_opt("reference_id", reference_id)
            .start_of_answer_suffices()
    }

    fn verdict(&self, _: &Report, answer: &Answer, _: &Attempt) -> Classification {
        // "The response may be 204, 200 OK with minimal body, or an image." A web page is none of
        // them: a firewall or a login has answered.
        let is_page = answer.is_html() || (answer.is_typed_html() && !answer.text().is_empty());
        let verdict = match answer.is_success() {
            true if answer.is_encoded => Verdict::unconfirmed("encoded_answer"),
            true if is_page => Verdict::unconfirmed("html_answer"),
            true => Verdict::Accepted(None),
            false => by_status(answer),
        };
        verdict.into()
    }

    fn facts(order: &Order) -> Facts {
        let click = wire::click_id(order, Self::NAME).ok().flatten();
        click.map_or_else(Facts::none, |click| Facts::none().digest("click", &click))
    }

    /// There is no account: the click id names everything.
    fn scope(&self, _: &Report) -> String {
        String::new()
    }

    /// A second call "may be deduplicated or recorded separately": a person decides.
    fn recovery(&self, _: &Report) -> RecoveryPlan<Self> {
        match self.resend {
            None => RecoveryPlan::hold(),
            Some(consent) => RecoveryPlan::send_again_by_consent(consent),
        }
    }
}
