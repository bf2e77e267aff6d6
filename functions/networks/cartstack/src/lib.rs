#![doc = include_str!("../README.md")]

use postback_core::{
    delivery::{Attempt, Facts, Proof, Verdict},
    fields::{Fields, one_of, secret, setting},
    http::{Answer, Request},
    network::{Classification, Consent, Network, Plan, RecoveryPlan, by_status},
    order::{Amount, Email, Figure, Order},
    redaction::{Details, Reason},
};
use secrecy::SecretString;
use serde::Serialize;

#[cfg(test)]
mod tests;
mod wire;

use wire::{Meaning, Response};

/// CartStack with its settings.
#[derive(Clone, Debug)]
pub struct CartStack {
    key: SecretString,
    siteid: String,
    total: Total,
    /// The merchant's consent to a second report after a lost answer.
    resend: Option<Consent>,
}

/// The amount that is reported as revenue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Total {
    Order,
    WithoutTax,
    WithoutShipping,
    WithoutTaxAndShipping,
}

const TOTALS: &[(&str, Total)] = &[
    ("order_total", Total::Order),
    ("without_tax", Total::WithoutTax),
    ("without_shipping", Total::WithoutShipping),
    ("without_tax_and_shipping", Total::WithoutTaxAndShipping),
];

const ON_UNCONFIRMED: &[(&str, Option<Consent>)] = &[("hold", None), ("resend", Some(Consent))];

/// The facts of an order that are reported. The settings choose one of the amounts.
#[derive(Clone, Serialize)]
pub struct Report {
    email: Email,
    total: Amount,
    tax: Option<Amount>,
    shipping: Option<Amount>,
}

impl Network for CartStack {
    const NAME: &'static str = "cartstack";
    const ENDPOINT: &'static str = "https://api.cartstack.com";

    type Report = Report;

    fn configure(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let key = fields.required("key", secret(200));
        let siteid = fields.required("siteid", setting(200));
        let total = fields.optional("total", one_of(TOTALS)).unwrap_or(Total::Order);
        let resend = fields.optional("on_unconfirmed", one_of(ON_UNCONFIRMED)).flatten();
        Some(Self { key: key?, siteid: siteid?, total, resend })
    }

    fn plan(&self, order: &Order) -> Plan<Report> {
        if !order.is_completed() {
            return Plan::Skip(Reason::new("not_completed"));
        }
        // CartStack knows its customers by their e-mail address, and judges it.
        let Some(email) = order.customer.email.as_ref() else {
            return Plan::Skip(Reason::new("no_email"));
        };
        if email.as_str().len() > LONGEST_EMAIL {
            return Plan::Reject(Reason::new("invalid_email"));
        }
        let part = |figure: Option<Figure>| figure.and_then(|figure| figure.amount(order.currency));
        Plan::order(Report {
            email: email.clone(),
            total: order.total,
            tax: part(order.tax),
            shipping: part(order.shipping),
        })
    }

    fn request(&self, report: &Report, _: &Attempt) -> Request {
        Request::get(wire::PATH)
            .query_secret("key", &self.key)
            .query("siteid", &self.siteid)
            .query("email", report.email.as_str())
            .query_opt("total", self.total.of(report))
    }

    fn verdict(&self, _: &Report, answer: &Answer, attempt: &Attempt) -> Classification {
        // The body decides where it can be read: CartStack answers 200 to refusals.
        match Response::parse(answer).filter(|_| !answer.is_redirect()) {
            Some(Response { code, meaning }) => Classification {
                verdict: verdict(meaning, answer, attempt),
                references: Details::none(),
                details: Details::none().number("resp", code),
            },
            None => by_status(answer).into(),
        }
    }

    /// The cart is known by the e-mail address, of which nothing is kept.
    fn facts(_: &Order) -> Facts {
        Facts::none()
    }

    fn scope(&self, _: &Report) -> String {
        self.siteid.clone()
    }

    fn recovery(&self, _: &Report) -> RecoveryPlan<Self> {
        match self.resend {
            None => RecoveryPlan::hold(),
            Some(consent) => RecoveryPlan::send_again_by_consent(consent),
        }
    }
}

/// The longest e-mail address, in bytes (RFC 5321).
const LONGEST_EMAIL: usize = 254;

impl Total {
    /// The amount with two decimals, without separators, never negative. `None`, and left out of the
    /// request, where the order lacks the tax or shipping to subtract, or the amount needs a third
    /// decimal.
    fn of(self, report: &Report) -> Option<String> {
        let Report { total, tax, shipping, .. } = *report;
        let amount = match self {
            Self::Order => total,
            Self::WithoutTax => total.minus(tax?)?,
            Self::WithoutShipping => total.minus(shipping?)?,
            Self::WithoutTaxAndShipping => total.minus(tax?)?.minus(shipping?)?,
        };
        amount.fixed(2)
    }
}

fn verdict(meaning: Meaning, answer: &Answer, attempt: &Attempt) -> Verdict {
    match meaning {
        Meaning::Success => Verdict::Delivered(Proof::Response),
        Meaning::Contradiction => Verdict::unconfirmed("contradictory_answer"),
        Meaning::InvalidEmail => Verdict::rejected("invalid_email"),
        Meaning::MissingField => Verdict::rejected("missing_field"),
        Meaning::MissingSetting => Verdict::parked("missing_setting"),
        // Most likely the attempt whose answer was lost closed it, or another order did.
        Meaning::NoCart if attempt.in_doubt => Verdict::Held(Reason::new("cart_gone")),
        Meaning::NoCart => Verdict::Skipped(Reason::new("no_cart")),
        Meaning::WrongSite => Verdict::parked("wrong_site"),
        Meaning::InsertFailed => Verdict::retry("insert_failed", answer.retry_after),
        // One retry, then a person decides. Other orders may pass.
        Meaning::GeneralError => {
            Verdict::RetryOnce { reason: Reason::new("general_error"), after: answer.retry_after }
        }
        Meaning::WrongKey => Verdict::parked("wrong_key"),
        Meaning::Unknown if answer.is_success() => Verdict::unconfirmed("unknown_code"),
        Meaning::Unknown => by_status(answer),
    }
}
