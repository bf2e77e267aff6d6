//! The metrics of the validations, as the sweep writes them.

use std::time::Duration;

use postback_harness::FakeSweep;
use postback_integration::with;
use postback_runtime::lambda::ScheduleHandler;
use serde_json::json;
use sweep::Sweep;

use super::{
    order,
    validation::{bundle, lock_at, refunds, validate},
};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn what_is_pending_validated_rejected_and_to_claim_back_is_measured_by_currency() {
    let bundle = bundle().await;
    for (id, click) in [("A-1", "a"), ("A-2", "b")] {
        bundle.post("/orders/shopback", &order(id, click)).await;
    }
    bundle.post("/orders/shopback", &json!({ "order_id": "A-2", "status": "cancelled" })).await;
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;
    bundle.post("/orders/shopback", &refunds(order("A-1", "a"), &[("r-1", "9")])).await;
    let late = with(order("A-3", "c"), "/completed_at", json!(lock_at().to_string()));
    bundle.post("/orders/shopback", &refunds(late, &[("r-1", "99")])).await;
    let sweep = Sweep::new(FakeSweep::new(&bundle.bed));

    sweep.handle(bundle.bed.now() + HOUR).await.expect("a sweep");

    let documents = sweep.into_services().measured();
    for (name, sum) in [
        ("MoneyPending", 1400.0),
        ("MoneyValidated", 1499.0),
        ("MoneyRejected", 1499.0),
        ("MoneyToClaimBack", 9.0),
    ] {
        let sums: Vec<_> = documents.iter().filter(|it| it.get(name).is_some()).collect();
        assert_eq!(sums.len(), 1, "{name}: {documents:#?}");
        assert_eq!(
            (&sums[0]["Network"], &sums[0]["Currency"]),
            (&json!("shopback"), &json!("INR"))
        );
        assert_eq!(sums[0][name].as_f64(), Some(sum), "{name}");
    }
}

#[tokio::test]
async fn the_alarms_end_with_a_0_though_the_last_validation_has_expired() {
    let bundle = bundle().await;
    let services = FakeSweep::new(&bundle.bed).validating(&["shopback"]);
    let sweep = Sweep::new(services);

    sweep.handle(bundle.bed.now() + HOUR).await.expect("a sweep");

    let documents = sweep.into_services().measured();
    for name in ["HeldValidations", "OpenClaimBacks"] {
        let values: Vec<_> = documents.iter().filter_map(|it| it.get(name)).collect();
        assert_eq!(values, [0], "{name}: {documents:#?}");
    }
}
