//! A network that does everything wrong: the suite must say so.

use std::panic::catch_unwind;

use postback_core::{
    delivery::{Attempt, Facts, Proof, Verdict},
    fields::{Fields, Invalid},
    http::{Answer, Request},
    network::{Classification, Network, Plan, RecoveryPlan},
    order::Order,
    redaction::Details,
};
use serde_json::{Value, json};

use crate::{
    Subject, answers_give_their_verdicts, conforms, documented_reasons_are_met,
    secret_refuses_templates,
};

struct Careless {
    key: String,
}

impl Network for Careless {
    const NAME: &'static str = "careless";
    const ENDPOINT: &'static str = "http://careless.example";

    type Report = String;

    fn configure(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            other => Err(Invalid::new("wrong", format!("{other} is wrong"))),
        };
        fields.optional("note", text);
        Some(Self { key: fields.required("key", text)? })
    }

    fn plan(&self, order: &Order) -> Plan<String> {
        let click =
            order.click("careless").ok().flatten().and_then(|click| click.get("id")?.as_str());
        Plan::order(format!("{}{}", self.key, click.unwrap_or_default()))
    }

    fn facts(order: &Order) -> Facts {
        let email = order.customer.email.as_ref().map(postback_core::order::Email::as_str);
        Facts::none().digest("email", email.unwrap_or_default())
    }

    fn scope(&self, _: &String) -> String {
        self.key.clone()
    }

    fn request(&self, report: &String, _: &Attempt) -> Request {
        Request::get("report").query("id", report).query("id", "")
    }

    fn verdict(&self, _: &String, answer: &Answer, _: &Attempt) -> Classification {
        let text = answer.text();
        let long = text.split(' ').filter(|word| word.len() > 5);
        let details = long.fold(Details::none(), |kept, word| kept.id("text", word));
        Classification { details, ..Verdict::Delivered(Proof::Response).into() }
    }

    fn recovery(&self, _: &String) -> RecoveryPlan<Self> {
        RecoveryPlan::hold()
    }
}

fn complaint(of: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(of).expect_err("nothing is complained about");
    panic.downcast_ref::<String>().cloned().expect("a text")
}

#[test]
fn the_suite_names_all_that_is_wrong() {
    let complaint = complaint(|| {
        conforms::<Careless>(&Subject {
            settings: json!({ "key": "canarykey" }),
            other_settings: json!({ "key": "another" }),
            order: json!({
                "order_id": "A-1", "status": "completed", "total": "1", "currency": "EUR",
                "completed_at": "2026-11-21T10:00:00Z",
                "clicks": { "careless": { "id": "canaryclick" } },
                "customer": { "email": "canary@example.com" },
            }),
            canaries: &["canarykey", "canaryclick"],
            facts: &["amount", "currency"],
            scoped_by: &[],
            credentials: &[("key", "canarykey")],
            concern: "/clicks/careless/id",
            without: "no_click",
            confirms: true,
            answers: "answers",
        });
    });

    for wrong in [
        "not by https",
        "`id` is sent twice",
        "`id` is sent empty",
        "the credential `key` is not in the query",
        "302 is `delivered response`, not parked",
        "503 is `delivered response`, not retrying",
        "200 \"\" is `delivered response`",
        "an answer that echoes canaryclick gives it away",
        "the facts are [\"amount\", \"currency\", \"email\"]",
        "the content holds something personal",
        "the setting `key` scopes on one side only",
        "the scope holds canarykey",
        "`scoped_by` is empty, and the scope is not",
        "an order that is pending is None",
        "without /clicks/careless/id: None",
        "`undefined` at /clicks/careless/id is sent",
        "`true` at /clicks/careless/id is sent",
        "the member `id` of its click is not in `CLICK`",
    ] {
        assert!(complaint.contains(wrong), "{wrong} is not in:\n{complaint}");
    }
}

#[test]
fn settings_that_are_taken_or_quoted_are_named() {
    let settings = json!({ "key": "canarykey", "note": "x" });

    let complaint = complaint(move || secret_refuses_templates::<Careless>(&settings));

    assert!(complaint.contains("/key: a wrong value is taken"), "{complaint}");
    assert!(complaint.contains("/note: the fault quotes a value"), "{complaint}");
}

#[test]
fn settings_that_differ_from_their_schema_are_named() {
    let schema = json!({
        "properties": { "key": {}, "label": {}, "note": { "enum": ["a"] } },
        "patternProperties": { "^extra[0-9]$": {} },
    });
    let words = ["key", "note", "b"].map(str::to_owned).into();

    let found = crate::schema::differences::<Careless>(&schema, &words);

    for wrong in [
        "label is in the schema and not read",
        "no setting matches ^extra[0-9]$",
        "key is required on one side only",
        "note: b is a choice on one side only",
    ] {
        assert!(found.iter().any(|fault| fault == wrong), "{wrong} is not in {found:?}");
    }
    let without = json!({ "properties": { "note": {} }, "required": ["note"] });
    let found = crate::schema::differences::<Careless>(&without, &words);
    assert_eq!(found, ["key is read and not in the schema", "note is required on one side only"]);
}

#[test]
fn an_answer_that_means_something_else_is_named_with_its_file() {
    let network = Careless { key: String::new() };
    let report = String::new();

    answers_give_their_verdicts(&network, &report, "answers");
    let complaint = complaint(move || {
        answers_give_their_verdicts(&network, &report, "misread");
    });

    let wrong = "misread.http: expected `accepted`, is `delivered response`";
    assert!(complaint.contains(wrong), "{complaint}");
    assert!(complaint.contains("misread.http: `text=nothing` is not kept"), "{complaint}");
}

#[test]
fn a_reason_that_no_answer_gives_is_named() {
    let readme = "| state | reason | what |\n|---|---|---|\n| `parked` | `odd`, `response` | it is |\n\n| x | `y` |";

    let complaint = complaint(|| documented_reasons_are_met(&["answers"], readme, &[]));
    assert!(complaint.contains("odd") && !complaint.contains("response"), "{complaint}");

    documented_reasons_are_met(&["answers"], readme, &["odd"]);
}

#[test]
fn a_readme_without_its_table_is_a_failure() {
    let complaint = complaint(|| documented_reasons_are_met(&["answers"], "| a | b |", &[]));

    assert!(complaint.contains("there is no table"), "{complaint}");
}

#[test]
fn a_folder_without_answers_is_a_failure() {
    let network = Careless { key: String::new() };

    let complaint = complaint(move || {
        answers_give_their_verdicts(&network, &String::new(), "src");
    });

    assert!(complaint.contains("holds no file of answers"), "{complaint}");
}
