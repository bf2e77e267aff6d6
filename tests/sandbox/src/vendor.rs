//! What the four have in common: a request is judged first, and takes effect (or not) afterwards.

use std::net::IpAddr;

use crate::accounts::Accounts;
use crate::http::{Answer, Request};
use crate::query::Query;
use crate::record::Effect;
use crate::settings::Settings;

/// One network: what it thinks of a request, and what it then holds.
pub(crate) trait Vendor {
    /// A request it would act on.
    type Call;

    /// Judges a request without remembering it.
    fn check(request: &Request, path: &str, office: &Office<'_>) -> Checked<Self::Call>;

    /// Acts on it.
    fn take(&mut self, call: Self::Call, office: &Office<'_>) -> Taken;
}

/// What a network's clerk has on the desk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Office<'a> {
    pub(crate) now_ms: u64,
    pub(crate) accounts: &'a Accounts,
    pub(crate) settings: &'a Settings,
}

/// The judgement on a request.
#[derive(Debug)]
pub(crate) struct Checked<C> {
    /// Which of the network's calls it is.
    pub(crate) call: &'static str,
    /// What identifies the order; a list names many.
    pub(crate) keys: Vec<String>,
    /// The decoded query.
    pub(crate) params: Vec<(String, String)>,
    /// What the vendor's document forbids.
    pub(crate) violations: Vec<String>,
    /// The call to act on, or the refusal.
    pub(crate) verdict: Result<C, Answer>,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) answer: Answer,
    /// The key it is held under, and what.
    pub(crate) effect: Option<(String, Effect)>,
}

impl Taken {
    pub(crate) const fn nothing(answer: Answer) -> Self {
        Self { answer, effect: None }
    }
}

impl<C> Checked<C> {
    /// Gathers the judgement; what is broken on the wire never reaches the vendor's code.
    pub(crate) fn new(
        call: &'static str,
        keys: Vec<String>,
        request: &Request,
        query: Query,
        mut violations: Vec<String>,
        verdict: Result<C, Answer>,
    ) -> Self {
        let broken = query.broken || !request.flaws.is_empty();
        let mut all = request.flaws.clone();
        all.extend(query.flaws);
        all.append(&mut violations);
        Self {
            call,
            keys,
            params: query.pairs,
            violations: all,
            verdict: if broken { Err(Answer::page(400, "Bad Request")) } else { verdict },
        }
    }

    /// A path or a method the network does not have.
    pub(crate) fn astray(request: &Request, violation: String, answer: Answer) -> Self {
        let query = Query::read(&request.query, None);
        Self::new("astray", Vec::new(), request, query, vec![violation], Err(answer))
    }
}

/// The judgement on anything but a GET of `path`, for the networks that document one.
pub(crate) fn astray_unless_get<C>(
    request: &Request,
    path: &str,
    documented: &str,
) -> Option<Checked<C>> {
    if path != documented {
        let answer = Answer::page(404, "Not Found");
        let violation = format!("{path} is not the documented path {documented}");
        return Some(Checked::astray(request, violation, answer));
    }
    if request.method != "GET" {
        let answer = Answer::page(405, "Method Not Allowed").with_header("allow", "GET");
        let violation = format!("{} instead of GET", request.method);
        return Some(Checked::astray(request, violation, answer));
    }
    None
}

/// A GET carries no body.
pub(crate) fn check_no_body(request: &Request, violations: &mut Vec<String>) {
    if !request.body.is_empty() {
        violations.push("a GET with a body".to_owned());
    }
}

/// Digits, perhaps a point and up to `places` more digits; no sign, separator, exponent or padding.
pub(crate) fn is_plain_decimal(text: &str, places: usize) -> bool {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(|fraction| digits(fraction) && fraction.len() <= places)
}

/// One `@` with something before it and a dotted host behind it, no blanks, nothing that belongs elsewhere.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else {
        return false;
    };
    let clean = |part: &str| {
        !part.is_empty()
            && !part.chars().any(|c| {
                c.is_whitespace()
                    || c.is_control()
                    || matches!(c, '@' | '<' | '>' | ',' | ';' | '{' | '}')
            })
    };
    clean(local)
        && clean(host)
        && host.contains('.')
        && host.split('.').all(|label| !label.is_empty())
}

/// An address a customer on the internet can have. The documentation ranges (203.0.113.0/24 and so on) count: examples
/// and tests use them.
pub(crate) fn is_public_ip(text: &str) -> bool {
    match text.parse() {
        Ok(IpAddr::V4(ip)) => {
            let [a, b, ..] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b)))
        }
        Ok(IpAddr::V6(ip)) => {
            let first = ip.segments()[0];
            !(ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.to_ipv4_mapped().is_some()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80)
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_decimals_only() {
        for good in ["0", "1499", "14.9", "14.99", "0.50"] {
            assert!(is_plain_decimal(good, 2), "{good}");
        }
        for bad in
            ["", "-1", "+1", "1,499", "1e3", "1.", ".5", "14.999", "007", "1 ", "NaN", "$1", "١"]
        {
            assert!(!is_plain_decimal(bad, 2), "{bad}");
        }
    }

    #[test]
    fn customers_addresses_are_public() {
        for good in ["12.34.56.78", "203.0.113.9", "2001:db8::1", "2a00:1450::1"] {
            assert!(is_public_ip(good), "{good}");
        }
        for bad in [
            "",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "12.34.56",
            "example.com",
        ] {
            assert!(!is_public_ip(bad), "{bad}");
        }
    }

    #[test]
    fn emails_have_two_halves() {
        for good in ["a+b@example.com", "o'neil@x.example", "ü@bücher.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@x.example",
            "a@",
            "a@x",
            "a b@x.example",
            "a@b@x.example",
            "a@x..example",
            " a@x.example",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
