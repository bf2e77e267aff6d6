//! The secrets of one console: the token in its URL, the session and the key of its forms.

use std::{fmt::Write, sync::Mutex};

use super::lock;

/// The bytes of each.
const BYTES: usize = 32;

pub(super) struct Keys {
    /// The token; `None` once a browser has used it.
    token: Mutex<Option<String>>,
    session: String,
    form: String,
}

impl Keys {
    /// Three keys of random bytes.
    pub(super) fn new(mut random: impl FnMut(&mut [u8])) -> Self {
        let mut key = || {
            let mut bytes = [0; BYTES];
            random(&mut bytes);
            bytes.iter().fold(String::new(), |mut text, byte| {
                let _infallible = write!(text, "{byte:02x}");
                text
            })
        };
        let (token, session, form) = (key(), key(), key());
        Self { token: Mutex::new(Some(token)), session, form }
    }

    /// The token, unless it is used up.
    pub(super) fn token(&self) -> String {
        lock(&self.token).clone().unwrap_or_default()
    }

    /// Exchanges the token for the session: once.
    pub(super) fn enter(&self, given: &str) -> Option<&str> {
        let mut token = lock(&self.token);
        let right = token.as_ref().is_some_and(|token| is_same(token, given));
        right.then(|| {
            *token = None;
            self.session.as_str()
        })
    }

    pub(super) fn is_session(&self, given: &str) -> bool {
        is_same(&self.session, given)
    }

    /// The key of the forms.
    pub(super) fn form(&self) -> &str {
        &self.form
    }

    pub(super) fn is_form(&self, given: &str) -> bool {
        is_same(&self.form, given)
    }
}

/// Compares without stopping at the first difference.
fn is_same(one: &str, other: &str) -> bool {
    let differences = one.bytes().zip(other.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differences == 0
}
