//! Looking through the whole ledger: for people, never on the way of an order.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata,
    types::{AttributeValue, ReturnConsumedCapacity},
};
use serde_dynamo::aws_sdk_dynamodb_1;

use crate::ledger::{
    IS_DELIVERY, Ledger, LedgerError, UNCLAIMED_PREFIX, UnclaimedOrder,
    record::{self, Item},
    unclaimed,
};
use postback_core::{
    clock::Timestamp,
    delivery::{Key, PartialView, Record, State, WAITING},
};

/// The deliveries wanted. A member that is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub struct Filter {
    /// In the index of what waits, which alone is read then: what is not there is not found.
    pub waiting: bool,
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
    /// Besides the deliveries the orders that concern no network: all of them, whatever else is wanted.
    pub unclaimed: bool,
    /// The validations of deliveries, too: all of them, whatever `open` says.
    pub validations: bool,
    /// With `open`: also the deliveries written at this instant or later that may want a validation,
    /// those whose network is asked for its word about the money, and what is to be claimed back.
    pub followed_since: Option<Timestamp>,
}

/// The items of the first page of a share: a full one of each would take a slow connection ten seconds.
const FIRST_PAGE: i32 = 100;

/// A share of the ledger, for reading all of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number, from 0.
    pub number: i32,
    /// The number of shares.
    pub of: i32,
}

impl Filter {
    /// The deliveries that are not final, and those with a permission to send again.
    #[must_use]
    pub fn open() -> Self {
        Self { open: true, ..Self::default() }
    }

    /// All that may need a person.
    #[must_use]
    pub fn needing() -> Self {
        Self { waiting: true, unclaimed: true, validations: true, ..Self::default() }
    }

    /// The open ones, all validations, the deliveries written since then that may want one, and those
    /// whose money has a standing of its own: for the sweep.
    #[must_use]
    pub fn watched(since: Timestamp) -> Self {
        Self { validations: true, followed_since: Some(since), ..Self::open() }
    }
}

/// The delivery after which a scan goes on.
pub type Cursor = Key;

/// A part of the ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The deliveries that match.
    pub records: Vec<Record>,
    /// The orders that concern no network, if they are wanted.
    pub unclaimed: Vec<UnclaimedOrder>,
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
    /// Reads one page (1 MB) of the ledger or of its index, eventually consistent.
    pub async fn scan(&self, filter: &Filter, after: Option<&Cursor>) -> Result<Page, LedgerError> {
        self.scan_segment(filter, None, after).await
    }

    /// Like [`Self::scan`], of one share of the ledger; its first page is short, so that it comes soon.
    pub async fn scan_segment(
        &self,
        filter: &Filter,
        segment: Option<Segment>,
        after: Option<&Cursor>,
    ) -> Result<Page, LedgerError> {
        let (expression, names, values) = filter.expression();
        let is_first_of_share = segment.is_some() && after.is_none();
        let scan = self
            .client
            .scan()
            .table_name(&self.table)
            .set_index_name(filter.waiting.then(|| WAITING.to_owned()))
            .set_limit(is_first_of_share.then_some(FIRST_PAGE))
            .filter_expression(expression)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(after.map(|place| key_of(place, filter.waiting)))
            .set_segment(segment.map(|segment| segment.number))
            .set_total_segments(segment.map(|segment| segment.of))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = scan.send().await.map_err(|error| match error.code() {
            // Nothing else in this request can be refused so.
            Some("ValidationException") if filter.waiting => LedgerError::NoIndex,
            _ => LedgerError::Unavailable,
        })?;
        let units = output.consumed_capacity.and_then(|capacity| capacity.capacity_units);
        let items = output.items.unwrap_or_default().into_iter();
        let (unclaimed, items): (Vec<_>, Vec<_>) = items.partition(unclaimed::is_one);
        let (mut records, unreadable) = record::from_items(items);
        records.retain(|record| filter.matches(record));
        Ok(Page {
            records,
            unclaimed: unclaimed
                .into_iter()
                .filter_map(|item| aws_sdk_dynamodb_1::from_item(item).ok())
                .collect(),
            unreadable,
            read: usize::try_from(output.scanned_count).unwrap_or_default(),
            units: units.unwrap_or_default(),
            next: output.last_evaluated_key.as_ref().and_then(cursor_of),
        })
    }
}

/// The key of a place in the table, or in the index.
fn key_of(place: &Cursor, in_index: bool) -> Item {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let own = [("order_id", &place.order_id), ("delivery", &place.delivery)];
    let own = own.map(|(name, value)| (name.to_owned(), text(value)));
    own.into_iter().chain(in_index.then(record::waiting)).collect()
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
        if !self.validations {
            clause("attribute_not_exists(validation)".to_owned(), &[]);
        }
        if self.open {
            let open = self.wanted_open(&mut text);
            clause(format!("({open})"), &["state", "permission"]);
        }
        if let Some(network) = &self.network {
            let network = text("network", network);
            clause(format!("begins_with(#delivery, {network})"), &["delivery"]);
        }
        if let Some(since) = self.since {
            let since = text("since", &to_the_second(since));
            clause(format!("#first_seen_at >= {since}"), &["first_seen_at"]);
        }
        let mut expression = clauses.join(" AND ");
        if self.unclaimed {
            values.insert(":unclaimed".to_owned(), AttributeValue::S(UNCLAIMED_PREFIX.to_owned()));
            expression = format!("({expression}) OR begins_with(order_id, :unclaimed)");
        }
        // DynamoDB refuses names and values that are there and empty.
        let names = Some(names).filter(|names| !names.is_empty());
        (expression, names, Some(values).filter(|values| !values.is_empty()))
    }

    /// The condition of what is open, and of what is wanted besides.
    fn wanted_open(&self, text: &mut impl FnMut(&str, &str) -> String) -> String {
        let finals = State::ALL.into_iter().filter(|state| state.is_final());
        let finals: Vec<_> = finals.map(|state| text(state.as_str(), state.as_str())).collect();
        let finals = finals.join(", ");
        // `permission` is a reserved word, too.
        let own = if self.validations { " OR attribute_exists(validation)" } else { "" };
        let open = format!("NOT #state IN ({finals}) OR attribute_exists(#permission){own}");
        let Some(since) = self.followed_since else { return open };
        let since = text("followed_since", &to_the_second(since));
        let followed = format!("attribute_exists(reported) AND updated_at >= {since}");
        let back = "attribute_exists(returned) OR attribute_exists(cancelled)";
        format!("{open} OR attribute_exists(tracked) OR ({followed}) OR {back}")
    }

    fn matches(&self, record: &Record) -> bool {
        let since = record.protocol.first_seen_at;
        let is_unwanted = record.is_validation() && !self.validations;
        if record.is_order_of_lines() || record.protocol.has_refunds_alone() || is_unwanted {
            return false;
        }
        let is_followed = self.followed_since.is_some_and(|since| {
            record.tracked
                || since <= record.updated_at && record.wants_validation()
                || record.open_claim_back().is_some()
        });
        (!self.open
            || record.is_validation()
            || record.protocol.permission.is_some()
            || !record.protocol.state.is_final()
            || is_followed)
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
        let everything = Filter { validations: true, ..Filter::default() };

        assert_eq!(everything.expression(), (IS_DELIVERY.to_owned(), None, None));
    }
}
