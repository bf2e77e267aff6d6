//! Serves the function that sweeps the ledger.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_runtime::lambda::log_as_json();
    let sweep = sweep::Sweep::new(postback_runtime::services::AwsSweep::of_lambda()?);
    postback_runtime::lambda::serve_schedule(&sweep).await
}
