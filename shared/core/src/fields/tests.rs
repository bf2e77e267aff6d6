use serde_json::json;

use super::*;

#[test]
fn notes_every_fault_with_its_place_and_no_value() {
    let value = json!({ "name": 7, "lines": [{ "n": 1 }, { "n": "canary" }], "a/b": "canary" });

    let faults = from_json(&value, UnknownFields::Deny, |fields| {
        let name = fields.required("name", text(10));
        let email = fields.required("email", text(10));
        fields.list("lines", 10, |line| line.required("n", integer(1..=5)));
        Some((name?, email?))
    });

    let faults = faults.expect_err("four faults");
    let places: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
    assert_eq!(
        places,
        [
            ("/name", "wrong_type"),
            ("/email", "missing"),
            ("/lines/1/n", "wrong_type"),
            ("/a~1b", "unknown_member"),
        ]
    );
    assert!(!format!("{faults:?}").contains("canary"));
}

#[test]
fn passes_over_unknown_members_where_events_may_carry_more() {
    let value = json!({ "n": 1, "more": true });

    let read =
        from_json(&value, UnknownFields::Ignore, |fields| fields.required("n", integer(0..=9)));

    assert_eq!(read, Ok(1));
}

#[test]
fn a_place_holder_is_no_setting() {
    let token = secret(64)(&json!("{ security_token }"));

    assert_eq!(token.map(|_| ()).map_err(|wrong| wrong.code), Err("template"));
}

#[test]
fn a_blank_or_over_long_text_is_refused() {
    assert_eq!(text(3)(&json!("  ")).map_err(|w| w.code), Err("blank"));
    assert_eq!(text(3)(&json!("äöüß")).map_err(|w| w.code), Err("too_long"));
    assert_eq!(text(3)(&json!("a\u{0}")).map_err(|w| w.code), Err("control_character"));
    assert_eq!(text(4)(&json!("äöüß")), Ok("äöüß".to_owned()));
}

#[test]
fn a_fault_of_the_whole_is_shown_without_a_place() {
    let faults = from_json(&json!([]), UnknownFields::Deny, |_| Some(())).expect_err("no object");

    assert_eq!(faults[0].to_string(), "must be an object (wrong_type)");
}

#[test]
fn of_more_unknown_members_than_anybody_misspells_the_first_are_named() {
    let members = (0..MOST_FAULTS + 500).map(|number| (format!("m{number}"), json!(1)));
    let value = Value::Object(members.collect());

    let faults = from_json(&value, UnknownFields::Deny, |fields| fields.optional("n", text(9)));

    assert_eq!(faults.map_err(|faults| faults.len()), Err(MOST_FAULTS));
}

#[test]
fn of_a_list_that_is_too_long_the_first_objects_are_kept() {
    let value = json!({ "lines": [0, { "n": 2 }, null, { "n": 4 }, { "n": 5 }] });

    let read = from_json(&value, UnknownFields::Ignore, |fields| {
        Some(fields.objects("lines", 3, |line| Some(line.loose("n", Value::as_u64))))
    });

    assert_eq!(read, Ok(vec![None, Some(2), Some(4)]));
}
