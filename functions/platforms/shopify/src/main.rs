//! Serves the Shopify function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_orders::platform::serve::<shopify::Shopify>().await
}
