//! The choice of lines.

use std::fmt;

use super::line::Line;

/// A condition on a member: `verdict=retrying`, `status=5*`, `verdict!=delivered`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    name: String,
    value: String,
    /// True if the member has to be another.
    not: bool,
}

/// The lines that are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) order_id: Option<String>,
    pub(super) code: Option<String>,
    pub(super) others: Vec<Condition>,
}

impl Condition {
    /// Parses `NAME=VALUE` or `NAME!=VALUE`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("it has the form NAME=VALUE")?;
        let (name, not) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
        Ok(Self { name: name.to_owned(), value: value.to_owned(), not })
    }

    fn holds(&self, line: &Line) -> bool {
        let found = line.member(&self.name);
        found.is_some_and(|found| fits(&self.value, &found) != self.not)
    }
}

impl Filter {
    /// Returns whether the line is wanted.
    pub(super) fn takes(&self, line: &Line) -> bool {
        let order_id = self.order_id.as_ref();
        !line.is_metrics()
            && order_id.is_none_or(|id| line.member("order_id").as_ref() == Some(id))
            && self
                .code
                .as_ref()
                .is_none_or(|code| line.member("code").is_some_and(|it| fits(code, &it)))
            && self.others.iter().all(|condition| condition.holds(line))
    }

    /// The pattern by which CloudWatch leaves out most of what is not wanted; `takes` decides. A value that the pattern's
    /// language could read otherwise is not in it.
    pub(super) fn pattern(&self) -> Option<String> {
        let plain = |value: &&String| {
            value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let term = |name, value| format!(r#"($.{name} = "{value}")"#);
        let order_id = self.order_id.as_ref().filter(plain).map(|id| term("order_id", id));
        let code = self.code.as_ref().filter(plain).map(|code| term("code", code));
        let terms: Vec<_> = [order_id, code].into_iter().flatten().collect();
        (!terms.is_empty()).then(|| format!("{{ {} }}", terms.join(" && ")))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order_id = self.order_id.iter().map(|id| format!("order_id={id}"));
        let code = self.code.iter().map(|code| format!("code={code}"));
        let others = self.others.iter().map(|Condition { name, value, not }| {
            format!("{name}{}={value}", if *not { "!" } else { "" })
        });
        let all: Vec<_> = order_id.chain(code).chain(others).collect();
        if all.is_empty() { Ok(()) } else { write!(f, " with {}", all.join(", ")) }
    }
}

/// Returns whether a text is the wanted one, or begins with it where that ends with `*`.
fn fits(wanted: &str, text: &str) -> bool {
    wanted.strip_suffix('*').map_or(text == wanted, |start| text.starts_with(start))
}
