//! The kinds of fault of an order, as they are counted.

use crate::fields::Fault;

/// The codes of all faults that an order, or its clicks, can have: a closed list, so that a metric has
/// no more values.
pub const FAULTS: [&str; 26] = [
    "blank",
    "control_character",
    "given_twice",
    "in_the_future",
    "incomplete",
    "invisible",
    "missing",
    "negative",
    "not_a_decimal",
    "not_a_line",
    "not_an_instant",
    "not_json",
    "outer_blanks",
    "replacement_character",
    "reserved",
    "template",
    "too_large",
    "too_long",
    "too_many",
    "too_old",
    "too_precise",
    "unknown_currency",
    "unknown_line",
    "unknown_member",
    "unknown_word",
    "wrong_type",
];

/// The code by which a faulty order is counted: that of its first fault. `None` if it has none, or one
/// that is not in the list.
#[must_use]
pub fn first_fault(faults: &[Fault]) -> Option<&'static str> {
    let first = faults.first()?.code;
    FAULTS.into_iter().find(|code| *code == first)
}

/// Returns whether it is a fault at one time and none at another.
#[must_use]
pub fn depends_on_time(fault: &Fault) -> bool {
    ["in_the_future", "too_old"].contains(&fault.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: &'static str) -> Fault {
        Fault { pointer: "/total".to_owned(), code, detail: "no".into() }
    }

    #[test]
    fn an_order_is_counted_by_its_first_fault_if_the_list_has_it() {
        assert_eq!(first_fault(&[fault("negative"), fault("missing")]), Some("negative"));
        assert_eq!(first_fault(&[fault("of_no_order"), fault("missing")]), None);
        assert_eq!(first_fault(&[]), None);
    }
}
