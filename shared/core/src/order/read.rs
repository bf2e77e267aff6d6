//! From JSON to an [`Order`]: every fault at once.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::{Map, Value};

use crate::fields::{
    self, Fault, Fields, Invalid, UnknownFields, instant, integer, is_place_holder, one_of, text,
};
use crate::order::{
    Address, Amount, Arrived, Cancelled, Currency, Customer, Email, Item, Order, OrderId, Percent,
    Status, Utm,
};

/// The most lines an order may have.
const ITEMS: usize = 1_000;

/// The most members `clicks`, `refs` and `custom` may have.
const MEMBERS: usize = 50;

impl Order {
    /// Reads an order. `unknown` says what becomes of members that are not an order's.
    pub fn read(value: &Value, unknown: UnknownFields) -> Result<Self, Vec<Fault>> {
        if has_private_name(value) {
            let detail = "must not hold names that start with \"$serde_json\"".into();
            return Err(vec![Fault { pointer: String::new(), code: "bad_name", detail }]);
        }
        fields::read(value, unknown, order)
    }
}

impl OrderId {
    /// Reads an id by itself.
    pub fn read(value: &Value) -> Result<Self, Invalid> {
        order_id(value)
    }
}

impl Arrived {
    /// Reads an order, or the cancellation of one: for that its id and its status are enough.
    pub fn read(value: &Value, unknown: UnknownFields) -> Result<Self, Vec<Fault>> {
        let status = value.get("status").and_then(Value::as_str);
        if !matches!(status, Some("cancelled" | "refunded")) {
            return Order::read(value, unknown).map(|order| Self::Order(Box::new(order)));
        }
        let matters = |fault: &Fault| {
            let member = fault.pointer.split('/').nth(1).unwrap_or_default();
            fault.code == "unknown_member"
                || ["", "order_id", "status", "updated_at"].contains(&member)
        };
        let faults = Order::read(value, unknown).err().unwrap_or_default();
        let faults: Vec<_> = faults.into_iter().filter(matters).collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        fields::read(value, UnknownFields::Ignore, cancelled).map(Self::Cancelled)
    }
}

fn cancelled(fields: &mut Fields<'_, '_>) -> Option<Cancelled> {
    let order_id = fields.required("order_id", order_id);
    let status = fields.required("status", one_of(STATUSES));
    let updated_at = fields.optional("updated_at", instant);
    Some(Cancelled { order_id: order_id?, status: status?, updated_at })
}

/// Names by which `serde_json` marks a number in an object: an order that holds one could be
/// written, but not read again.
fn has_private_name(value: &Value) -> bool {
    match value {
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.starts_with("$serde_json") || has_private_name(value)),
        Value::Array(values) => values.iter().any(has_private_name),
        _ => false,
    }
}

fn order(fields: &mut Fields<'_, '_>) -> Option<Order> {
    let order_id = fields.required("order_id", order_id);
    let status = fields.required("status", one_of(STATUSES));
    let updated_at = fields.optional("updated_at", instant);
    let completed_at = fields.required("completed_at", instant);
    let currency = fields.required("currency", Currency::read);
    let amount = |value: &Value| Amount::read(value, currency);
    let total = fields.required("total", amount);
    let tax = fields.optional("tax", amount);
    let shipping = fields.optional("shipping", amount);
    let customer = fields.object("customer", customer).unwrap_or_default();
    let clicks = clicks(fields);
    let items = fields.list("items", ITEMS, |line| item(line, currency));
    let utm = fields.object("utm", utm).unwrap_or_default();
    let comment = fields.optional("comment", text(2_000));
    let discount_percent = fields.optional("discount_percent", Percent::read);
    let surcharge = fields.optional("surcharge", amount);
    let custom = fields.map("custom", MEMBERS, |name, value| {
        name_of_custom(name)?;
        match value {
            Value::String(text) if text.chars().count() <= 1_000 => Ok(text.clone()),
            Value::String(_) => Err(Invalid::new("too_long", "at most 1000 characters")),
            _ => Err(Invalid::kind("a string")),
        }
    });
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
        items,
        utm,
        comment,
        discount_percent,
        surcharge,
        custom: custom.into_iter().collect(),
    })
}

const STATUSES: &[(&str, Status)] = &[
    ("completed", Status::Completed),
    ("pending", Status::Pending),
    ("cancelled", Status::Cancelled),
    ("refunded", Status::Refunded),
];

fn order_id(value: &Value) -> Result<OrderId, Invalid> {
    let id = text(128)(value)?;
    if id.trim() != id || id.chars().any(char::is_control) {
        return Err(Invalid::new("outer_blanks", "must have no outer blanks or line ends"));
    }
    if ["auto", "null", "undefined"].iter().any(|word| id.eq_ignore_ascii_case(word)) {
        return Err(Invalid::new("reserved", "must be the order's own id, not a word for none"));
    }
    if is_place_holder(&id) {
        return Err(Invalid::new("template", "is still a place holder in braces"));
    }
    Ok(OrderId(id))
}

#[expect(clippy::unnecessary_wraps, reason = "a reader of `Fields` may give nothing")]
fn customer(fields: &mut Fields<'_, '_>) -> Option<Customer> {
    Some(Customer {
        email: fields.optional("email", email),
        phone: fields.optional("phone", text(40)),
        name: fields.optional("name", text(200)),
        ip: fields.optional("ip", ip),
        user_agent: fields.optional("user_agent", text(1_024)),
        country: fields.optional("country", country),
        address: fields.object("address", address),
    })
}

fn email(value: &Value) -> Result<Email, Invalid> {
    let address = text(256)(value)?;
    let address = address.trim();
    let (local, domain) = address.rsplit_once('@').unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';');
    let whole = !local.is_empty() && !local.contains('@') && !domain.is_empty();
    if !whole || address.chars().any(odd) || address.len() > 254 {
        return Err(Invalid::new(
            "not_an_email",
            "must be an e-mail address, as \"a@example.com\"",
        ));
    }
    Ok(Email(address.to_owned()))
}

fn ip(value: &Value) -> Result<IpAddr, Invalid> {
    let Value::String(text) = value else { return Err(Invalid::kind("a string")) };
    let detail = "must be an IPv4 or IPv6 address";
    text.trim().parse().map_err(|_| Invalid::new("not_an_ip", detail))
}

fn country(value: &Value) -> Result<String, Invalid> {
    let code = text(8)(value)?;
    if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Err(Invalid::new("not_a_country", "must be two letters of ISO 3166-1, as \"IN\""));
    }
    Ok(code.to_ascii_uppercase())
}

#[expect(clippy::unnecessary_wraps, reason = "a reader of `Fields` may give nothing")]
fn address(fields: &mut Fields<'_, '_>) -> Option<Address> {
    Some(Address {
        postal_code: fields.optional("postal_code", text(32)),
        line: fields.optional("line", text(500)),
        region: fields.optional("region", text(200)),
        city: fields.optional("city", text(200)),
        street: fields.optional("street", text(200)),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "a reader of `Fields` may give nothing")]
fn item(fields: &mut Fields<'_, '_>, currency: Option<Currency>) -> Option<Item> {
    let quantity = fields.optional("quantity", integer(1..=1_000_000)).unwrap_or(1);
    Some(Item {
        sku: fields.optional("sku", text(200)),
        name: fields.optional("name", text(500)),
        category: fields.optional("category", text(500)),
        quantity: u32::try_from(quantity).unwrap_or(u32::MAX),
        unit_price: fields.optional("unit_price", |value| Amount::read(value, currency)),
        refs: fields.map("refs", MEMBERS, reference).into_iter().collect(),
    })
}

/// One member of `refs`: a word or a number of the network's own.
fn reference(network: &str, value: &Value) -> Result<Value, Invalid> {
    name_of_network(network)?;
    match value {
        Value::Number(_) => Ok(value.clone()),
        Value::String(_) => text(200)(value).map(Value::String),
        _ => Err(Invalid::kind("a number or a string")),
    }
}

fn clicks(fields: &mut Fields<'_, '_>) -> BTreeMap<String, Map<String, Value>> {
    let read = fields.map("clicks", MEMBERS, |network, value| {
        name_of_network(network)?;
        let click = value.as_object().cloned();
        click.ok_or_else(|| Invalid::kind("an object"))
    });
    read.into_iter().collect()
}

fn name_of_network(name: &str) -> Result<(), Invalid> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if name.is_empty() || name.len() > 32 || !name.bytes().all(fits) {
        return Err(Invalid::new(
            "not_a_network",
            "must be the name of a network, as \"my_network\"",
        ));
    }
    Ok(())
}

fn name_of_custom(name: &str) -> Result<(), Invalid> {
    if name.trim().is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
        return Err(Invalid::new("bad_name", "must have a name of 1 to 64 characters"));
    }
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "a reader of `Fields` may give nothing")]
fn utm(fields: &mut Fields<'_, '_>) -> Option<Utm> {
    Some(Utm {
        source: fields.optional("source", text(500)),
        campaign: fields.optional("campaign", text(500)),
        content: fields.optional("content", text(500)),
        term: fields.optional("term", text(500)),
        medium: fields.optional("medium", text(500)),
    })
}

#[cfg(test)]
mod tests;
