//! The templates of `adv_sub2` to `adv_unique5`: literal text and fields of the order in braces.

use postback_core::{
    fields::{Invalid, is_place_holder, text},
    order::Figure,
};
use serde_json::Value;

use crate::{
    ADV_CHARS, Report,
    report::{Line, OrderFacts},
};

/// A setting such as `{currency}` or `tier-{category}`, checked: every name in braces is a field.
#[derive(Clone, Debug)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Order(&'static str, fn(&OrderFacts) -> Option<String>),
    Line(&'static str, fn(&Line) -> Option<String>),
    Custom(String),
}

type Fields<T> = &'static [(&'static str, fn(&T) -> Option<String>)];

const OF_ORDER: Fields<OrderFacts> = &[
    ("order_id", |order| Some(order.order_id.clone())),
    ("currency", |order| Some(order.currency.code().to_owned())),
    ("total", |order| Some(order.total.shortest())),
    ("tax", |order| order.tax.and_then(Figure::shortest)),
    ("shipping", |order| order.shipping.and_then(Figure::shortest)),
    ("surcharge", |order| order.surcharge.and_then(Figure::shortest)),
    ("discount_percent", |order| order.discount_percent.and_then(Figure::shortest)),
    ("country", |order| order.country.clone()),
];

const OF_LINE: Fields<Line> = &[
    ("line", |line| Some(line.position.to_string())),
    ("sku", |line| line.sku.clone()),
    ("item_name", |line| line.name.clone()),
    ("category", |line| line.category.clone()),
    ("ref", |line| line.reference.clone()),
    ("quantity", |line| line.quantity.shortest()),
    ("unit_price", |line| line.unit_price.and_then(Figure::shortest)),
    ("line_amount", |line| Some(line.amount.shortest())),
];

/// The prefix of the name of a member of `custom`.
const CUSTOM: &str = "custom.";

impl Template {
    /// Parses a setting. The fault lists the fields that exist, and never quotes the setting.
    pub(crate) fn from_json(setting: &Value) -> Result<Self, Invalid> {
        let setting = text(ADV_CHARS)(setting)?;
        if setting.trim() != setting {
            let detail = "must have no outer blanks or line ends";
            return Err(Invalid::new("outer_blanks", detail));
        }
        let mut parts = Vec::new();
        let mut rest = setting.as_str();
        while let Some(brace) = rest.find(['{', '}']) {
            let (literal, field) = rest.split_at(brace);
            let field = field.strip_prefix('{').and_then(|field| field.split_once('}'));
            let Some((name, after)) = field else {
                return Err(Invalid::new("bad_template", "has a brace without its partner"));
            };
            parts.push(Part::Literal(literal.to_owned()));
            parts.push(Part::named(name).ok_or_else(unknown_field)?);
            rest = after;
        }
        parts.push(Part::Literal(rest.to_owned()));
        Ok(Self(parts))
    }

    /// Returns whether it names a field of a line.
    pub(crate) fn needs_line(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Line(..)))
    }

    /// Returns whether it names the field `name` of the order or of a line.
    pub(crate) fn names(&self, name: &str) -> bool {
        let is_named = |part: &Part| match part {
            Part::Order(field, _) | Part::Line(field, _) => *field == name,
            Part::Literal(_) | Part::Custom(_) => false,
        };
        self.0.iter().any(is_named)
    }

    /// Returns whether it names a member of the shop's own.
    pub(crate) fn names_custom(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Custom(_)))
    }

    /// The text for `report`; `None` if it is blank, or a place holder that no script filled in.
    pub(crate) fn resolve(&self, report: &Report) -> Option<String> {
        let value: String = self.0.iter().filter_map(|part| part.resolve(report)).collect();
        (!value.trim().is_empty() && !is_place_holder(&value)).then_some(value)
    }
}

impl Part {
    fn named(name: &str) -> Option<Self> {
        if let Some((field, read)) = OF_ORDER.iter().find(|(known, _)| *known == name) {
            return Some(Self::Order(field, *read));
        }
        if let Some((field, read)) = OF_LINE.iter().find(|(known, _)| *known == name) {
            return Some(Self::Line(field, *read));
        }
        let member = name.strip_prefix(CUSTOM).filter(|member| !member.trim().is_empty())?;
        Some(Self::Custom(member.to_owned()))
    }

    fn resolve(&self, report: &Report) -> Option<String> {
        match self {
            Self::Literal(text) => Some(text.clone()),
            Self::Order(_, read) => read(report.order()),
            Self::Line(_, read) => report.line().and_then(read),
            Self::Custom(member) => report.order().custom.get(member).cloned(),
        }
    }
}

fn unknown_field() -> Invalid {
    let order = OF_ORDER.iter().map(|(name, _)| *name);
    let names: Vec<_> = order.chain(OF_LINE.iter().map(|(name, _)| *name)).collect();
    let names = names.join(", ");
    Invalid::new("unknown_field", format!("may name in braces only: {names}, {CUSTOM}<member>"))
}
