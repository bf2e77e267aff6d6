//! `doctor`: what is wrong with the deployment, found without reporting an order.
//!
//! Each module below asks about one area and judges the answers: `ask` does the one, `judge`, which is pure, the
//! other. What could not be asked is a finding, too.

use std::{future::Future, pin::Pin, time::Duration};

use serde::Serialize;

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
mod secrets;
mod settings;
mod stack;

/// The time that one area may take: all are asked at once.
const PATIENCE: Duration = Duration::from_secs(25);

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

pub(crate) async fn run(
    arguments: &Arguments,
    wanted: &Doctor,
    account: Result<Account, Failure>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    // First: AWS refuses every request of a clock that is wrong by five minutes.
    let config = configuration(arguments).await?;
    let mut findings = area("clock", clock::findings(&config)).await;
    let account = match account {
        Ok(account) => account,
        Err(failure) if findings.iter().all(|finding| finding.code != clock::SKEWED) => {
            return Err(failure);
        }
        Err(_) => return show("the stack", &findings, output),
    };
    let resources = account.resources().await?;
    for found in futures_util::future::join_all(areas(&account, &resources, wanted)).await {
        findings.extend(found);
    }
    show(&account.place.stack, &without_consequences(findings), output)
}

fn areas<'a>(account: &'a Account, resources: &'a [Resource], wanted: &'a Doctor) -> Vec<Area<'a>> {
    vec![
        Box::pin(area("stack", stack::findings(account))),
        Box::pin(area("secrets", secrets::findings(account))),
        Box::pin(area("functions", functions::findings(account))),
        Box::pin(area("alias", alias::findings(account, resources))),
        Box::pin(area("rules", rules::findings(account, resources))),
        Box::pin(area("queues", queues::findings(account, resources))),
        Box::pin(area("alarms", alarms::findings(account, resources))),
        Box::pin(area("address", address::findings(account, wanted.address))),
        Box::pin(area("key", key::findings(account))),
        Box::pin(area("pauses", pauses::findings(account))),
        Box::pin(area("ledger", ledger::findings(account))),
    ]
}

/// The findings of one area; that it could not be asked about is one.
async fn area(
    name: &str,
    findings: impl Future<Output = Result<Vec<Finding>, Failure>>,
) -> Vec<Finding> {
    match tokio::time::timeout(PATIENCE, findings).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(failure)) => vec![Finding::not_checked(name, &failure.to_string())],
        Err(_) => vec![Finding::not_checked(name, "AWS took too long to answer.")],
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
    }
    output.answer(&lines, &View { stack, findings });
    match findings.len() {
        0 => Ok(()),
        count => Err(Failure::NeedsPerson(format!("Findings: {count}."))),
    }
}

#[cfg(test)]
mod tests {
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

        let findings = area("key", async { Err(refused) }).await;

        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].code, findings[0].subject.as_str()), ("not_checked", "key"));
        assert!(findings[0].what.contains("KMS refused DescribeKey: AccessDeniedException"));
    }
}
