//! A lead in the form of `add.json`, field by field: <https://cpa.moe/en/api-wm.html>.
//! Longer than 300 lines, because a lead is one form.

use std::{collections::BTreeMap, fmt};

use postback_core::{
    fields::{integer, is_nothing, is_place_holder},
    network::Network as _,
    order::{Amount, Currency, Figure, Item, Order},
    redaction::Reason,
};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use crate::{Click, CpaMoe, OurId, Phone, PublicIp, contact::SHORTEST_PHONE};

/// The most decimal places of an amount.
const MONEY_PLACES: u32 = 2;

/// The facts of an order that are reported.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The lead.
    pub lead: Lead,
    /// The customer's total. It is not reported, but an order that comes back with another total has
    /// other content.
    pub total: Amount,
}

/// A new lead: facts of the order only. For an order without an offer the request adds the offer of
/// the settings.
#[derive(Clone, Serialize)]
pub struct Lead {
    /// Our id.
    pub id: OurId,
    /// The affiliate or source at the agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wm: Option<Source>,
    /// The offer, if the order names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) phone: Phone,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    pub(crate) ip: PublicIp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ua: Option<String>,
    /// Two letters, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) country: Option<String>,
    /// `utm_source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) us: Option<String>,
    /// `utm_campaign`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uc: Option<String>,
    /// `utm_content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) un: Option<String>,
    /// `utm_term`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ut: Option<String>,
    /// `utm_medium`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) um: Option<String>,
    pub(crate) currency: &'static str,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<String>,
    /// The whole address without postal code, or house and flat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) addr: Option<String>,
    /// Region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) area: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) street: Option<String>,
    /// The price of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<Money>,
    /// The number of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    /// Percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) discount: Option<Discount>,
    /// Extra cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) more: Option<Money>,
    /// Comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comm: Option<String>,
    /// Nested goods without a price: their ids, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<String>,
    /// Nested goods with their price.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) items: Vec<Good>,
    /// Custom fields.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) params: BTreeMap<String, String>,
}

/// One nested good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Good {
    /// Its id at the network.
    pub id: u64,
    /// The price of one.
    pub price: Money,
    /// The number of them.
    pub count: u32,
}

/// An affiliate or source: a number where it is one, else a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(String);

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.parse::<u64>() {
            Ok(number) if number.to_string() == self.0 => serializer.serialize_u64(number),
            _ => serializer.serialize_str(&self.0),
        }
    }
}

/// A share in percent: a JSON number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discount(Figure);

impl Discount {
    /// A share from 0 to 100 with at most two decimal places; anything else is left out.
    fn new(share: Figure) -> Option<Self> {
        let value = share.decimal()?.normalize();
        let is_share = (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&value);
        (is_share && value.scale() <= MONEY_PLACES).then_some(Self(share))
    }
}

impl Serialize for Discount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.number().serialize(serializer)
    }
}

/// An amount: a JSON number of at most two places, whole if whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money(Amount);

impl Money {
    fn new(amount: Amount) -> Result<Self, Reason> {
        let fits = amount.fixed(MONEY_PLACES).is_some();
        fits.then_some(Self(amount)).ok_or(Reason::new("amount_too_precise"))
    }

    /// An amount of the order, or none where it is no amount of the order's currency: the lead is
    /// worth more than its price.
    fn of(figure: Option<Figure>, currency: Currency) -> Result<Option<Self>, Reason> {
        figure.and_then(|figure| figure.amount(currency)).map(Self::new).transpose()
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.number().serialize(serializer)
    }
}

impl Lead {
    /// The lead of an order, or the reason that the network can never take it.
    pub(crate) fn of(order: &Order, click: Click) -> Result<Self, Reason> {
        let customer = &order.customer;
        let phone = customer.phone.as_deref().ok_or(Reason::new("no_phone"))?;
        let phone = Phone::parse(phone).ok_or(Reason::new("bad_phone"))?;
        let ip = PublicIp::first_of(customer.ip.as_deref().unwrap_or_default())?;
        let address = customer.address.clone().unwrap_or_default();
        let goods = Goods::of(order)?;
        // A script fills these in, or fails to: no fault of the order.
        let filled = |text: &Option<String>| text.clone().filter(|text| !is_place_holder(text));
        let is_filled = |value: &str| !value.trim().is_empty() && !is_place_holder(value);
        let params = order.custom.iter().filter(|(_, value)| is_filled(value));
        Ok(Self {
            id: OurId::of(&order.order_id),
            wm: click.wm.map(Source),
            offer: click.offer,
            name: filled(&customer.name),
            phone,
            email: filled(&customer.email.as_ref().map(|email| email.as_str().to_owned()))
                .filter(|email| email.contains('@')),
            ip,
            ua: filled(&customer.user_agent),
            country: customer.country.as_ref().map(|country| country.to_ascii_lowercase()),
            us: filled(&order.utm.source),
            uc: filled(&order.utm.campaign),
            un: filled(&order.utm.content),
            ut: filled(&order.utm.term),
            um: filled(&order.utm.medium),
            currency: order.currency.code(),
            index: filled(&address.postal_code),
            addr: filled(&address.line),
            area: filled(&address.region),
            city: filled(&address.city),
            street: filled(&address.street),
            base: goods.base,
            count: goods.count,
            discount: order.discount_percent.and_then(Discount::new),
            more: Money::of(order.surcharge, order.currency)?,
            comm: filled(&order.comment),
            item: goods.unpriced(),
            items: goods.priced,
            params: params.map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }

    /// Returns whether `word` is part of a personal fact of the lead or holds one: then it may not be kept.
    pub(crate) fn holds(&self, word: &str) -> bool {
        self.texts().any(|personal| shares(personal, word))
    }

    /// Returns whether the network's id holds digits of the customer's: as many in a row as the shortest
    /// telephone number has. Fewer are part of any number.
    pub(crate) fn is_echoed_in(&self, id: &str) -> bool {
        self.texts().any(|personal| {
            let digits: Vec<u8> = personal.bytes().filter(u8::is_ascii_digit).collect();
            let in_id = |part: &[u8]| id.as_bytes().windows(part.len()).any(|some| some == part);
            digits.windows(SHORTEST_PHONE).any(in_id)
        })
    }

    /// The personal facts.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let contact = [&self.name, &self.email, &self.ua, &self.comm];
        let address = [&self.index, &self.addr, &self.area, &self.city, &self.street];
        let utm = [&self.us, &self.uc, &self.un, &self.ut, &self.um];
        let texts = contact.into_iter().chain(address).chain(utm).flatten();
        let texts = texts.chain(self.params.values()).chain(self.wm.as_ref().map(|wm| &wm.0));
        texts.map(String::as_str).chain([self.phone.as_str()])
    }
}

/// The number of goods of a line; none of a discount.
fn pieces(item: &Item) -> Option<u64> {
    let amounts = [item.unit_price, item.total].into_iter().flatten();
    let is_discount = amounts.filter_map(Figure::decimal).any(|amount| amount < Decimal::ZERO);
    item.pieces().filter(|_| !is_discount).map(u64::from)
}

/// Returns whether one is part of the other, in any case. A short text is part of too many words.
pub(crate) fn shares(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    let mut parts = text.split(|c: char| !c.is_alphanumeric()).chain([text.as_str()]);
    text.contains(&word) || parts.any(|part| part.len() >= 4 && word.contains(part))
}

impl fmt::Debug for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The lines of an order in the network's terms: a line that names a good of its catalogue is a
/// nested good, the others are the offer's own good.
#[derive(Default)]
struct Goods {
    base: Option<Money>,
    count: Option<u64>,
    priced: Vec<Good>,
    without_price: Vec<u64>,
}

impl Goods {
    fn of(order: &Order) -> Result<Self, Reason> {
        let mut goods = Self::default();
        let mut own: Vec<&Item> = Vec::new();
        for item in &order.items {
            let reference = item.refs.get(CpaMoe::NAME).filter(|reference| !is_nothing(reference));
            let Some(reference) = reference else {
                own.push(item);
                continue;
            };
            let id = integer(1..=u64::MAX)(reference);
            let id = id.map_err(|_| Reason::new("invalid_good"))?;
            match (Money::of(item.unit_price, order.currency)?, item.pieces()) {
                (Some(price), Some(count)) => goods.priced.push(Good { id, price, count }),
                _ => goods.without_price.push(id),
            }
        }
        if let Some(first) = own.first() {
            // A line of 1.5 m, or a discount, makes no number of goods.
            let pieces: Option<u64> = own.iter().map(|item| pieces(item)).sum();
            goods.count = pieces;
            // Lines at several prices have no unit price in common, and none is made up.
            let one_price = own.iter().all(|item| item.unit_price == first.unit_price);
            let price = first.unit_price.filter(|_| one_price);
            goods.base = Money::of(price, order.currency)?;
        }
        Ok(goods)
    }

    fn unpriced(&self) -> Option<String> {
        let ids: Vec<_> = self.without_price.iter().map(u64::to_string).collect();
        (!ids.is_empty()).then(|| ids.join(","))
    }
}
