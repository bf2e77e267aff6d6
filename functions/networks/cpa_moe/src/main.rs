//! Serves the cpa.moe function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_runtime::lambda::serve_and_poll_status::<cpa_moe::CpaMoe>().await
}
