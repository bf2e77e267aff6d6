//! The rows of the files.

use std::time::Duration;

use postback_core::delivery::Decision;
use rust_decimal::Decimal;

use super::{Bucket, Comparison, Fault, Files, Ledger, Row, Sign, amount};
use crate::{
    decide::{of_delivery, of_validation, word},
    format::Status,
    ledger::{Entry, Validated},
};

pub(super) fn write_line(
    bucket: Bucket,
    reason: &str,
    row: &Row<'_>,
    ledger: &Ledger,
    files: &mut Files<'_>,
) -> Result<(), Fault> {
    let Some(table) = &mut files.lines else { return Ok(()) };
    let entry = row.entry.map(|number| &ledger.entries[number as usize]);
    let ours = entry.filter(|_| row.is_ours);
    let line = row.line;
    let side = match (line, ours) {
        (Some(_), Some(_)) => "both",
        (Some(_), None) => "theirs",
        _ => "ours",
    };
    let number = line.map(|line| line.number.to_string()).unwrap_or_default();
    let date = line.and_then(|line| line.date).map(|at| at.to_string()).unwrap_or_default();
    let order = entry.map(|entry| ledger.order_id(entry));
    table.row(&[
        bucket.as_str(),
        reason,
        side,
        &number,
        row.way.map_or("", super::Way::as_str),
        order.or_else(|| line.map(|line| line.order)).unwrap_or_default(),
        entry.map_or("", |entry| ledger.delivery(entry)),
        line.map_or("", |line| line.conversion),
        &date,
        line.and_then(|line| line.status).map_or("", Status::as_str),
        &amount(line.and_then(|line| line.amount)),
        line.and_then(|line| line.currency).unwrap_or_default(),
        ours.map_or("", |ours| ours.state.as_str()),
        &ours.map(|ours| ours.at.to_string()).unwrap_or_default(),
        &amount(ours.and_then(|ours| ours.amount)),
        ours.map_or("", |ours| ledger.currency(ours)),
        ours.and(row.said.validated).map_or("", Validated::as_str),
        &amount(ours.and(row.said.validated).and_then(Validated::amount)),
        &amount(claim_back(bucket, row, ledger)),
    ])
}

/// The amount to claim back, once for each delivery.
pub(super) fn claim_back(bucket: Bucket, row: &Row<'_>, ledger: &Ledger) -> Option<Decimal> {
    let number = row.entry.filter(|_| row.is_ours && bucket == Bucket::RefundedButApproved)?;
    Some(ledger.entries[number as usize].claim_back(&row.said))
}

impl Comparison<'_> {
    /// Writes what the network is asked about.
    pub(super) fn write_dispute(
        &mut self,
        bucket: Bucket,
        reason: &str,
        row: &Row<'_>,
        ledger: &Ledger,
        files: &mut Files<'_>,
    ) -> Result<(), Fault> {
        let Some(claim) = claim(bucket, reason) else { return Ok(()) };
        // Of lines that add up the first one stands for all, with their sum.
        let adds_up = self.report.format.sign == Sign::Ledger && row.entry.is_some();
        if adds_up && !row.is_ours {
            return Ok(());
        }
        self.outcome.disputes += 1;
        let Some(table) = &mut files.disputes else { return Ok(()) };
        let entry = row.entry.map(|number| &ledger.entries[number as usize]);
        let line = row.line;
        let days = self
            .report
            .format
            .claim_back_days
            .filter(|_| matches!(bucket, Bucket::RefundedButApproved | Bucket::Doubled));
        let by = days
            .zip(line.and_then(|line| line.date))
            .map(|(days, date)| (date + Duration::from_secs(86_400 * u64::from(days))).to_string());
        let is_back = bucket == Bucket::RefundedButApproved;
        let came_back_at = row.said.came_back_at.filter(|_| is_back);
        let order = entry.map(|entry| ledger.order_id(entry));
        let net = entry.filter(|_| adds_up).and_then(|entry| entry.found.amount());
        let theirs = net.or_else(|| line?.amount);
        table.row(&[
            order.or_else(|| line.map(|line| line.order)).unwrap_or_default(),
            line.map_or("", |line| line.conversion),
            &line.map(|line| line.number.to_string()).unwrap_or_default(),
            claim,
            &entry.map(|entry| entry.at.to_string()).unwrap_or_default(),
            &amount(entry.and_then(|entry| entry.owed(&row.said))),
            entry.map_or("", |entry| ledger.currency(entry)),
            &amount(theirs),
            line.and_then(|line| line.currency).unwrap_or_default(),
            &came_back_at.map(|at| at.to_string()).unwrap_or_default(),
            &amount(claim_back(bucket, row, ledger)),
            &by.unwrap_or_default(),
        ])
    }

    /// Counts and writes what a person may decide about a delivery, and about its validation.
    pub(super) fn decide(
        &mut self,
        entry: &Entry,
        row: &Row<'_>,
        reason: &str,
        ledger: &Ledger,
        files: &mut Files<'_>,
    ) -> Result<(), Fault> {
        if self.is_foreign {
            return Ok(());
        }
        let (line, said) = (row.line, &row.said);
        let is_proven = line.is_some() || !self.is_no_proof;
        let of_delivery = of_delivery(entry, line, reason, self.report.format.absence);
        let delivery = ledger.delivery(entry);
        let validation = format!("{delivery}!validation");
        let calls = said.validated.map_or(0, |known| known.attempt);
        for (decided, key, attempt) in [
            (of_delivery.filter(|_| is_proven), delivery, entry.attempt),
            (of_validation(entry, said, line), &validation, calls),
        ] {
            let Some(decision) = decided else { continue };
            self.outcome.decisions.add(decision, Some(ledger.currency(entry)), entry.owed(said));
            self.write_decision(decision, entry, (key, attempt), row, ledger, files)?;
        }
        Ok(())
    }

    /// Writes a decision.
    fn write_decision(
        &self,
        decision: Decision,
        entry: &Entry,
        (delivery, attempt): (&str, u32),
        row: &Row<'_>,
        ledger: &Ledger,
        files: &mut Files<'_>,
    ) -> Result<(), Fault> {
        let Some(table) = &mut files.decisions else { return Ok(()) };
        let instant = |at: Option<postback_core::clock::Timestamp>| {
            at.map(|at| at.to_string()).unwrap_or_default()
        };
        let evidence =
            row.line.map_or_else(|| "absent".to_owned(), |line| format!("line {}", line.number));
        table.row(&[
            ledger.order_id(entry),
            delivery,
            &attempt.to_string(),
            word(decision),
            &evidence,
            &amount(entry.owed(&row.said)),
            ledger.currency(entry),
            &self.outcome.network,
            &self.outcome.report.digest,
            &instant(self.from),
            &instant(self.to),
        ])
    }
}

/// The sentence for the network; `None` if there is nothing to ask.
fn claim(bucket: Bucket, reason: &str) -> Option<&'static str> {
    Some(match (bucket, reason) {
        (_, "validation_in_doubt_pending_there" | "validation_in_doubt_rejected_there") => {
            return None;
        }
        (Bucket::AmountDiffers, "another_amount_than_validated") => "We validated another amount.",
        (Bucket::StatusDiffers, "approved_here_pending_there") => {
            "We approved this order: please approve it."
        }
        (Bucket::StatusDiffers, "approved_here_rejected_there") => {
            "We approved this order, and you rejected it: why?"
        }
        (Bucket::StatusDiffers, "rejected_here_pending_there") => {
            "We rejected this order: please reject it."
        }
        (Bucket::OursOnly, "validated_and_not_there") => {
            "We validated this order and you do not list it."
        }
        (Bucket::RefundedButApproved, "rejected_here") => {
            "We rejected this order, and you approved it."
        }
        (Bucket::RefundedButApproved, "came_back_after_validation" | "refund_unclear") => {
            "A part of this order, or all of it, came back after it was approved."
        }
        (Bucket::AmountUnknown, _) => "You list this order without an amount: which is it?",
        (Bucket::AmountDiffers, _) => "We reported another amount.",
        (Bucket::StatusDiffers, "rejected_there") => "You rejected an order that is complete: why?",
        (Bucket::StatusDiffers, "cancelled_here_pending_there") => {
            "This order is cancelled: please reject it."
        }
        (Bucket::StatusDiffers, _) => "You refused this order when we reported it: which holds?",
        (Bucket::OursOnly, "silently_rejected") => "You confirmed this order and do not list it.",
        (Bucket::OursOnly, "lost") => "We reported this order and you do not list it.",
        (Bucket::Doubled, _) => "This order is listed more than once.",
        (Bucket::RefundedButApproved, "refunded_in_part") => "A part of this order is refunded.",
        (Bucket::RefundedButApproved, _) => "This order is cancelled or refunded.",
        (Bucket::GivenUpButThere, "withdrawn") => "We withdrew this order and did not report it.",
        (Bucket::CurrencyDiffers, _) => "We reported another currency.",
        _ => return None,
    })
}
