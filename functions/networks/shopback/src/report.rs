//! The report of an order, or of one line of it.

use std::{collections::BTreeMap, fmt, sync::Arc};

use postback_core::{
    delivery::Facts,
    network::{Network, Part},
    order::{Amount, AmountFault, Currency, Figure, Item, Order, text_of},
};

use crate::{Planned, ShopBack, reject};

/// An order, or one line of it. It holds all that a template can name, because the
/// templates may change between two attempts.
#[derive(Clone, PartialEq)]
pub struct Report {
    order: Arc<OrderFacts>,
    line: Option<Line>,
}

/// The facts of the whole order.
#[derive(PartialEq)]
pub(crate) struct OrderFacts {
    pub(crate) order_id: String,
    pub(crate) transaction_id: String,
    /// True if the offer de-duplicates by an id of ours.
    has_unique_id: bool,
    pub(crate) currency: Currency,
    pub(crate) total: Amount,
    pub(crate) tax: Option<Figure>,
    pub(crate) shipping: Option<Figure>,
    pub(crate) surcharge: Option<Figure>,
    pub(crate) discount_percent: Option<Figure>,
    pub(crate) country: Option<String>,
    pub(crate) custom: BTreeMap<String, String>,
}

/// The facts of one line.
#[derive(Clone, PartialEq)]
pub(crate) struct Line {
    /// Its place in the order, from 1: two lines may be equal in everything else.
    pub(crate) position: usize,
    pub(crate) quantity: Figure,
    pub(crate) unit_price: Option<Figure>,
    pub(crate) amount: Amount,
    pub(crate) sku: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) category: Option<String>,
    /// ShopBack's name of the article: `refs.shopback`.
    pub(crate) reference: Option<String>,
}

impl OrderFacts {
    pub(crate) fn of(order: &Order, transaction_id: String, has_unique_id: bool) -> Self {
        Self {
            order_id: order.order_id.as_str().to_owned(),
            transaction_id,
            has_unique_id,
            currency: order.currency,
            total: order.total,
            tax: order.tax,
            shipping: order.shipping,
            surcharge: order.surcharge,
            discount_percent: order.discount_percent,
            country: order.customer.country.clone(),
            custom: order.custom.clone(),
        }
    }
}

/// The lines of an order, each a delivery of its own, named by its place.
pub(crate) fn lines(facts: OrderFacts, order: &Order) -> Planned<Vec<Part<Report>>> {
    if order.items.is_empty() {
        return Err(reject("no_items"));
    }
    if order.items.len() > MAX_LINES {
        return Err(reject("too_many_lines"));
    }
    let lines = order.items.iter().zip(1..);
    let lines = lines.map(|(item, position)| Line::of(item, position, order.currency));
    let lines = lines.collect::<Planned<Vec<_>>>()?;
    let facts = Arc::new(facts);
    let parts = lines.into_iter().map(|line| Part {
        line: Some(line.position.to_string()),
        facts: Facts::of_line(line.amount),
        report: Report { order: Arc::clone(&facts), line: Some(line) },
    });
    Ok(parts.collect())
}

/// The most lines of an order: each is a request of its own.
const MAX_LINES: usize = 1_000;

impl Line {
    fn of(item: &Item, position: usize, currency: Currency) -> Planned<Self> {
        let amount = item.amount(currency).map_err(|fault| {
            reject(match fault {
                AmountFault::NoPrice => "no_unit_price",
                AmountFault::NotANumber => "bad_line_amount",
                AmountFault::Quantity => "bad_quantity",
                AmountFault::Negative => "negative_amount",
                AmountFault::TooLarge => "amount_too_large",
                AmountFault::TooPrecise => "amount_too_precise",
            })
        })?;
        let reference = item.refs.get(ShopBack::NAME);
        let reference = reference.map(|it| text_of(it).unwrap_or_else(|| it.to_string()));
        Ok(Self {
            position,
            quantity: item.quantity,
            unit_price: item.unit_price,
            amount,
            sku: item.sku.clone(),
            name: item.name.clone(),
            category: item.category.clone(),
            reference,
        })
    }
}

impl Report {
    pub(crate) fn of_order(facts: OrderFacts) -> Self {
        Self { order: Arc::new(facts), line: None }
    }

    pub(crate) fn order(&self) -> &OrderFacts {
        &self.order
    }

    pub(crate) const fn line(&self) -> Option<&Line> {
        self.line.as_ref()
    }

    /// Returns whether the offer de-duplicates by an id of ours, not by the click.
    pub(crate) fn has_unique_id(&self) -> bool {
        self.order.has_unique_id
    }

    /// The amount of the order or of the line.
    pub(crate) fn amount(&self) -> Amount {
        self.line.as_ref().map_or(self.order.total, |line| line.amount)
    }

    /// Returns whether a number in an answer echoes the click id or one of the shop's custom values: as many
    /// digits in a row as a short telephone number has. Fewer are part of any number.
    pub(crate) fn is_echoed_in(&self, number: &str) -> bool {
        let sent = [&self.order.transaction_id].into_iter().chain(self.order.custom.values());
        sent.map(String::as_bytes).any(|text| {
            let digits: Vec<u8> = text.iter().copied().filter(u8::is_ascii_digit).collect();
            let echoed =
                |part: &[u8]| number.as_bytes().windows(part.len()).any(|some| some == part);
            text == number.as_bytes() || digits.windows(7).any(echoed)
        })
    }

    /// Returns whether the amount has few enough decimal places. Nothing is rounded.
    pub(crate) fn amount_fits(&self) -> bool {
        self.amount().fixed(PLACES).is_some()
    }
}

/// The most decimal places of an amount.
pub(crate) const PLACES: u32 = 2;

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.line.as_ref().map(|line| line.position);
        f.debug_struct("Report").field("line", &position).finish_non_exhaustive()
    }
}
