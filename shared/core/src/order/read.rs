//! From JSON to an [`Order`]: every fault at once.
//!
//! Strict are the order's id, status, currency, total and times, and its refunds: money depends on
//! them. Everything else is read loosely, and judged by the network that needs it.
//!
//! More than 300 lines: every member of an order is read here.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    clock::Timestamp,
    fields::{
        self, Fault, Fields, Invalid, UnknownFields, instant, is_nothing, is_place_holder, one_of,
    },
    order::{
        Address, Amount, Arrived, Cancelled, Currency, Customer, Email, Figure, Item, Order,
        OrderId, PartialRefund, Status, Unreadable, Utm, parse, readable, refund,
        text::{composed, line, prose, visible},
    },
};

/// The most members that `custom` may have; more are left out.
const MEMBERS: usize = 50;

/// The most lines that are kept: a line takes eighty times the memory of the two bytes that name an
/// empty one. No network takes as many, and no order of the API holds as many.
const MOST_ITEMS: usize = 20_000;

/// The most members of a click, or of a line's own ids, that are kept.
const MOST_MEMBERS: usize = 100;

/// The most characters of the capture cookie that are kept; a longer one is damaged anyway.
const MAX_COOKIE: usize = 2_048;

/// The time by which an order may be completed or changed after the reader's own clock.
const AHEAD: Duration = Duration::from_hours(24);

impl Order {
    /// Reads an order. `unknown` says what becomes of members that are not an order's.
    pub fn from_json(value: &Value, unknown: UnknownFields) -> Result<Self, Vec<Fault>> {
        fields::from_json_loosely(value, unknown, order)
    }
}

impl OrderId {
    /// Reads an id by itself.
    pub fn from_json(value: &Value) -> Result<Self, Invalid> {
        order_id(value)
    }
}

/// The id of what is meant as an order, whatever else is wrong with it. `None` if it can't be read.
#[must_use]
pub fn id_of(order: &Value) -> Option<OrderId> {
    OrderId::from_json(order.get("order_id")?).ok()
}

/// The id in the text of an order with these faults: nothing else of a faulty order may be logged.
/// `None` if the id is one of the faults.
#[must_use]
pub fn faulty_id(order: &str, faults: &[Fault]) -> Option<OrderId> {
    if faults.iter().any(|fault| fault.pointer == "/order_id") {
        return None;
    }
    id_of(&serde_json::from_str(&readable(order)).ok()?)
}

/// Returns whether an order says that it is cancelled or refunded whole: nobody reads more of it than
/// its id, its status and its version.
#[must_use]
pub fn is_cancellation(order: &Value) -> bool {
    matches!(status_of(order), Some("cancelled" | "refunded"))
}

/// Returns whether an order goes by its status alone to every network: nobody reads its click.
#[must_use]
pub fn goes_by_status(order: &Value) -> bool {
    is_cancellation(order) || is_partial_refund(order)
}

fn is_partial_refund(order: &Value) -> bool {
    status_of(order) == Some(Status::PartiallyRefunded.as_str())
}

fn status_of(order: &Value) -> Option<&str> {
    order.get("status").and_then(Value::as_str)
}

/// The fault of `clicks` that are no object: no network would see a click in them, and the customer
/// would lose the cashback. A network that needs none takes the order all the same.
#[must_use]
pub fn clicks_fault(order: &Value) -> Option<Fault> {
    let clicks = order.get("clicks")?;
    if clicks.is_object() || fields::is_absent(clicks) {
        return None;
    }
    let Invalid { code, detail } = Invalid::kind("an object with a member for each network");
    Some(Fault { pointer: "/clicks".into(), code, detail })
}

/// The members that are read of a cancelled order, and the order itself.
const OF_A_CANCELLATION: &[&str] = &["", "order_id", "status", "updated_at"];
/// The same of a partial refund.
const OF_A_PARTIAL_REFUND: &[&str] = &["", "order_id", "status", "currency", "refunds"];

impl Arrived {
    /// Reads an order, or the cancellation of one: for that its id and its status are enough. Of a partial
    /// refund its currency and its `refunds` are read as well.
    pub fn from_json(value: &Value, unknown: UnknownFields) -> Result<Self, Vec<Fault>> {
        if !goes_by_status(value) {
            return Order::from_json(value, unknown).map(|order| Self::Order(Box::new(order)));
        }
        let is_cancelled = is_cancellation(value);
        let read = if is_cancelled { OF_A_CANCELLATION } else { OF_A_PARTIAL_REFUND };
        let matters = |fault: &Fault| {
            let mut members = fault.pointer.split('/').skip(1);
            let (member, is_own) = (members.next().unwrap_or_default(), members.next().is_none());
            (fault.code == "unknown_member" && is_own) || read.contains(&member)
        };
        let faults = Order::from_json(value, unknown).err().unwrap_or_default();
        let faults: Vec<_> = faults.into_iter().filter(matters).collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        if is_cancelled {
            fields::from_json_loosely(value, UnknownFields::Ignore, cancelled).map(Self::Cancelled)
        } else {
            fields::from_json_loosely(value, UnknownFields::Ignore, partial_refund)
                .map(Self::PartlyRefunded)
        }
    }

    /// The faults of an order that says it was completed or changed more than a day after `now`: a
    /// version from the future would supersede every later one.
    #[must_use]
    pub fn too_far_ahead(&self, now: Timestamp) -> Vec<Fault> {
        let (completed_at, updated_at) = match self {
            Self::Order(order) => (Some(order.completed_at), order.updated_at),
            Self::Cancelled(cancelled) => (None, cancelled.updated_at),
            Self::PartlyRefunded(_) => (None, None),
        };
        let fault = |(pointer, at): (&str, Option<Timestamp>)| {
            let detail = "must not be more than a day ahead: set the sender's clock".into();
            let fault = Fault { pointer: pointer.into(), code: "in_the_future", detail };
            (now.until(at?) > AHEAD).then_some(fault)
        };
        let times = [("/completed_at", completed_at), ("/updated_at", updated_at)];
        times.into_iter().filter_map(fault).collect()
    }

    /// The fault of an order that was completed longer ago than the ledger's `memory`: whether it was
    /// reported then is unknown.
    #[must_use]
    pub fn too_old(&self, now: Timestamp, memory: Duration) -> Option<Fault> {
        let Self::Order(order) = self else { return None };
        let detail = "must not be more than 400 days ago: the ledger no longer knows such orders";
        let fault =
            Fault { pointer: "/completed_at".into(), code: "too_old", detail: detail.into() };
        order.is_older(now, memory).then_some(fault)
    }
}

/// Reads the detail of an event of the bus, as the API reads an order; only what an order has no
/// member for is passed over. Returns the order, and the detail as the rules of the bus see it.
pub fn read_event(detail: &str, now: Timestamp) -> Result<(Arrived, Value), Vec<Fault>> {
    let mut value = parse(detail).map_err(Unreadable::faults)?;
    drop_private_names(&mut value);
    let order = Arrived::from_json(&value, UnknownFields::Ignore)?;
    let faults = order.too_far_ahead(now);
    if faults.is_empty() { Ok((order, value)) } else { Err(faults) }
}

impl Order {
    /// Returns whether it was completed longer ago than `memory`.
    #[must_use]
    pub fn is_older(&self, now: Timestamp, memory: Duration) -> bool {
        now.since(self.completed_at) > memory
    }
}

fn cancelled(fields: &mut Fields<'_, '_>) -> Option<Cancelled> {
    let order_id = fields.required("order_id", order_id);
    let status = fields.required("status", one_of(STATUSES));
    let updated_at = fields.optional("updated_at", instant);
    Some(Cancelled { order_id: order_id?, status: status?, updated_at })
}

fn partial_refund(fields: &mut Fields<'_, '_>) -> Option<PartialRefund> {
    let order_id = fields.required("order_id", order_id);
    let status = fields.required("status", one_of(STATUSES));
    let currency = fields.required("currency", Currency::from_json);
    fields.required("refunds", |_| Ok(()))?;
    let refunds = refund::refunds(fields, currency, 0);
    Some(PartialRefund { order_id: order_id?, status: status?, currency: currency?, refunds })
}

/// Returns whether a name may be one by which `serde_json` marks a number in an object: what holds one
/// could be written, but not read again. No network has such a member, so it is left out.
fn is_private(name: &str) -> bool {
    name.starts_with("$serde_json")
}

fn drop_private_names(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !is_private(name));
            members.values_mut().for_each(drop_private_names);
        }
        Value::Array(values) => values.iter_mut().for_each(drop_private_names),
        _ => {}
    }
}

fn order(fields: &mut Fields<'_, '_>) -> Option<Order> {
    let order_id = fields.required("order_id", order_id);
    let status = fields.required("status", one_of(STATUSES));
    let updated_at = fields.optional("updated_at", instant);
    let completed_at = fields.required("completed_at", instant);
    let currency = fields.required("currency", Currency::from_json);
    let total = fields.required("total", |value| Amount::from_json(value, currency));
    let tax = fields.loose("tax", Figure::from_json);
    let shipping = fields.loose("shipping", Figure::from_json);
    let customer = fields.object("customer", customer).unwrap_or_default();
    let clicks =
        fields.members("clicks").into_iter().filter_map(click).take(MOST_MEMBERS).collect();
    let click_cookie = fields.loose("click_cookie", line(MAX_COOKIE));
    let items = fields.objects("items", MOST_ITEMS, item);
    // Where some were left out, a refund may be for one of those.
    let places = if items.len() < MOST_ITEMS { items.len() } else { 0 };
    let refunds = refund::refunds(fields, currency, places);
    let utm = fields.object("utm", utm).unwrap_or_default();
    let comment = fields.loose("comment", prose(2_000));
    let discount_percent = fields.loose("discount_percent", Figure::from_json);
    let surcharge = fields.loose("surcharge", Figure::from_json);
    let custom = fields
        .members("custom")
        .into_iter()
        .filter_map(|(name, value)| Some((line(64)(&Value::from(name))?, prose(1_000)(value)?)));
    let custom = custom.filter(|(name, _)| !is_private(name)).take(MEMBERS).collect();
    Some(Order {
        order_id: order_id?,
        status: status?,
        updated_at,
        completed_at: completed_at?,
        currency: currency?,
        total: total?,
        tax,
        shipping,
        customer,
        clicks,
        click_cookie,
        items,
        refunds,
        utm,
        comment,
        discount_percent,
        surcharge,
        custom,
    })
}

const STATUSES: &[(&str, Status)] = &[
    ("completed", Status::Completed),
    ("pending", Status::Pending),
    ("cancelled", Status::Cancelled),
    ("refunded", Status::Refunded),
    ("partially_refunded", Status::PartiallyRefunded),
];

fn order_id(value: &Value) -> Result<OrderId, Invalid> {
    let id = fields::text(OrderId::LONGEST)(value)?;
    if id.trim() != id {
        return Err(Invalid::new("outer_blanks", "must have no outer blanks or line ends"));
    }
    if id.chars().any(char::is_control) {
        return Err(Invalid::new("control_character", "must hold no tabs and no line ends"));
    }
    // U+FFFE and U+FFFF are read as it.
    if id.contains(['\u{fffd}', '\u{fffe}', '\u{ffff}']) {
        let detail = "must hold no U+FFFD: the id was cut, or read in a wrong encoding";
        return Err(Invalid::new("replacement_character", detail));
    }
    if visible(&id).trim().is_empty() {
        return Err(Invalid::new("invisible", "must hold a character that can be seen"));
    }
    if ["auto", "null", "undefined"].iter().any(|word| id.eq_ignore_ascii_case(word)) {
        return Err(Invalid::new("reserved", "must be the order's own id, not a word for none"));
    }
    if is_place_holder(&id) {
        return Err(Invalid::new("template", "is still a place holder in braces"));
    }
    // The same letters may be written in two ways: it is one order.
    fields::text(OrderId::LONGEST)(&Value::from(composed(&id))).map(OrderId)
}

#[expect(clippy::unnecessary_wraps, reason = "a reader of `Fields` may give nothing")]
fn customer(fields: &mut Fields<'_, '_>) -> Option<Customer> {
    Some(Customer {
        email: fields.loose("email", Email::from_json),
        phone: fields.loose("phone", line(100)),
        name: fields.loose("name", line(200)),
        ip: fields.loose("ip", ip),
        user_agent: fields.loose("user_agent", line(1_024)),
        country: fields.loose("country", country),
        address: fields.object("address", address),
    })
}

/// The addresses as one text: a list of them is written with commas, as in `X-Forwarded-For`.
fn ip(value: &Value) -> Option<String> {
    let one = line(200);
    match value {
        Value::Array(addresses) => {
            let addresses: Vec<_> = addresses.iter().filter_map(&one).collect();
            one(&Value::from(addresses.join(", ")))
        }
        value => one(value),
    }
}

/// Two letters; anything else is no country.
fn country(value: &Value) -> Option<String> {
    let code = line(8)(value)?;
    let is_code = code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphabetic());
    is_code.then(|| code.to_ascii_uppercase())
}

fn address(fields: &mut Fields<'_, '_>) -> Option<Address> {
    let address = Address {
        postal_code: fields.loose("postal_code", line(32)),
        line: fields.loose("line", line(500)),
        region: fields.loose("region", line(200)),
        city: fields.loose("city", line(200)),
        street: fields.loose("street", line(200)),
    };
    (address != Address::default()).then_some(address)
}

#[expect(clippy::unnecessary_wraps, reason = "a reader of `Fields` may give nothing")]
fn item(fields: &mut Fields<'_, '_>) -> Option<Item> {
    let refs = fields.members("refs").into_iter().filter(|(network, _)| !is_private(network));
    Some(Item {
        sku: fields.loose("sku", line(200)),
        name: fields.loose("name", line(500)),
        category: fields.loose("category", line(500)),
        quantity: fields.loose("quantity", Figure::from_json).unwrap_or(Figure::ONE),
        unit_price: fields.loose("unit_price", Figure::from_json),
        total: fields.loose("total", Figure::from_json),
        refs: refs
            .take(MOST_MEMBERS)
            .map(|(network, value)| (network.to_owned(), scalar(value)))
            .collect(),
    })
}

/// The click of a network, without the members that stand for none; `None` if nothing is left. The
/// network judges the rest, and no other is concerned by it.
fn click((network, value): (&str, &Value)) -> Option<(String, Value)> {
    let click = match value {
        _ if is_private(network) => None,
        Value::Object(members) => {
            let given =
                members.iter().filter(|(name, value)| !is_nothing(value) && !is_private(name));
            let given = given.take(MOST_MEMBERS);
            let given: Map<_, _> =
                given.map(|(name, value)| (name.clone(), scalar(value))).collect();
            (!given.is_empty()).then_some(Value::Object(given))
        }
        value if is_nothing(value) => None,
        value => Some(scalar(value)),
    };
    Some((network.to_owned(), click?))
}

/// A value that a rule of the bus can see: a list or an object as its text.
fn scalar(value: &Value) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) => Value::from(value.to_string()),
        value => value.clone(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a reader of `Fields` may give nothing")]
fn utm(fields: &mut Fields<'_, '_>) -> Option<Utm> {
    Some(Utm {
        source: fields.loose("source", line(500)),
        campaign: fields.loose("campaign", line(500)),
        content: fields.loose("content", line(500)),
        term: fields.loose("term", line(500)),
        medium: fields.loose("medium", line(500)),
    })
}

#[cfg(test)]
mod tests;
