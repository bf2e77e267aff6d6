//! Serves the intake function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback::lambda::log_as_json();
    let bus = postback::surroundings::Bus::new(&postback::surroundings::environment().await)?;
    postback::lambda::serve_api(async |request, now| intake::answer(&request, &bus, now).await)
        .await
}
