//! The shell: what a function is called with and what it answers. One binary serves all its
//! triggers.

use std::future::Future;

use lambda_runtime::{Error, LambdaEvent, service_fn, tracing::subscriber::filter::LevelFilter};
use serde_json::value::{RawValue, to_raw_value};
use url::Url;

use event::Event;

use crate::{
    clock::Timestamp,
    courier::{Courier, Round, StartError},
    http::Sender,
    network::{Follows, Network},
    surroundings::{Aws, Environment, Following, SettingMissing, Surroundings, setting},
};

pub mod api;
mod event;
mod queue;
mod tell;

/// Serves one network: API Gateway and SQS.
pub async fn serve<N: Network>() -> Result<(), Error> {
    let courier = start::<N>().await?;
    run(move |payload, deadline| async move { handle(courier, &payload, deadline).await }).await
}

/// Serves one network, and follows what it took: API Gateway, SQS and a schedule.
pub async fn serve_and_follow<N: Follows>() -> Result<(), Error> {
    let courier = start::<N>().await?;
    run(move |payload, deadline| async move {
        handle_and_follow(courier, &payload, deadline).await
    })
    .await
}

/// As a task of its own: what wakes one is in line with all others, where the runtime would ask the
/// kernel for news each time that what it was started with is woken.
async fn run<H, A>(handler: H) -> Result<(), Error>
where
    H: Fn(Box<RawValue>, Timestamp) -> A + Copy + Send + 'static,
    A: Future<Output = Result<Box<RawValue>, Error>> + Send + 'static,
{
    let service = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        handler(event.payload, deadline(&event.context))
    });
    tokio::spawn(lambda_runtime::run(service)).await?
}

/// Lives as long as the process.
async fn start<N: Network>() -> Result<&'static Courier<N, Aws>, Error> {
    log_as_json();
    let courier = courier().await.map(|courier| &*Box::leak(Box::new(courier)));
    courier.inspect_err(|error| {
        let secret = setting("NETWORK_SECRET_ARN").unwrap_or_default();
        let is_secret = error.downcast_ref::<StartError>().is_some();
        let mend = is_secret.then(|| format!("make secret NETWORK={}", N::NAME));
        tracing::error!(
            code = "not_started",
            network = N::NAME,
            %error,
            secret,
            mend,
            "the function can't start"
        );
    })
}

async fn courier<N: Network>() -> Result<Courier<N, Aws>, Error> {
    let environment = Environment::of_lambda()?;
    let endpoint = endpoint(setting("NETWORK_ENDPOINT").ok().as_deref().unwrap_or(N::ENDPOINT))?;
    let (ledger, aws) = (environment.ledger()?, Aws::new(&environment)?);
    let sender = Sender::new(endpoint, N::TIMEOUT);
    // While the secret is on its way.
    environment.open_ahead();
    sender.open_ahead(Timestamp::system());
    Ok(Courier::start(ledger, sender, aws).await?)
}

/// The base URL of a network: `https`, or plain `http` when the operator names it.
fn endpoint(url: &str) -> Result<Url, SettingMissing> {
    let fault = |fault| SettingMissing { name: "NETWORK_ENDPOINT", fault };
    let url = Url::parse(url.trim()).map_err(|_| fault("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(fault("is not an http or https URL"));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(fault("must be a base URL without credentials, query or fragment"));
    }
    Ok(url)
}

/// Answers one event of any trigger.
pub async fn handle<N: Network, S: Surroundings>(
    courier: &Courier<N, S>,
    payload: &RawValue,
    deadline: Timestamp,
) -> Result<Box<RawValue>, Error> {
    answer(courier, read(payload)?, deadline).await
}

/// Answers one event of any trigger, the schedule's among them.
pub async fn handle_and_follow<N: Follows, S: Following>(
    courier: &Courier<N, S>,
    payload: &RawValue,
    deadline: Timestamp,
) -> Result<Box<RawValue>, Error> {
    let event = read(payload)?;
    if event.detail_type.as_deref() != Some(FOLLOW) {
        return answer(courier, event, deadline).await;
    }
    let round = courier.follow(deadline).await;
    courier.measure();
    let round = round.inspect_err(|error| {
        let code = "follow_ended_early";
        tracing::error!(code, network = N::NAME, %error, "the round ended early");
    })?;
    let Round { requests, asked, changed, ended } = round;
    let code = "followed";
    tracing::info!(code, network = N::NAME, requests, asked, changed, ended, "followed");
    Ok(to_raw_value(&())?)
}

/// What the schedule calls with, as `detail-type`.
pub const FOLLOW: &str = "postback.follow";

async fn answer<N: Network, S: Surroundings>(
    courier: &Courier<N, S>,
    mut event: Event,
    deadline: Timestamp,
) -> Result<Box<RawValue>, Error> {
    // In boxes: a future that holds several of the SDK's is nested deeper than rustc follows.
    let answer = if let Some(messages) = event.records.take() {
        to_raw_value(&Box::pin(queue::batch(courier, messages, deadline)).await)?
    } else if let Some(posted) = event.posted() {
        to_raw_value(&Box::pin(tell::order(courier, posted, deadline)).await)?
    } else {
        return Err("the event is of no trigger that this function has".into());
    };
    courier.measure();
    Ok(answer)
}

/// An event, or an error that quotes nothing of it.
fn read(payload: &RawValue) -> Result<Event, Error> {
    serde_json::from_str(payload.get()).map_err(|_| "the event could not be read".into())
}

/// Serves a function that only the API calls.
pub async fn serve_api<F, A>(handler: F) -> Result<(), Error>
where
    F: Fn(api::Request, Timestamp) -> A,
    A: Future<Output = api::Response>,
{
    let handler = &handler;
    let service = service_fn(async move |event: LambdaEvent<api::Request>| {
        // In a box, as in `answer`.
        Ok::<_, Error>(Box::pin(handler(event.payload, Timestamp::system())).await)
    });
    lambda_runtime::run(service).await
}

/// When the invocation is ended by Lambda.
#[must_use]
pub fn deadline(context: &lambda_runtime::Context) -> Timestamp {
    Timestamp::from_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX))
}

/// Logs as JSON lines, one event each with its fields at the top, at the level that Lambda's log
/// settings ask for, but nothing below INFO: that is not compiled in (feature `max_level_info`), for
/// at TRACE the SDK would log whole requests. The span is the invocation's: its request id, and its trace id where traced.
pub fn log_as_json() {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").or_else(|_| std::env::var("RUST_LOG"));
    let level = level.ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let lines = lambda_runtime::tracing::subscriber::fmt().json().flatten_event(true);
    lines.with_span_list(false).with_target(false).with_max_level(level).init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_level_of_logging_shows_what_the_crates_say_of_requests() {
        assert_eq!(lambda_runtime::tracing::level_filters::STATIC_MAX_LEVEL, LevelFilter::INFO);
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
            "https://c.example?x=1",
        ] {
            let error = endpoint(bad).expect_err(bad);
            assert!(error.to_string().starts_with("the setting NETWORK_ENDPOINT "), "{error}");
        }
    }
}
