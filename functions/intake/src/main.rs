//! Serves the intake function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback_runtime::lambda::log_as_json();
    let intake = intake::Intake(postback_runtime::services::AwsIntake::of_lambda()?);
    postback_runtime::lambda::messages::serve_api_and_queue(&intake).await
}
