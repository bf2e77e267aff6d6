//! Serves the CartStack function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback::lambda::serve::<cartstack::CartStack>().await
}
