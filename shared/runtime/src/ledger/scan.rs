//! Looking through the whole ledger: for people, never on the way of an order.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use serde_dynamo::aws_sdk_dynamodb_1::from_item;

use crate::ledger::{
    IS_DELIVERY, Ledger, LedgerError, UNCLAIMED_PREFIX, UnclaimedOrder, record, unclaimed,
};
use postback_core::{
    clock::Timestamp,
    delivery::{Key, PartialView, Record, State, UNCLEAR_REFUSALS, VALIDATIONS_FOR_A_PERSON},
};

/// The deliveries wanted. A member that is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
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
    /// With `open`: also what was refused for a reason that a person should see, and what came with
    /// other content.
    pub unclear: bool,
    /// Besides the deliveries the orders that concern no network: all of them, whatever else is wanted.
    pub unclaimed: bool,
    /// The validations of deliveries, too: all of them, whatever `state` and `open` say.
    pub validations: bool,
    /// With `open`: also the deliveries written at this instant or later that may want a validation,
    /// and those whose network is asked for its word about the money.
    pub followed_since: Option<Timestamp>,
    /// The validations that wait for a person, too, whatever `open` says.
    pub held_validations: bool,
    /// The deliveries and validations whose money is to be claimed back, too, whatever `open` says.
    pub claim_backs: bool,
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

    /// Everything that may need a person.
    #[must_use]
    pub fn needing() -> Self {
        Self {
            open: true,
            unclear: true,
            unclaimed: true,
            held_validations: true,
            claim_backs: true,
            ..Self::default()
        }
    }

    /// The same, all validations, the deliveries written since then that may want one, and those whose
    /// money has a standing of its own: for the sweep.
    #[must_use]
    pub fn watched(since: Timestamp) -> Self {
        Self { validations: true, followed_since: Some(since), claim_backs: true, ..Self::open() }
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
    /// Reads one page (1 MB) of the ledger, eventually consistent. There is no index to ask: one
    /// would be written with every delivery.
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
        let start = after.map(|place| {
            HashMap::from([
                ("order_id".to_owned(), AttributeValue::S(place.order_id.clone())),
                ("delivery".to_owned(), AttributeValue::S(place.delivery.clone())),
            ])
        });
        let is_first_of_share = segment.is_some() && after.is_none();
        let scan = self
            .client
            .scan()
            .table_name(&self.table)
            .set_limit(is_first_of_share.then_some(FIRST_PAGE))
            .filter_expression(expression)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(start)
            .set_segment(segment.map(|segment| segment.number))
            .set_total_segments(segment.map(|segment| segment.of))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = scan.send().await.map_err(|_| LedgerError::Unavailable)?;
        let units = output.consumed_capacity.and_then(|capacity| capacity.capacity_units);
        let items = output.items.unwrap_or_default().into_iter();
        let (unclaimed, items): (Vec<_>, Vec<_>) = items.partition(unclaimed::is_one);
        let (mut records, unreadable) = record::read_all(items);
        records.retain(|record| filter.matches(record));
        Ok(Page {
            records,
            unclaimed: unclaimed.into_iter().filter_map(|item| from_item(item).ok()).collect(),
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

/// The condition of the deliveries and validations whose money may have come back.
const CAME_BACK: &str = " OR attribute_exists(returned) OR attribute_exists(cancelled)";

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
        let came_back = if self.claim_backs { CAME_BACK } else { "" };
        if !self.validations {
            let mut wanted = format!("attribute_not_exists(validation){came_back}");
            if self.held_validations {
                let states = VALIDATIONS_FOR_A_PERSON.iter().map(|state| state.as_str());
                wanted = format!("{wanted} OR #state IN ({})", listed(states, &mut text));
            }
            clause(format!("({wanted})"), if self.held_validations { &["state"] } else { &[] });
        }
        if self.open {
            let open = self.wanted_open(came_back, &mut text);
            if self.unclear {
                let reasons = listed(UNCLEAR_REFUSALS.iter().copied(), &mut text);
                let unclear = format!("attribute_exists(#conflicts) OR #reason IN ({reasons})");
                let attributes = ["state", "permission", "conflicts", "reason"];
                clause(format!("({open} OR {unclear})"), &attributes);
            } else {
                clause(format!("({open})"), &["state", "permission"]);
            }
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
    fn wanted_open(&self, back: &str, text: &mut impl FnMut(&str, &str) -> String) -> String {
        let finals = State::ALL.into_iter().filter(|state| state.is_final());
        let finals = listed(finals.map(State::as_str), text);
        // `permission` is a reserved word, too.
        let own = self.validations || self.held_validations;
        let own = if own { " OR attribute_exists(validation)" } else { "" };
        let open = format!("NOT #state IN ({finals}) OR attribute_exists(#permission){own}{back}");
        let Some(since) = self.followed_since else { return open };
        let since = text("followed_since", &to_the_second(since));
        let followed = format!("attribute_exists(reported) AND updated_at >= {since}");
        format!("{open} OR attribute_exists(tracked) OR ({followed})")
    }

    fn matches(&self, record: &Record) -> bool {
        let since = record.protocol.first_seen_at;
        let is_held = self.held_validations && record.is_validation_for_a_person();
        let is_back = self.claim_backs && record.open_claim_back().is_some();
        let is_unwanted = record.is_validation() && !self.validations && !is_held && !is_back;
        if record.is_order_of_lines() || is_unwanted {
            return false;
        }
        let is_followed = self.followed_since.is_some_and(|since| {
            record.tracked || since <= record.updated_at && record.wants_validation()
        });
        let unclear = record.is_unclear_refusal() || record.conflicts.count() > 0;
        (!self.open
            || record.is_validation()
            || record.protocol.permission.is_some()
            || !record.protocol.state.is_final()
            || is_followed
            || is_back
            || self.unclear && unclear)
            && self.state.is_none_or(|state| state == record.protocol.state)
            && self.network.as_deref().is_none_or(|network| network == record.network())
            && self.since.is_none_or(|from| since >= from)
            && self.until.is_none_or(|until| since < until)
    }
}

/// Words as values of a condition, in a list.
fn listed<'a>(
    words: impl Iterator<Item = &'a str>,
    text: &mut impl FnMut(&str, &str) -> String,
) -> String {
    words.map(|word| text(word, word)).collect::<Vec<_>>().join(", ")
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
