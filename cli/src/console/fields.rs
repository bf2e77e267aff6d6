//! The fields of a form that was sent, and of a query.

use std::sync::Arc;

use axum::{
    Form,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::Console;

/// The pairs of a form whose key was right.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of a field; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.trim()).unwrap_or_default()
    }

    /// The pairs, but for the key of the form.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

impl FromRequest<Arc<Console>> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Response> {
        let form = Form::<Vec<(String, String)>>::from_request(request, console).await;
        let Form(pairs) = form.map_err(IntoResponse::into_response)?;
        Self::checked(pairs, console).ok_or_else(wrong_key)
    }
}

impl Fields {
    /// The pairs of a form; `None` if its key is wrong.
    pub(super) fn checked(mut pairs: Vec<(String, String)>, console: &Console) -> Option<Self> {
        let keys: Vec<_> = pairs.extract_if(.., |(name, _)| name == "key").collect();
        keys.iter().any(|(_, key)| console.keys.is_form(key)).then_some(Self(pairs))
    }
}

/// The answer to a form whose key is wrong.
pub(super) fn wrong_key() -> Response {
    let why = "The form is not of this console, or of an earlier one. Load the page again.";
    (StatusCode::FORBIDDEN, why).into_response()
}
