//! The answers to forms: each is shown behind a redirect, so that a reload of it repeats nothing.

use std::sync::Mutex;

use axum::response::{IntoResponse, Redirect, Response};
use maud::Markup;

use super::super::{
    lock,
    orders::{link, value},
};

/// The answers that are kept.
const KEPT: usize = 20;

/// The name of the pair with an answer's number.
const NAME: &str = "done";

/// The answers of late, behind the number of the last.
#[derive(Default)]
pub(in crate::console) struct Answers(Mutex<(usize, Vec<(usize, Markup)>)>);

impl Answers {
    /// Keeps an answer, and leads to it: to this path with these pairs.
    pub(in crate::console) fn redirect(
        &self,
        answer: Markup,
        path: &str,
        pairs: &[(&str, &str)],
    ) -> Response {
        let mut kept = lock(&self.0);
        kept.0 += 1;
        let id = kept.0;
        kept.1.insert(0, (id, answer));
        kept.1.truncate(KEPT);
        let id = id.to_string();
        let pairs = [pairs, &[(NAME, id.as_str())]].concat();
        Redirect::to(&link(path, &pairs)).into_response()
    }

    /// The answer that a query asks for, if it is still kept.
    pub(in crate::console) fn of(&self, pairs: &[(String, String)]) -> Option<Markup> {
        let id = value(pairs, NAME).parse().ok();
        let kept = lock(&self.0);
        kept.1.iter().find(|(known, _)| Some(*known) == id).map(|(_, answer)| answer.clone())
    }
}
