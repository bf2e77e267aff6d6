//! CartStack: <https://api.cartstack.com/ss/v1/>.

use std::collections::HashSet;

use serde_json::json;

use crate::effects::Effect;
use crate::http::{Answer, Request};
use crate::network_api::{
    Context, Inspection, NetworkApi, Reply, check_no_body, refuse_unless_get,
};
use crate::query::Query;
use crate::values::{is_email, is_plain_decimal};

/// E-mails starting with this have no cart: 102 `Cart not found for email address […]`.
pub const NO_CART_PREFIX: &str = "nocart";
/// E-mails starting with this have no cart either; the document's other text.
pub const CARTLESS_PREFIX: &str = "cartless";
/// E-mails starting with this: 102 `Purchase Insert Failed`.
pub const INSERT_FAILS_PREFIX: &str = "insertfails";
/// E-mails starting with this: 102 without a text.
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

impl NetworkApi for CartStack {
    type Call = Purchase;

    fn inspect(request: &Request, path: &str, context: &Context<'_>) -> Inspection<Purchase> {
        if path == "/ss/v1" {
            let location = format!("{PATH}?{}", request.query);
            let moved = Answer::page(301).with_header("location", &location);
            return Inspection::unknown(request, "no slash before the ?".to_owned(), moved);
        }
        if let Some(refusal) = refuse_unless_get(request, path, PATH) {
            return refusal;
        }
        let mut query = Query::parse(&request.query, None);
        query.check_names(&["key", "siteid", "email", "total"]);
        let mut violations = Vec::new();
        check_no_body(request, &mut violations);

        let result = parse(&query, context, &mut violations);
        let keys = query.filled("email").map(str::to_owned).into_iter().collect();
        Inspection::new("confirmation", keys, request, query, violations, result)
    }

    fn process(&mut self, call: Purchase, context: &Context<'_>) -> Reply {
        let email = call.email;
        if email.starts_with(CARTLESS_PREFIX) {
            return Reply::without_effect(response(
                102,
                "No cart exists for this email address. Please create a cart first before marking a purchase.",
            ));
        }
        if email.starts_with(INSERT_FAILS_PREFIX) {
            return Reply::without_effect(response(102, "Purchase Insert Failed"));
        }
        if email.starts_with(GENERAL_ERROR_PREFIX) {
            return Reply::without_effect(response(102, ""));
        }
        let gone =
            context.settings.cartstack.cart_gone_after_purchase && self.purchased.contains(&email);
        if gone || email.starts_with(NO_CART_PREFIX) {
            let text = format!("Cart not found for email address [{email}]");
            return Reply::without_effect(response(102, &text));
        }
        self.purchased.insert(email.clone());
        Reply { answer: response(100, ""), effect: Some((email, Effect::of(call.total))) }
    }
}

fn parse(
    query: &Query,
    context: &Context<'_>,
    violations: &mut Vec<String>,
) -> Result<Purchase, Answer> {
    let account = &context.accounts.cartstack;
    for name in ["key", "siteid", "email"] {
        if query.filled(name).is_none() {
            violations.push(format!("{name} is missing"));
        }
    }
    let total = query.get("total");
    let total_is_valid = total.is_none_or(|total| {
        is_plain_decimal(total, 2)
            && total.split_once('.').is_some_and(|(_, cents)| cents.len() == 2)
    });
    if !total_is_valid {
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
    if !total_is_valid {
        return Err(response(102, "Purchase Insert Failed"));
    }
    Ok(Purchase { email: email.to_owned(), total: total.map(str::to_owned) })
}

fn response(code: u32, text: &str) -> Answer {
    Answer::json(&json!({ "resp": code, "err_txt": text }))
}
