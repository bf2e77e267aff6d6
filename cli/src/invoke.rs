//! Calls a network's function directly, as the API does: the function compares the order with what it
//! reported before, and answers with the result.

use std::{fmt::Write, fs, io, io::Read, path::Path};

use aws_sdk_lambda::primitives::Blob;
use postback_core::{clock::Timestamp, order::readable};
use postback_runtime::lambda::{PLAN, PlanAnswer};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use crate::{
    account::{Account, Network, failed},
    failure::{Failure, why_not},
};

/// An order in a file.
#[derive(Debug)]
pub(crate) struct GivenOrder {
    pub(crate) text: Box<RawValue>,
    file: String,
}

/// The answer of a function.
#[derive(Debug, Deserialize)]
struct Response {
    #[serde(rename = "statusCode")]
    status: i64,
    #[serde(default)]
    body: String,
}

impl GivenOrder {
    /// Loads an order, bare or as the `detail` of its event.
    pub(crate) fn load(path: &Path, order_id: &str) -> Result<Self, Failure> {
        let given = Self::load_any(path)?;
        given.is(order_id)
    }

    /// Loads an order of any id.
    pub(crate) fn load_any(path: &Path) -> Result<Self, Failure> {
        let file = if path == Path::new("-") { "-".into() } else { path.display().to_string() };
        let bad = |fault: String| Failure::BadFile { file: file.clone(), fault };
        let text = if file == "-" {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            fs::read_to_string(path)
        };
        let text = text.map_err(|error| bad(why_not(&error)))?;
        Self::parse(&text, file.clone())
    }

    /// An order that was read already.
    pub(crate) fn of(order: &Value, file: String) -> Result<Self, Failure> {
        let text = to_raw_value(order);
        let text = text.map_err(|_| Failure::BadFile {
            file: file.clone(),
            fault: "not a JSON object".into(),
        })?;
        Ok(Self { text, file })
    }

    fn is(self, order_id: &str) -> Result<Self, Failure> {
        let value: Value = serde_json::from_str(self.text.get()).unwrap_or_default();
        let found = value["order_id"].as_str().unwrap_or_default();
        if found != order_id {
            let (found, wanted) = (found.to_owned(), order_id.to_owned());
            return Err(Failure::OtherOrder { file: self.file, found, wanted });
        }
        Ok(self)
    }

    /// Refuses an earlier version than the ledger holds: it is superseded, and carries nothing on.
    pub(crate) fn check_version(&self, held: Option<Timestamp>) -> Result<(), Failure> {
        let value: Value = serde_json::from_str(self.text.get()).unwrap_or_default();
        let given = value["updated_at"].as_str().and_then(Timestamp::parse);
        match (given, held) {
            (Some(given), Some(held)) if given < held => {
                Err(Failure::EarlierVersion { file: self.file.clone(), given, held })
            }
            _ => Ok(()),
        }
    }

    fn parse(text: &str, file: String) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Given {
            order_id: Option<String>,
            detail: Option<Box<RawValue>>,
        }
        let not_json =
            |_| Failure::BadFile { file: file.clone(), fault: "not a JSON object".into() };
        let text = readable(text);
        let given: Given = serde_json::from_str(&text).map_err(not_json)?;
        if let (None, Some(detail)) = (&given.order_id, &given.detail) {
            return Self::parse(detail.get(), file);
        }
        let text = serde_json::from_str(&text).map_err(not_json)?;
        Ok(Self { text, file })
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }
}

/// Sends the order to the network's function, as `POST /orders/{network}` does. Returns the answer's
/// body.
pub(crate) async fn deliver(
    account: &Account,
    network: &Network,
    order: &GivenOrder,
) -> Result<Value, Failure> {
    body_of(&call(account, network, &event(network, order)).await?)
}

/// Asks the network's function if its settings leave the order out, and returns the reason. Nothing is
/// sent or written.
pub(crate) async fn left_out(
    account: &Account,
    network: &Network,
    order: &Value,
) -> Result<Option<String>, Failure> {
    let event = json!({ "detail-type": PLAN, "detail": order });
    let answer: PlanAnswer = call(account, network, &event).await?;
    Ok(answer.left_out)
}

async fn call<A: DeserializeOwned>(
    account: &Account,
    network: &Network,
    event: &Value,
) -> Result<A, Failure> {
    let function = account.function(network);
    let payload = Blob::new(event.to_string());
    let invoke = account.functions.invoke().function_name(&function).payload(payload);
    let invoke = invoke.set_qualifier(account.alias().map(str::to_owned));
    let output = invoke.send().await.map_err(|error| failed("Lambda", "Invoke", &error))?;
    let payload = output.payload().map(Blob::as_ref).unwrap_or_default();
    let answer: Option<A> = serde_json::from_slice(payload).ok();
    let answer = answer.filter(|_| output.function_error().is_none());
    answer.ok_or(Failure::FunctionFailed { function })
}

fn body_of(response: &Response) -> Result<Value, Failure> {
    let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
    if matches!(response.status, 200 | 202) {
        return Ok(body);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut detail = text(&body["detail"]);
    for fault in body["errors"].as_array().into_iter().flatten() {
        let _infallible =
            write!(detail, " {}: {}.", text(&fault["pointer"]), text(&fault["detail"]));
    }
    Err(Failure::OrderRefused { code: text(&body["code"]), detail })
}

fn event(network: &Network, order: &GivenOrder) -> Value {
    let path = format!("/orders/{}", network.name);
    json!({
        "version": "2.0",
        "routeKey": format!("POST {path}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": { "content-type": "application/json" },
        "requestContext": { "http": { "method": "POST", "path": path }, "timeEpoch": 0 },
        "isBase64Encoded": false,
        "body": order.text.get(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Result<String, Failure> {
        let given = GivenOrder::parse(text, "a.json".to_owned());
        given.and_then(|given| given.is("A-1")).map(|given| given.text.get().to_owned())
    }

    #[test]
    fn an_order_is_read_bare_or_out_of_its_event() {
        let order = r#"{"order_id": "A-1", "total": 1499.00}"#;

        assert_eq!(given(order).as_deref(), Ok(order));
        let event = format!(r#"{{"detail-type": "order.completed", "detail": {order}}}"#);
        assert_eq!(given(&event).as_deref(), Ok(order));
        assert_eq!(given(&format!("\u{feff}{order}")).as_deref(), Ok(order));
        let cut = r#"{"order_id": "A-1", "comment": "nice \ud83d"}"#;
        assert_eq!(given(cut).as_deref(), Ok(r#"{"order_id": "A-1", "comment": "nice \ufffd"}"#));
    }

    #[test]
    fn another_order_or_none_is_refused() {
        let other = Failure::OtherOrder {
            file: "a.json".to_owned(),
            found: "A-2".to_owned(),
            wanted: "A-1".to_owned(),
        };

        assert_eq!(given(r#"{"order_id": "A-2"}"#), Err(other));
        assert!(matches!(given("[]"), Err(Failure::BadFile { .. })));
        assert!(matches!(given("{}"), Err(Failure::OtherOrder { .. })));
    }

    #[test]
    fn a_refusal_holds_the_functions_words() {
        let body = r#"{"code":"invalid_order","detail":"Fix it.","errors":[{"pointer":"/total","detail":"must not be negative"}]}"#;
        let refused = body_of(&Response { status: 422, body: body.to_owned() });

        let Err(Failure::OrderRefused { code, detail }) = refused else { panic!("{refused:?}") };
        assert_eq!(code, "invalid_order");
        assert_eq!(detail, "Fix it. /total: must not be negative.");
    }
}
