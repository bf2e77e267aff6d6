//! The shapes of values that several networks ask for.

use std::net::IpAddr;

/// True for digits, optionally a point and up to `places` more digits; no sign, separator, exponent or padding.
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

/// True for one `@` between a local part and a dotted host, without blanks, invisible characters and separators.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else {
        return false;
    };
    let clean = |part: &str| {
        !part.is_empty()
            && !part.chars().any(|c| {
                c.is_whitespace()
                    || c.is_control()
                    || is_invisible(c)
                    || matches!(c, '@' | '<' | '>' | ',' | ';' | '{' | '}')
            })
    };
    clean(local)
        && clean(host)
        && host.contains('.')
        && host.split('.').all(|label| !label.is_empty())
}

/// True for zero-width and bidirectional format characters.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{61C}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
    )
}

/// True for an address a customer on the internet can have. The documentation ranges (203.0.113.0/24 and so on) are
/// accepted, because examples and tests use them.
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
            "a\u{200B}@x.example",
            "\u{202E}a@x.example",
            "a@x.example\u{FEFF}",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
