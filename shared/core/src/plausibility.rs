//! The operator's bounds on what an order may be worth. An order beyond them waits for a person.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::{
    decimal::exact,
    order::{Amount, AmountFault, Currency, Order},
};

/// The bounds. Without any, every order is plausible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plausibility {
    /// The largest total for each currency.
    largest: BTreeMap<&'static str, Decimal>,
    /// The largest total as a multiple of the sum of its parts.
    times_its_parts: Option<Decimal>,
}

impl Plausibility {
    /// Parses the largest totals, as `SGD=5000,EUR=3000`. The error is the fault, without the value.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut largest = BTreeMap::new();
        for bound in text.split(',').filter(|_| !text.trim().is_empty()) {
            let (code, amount) =
                bound.split_once('=').ok_or("is not a list as SGD=5000,EUR=3000")?;
            let currency = Currency::of_code(code.trim()).ok_or("names an unknown currency")?;
            let amount = exact(amount.trim()).and_then(|it| Amount::new(it, currency).ok());
            let amount = amount.ok_or("has a total that is no amount of its currency")?;
            if largest.insert(currency.code(), amount.decimal()).is_some() {
                return Err("names a currency twice");
            }
        }
        Ok(Self { largest, times_its_parts: None })
    }

    /// Adds the largest total as a multiple of the sum of its parts, as `2` or `1.5`; an empty text adds
    /// none. The error is the fault, without the value.
    pub fn with_times_its_parts(self, text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(self);
        }
        let times = exact(text).filter(|times| *times >= Decimal::ONE);
        let times = times.ok_or("is no number of 1 or more")?;
        Ok(Self { times_its_parts: Some(times), ..self })
    }

    /// Returns whether the order may be sent without a person's permission. Its total must not exceed
    /// the bound of its currency, nor the multiple of the sum of its parts, where these are set.
    #[must_use]
    pub fn takes(&self, order: &Order) -> bool {
        let total = order.total.decimal();
        let is_too_large =
            self.largest.get(order.currency.code()).is_some_and(|largest| total > *largest);
        let is_beyond_its_parts = self
            .times_its_parts
            .and_then(|times| parts(order)?.checked_mul(times))
            .is_some_and(|most| total > most);
        !is_too_large && !is_beyond_its_parts
    }
}

/// The sum of the lines, tax, shipping and surcharge, without discounts; `None` where a line has no
/// amount, or the lines together have none.
fn parts(order: &Order) -> Option<Decimal> {
    let mut sum = Decimal::ZERO;
    for item in &order.items {
        match item.amount(order.currency) {
            Ok(amount) => sum = sum.checked_add(amount.decimal())?,
            Err(AmountFault::Negative) => {}
            Err(_) => return None,
        }
    }
    if sum.is_zero() {
        return None;
    }
    let extras = [order.tax, order.shipping, order.surcharge].into_iter().flatten();
    extras
        .filter_map(|extra| extra.decimal().filter(Decimal::is_sign_positive))
        .try_fold(sum, Decimal::checked_add)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{fields::UnknownFields, order::Arrived};

    fn order(total: &str, more: &Value) -> Order {
        let mut value = json!({
            "order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
            "currency": "SGD", "total": total,
        });
        let members = value.as_object_mut().expect("an object");
        members.extend(more.as_object().cloned().unwrap_or_default());
        match Arrived::from_json(&value, UnknownFields::Deny) {
            Ok(Arrived::Order(order)) => *order,
            other => panic!("{other:?}"),
        }
    }

    fn takes(bounds: &str, total: &str, more: &Value) -> bool {
        Plausibility::parse(bounds).expect("bounds").takes(&order(total, more))
    }

    fn takes_times(times: &str, total: &str, more: &Value) -> bool {
        let none = Plausibility::default();
        none.with_times_its_parts(times).expect("a bound").takes(&order(total, more))
    }

    #[test]
    fn a_total_above_the_bound_of_its_currency_waits() {
        let none = &json!({});

        assert!(takes("SGD=5000,EUR=3000", "5000", none));
        assert!(!takes("SGD=5000,EUR=3000", "5000.01", none));
        assert!(takes("EUR=3000", "900000", none), "its currency has no bound");
        assert!(takes("", "900000", none), "no bounds at all");
    }

    #[test]
    fn a_total_beyond_a_multiple_of_its_parts_waits_where_that_is_set() {
        let lines = |prices: &[&str]| {
            let items = prices.iter().map(|price| json!({ "unit_price": price }));
            json!({ "items": items.collect::<Vec<_>>() })
        };
        let mut shipped = lines(&["10"]);
        shipped["shipping"] = json!("5");

        assert!(takes_times("2", "20", &lines(&["4", "6"])));
        assert!(!takes_times("2", "20.01", &lines(&["4", "6"])));
        assert!(!takes_times("1.5", "20", &lines(&["4", "6"])));
        assert!(takes_times("2", "30", &shipped), "shipping is a part of it");
        assert!(takes_times("2", "20", &lines(&["10", "-8"])), "a discount makes no total larger");
        assert!(takes_times("2", "1499", &lines(&["10", ""])), "a line has no price");
        assert!(takes_times("2", "1499", &lines(&["0"])), "the lines have no prices");
        assert!(takes_times("", "1499", &lines(&["10"])), "no such bound");
        assert!(takes("SGD=5000", "1499", &lines(&["10"])), "the other bound does not set it");
        for wrong in ["two", "0.99", "-2", "1e3000", "2 SGD"] {
            let refused = Plausibility::default().with_times_its_parts(wrong);
            assert_eq!(refused, Err("is no number of 1 or more"), "{wrong}");
        }
    }

    #[test]
    fn a_malformed_list_has_a_fault_that_does_not_repeat_it() {
        for (wrong, fault) in [
            ("5000", "is not a list as SGD=5000,EUR=3000"),
            ("SGD=5000,", "is not a list as SGD=5000,EUR=3000"),
            ("ABC=1", "names an unknown currency"),
            ("sgd=1", "names an unknown currency"),
            ("SGD=", "has a total that is no amount of its currency"),
            ("SGD=-1", "has a total that is no amount of its currency"),
            ("JPY=1.5", "has a total that is no amount of its currency"),
            ("SGD=1,SGD=2", "names a currency twice"),
        ] {
            assert_eq!(Plausibility::parse(wrong), Err(fault), "{wrong}");
        }
        assert_eq!(Plausibility::parse(" "), Ok(Plausibility::default()));
    }
}
