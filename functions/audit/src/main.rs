//! Serves the audit function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback::lambda::log_as_json();
    let ledger = postback::surroundings::Environment::of_lambda()?.ledger()?;
    postback::lambda::serve_api(async |request, _| audit::answer(&request, &ledger).await).await
}
