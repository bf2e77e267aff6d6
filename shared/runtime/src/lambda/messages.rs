//! A function that the API calls, and that takes messages off a queue of its own.

use std::{future::Future, panic::AssertUnwindSafe};

use futures_util::{FutureExt, future::join_all};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use postback_core::clock::Timestamp;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    answer_request,
    api::{Request, Response},
    check,
    queue::Failures,
    read,
};
use crate::services::Unavailable;

/// A function that the API calls, and that takes messages off a queue.
pub trait ApiAndQueueHandler {
    /// Answers one request.
    fn answer(&self, request: Request, now: Timestamp) -> impl Future<Output = Response> + Send;

    /// Takes one message. The error leaves it on the queue.
    fn take(
        &self,
        message: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Serves such a function.
pub async fn serve_api_and_queue(handler: &impl ApiAndQueueHandler) -> Result<(), Error> {
    let service = service_fn(async move |event: LambdaEvent<Box<RawValue>>| {
        // In a box, as in `answer`.
        Box::pin(handle(handler, &event.payload, Timestamp::system())).await
    });
    lambda_runtime::run(service).await
}

/// Handles one event: a request of API Gateway, a batch of the queue, or the check.
pub async fn handle(
    handler: &impl ApiAndQueueHandler,
    payload: &RawValue,
    now: Timestamp,
) -> Result<Box<RawValue>, Error> {
    if let Some(checked) = check::answer(payload)? {
        return Ok(checked);
    }
    let Some(messages) = read(payload).ok().and_then(|event| event.records) else {
        let request = Request::read(payload)?;
        let answer = |request, now| handler.answer(request, now);
        return Ok(to_raw_value(&answer_request(&answer, request, now).await)?);
    };
    let taken = messages.into_iter().map(async |message| {
        let body = message.body.as_deref().unwrap_or_default();
        // A panic is one message's failure.
        let taken = AssertUnwindSafe(handler.take(body, now)).catch_unwind().await;
        let is_taken = matches!(taken, Ok(Ok(())));
        (!is_taken).then_some(message.id).flatten()
    });
    let left = join_all(taken).await.into_iter().flatten();
    Ok(to_raw_value(&Failures::of(left))?)
}
