//! The door: no request reaches a page but one of the browser that opened the console's URL.
//!
//! A page of a hostile site can make a browser send requests here, also under a name that it makes
//! resolve to 127.0.0.1. So the host, the origin, the session and the key of a form are checked.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{self, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Console, layout};
use crate::failure::Failure;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The headers of every response. `same-origin`, because a browser that may say nothing of where it
/// comes from sends no origin with a form.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The form that only compares a report with the ledger: it takes a file, and changes nothing.
const COMPARES: &str = "/decide/report";

/// The path of the URL that is opened.
const ENTRY: &str = "/open";

pub(super) async fn guard(
    State(console): State<Arc<Console>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match refused(&console, &request) {
        Some(refused) => refused,
        None if request.uri().path() == ENTRY => enter(&console, request.uri().query()),
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The answer to a request that reaches no page; `None` if it may.
fn refused(console: &Console, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let port = console.port;
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let host = text(headers, &HOST);
    if !hosts.iter().any(|own| Some(own.as_str()) == host) {
        let why = "This console answers to 127.0.0.1 and localhost only.";
        return Some((StatusCode::MISDIRECTED_REQUEST, why).into_response());
    }
    let is_own = |origin: &str| host.is_some_and(|host| origin == format!("http://{host}"));
    let from_elsewhere = match text(headers, &ORIGIN) {
        Some(origin) => !is_own(origin),
        // A browser names the origin of every form.
        None => request.method() != Method::GET,
    };
    let site = text(headers, &HeaderName::from_static("sec-fetch-site"));
    if from_elsewhere || site.is_some_and(|site| site != "same-origin" && site != "none") {
        let why = "The request comes from another site.";
        return Some((StatusCode::FORBIDDEN, why).into_response());
    }
    if request.uri().path() == ENTRY {
        return None;
    }
    if !session(headers, port).is_some_and(|given| console.keys.is_session(given)) {
        let why = "No session. Open the URL that `postback console` printed; it is good for one \
                   browser. For another one, start the console again.";
        return Some((StatusCode::UNAUTHORIZED, why).into_response());
    }
    let only_reads = request.method() == Method::GET || request.uri().path() == COMPARES;
    if !only_reads && !console.writes {
        return Some(layout::failure(console, &Failure::ReadOnly));
    }
    None
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// The name of the cookie: browsers share cookies between the ports of a host.
fn cookie(port: u16) -> String {
    format!("postback-{port}")
}

fn session(headers: &HeaderMap, port: u16) -> Option<&str> {
    let name = cookie(port);
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split("; ")).filter_map(|it| it.split_once('='));
    pairs.find(|(given, _)| *given == name).map(|(_, value)| value)
}

/// Exchanges the token of the URL for a session.
fn enter(console: &Console, query: Option<&str>) -> Response {
    let given = query.and_then(|query| query.strip_prefix("token=")).unwrap_or_default();
    let Some(session) = console.keys.enter(given) else {
        let why = "This URL is used up, or was never right. Start the console again for another.";
        return (StatusCode::UNAUTHORIZED, why).into_response();
    };
    let cookie = format!("{}={session}; HttpOnly; SameSite=Strict; Path=/", cookie(console.port));
    (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, "/".to_owned())]).into_response()
}
