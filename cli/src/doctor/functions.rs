//! The stack's functions: they start, and are of the deployed template. Those of the networks take their settings as
//! they are now, and the network knows them, where it can be asked harmlessly.

use aws_sdk_lambda::{operation::invoke::InvokeError, primitives::Blob};
use futures_util::future::join_all;
use postback_runtime::lambda::{CHECK, Checked};
use serde_json::{Value, json};

use super::Finding;
use crate::{
    account::{Account, Resource, failed},
    failure::Failure,
};

/// The code of a function that fails.
pub(super) const FAILS: &str = "function_fails";
/// The code of settings that the function refuses.
pub(super) const SETTINGS: &str = "settings_refused";
/// The code of a function that was not built with the deployed template.
const OUTDATED: &str = "function_outdated";

/// The answer of a function to the call.
#[derive(Debug)]
enum Reply {
    Checked(Checked),
    /// It does not know the call.
    Unknown,
    /// It can't start, or failed.
    Failed,
    /// It may not run at all: its concurrency is 0.
    Throttled,
}

pub(super) async fn findings(
    account: &Account,
    resources: &[Resource],
) -> Result<Vec<Finding>, Failure> {
    let template = template(account).await?;
    let functions: Vec<_> = functions(resources).collect();
    let replies = join_all(functions.iter().map(|function| ask(account, function))).await;
    let mut findings = Vec::new();
    for (function, reply) in functions.iter().zip(replies) {
        let subject = subject(&account.place.stack, function);
        findings.extend(judge(subject, &reply?, &template));
    }
    Ok(findings)
}

/// The names of the stack's functions.
fn functions(resources: &[Resource]) -> impl Iterator<Item = &str> {
    let functions = resources.iter().filter(|resource| resource.kind == "AWS::Lambda::Function");
    functions.map(|function| function.physical.as_str())
}

/// The function without the stack's name: a network, a shop system or `intake`, say.
fn subject<'a>(stack: &str, function: &'a str) -> &'a str {
    let name = function.strip_prefix(stack).and_then(|name| name.strip_prefix('-'));
    name.unwrap_or(function)
}

/// The deployed template, by what its metadata says; each `None` where it does not.
#[derive(Debug, PartialEq, Eq)]
struct Template {
    version: Option<String>,
    digest: Option<String>,
}

impl Template {
    /// Parses a template in YAML or JSON.
    fn parse(text: &str) -> Self {
        Self { version: member(text, "SemanticVersion"), digest: member(text, "TemplateDigest") }
    }
}

async fn template(account: &Account) -> Result<Template, Failure> {
    let client = aws_sdk_cloudformation::Client::new(&account.place.config);
    let get = client.get_template().stack_name(&account.place.stack);
    let template = get.template_stage(aws_sdk_cloudformation::types::TemplateStage::Original);
    let template = template.send().await;
    let template = template.map_err(|error| failed("CloudFormation", "GetTemplate", &error))?;
    Ok(Template::parse(template.template_body().unwrap_or_default()))
}

/// The short text of the first member of this name.
fn member(template: &str, name: &str) -> Option<String> {
    let rest = &template[template.find(name)? + name.len()..];
    let rest = rest.trim_start_matches(['"', '\'', ':', ' ', '\t']);
    let value: String =
        rest.chars().take_while(|c| !c.is_whitespace() && !"\"',}".contains(*c)).collect();
    Some(value).filter(|value| !value.is_empty())
}

async fn ask(account: &Account, function: &str) -> Result<Reply, Failure> {
    let get = account.functions.get_function_concurrency().function_name(function);
    let reserved = get.send().await;
    let reserved = reserved.map_err(|error| failed("Lambda", "GetFunctionConcurrency", &error))?;
    if reserved.reserved_concurrent_executions() == Some(0) {
        return Ok(Reply::Throttled);
    }
    let event = json!({ "detail-type": CHECK }).to_string();
    let invoke = account.functions.invoke().function_name(function).payload(Blob::new(event));
    let invoke = invoke.set_qualifier(account.alias().map(str::to_owned));
    match invoke.send().await {
        Ok(output) => {
            let payload = output.payload().map(Blob::as_ref).unwrap_or_default();
            Ok(reply(output.function_error().is_some(), payload))
        }
        Err(error)
            if error
                .as_service_error()
                .is_some_and(InvokeError::is_too_many_requests_exception) =>
        {
            Ok(Reply::Throttled)
        }
        Err(error) => Err(failed("Lambda", "Invoke", &error)),
    }
}

fn reply(is_error: bool, payload: &[u8]) -> Reply {
    let value: Value = serde_json::from_slice(payload).unwrap_or_default();
    if is_error {
        let message = value["errorMessage"].as_str().unwrap_or_default();
        return if message.contains("of no trigger") { Reply::Unknown } else { Reply::Failed };
    }
    // A function of another version may answer anything.
    serde_json::from_value(value).map_or(Reply::Unknown, Reply::Checked)
}

fn judge(subject: &str, reply: &Reply, template: &Template) -> Vec<Finding> {
    let finding = |code, what: String, cure: &str| vec![Finding::new(code, subject, what, cure)];
    let checked = match reply {
        Reply::Checked(checked) => checked,
        Reply::Unknown => {
            return finding(
                OUTDATED,
                "its function is of another version than this tool".to_owned(),
                DEPLOY,
            );
        }
        Reply::Failed => {
            return finding(
                FAILS,
                "its function can't start or fails".to_owned(),
                &format!(
                    "`postback logs {subject}` says why: see Function errors in docs/runbook.md."
                ),
            );
        }
        Reply::Throttled => {
            return finding(
                "function_throttled",
                "its function may not run: Lambda refuses calls".to_owned(),
                "Raise the function's reserved concurrency (ReservedConcurrency, of a webhook \
                 WebhookConcurrency, of intake and audit ApiConcurrency), or the account's.",
            );
        }
    };
    let mut findings = Vec::new();
    if let Some(faults) = &checked.settings {
        let what = format!("its function can't use its settings: {faults}");
        let cure = format!("Run `postback secret {subject}`.");
        findings.push(Finding::new(SETTINGS, subject, what, cure));
    }
    if let Some(reason) = &checked.refused {
        findings.push(refused(subject, reason));
    }
    findings.extend(outdated(subject, checked, template));
    findings
}

const DEPLOY: &str = "Build and deploy functions and template together: `make deploy`.";

/// The network's refusal of a harmless question.
fn refused(network: &str, reason: &str) -> Finding {
    if reason == "lookup_refused" {
        let what = "the network refuses the key: it did not answer a harmless question";
        let cure =
            format!("Compare the settings with the network's portal: `postback secret {network}`.");
        return Finding::new("key_refused", network, what, cure);
    }
    let what = format!("the network did not answer a harmless question: {reason}");
    let cure = "Check its endpoint parameter, the VPC's way out, and whether the network is up.";
    Finding::new("network_silent", network, what, cure)
}

/// By its digest, because a version has more than one template until it is released.
fn outdated(subject: &str, function: &Checked, template: &Template) -> Option<Finding> {
    let differs = |given: &Option<String>, own| given.clone().filter(|given| given != own);
    let what = if let Some(version) = differs(&template.version, &function.version) {
        format!("its function is version {}, the deployed template {version}", function.version)
    } else {
        let digest = differs(&template.digest, &function.template)?;
        format!("its function was built with template {}, deployed is {digest}", function.template)
    };
    Some(Finding::new(OUTDATED, subject, what, DEPLOY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(reply: &Reply) -> Vec<&'static str> {
        let template = Template::parse("SemanticVersion: 0.2.0\nTemplateDigest: 'd2'");
        judge("net", reply, &template).into_iter().map(|finding| finding.code).collect()
    }

    fn checked() -> Checked {
        let (version, template) = ("0.2.0".to_owned(), "d2".to_owned());
        Checked { version, template, asked: true, ..Checked::default() }
    }

    #[test]
    fn a_function_that_starts_with_its_settings_and_is_known_is_well() {
        assert_eq!(codes(&Reply::Checked(checked())), Vec::<&str>::new());
    }

    #[test]
    fn each_answer_of_a_function_has_its_finding() {
        let unset = Checked { settings: Some("/key: must be given".to_owned()), ..checked() };
        let refused = |reason: &str| Checked { refused: Some(reason.to_owned()), ..checked() };
        let old = Checked { version: "0.1.0".to_owned(), ..checked() };
        let beside = Checked { template: "d1".to_owned(), ..checked() };

        assert_eq!(codes(&Reply::Checked(unset)), ["settings_refused"]);
        assert_eq!(codes(&Reply::Checked(refused("lookup_refused"))), ["key_refused"]);
        assert_eq!(codes(&Reply::Checked(refused("connect_failed"))), ["network_silent"]);
        assert_eq!(codes(&Reply::Checked(old)), ["function_outdated"]);
        assert_eq!(codes(&Reply::Checked(beside)), ["function_outdated"]);
        assert_eq!(codes(&Reply::Throttled), ["function_throttled"]);
    }

    #[test]
    fn an_answer_is_read_as_it_comes() {
        let unknown = br#"{"errorType":"x","errorMessage":"the event is of no trigger that this function has"}"#;
        let exited = br#"{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}"#;
        let well =
            br#"{"version":"0.2.0","template":"d2","settings":null,"asked":false,"refused":null}"#;

        assert_eq!(codes(&reply(true, unknown)), ["function_outdated"]);
        assert_eq!(codes(&reply(true, exited)), ["function_fails"]);
        let earlier = br#"{"version":"0.2.0","settings":null,"asked":false,"refused":null}"#;
        assert_eq!(codes(&reply(false, earlier)), ["function_outdated"], "it knows no digest");
        assert_eq!(codes(&reply(false, well)), Vec::<&str>::new());
        assert_eq!(codes(&reply(false, b"null")), ["function_outdated"]);
    }

    #[test]
    fn every_function_of_the_stack_is_asked_and_named_without_it() {
        let resource = |logical: &str, physical: &str, kind: &str| Resource {
            logical: logical.to_owned(),
            physical: physical.to_owned(),
            kind: kind.to_owned(),
        };
        let resources = [
            resource("NetFunction", "shop-a-net", "AWS::Lambda::Function"),
            resource("SweepFunction", "shop-a-sweep", "AWS::Lambda::Function"),
            resource("SweepFunctionAliaslive", "arn:live", "AWS::Lambda::Alias"),
            resource("Ledger", "shop-a-ledger", "AWS::DynamoDB::Table"),
        ];

        let asked: Vec<_> = functions(&resources).collect();

        assert_eq!(asked, ["shop-a-net", "shop-a-sweep"]);
        assert_eq!(subject("shop-a", asked[1]), "sweep");
        assert_eq!(subject("shop", "another"), "another");
    }

    #[test]
    fn the_templates_version_and_digest_are_read_from_either_form() {
        let yaml =
            "    SemanticVersion: 0.1.0\n  Postback:\n    TemplateDigest: '0123'\n  Other: x";
        let json = r#"{"SemanticVersion":"1.2.3","x":{"TemplateDigest":"45e6"}}"#;
        let parse = |text| {
            let Template { version, digest } = Template::parse(text);
            (version.unwrap_or_default(), digest.unwrap_or_default())
        };

        assert_eq!(parse(yaml), ("0.1.0".to_owned(), "0123".to_owned()));
        assert_eq!(parse(json), ("1.2.3".to_owned(), "45e6".to_owned()));
        assert_eq!(Template::parse("Resources: {}"), Template { version: None, digest: None });
    }
}
