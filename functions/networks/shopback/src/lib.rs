#![doc = include_str!("../README.md")]

mod answer;
mod click;
mod report;
mod settings;
mod template;

use postback_core::{
    delivery::{Attempt, Facts},
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
    report::OrderFacts,
    settings::{Mode, Offers},
    template::Template,
};

/// The vendor's documents: <https://docs.shopback.com/docs/s2s-order-tracking-api> and, for lines,
/// <https://docs.shopback.com/docs/s2s-item-level-tracking-api>.
const PATH: &str = "aff_lsr";

/// The most characters the platform keeps of an `adv_sub`.
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
    /// The document writes `http`. Token and click id stand in the URL, and the host speaks TLS.
    const ENDPOINT: &'static str = "https://shopback.go2cloud.org";

    type Report = Report;

    fn configure(fields: &mut Fields<'_, '_>) -> Option<Self> {
        settings::read(fields)
    }

    fn check_click(fields: &mut Fields<'_, '_>) {
        click::check(fields);
    }

    fn plan(&self, order: &Order) -> Plan<Report> {
        match self.tell(order) {
            Ok(told) => Plan::Send(told),
            Err(nothing) => nothing,
        }
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
        answer::read(answer, report, attempt, self.offers.are_several())
    }

    fn facts(order: &Order) -> Facts {
        let click = click::transaction_id(order);
        click.map_or_else(|_| Facts::none(), |click| Facts::none().digest("click", &click))
    }

    fn click(report: &Report) -> Option<&str> {
        report.line().is_none().then_some(report.order().transaction_id.as_str())
    }

    fn scope(&self, report: &Report) -> String {
        let offer = self.offers.of(report.order()).map_or(String::new(), |offer| offer.to_string());
        format!("{offer}/{:?}", self.mode)
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

/// What there is to tell, or why there is nothing.
type Tell<T> = Result<T, Plan<Report>>;

impl ShopBack {
    fn tell(&self, order: &Order) -> Tell<Vec<Part<Report>>> {
        if !order.is_completed() {
            return Err(Plan::Skip(Reason::new("not_completed")));
        }
        let transaction_id = click::transaction_id(order)?;
        let facts = OrderFacts::of(order, transaction_id);
        let told = match self.mode {
            Mode::Order => {
                vec![Part { line: None, facts: Facts::none(), report: Report::of_order(facts) }]
            }
            Mode::LineItems => report::lines(facts, order)?,
        };
        for Part { report, .. } in &told {
            self.check(report)?;
        }
        Ok(told)
    }

    /// What can be told before anything is sent: an order of which one line can't be told is not
    /// told in part.
    fn check(&self, report: &Report) -> Tell<()> {
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
