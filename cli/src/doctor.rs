//! `doctor`: what is wrong with the deployment, found without reporting an order, within 30 seconds.
//!
//! Each module below asks about one area and judges the answers: `ask` does the one, `judge`, which is pure, the
//! other. What could not be asked is a finding, too.

use std::{future::Future, pin::Pin, time::Duration};

use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::{
    account::{Account, Resource, configuration},
    args::{Arguments, Doctor},
    failure::Failure,
    view::Output,
};

mod address;
mod alarms;
mod alias;
mod clock;
mod functions;
mod key;
mod ledger;
mod pauses;
mod queues;
mod rules;
pub(crate) mod secrets;
mod settings;
mod stack;

/// The time that everything may take together: what is asked is asked at once.
const PATIENCE: Duration = Duration::from_secs(25);

/// The reason of what was not answered within that time.
const SLOW: &str = "AWS took too long to answer.";

/// Something wrong, and its cure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Finding {
    /// The kind, for programs.
    pub(crate) code: &'static str,
    /// The network, function or resource.
    pub(crate) subject: String,
    pub(crate) what: String,
    pub(crate) cure: String,
}

impl Finding {
    fn new(
        code: &'static str,
        subject: impl Into<String>,
        what: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { code, subject: subject.into(), what: what.into(), cure: cure.into() }
    }

    /// An area that could not be asked about.
    fn not_checked(area: &str, why: &str) -> Self {
        let cure =
            "Give your identity the right that is named, or try again, so that this is checked.";
        Self::new("not_checked", area, why, cure)
    }
}

#[derive(Serialize)]
struct View<'a> {
    stack: &'a str,
    findings: &'a [Finding],
}

type Area<'a> = Pin<Box<dyn Future<Output = Vec<Finding>> + 'a>>;

/// Opens the account within the deadline, and finds out why there may be none.
pub(crate) async fn run(
    arguments: &Arguments,
    wanted: &Doctor,
    account: impl Future<Output = Result<Account, Failure>>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    let clock = async { clock::findings(&configuration(arguments).await?).await };
    let (stack, findings) = examine(deadline, clock, account, wanted).await?;
    show(&stack, &findings, output)
}

/// The name of the stack and the findings, all of them before the deadline.
async fn examine(
    deadline: Instant,
    clock: impl Future<Output = Result<Vec<Finding>, Failure>>,
    account: impl Future<Output = Result<Account, Failure>>,
    wanted: &Doctor,
) -> Result<(String, Vec<Finding>), Failure> {
    let stack = async {
        let Ok(account) = timeout_at(deadline, account).await else {
            return Ok((None, vec![Finding::not_checked("stack", SLOW)]));
        };
        let account = account?;
        let findings = all(&account, deadline, wanted).await;
        Ok((Some(account.place.stack), findings))
    };
    let (mut findings, stack) = tokio::join!(area("clock", deadline, clock), stack);
    let (stack, found) = match stack {
        Ok(examined) => examined,
        // AWS refuses every request of a clock that is wrong by five minutes.
        Err(_) if findings.iter().any(|finding| finding.code == clock::SKEWED) => (None, vec![]),
        Err(failure) => return Err(failure),
    };
    findings.extend(found);
    Ok((stack.unwrap_or_else(|| "the stack".to_owned()), without_consequences(findings)))
}

/// The findings of all areas. Those that need the stack's resources wait for these, and no other does.
async fn all(account: &Account, deadline: Instant, wanted: &Doctor) -> Vec<Finding> {
    let with_resources = async {
        match timeout_at(deadline, account.resources()).await {
            Ok(Ok(resources)) => join_all(areas_of(account, &resources, deadline)).await,
            Ok(Err(failure)) => {
                vec![vec![Finding::not_checked("resources", &failure.to_string())]]
            }
            Err(_) => vec![vec![Finding::not_checked("resources", SLOW)]],
        }
    };
    let (own, with_resources) =
        tokio::join!(join_all(areas(account, deadline, wanted)), with_resources);
    own.into_iter().chain(with_resources).flatten().collect()
}

fn areas<'a>(account: &'a Account, deadline: Instant, wanted: &'a Doctor) -> Vec<Area<'a>> {
    vec![
        Box::pin(area("stack", deadline, stack::findings(account))),
        Box::pin(area("secrets", deadline, secrets::findings(account))),
        Box::pin(area("address", deadline, address::findings(account, wanted.address))),
        Box::pin(area("key", deadline, key::findings(account))),
        Box::pin(area("pauses", deadline, pauses::findings(account))),
        Box::pin(area("ledger", deadline, ledger::findings(account))),
    ]
}

/// The areas about the stack's resources.
fn areas_of<'a>(
    account: &'a Account,
    resources: &'a [Resource],
    deadline: Instant,
) -> Vec<Area<'a>> {
    vec![
        Box::pin(area("functions", deadline, functions::findings(account, resources))),
        Box::pin(area("alias", deadline, alias::findings(account, resources))),
        Box::pin(area("rules", deadline, rules::findings(account, resources))),
        Box::pin(area("queues", deadline, queues::findings(account, resources))),
        Box::pin(area("alarms", deadline, alarms::findings(account, resources))),
    ]
}

/// The findings of one area; that it could not be asked about is one.
async fn area(
    name: &str,
    deadline: Instant,
    findings: impl Future<Output = Result<Vec<Finding>, Failure>>,
) -> Vec<Finding> {
    match timeout_at(deadline, findings).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(failure)) => vec![Finding::not_checked(name, &failure.to_string())],
        Err(_) => vec![Finding::not_checked(name, SLOW)],
    }
}

/// Leaves out that a function can't start where its secret is the reason.
fn without_consequences(mut findings: Vec<Finding>) -> Vec<Finding> {
    let of_secrets = |finding: &&Finding| finding.code.starts_with("secret_");
    let secrets = findings.iter().filter(of_secrets).map(|finding| finding.subject.clone());
    let secrets: Vec<_> = secrets.collect();
    let consequences = [functions::FAILS, functions::SETTINGS];
    findings.retain(|finding| {
        !(consequences.contains(&finding.code) && secrets.contains(&finding.subject))
    });
    findings.sort();
    findings
}

fn show(stack: &str, findings: &[Finding], output: &mut Output<'_>) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for Finding { code, subject, what, cure } in findings {
        lines.extend([format!("{subject}: {what} [{code}]"), format!("  {cure}"), String::new()]);
    }
    if findings.is_empty() {
        lines.push(format!("{stack}: nothing is wrong that can be seen from here."));
        lines.push("Of the ledger's order ids only a sample was looked at.".to_owned());
    }
    output.answer(&lines, &View { stack, findings });
    match findings.len() {
        0 => Ok(()),
        count => Err(Failure::NeedsPerson(format!("Findings: {count}."))),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn a_function_without_its_secret_is_one_finding() {
        let finding = |code, subject| Finding::new(code, subject, "", "");
        let findings = vec![
            finding("function_fails", "net"),
            finding("secret_unset", "net"),
            finding("function_fails", "other"),
        ];

        let left = without_consequences(findings);

        let left: Vec<_> = left.iter().map(|left| (left.code, left.subject.as_str())).collect();
        assert_eq!(left, [("function_fails", "other"), ("secret_unset", "net")]);
    }

    #[tokio::test]
    async fn an_area_that_can_not_be_asked_about_is_a_finding() {
        let refused = Failure::Refused {
            service: "KMS",
            action: "DescribeKey",
            code: "AccessDeniedException".to_owned(),
            message: String::new(),
        };

        let findings = area("key", Instant::now() + PATIENCE, async { Err(refused) }).await;

        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].code, findings[0].subject.as_str()), ("not_checked", "key"));
        assert!(findings[0].what.contains("KMS refused DescribeKey: AccessDeniedException"));
    }

    #[tokio::test(start_paused = true)]
    async fn everything_ends_at_one_deadline() {
        let started = Instant::now();
        let wanted = Doctor { address: None };

        let (stack, findings) =
            examine(started + PATIENCE, pending(), pending(), &wanted).await.expect("findings");

        assert_eq!(started.elapsed(), PATIENCE);
        assert_eq!(stack, "the stack");
        let found: Vec<_> = findings.iter().map(|it| (it.code, it.subject.as_str())).collect();
        assert_eq!(found, [("not_checked", "clock"), ("not_checked", "stack")]);
    }

    #[tokio::test]
    async fn a_clock_that_is_wrong_is_found_where_no_stack_is() {
        let deadline = || Instant::now() + PATIENCE;
        let wanted = Doctor { address: None };
        let none = || ready(Err(Failure::NoCredentials));
        let skewed = ready(Ok(vec![Finding::new(clock::SKEWED, "clock", "", "")]));

        let found = examine(deadline(), skewed, none(), &wanted).await.expect("a finding").1;
        let failed = examine(deadline(), ready(Ok(vec![])), none(), &wanted).await.err();

        assert_eq!(found.len(), 1);
        assert_eq!(failed, Some(Failure::NoCredentials));
    }
}
