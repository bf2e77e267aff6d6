//! Serves the webhook's function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_runtime::lambda::log_as_json();
    let webhook = webhook::Webhook::new(postback_runtime::services::AwsWebhook::of_lambda()?);
    postback_runtime::lambda::serve_api(async |request, now| webhook.answer(&request, now).await)
        .await
}
