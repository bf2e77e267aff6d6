//! Decisions about one delivery or many: chosen by a filter, previewed with their money, confirmed once.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use postback_core::{
    delivery::{Decision, Record},
    redaction::OperatorNote,
};

use rust_decimal::Decimal;

use super::{
    Console, Page,
    fields::Fields,
    layout::{Sheet, counted, failure, how_much, id, key, page, unreadable},
    order::{DECISIONS, words},
    orders::{Pairs, form, is_wish, link, look, money, query, table, totals, value, wanted, whole},
    report,
    work::{Plan, Target},
};
use crate::{
    args::Settle,
    failure::Failure,
    list::{Sum, at_stake},
    scan::Read,
    settle::{Seen, check_open, find},
};

/// The most deliveries of one decision.
pub(super) const MOST: usize = 5_000;

/// The rows of a preview.
const ROWS: usize = 50;

pub(super) async fn choose(
    State(console): State<Arc<Console>>,
    Query(pairs): Query<Pairs>,
) -> Page {
    let failed = |it| failure(&console, &it);
    if pairs.is_empty() {
        let body = html! {
            p { "Choose deliveries first: the decision is previewed with their number and their money, and nothing \
                 is written before you confirm." }
            (form(&console, &[("which".to_owned(), "held".to_owned())], "/decide"))
            (report::form(&console))
        };
        let sheet = Sheet { title: "Decide many", at: "/decide", refresh: false, body };
        return Ok(page(&console, &sheet));
    }
    let wanted = wanted(&pairs).map_err(failed)?;
    let reading = look(&console, &wanted).await.map_err(failed)?;
    let found = &reading.value.found;
    let body = html! {
        (form(&console, &pairs, "/decide"))
        (totals(found))
        @if found.totals.count > 0 { (table(&found.shown[..found.shown.len().min(ROWS)], console.now())) }
        @if found.totals.count > ROWS { p { "The first " (ROWS) " are shown; the decision is about all " (found.totals.count) "." } }
        @if reading.goes_on() { p { "The decision can be taken once the ledger is read." } }
        @else if !console.writes { p.reading { (Failure::ReadOnly.to_string()) } }
        @else if found.totals.count > 0 { (decide(&console, &pairs)) }
        (how_much(&console, &reading, &link("/decide", &query(&pairs))))
    };
    let refresh = reading.goes_on();
    Ok(page(&console, &Sheet { title: "Decide many", at: "/decide", refresh, body }))
}

fn decide(console: &Console, pairs: &[(String, String)]) -> Markup {
    let which = value(pairs, "which");
    let is_acknowledged = matches!(which, "conflicts" | "claim-back");
    let first = if is_acknowledged { Decision::Acknowledge } else { Decision::Confirm };
    let words = |decision, label| words(decision, label, which == "validations");
    html! {
        form.act action="/decide/preview" method="post" {
            (key(console))
            // Nothing else: a decision in the URL would come before the one that is chosen here.
            @for (name, value) in pairs.iter().filter(|(name, _)| is_wish(name)) {
                input type="hidden" name=(name) value=(value);
            }
            fieldset {
                legend { "Decision about all of them" }
                @for (decision, word, label) in DECISIONS {
                    label.check { input type="radio" name="decision" value=(word) required checked[decision == first]; (words(decision, label)) }
                }
                label for="why" { "Why, in one line without customer data: the report and its date, say" }
                input #why name="why" required maxlength="200" autocomplete="off";
            }
            button type="submit" { "Preview" }
        }
    }
}

pub(super) async fn preview(State(console): State<Arc<Console>>, fields: Fields) -> Page {
    let failed = |it| failure(&console, &it);
    let given = DECISIONS.into_iter().find(|(_, word, _)| *word == fields.get("decision"));
    let (decision, word, label) =
        given.ok_or_else(|| failed(Failure::Usage("Choose a decision.".to_owned())))?;
    let why = fields.get("why").to_owned();
    OperatorNote::new(&why).map_err(|fault| failed(Failure::BadReason(fault)))?;
    let from_archive = !fields.get("from_archive").is_empty()
        && matches!(decision, Decision::PermitSending | Decision::Reopen);
    let (records, read) = records(&console, &fields).await.map_err(failed)?;
    // A list is of deliveries or of validations alone, but for one of which nothing can be confirmed.
    let is_validation = records.first().is_some_and(|(record, _)| record.is_validation());
    let label = words(decision, label, is_validation);
    let mut plan = Plan {
        decision,
        word,
        why,
        from_archive,
        targets: Vec::new(),
        report: None,
        comparison: None,
        files: Vec::new(),
    };
    let (mut sum, mut left) = (Sum::default(), Vec::new());
    for (record, seen) in &records {
        match fits(record, decision, from_archive) {
            Ok(()) => {
                sum.add(at_stake(record, decision == Decision::Acknowledge));
                plan.targets.push(Target::new(record, *seen, decision));
            }
            Err(why) => left.push((record, why)),
        }
    }
    let shown: Vec<_> = records.iter().map(|(record, _)| record.clone()).take(ROWS).collect();
    let count = counted(plan.targets.len(), "delivery");
    let nothing = plan.targets.is_empty();
    let danger = !matches!(decision, Decision::Confirm | Decision::Acknowledge);
    let number = console.works.plan(plan).to_string();
    let body = html! {
        p { strong { (label) ": " (count) } " " (sum.money()) }
        (unreadable(&read))
        @if !left.is_empty() { (left_out(&left)) }
        (table(&shown, console.now()))
        @if records.len() > ROWS { p.quiet { "The first " (ROWS) " of " (records.len()) " are shown." } }
        @if nothing { p role="alert" { "There is nothing to decide. Nothing was changed." } }
        @else {
            @if decision == Decision::PermitSending {
                p.reading { "If the network has one of them after all, it is reported, or validated, twice." }
            }
            form.act action="/decide/run" method="post" {
                (key(&console))
                input type="hidden" name="id" value=(number);
                button.danger[danger] type="submit" { "Confirm: " (label.to_lowercase()) ", " (count) }
            }
            p.quiet { "Each decision applies to the attempt shown here. One whose delivery has moved on is refused." }
        }
    };
    let sheet = Sheet { title: "Preview", at: "/decide", refresh: false, body };
    Ok(page(&console, &sheet))
}

fn left_out(left: &[(&Record, String)]) -> Markup {
    html! {
        p.reading { (counted(left.len(), "delivery")) " cannot be decided like this and stay as they are:" }
        ul { @for (record, why) in left.iter().take(10) {
            li { span.id { (id(&record.order_id)) } " at " (id(&record.delivery)) ", " (money(record)) ": " (why) }
        } }
    }
}

/// Checks that a decision can be taken without more than the ledger holds.
fn fits(record: &Record, decision: Decision, from_archive: bool) -> Result<(), String> {
    check_open(record, decision).map_err(|it| it.to_string())?;
    let needs_order = decision == Decision::PermitSending
        && !record.comes_round_parked()
        && !record.is_validation();
    if needs_order && !from_archive {
        return Err(
            "its order has to be brought: decide on the order's page, from the archive".to_owned()
        );
    }
    Ok(())
}

/// The deliveries of a form, each as it was seen; and what was read for them.
async fn records(
    console: &Arc<Console>,
    fields: &Fields,
) -> Result<(Vec<(Record, Seen)>, Read), Failure> {
    let order_id = fields.get("order");
    if !order_id.is_empty() {
        let wanted = one(order_id, fields.get("delivery"), "");
        let number = |name| {
            fields.get(name).parse().map_err(|_| Failure::Usage("No attempt was seen.".to_owned()))
        };
        let seen = Seen {
            attempt: number("attempt")?,
            conflicts: number("conflicts")?,
            came_back: came_back(fields.get("came_back"))?,
            decisions: Some(number("decisions")?),
        };
        let record = find(&console.account, &wanted).await?;
        return Ok((vec![(record, seen)], Read::default()));
    }
    let reading = whole(console, &wanted(fields.pairs())?.up_to(MOST)).await?;
    let found = reading.value.found;
    let count = found.totals.count;
    if count > MOST {
        let text = format!("{count} match; at most {MOST} are decided at once. Narrow the filter.");
        return Err(Failure::Usage(text));
    }
    let seen = |record: Record| (Seen::of(&record), record);
    let shown = found.shown.into_iter().map(seen).map(|(seen, record)| (record, seen)).collect();
    Ok((shown, reading.read))
}

/// The sum that had come back when the page was shown, if any.
fn came_back(text: &str) -> Result<Option<Decimal>, Failure> {
    let is_there = !text.is_empty();
    let sum = is_there.then(|| text.parse()).transpose();
    sum.map_err(|_| Failure::Usage("What came back is no amount.".to_owned()))
}

/// The command line of a decision, without the decision.
pub(super) fn one(order_id: &str, delivery: &str, why: &str) -> Settle {
    Settle {
        order_id: order_id.to_owned(),
        delivery: delivery.to_owned(),
        delivered: false,
        send_again: false,
        abandon: false,
        reopen: false,
        acknowledge: false,
        conflicts: None,
        came_back: None,
        reason: why.to_owned(),
        attempt: None,
        order: None,
        from_archive: false,
        from: None,
        report: None,
        dry_run: false,
        yes: false,
    }
}

pub(super) async fn run(State(console): State<Arc<Console>>, fields: Fields) -> Response {
    let id = fields.get("id");
    if console.works.start(id, &console) {
        return Redirect::to(&link("/work", &[("id", id)])).into_response();
    }
    failure(&console, &Failure::Usage("This preview is gone. Choose again.".to_owned()))
}
