//! Serves the function that publishes the ledger's changes.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_runtime::lambda::log_as_json();
    let services = postback_runtime::services::AwsPublish::of_lambda()?;
    postback_runtime::lambda::serve_stream(&publish::Publisher::new(services)).await
}
