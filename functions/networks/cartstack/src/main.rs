//! Serves the CartStack function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_runtime::lambda::serve::<cartstack::CartStack>().await
}
