//! Decisions that rest on an uploaded report: compared as `reconcile` does, recorded as
//! `orders settle --from` does.

use std::{path::Path, str, sync::Arc};

use axum::extract::State;
use maud::{Markup, html};
use postback_core::{
    clock::Timestamp,
    delivery::{Decision, Record},
    redaction::OperatorNote,
};
use postback_reconcile::{
    bucket::Bucket,
    compare::Outcome,
    decide::{DECISIONS, DecisionRow, Decisions, word},
    page::totals,
    source::Source,
};

use super::{
    Console, Page,
    decide::{MOST, one},
    fields::Fields,
    layout::{Sheet, counted, failure, id, key, page, time},
    orders::{link, money},
    upload::Upload,
    work::{Plan, Report, Target},
};
use crate::{
    args::Settle,
    failure::Failure,
    reconcile::{FILES, refused, uploaded},
    settle::{Seen, many::Batch},
};

/// The rows of a preview.
const ROWS: usize = 50;

/// The form that takes a report.
pub(super) fn form(console: &Console) -> Markup {
    let networks = console.account.networks();
    html! {
        h2 { "By a network's report" }
        p {
            "The report is compared with the ledger: what is held and in it was delivered; what is held and not in it, \
             although the report covers its time, may be sent again. Each decision keeps the report's digest."
        }
        form.filter action="/decide/report" method="post" enctype="multipart/form-data" {
                (key(console))
                div { label for="report-network" { "Network" } select #report-network name="network" {
                    @for network in &networks { option value=(network.name) { (network.name) } }
                } }
                div { label for="report" { "Report (CSV, XLSX, JSON), or decisions.csv" } input #report type="file" name="report" required; }
                div { label for="report-from" { "It covers from" } input #report-from name="from" placeholder="its earliest date" autocomplete="off"; }
                div { label for="report-to" { "until" } input #report-to name="to" placeholder="its latest date" autocomplete="off"; }
                @if console.writes {
                    div { label for="report-why" { "Why, without customer data" } input #report-why name="why" required maxlength="200" autocomplete="off"; }
                    div { label.check { input type="checkbox" name="from_archive" value="1"; "Send again from the archive" } }
                }
                div { button type="submit" { "Preview the report" } }
        }
        @if !console.writes { p.quiet { "The comparison changes nothing. Its decisions take a console with " code { "--write" } "." } }
        p.quiet { "On the command line: " code { "postback reconcile" } " and " code { "postback orders settle --from decisions.csv" } }
    }
}

pub(super) async fn preview(State(console): State<Arc<Console>>, upload: Upload) -> Page {
    let failed = |it| failure(&console, &it);
    let fields = &upload.fields;
    let why = fields.get("why").to_owned();
    if console.writes {
        OperatorNote::new(&why).map_err(|fault| failed(Failure::BadReason(fault)))?;
    }
    let from_archive = !fields.get("from_archive").is_empty();
    let understood = understand(&console, fields, &upload).await.map_err(failed)?;
    let Understood { lines, decisions, comparison, files } = understood;
    let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
    let mut plan = Plan {
        decision: Decision::Confirm,
        word: "as the report says",
        why,
        from_archive,
        targets: Vec::new(),
        report: None,
        comparison,
        files,
    };
    let shown = match decisions {
        Some(decisions) if console.writes => {
            decide(&console, decisions, &mut plan).await.map_err(failed)?
        }
        _ => html! {},
    };
    let count = counted(plan.targets.len(), "decision");
    let is_empty = plan.targets.is_empty();
    let number = console.works.plan(plan).to_string();
    let body = html! {
        @if !lines.is_empty() { pre tabindex="0" { (console.zone.line(&lines.join("\n"))) } }
        @if !names.is_empty() { ul.links { @for name in names {
            li { a href=(link("/decide/report/file", &[("id", &number), ("name", name)])) { "Download " (name) } }
        } } }
        (shown)
        @if !console.writes { p.reading { (Failure::ReadOnly.to_string()) } }
        @else if is_empty { p role="alert" { "The report decides nothing that is open. Nothing was changed." } }
        @else {
            form.act action="/decide/run" method="post" {
                (key(&console))
                input type="hidden" name="id" value=(number);
                button type="submit" { "Confirm: record " (count) }
            }
            p.quiet { "Each applies to the attempt shown here. A delivery that has moved on is left as it is." }
        }
    };
    Ok(page(&console, &Sheet { title: "Preview of a report", at: "/decide", refresh: false, body }))
}

/// A report that was compared with the ledger: what a network pays is in no other place.
#[derive(Clone)]
pub(super) struct Comparison {
    network: String,
    span: Option<(Timestamp, Timestamp)>,
    /// The number of the report's lines, and their money.
    theirs: (u64, String),
    /// The same of those that match.
    matched: (u64, String),
    claim_back: String,
}

impl Comparison {
    fn of(outcome: &Outcome) -> Self {
        let matched = outcome.bucket(Bucket::Matched);
        Self {
            network: outcome.network.clone(),
            span: outcome.from.zip(outcome.to),
            theirs: (outcome.report.lines, outcome.report.sums.in_words()),
            matched: matched.map_or_else(Default::default, |it| (it.lines, it.theirs.in_words())),
            claim_back: outcome.claim_back.in_words(),
        }
    }
}

/// The comparisons of this console, each with its files.
pub(super) fn comparisons(console: &Console) -> Markup {
    let compared = console.works.comparisons();
    html! {
        @if !compared.is_empty() { div.scroll tabindex="0" role="group" aria-label="Table" { table {
            caption { "Reports compared since this console began, the latest first; the latest are kept" }
            thead { tr {
                th scope="col" { "Network" } th scope="col" { "From" } th scope="col" { "Until" }
                th.number scope="col" { "In the report" } th.number scope="col" { "Matched" }
                th.number scope="col" { "To claim back" } th scope="col" { "Files" }
            } }
            tbody { @for (plan, it) in &compared { tr {
                td { (it.network) }
                td { @if let Some((from, _)) = it.span { (time(console, from)) } }
                td { @if let Some((_, to)) = it.span { (time(console, to)) } }
                @for (lines, money) in [&it.theirs, &it.matched] { td.number { (counted_lines(*lines)) " " (money) } }
                td.number { @if it.claim_back.is_empty() { "–" } @else { (it.claim_back) } }
                td { @for name in FILES {
                    a href=(link("/decide/report/file", &[("id", &plan.to_string()), ("name", name)])) { (name) } " "
                } }
            } } }
        } } }
    }
}

fn counted_lines(lines: u64) -> String {
    counted(usize::try_from(lines).unwrap_or(usize::MAX), "line")
}

/// What an uploaded file says.
struct Understood {
    /// The totals of the comparison, in words.
    lines: Vec<String>,
    /// `None` if it decides nothing.
    decisions: Option<Decisions>,
    comparison: Option<Comparison>,
    files: Vec<(&'static str, Vec<u8>)>,
}

/// Compares a report with the ledger, or reads a file of decisions.
async fn understand(
    console: &Console,
    fields: &Fields,
    upload: &Upload,
) -> Result<Understood, Failure> {
    let name = Path::new(&upload.name);
    let parse = |text: &[u8]| {
        let text = str::from_utf8(text).unwrap_or_default();
        Decisions::parse(text).map_err(refused(name))
    };
    let text = upload.content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&upload.content);
    if text.starts_with(DECISIONS.join(",").as_bytes()) {
        let decisions = Some(parse(text)?);
        let (lines, files) = (Vec::new(), Vec::new());
        return Ok(Understood { lines, decisions, comparison: None, files });
    }
    let network = console.account.network(fields.get("network"))?;
    let at = |name| Some(fields.get(name)).filter(|text| !text.is_empty());
    let span = [("From", at("from")), ("Until", at("to"))];
    let source = Source::Bytes(upload.content.clone());
    let file = (name, source);
    let (outcome, files) = uploaded(&console.account, &network, file, span, console.now()).await?;
    let written = files.iter().find(|(name, _)| *name == "decisions.csv");
    let decisions = match written.filter(|_| outcome.decisions.all() > 0) {
        Some((_, text)) => Some(parse(text)?),
        None => None,
    };
    let comparison = Some(Comparison::of(&outcome));
    Ok(Understood { lines: totals(&outcome), decisions, comparison, files })
}

/// Puts the decisions beside their deliveries, and plans those that fit.
async fn decide(
    console: &Console,
    decisions: Decisions,
    plan: &mut Plan,
) -> Result<Markup, Failure> {
    if decisions.rows.len() > MOST {
        let text = format!(
            "{} decisions; at most {MOST} are taken at once. Use `postback orders settle --from`.",
            decisions.rows.len()
        );
        return Err(Failure::Usage(text));
    }
    let batch = Batch::of(&console.account, decisions).await?;
    let wanted = Settle { from_archive: plan.from_archive, ..one("", "", &plan.why) };
    let resend = batch.resend(&console.account, &wanted).await.map_err(|failure| match failure {
        Failure::OrderNeeded => Failure::Usage(
            "Some are to be sent again. Tick \"Send again from the archive\", or use `postback orders settle --from \
             decisions.csv --order FILE`."
                .to_owned(),
        ),
        other => other,
    })?;
    let target = |(row, it): &(DecisionRow, Record)| {
        let seen = Seen { attempt: row.attempt, ..Seen::of(it) };
        Target::new(it, seen, row.decision)
    };
    plan.targets = batch.open.iter().map(target).collect();
    let shown = html! {
        pre tabindex="0" { (console.zone.line(&batch.lines().join("\n"))) }
        (table(&batch))
    };
    plan.report = Some(Report { batch, resend });
    Ok(shown)
}

fn table(batch: &Batch) -> Markup {
    html! { div.scroll tabindex="0" role="group" aria-label="Table" { table {
        caption { "The first " (batch.open.len().min(ROWS)) " of " (counted(batch.open.len(), "decision")) }
        thead { tr {
            th scope="col" { "Order" } th scope="col" { "Network" } th scope="col" { "Attempt seen" }
            th scope="col" { "Decision" } th scope="col" { "Evidence" } th.number scope="col" { "Amount" }
        } }
        tbody { @for (row, record) in batch.open.iter().take(ROWS) { tr {
            td.id { a href=(link("/order", &[("id", &row.order_id)])) { (id(&row.order_id)) } }
            td { (id(&row.delivery)) } td { (row.attempt) } td { (word(row.decision).replace('_', " ")) }
            td { (row.evidence) ", report " (batch.digest()) "…" } td.number { (money(record)) }
        } } }
    } } }
}
