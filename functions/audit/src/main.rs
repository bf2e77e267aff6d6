//! Serves the audit function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_runtime::lambda::log_as_json();
    let ledger = postback_runtime::services::Environment::of_lambda()?.ledger()?;
    postback_runtime::lambda::serve_api(async |request, _| audit::answer(&request, &ledger).await)
        .await
}
