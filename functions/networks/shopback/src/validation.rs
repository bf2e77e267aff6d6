//! The validation of an order or a line:
//! <https://docs.shopback.com/docs/s2s-order-validation-api>. Every id of the report is repeated; the
//! click is not.

use std::{collections::BTreeMap, time::Duration};

use postback_core::{
    delivery::{Call, Proof, Terms, Verdict},
    fields::{Fields, Invalid, integer, one_of},
    http::{Answer, Request},
    network::{Classification, Validates, by_status},
};

use serde_json::Value;

use crate::{PATH, Report, ShopBack, answer, report::PLACES, settings::ADV, template::Template};

/// The parameter that carries the order's id.
const ADV_SUB: &str = "adv_sub";

/// The settings of the validation.
#[derive(Clone, Debug)]
pub(crate) struct Validation {
    /// Its account, or `None` where the shop validates by a workbook.
    pub(crate) called: Option<Called>,
    pub(crate) terms: Terms,
}

/// The account of the validating calls.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    /// Its own offer: another one than the orders'.
    offer_id: u64,
    aff_id: u64,
}

/// `true` if a workbook validates, and no call.
const BY: &[(&str, bool)] = &[("api", false), ("workbook", true)];

/// The most days of a return period: the ledger remembers a delivery for 400.
const MOST_DAYS: u64 = 365;

/// Refuses templates over what the shop may write about its customer: where validation is on, the
/// ledger keeps the ids as reported.
pub(crate) fn refuse_personal(fields: &mut Fields<'_, '_>, adv: &[(&'static str, Template)]) {
    for (name, _) in adv.iter().filter(|(_, template)| template.names_custom()) {
        let detail = "must not name {custom.…} together with validation: the ledger keeps the ids";
        fields.fault(name, Invalid::new("may_be_personal", detail));
    }
}

/// Parses the settings. Without them nothing is validated.
pub(crate) fn settings(fields: &mut Fields<'_, '_>) -> Option<Validation> {
    let is_object =
        |value: &Value| value.is_object().then_some(()).ok_or_else(|| Invalid::kind("an object"));
    fields.optional("validation", is_object)?;
    fields.object("validation", |validation| {
        let by_workbook = validation.optional("by", one_of(BY)).unwrap_or(false);
        let called = if by_workbook { None } else { called(validation) };
        let days = validation.required("return_period_days", integer(0..=MOST_DAYS));
        let return_period = Duration::from_hours(24 * days?);
        let terms = Terms { return_period, decimals: PLACES };
        // Calls need their account.
        (by_workbook || called.is_some()).then_some(Validation { called, terms })
    })
}

fn called(validation: &mut Fields<'_, '_>) -> Option<Called> {
    let offer_id = validation.required("offer_id", super::settings::offer);
    let aff_id = validation.required("aff_id", super::settings::offer);
    Some(Called { offer_id: offer_id?, aff_id: aff_id? })
}

impl Validates for ShopBack {
    fn ids(&self, report: &Report) -> BTreeMap<String, String> {
        let adv = self
            .adv
            .iter()
            .filter_map(|(name, template)| Some(((*name).to_owned(), template.resolve(report)?)));
        let order_id = (ADV_SUB.to_owned(), report.order().order_id.clone());
        adv.chain([order_id]).collect()
    }

    fn validating(&self, ids: &BTreeMap<String, String>, call: &Call) -> Request {
        let settings = self.validation.as_ref().and_then(|settings| settings.called.as_ref());
        let request = Request::get(PATH)
            .query_opt("offer_id", settings.map(|settings| settings.offer_id.to_string()))
            .query_opt("aff_id", settings.map(|settings| settings.aff_id.to_string()));
        let names = [ADV_SUB].into_iter().chain(ADV);
        let request =
            names.fold(request, |request, name| request.query_opt(name, ids.get(name).cloned()));
        request
            .query("amount", call.amount.normalize().to_string())
            .query_secret("security_token", &self.security_token)
            .query("status", call.status.as_str())
    }

    /// "Every response without additional notes means success."
    fn validated(&self, answer: &Answer) -> Classification {
        if answer.is_redirect() {
            return by_status(answer).into();
        }
        match answer::is_success(&answer.text()) {
            Some(true) => Verdict::Delivered(Proof::Response).into(),
            Some(false) => answer::refused_validation(answer).into(),
            None => by_status(answer).into(),
        }
    }
}
