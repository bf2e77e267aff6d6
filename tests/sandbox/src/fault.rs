//! The faults: everything that can go wrong between a request and its answer.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::http::Answer;

/// Something going wrong, and whether the request takes effect all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Fault {
    pub(crate) kind: Kind,
    pub(crate) processed: Processed,
}

/// Whether and when the request takes effect at the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processed {
    /// On arrival, as without the fault.
    Yes,
    /// Never.
    No,
    /// After the delay or the hang has ended, even if the caller is long gone.
    Late,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    OnConnection(ConnectionFault),
    Delay(Duration),
    Hang,
    CloseBeforeReading,
    CloseAfterReading,
    CutBodyAt(usize),
    CutAnswerAt(usize),
    Answer(Answer),
}

/// A fault that comes before anything of the request is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionFault {
    AtAccept,
    CutAfter(usize),
}

impl Fault {
    const fn new(kind: Kind, processed: Processed) -> Self {
        Self { kind, processed }
    }

    /// The answer comes so much later. Takes effect on arrival.
    #[must_use]
    pub const fn delay(delay: Duration) -> Self {
        Self::new(Kind::Delay(delay), Processed::Yes)
    }

    /// No answer until the release. Takes effect on arrival.
    #[must_use]
    pub const fn hang() -> Self {
        Self::new(Kind::Hang, Processed::Yes)
    }

    /// The next connection is reset before a byte of it is read.
    #[must_use]
    pub const fn close_at_accept() -> Self {
        Self::new(Kind::OnConnection(ConnectionFault::AtAccept), Processed::No)
    }

    /// The next connection is reset after so many of its bytes were read.
    #[must_use]
    pub const fn cut_request_at(bytes: usize) -> Self {
        Self::new(Kind::OnConnection(ConnectionFault::CutAfter(bytes)), Processed::No)
    }

    /// The connection is reset, the request never processed.
    #[must_use]
    pub const fn close_before_reading() -> Self {
        Self::new(Kind::CloseBeforeReading, Processed::No)
    }

    /// The connection ends in place of an answer. Takes effect.
    #[must_use]
    pub const fn close_after_reading() -> Self {
        Self::new(Kind::CloseAfterReading, Processed::Yes)
    }

    /// The connection ends after so many bytes of the true answer's body. Takes effect.
    #[must_use]
    pub const fn cut_body_at(bytes: usize) -> Self {
        Self::new(Kind::CutBodyAt(bytes), Processed::Yes)
    }

    /// The connection ends after so many bytes of the true answer, head included. Takes effect.
    #[must_use]
    pub const fn cut_answer_at(bytes: usize) -> Self {
        Self::new(Kind::CutAnswerAt(bytes), Processed::Yes)
    }

    /// This answer in place of the true one. Takes no effect.
    #[must_use]
    pub const fn answer(answer: Answer) -> Self {
        Self::new(Kind::Answer(answer), Processed::No)
    }

    /// A bare status in place of the true answer. Takes no effect.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::answer(Answer::status(status))
    }

    /// A 302 to this place. Takes no effect.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self::answer(Answer::status(302).with_header("location", to))
    }

    /// The same fault, and the request takes effect.
    #[must_use]
    pub const fn processed(mut self) -> Self {
        self.processed = Processed::Yes;
        self
    }

    /// The same fault, and the request takes no effect: a delay or a hang then ends without an answer. An answer that
    /// is only cut has been thought of: it stays processed.
    #[must_use]
    pub const fn not_processed(mut self) -> Self {
        self.processed = match self.kind {
            Kind::CutBodyAt(_) | Kind::CutAnswerAt(_) => Processed::Yes,
            _ => Processed::No,
        };
        self
    }

    /// The same delay or hang, and the request takes effect when it ends. Any other fault takes effect at once.
    #[must_use]
    pub const fn processed_late(mut self) -> Self {
        self.processed = match self.kind {
            Kind::Delay(_) | Kind::Hang => Processed::Late,
            _ => Processed::Yes,
        };
        self
    }
}

/// A fault as the control API writes it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Form {
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
    answer: Option<AnswerForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processed: Option<ProcessedForm>,
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
enum ProcessedForm {
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
struct AnswerForm {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

impl TryFrom<Form> for Fault {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        let answer = form.answer.map(Answer::try_from).transpose()?;
        let faults = [
            form.delay_ms.map(Duration::from_millis).map(Self::delay),
            form.hang.filter(|hang| *hang).map(|_| Self::hang()),
            form.close.map(|close| match close {
                Close::AtAccept => Self::close_at_accept(),
                Close::BeforeReading => Self::close_before_reading(),
                Close::AfterReading => Self::close_after_reading(),
            }),
            form.cut_request_at.map(Self::cut_request_at),
            form.cut_body_at.map(Self::cut_body_at),
            form.cut_answer_at.map(Self::cut_answer_at),
            answer.map(Self::answer),
            form.redirect.as_deref().map(Self::redirect),
        ];
        let mut faults = faults.into_iter().flatten();
        let fault = faults.next().ok_or("the fault names nothing that goes wrong")?;
        if faults.next().is_some() {
            return Err("one rule holds one fault; add a rule for the other".to_owned());
        }
        let unread = matches!(fault.kind, Kind::OnConnection(_) | Kind::CloseBeforeReading);
        let cut = matches!(fault.kind, Kind::CutBodyAt(_) | Kind::CutAnswerAt(_));
        let waits = matches!(fault.kind, Kind::Delay(_) | Kind::Hang);
        match form.processed {
            None => Ok(fault),
            Some(ProcessedForm::At(false)) if cut => {
                Err("the network was already answering: it has processed the request".to_owned())
            }
            Some(ProcessedForm::At(false)) => Ok(fault.not_processed()),
            Some(_) if unread => Err("what is not read cannot be processed".to_owned()),
            Some(ProcessedForm::At(true)) => Ok(fault.processed()),
            Some(ProcessedForm::When(Late::Late)) if waits => Ok(fault.processed_late()),
            Some(ProcessedForm::When(Late::Late)) => {
                Err("only a delay or a hang has a late".to_owned())
            }
        }
    }
}

impl From<Fault> for Form {
    fn from(fault: Fault) -> Self {
        let mut form = Self::default();
        match fault.kind {
            Kind::OnConnection(ConnectionFault::AtAccept) => form.close = Some(Close::AtAccept),
            Kind::OnConnection(ConnectionFault::CutAfter(bytes)) => {
                form.cut_request_at = Some(bytes);
            }
            Kind::Delay(delay) => form.delay_ms = u64::try_from(delay.as_millis()).ok(),
            Kind::Hang => form.hang = Some(true),
            Kind::CloseBeforeReading => form.close = Some(Close::BeforeReading),
            Kind::CloseAfterReading => form.close = Some(Close::AfterReading),
            Kind::CutBodyAt(bytes) => form.cut_body_at = Some(bytes),
            Kind::CutAnswerAt(bytes) => form.cut_answer_at = Some(bytes),
            Kind::Answer(answer) => form.answer = Some(answer.into()),
        }
        form.processed = Some(match fault.processed {
            Processed::Yes => ProcessedForm::At(true),
            Processed::No => ProcessedForm::At(false),
            Processed::Late => ProcessedForm::When(Late::Late),
        });
        form
    }
}

impl TryFrom<AnswerForm> for Answer {
    type Error = String;

    fn try_from(form: AnswerForm) -> Result<Self, String> {
        let status = form.status.unwrap_or(200);
        if !(200..=999).contains(&status) {
            return Err(format!("{status} is not a final HTTP status"));
        }
        let clean = |text: &String| !text.contains(['\r', '\n']);
        if !form.headers.iter().all(|(name, value)| clean(name) && clean(value)) {
            return Err("a header holds a line end".to_owned());
        }
        let body = match (form.body, form.body_base64) {
            (Some(_), Some(_)) => return Err("body or body_base64, not both".to_owned()),
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => {
                BASE64_STANDARD.decode(text).map_err(|error| format!("body_base64: {error}"))?
            }
            (None, None) => Vec::new(),
        };
        Ok(Self { status, headers: form.headers.into_iter().collect(), body })
    }
}

impl From<Answer> for AnswerForm {
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
    fn every_fault_survives_its_json() -> Result<(), serde_json::Error> {
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
    fn faults_that_make_no_sense_are_refused() {
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
