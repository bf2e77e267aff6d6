//! A network's settings: the members of its secret.

use serde_json::Value;

use super::Network;
use crate::{
    fields::{self, Fault, UnknownFields},
    json::parse_strict,
};

/// Reads a network's settings from the JSON text of its secret.
pub fn configure<N: Network>(json: &str) -> Result<N, Vec<Fault>> {
    let fault = |code, detail: &'static str| {
        vec![Fault { pointer: String::new(), code, detail: detail.into() }]
    };
    if serde_json::from_str::<Value>(json).is_err() {
        return Err(fault("not_json", "the secret must be a JSON object"));
    }
    // Nobody knows which of the two is meant.
    let Some(value) = parse_strict(json) else {
        return Err(fault("member_twice", "names a member twice"));
    };
    let settings = fields::from_json(&value, UnknownFields::Deny, N::configure);
    settings.map_err(|faults| faults.into_iter().map(without_foreign_name).collect())
}

/// The name of a member that is no setting may be the key itself, pasted in the wrong place: it is
/// shown only if it looks like the name of a setting.
fn without_foreign_name(fault: Fault) -> Fault {
    let (parent, name) = fault.pointer.rsplit_once('/').unwrap_or_default();
    let fits = |b: u8| b.is_ascii_lowercase() || b == b'_';
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let is_name =
        name.len() <= 24 && digits <= 1 && name.bytes().all(|b| fits(b) || b.is_ascii_digit());
    if fault.code != "unknown_member" || is_name {
        return fault;
    }
    let pointer = parent.to_owned();
    Fault { pointer, detail: "has a member that is no setting".into(), ..fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_unknown_setting_is_shown_unless_it_may_be_a_key() {
        let shown = |pointer: &str| {
            let detail = "is not a member of this object".into();
            let fault = Fault { pointer: pointer.to_owned(), code: "unknown_member", detail };
            without_foreign_name(fault).pointer
        };

        assert_eq!(shown("/ofer_id"), "/ofer_id");
        assert_eq!(shown("/adv_sub6"), "/adv_sub6");
        assert_eq!(shown("/070a632e2b574ca894d90610c7da97bc"), "");
        assert_eq!(shown("/offer_by_country/aVerySecretKey"), "/offer_by_country");
    }
}
