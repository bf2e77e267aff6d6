//! The preview and the totals as lines for people.

use std::fmt::Write;

use crate::{compare::Outcome, decide::DecisionCounts, understand::Understood};

/// What was understood of a report.
#[must_use]
pub fn preview(report: &Understood) -> Vec<String> {
    let mut lines = vec![format!("{} ({})", report.format, report.kind)];
    let mut add = |name: &str, text: String| {
        if !text.is_empty() {
            lines.push(format!("  {name:<13}{text}"));
        }
    };
    add("sha256", report.digest.clone());
    add("sheet", report.sheet.clone().unwrap_or_default());
    if let Some(delimiter) = report.delimiter {
        add("encoding", format!("{}, cells end with {delimiter:?}", report.encoding));
    }
    add("header", format!("line {}", report.header_line));
    for (role, names) in &report.columns {
        let role = serde_json::to_value(role).unwrap_or_default();
        add(role.as_str().unwrap_or_default(), names.join(", "));
    }
    add("not used", report.unused.join(", "));
    let dates = report.dates.map(|order| serde_json::to_value(order).unwrap_or_default());
    if let Some(dates) = dates {
        let order = dates.as_str().unwrap_or_default().to_owned();
        add("dates", format!("{order}, {} where they name no zone", report.zone));
    }
    add("decimal sign", report.decimal.to_string());
    add("lines", format!("{}, {} of them unreadable", report.lines, report.unreadable));
    for (line, fault) in &report.faults {
        add("", format!("line {line}: {fault}"));
    }
    let statuses = report.statuses.iter().filter(|(word, _)| *word != "-");
    let statuses = statuses.map(|(word, count)| format!("{count} {word}"));
    add("statuses", statuses.collect::<Vec<_>>().join(", "));
    add("sum", report.sums.in_words());
    add("totals row", report.total.clone().unwrap_or_default());
    if let Some((from, to)) = report.from.zip(report.to) {
        add("from, to", format!("{from}, {to}"));
    }
    lines.extend(report.warnings.iter().cloned());
    lines
}

/// The totals of a comparison, with what to do.
#[must_use]
pub fn totals(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    match outcome.from.zip(outcome.to) {
        Some((from, to)) => lines.push(format!("{}: {from} to {to}", outcome.network)),
        None => lines.push(outcome.network.clone()),
    }
    for total in outcome.buckets.iter().filter(|total| total.lines + total.deliveries > 0) {
        let mut line = format!("{:<24}", total.bucket.as_str().replace('_', " "));
        let theirs = total.theirs.in_words();
        let ours = total.ours.in_words();
        let _infallible = write!(line, "{:>8} lines  {theirs}", total.lines);
        let _infallible = write!(line, "  |  {:>8} deliveries  {ours}", total.deliveries);
        lines.push(line.trim_end().to_owned());
        let reasons = total.reasons.iter().filter(|(reason, _)| !reason.is_empty());
        for (reason, count) in reasons {
            lines.push(format!("{:>8} {}", count, reason.replace('_', " ")));
        }
        lines.push(format!("         {}", total.what_to_do));
    }
    let sums = (outcome.report.sums.in_words(), outcome.ours.in_words());
    lines.push(format!("the report: {} lines, {}", outcome.report.lines, sums.0));
    lines.push(format!("the ledger: {} deliveries, {}", outcome.deliveries, sums.1));
    let back = outcome.claim_back.in_words();
    if !back.is_empty() {
        lines.push(format!("to claim back: {back}"));
    }
    if outcome.left_out > 0 {
        let count = outcome.left_out;
        lines.push(format!(
            "{count} deliveries are outside of the report's time, or never reported"
        ));
    }
    lines.extend(decisions(&outcome.decisions));
    lines.extend(outcome.warnings.iter().cloned());
    lines
}

/// The counts of decisions, a line for each kind.
#[must_use]
pub fn decisions(counts: &DecisionCounts) -> Vec<String> {
    let kinds = [
        ("delivered", counts.delivered, &counts.delivered_sums),
        ("send again", counts.send_again, &counts.send_again_sums),
        ("abandon", counts.abandon, &counts.abandon_sums),
    ];
    let some = kinds.into_iter().filter(|(_, count, _)| *count > 0);
    some.map(|(word, count, sums)| format!("decide {word:<12}{count:>7}  {}", sums.in_words()))
        .collect()
}
