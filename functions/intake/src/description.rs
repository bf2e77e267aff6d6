//! `GET /openapi.json`: the committed document.

use postback_runtime::lambda::api::{self, Response};

const DOCUMENT: &str = include_str!("../openapi.json");

pub(crate) fn answer() -> Response {
    api::respond(200, "application/json", DOCUMENT.to_owned(), &[])
}
