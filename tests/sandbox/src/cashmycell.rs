//! CashMyCell: <https://api.cashmycell.com/api/v1/public/order-complete>.
//!
//! The real network answers 2xx to every request and silently drops invalid ones; the violations name the reason.

use std::collections::HashSet;

use crate::effects::Effect;
use crate::http::{Answer, Request};
use crate::network_api::{
    Context, Inspection, NetworkApi, Reply, check_no_body, refuse_unless_get,
};
use crate::query::Query;
use crate::settings::CashMyCellAnswer;
use crate::values::is_plain_decimal;

/// A `cmc_id` starting with this belongs to no click: the answer is a success, and nothing is recorded.
pub const UNMATCHED_PREFIX: &str = "unmatched";
/// The largest allowed distance of `ts` from the sandbox's clock, in milliseconds.
pub const TS_WINDOW_MS: u64 = 5 * 60 * 1000;

const PATH: &str = "/api/v1/public/order-complete";
const REQUIRED: [&str; 4] = ["status", "order_value", "cmc_id", "ts"];
/// `OK`, compressed.
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xf3\xf7\x06\x00-\xd96\xd7\x02\x00\x00\x00";
/// The longest `cmc_id` a shop may send, in characters.
const CMC_ID_LIMIT: usize = 256;
/// The words scripts write for a click id they do not have.
const WORDS_FOR_NONE: [&str; 7] =
    ["undefined", "null", "NaN", "None", "false", "0", "[object Object]"];
/// The pixel of the document's example answer: 43 bytes.
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// The network.
#[derive(Debug, Default)]
pub(crate) struct CashMyCell {
    completed: HashSet<String>,
}

/// An order completion.
#[derive(Debug)]
pub(crate) struct Completion {
    cmc_id: String,
    order_value: String,
    reference_id: Option<String>,
}

impl NetworkApi for CashMyCell {
    type Call = Completion;

    fn inspect(request: &Request, path: &str, context: &Context<'_>) -> Inspection<Completion> {
        if let Some(refusal) = refuse_unless_get(request, path, PATH) {
            return refusal;
        }
        let mut query = Query::parse(&request.query, None);
        query.check_names(&["status", "order_value", "cmc_id", "ts", "reference_id"]);
        let mut violations = Vec::new();
        check_no_body(request, &mut violations);

        let missing: Vec<_> =
            REQUIRED.into_iter().filter(|name| query.filled(name).is_none()).collect();
        violations.extend(missing.iter().map(|name| format!("{name} is missing")));
        let invalid = invalid_values(&query, context.now_ms);
        let result = if !missing.is_empty() && !context.settings.cashmycell.ignore_missing {
            Err(Answer::text("missing parameter").with_status(400))
        } else if !missing.is_empty() || !invalid.is_empty() {
            Err(success(context))
        } else {
            Ok(Completion {
                cmc_id: query.get("cmc_id").unwrap_or_default().to_owned(),
                order_value: query.get("order_value").unwrap_or_default().to_owned(),
                reference_id: query.filled("reference_id").map(str::to_owned),
            })
        };
        violations.extend(invalid);
        let keys = query.filled("cmc_id").map(str::to_owned).into_iter().collect();
        Inspection::new("order-complete", keys, request, query, violations, result)
    }

    fn process(&mut self, call: Completion, context: &Context<'_>) -> Reply {
        let mut reply = Reply::without_effect(success(context));
        if call.cmc_id.starts_with(UNMATCHED_PREFIX) {
            return reply;
        }
        let first = self.completed.insert(call.cmc_id.clone());
        if first || !context.settings.cashmycell.deduplicate {
            let mut effect = Effect::of(Some(call.order_value));
            effect.reference = call.reference_id;
            reply.effect = Some((call.cmc_id, effect));
        }
        reply
    }
}

fn invalid_values(query: &Query, now_ms: u64) -> Vec<String> {
    let mut invalid = Vec::new();
    if query.filled("status").is_some_and(|status| status != "COMPLETED") {
        invalid.push("status is not COMPLETED".to_owned());
    }
    if query.filled("order_value").is_some_and(|value| !is_plain_decimal(value, 4)) {
        invalid.push("order_value is not a plain decimal".to_owned());
    }
    if let Some(cmc_id) = query.filled("cmc_id") {
        invalid.extend(invalid_click(cmc_id).map(|reason| format!("cmc_id {reason}")));
    }
    if let Some(ts) = query.filled("ts") {
        let digits = ts.bytes().all(|byte| byte.is_ascii_digit());
        match ts.parse::<u64>().ok().filter(|_| digits) {
            None => invalid.push("ts is not a number".to_owned()),
            Some(ts) if ts.abs_diff(now_ms) > TS_WINDOW_MS => {
                let off = ts.abs_diff(now_ms);
                invalid.push(format!("ts is {off} ms off; 5 minutes are allowed"));
            }
            Some(_) => {}
        }
    }
    invalid
}

/// The reasons why a `cmc_id` cannot be the click id of the cookie.
fn invalid_click(cmc_id: &str) -> impl Iterator<Item = &'static str> {
    let hex = |two: &str| two.bytes().all(|byte| byte.is_ascii_hexdigit());
    let encoded = |(at, _): (usize, &str)| cmc_id.get(at + 1..at + 3).is_some_and(hex);
    let reasons = [
        (
            WORDS_FOR_NONE.iter().any(|word| cmc_id.trim().eq_ignore_ascii_case(word)),
            "is a word for none",
        ),
        (cmc_id.chars().any(|c| c.is_whitespace() || c.is_control()), "contains a blank"),
        (cmc_id.chars().count() > CMC_ID_LIMIT, "is longer than 256 characters"),
        (cmc_id.match_indices('%').any(encoded), "is encoded twice"),
    ];
    reasons.into_iter().filter_map(|(applies, reason)| applies.then_some(reason))
}

fn success(context: &Context<'_>) -> Answer {
    match context.settings.cashmycell.answer {
        CashMyCellAnswer::NoContent => Answer::status(204),
        CashMyCellAnswer::Gif => Answer::of("image/gif", GIF),
        CashMyCellAnswer::Text => Answer::text("OK"),
        CashMyCellAnswer::Gzip => {
            Answer::of("text/plain", GZIP).with_header("content-encoding", "gzip")
        }
    }
}
