//! The requests of any network.

use postback_core::{delivery::Attempt, fields::is_place_holder, http::Request, network::Network};
use serde_json::Value;
use url::Url;

use super::Bench;
use crate::NOW;

impl<N: Network> Bench<'_, N> {
    pub(super) fn requests_are_well_formed(&self, faults: &mut Vec<String>) {
        for attempt in [Attempt::first(NOW), Attempt::after_a_lost_answer(NOW)] {
            for report in &self.reports {
                let request = self.network.request(report, &attempt);
                self.request_is_well_formed(&request, faults);
            }
        }
    }

    fn request_is_well_formed(&self, request: &Request, faults: &mut Vec<String>) {
        let own = Url::parse(N::ENDPOINT).unwrap_or_else(|error| panic!("ENDPOINT: {error}"));
        let url = request.url(&own);
        if own.scheme() != "https" || url.origin() != own.origin() {
            faults.push("the request goes elsewhere, or not by https".to_owned());
        }
        if let Some(stand_in) = Url::parse("http://localhost:9/below/").ok().filter(|url| {
            let below = request.url(url);
            below.path() != format!("/below{}", request.url(&own).path())
        }) {
            faults.push(format!("the request does not stay below {stand_in}"));
        }
        if self.canary_in(url.path()).is_some() || !url.username().is_empty() {
            faults.push("a canary stands in the path".to_owned());
        }
        Self::query_is_well_formed(&url, faults);
        let pairs: Vec<_> = url.query_pairs().collect();
        let body = request.body().map(Value::to_string).unwrap_or_default();
        for (name, value) in self.subject.credentials {
            if !pairs.iter().any(|pair| pair.0 == *name && pair.1 == *value) {
                faults.push(format!("the credential `{name}` is not in the query"));
            }
            if body.contains(value) {
                faults.push(format!("the credential `{name}` is in the body"));
            }
        }
        if request.body().is_some_and(|body| !body.is_object()) {
            faults.push("the body is no JSON object".to_owned());
        }
        if let Some(canary) = self.canary_in(&format!("{request:?}")) {
            faults.push(format!("Debug of the request shows {canary}"));
        }
    }

    fn query_is_well_formed(url: &Url, faults: &mut Vec<String>) {
        let query = url.query().unwrap_or_default();
        if query.contains(['+', ' ', '{', '"']) || !query.is_ascii() {
            faults.push("a query value is not percent-encoded".to_owned());
        }
        let pairs: Vec<_> = url.query_pairs().collect();
        for (index, (name, value)) in pairs.iter().enumerate() {
            if value.is_empty() || is_place_holder(value) {
                faults.push(format!("`{name}` is sent empty or as a place holder"));
            }
            if pairs[..index].iter().any(|(earlier, _)| earlier == name) {
                faults.push(format!("`{name}` is sent twice"));
            }
        }
    }
}
