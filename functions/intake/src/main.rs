//! Serves the intake function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    postback::lambda::log_as_json();
    let door = postback::surroundings::Gate::new(&postback::surroundings::environment().await)?;
    let intake = intake::Intake::new(door);
    postback::lambda::serve_api(async |request, now| intake.answer(&request, now).await).await
}
