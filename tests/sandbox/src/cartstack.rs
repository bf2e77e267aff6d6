//! CartStack: <https://api.cartstack.com/ss/v1/>.

use std::collections::HashSet;

use serde_json::json;

use crate::http::{Answer, Request};
use crate::query::Query;
use crate::record::Effect;
use crate::vendor::{
    Checked, Office, Taken, Vendor, astray_unless_get, check_no_body, is_email, is_plain_decimal,
};

/// E-mails starting with this have no cart: 102 `Cart not found for email address […]`.
pub const NO_CART_PREFIX: &str = "nocart";
/// E-mails starting with this have no cart either, in the document's other words.
pub const CARTLESS_PREFIX: &str = "cartless";
/// E-mails starting with this: 102 `Purchase Insert Failed`.
pub const INSERT_FAILS_PREFIX: &str = "insertfails";
/// E-mails starting with this: 102 without a word.
pub const GENERAL_ERROR_PREFIX: &str = "generalerror";

const PATH: &str = "/ss/v1/";

/// The network.
#[derive(Debug, Default)]
pub(crate) struct CartStack {
    purchased: HashSet<String>,
}

/// A confirmed purchase.
#[derive(Debug)]
pub(crate) struct Purchase {
    email: String,
    total: Option<String>,
}

impl Vendor for CartStack {
    type Call = Purchase;

    fn check(request: &Request, path: &str, office: &Office<'_>) -> Checked<Purchase> {
        if path == "/ss/v1" {
            let there = format!("{PATH}?{}", request.query);
            let moved = Answer::page(301, "Moved Permanently").with_header("location", &there);
            return Checked::astray(request, "no slash before the ?".to_owned(), moved);
        }
        if let Some(astray) = astray_unless_get(request, path, PATH) {
            return astray;
        }
        let mut query = Query::read(&request.query, None);
        query.check_names(&["key", "siteid", "email", "total"]);
        let mut violations = Vec::new();
        check_no_body(request, &mut violations);

        let verdict = judge(&query, office, &mut violations);
        let keys = query.filled("email").map(str::to_owned).into_iter().collect();
        Checked::new("confirmation", keys, request, query, violations, verdict)
    }

    fn take(&mut self, call: Purchase, office: &Office<'_>) -> Taken {
        let email = call.email;
        if email.starts_with(CARTLESS_PREFIX) {
            return Taken::nothing(response(
                102,
                "No cart exists for this email address. Please create a cart first before marking a purchase.",
            ));
        }
        if email.starts_with(INSERT_FAILS_PREFIX) {
            return Taken::nothing(response(102, "Purchase Insert Failed"));
        }
        if email.starts_with(GENERAL_ERROR_PREFIX) {
            return Taken::nothing(response(102, ""));
        }
        let gone =
            office.settings.cartstack.cart_gone_after_purchase && self.purchased.contains(&email);
        if gone || email.starts_with(NO_CART_PREFIX) {
            let text = format!("Cart not found for email address [{email}]");
            return Taken::nothing(response(102, &text));
        }
        self.purchased.insert(email.clone());
        Taken { answer: response(100, ""), effect: Some((email, Effect::of(call.total))) }
    }
}

fn judge(
    query: &Query,
    office: &Office<'_>,
    violations: &mut Vec<String>,
) -> Result<Purchase, Answer> {
    let account = &office.accounts.cartstack;
    for name in ["key", "siteid", "email"] {
        if query.filled(name).is_none() {
            violations.push(format!("{name} is missing"));
        }
    }
    let total = query.get("total");
    let total_fits = total.is_none_or(|total| {
        is_plain_decimal(total, 2)
            && total.split_once('.').is_some_and(|(_, cents)| cents.len() == 2)
    });
    if !total_fits {
        violations.push("total is not a plain decimal with two places".to_owned());
    }
    let (Some(key), Some(siteid), Some(email)) =
        (query.filled("key"), query.filled("siteid"), query.filled("email"))
    else {
        return Err(response(101, "missing required field (api key, site id, or email)"));
    };
    if !is_email(email) {
        violations.push("email is not an e-mail address".to_owned());
    }
    if key != account.key {
        return Err(response(103, "API Key does not match"));
    }
    if siteid != account.siteid {
        return Err(response(102, "Not a valid site id."));
    }
    if !is_email(email) {
        return Err(response(101, "Invalid Email Address"));
    }
    if !total_fits {
        return Err(response(102, "Purchase Insert Failed"));
    }
    Ok(Purchase { email: email.to_owned(), total: total.map(str::to_owned) })
}

fn response(code: u32, text: &str) -> Answer {
    Answer::json(&json!({ "resp": code, "err_txt": text }))
}
