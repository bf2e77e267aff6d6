use super::*;
use postback_core::fields::UnknownFields;

const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

fn order(total: &str, currency: &str) -> Order {
    let order = json!({
        "order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": currency, "total": total, "customer": { "email": "canary@example.com" },
    });
    Order::from_json(&order, UnknownFields::Deny).expect("an order")
}

fn documents(metrics: &Metrics) -> Vec<Value> {
    metrics.documents("shop", "demo", NOW)
}

/// Every value in a document as `CloudWatch` reads it: name, unit, dimensions, value.
fn values_of(document: &Value) -> Vec<(String, String, String, Value)> {
    let mut values = Vec::new();
    for directive in document["_aws"]["CloudWatchMetrics"].as_array().expect("directives") {
        assert_eq!(directive["Namespace"], NAMESPACE);
        let [dimensions] = directive["Dimensions"].as_array().expect("sets").as_slice() else {
            panic!("one set of dimensions: {directive}");
        };
        let dimension = |name: &Value| document[name.as_str().expect("a name")].clone();
        let dimensions = dimensions.as_array().expect("names").iter().map(dimension);
        let dimensions = dimensions.map(|it| it.as_str().expect("a value").to_owned());
        let dimensions = dimensions.collect::<Vec<_>>().join("/");
        for metric in directive["Metrics"].as_array().expect("metrics") {
            let text = |name: &str| metric[name].as_str().expect("a text").to_owned();
            let value = document[metric["Name"].as_str().expect("a name")].clone();
            values.push((text("Name"), text("Unit"), dimensions.clone(), value));
        }
    }
    values
}

#[test]
fn an_invocation_without_anything_to_measure_writes_nothing() {
    assert_eq!(documents(&Metrics::default()), Vec::<Value>::new());
}

#[test]
fn an_order_that_goes_well_is_one_document() {
    let mut metrics = Metrics::default();
    metrics.record_attempt(Some(Duration::from_millis(83)), false);
    metrics.record_outcome(State::Delivered);

    let [document] = documents(&metrics).try_into().expect("one document");

    assert_eq!(
        document,
        json!({
            "_aws": {
                "Timestamp": 1_795_256_100_000_i64,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Postback",
                        "Dimensions": [["Stack", "Network"]],
                        "Metrics": [
                            { "Name": "AttemptLatency", "Unit": "Milliseconds" },
                            { "Name": "AttemptFailed", "Unit": "None" },
                        ],
                    },
                    {
                        "Namespace": "Postback",
                        "Dimensions": [["Stack", "Network", "Outcome"]],
                        "Metrics": [{ "Name": "Outcomes", "Unit": "Count" }],
                    },
                ],
            },
            "Stack": "shop", "Network": "demo", "Outcome": "delivered",
            "AttemptLatency": [83], "AttemptFailed": [0], "Outcomes": 1,
        })
    );
}

#[test]
fn every_metric_is_written_with_its_unit_and_its_dimensions() {
    let mut metrics = Metrics::default();
    metrics.record_attempt(Some(Duration::from_millis(5)), true);
    metrics.record_outcome(State::Unconfirmed);
    metrics.record_waiting(Duration::from_secs(7));
    metrics.record_waiting(Duration::from_secs(3));
    metrics.record_silent_refusal();
    metrics.record_unclear_refusal();
    metrics.record_held();
    metrics.record_at_risk(&order("1499.50", "INR"));
    metrics.record_paused(true);
    metrics.record_throttled();
    metrics.record_conflict();
    metrics.record_tls_failure();
    metrics.record_sent();
    metrics.record_tracked(3);

    let [document] = documents(&metrics).try_into().expect("one document");
    let values = values_of(&document);

    for metric in Metric::ALL {
        let of_it: Vec<_> = values.iter().filter(|(name, ..)| name == metric.name()).collect();
        let [(_, unit, dimensions, _)] = of_it[..] else { panic!("{metric:?} once: {values:?}") };
        assert_eq!(unit, metric.unit());
        assert_eq!(dimensions.split('/').count(), 2 + metric.dimension().iter().count());
    }
    assert_eq!(document["UnresolvedAge"], 7, "the oldest one");
    assert_eq!(document["AmountAtRisk"].to_string(), "1499.5");
    assert_eq!(
        (&document["Outcome"], &document["Currency"]),
        (&json!("unconfirmed"), &json!("INR"))
    );
}

#[test]
fn each_value_of_a_dimension_has_a_document_of_its_own() {
    let mut metrics = Metrics::default();
    metrics.record_outcome(State::Delivered);
    metrics.record_outcome(State::Delivered);
    metrics.record_outcome(State::Parked);
    metrics.record_at_risk(&order("0.1", "EUR"));
    metrics.record_at_risk(&order("0.2", "EUR"));
    metrics.record_at_risk(&order("100", "JPY"));
    metrics.record_conflict();

    let values: Vec<_> = documents(&metrics).iter().flat_map(values_of).collect();

    let number = |text: &str| serde_json::from_str::<Value>(text).expect("a number");
    let is = |name: &str, dimensions: &str, value: &str| {
        values.iter().any(|(n, _, d, v)| n == name && d == dimensions && *v == number(value))
    };
    assert!(is("Outcomes", "shop/demo/delivered", "2"), "{values:?}");
    assert!(is("Outcomes", "shop/demo/parked", "1"), "{values:?}");
    assert!(is("AmountAtRisk", "shop/demo/EUR", "0.3"), "{values:?}");
    assert!(is("AmountAtRisk", "shop/demo/JPY", "100"), "{values:?}");
    assert!(is("Conflicts", "shop/demo", "1"), "{values:?}");
    assert_eq!(values.len(), 5);
}

#[test]
fn an_order_that_was_rejected_here_is_counted_with_its_reason_and_without() {
    let mut metrics = Metrics::default();
    metrics.record_sent();
    metrics.record_unsent(Some(Reason::new("no_ip")));
    metrics.record_unsent(Some(Reason::new("no_phone")));
    metrics.record_unsent(Some(Reason::new("no_phone")));

    let values: Vec<_> = documents(&metrics).iter().flat_map(values_of).collect();

    let of = |wanted: &str| -> Vec<_> {
        let of_it = values.iter().filter(|(_, _, dimensions, _)| dimensions == wanted);
        of_it.flat_map(|(.., values)| values.as_array().expect("values").clone()).collect()
    };
    assert_eq!(of("shop/demo"), [json!(0), json!(1), json!(1), json!(1)]);
    assert_eq!(of("shop/demo/no_ip"), [json!(1)]);
    assert_eq!(of("shop/demo/no_phone"), [json!(1), json!(1)]);
    assert!(values.iter().all(|(name, ..)| name == "RejectedUnsent"), "{values:?}");
}

#[test]
fn an_order_of_a_direct_call_is_counted_as_one_that_came() {
    let mut metrics = Metrics::default();
    metrics.record_order(Intake::DIRECT);
    metrics.record_order(Intake::Refused("invalid_order"));

    let [taken, refused] = documents(&metrics).try_into().expect("two documents");

    assert_eq!((&taken["OrdersTaken"], &taken["Source"]), (&json!(1), &json!("direct")));
    assert_eq!((&taken["OrderRefused"], &refused["OrderRefused"]), (&json!(0), &json!(1)));
    assert_eq!(taken["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0], json!(["Stack"]));
    assert_eq!(
        (&refused["OrdersRefused"], &refused["Reason"]),
        (&json!(1), &json!("invalid_order"))
    );
}

#[test]
fn more_values_than_a_document_may_hold_go_into_the_next() {
    let mut metrics = Metrics::default();
    for _ in 0..250 {
        metrics.record_attempt(Some(Duration::from_millis(1)), false);
        metrics.record_sent();
    }

    let counts = documents(&metrics);

    for metric in ["AttemptLatency", "RejectedUnsent"] {
        let counts = counts.iter().map(|it| it[metric].as_array().expect("values").len());
        assert_eq!(counts.collect::<Vec<_>>(), [100, 100, 50]);
    }
}

#[test]
fn nothing_of_an_order_is_measured_but_its_total() {
    let mut metrics = Metrics::default();
    metrics.record_at_risk(&order("1499.00", "INR"));

    let text = format!("{:?} {:?}", metrics, documents(&metrics));

    assert!(!text.contains("canary") && !text.contains("A-1"), "{text}");
}
