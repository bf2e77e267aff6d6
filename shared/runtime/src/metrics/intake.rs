//! The measurements of intake, and of direct calls: of one order that came, or of one that was refused.

use postback_core::{
    clock::Timestamp,
    order::first_fault,
    problem::{Code, Problem},
};
use serde_json::{Map, Value, json};

use super::NAMESPACE;

/// The measurements of intake, with the dimensions of each.
const METRICS: [(&str, &str, &[&[&str]]); 6] = [
    ("OrdersTaken", "Count", &[&["Stack"], &["Stack", "Source"]]),
    ("OrdersConcerning", "Count", &[&["Stack", "Network"]]),
    ("OrdersWithClick", "None", &[&["Stack"]]),
    ("ClickCookies", "Count", &[&["Stack", "Cookie"]]),
    ("OrdersRefused", "Count", &[&["Stack", "Reason"]]),
    // 1 for a refused order, 0 for one that was taken: the average is the share.
    ("OrderRefused", "None", &[&["Stack"]]),
];

/// An order as intake measures it. Words of closed lists only, nothing of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intake {
    /// An order was taken.
    Taken {
        /// The way by which it came: `api`, `webhook`, `bus` or `direct`.
        source: &'static str,
        /// The networks that it concerns.
        networks: Vec<&'static str>,
        /// True if it has a click of a network that is on; `None` if that does not matter.
        with_click: Option<bool>,
        /// The result of reading its capture cookie; `None` if that does not matter.
        cookie: Option<&'static str>,
    },
    /// An order, or what was sent as one, was refused for this reason.
    Refused(&'static str),
}

impl Intake {
    /// An order that a direct call brought to one network. Its rule on the bus judged nothing.
    pub(crate) const DIRECT: Self =
        Self::Taken { source: "direct", networks: Vec::new(), with_click: None, cookie: None };

    /// The refusal of an order with this problem, by its first fault or else by the problem's code;
    /// `None` if the reason is not in what was sent.
    #[must_use]
    pub fn refusal(problem: &Problem) -> Option<Self> {
        let code = problem.code;
        let is_refusal = matches!(code.status(), 400 | 402..500) && code != Code::WebhookOff;
        let reason = first_fault(&problem.errors).unwrap_or(code.as_str());
        is_refusal.then_some(Self::Refused(reason))
    }

    /// The documents to be written, each a line of its own: one, and one more for each network
    /// after the first.
    #[must_use]
    pub fn documents(&self, stack: &str, now: Timestamp) -> Vec<Value> {
        let finish = |members: Map<String, Value>| document(members, stack, now);
        match self {
            Self::Taken { source, networks, with_click, cookie } => {
                let mut first = Map::from_iter([
                    ("OrdersTaken".to_owned(), json!(1)),
                    ("OrderRefused".to_owned(), json!(0)),
                    ("Source".to_owned(), json!(source)),
                ]);
                let with_click = with_click.map(|with_click| json!(u8::from(with_click)));
                first.extend(with_click.map(|value| ("OrdersWithClick".to_owned(), value)));
                if let Some(cookie) = cookie {
                    first.insert("ClickCookies".to_owned(), json!(1));
                    first.insert("Cookie".to_owned(), json!(cookie));
                }
                first.extend(networks.first().into_iter().flat_map(concerning));
                let more = networks.iter().skip(1).map(concerning).map(Map::from_iter);
                std::iter::once(first).chain(more).map(finish).collect()
            }
            Self::Refused(reason) => vec![finish(Map::from_iter([
                ("OrdersRefused".to_owned(), json!(1)),
                ("OrderRefused".to_owned(), json!(1)),
                ("Reason".to_owned(), json!(reason)),
            ]))],
        }
    }
}

fn concerning(network: &&'static str) -> [(String, Value); 2] {
    [("OrdersConcerning".to_owned(), json!(1)), ("Network".to_owned(), json!(network))]
}

fn document(mut members: Map<String, Value>, stack: &str, now: Timestamp) -> Value {
    let written = METRICS.iter().filter(|(name, ..)| members.contains_key(*name));
    let directives = written.map(|(name, unit, dimensions)| {
        let metrics = [json!({ "Name": name, "Unit": unit })];
        json!({ "Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics })
    });
    let directives: Vec<_> = directives.collect();
    let about = json!({ "Timestamp": now.as_millis(), "CloudWatchMetrics": directives });
    members.insert("_aws".to_owned(), about);
    members.insert("Stack".to_owned(), json!(stack));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use postback_core::fields::Fault;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_763_000_000_000);

    #[test]
    fn an_order_is_counted_by_its_source_and_once_for_each_network() {
        let networks = vec!["one", "two"];
        let taken = Intake::Taken {
            source: "api",
            networks,
            with_click: Some(false),
            cookie: Some("forged"),
        };

        let documents = taken.documents("shop", NOW);

        assert_eq!(documents.len(), 2);
        let first = &documents[0];
        assert_eq!((&first["OrdersTaken"], &first["Source"]), (&json!(1), &json!("api")));
        assert_eq!((&first["OrdersConcerning"], &first["Network"]), (&json!(1), &json!("one")));
        assert_eq!((&first["OrdersWithClick"], &first["Stack"]), (&json!(0), &json!("shop")));
        assert_eq!((&first["ClickCookies"], &first["Cookie"]), (&json!(1), &json!("forged")));
        assert_eq!(documents[1]["Network"], "two");
        assert_eq!(documents[1].get("OrdersTaken"), None);
    }

    #[test]
    fn a_refusal_is_counted_by_the_first_fault_of_a_closed_list() {
        let reason = |code: Code, faults: &[&'static str]| {
            let fault = |&code: &&'static str| {
                let (pointer, detail) = ("/total".to_owned(), "no".into());
                Fault { pointer, code, detail }
            };
            let errors = faults.iter().map(fault).collect();
            Intake::refusal(&Problem { errors, ..Problem::new(code, "Fix it.") })
        };

        let invalid = |faults: &[&'static str]| reason(Code::InvalidOrder, faults);
        assert_eq!(invalid(&["negative", "missing"]), Some(Intake::Refused("negative")));
        assert_eq!(invalid(&["of_no_order"]), Some(Intake::Refused("invalid_order")));
        assert_eq!(reason(Code::TooLarge, &[]), Some(Intake::Refused("too_large")));
        assert_eq!(reason(Code::BusUnavailable, &[]), None);
        assert_eq!(reason(Code::WebhookOff, &[]), None);
    }

    #[test]
    fn every_dimension_that_is_declared_has_a_value() {
        let networks = vec!["one", "two"];
        for measured in [
            Intake::Taken { source: "bus", networks, with_click: Some(true), cookie: Some("read") },
            Intake::Taken { source: "bus", networks: Vec::new(), with_click: None, cookie: None },
            Intake::Refused("invalid_order"),
        ] {
            for document in measured.documents("shop", NOW) {
                let directives = document["_aws"]["CloudWatchMetrics"].as_array().expect("some");
                assert!(!directives.is_empty());
                for dimension in directives
                    .iter()
                    .flat_map(|directive| directive["Dimensions"].as_array().expect("sets"))
                    .flat_map(|set| set.as_array().expect("names"))
                {
                    let name = dimension.as_str().expect("a name");
                    assert!(document[name].is_string(), "{document}: {name}");
                }
            }
        }
    }
}
