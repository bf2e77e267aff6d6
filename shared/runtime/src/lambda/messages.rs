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
    event::Message,
    queue::Failures,
    read_event,
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
    let Some(messages) = read_event(payload).ok().and_then(|event| event.records) else {
        let request = Request::from_payload(payload)?;
        let answer = |request, now| handler.answer(request, now);
        return Ok(to_raw_value(&answer_request(&answer, request, now).await)?);
    };
    let take = async |message: Message| {
        let body = message.body.as_deref().unwrap_or_default();
        // A panic is one message's failure.
        let taken = AssertUnwindSafe(handler.take(body, now)).catch_unwind().await;
        let is_taken = matches!(taken, Ok(Ok(())));
        (!is_taken).then_some(message.id).flatten()
    };
    let (large, small): (Vec<_>, Vec<_>) = messages.into_iter().partition(Message::is_large);
    let mut left = join_all(small.into_iter().map(&take)).await;
    // Together they might need more memory than the function has.
    for message in large {
        left.push(take(message).await);
    }
    Ok(to_raw_value(&Failures::of(left.into_iter().flatten()))?)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::{super::api::respond, *};

    /// A function that counts the messages that it has in hand at once.
    #[derive(Default)]
    struct Counting {
        in_hand: AtomicUsize,
        most: AtomicUsize,
        taken: AtomicUsize,
    }

    impl ApiAndQueueHandler for Counting {
        async fn answer(&self, _: Request, _: Timestamp) -> Response {
            respond(200, "text/plain", String::new(), &[])
        }

        async fn take(&self, _: &str, _: Timestamp) -> Result<(), Unavailable> {
            let in_hand = self.in_hand.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(in_hand, Ordering::Relaxed);
            tokio::task::yield_now().await;
            self.in_hand.fetch_sub(1, Ordering::Relaxed);
            self.taken.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    #[tokio::test]
    async fn large_messages_are_taken_one_after_the_other_and_small_ones_at_once() {
        for (bytes, most) in [(10, 6), (100_000, 1)] {
            let handler = Counting::default();
            let record =
                |id: usize| json!({ "messageId": id.to_string(), "body": "x".repeat(bytes) });
            let batch = json!({ "Records": (0..6).map(record).collect::<Vec<_>>() });
            let payload = to_raw_value(&batch).expect("JSON");

            let left = handle(&handler, &payload, Timestamp::EPOCH).await.expect("an answer");

            assert_eq!(left.get(), r#"{"batchItemFailures":[]}"#);
            assert_eq!(handler.most.load(Ordering::Relaxed), most, "of {bytes} bytes");
            assert_eq!(handler.taken.load(Ordering::Relaxed), 6);
        }
    }
}
