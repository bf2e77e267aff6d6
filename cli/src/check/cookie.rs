//! The keys of the orders' capture cookies.

use std::path::Path;

use postback_orders::{CookieKeys, has_cookie};
use postback_runtime::services::CookieSecret;

use super::Export;
use crate::{account::Account, failure::Failure, secret};

/// No keys: every cookie counts.
pub(super) fn unsigned() -> CookieKeys {
    CookieKeys::of(&CookieSecret::Unsigned)
}

/// The keys by which the stack reads cookies, asked for only if an order of the file has one.
pub(super) async fn keys(account: &Account, file: &Path) -> Result<CookieKeys, Failure> {
    let signed = account.place.parameters.get("ClickCookieSigned");
    let is_signed = signed.is_some_and(|it| it == "true");
    if !is_signed || !Export::open(file)?.any(|(_, order)| order.is_ok_and(|it| has_cookie(&it))) {
        return Ok(unsigned());
    }
    let text = secret::text_of(account, "ClickCookieSecretArn").await?;
    Ok(CookieKeys::of(&CookieSecret::Json(text.into())))
}
