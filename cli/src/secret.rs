//! `secret`: a network's settings, or keys, into their secret.

use std::io::{self, IsTerminal, Read};

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use serde_json::{Map, Value, json};

use crate::{
    account::{Account, failed},
    args::Secret,
    doctor::secrets::{CLICK_COOKIE, WEBHOOK, all, faults},
    failure::{Failure, why_not},
    networks,
    view::Output,
};

mod asked;

use asked::{Terminal, new_keys, settings};

pub(crate) async fn run(
    account: &Account,
    wanted: &Secret,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let (name, arn) = find(account, &wanted.name)?;
    let client = aws_sdk_secretsmanager::Client::new(&account.place.config);
    let value = if io::stdin().is_terminal() {
        // A text that is no JSON object holds nothing: this command is how it is put right.
        let before = serde_json::from_str(&present(&client, arn).await?);
        asked_for(&name, &before.unwrap_or_default())?
    } else {
        let mut text = String::new();
        let read = io::stdin().lock().read_to_string(&mut text);
        read.map_err(|error| unread(&error))?;
        given(&name, &text)?
    };
    check(&name, &value)?;
    let names: Vec<_> = value.keys().cloned().collect();
    let put = client.put_secret_value().secret_id(arn);
    let put = put.secret_string(Value::Object(value).to_string()).send().await;
    put.map_err(|error| failed("Secrets Manager", "PutSecretValue", &error))?;
    let set = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let lines = [
        format!("The secret {name} of {} holds {set} now.", account.place.stack),
        "The functions read it within two minutes, without a deployment.".to_owned(),
    ];
    output.answer(&lines, &json!({ "secret": name, "members": names }));
    Ok(())
}

/// The text in the secret that this output names; empty if it has no value.
pub(crate) async fn text_of(account: &Account, output: &str) -> Result<String, Failure> {
    let arn = account.output(output)?;
    present(&aws_sdk_secretsmanager::Client::new(&account.place.config), arn).await
}

/// The text in a secret; empty if it has no value.
async fn present(client: &aws_sdk_secretsmanager::Client, arn: &str) -> Result<String, Failure> {
    match client.get_secret_value().secret_id(arn).send().await {
        Ok(value) => Ok(value.secret_string.unwrap_or_default()),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(String::new()),
        Err(error) => Err(failed("Secrets Manager", "GetSecretValue", &error)),
    }
}

/// The secret of this name, and its ARN.
fn find<'a>(account: &'a Account, name: &str) -> Result<(String, &'a str), Failure> {
    let wanted = name.replace('-', "_");
    let secrets = all(account)?;
    if let Some(found) = secrets.iter().find(|(of, _)| *of == wanted) {
        return Ok(found.clone());
    }
    let known: Vec<_> = secrets.into_iter().map(|(of, _)| of).collect();
    Err(Failure::NoSecret { name: name.to_owned(), known: known.join(", ") })
}

/// The secret that came by standard input.
fn given(name: &str, text: &str) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(text).map_err(|_| Failure::BadSecret {
        name: name.to_owned(),
        faults: "standard input holds no JSON object".to_owned(),
    })
}

fn unread(error: &io::Error) -> Failure {
    Failure::BadFile { file: "Standard input".to_owned(), fault: why_not(error) }
}

fn asked_for(name: &str, before: &Map<String, Value>) -> Result<Map<String, Value>, Failure> {
    let asked = match networks::find(name) {
        Some(network) => settings(&network.secret(), before, &mut Terminal),
        None => new_keys(before, [WEBHOOK, CLICK_COOKIE].contains(&name), &mut Terminal),
    };
    asked.map_err(|error| unanswered(name, &error))
}

/// The failure of a question without an answer.
fn unanswered(name: &str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::Interrupted => Failure::Declined,
        io::ErrorKind::InvalidInput => {
            let faults = "no key was given".to_owned();
            Failure::BadSecret { name: name.to_owned(), faults }
        }
        _ => unread(error),
    }
}

/// Refuses what the function would refuse. A list without keys revokes all.
fn check(name: &str, value: &Map<String, Value>) -> Result<(), Failure> {
    let is_revoked = networks::find(name).is_none()
        && value.len() == 1
        && value.get("keys").and_then(Value::as_array).is_some_and(Vec::is_empty);
    let faults = if is_revoked { Vec::new() } else { faults(name, &json!(value).to_string()) };
    if faults.is_empty() {
        return Ok(());
    }
    Err(Failure::BadSecret { name: name.to_owned(), faults: faults.join("; ") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixtures::FakeAws, networks::PLATFORMS};

    const CANARY: &str = "canary7351";
    const KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    fn checked(name: &str, text: &str) -> Result<(), Failure> {
        check(name, &given(name, text)?)
    }

    #[test]
    fn what_the_function_would_refuse_is_refused_without_being_shown() {
        let network = networks::NETWORKS.iter().find(|it| it.secret().get("required").is_some());
        let network = network.expect("a network with a key").name;
        for (name, text) in [
            (network, "{}".to_owned()),
            (network, CANARY.to_owned()),
            (network, format!("[\"{CANARY}\"]")),
            (network, format!("{{\"{CANARY}\": 1}}")),
            (WEBHOOK, format!("{{\"keys\": [\"{CANARY}\"]}}")),
            (WEBHOOK, "{}".to_owned()),
            (WEBHOOK, format!("{{\"keys\": [], \"key\": \"{CANARY}\"}}")),
            (PLATFORMS[0].name, "{\"keys\": [\"short\"]}".to_owned()),
        ] {
            let refused = checked(name, &text).expect_err(&text);
            assert_eq!((refused.code(), refused.exit_status()), ("bad_secret", 2), "{text}");
            assert!(!refused.to_string().contains(CANARY), "{refused}");
        }
        assert_eq!(checked(WEBHOOK, &format!("{{\"keys\": [\"{KEY}\"]}}")), Ok(()));
        // Which revokes all.
        assert_eq!(checked(WEBHOOK, "{\"keys\": []}"), Ok(()));
    }

    #[test]
    fn a_question_without_an_answer_sets_nothing() {
        let failure = |kind: io::ErrorKind| unanswered("shop", &kind.into());

        assert_eq!(failure(io::ErrorKind::Interrupted), Failure::Declined);
        let empty = failure(io::ErrorKind::InvalidInput);
        assert!(empty.to_string().contains("no key was given"), "{empty}");
        assert_eq!(failure(io::ErrorKind::UnexpectedEof).code(), "bad_file");
    }

    #[tokio::test]
    async fn a_secret_that_is_not_there_is_named_with_those_that_are() {
        let mut aws = FakeAws::start().await;
        for output in ["NetSecretArn", "WebhookSecretArn"] {
            aws.account.place.outputs.insert(output.to_owned(), format!("arn:{output}"));
        }

        assert_eq!(find(&aws.account, "net"), Ok(("net".to_owned(), "arn:NetSecretArn")));
        assert_eq!(find(&aws.account, "webhook").map(|(_, arn)| arn), Ok("arn:WebhookSecretArn"));
        let known = "net, webhook".to_owned();
        let missing = Failure::NoSecret { name: "click-cookie".to_owned(), known };
        assert_eq!(find(&aws.account, "click-cookie"), Err(missing));
    }
}
