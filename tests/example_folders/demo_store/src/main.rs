//! Serves the Demo Store function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_orders::platform::serve::<demo_store::DemoStore>().await
}
