//! What holds for any network.

use std::time::Duration;

use fastrand::Rng;
use postback_core::{
    delivery::{Attempt, Fingerprint, Verdict},
    fields::{self, Fields, UnknownFields, looks_like_template},
    http::{Answer, Request},
    network::{Classification, Network, Plan, configure},
    order::Order,
};
use serde_json::{Value, json};
use url::Url;

use crate::{
    NOW,
    corpus::{recorded, verdict_words},
    noise, report,
    settings::put,
};

/// What a network's crate gives the suite.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Its settings, with a canary for each secret.
    pub settings: Value,
    /// Other settings, as different as they can be for the same deliveries to be told.
    pub other_settings: Value,
    /// A whole order that concerns it, with a canary for each personal datum and a click.
    pub order: Value,
    /// Secrets and personal data, the click id among them: what may stand in the request and
    /// nowhere else. Each at least 6 characters and part of no other word.
    pub canaries: &'a [&'a str],
    /// The query parameters that are credentials, with their values.
    pub credentials: &'a [(&'a str, &'a str)],
    /// The member of the order without which it does not concern the network, as a JSON pointer.
    pub concern: &'a str,
    /// The reason of the skip without [`Self::concern`].
    pub without: &'a str,
    /// Whether it ever confirms. If not, an answer that says nothing may be accepted.
    pub confirms: bool,
    /// The folder of its answers.
    pub answers: &'a str,
}

/// What holds for any network: requests, transport, noise, redaction, what is told.
///
/// # Panics
/// If something does not hold, naming all of it.
pub fn conforms<N: Network>(subject: &Subject<'_>) {
    let network = configured::<N>(&subject.settings);
    let order = order(&subject.order);
    let told = tell(&network, &order);
    assert!(!told.is_empty(), "the order does not concern the network");
    let bench = Bench { network, told, subject };

    let checks: [(&str, Check<'_, N>); 7] = [
        ("requests", Bench::requests_are_well_formed),
        ("transport", Bench::the_transport_is_read_alike),
        ("noise", Bench::nothing_is_delivered_from_noise),
        ("redaction", Bench::nothing_panics_and_nothing_is_given_away),
        ("content", Bench::the_content_is_the_orders_alone),
        ("concern", Bench::what_does_not_concern_it_is_not_told),
        ("clicks", Bench::clicks_are_checked),
    ];
    let mut faults = Vec::new();
    for (name, check) in checks {
        let mut found = Vec::new();
        check(&bench, &mut found);
        found.dedup();
        let more = found.len().saturating_sub(MOST);
        faults.extend(found.into_iter().take(MOST).map(|fault| format!("{name}: {fault}")));
        faults.extend((more > 0).then(|| format!("{name}: and {more} more")));
    }
    report(N::NAME, &faults);
}

/// How many faults of one kind are named.
const MOST: usize = 40;

type Check<'a, N> = fn(&Bench<'a, N>, &mut Vec<String>);

struct Bench<'a, N: Network> {
    network: N,
    told: Vec<N::Report>,
    subject: &'a Subject<'a>,
}

impl<N: Network> Bench<'_, N> {
    fn read(&self, answer: &Answer, attempt: &Attempt) -> Classification {
        self.network.verdict(&self.told[0], answer, attempt)
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        self.read(answer, &Attempt::first(NOW)).verdict
    }

    fn canary_in(&self, text: &str) -> Option<&str> {
        self.subject.canaries.iter().copied().find(|canary| text.contains(canary))
    }

    fn requests_are_well_formed(&self, faults: &mut Vec<String>) {
        for attempt in [Attempt::first(NOW), Attempt::after_a_lost_answer(NOW)] {
            for told in &self.told {
                let request = self.network.request(told, &attempt);
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
        let query = url.query().unwrap_or_default();
        if query.contains(['+', ' ', '{', '"']) || !query.is_ascii() {
            faults.push("a query value is not percent-encoded".to_owned());
        }
        let pairs: Vec<_> = url.query_pairs().collect();
        for (index, (name, value)) in pairs.iter().enumerate() {
            if value.is_empty() || looks_like_template(value) {
                faults.push(format!("`{name}` is sent empty or as a place holder"));
            }
            if pairs[..index].iter().any(|(earlier, _)| earlier == name) {
                faults.push(format!("`{name}` is sent twice"));
            }
        }
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

    fn the_transport_is_read_alike(&self, faults: &mut Vec<String>) {
        let classes: [(&[u16], &str); 5] = [
            (&[301, 302, 303, 307, 308], "parked"),
            (&[401, 403, 404, 405, 410], "parked"),
            (&[400, 413, 414, 422], "rejected"),
            (&[429, 503, 521, 522, 523], "retrying"),
            (&[500, 502, 504, 520, 524], "unconfirmed"),
        ];
        let bodies = [Vec::new(), b"garbage".to_vec()].into_iter().chain(noise::pages());
        for body in bodies {
            for (statuses, expected) in &classes {
                for status in *statuses {
                    let mut answer = Answer::new(*status, body.clone());
                    answer.retry_after = Some(Duration::from_secs(77));
                    let verdict = self.verdict(&answer);
                    let words = verdict_words(&verdict);
                    if words[0] != **expected {
                        faults.push(format!("{status} is `{}`, not {expected}", words.join(" ")));
                    }
                    if let Verdict::Retry { after, sent, .. } = verdict
                        && (after != answer.retry_after || !sent)
                    {
                        faults.push(format!("{status}: Retry-After, or that it was sent, is lost"));
                    }
                }
            }
        }
    }

    fn nothing_is_delivered_from_noise(&self, faults: &mut Vec<String>) {
        let means_nothing = |verdict: &Verdict| match verdict {
            Verdict::Unconfirmed { .. } => true,
            Verdict::Accepted(_) => !self.subject.confirms,
            _ => false,
        };
        let mut rng = Rng::with_seed(1);
        let random = (0..2_000).map(|_| noise::random(&mut rng));
        for body in noise::nothings().into_iter().chain(random) {
            for status in [200, 204] {
                let verdict = self.verdict(&Answer::new(status, body.clone()));
                if !means_nothing(&verdict) {
                    let (start, is) = (excerpt(&body), verdict_words(&verdict).join(" "));
                    faults.push(format!("{status} {start} is `{is}`"));
                }
            }
        }
        for body in noise::pages() {
            let verdict = self.verdict(&Answer::new(200, body.clone()));
            if !matches!(verdict, Verdict::Unconfirmed { .. }) {
                let (start, is) = (excerpt(&body), verdict_words(&verdict).join(" "));
                faults.push(format!("200 {start} is `{is}`"));
            }
        }
    }

    fn nothing_panics_and_nothing_is_given_away(&self, faults: &mut Vec<String>) {
        let mut rng = Rng::with_seed(2);
        let files = recorded(self.subject.answers);
        for round in 0..4_000 {
            let file = &files[round % files.len()];
            let status = if rng.bool() { 200 } else { rng.u16(100..600) };
            let answer = Answer::new(status, noise::mutated(&mut rng, &file.answer.body));
            let attempt = Attempt {
                number: rng.u32(1..30),
                at: NOW,
                reached_network_before: rng.bool(),
                in_doubt: rng.bool(),
            };
            self.gives_nothing_away(&answer, &attempt, &file.name, faults);
        }
        // Where the network's own id or code stands, too: what stands there may be an echo.
        for file in &files {
            for canary in self.subject.canaries {
                for body in noise::each_word_replaced(&file.answer.body, canary) {
                    let answer = Answer { body, ..file.answer.clone() };
                    self.gives_nothing_away(&answer, &file.attempt, &file.name, faults);
                }
            }
        }
    }

    fn gives_nothing_away(
        &self,
        answer: &Answer,
        attempt: &Attempt,
        name: &str,
        faults: &mut Vec<String>,
    ) {
        let reading = self.read(answer, attempt);
        let kept = json!([reading.references, reading.details]);
        for shown in [kept.to_string(), format!("{reading:?}"), format!("{answer:?}")] {
            if let Some(canary) = self.canary_in(&shown) {
                faults.push(format!("{name}: an answer that echoes {canary} gives it away"));
            }
        }
    }

    fn the_content_is_the_orders_alone(&self, faults: &mut Vec<String>) {
        let fingerprints =
            |told: &[N::Report]| -> Vec<_> { told.iter().map(Fingerprint::of).collect() };
        let content = fingerprints(&self.told);
        let other = configured::<N>(&self.subject.other_settings);

        if fingerprints(&tell(&other, &order(&self.subject.order))) != content {
            faults.push("the content changes with the settings".to_owned());
        }
        let mut dearer = self.subject.order.clone();
        put(&mut dearer, "/total", json!("31337"));
        if fingerprints(&tell(&self.network, &order(&dearer))) == content {
            faults.push("another total is the same content".to_owned());
        }
    }

    fn what_does_not_concern_it_is_not_told(&self, faults: &mut Vec<String>) {
        for status in ["pending", "cancelled", "refunded"] {
            let mut value = self.subject.order.clone();
            put(&mut value, "/status", json!(status));
            let phrase = phrase(&self.network, &order(&value));
            if phrase != Some("skipped not_completed".to_owned()) {
                faults.push(format!("an order that is {status} is {phrase:?}"));
            }
        }
        let without = format!("skipped {}", self.subject.without);
        let mut value = self.subject.order.clone();
        remove(&mut value, self.subject.concern);
        let is = phrase(&self.network, &order(&value));
        if is.as_ref() != Some(&without) {
            faults.push(format!("without {}: {is:?}, not `{without}`", self.subject.concern));
        }
        let is_text =
            self.subject.order.pointer(self.subject.concern).is_some_and(Value::is_string);
        let left_behind = ["", " \t", "undefined", "null", "{click_id}", "{the click id}"];
        for word in left_behind.into_iter().filter(|_| is_text) {
            let mut value = self.subject.order.clone();
            put(&mut value, self.subject.concern, json!(word));
            // What is refused at the edge never gets as far.
            let Ok(order) = Order::read(&value, UnknownFields::Deny) else { continue };
            if phrase(&self.network, &order).is_none() {
                faults.push(format!("`{word}` at {} is told", self.subject.concern));
            }
        }
    }

    /// The members of the order's click are taken; of another type, or one too many, they are refused.
    fn clicks_are_checked(&self, faults: &mut Vec<String>) {
        let check = |click: &Value| {
            fields::read(click, UnknownFields::Deny, |fields: &mut Fields<'_, '_>| {
                N::check_click(fields);
                Some(())
            })
        };
        let click = self.subject.order.pointer(&format!("/clicks/{}", N::NAME));
        let click = click.cloned().unwrap_or_else(|| json!({}));
        if let Err(refused) = check(&click) {
            faults.push(format!("the order's click is refused: {refused:?}"));
        }
        let names = click.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        for name in names.chain(["no_such_member"]) {
            let mut click = click.clone();
            click[name] = json!({ "canary": "canary" });
            match check(&click) {
                Ok(()) => faults.push(format!("a click with a wrong `{name}` is taken")),
                Err(refused) if format!("{refused:?}").contains("canary") => {
                    faults.push(format!("the fault of `{name}` quotes its value"));
                }
                Err(refused)
                    if !refused.iter().any(|fault| fault.pointer == format!("/{name}")) =>
                {
                    faults.push(format!("the fault of `{name}` does not name it"));
                }
                Err(_) => {}
            }
        }
    }
}

fn configured<N: Network>(settings: &Value) -> N {
    let configured = configure::<N>(&settings.to_string());
    configured.unwrap_or_else(|faults| panic!("the settings are refused: {faults:?}"))
}

fn order(value: &Value) -> Order {
    let order = Order::read(value, UnknownFields::Deny);
    order.unwrap_or_else(|faults| panic!("the order is refused: {faults:?}"))
}

fn tell<N: Network>(network: &N, order: &Order) -> Vec<N::Report> {
    match network.plan(order) {
        Plan::Send(told) => told.into_iter().map(|told| told.report).collect(),
        Plan::Skip(_) | Plan::Reject(_) => Vec::new(),
    }
}

/// What an order comes to without a request; `None` when it is told.
fn phrase<N: Network>(network: &N, order: &Order) -> Option<String> {
    match network.plan(order) {
        Plan::Send(_) => None,
        Plan::Skip(reason) => Some(format!("skipped {reason}")),
        Plan::Reject(reason) => Some(format!("rejected {reason}")),
    }
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    let removed = value.pointer_mut(parent).and_then(Value::as_object_mut);
    let removed = removed.and_then(|members| members.remove(name));
    assert!(removed.is_some(), "there is nothing at `{pointer}`");
}

fn excerpt(body: &[u8]) -> String {
    let start = &body[..body.len().min(60)];
    format!("{:?}", String::from_utf8_lossy(start))
}
