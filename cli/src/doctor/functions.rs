//! The functions of the networks and the shop systems: they start, a network's with the settings as they are now;
//! the network knows them, where it can be asked harmlessly; they are as new as the template.

use aws_sdk_lambda::{
    operation::invoke::{InvokeError, InvokeOutput},
    primitives::Blob,
};
use futures_util::future::join_all;
use postback_runtime::lambda::{CHECK, Checked};
use serde_json::{Value, json};

use super::Finding;
use crate::{
    account::{Account, failed},
    failure::Failure,
    networks::PLATFORMS,
};

/// The code of a function that fails.
pub(super) const FAILS: &str = "function_fails";
/// The code of settings that the function refuses.
pub(super) const SETTINGS: &str = "settings_refused";
/// The code of a function that is not of the template's version.
const OLDER: &str = "function_outdated";

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

pub(super) async fn findings(account: &Account) -> Result<Vec<Finding>, Failure> {
    let template = template_version(account).await?;
    let networks = account.networks().into_iter().map(|network| network.name);
    let names: Vec<_> = networks.chain(platforms(account)).collect();
    let calls = names.iter().map(|name| ask(account, format!("{}-{name}", account.place.stack)));
    let mut findings = Vec::new();
    for (name, reply) in names.iter().zip(join_all(calls).await) {
        findings.extend(judge(name, &reply?, template.as_deref()));
    }
    findings.extend(intake(account, template.as_deref()).await?);
    Ok(findings)
}

/// The names of the shop systems that are on.
fn platforms(account: &Account) -> impl Iterator<Item = String> {
    let on =
        PLATFORMS.iter().filter(|it| account.output(&format!("{}SecretArn", it.prefix)).is_ok());
    on.map(|platform| platform.name.to_owned())
}

/// The version that the deployed template says.
async fn template_version(account: &Account) -> Result<Option<String>, Failure> {
    let client = aws_sdk_cloudformation::Client::new(&account.place.config);
    let get = client.get_template().stack_name(&account.place.stack);
    let template = get.template_stage(aws_sdk_cloudformation::types::TemplateStage::Original);
    let template = template.send().await;
    let template = template.map_err(|error| failed("CloudFormation", "GetTemplate", &error))?;
    Ok(template.template_body().and_then(version_in))
}

/// The version in a template, in YAML or JSON.
fn version_in(template: &str) -> Option<String> {
    let rest = &template[template.find("SemanticVersion")? + "SemanticVersion".len()..];
    let rest = rest.trim_start_matches(['"', '\'', ':', ' ', '\t']);
    let version: String =
        rest.chars().take_while(|c| !c.is_whitespace() && !"\"',}".contains(*c)).collect();
    Some(version).filter(|version| !version.is_empty())
}

async fn invoke(
    account: &Account,
    function: String,
    event: Value,
) -> Result<Option<InvokeOutput>, Failure> {
    let invoke = account.functions.invoke().function_name(function);
    let invoke = invoke.set_qualifier(account.alias().map(str::to_owned));
    match invoke.payload(Blob::new(event.to_string())).send().await {
        Ok(output) => Ok(Some(output)),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(InvokeError::is_too_many_requests_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(failed("Lambda", "Invoke", &error)),
    }
}

async fn ask(account: &Account, function: String) -> Result<Reply, Failure> {
    let get = account.functions.get_function_concurrency().function_name(&function);
    let reserved = get.send().await;
    let reserved = reserved.map_err(|error| failed("Lambda", "GetFunctionConcurrency", &error))?;
    if reserved.reserved_concurrent_executions() == Some(0) {
        return Ok(Reply::Throttled);
    }
    let event = json!({ "detail-type": CHECK });
    let Some(output) = invoke(account, function, event).await? else { return Ok(Reply::Throttled) };
    let payload = output.payload().map(Blob::as_ref).unwrap_or_default();
    Ok(reply(output.function_error().is_some(), payload))
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

fn judge(of: &str, reply: &Reply, template: Option<&str>) -> Vec<Finding> {
    let finding = |code, what: String, cure: &str| vec![Finding::new(code, of, what, cure)];
    let checked = match reply {
        Reply::Checked(checked) => checked,
        Reply::Unknown => {
            return finding(
                OLDER,
                "its function is of another version than this tool".to_owned(),
                DEPLOY,
            );
        }
        Reply::Failed => {
            return finding(
                FAILS,
                "its function can't start or fails".to_owned(),
                "Its log says why at `not_started`: see Function errors in docs/runbook.md.",
            );
        }
        Reply::Throttled => {
            return finding(
                "function_throttled",
                "its function may not run: Lambda refuses calls".to_owned(),
                "Raise the function's reserved concurrency (ReservedConcurrency; WebhookConcurrency of \
                 a shop system's), or the account's.",
            );
        }
    };
    let mut findings = Vec::new();
    if let Some(faults) = &checked.settings {
        let what = format!("its function can't use its settings: {faults}");
        let cure = format!("Run `make secret NETWORK={of}`.");
        findings.push(Finding::new(SETTINGS, of, what, cure));
    }
    if let Some(reason) = &checked.refused {
        findings.push(refused(of, reason));
    }
    findings.extend(older(of, &checked.version, template));
    findings
}

const DEPLOY: &str = "Build and deploy functions and template together: `make deploy`.";

/// The network's refusal of a harmless question.
fn refused(network: &str, reason: &str) -> Finding {
    if reason == "lookup_refused" {
        let what = "the network refuses the key: it did not answer a harmless question";
        let cure = format!(
            "Compare the settings with the network's portal: `make secret NETWORK={network}`."
        );
        return Finding::new("key_refused", network, what, cure);
    }
    let what = format!("the network did not answer a harmless question: {reason}");
    let cure = "Check its endpoint parameter, the VPC's way out, and whether the network is up.";
    Finding::new("network_silent", network, what, cure)
}

fn older(subject: &str, function: &str, template: Option<&str>) -> Option<Finding> {
    let template = template.filter(|template| *template != function)?;
    let what = format!("its function is version {function}, the deployed template {template}");
    Some(Finding::new(OLDER, subject, what, DEPLOY))
}

/// The version of intake, which its API's description says.
async fn intake(account: &Account, template: Option<&str>) -> Result<Option<Finding>, Failure> {
    let path = "/openapi.json";
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {}, "isBase64Encoded": false,
        "requestContext": { "http": { "method": "GET", "path": path }, "timeEpoch": 0 },
    });
    let function = format!("{}-intake", account.place.stack);
    let output = invoke(account, function, event).await?;
    let payload = output.as_ref().and_then(InvokeOutput::payload).map(Blob::as_ref);
    Ok(described(payload.unwrap_or_default(), template))
}

fn described(payload: &[u8], template: Option<&str>) -> Option<Finding> {
    let answer: Value = serde_json::from_slice(payload).unwrap_or_default();
    let body = answer["body"].as_str().unwrap_or_default();
    let description: Value = serde_json::from_str(body).unwrap_or_default();
    let Some(version) = description["info"]["version"].as_str() else {
        let what = "its function does not answer with the API's description";
        let cure = "Its log says why: see API errors in docs/runbook.md.";
        return Some(Finding::new(FAILS, "intake", what, cure));
    };
    older("intake", version, template)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(reply: &Reply) -> Vec<&'static str> {
        judge("net", reply, Some("0.2.0")).into_iter().map(|finding| finding.code).collect()
    }

    fn checked() -> Checked {
        Checked { version: "0.2.0".to_owned(), asked: true, ..Checked::default() }
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

        assert_eq!(codes(&Reply::Checked(unset)), ["settings_refused"]);
        assert_eq!(codes(&Reply::Checked(refused("lookup_refused"))), ["key_refused"]);
        assert_eq!(codes(&Reply::Checked(refused("connect_failed"))), ["network_silent"]);
        assert_eq!(codes(&Reply::Checked(old)), ["function_outdated"]);
        assert_eq!(codes(&Reply::Throttled), ["function_throttled"]);
    }

    #[test]
    fn an_answer_is_read_as_it_comes() {
        let unknown = br#"{"errorType":"x","errorMessage":"the event is of no trigger that this function has"}"#;
        let exited = br#"{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}"#;
        let well = br#"{"version":"0.2.0","settings":null,"asked":false,"refused":null}"#;

        assert_eq!(codes(&reply(true, unknown)), ["function_outdated"]);
        assert_eq!(codes(&reply(true, exited)), ["function_fails"]);
        assert_eq!(codes(&reply(false, well)), Vec::<&str>::new());
        assert_eq!(codes(&reply(false, b"null")), ["function_outdated"]);
    }

    #[test]
    fn intake_is_as_new_as_the_template() {
        let answer = |body: &str| json!({ "statusCode": 200, "body": body }).to_string();
        let of = |body: &str| described(answer(body).as_bytes(), Some("0.2.0")).map(|it| it.code);

        assert_eq!(of(r#"{"info": {"version": "0.2.0"}}"#), None);
        assert_eq!(of(r#"{"info": {"version": "0.1.0"}}"#), Some("function_outdated"));
        assert_eq!(of("not found"), Some("function_fails"));
    }

    #[test]
    fn the_templates_version_is_read_from_either_form() {
        let yaml = "    Labels: [orders]\n    SemanticVersion: 0.1.0\n  AWS::Other: x";

        assert_eq!(version_in(yaml).as_deref(), Some("0.1.0"));
        assert_eq!(version_in(r#"{"SemanticVersion":"1.2.3","x":1}"#).as_deref(), Some("1.2.3"));
        assert_eq!(version_in("Resources: {}"), None);
    }
}
