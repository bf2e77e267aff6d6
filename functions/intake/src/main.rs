//! Serves the intake function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_runtime::lambda::log_as_json();
    let environment = postback_runtime::services::Environment::of_lambda()?;
    let bus = &postback_runtime::services::Bus::new(&environment)?;
    postback_runtime::lambda::serve_api(async |r, now| intake::answer(&r, bus, now).await).await
}
