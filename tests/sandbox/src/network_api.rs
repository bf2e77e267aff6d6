//! The part the four networks share: each inspects a request first, and processes it afterwards, or not.

use crate::accounts::Accounts;
use crate::effects::Effect;
use crate::http::{Answer, Request};
use crate::query::Query;
use crate::settings::Settings;

/// One network's API.
pub(crate) trait NetworkApi {
    /// A request the network would process.
    type Call;

    /// Inspects a request and changes nothing.
    fn inspect(request: &Request, path: &str, context: &Context<'_>) -> Inspection<Self::Call>;

    /// Processes the call and remembers it.
    fn process(&mut self, call: Self::Call, context: &Context<'_>) -> Reply;
}

/// The time, the credentials and the settings a request meets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) now_ms: u64,
    pub(crate) accounts: &'a Accounts,
    pub(crate) settings: &'a Settings,
}

/// The result of inspecting a request.
#[derive(Debug)]
pub(crate) struct Inspection<C> {
    /// The name of the network's call, or `unknown`.
    pub(crate) call: &'static str,
    /// The values that identify the order; a list names many.
    pub(crate) keys: Vec<String>,
    /// The decoded query.
    pub(crate) params: Vec<(String, String)>,
    /// Everything the network's document forbids.
    pub(crate) violations: Vec<String>,
    /// The call to process, or the refusal.
    pub(crate) result: Result<C, Answer>,
}

/// The network's answer to a call, and its effect.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    /// The order's key, and what the network now holds of it.
    pub(crate) effect: Option<(String, Effect)>,
}

impl Reply {
    pub(crate) const fn without_effect(answer: Answer) -> Self {
        Self { answer, effect: None }
    }
}

impl<C> Inspection<C> {
    /// Collects the result. A request that is broken on the wire never reaches the network's code.
    pub(crate) fn new(
        call: &'static str,
        keys: Vec<String>,
        request: &Request,
        query: Query,
        mut violations: Vec<String>,
        result: Result<C, Answer>,
    ) -> Self {
        let broken = query.broken || !request.violations.is_empty();
        let mut all = request.violations.clone();
        all.extend(query.violations);
        all.append(&mut violations);
        Self {
            call,
            keys,
            params: query.pairs,
            violations: all,
            result: if broken { Err(Answer::page(400)) } else { result },
        }
    }

    /// A path or a method the network does not have.
    pub(crate) fn unknown(request: &Request, violation: String, answer: Answer) -> Self {
        let query = Query::parse(&request.query, None);
        Self::new("unknown", Vec::new(), request, query, vec![violation], Err(answer))
    }
}

/// Refuses everything but a GET of the documented path; for the networks with one path.
pub(crate) fn refuse_unless_get<C>(
    request: &Request,
    path: &str,
    documented: &str,
) -> Option<Inspection<C>> {
    if path != documented {
        let violation = format!("{path} is not the documented path {documented}");
        return Some(Inspection::unknown(request, violation, Answer::page(404)));
    }
    if request.method != "GET" {
        let answer = Answer::page(405).with_header("allow", "GET");
        let violation = format!("{} instead of GET", request.method);
        return Some(Inspection::unknown(request, violation, answer));
    }
    None
}

/// Notes a GET with a body.
pub(crate) fn check_no_body(request: &Request, violations: &mut Vec<String>) {
    if !request.body.is_empty() {
        violations.push("a GET with a body".to_owned());
    }
}
