//! The JSON of a fault.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{ConnectionFault, Fault, Kind, Processed};
use crate::http::Answer;

/// A fault as the control API reads and writes it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FaultJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hang: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<Close>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_request_at: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_body_at: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_answer_at: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processed: Option<ProcessedJson>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Close {
    AtAccept,
    BeforeReading,
    AfterReading,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum ProcessedJson {
    At(bool),
    When(Late),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Late {
    Late,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AnswerJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

impl TryFrom<FaultJson> for Fault {
    type Error = String;

    fn try_from(json: FaultJson) -> Result<Self, String> {
        let answer = json.answer.map(Answer::try_from).transpose()?;
        let faults = [
            json.delay_ms.map(Duration::from_millis).map(Self::delay),
            json.hang.filter(|hang| *hang).map(|_| Self::hang()),
            json.close.map(|close| match close {
                Close::AtAccept => Self::close_at_accept(),
                Close::BeforeReading => Self::close_before_reading(),
                Close::AfterReading => Self::close_after_reading(),
            }),
            json.cut_request_at.map(Self::cut_request_at),
            json.cut_body_at.map(Self::cut_body_at),
            json.cut_answer_at.map(Self::cut_answer_at),
            answer.map(Self::answer),
            json.redirect.as_deref().map(Self::redirect),
        ];
        let mut faults = faults.into_iter().flatten();
        let fault = faults.next().ok_or("the fault names no failure")?;
        if faults.next().is_some() {
            return Err("a rule has one fault; add another rule".to_owned());
        }
        let unread = matches!(fault.kind, Kind::OnConnection(_) | Kind::CloseBeforeReading);
        let cut = matches!(fault.kind, Kind::CutBodyAt(_) | Kind::CutAnswerAt(_));
        let waits = matches!(fault.kind, Kind::Delay(_) | Kind::Hang);
        match json.processed {
            None => Ok(fault),
            Some(ProcessedJson::At(false)) if cut => {
                Err("the network has already answered: it has processed the request".to_owned())
            }
            Some(ProcessedJson::At(false)) => Ok(fault.not_processed()),
            Some(_) if unread => Err("a request that is not read cannot be processed".to_owned()),
            Some(ProcessedJson::At(true)) => Ok(fault.processed()),
            Some(ProcessedJson::When(Late::Late)) if waits => Ok(fault.processed_late()),
            Some(ProcessedJson::When(Late::Late)) => Err("late needs a delay or a hang".to_owned()),
        }
    }
}

impl From<Fault> for FaultJson {
    fn from(fault: Fault) -> Self {
        let mut json = Self::default();
        match fault.kind {
            Kind::OnConnection(ConnectionFault::AtAccept) => json.close = Some(Close::AtAccept),
            Kind::OnConnection(ConnectionFault::CutAfter(bytes)) => {
                json.cut_request_at = Some(bytes);
            }
            Kind::Delay(delay) => json.delay_ms = u64::try_from(delay.as_millis()).ok(),
            Kind::Hang => json.hang = Some(true),
            Kind::CloseBeforeReading => json.close = Some(Close::BeforeReading),
            Kind::CloseAfterReading => json.close = Some(Close::AfterReading),
            Kind::CutBodyAt(bytes) => json.cut_body_at = Some(bytes),
            Kind::CutAnswerAt(bytes) => json.cut_answer_at = Some(bytes),
            Kind::Answer(answer) => json.answer = Some(answer.into()),
        }
        json.processed = Some(match fault.processed {
            Processed::Yes => ProcessedJson::At(true),
            Processed::No => ProcessedJson::At(false),
            Processed::Late => ProcessedJson::When(Late::Late),
        });
        json
    }
}

impl TryFrom<AnswerJson> for Answer {
    type Error = String;

    fn try_from(json: AnswerJson) -> Result<Self, String> {
        let status = json.status.unwrap_or(200);
        if !(200..=999).contains(&status) {
            return Err(format!("{status} is not a final HTTP status"));
        }
        let clean = |text: &String| !text.contains(['\r', '\n']);
        if !json.headers.iter().all(|(name, value)| clean(name) && clean(value)) {
            return Err("a header contains a line end".to_owned());
        }
        let body = match (json.body, json.body_base64) {
            (Some(_), Some(_)) => return Err("body and body_base64 exclude each other".to_owned()),
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => {
                BASE64_STANDARD.decode(text).map_err(|error| format!("body_base64: {error}"))?
            }
            (None, None) => Vec::new(),
        };
        Ok(Self { status, headers: json.headers.into_iter().collect(), body })
    }
}

impl From<Answer> for AnswerJson {
    fn from(answer: Answer) -> Self {
        let (body, body_base64) = match String::from_utf8(answer.body) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(BASE64_STANDARD.encode(error.as_bytes()))),
        };
        Self {
            status: Some(answer.status),
            headers: answer.headers.into_iter().collect(),
            body,
            body_base64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_survives_a_round_trip() -> Result<(), serde_json::Error> {
        for text in [
            r#"{"delay_ms":5}"#,
            r#"{"delay_ms":5,"processed":"late"}"#,
            r#"{"hang":true,"processed":false}"#,
            r#"{"close":"at_accept"}"#,
            r#"{"close":"before_reading"}"#,
            r#"{"close":"after_reading","processed":false}"#,
            r#"{"cut_request_at":3}"#,
            r#"{"cut_body_at":3}"#,
            r#"{"cut_answer_at":3}"#,
            r#"{"answer":{"status":503,"headers":{"retry-after":"7"},"body":"x"},"processed":true}"#,
            r#"{"answer":{"body_base64":"/w=="}}"#,
            r#"{"redirect":"https://example.com/"}"#,
        ] {
            let fault: Fault = serde_json::from_str(text)?;
            let again: Fault = serde_json::from_str(&serde_json::to_string(&fault)?)?;

            assert_eq!(fault, again, "{text}");
        }
        Ok(())
    }

    #[test]
    fn contradictory_faults_are_refused() {
        for text in [
            "{}",
            r#"{"hang":false}"#,
            r#"{"hang":true,"delay_ms":5}"#,
            r#"{"close":"now"}"#,
            r#"{"close":"before_reading","processed":true}"#,
            r#"{"close":"after_reading","processed":"late"}"#,
            r#"{"cut_answer_at":3,"processed":false}"#,
            r#"{"answer":{"status":99}}"#,
            r#"{"answer":{"body":"x","body_base64":"eA=="}}"#,
            r#"{"answer":{"headers":{"a":"b\r\nc: d"}}}"#,
            r#"{"sleep":5}"#,
        ] {
            assert!(serde_json::from_str::<Fault>(text).is_err(), "{text}");
        }
    }
}
