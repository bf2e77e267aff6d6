//! Functions with one trigger: the ledger's stream, a schedule, or the API alone.

use std::future::Future;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use postback_core::clock::Timestamp;
use serde_json::value::{RawValue, to_raw_value};

use super::{api, check, deadline};

/// A function that the ledger's stream calls.
pub trait StreamHandler {
    /// Handles one batch. The error makes Lambda repeat the batch.
    fn handle(&self, payload: &RawValue) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Serves a function that the ledger's stream calls.
pub async fn serve_stream(handler: &impl StreamHandler) -> Result<(), Error> {
    let service = service_fn(async move |event: LambdaEvent<Box<RawValue>>| {
        // In a box, as in `super::answer`.
        Box::pin(handle_batch(handler, &event.payload)).await
    });
    lambda_runtime::run(service).await
}

/// Handles one event: a batch of the stream, or the check.
pub async fn handle_batch(
    handler: &impl StreamHandler,
    payload: &RawValue,
) -> Result<Box<RawValue>, Error> {
    if let Some(checked) = check::answer(payload)? {
        return Ok(checked);
    }
    handler.handle(payload).await?;
    Ok(to_raw_value(&())?)
}

/// A function that a schedule calls.
pub trait ScheduleHandler {
    /// Handles one call, to be ended at `deadline`.
    fn handle(&self, deadline: Timestamp) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Serves a function that a schedule calls.
pub async fn serve_schedule(handler: &impl ScheduleHandler) -> Result<(), Error> {
    let service = service_fn(async move |event: LambdaEvent<Box<RawValue>>| {
        // In a box, as in `super::answer`.
        Box::pin(handle_scheduled(handler, &event.payload, deadline(&event.context))).await
    });
    lambda_runtime::run(service).await
}

/// Handles one event: the schedule's, or the check.
pub async fn handle_scheduled(
    handler: &impl ScheduleHandler,
    payload: &RawValue,
    deadline: Timestamp,
) -> Result<Box<RawValue>, Error> {
    if let Some(checked) = check::answer(payload)? {
        return Ok(checked);
    }
    handler.handle(deadline).await?;
    Ok(to_raw_value(&())?)
}

/// Serves a function that only the API calls.
pub async fn serve_api<F, A>(handler: F) -> Result<(), Error>
where
    F: Fn(api::Request, Timestamp) -> A,
    A: Future<Output = api::Response>,
{
    let handler = &handler;
    let service = service_fn(async move |event: LambdaEvent<Box<RawValue>>| {
        // In a box, as in `super::answer`.
        Box::pin(handle_request(handler, &event.payload, Timestamp::system())).await
    });
    lambda_runtime::run(service).await
}

/// Handles one event: a request of the API, or the check.
pub async fn handle_request<F, A>(
    handler: &F,
    payload: &RawValue,
    now: Timestamp,
) -> Result<Box<RawValue>, Error>
where
    F: Fn(api::Request, Timestamp) -> A,
    A: Future<Output = api::Response>,
{
    if let Some(checked) = check::answer(payload)? {
        return Ok(checked);
    }
    let request = api::Request::from_payload(payload)?;
    Ok(to_raw_value(&answer_request(handler, request, now).await)?)
}

/// Answers one request of the API. HEAD is answered like GET, without the body.
pub async fn answer_request<F, A>(
    handler: &F,
    mut request: api::Request,
    now: Timestamp,
) -> api::Response
where
    F: Fn(api::Request, Timestamp) -> A,
    A: Future<Output = api::Response>,
{
    let is_head = request.method == "HEAD";
    if is_head {
        "GET".clone_into(&mut request.method);
    }
    let mut response = handler(request, now).await;
    if is_head {
        response.body.clear();
    }
    response
}
