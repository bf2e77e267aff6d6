//! CashMyCell: <https://api.cashmycell.com/api/v1/public/order-complete>.
//!
//! The real one answers 2xx whatever it is sent and drops silently what it does not like; the violations say what that
//! was.

use crate::http::{Answer, Request};
use crate::query::Query;
use crate::record::Effect;
use crate::settings::CashMyCellAnswer;
use crate::vendor::{
    Checked, Office, Taken, Vendor, astray_unless_get, check_no_body, is_plain_decimal,
};

/// A `cmc_id` starting with this belongs to no click: answered like any other, nothing is recorded.
pub const UNMATCHED_PREFIX: &str = "unmatched";
/// How far `ts` may lie from the sandbox's clock, in milliseconds.
pub const TS_WINDOW_MS: u64 = 5 * 60 * 1000;

const PATH: &str = "/api/v1/public/order-complete";
const REQUIRED: [&str; 4] = ["status", "order_value", "cmc_id", "ts"];
/// The pixel of the document's example answer: 43 bytes.
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// The network.
#[derive(Debug, Default)]
pub(crate) struct CashMyCell {
    completed: std::collections::HashSet<String>,
}

/// An order completion.
#[derive(Debug)]
pub(crate) struct Completion {
    cmc_id: String,
    order_value: String,
    reference_id: Option<String>,
}

impl Vendor for CashMyCell {
    type Call = Completion;

    fn check(request: &Request, path: &str, office: &Office<'_>) -> Checked<Completion> {
        if let Some(astray) = astray_unless_get(request, path, PATH) {
            return astray;
        }
        let mut query = Query::read(&request.query, None);
        query.check_names(&["status", "order_value", "cmc_id", "ts", "reference_id"]);
        let mut violations = Vec::new();
        check_no_body(request, &mut violations);

        let missing: Vec<_> =
            REQUIRED.into_iter().filter(|name| query.filled(name).is_none()).collect();
        violations.extend(missing.iter().map(|name| format!("{name} is missing")));
        let wrong = wrong_values(&query, office.now_ms);
        let verdict = if !missing.is_empty() && !office.settings.cashmycell.ignore_missing {
            Err(Answer::text("missing parameter").with_status(400))
        } else if !missing.is_empty() || !wrong.is_empty() {
            Err(success(office))
        } else {
            Ok(Completion {
                cmc_id: query.get("cmc_id").unwrap_or_default().to_owned(),
                order_value: query.get("order_value").unwrap_or_default().to_owned(),
                reference_id: query.filled("reference_id").map(str::to_owned),
            })
        };
        violations.extend(wrong);
        let keys = query.filled("cmc_id").map(str::to_owned).into_iter().collect();
        Checked::new("order-complete", keys, request, query, violations, verdict)
    }

    fn take(&mut self, call: Completion, office: &Office<'_>) -> Taken {
        let mut taken = Taken::nothing(success(office));
        if call.cmc_id.starts_with(UNMATCHED_PREFIX) {
            return taken;
        }
        let first = self.completed.insert(call.cmc_id.clone());
        if first || !office.settings.cashmycell.deduplicate {
            let mut effect = Effect::of(Some(call.order_value));
            effect.reference = call.reference_id;
            taken.effect = Some((call.cmc_id, effect));
        }
        taken
    }
}

fn wrong_values(query: &Query, now_ms: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    if query.filled("status").is_some_and(|status| status != "COMPLETED") {
        wrong.push("status is not COMPLETED".to_owned());
    }
    if query.filled("order_value").is_some_and(|value| !is_plain_decimal(value, 4)) {
        wrong.push("order_value is not a plain decimal".to_owned());
    }
    if let Some(cmc_id) = query.filled("cmc_id") {
        if matches!(cmc_id, "undefined" | "null") {
            wrong.push("cmc_id is what a script writes when there is none".to_owned());
        }
        if cmc_id.chars().any(|c| c.is_whitespace() || c.is_control()) {
            wrong.push("cmc_id holds a blank".to_owned());
        }
        let hex = |two: &str| two.bytes().all(|byte| byte.is_ascii_hexdigit());
        if cmc_id.match_indices('%').any(|(at, _)| cmc_id.get(at + 1..at + 3).is_some_and(hex)) {
            wrong.push("cmc_id is encoded twice".to_owned());
        }
    }
    if let Some(ts) = query.filled("ts") {
        let digits = ts.bytes().all(|byte| byte.is_ascii_digit());
        match ts.parse::<u64>().ok().filter(|_| digits) {
            None => wrong.push("ts is not a number".to_owned()),
            Some(ts) if ts.abs_diff(now_ms) > TS_WINDOW_MS => {
                let off = ts.abs_diff(now_ms);
                wrong.push(format!(
                    "ts is {off} ms off, milliseconds within 5 minutes are asked for"
                ));
            }
            Some(_) => {}
        }
    }
    wrong
}

fn success(office: &Office<'_>) -> Answer {
    match office.settings.cashmycell.answer {
        CashMyCellAnswer::NoContent => Answer::status(204),
        CashMyCellAnswer::Gif => Answer::of("image/gif", GIF),
        CashMyCellAnswer::Text => Answer::text("OK"),
    }
}
