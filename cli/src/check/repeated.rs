//! The completed orders of a file: one that comes twice is judged and sent once.

use std::collections::HashMap;

use postback_core::order::{Arrived, Status};
use rust_decimal::Decimal;

use super::judge::{Bucket, Judgement};

/// The completed orders so far: the line of each, its total and its currency.
#[derive(Default)]
pub(super) struct Orders(HashMap<String, (u64, Decimal, &'static str)>);

impl Orders {
    /// The result of an order that was completed in a line above; `None` if it was not.
    pub(super) fn again(&mut self, line: u64, order: &Arrived) -> Option<Judgement> {
        let Arrived::Order(order) = order else { return None };
        if order.status != Status::Completed {
            return None;
        }
        let (total, currency) = (order.total.decimal(), order.currency.code());
        let Some((first, was, of)) = self.0.get(order.order_id.as_str()) else {
            self.0.insert(order.order_id.as_str().to_owned(), (line, total, currency));
            return None;
        };
        if (*was, *of) == (total, currency) {
            return Some(Judgement::new(Bucket::Repeated, format!("as in line {first}")));
        }
        let (was, is) = (was.normalize(), total.normalize());
        let why = format!("is {is} {currency}, but {was} {of} in line {first}");
        Some(Judgement::new(Bucket::Contradicts, why))
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use postback_core::clock::Timestamp;
    use serde_json::{Value, json};

    use crate::{args::Check, check::offline, failure::Failure, view::Output};

    /// 2026-11-21T10:15:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

    /// Checks orders with these totals, and these statuses, of one id.
    async fn check(name: &str, orders: &[(&str, &str)]) -> (Result<(), Failure>, Value) {
        let lines = orders.iter().map(|(status, total)| {
            let order = json!({
                "order_id": "A-1", "status": status, "completed_at": "2026-11-21T10:15:00Z",
                "currency": "EUR", "total": total, "customer": { "email": "a@example.com" },
            });
            format!("{order}\n")
        });
        let file = env::temp_dir().join(format!("postback-repeated-{}-{name}", process::id()));
        fs::write(&file, lines.collect::<String>()).expect("a file");
        let wanted = Check {
            file: file.clone(),
            offline: true,
            send: false,
            yes: false,
            from: None,
            to: None,
            reported_between: Vec::new(),
            out: None,
            limit: 10,
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output { json: true, out: &mut out, err: &mut err };
        let result = offline(&wanted, NOW, &mut output).await;
        fs::remove_file(file).expect("removed");
        (result, serde_json::from_slice(&out).expect("JSON"))
    }

    #[tokio::test]
    async fn an_order_with_two_totals_is_named_and_its_money_counts_once() {
        let (result, view) = check("two", &[("completed", "10"), ("completed", "12.50")]).await;

        assert!(matches!(result, Err(Failure::NeedsPerson(_))), "{result:?}");
        assert_eq!(view["networks"]["cartstack"]["concerns"]["amounts"], json!({ "EUR": "10" }));
        let row = view["rows"].as_array().and_then(|rows| rows.last()).expect("a row");
        assert_eq!((&row["line"], &row["result"]), (&json!(2), &json!("contradicts")));
        assert_eq!(row["why"], "is 12.5 EUR, but 10 EUR in line 1");
    }

    #[tokio::test]
    async fn a_line_that_comes_again_is_counted_and_needs_nobody() {
        let (result, view) = check("same", &[("completed", "10"), ("completed", "10.00")]).await;

        assert_eq!(result, Ok(()));
        assert_eq!(view["networks"]["cartstack"]["concerns"]["count"], 1);
        assert_eq!(view["networks"]["-"]["repeated"]["count"], 1);
    }

    #[tokio::test]
    async fn what_the_file_cancels_is_not_to_be_sent_wherever_the_cancellation_is() {
        let below = check("below", &[("completed", "10"), ("cancelled", "10")]).await;
        let above = check("above", &[("refunded", "10"), ("completed", "10")]).await;

        for ((result, view), order, other) in [(below, 1, 2), (above, 2, 1)] {
            assert!(matches!(result, Err(Failure::NeedsPerson(_))), "{result:?}");
            let rows = view["rows"].as_array().expect("rows");
            let row = rows.iter().find(|row| row["line"] == order).expect("the order's");
            assert_eq!(row["result"], "contradicts", "{view}");
            assert_eq!(row["why"], format!("is cancelled in line {other}"));
        }
    }

    #[tokio::test]
    async fn another_status_is_judged_by_itself() {
        let (_, view) = check("status", &[("pending", "12"), ("completed", "10")]).await;

        assert_eq!(view["networks"]["cartstack"]["concerns"]["count"], 1);
        assert!(view["networks"].get("-").is_none(), "{view}");
    }
}
