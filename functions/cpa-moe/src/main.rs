//! Serves the cpa.moe function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback::lambda::serve::<cpa_moe::CpaMoe>().await
}
