//! The clock of this machine, against AWS's.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use aws_config::SdkConfig;
use aws_sdk_sts::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeDeserializationInterceptorContextRef,
    },
    error::BoxError,
};
use postback_core::clock::Timestamp;

use super::Finding;
use crate::failure::Failure;

/// The code of the finding.
pub(super) const SKEWED: &str = "clock_skew";

/// The difference that is a finding: at five minutes AWS refuses requests and the webhook messages.
const MOST: Duration = Duration::from_mins(1);

/// The time of an answer, on both clocks.
#[derive(Clone, Copy, Debug)]
struct Times {
    here: Timestamp,
    there: Timestamp,
}

/// Keeps the time of the last answer.
#[derive(Clone, Debug, Default)]
struct Watch(Arc<Mutex<Option<Times>>>);

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").and_then(parse);
        let here = Timestamp::system();
        let times = date.map(|there| Times { here, there });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = times;
        Ok(())
    }
}

/// The time of an HTTP date.
fn parse(date: &str) -> Option<Timestamp> {
    let at = httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(at.as_millis()).ok().map(Timestamp::from_millis)
}

pub(super) async fn findings(config: &SdkConfig) -> Result<Vec<Finding>, Failure> {
    let watch = Watch::default();
    let sts = aws_sdk_sts::config::Builder::from(config).interceptor(watch.clone()).build();
    // The answer's date counts, also of a refusal.
    let answer = aws_sdk_sts::Client::from_conf(sts).get_caller_identity().send().await;
    let times = *watch.0.lock().unwrap_or_else(PoisonError::into_inner);
    match (times, answer) {
        (Some(times), _) => Ok(judge(times).into_iter().collect()),
        (None, Err(error)) => Err(crate::account::failed("STS", "GetCallerIdentity", &error)),
        (None, Ok(_)) => Ok(vec![Finding::not_checked("clock", "AWS's answer has no date.")]),
    }
}

fn judge(Times { here, there }: Times) -> Option<Finding> {
    let (ahead, behind) = (here.since(there), there.since(here));
    let (off, word) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    (off > MOST).then(|| {
        let what = format!("this machine's clock is {} seconds {word} AWS's", off.as_secs());
        let cure = "Set the clock by NTP, here and wherever orders and webhooks are signed: at five \
                    minutes they are refused.";
        Finding::new(SKEWED, "clock", what, cure)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_close_enough() {
        let here = parse("Sat, 21 Nov 2026 10:15:00 GMT").expect("a date");
        assert_eq!(here.to_string(), "2026-11-21T10:15:00Z");
        let found = |there| judge(Times { here, there }).map(|finding| finding.what);

        assert_eq!(found(here + Duration::from_secs(59)), None);
        assert_eq!(found(here - MOST), None);
        let ahead = found(here - Duration::from_secs(400));
        assert_eq!(ahead.as_deref(), Some("this machine's clock is 400 seconds ahead of AWS's"));
        assert!(found(here + Duration::from_secs(90)).is_some_and(|what| what.contains("behind")));
    }
}
