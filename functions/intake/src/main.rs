//! Serves the intake function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback::lambda::log_as_json();
    let intake = intake::Intake::new(postback::surroundings::Gate::of_lambda()?);
    postback::lambda::serve_api(async |request, now| intake.answer(&request, now).await).await
}
