//! Decisions under way: each is `orders settle` for the delivery and the attempt that was previewed.

use std::{
    iter,
    sync::{Arc, Mutex},
};

use axum::extract::{Query, State};
use futures_util::{StreamExt, stream};
use maud::{Markup, html};
use postback_core::delivery::{Decision, Record};
use postback_reconcile::decide::{DecisionRow, word};

use super::{
    Console, Page,
    decide::one,
    layout::{Sheet, counted, failure, id, page, thousands},
    lock,
    money::attachment,
    orders::{Pairs, link, value},
    report::Comparison,
};
use crate::{
    args::Settle,
    failure::Failure,
    list::at_stake,
    settle::{
        Seen, find,
        many::{Batch, Resend},
        settle,
    },
    view::visible,
};

mod answers;

use answers::Answers;

/// The decisions that are taken at once.
const AT_ONCE: usize = 8;

/// The plans and results that are kept, besides those under way.
const KEPT: usize = 20;

/// A delivery as it was previewed.
#[derive(Clone)]
pub(super) struct Target {
    order_id: String,
    delivery: String,
    seen: Seen,
    money: String,
}

impl Target {
    /// A delivery as it was seen, with the money that the decision is about.
    pub(super) fn new(record: &Record, seen: Seen, decision: Decision) -> Self {
        let money = at_stake(record, decision == Decision::Acknowledge);
        Self {
            order_id: record.order_id.clone(),
            delivery: record.delivery.clone(),
            seen,
            money: money.map(|(sum, it)| format!("{sum} {it}")).unwrap_or_default(),
        }
    }
}

/// A decision about some deliveries.
pub(super) struct Plan {
    pub(super) decision: Decision,
    pub(super) word: &'static str,
    pub(super) why: String,
    pub(super) from_archive: bool,
    pub(super) targets: Vec<Target>,
    /// The report that decides about each of them.
    pub(super) report: Option<Report>,
    /// The comparison of a report that it comes from.
    pub(super) comparison: Option<Comparison>,
    /// The files to download, by their names.
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
}

/// A network's report beside the deliveries that it decides.
pub(super) struct Report {
    pub(super) batch: Batch,
    pub(super) resend: Resend,
}

impl Plan {
    fn settle(&self, target: &Target) -> Settle {
        Settle {
            delivered: self.decision == Decision::Confirm,
            send_again: self.decision == Decision::PermitSending,
            abandon: self.decision == Decision::Abandon,
            reopen: self.decision == Decision::Reopen,
            acknowledge: self.decision == Decision::Acknowledge,
            from_archive: self.from_archive,
            ..one(&target.order_id, &target.delivery, &self.why)
        }
    }
}

type Outcome = (Target, Result<String, Failure>);

/// A plan, and how far it is.
struct Work {
    id: usize,
    plan: Plan,
    /// `None` until it is confirmed.
    done: Mutex<Option<Vec<Outcome>>>,
    /// The end: what there is to say besides, or the failure after which nothing more was decided.
    ended: Mutex<Option<Result<Vec<String>, Failure>>>,
}

#[derive(Default)]
pub(super) struct Works {
    kept: Mutex<Kept>,
    /// The answers to forms that are no decisions.
    pub(super) answers: Answers,
}

/// The plans and results, the latest first.
#[derive(Default)]
struct Kept {
    /// The number of the latest.
    last: usize,
    works: Vec<Arc<Work>>,
}

impl Kept {
    /// Makes room for one more: the oldest that is not under way goes.
    fn make_room(&mut self) {
        while self.works.len() >= KEPT {
            let Some(oldest) = self.works.iter().rposition(|work| !work.is_under_way()) else {
                return;
            };
            self.works.remove(oldest);
        }
    }

    fn find(&self, id: &str) -> Option<&Arc<Work>> {
        let id = id.parse().ok();
        self.works.iter().find(|work| Some(work.id) == id)
    }
}

impl Works {
    /// Keeps a plan until it is confirmed. Returns its number.
    pub(super) fn plan(&self, plan: Plan) -> usize {
        let mut kept = lock(&self.kept);
        kept.make_room();
        kept.last += 1;
        let id = kept.last;
        let work = Work { id, plan, done: Mutex::default(), ended: Mutex::default() };
        kept.works.insert(0, Arc::new(work));
        id
    }

    /// The comparisons that are kept, with the numbers of their plans, the latest first.
    pub(super) fn comparisons(&self) -> Vec<(usize, Comparison)> {
        let kept = lock(&self.kept);
        let of = |work: &Arc<Work>| Some((work.id, work.plan.comparison.clone()?));
        kept.works.iter().filter_map(of).collect()
    }

    fn find(&self, id: &str) -> Option<Arc<Work>> {
        lock(&self.kept).find(id).cloned()
    }

    /// Starts a plan, once. Returns whether there is such a plan.
    pub(super) fn start(&self, id: &str, console: &Arc<Console>) -> bool {
        // Locked until it counts as under way: meanwhile no other plan takes its place.
        let kept = lock(&self.kept);
        let Some(work) = kept.find(id) else { return false };
        if lock(&work.done).replace(Vec::new()).is_none() {
            tokio::spawn(work.clone().run(console.clone()));
        }
        true
    }
}

impl Work {
    fn is_under_way(&self) -> bool {
        lock(&self.done).is_some() && lock(&self.ended).is_none()
    }

    async fn run(self: Arc<Self>, console: Arc<Console>) {
        let ended = match &self.plan.report {
            Some(report) => self.by_report(report, &console).await,
            None => self.one_by_one(&console).await,
        };
        *lock(&self.ended) = Some(ended);
        console.forget();
    }

    /// Decides as the report says: `orders settle --from`.
    async fn by_report(&self, report: &Report, console: &Console) -> Result<Vec<String>, Failure> {
        let Report { batch, resend } = report;
        let wanted = Settle { from_archive: self.plan.from_archive, ..one("", "", &self.plan.why) };
        let each = |row: &DecisionRow, record: &Record, result: Result<(), &'static str>| {
            let outcome = match result {
                Ok(()) => {
                    let decision = word(row.decision).replace('_', " ");
                    Ok(format!("{decision}: {}, report {}…", row.evidence, batch.digest()))
                }
                Err(why) => Err(Failure::NoLongerFits { why: why.replace('_', " ") }),
            };
            let seen = Seen { attempt: row.attempt, ..Seen::of(record) };
            self.add(Target::new(record, seen, row.decision), outcome);
        };
        let view = Box::pin(batch.settle(&console.account, &wanted, resend, each)).await?;
        Ok(iter::once(format!("By the report {}.", view.report)).chain(view.recorded()).collect())
    }

    fn add(&self, target: Target, outcome: Result<String, Failure>) {
        if let Some(done) = &mut *lock(&self.done) {
            done.push((target, outcome));
        }
    }

    async fn one_by_one(&self, console: &Console) -> Result<Vec<String>, Failure> {
        let (work, account) = (self, &console.account);
        let each = async |target: Target| {
            let wanted = work.plan.settle(&target);
            let settled = match find(account, &wanted).await {
                Ok(record) => Box::pin(settle(account, &wanted, record, target.seen)).await,
                Err(failure) => Err(failure),
            };
            work.add(target, settled.map(|settled| settled.message));
        };
        let targets = work.plan.targets.iter().cloned();
        stream::iter(targets).for_each_concurrent(AT_ONCE, each).await;
        Ok(Vec::new())
    }
}

/// A file of a plan.
pub(super) async fn file(State(console): State<Arc<Console>>, Query(pairs): Query<Pairs>) -> Page {
    let gone = || failure(&console, &Failure::Usage("There is no such file.".to_owned()));
    let work = console.works.find(value(&pairs, "id")).ok_or_else(gone)?;
    let is_it = |(name, _): &&(&str, Vec<u8>)| *name == value(&pairs, "name");
    let (name, content) = work.plan.files.iter().find(is_it).ok_or_else(gone)?;
    Ok(attachment(name, content.clone()))
}

pub(super) async fn show(State(console): State<Arc<Console>>, Query(pairs): Query<Pairs>) -> Page {
    let gone = || Failure::Usage("This console knows no such decision.".to_owned());
    let work = console.works.find(value(&pairs, "id"));
    let work = work.ok_or_else(|| failure(&console, &gone()))?;
    let done = lock(&work.done);
    let outcomes = done.as_deref().unwrap_or_default();
    let all = work.plan.targets.len();
    let refused = outcomes.iter().filter(|(_, result)| result.is_err()).count();
    let ended = lock(&work.ended).clone();
    let goes_on = ended.is_none();
    let body = html! {
        @if goes_on {
            p role="status" { "Deciding: " (thousands(outcomes.len())) " of " (counted(all, "delivery")) "." }
            progress max=(all) value=(outcomes.len()) aria-label="Deliveries decided" {}
            p { a href=(link("/work", &[("id", value(&pairs, "id"))])) { "Refresh" } }
        } @else {
            p role="status" {
                strong { (counted(outcomes.len() - refused, "delivery")) " decided, " (refused) " refused." }
            }
        }
        @match &ended {
            Some(Ok(lines)) => { @for line in lines { p { (line) } } },
            Some(Err(failure)) => { p role="alert" { (failure.to_string()) } },
            None => {},
        }
        p { "Decision: " (work.plan.word) ". Why: " (work.plan.why) }
        (results(outcomes))
        ul.links { li { a href="/" { "What needs me" } } }
    };
    Ok(page(&console, &Sheet { title: "Decision", at: "/decide", refresh: goes_on, body }))
}

/// The results, the refused ones first.
fn results(outcomes: &[Outcome]) -> Markup {
    let mut outcomes: Vec<_> = outcomes.iter().collect();
    outcomes.sort_by_key(|(target, result)| (result.is_ok(), &target.order_id, &target.delivery));
    html! { div.scroll tabindex="0" role="group" aria-label="Table" { table {
        caption { "Results, the refused ones first" }
        thead { tr {
            th scope="col" { "Order" } th scope="col" { "Network" } th scope="col" { "Attempt seen" }
            th.number scope="col" { "Amount" } th scope="col" { "Result" }
        } }
        tbody { @for (target, result) in outcomes { tr {
            td.id { a href=(link("/order", &[("id", &target.order_id)])) { (id(&target.order_id)) } }
            td { (id(&target.delivery)) } td { (target.seen.attempt) } td.number { (target.money) }
            td { @match result {
                Ok(message) => (message),
                Err(failure) => { span.state.bad { "Refused" } " (" code { (failure.code()) } "): " (visible(&failure.to_string())) },
            } }
        } } }
    } } }
}
