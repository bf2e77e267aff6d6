//! Serves the Demo Shop function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_runtime::lambda::serve::<demo_shop::DemoShop>().await
}
