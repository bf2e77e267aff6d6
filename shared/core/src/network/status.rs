//! The meaning of an HTTP status where the body says nothing.

use crate::{delivery::Verdict, http::Answer, redaction::Reason};

/// Reads the status alone: the rule for every answer whose body can't be read.
#[must_use]
pub fn by_status(answer: &Answer) -> Verdict {
    match answer.status {
        429 => Verdict::retry("http_429", answer.retry_after),
        // A bare 503 may come from a proxy that lost the answer of its backend.
        503 if answer.retry_after.is_some() => Verdict::retry("http_503", answer.retry_after),
        521 | 523 => Verdict::retry("origin_unreachable", answer.retry_after),
        300..=399 => Verdict::parked("redirected"),
        // About this one request: its length, its headers, its content.
        400 | 406 | 411 | 413 | 414 | 416 | 417 | 422 | 431 | 451 => {
            Verdict::rejected("http_refused")
        }
        408 => Verdict::unconfirmed("http_408"),
        425 => Verdict::unconfirmed("http_425"),
        401 | 403 => Verdict::parked("http_forbidden"),
        404 | 405 | 410 => Verdict::parked("http_moved"),
        402 | 407..=499 => Verdict::parked("http_client_error"),
        500..=599 => Verdict::unconfirmed("http_server_error"),
        _ if answer.body.is_empty() => Verdict::unconfirmed("empty_answer"),
        _ if answer.is_html() => Verdict::unconfirmed("html_answer"),
        _ => Verdict::unconfirmed("unreadable_answer"),
    }
}

/// Returns whether a refusal may be a firewall's, who dislikes the texts of this one order: the
/// network itself has said nothing of its settings.
#[must_use]
pub fn may_be_a_firewalls(reason: &Reason) -> bool {
    matches!(reason.as_str(), "redirected" | "http_forbidden" | "http_moved" | "http_client_error")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        let wait = Some(Duration::from_secs(77));
        let of = |status| by_status(&Answer { retry_after: wait, ..Answer::new(status, "{}") });

        let meanings: [(&[u16], Verdict); 12] = [
            (&[300, 301, 302, 307, 308, 399], Verdict::parked("redirected")),
            (
                &[400, 406, 411, 413, 414, 416, 417, 422, 431, 451],
                Verdict::rejected("http_refused"),
            ),
            (&[408], Verdict::unconfirmed("http_408")),
            (&[425], Verdict::unconfirmed("http_425")),
            (&[401, 403], Verdict::parked("http_forbidden")),
            (&[404, 405, 410], Verdict::parked("http_moved")),
            (
                &[402, 407, 409, 412, 415, 418, 421, 423, 424, 426, 428, 430, 499],
                Verdict::parked("http_client_error"),
            ),
            (&[429], Verdict::retry("http_429", wait)),
            (&[503], Verdict::retry("http_503", wait)),
            (&[521, 523], Verdict::retry("origin_unreachable", wait)),
            (&[500, 501, 502, 504, 520, 522, 524, 599], Verdict::unconfirmed("http_server_error")),
            (&[101, 200, 204, 299, 600, 999], Verdict::unconfirmed("unreadable_answer")),
        ];
        for (statuses, meaning) in meanings {
            for status in statuses {
                assert_eq!(of(*status), meaning, "{status}");
            }
        }
        for status in 300..500 {
            if let Verdict::Parked { reason, .. } = of(status) {
                assert!(may_be_a_firewalls(&reason), "{status}");
            }
        }
        assert!(!may_be_a_firewalls(&Reason::new("wrong_key")));
        let bare = by_status(&Answer::new(503, "{}"));
        assert_eq!(bare, Verdict::unconfirmed("http_server_error"));
        let ok = |body: &str| by_status(&Answer::new(200, body));
        assert_eq!(ok(""), Verdict::unconfirmed("empty_answer"));
        assert_eq!(ok("<html>"), Verdict::unconfirmed("html_answer"));
    }
}
