//! The shell: what a function is called with and what it answers. One binary serves all its
//! triggers.

use std::{future::Future, time::Duration};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use postback_core::{
    clock::Timestamp,
    delivery::{Policy, Recovery},
    network::{Network, TracksStatus},
};
use serde_json::value::to_raw_value;
use url::Url;

use event::Event;

use crate::{
    client::Sender,
    dispatch::{Dispatcher, Round, StartError},
    services::{AwsServices, Environment, Services, SettingMissing, StatusServices, setting},
};

pub mod api;
mod check;
mod direct;
mod event;
mod log;
pub mod messages;
mod plan;
mod queue;
mod single;
pub mod stream;

pub use check::{CHECK, Checked};
pub use direct::parse as parse_direct;
pub use log::log_as_json;
pub use plan::{PLAN, PlanAnswer};
pub use serde_json::value::RawValue;
pub use single::{
    ScheduleHandler, StreamHandler, answer_request, handle_batch, handle_request, handle_scheduled,
    serve_api, serve_schedule, serve_stream,
};

/// The time that Lambda gives a network's function: `Timeout` in the template.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest that it takes from the start of an invocation to the claim, settings included.
const UNTIL_CLAIM: Duration = Duration::from_secs(5);

/// Serves one network: API Gateway and SQS.
pub async fn serve<N: Network>() -> Result<(), Error> {
    let dispatcher = start::<N>().await?;
    run(move |payload, deadline| async move { handle(dispatcher, &payload, deadline).await }).await
}

/// Serves one network, and follows what it took: API Gateway, SQS and a schedule.
pub async fn serve_and_poll_status<N: TracksStatus>() -> Result<(), Error> {
    let dispatcher = start::<N>().await?;
    run(move |payload, deadline| async move {
        handle_and_poll_status(dispatcher, &payload, deadline).await
    })
    .await
}

/// Runs `handler` on every event of the Lambda runtime.
async fn run<H, A>(handler: H) -> Result<(), Error>
where
    H: Fn(Box<RawValue>, Timestamp) -> A + Copy + Send + 'static,
    A: Future<Output = Result<Box<RawValue>, Error>> + Send + 'static,
{
    let service = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        handler(event.payload, deadline(&event.context))
    });
    lambda_runtime::run(service).await
}

/// Lives as long as the process.
async fn start<N: Network>() -> Result<&'static Dispatcher<N, AwsServices>, Error> {
    log_as_json();
    let dispatcher = dispatcher().await.map(|dispatcher| &*Box::leak(Box::new(dispatcher)));
    dispatcher.inspect_err(|error| {
        let secret = setting("NETWORK_SECRET_ARN").unwrap_or_default();
        let is_secret = error.downcast_ref::<StartError>().is_some();
        let fix = is_secret.then(|| format!("postback secret {}", N::NAME));
        tracing::error!(
            code = "not_started",
            network = N::NAME,
            %error,
            secret,
            fix,
            "the function can't start"
        );
    })
}

async fn dispatcher<N: Network>() -> Result<Dispatcher<N, AwsServices>, Error> {
    const { assert!(is_in_time(N::TIMEOUT), "with this timeout no order would ever be claimed") };
    let environment = Environment::of_lambda()?;
    let endpoint = endpoint(setting("NETWORK_ENDPOINT").ok().as_deref().unwrap_or(N::ENDPOINT))?;
    let (ledger, aws) = (environment.ledger()?, AwsServices::new(&environment)?);
    // The shortest idle time: the settings, which may allow a longer one, are not known yet.
    let sender = Sender::new(endpoint, N::TIMEOUT, Recovery::Hold.idle());
    // While the secret is on its way.
    sender.prewarm(Timestamp::system());
    Ok(Dispatcher::start(ledger, sender, aws).await?)
}

/// Returns whether a request with this timeout is sent and settled before Lambda ends the invocation.
/// Of one that is not, no attempt would ever be claimed.
const fn is_in_time(timeout: Duration) -> bool {
    let need = Policy::new(Recovery::Hold, timeout, Duration::ZERO).need;
    UNTIL_CLAIM.as_secs() + need.as_secs() <= TIMEOUT.as_secs()
}

/// The base URL of a network: `https`, or plain `http` when the operator names it.
fn endpoint(url: &str) -> Result<Url, SettingMissing> {
    let fault = |fault| SettingMissing { name: "NETWORK_ENDPOINT", fault };
    // A parsed URL does not show that there was an empty user.
    let names_user = url.contains('@');
    let url = Url::parse(url.trim()).map_err(|_| fault("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(fault("is not an http or https URL"));
    }
    if url.query().is_some() || url.fragment().is_some() || names_user {
        return Err(fault("must be a base URL without credentials, query or fragment"));
    }
    Ok(url)
}

/// Answers one event of any trigger.
pub async fn handle<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
    payload: &RawValue,
    deadline: Timestamp,
) -> Result<Box<RawValue>, Error> {
    if check::is_call(payload) {
        return Ok(to_raw_value(&check::settings(dispatcher).await)?);
    }
    if let Some(order) = plan::order_of(payload) {
        return Ok(to_raw_value(&plan::answer(dispatcher, &order).await)?);
    }
    answer(dispatcher, read_event(payload)?, deadline).await
}

/// Answers one event of any trigger, the schedule's among them.
pub async fn handle_and_poll_status<N: TracksStatus, S: StatusServices>(
    dispatcher: &Dispatcher<N, S>,
    payload: &RawValue,
    deadline: Timestamp,
) -> Result<Box<RawValue>, Error> {
    const { assert!(N::TRACKS_STATUS, "its deliveries would not be noted as tracked") };
    if check::is_call(payload) {
        return Ok(to_raw_value(&check::settings_and_network(dispatcher).await)?);
    }
    if let Some(order) = plan::order_of(payload) {
        return Ok(to_raw_value(&plan::answer(dispatcher, &order).await)?);
    }
    let event = read_event(payload)?;
    if event.detail_type.as_deref() != Some(POLL_STATUS) {
        return answer(dispatcher, event, deadline).await;
    }
    // A network that is paused is left alone; the leads wait on their queue.
    if dispatcher.is_paused().await {
        return Ok(to_raw_value(&())?);
    }
    let round = dispatcher.poll_status(deadline).await;
    dispatcher.measure();
    let round = round.inspect_err(|error| {
        let code = "status_poll_ended_early";
        tracing::error!(code, network = N::NAME, %error, "the round ended early");
    })?;
    let Round { requests, asked, changed, ended, failed, unreadable, .. } = round;
    let (code, network) = ("status_poll", N::NAME);
    tracing::info!(code, network, requests, asked, changed, ended, failed, unreadable, "polled");
    Ok(to_raw_value(&())?)
}

/// The `detail-type` of the schedule's call.
pub const POLL_STATUS: &str = "postback.poll_status";

async fn answer<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
    mut event: Event,
    deadline: Timestamp,
) -> Result<Box<RawValue>, Error> {
    // In boxes: a future that holds several of the SDK's is nested deeper than rustc follows.
    let answer = if let Some(messages) = event.records.take() {
        to_raw_value(&Box::pin(queue::batch(dispatcher, messages, deadline)).await)?
    } else if let Some(posted) = event.posted() {
        let caller = event.caller();
        to_raw_value(&Box::pin(direct::order(dispatcher, posted, &caller, deadline)).await)?
    } else {
        return Err("the event is of no trigger that this function has".into());
    };
    dispatcher.measure();
    Ok(answer)
}

/// An event, or an error that quotes nothing of it.
fn read_event(payload: &RawValue) -> Result<Event, Error> {
    serde_json::from_str(payload.get()).map_err(|_| "the event could not be read".into())
}

/// The time at which Lambda ends the invocation.
#[must_use]
pub fn deadline(context: &lambda_runtime::Context) -> Timestamp {
    Timestamp::from_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_that_leaves_no_time_to_claim_and_settle_is_refused() {
        assert!(is_in_time(Duration::from_secs(20)));
        assert!(!is_in_time(Duration::from_secs(21)));
    }

    #[test]
    fn an_endpoint_is_a_bare_http_url() {
        assert!(endpoint("https://api.example").is_ok());
        assert!(endpoint("http://127.0.0.1:4580/base").is_ok());
        for bad in [
            "",
            "api.example",
            "ftp://api.example",
            "https://a:b@c.example",
            "http://@c.example",
            "https://c.example?x=1",
        ] {
            let error = endpoint(bad).expect_err(bad);
            assert!(error.to_string().starts_with("the setting NETWORK_ENDPOINT "), "{error}");
        }
    }
}
