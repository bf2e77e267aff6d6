//! ShopBack on TUNE: <http://shopback.go2cloud.org/aff_lsr>.
//!
//! Refusals are `success=false; err_msg=<text>.;` under HTTP 200. The texts are ShopBack's own where it documents
//! them, else those of [TUNE's status list](https://developers.tune.com/network-docs/conversion-status-codes/).

use std::collections::{BTreeMap, HashSet};

use crate::http::{Answer, Request};
use crate::query::Query;
use crate::record::Effect;
use crate::settings::ShopBackDuplicates;
use crate::vendor::{
    Checked, Office, Taken, Vendor, astray_unless_get, check_no_body, is_plain_decimal,
};

/// The click id of the document's demonstration, the one that has not 30 characters and is valid.
pub const DEMONSTRATION_CLICK: &str = "ABCD1234";
/// The offer a click starting with `otheroffer` belongs to.
pub const OTHER_OFFER: u64 = 2345;
/// Clicks of 30 letters and digits are valid unless they start with one of these: the start, and the text it gets.
pub const MAGIC_CLICKS: [(&str, &str); 9] = [
    ("unknown", "Invalid Trans. ID #{id}"),
    ("otheroffer", "Request offer #{offer} does not match session offer #2345"),
    ("expired", "Duplicate recorded with Trans. ID #{id}"),
    ("duplicate", "Duplicate conversion"),
    ("capped", "Daily Conversion Cap Exceeded"),
    ("inactive", "Offer is not active"),
    ("badip", "IP address not whitelisted"),
    ("protocol", "Wrong tracking protocol"),
    ("puzzling", "The moon is in the wrong house"),
];
/// Clicks starting with this are answered `success=true;` and recorded, but never approved.
pub const SILENT_PREFIX: &str = "silent";

const PATH: &str = "/aff_lsr";
const OPTIONAL: [&str; 9] = [
    "adv_sub2",
    "adv_sub3",
    "adv_sub4",
    "adv_sub5",
    "adv_unique1",
    "adv_unique2",
    "adv_unique3",
    "adv_unique4",
    "adv_unique5",
];
const MANDATORY: [&str; 5] = ["offer_id", "adv_sub", "transaction_id", "amount", "security_token"];

/// The network.
#[derive(Debug, Default)]
pub(crate) struct ShopBack {
    recorded: HashSet<String>,
}

/// An order, or one line of it.
#[derive(Debug)]
pub(crate) struct Conversion {
    offer_id: u64,
    adv_sub: String,
    transaction_id: String,
    amount: String,
    token_fits: bool,
    detail: BTreeMap<String, String>,
}

impl Vendor for ShopBack {
    type Call = Conversion;

    fn check(request: &Request, path: &str, office: &Office<'_>) -> Checked<Conversion> {
        if let Some(astray) = astray_unless_get(request, path, PATH) {
            return astray;
        }
        let mut query = Query::read(&request.query, None);
        let known: Vec<_> = MANDATORY.into_iter().chain(OPTIONAL).collect();
        query.check_names(&known);
        let mut violations = Vec::new();
        check_no_body(request, &mut violations);

        let verdict = judge(&query, office, &mut violations);
        let keys = query.filled("adv_sub").map(str::to_owned).into_iter().collect();
        Checked::new("conversion", keys, request, query, violations, verdict)
    }

    fn take(&mut self, call: Conversion, office: &Office<'_>) -> Taken {
        let settings = &office.settings.shopback;
        let account = &office.accounts.shopback;
        let id = &call.transaction_id;
        if call.offer_id != account.offer_id && !settings.other_offers.contains(&call.offer_id) {
            let (asked, known) = (call.offer_id, account.offer_id);
            return refused(&format!(
                "Request offer #{asked} does not match session offer #{known}"
            ));
        }
        let magic = MAGIC_CLICKS.iter().find(|(start, _)| id.starts_with(start));
        if let Some((_, text)) = magic {
            let offer = call.offer_id.to_string();
            return refused(&text.replace("{id}", id).replace("{offer}", &offer));
        }
        if !is_click(id) {
            return refused(&format!("Invalid Trans. ID #{id}"));
        }
        if !call.token_fits && !settings.silent_refusals {
            return refused("Invalid Advertiser security token");
        }
        let unique = match settings.duplicates {
            ShopBackDuplicates::TransactionId => Some(id.clone()),
            ShopBackDuplicates::UniqueId => Some(unique_id(&call)),
            ShopBackDuplicates::Never => None,
        };
        if unique.is_some_and(|unique| !self.recorded.insert(unique)) {
            return refused(&format!("Duplicate recorded with Trans. ID #{id}"));
        }
        let effect = Effect {
            approved: call.token_fits && !id.starts_with(SILENT_PREFIX),
            reference: Some(call.transaction_id),
            detail: call.detail,
            ..Effect::of(Some(call.amount))
        };
        Taken {
            answer: Answer::of("text/html; charset=utf-8", "success=true;"),
            effect: Some((call.adv_sub, effect)),
        }
    }
}

fn judge(
    query: &Query,
    office: &Office<'_>,
    violations: &mut Vec<String>,
) -> Result<Conversion, Answer> {
    let mut faults: Vec<String> = MANDATORY
        .into_iter()
        .filter(|name| query.filled(name).is_none())
        .map(|name| format!("{name} is missing"))
        .collect();
    let mut fault_if = |name: &str, wrong: &dyn Fn(&str) -> bool, what: &str| {
        if query.filled(name).is_some_and(wrong) {
            faults.push(format!("{name} {what}"));
        }
    };
    fault_if("offer_id", &|id| !is_number(id), "is not numeric");
    fault_if("adv_sub", &|id| id.chars().count() > 500, "is longer than 500 characters");
    fault_if(
        "amount",
        &|amount| !is_plain_decimal(amount, 2),
        "is not a plain decimal with at most 2 places",
    );
    fault_if("transaction_id", &|id| !is_alphanumeric(id), "is not alphanumeric");
    fault_if(
        "security_token",
        &|token| token.len() != 32 || !is_alphanumeric(token),
        "is not 32 letters and digits",
    );
    let value = |name| query.get(name).unwrap_or_default().to_owned();
    // Only what the vendor would trip over refuses the conversion; a malformed token or click id gets its own text.
    let fatal = faults.iter().any(|fault| {
        !fault.starts_with("security_token") && !fault.starts_with("transaction_id is not")
    });
    violations.append(&mut faults);
    if fatal {
        return Err(refusal("Missing or malformed parameter"));
    }
    let optional = OPTIONAL.iter().filter_map(|name| Some((*name, query.filled(name)?)));
    Ok(Conversion {
        offer_id: value("offer_id").parse().unwrap_or_default(),
        adv_sub: value("adv_sub"),
        transaction_id: value("transaction_id"),
        amount: value("amount"),
        token_fits: value("security_token") == office.accounts.shopback.security_token,
        detail: optional.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    })
}

fn unique_id(call: &Conversion) -> String {
    let uniques = call.detail.iter().filter(|(name, _)| name.starts_with("adv_unique"));
    let parts = uniques.map(|(name, value)| format!("&{name}={value}"));
    call.transaction_id.clone() + &parts.collect::<String>()
}

fn is_click(id: &str) -> bool {
    id == DEMONSTRATION_CLICK || (id.len() == 30 && is_alphanumeric(id))
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_number(text: &str) -> bool {
    text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn refused(text: &str) -> Taken {
    Taken::nothing(refusal(text))
}

/// The real text ends in `.;`, whatever the document shows.
fn refusal(text: &str) -> Answer {
    let body = format!("success=false; err_msg={text}.;");
    Answer::of("text/html; charset=utf-8", body)
}
