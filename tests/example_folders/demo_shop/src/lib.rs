#![doc = include_str!("../README.md")]

use postback_core::{
    delivery::{Attempt, Facts, Proof, Verdict},
    fields::{Fields, secret},
    http::{Answer, Request},
    network::{Classification, Deduplicates, Network, Plan, RecoveryPlan, by_status},
    order::{Amount, Order},
    redaction::Reason,
};
use secrecy::SecretString;
use serde::Serialize;

/// Demo Shop with its settings.
#[derive(Clone, Debug)]
pub struct DemoShop {
    key: SecretString,
}

/// The facts of an order that are reported.
#[derive(Clone, Serialize)]
pub struct Report {
    click_id: String,
    order_id: String,
    amount: Amount,
    currency: &'static str,
}

impl Network for DemoShop {
    const NAME: &'static str = "demo_shop";
    const CLICK: &'static [&'static str] = &["click_id", "clicked_at"];
    const ENDPOINT: &'static str = "https://api.demo-shop.example";

    type Report = Report;

    fn configure(fields: &mut Fields<'_, '_>) -> Option<Self> {
        Some(Self { key: fields.required("key", secret(100))? })
    }

    fn plan(&self, order: &Order) -> Plan<Report> {
        if !order.is_completed() {
            return Plan::Skip(Reason::new("not_completed"));
        }
        match order.click_text(Self::NAME, "click_id") {
            Some(click_id) => Plan::order(Report {
                click_id: click_id.to_owned(),
                order_id: order.order_id.to_string(),
                amount: order.total,
                currency: order.currency.code(),
            }),
            None => Plan::Skip(Reason::new("no_click")),
        }
    }

    fn facts(order: &Order) -> Facts {
        match order.click_text(Self::NAME, "click_id") {
            Some(click_id) => Facts::none().digest("click", click_id),
            None => Facts::none(),
        }
    }

    /// Demo Shop's memory does not depend on a setting: a key can change without a new account.
    fn scope(&self, _: &Report) -> String {
        String::new()
    }

    fn request(&self, report: &Report, _: &Attempt) -> Request {
        Request::get("v1/conversions")
            .query("click_id", &report.click_id)
            .query("order_id", &report.order_id)
            .query("amount", report.amount.shortest())
            .query("currency", report.currency)
            .query_secret("key", &self.key)
    }

    fn verdict(&self, _: &Report, answer: &Answer, _: &Attempt) -> Classification {
        let body = answer.object().filter(|_| answer.is_success());
        let verdict = match body.as_ref().and_then(|body| body.get("result")?.as_str()) {
            Some("recorded") => Verdict::Delivered(Proof::Response),
            Some("duplicate") => Verdict::Duplicate,
            Some("unknown_click") => Verdict::rejected("unknown_click"),
            Some("wrong_key") => Verdict::parked("wrong_key"),
            Some(_) => Verdict::unconfirmed("unknown_result"),
            None => by_status(answer),
        };
        verdict.into()
    }

    fn recovery(&self, _: &Report) -> RecoveryPlan<Self> {
        RecoveryPlan::send_again()
    }
}

impl Deduplicates for DemoShop {
    const KEY: &'static str = "order_id";
}

#[cfg(test)]
mod tests {
    use postback_conformance::{
        NOW, Subject, answers_give_their_verdicts, conforms, documented_reasons_are_met,
        reasons_are_documented, secret_refuses_templates, settings_match_their_schema,
    };
    use postback_core::{fields::UnknownFields, network::configure};
    use serde_json::{Value, json};

    use super::*;

    fn order() -> Value {
        json!({
            "order_id": "A-1001", "status": "completed", "completed_at": "2026-11-21T10:00:00Z",
            "currency": "INR", "total": "1499.00",
            "clicks": { "demo_shop": {
                "click_id": "canaryclick4711", "clicked_at": "2026-11-20T09:00:00Z",
            } },
        })
    }

    fn network() -> DemoShop {
        configure(r#"{"key": "canarykey0815"}"#).expect("settings")
    }

    fn report() -> Report {
        let order = Order::from_json(&order(), UnknownFields::Deny).expect("an order");
        match network().plan(&order) {
            Plan::Send(mut parts) if parts.len() == 1 => parts.remove(0).report,
            _ => panic!("it is not one delivery"),
        }
    }

    #[test]
    fn the_settings_match_their_schema() {
        settings_match_their_schema::<DemoShop>();
    }

    #[test]
    fn conforms_to_the_rules_of_every_network() {
        conforms::<DemoShop>(&Subject {
            settings: json!({ "key": "canarykey0815" }),
            other_settings: json!({ "key": "another" }),
            order: order(),
            canaries: &["canaryclick4711", "canarykey0815"],
            facts: &["amount", "click", "currency"],
            scoped_by: &[],
            credentials: &[("key", "canarykey0815")],
            concern: "/clicks/demo_shop/click_id",
            without: "no_click",
            confirms: true,
            answers: "answers",
        });
        secret_refuses_templates::<DemoShop>(&json!({ "key": "canarykey0815" }));
    }

    #[test]
    fn each_recorded_answer_means_what_its_file_says() {
        let readme = include_str!("../README.md");

        answers_give_their_verdicts(&network(), &report(), "answers");
        reasons_are_documented("answers", readme);
        documented_reasons_are_met(
            &["answers"],
            readme,
            &["no_click", "not_completed", "duplicate_elsewhere"],
        );
    }

    #[test]
    fn the_request_has_the_facts_of_the_order() {
        let endpoint = url::Url::parse(DemoShop::ENDPOINT).expect("a URL");

        let url = network().request(&report(), &Attempt::first(NOW)).url(&endpoint);

        let expected = "https://api.demo-shop.example/v1/conversions?click_id=canaryclick4711&order_id=A-1001&amount=1499&currency=INR&key=canarykey0815";
        assert_eq!(url.as_str(), expected);
    }
}
