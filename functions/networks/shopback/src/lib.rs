#![doc = include_str!("../README.md")]

mod answer;
mod click;
mod report;
mod settings;
mod template;

use postback_core::{
    delivery::Attempt,
    fields::Fields,
    http::{Answer, Request},
    network::{Classification, Deduplicates, Network, Part, Plan, RecoveryPlan},
    order::Order,
    redaction::Reason,
};
use secrecy::SecretString;

pub use click::Click;
pub use report::Report;

use crate::{
    report::Facts,
    settings::{Mode, Offers},
    template::Template,
};

/// The vendor's documents: <https://docs.shopback.com/docs/s2s-order-tracking-api> and, for lines,
/// <https://docs.shopback.com/docs/s2s-item-level-tracking-api>.
const PATH: &str = "aff_lsr";

/// The most characters of an `adv_sub` that the platform keeps.
const ADV_CHARS: usize = 500;

/// ShopBack, with one merchant's settings.
#[derive(Clone, Debug)]
pub struct ShopBack {
    offers: Offers,
    security_token: SecretString,
    mode: Mode,
    /// `adv_sub2` to `adv_unique5` in the document's order, those that are set.
    adv: Vec<(&'static str, Template)>,
}

impl Network for ShopBack {
    const NAME: &'static str = "shopback";
    /// The document writes `http`. Token and click id are in the URL, and the host supports TLS.
    const ENDPOINT: &'static str = "https://shopback.go2cloud.org";

    type Report = Report;

    fn configure(fields: &mut Fields<'_, '_>) -> Option<Self> {
        settings::parse(fields)
    }

    fn check_click(fields: &mut Fields<'_, '_>) {
        click::check(fields);
    }

    fn plan(&self, order: &Order) -> Plan<Report> {
        self.parts(order).map_or_else(|nothing| nothing, Plan::Send)
    }

    /// Parameters in the document's order.
    fn request(&self, report: &Report, _: &Attempt) -> Request {
        let request = Request::get(PATH)
            .query_opt("offer_id", self.offers.of(report.order()).map(|offer| offer.to_string()))
            .query("adv_sub", &report.order().order_id);
        let request = self.adv.iter().fold(request, |request, (name, template)| {
            request.query_opt(name, template.resolve(report))
        });
        request
            .query("transaction_id", &report.order().transaction_id)
            .query("amount", report.amount().shortest())
            .query_secret("security_token", &self.security_token)
    }

    fn verdict(&self, report: &Report, answer: &Answer, attempt: &Attempt) -> Classification {
        answer::classify(answer, report, attempt, self.offers.are_several())
    }

    fn recovery(&self, report: &Report) -> RecoveryPlan<Self> {
        // A second line of the same click is no duplicate, so neither is the same line again.
        if report.line().is_some() { RecoveryPlan::hold() } else { RecoveryPlan::send_again() }
    }
}

/// In order mode only: see [`ShopBack::recovery`].
impl Deduplicates for ShopBack {
    const KEY: &'static str = "transaction_id";
}

/// A value, or the plan of an order that is not sent.
type Planned<T> = Result<T, Plan<Report>>;

impl ShopBack {
    /// The parts of an order that are sent.
    fn parts(&self, order: &Order) -> Planned<Vec<Part<Report>>> {
        if !order.is_completed() {
            return Err(Plan::Skip(Reason::new("not_completed")));
        }
        let transaction_id = click::transaction_id(order)?;
        let facts = Facts::of(order, transaction_id);
        let parts = match self.mode {
            Mode::Order => vec![Part { line: None, report: Report::of_order(facts) }],
            Mode::LineItems => report::lines(facts, order)?,
        };
        for Part { report, .. } in &parts {
            self.check(report)?;
        }
        Ok(parts)
    }

    /// Checks a part before anything is sent: an order with one bad line is not sent in part.
    fn check(&self, report: &Report) -> Planned<()> {
        if self.offers.of(report.order()).is_none() {
            return Err(reject("no_offer"));
        }
        if !report.amount_fits() {
            return Err(reject("amount_too_precise"));
        }
        let adv = self.adv.iter().filter_map(|(_, template)| template.resolve(report));
        for value in adv.chain([report.order().order_id.clone()]) {
            if value.chars().count() > ADV_CHARS {
                return Err(reject("adv_too_long"));
            }
            if postback_core::fields::looks_like_template(&value) {
                return Err(reject("adv_template"));
            }
        }
        Ok(())
    }
}

fn reject(reason: &'static str) -> Plan<Report> {
    Plan::Reject(Reason::new(reason))
}
