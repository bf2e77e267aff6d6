#![doc = include_str!("../README.md")]

mod answer;
mod click;
mod report;
mod settings;
mod template;
mod validation;

use postback_core::{
    delivery::{Attempt, Facts},
    fields::Fields,
    http::{Answer, Request},
    network::{Classification, Deduplicates, Network, Part, Plan, RecoveryPlan, ValidationPlan},
    order::Order,
    redaction::Reason,
};
use secrecy::SecretString;

pub use report::Report;

use crate::{
    report::OrderFacts,
    settings::{Mode, Offers},
    template::Template,
};

/// The vendor's documents: <https://docs.shopback.com/docs/s2s-order-tracking-api> and, for lines,
/// <https://docs.shopback.com/docs/s2s-item-level-tracking-api>.
const PATH: &str = "aff_lsr";

/// A parameter of the platform that the vendor's page does not mention. Where an offer limits
/// conversions by it, "it is the sole method": the click no longer counts.
const UNIQUE_ID: &str = "conversion_unique_id";

/// The most characters of an `adv_sub` that the platform keeps.
const ADV_CHARS: usize = 500;

/// ShopBack, with one merchant's settings.
#[derive(Clone, Debug)]
pub struct ShopBack {
    offers: Offers,
    security_token: SecretString,
    mode: Mode,
    /// True if nothing is sent again after a lost answer: the offer may count it twice.
    hold: bool,
    /// `conversion_unique_id`, where the offer de-duplicates by it.
    unique_id: Option<Template>,
    /// `adv_sub2` to `adv_unique5` in the document's order, those that are set.
    adv: Vec<(&'static str, Template)>,
    /// The validation of what ShopBack took; off without its settings.
    validation: Option<validation::Validation>,
}

impl Network for ShopBack {
    const NAME: &'static str = "shopback";
    const CLICK: &'static [&'static str] = &[click::TRANSACTION_ID, "clicked_at"];
    /// The document writes `http`. Token and click id are in the URL, and the host supports TLS.
    const ENDPOINT: &'static str = "https://shopback.go2cloud.org";

    type Report = Report;

    fn configure(fields: &mut Fields<'_, '_>) -> Option<Self> {
        settings::parse(fields)
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
            .query_opt(UNIQUE_ID, self.unique_id.as_ref().and_then(|id| id.resolve(report)))
            .query_secret("security_token", &self.security_token)
    }

    fn verdict(&self, report: &Report, answer: &Answer, attempt: &Attempt) -> Classification {
        answer::classify(answer, report, attempt, self.offers.are_several())
    }

    fn facts(order: &Order) -> Facts {
        let click = click::transaction_id(order);
        click.map_or_else(|_| Facts::none(), |click| Facts::none().digest("click", &click))
    }

    fn click(report: &Report) -> Option<&str> {
        let is_key = report.line().is_none() && !report.has_unique_id();
        is_key.then_some(report.order().transaction_id.as_str())
    }

    fn scope(&self, report: &Report) -> String {
        let offer = self.offers.of(report.order()).map_or(String::new(), |offer| offer.to_string());
        let key = if self.unique_id.is_some() { UNIQUE_ID } else { Self::KEY };
        format!("{offer}/{:?}/{key}", self.mode)
    }

    fn recovery(&self, report: &Report) -> RecoveryPlan<Self> {
        // A second line of the same click is no duplicate, so neither is the same line again.
        if self.hold || report.line().is_some() {
            RecoveryPlan::hold()
        } else {
            RecoveryPlan::send_again()
        }
    }

    fn validation(&self) -> Option<ValidationPlan<Self>> {
        self.validation.as_ref().map(|settings| match settings.called {
            Some(_) => ValidationPlan::new(settings.terms),
            None => ValidationPlan::by_workbook(settings.terms),
        })
    }
}

/// In order mode only, and by [`UNIQUE_ID`] where that is set: see [`ShopBack::recovery`].
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
        let facts = OrderFacts::of(order, transaction_id, self.unique_id.is_some());
        let parts = match self.mode {
            Mode::Order => {
                vec![Part { line: None, facts: Facts::none(), report: Report::of_order(facts) }]
            }
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
        let templates = self.adv.iter().map(|(_, template)| template).chain(&self.unique_id);
        let adv = templates.filter_map(|template| template.resolve(report));
        for value in adv.chain([report.order().order_id.clone()]) {
            if value.chars().count() > ADV_CHARS {
                return Err(reject("adv_too_long"));
            }
        }
        Ok(())
    }
}

fn reject(reason: &'static str) -> Plan<Report> {
    Plan::Reject(Reason::new(reason))
}
