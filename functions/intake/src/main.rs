//! Serves the intake function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_runtime::lambda::log_as_json();
    let intake = intake::Intake::new(postback_runtime::services::AwsIntake::of_lambda()?);
    postback_runtime::lambda::serve_api(async |request, now| intake.answer(&request, now).await)
        .await
}
