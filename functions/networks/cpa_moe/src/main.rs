//! Serves the cpa.moe function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback::lambda::serve_and_follow::<cpa_moe::CpaMoe>().await
}
