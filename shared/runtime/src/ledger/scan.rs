//! Looking through the whole ledger: for people, never on the way of an order.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use crate::ledger::{IS_DELIVERY, Ledger, LedgerError, record};
use postback_core::delivery::{Key, PartialView, Record};
use postback_core::{clock::Timestamp, delivery::State};

/// The deliveries wanted. A member that is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In this state.
    pub state: Option<State>,
    /// To this network.
    pub network: Option<String>,
    /// First heard of at this instant or later.
    pub since: Option<Timestamp>,
    /// First heard of before this instant.
    pub until: Option<Timestamp>,
    /// Not final, or with a permission to send again.
    pub open: bool,
}

impl Filter {
    /// The deliveries that are not final, and those with a permission to send again.
    #[must_use]
    pub fn open() -> Self {
        Self { open: true, ..Self::default() }
    }
}

/// The delivery after which a scan goes on.
pub type Cursor = Key;

/// A part of the ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The deliveries that match.
    pub records: Vec<Record>,
    /// The items that could not be read, of a later format or none of ours: their readable parts.
    pub unreadable: Vec<PartialView>,
    /// The number that were read for it.
    pub read: usize,
    /// The cost of reading, in read units.
    pub units: f64,
    /// The place to go on from; `None` at the end.
    pub next: Option<Cursor>,
}

impl Ledger {
    /// Reads one page (1 MB) of the ledger, eventually consistent. There is no index to ask: one
    /// would be written with every delivery.
    pub async fn scan(&self, filter: &Filter, after: Option<&Cursor>) -> Result<Page, LedgerError> {
        let (expression, names, values) = filter.expression();
        let start = after.map(|place| {
            HashMap::from([
                ("order_id".to_owned(), AttributeValue::S(place.order_id.clone())),
                ("delivery".to_owned(), AttributeValue::S(place.delivery.clone())),
            ])
        });
        let scan = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression(expression)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = scan.send().await.map_err(|_| LedgerError::Unavailable)?;
        let units = output.consumed_capacity.and_then(|capacity| capacity.capacity_units);
        let (mut records, unreadable) = record::read_all(output.items.unwrap_or_default());
        records.retain(|record| filter.matches(record));
        Ok(Page {
            records,
            unreadable,
            read: usize::try_from(output.scanned_count).unwrap_or_default(),
            units: units.unwrap_or_default(),
            next: output.last_evaluated_key.as_ref().and_then(cursor_of),
        })
    }
}

fn cursor_of(key: &HashMap<String, AttributeValue>) -> Option<Cursor> {
    let text = |name: &str| key.get(name)?.as_s().ok().cloned();
    Some(Cursor { order_id: text("order_id")?, delivery: text("delivery")? })
}

type Names = Option<HashMap<String, String>>;
type Values = Option<HashMap<String, AttributeValue>>;

impl Filter {
    /// The condition by which `DynamoDB` leaves items out. Instants are compared as text, so to the
    /// second only: [`Self::matches`] has the last word.
    fn expression(&self) -> (String, Names, Values) {
        let mut clauses = vec![IS_DELIVERY.to_owned()];
        let mut names = HashMap::new();
        let mut values = HashMap::new();
        let mut text = |name: &str, text: &str| {
            values.insert(format!(":{name}"), AttributeValue::S(text.to_owned()));
            format!(":{name}")
        };
        let mut clause = |clause: String, named: &[&str]| {
            clauses.push(clause);
            names.extend(named.iter().map(|name| (format!("#{name}"), (*name).to_owned())));
        };
        if let Some(state) = self.state {
            clause(format!("#state = {}", text("state", state.as_str())), &["state"]);
        }
        if self.open {
            let finals = State::ALL.into_iter().filter(|state| state.is_final());
            let finals = finals.map(|state| text(state.as_str(), state.as_str()));
            let finals = finals.collect::<Vec<_>>().join(", ");
            // `permission` is a reserved word, too.
            let open = format!("(NOT #state IN ({finals}) OR attribute_exists(#permission))");
            clause(open, &["state", "permission"]);
        }
        if let Some(network) = &self.network {
            let network = text("network", network);
            clause(format!("begins_with(#delivery, {network})"), &["delivery"]);
        }
        if let Some(since) = self.since {
            let since = text("since", &to_the_second(since));
            clause(format!("#first_seen_at >= {since}"), &["first_seen_at"]);
        }
        // DynamoDB refuses names and values that are there and empty.
        let some = !names.is_empty();
        (clauses.join(" AND "), some.then_some(names), some.then_some(values))
    }

    fn matches(&self, record: &Record) -> bool {
        let since = record.protocol.first_seen_at;
        if record.is_order_of_lines() {
            return false;
        }
        (!self.open || record.protocol.permission.is_some() || !record.protocol.state.is_final())
            && self.state.is_none_or(|state| state == record.protocol.state)
            && self.network.as_deref().is_none_or(|network| network == record.network())
            && self.since.is_none_or(|from| since >= from)
            && self.until.is_none_or(|until| since < until)
    }
}

/// The instant without its fraction and zone, which sorts before everything in that second.
fn to_the_second(at: Timestamp) -> String {
    at.to_string().chars().take("2026-11-21T10:15:00".len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_as_text_comes_before_all_of_its_second_and_after_all_of_the_one_before() {
        let at = Timestamp::parse("2026-11-21T10:15:00.750Z").expect("an instant");

        let text = to_the_second(at);

        assert!(text.as_str() <= "2026-11-21T10:15:00Z");
        assert!(text.as_str() <= "2026-11-21T10:15:00.1Z");
        assert!(text.as_str() > "2026-11-21T10:14:59.999Z");
    }

    #[test]
    fn who_wants_everything_leaves_out_what_is_no_delivery() {
        assert_eq!(Filter::default().expression(), (IS_DELIVERY.to_owned(), None, None));
    }
}
