//! ShopBack on TUNE: <http://shopback.go2cloud.org/aff_lsr>.
//!
//! Refusals are `success=false; err_msg=<text>.;` with HTTP 200. The texts are ShopBack's own if it documents them, else
//! those of [TUNE's status list](https://developers.tune.com/network-docs/conversion-status-codes/).

use std::collections::{BTreeMap, HashSet};

mod validation;

pub use validation::Validated;
use validation::{Pending, Validation, is_validation};

use crate::effects::Effect;
use crate::http::{Answer, Request};
use crate::network_api::{
    Context, Inspection, NetworkApi, Reply, check_no_body, refuse_unless_get,
};
use crate::query::Query;
use crate::settings::ShopBackDuplicates;
use crate::values::is_plain_decimal;

/// The click id of the document's demonstration: valid, although it has 8 characters instead of 30.
pub const DEMONSTRATION_CLICK: &str = "ABCD1234";
/// The offer a click starting with `otheroffer` belongs to.
pub const OTHER_OFFER: u64 = 2345;
/// The starts of click ids that are refused, and the texts. All others of 30 letters and digits are valid.
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
/// Clicks starting with this get `success=true;` and are recorded, but never approved.
pub const SILENT_PREFIX: &str = "silent";

const PATH: &str = "/aff_lsr";
pub(crate) const UNIQUE_ID: &str = "conversion_unique_id";
/// `conversion_unique_id` is a parameter of TUNE that ShopBack does not mention.
const OPTIONAL: [&str; 10] = [
    "adv_sub2",
    "adv_sub3",
    "adv_sub4",
    "adv_sub5",
    "adv_unique1",
    "adv_unique2",
    "adv_unique3",
    "adv_unique4",
    "adv_unique5",
    UNIQUE_ID,
];
const MANDATORY: [&str; 5] = ["offer_id", "adv_sub", "transaction_id", "amount", "security_token"];

/// The network.
#[derive(Debug, Default)]
pub(crate) struct ShopBack {
    /// The `transaction_id`s with a conversion.
    clicks: HashSet<String>,
    /// The `conversion_unique_id`s used, over all offers.
    unique_ids: HashSet<String>,
    pending: Pending,
}

/// A call to the one path.
#[derive(Debug)]
pub(crate) enum Call {
    Conversion(Conversion),
    Validation(Validation),
}

/// An order, or one line of it.
#[derive(Debug)]
pub(crate) struct Conversion {
    offer_id: u64,
    adv_sub: String,
    transaction_id: String,
    amount: String,
    token_matches: bool,
    detail: BTreeMap<String, String>,
}

impl NetworkApi for ShopBack {
    type Call = Call;

    fn inspect(request: &Request, path: &str, context: &Context<'_>) -> Inspection<Call> {
        if let Some(refusal) = refuse_unless_get(request, path, PATH) {
            return refusal;
        }
        let mut query = Query::parse(&request.query, None);
        if is_validation(&query) {
            let mut violations = Vec::new();
            check_no_body(request, &mut violations);
            let result = validation::parse(&mut query, context, &mut violations);
            let keys = query.filled("adv_sub").map(str::to_owned).into_iter().collect();
            let result = result.map(Call::Validation);
            return Inspection::new("validation", keys, request, query, violations, result);
        }
        let known: Vec<_> = MANDATORY.into_iter().chain(OPTIONAL).collect();
        query.check_names(&known);
        let mut violations = Vec::new();
        check_no_body(request, &mut violations);

        let result = parse(&query, context, &mut violations).map(Call::Conversion);
        let keys = query.filled("adv_sub").map(str::to_owned).into_iter().collect();
        Inspection::new("conversion", keys, request, query, violations, result)
    }

    fn process(&mut self, call: Call, context: &Context<'_>) -> Reply {
        match call {
            Call::Conversion(call) => self.convert(call, context),
            Call::Validation(call) => self.pending.validate(call, context),
        }
    }
}

impl ShopBack {
    /// All validations so far.
    pub(crate) fn validated(&self) -> &[Validated] {
        &self.pending.validated
    }

    fn convert(&mut self, call: Conversion, context: &Context<'_>) -> Reply {
        let settings = &context.settings.shopback;
        let id = &call.transaction_id;
        let Some(duplicates) = de_duplication(call.offer_id, context) else {
            let (asked, known) = (call.offer_id, context.accounts.shopback.offer_id);
            return refuse(&format!(
                "Request offer #{asked} does not match session offer #{known}"
            ));
        };
        let magic = MAGIC_CLICKS.iter().find(|(start, _)| id.starts_with(start));
        if let Some((_, text)) = magic {
            let offer = call.offer_id.to_string();
            return refuse(&text.replace("{id}", id).replace("{offer}", &offer));
        }
        if !is_click(id) {
            return refuse(&format!("Invalid Trans. ID #{id}"));
        }
        if !call.token_matches && !settings.silent_refusals {
            return refuse("Invalid Advertiser security token");
        }
        if let Some(refusal) = self.refuse_duplicate(&call, duplicates) {
            return Reply::without_effect(refusal);
        }
        let mut ids = call.detail.clone();
        ids.remove(UNIQUE_ID);
        ids.insert("adv_sub".to_owned(), call.adv_sub.clone());
        self.pending.report(ids, call.amount.clone());
        let effect = Effect {
            approved: call.token_matches && !id.starts_with(SILENT_PREFIX),
            reference: Some(call.transaction_id),
            detail: call.detail,
            ..Effect::of(Some(call.amount))
        };
        Reply {
            answer: Answer::of("text/html; charset=utf-8", "success=true;"),
            effect: Some((call.adv_sub, effect)),
        }
    }

    /// Refuses a duplicate; remembers anything else.
    fn refuse_duplicate(
        &mut self,
        call: &Conversion,
        duplicates: ShopBackDuplicates,
    ) -> Option<Answer> {
        match duplicates {
            ShopBackDuplicates::Never => None,
            ShopBackDuplicates::TransactionId => {
                let id = &call.transaction_id;
                let text = format!("Duplicate recorded with Trans. ID #{id}");
                (!self.clicks.insert(id.clone())).then(|| refusal(&text))
            }
            ShopBackDuplicates::ConversionUniqueId => {
                let id = call.detail.get(UNIQUE_ID)?;
                (!self.unique_ids.insert(id.clone())).then(|| refusal("Duplicate conversion"))
            }
        }
    }
}

/// The de-duplication of one of the merchant's offers.
fn de_duplication(offer_id: u64, context: &Context<'_>) -> Option<ShopBackDuplicates> {
    let settings = &context.settings.shopback;
    if offer_id == context.accounts.shopback.offer_id {
        return Some(settings.duplicates);
    }
    settings.other_offers.get(&offer_id).copied()
}

/// The shape of a mandatory parameter.
struct Shape {
    name: &'static str,
    is_valid: fn(&str) -> bool,
    /// The violation's words.
    otherwise: &'static str,
    /// The conversion is refused. A malformed click or token gets its own text instead.
    fatal: bool,
}

const SHAPES: [Shape; 6] = [
    Shape { name: "offer_id", is_valid: is_number, otherwise: "is not numeric", fatal: true },
    Shape {
        name: "adv_sub",
        is_valid: |id| id.chars().count() <= 500,
        otherwise: "is longer than 500 characters",
        fatal: true,
    },
    Shape {
        name: "amount",
        is_valid: |amount| is_plain_decimal(amount, 2),
        otherwise: "is not a plain decimal with at most 2 places",
        fatal: true,
    },
    Shape {
        name: "amount",
        is_valid: |amount| !(amount.contains('.') && amount.ends_with('0')),
        otherwise: "has trailing zeros",
        fatal: false,
    },
    Shape {
        name: "transaction_id",
        is_valid: |id| id.len() <= 64 && is_alphanumeric(id),
        otherwise: "is not 1 to 64 letters and digits",
        fatal: false,
    },
    Shape {
        name: "security_token",
        is_valid: |token| token.len() == 32 && is_alphanumeric(token),
        otherwise: "is not 32 letters and digits",
        fatal: false,
    },
];

fn parse(
    query: &Query,
    context: &Context<'_>,
    violations: &mut Vec<String>,
) -> Result<Conversion, Answer> {
    let mut refused = false;
    for name in MANDATORY.into_iter().filter(|name| query.filled(name).is_none()) {
        violations.push(format!("{name} is missing"));
        refused |= name != "security_token";
    }
    for shape in SHAPES {
        if query.filled(shape.name).is_some_and(|value| !(shape.is_valid)(value)) {
            violations.push(format!("{} {}", shape.name, shape.otherwise));
            refused |= shape.fatal;
        }
    }
    if refused {
        return Err(refusal("Missing or malformed parameter"));
    }
    let value = |name| query.get(name).unwrap_or_default().to_owned();
    let optional = OPTIONAL.iter().filter_map(|name| Some((*name, query.filled(name)?)));
    Ok(Conversion {
        offer_id: value("offer_id").parse().unwrap_or_default(),
        adv_sub: value("adv_sub"),
        transaction_id: value("transaction_id"),
        amount: value("amount"),
        token_matches: value("security_token") == context.accounts.shopback.security_token,
        detail: optional.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    })
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

fn refuse(text: &str) -> Reply {
    Reply::without_effect(refusal(text))
}

/// The network's real text ends in `.;`, unlike the document's.
fn refusal(text: &str) -> Answer {
    let body = format!("success=false; err_msg={text}.;");
    Answer::of("text/html; charset=utf-8", body)
}
