//! The customer's phone number and IP address: the network takes no lead without them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use postback_core::redaction::Reason;
use serde::Serialize;

mod phone;

pub use phone::Phone;
pub(crate) use phone::SHORTEST_PHONE;

/// A customer's address on the public internet.
///
/// The network bans by address, so the address of a proxy (the shop's own, a load balancer's) would
/// ban every customer. Addresses for documentation (RFC 5737, RFC 3849) pass: no network uses them,
/// so no customer is behind them.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PublicIp(IpAddr);

impl PublicIp {
    /// The first public address of a text, which may be the list of a proxy (`203.0.113.9, 10.0.0.1`)
    /// and hold ports and brackets.
    pub(crate) fn first_of(text: &str) -> Result<Self, Reason> {
        let addresses = text.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
        let addresses: Vec<_> = addresses.filter_map(address).collect();
        let none = if addresses.is_empty() { "no_ip" } else { "private_ip" };
        addresses.into_iter().find_map(Self::new).ok_or(Reason::new(none))
    }

    /// The address, or `None` if it is not public.
    #[must_use]
    pub fn new(ip: IpAddr) -> Option<Self> {
        let ip = ip.to_canonical();
        let is_local = match ip {
            IpAddr::V4(ip) => is_local_v4(ip),
            IpAddr::V6(ip) => is_local_v6(ip),
        };
        (!is_local).then_some(Self(ip))
    }
}

impl fmt::Debug for PublicIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicIp(…)")
    }
}

/// An address with or without a port, brackets, quotes, a zone, or the `for=` of `Forwarded`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    let text = text.strip_prefix("for=").unwrap_or(text).trim_matches('"');
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    let text = text.trim_start_matches('[').trim_end_matches(']');
    text.split('%').next()?.parse().ok()
}

fn is_local_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_for_benchmarks = a == 198 && matches!(b, 18 | 19);
    let is_reserved = a == 0 || a >= 224;
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || is_shared
        || is_for_benchmarks
        || is_reserved
}

fn is_local_v6(ip: Ipv6Addr) -> bool {
    let is_site_local = ip.segments()[0] & 0xffc0 == 0xfec0;
    ip.is_unspecified()
        || ip.is_loopback()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
        || ip.is_multicast()
        || is_site_local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_address_is_a_public_one() {
        let new = |text: &str| PublicIp::new(text.parse().expect("an address"));

        for public in [
            "203.0.113.9",
            "12.34.56.78",
            "100.63.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "9.18.0.1",
            "2001:db8::1",
            "2a00:1::1",
        ] {
            assert!(new(public).is_some(), "{public}");
        }
        for local in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(new(local), None, "{local}");
        }
    }

    #[test]
    fn the_first_public_address_counts_without_its_port_and_brackets() {
        let ip = |text: &str| PublicIp::first_of(text).map(|ip| ip.0.to_string());

        for text in [
            "203.0.113.9",
            "203.0.113.9:52311",
            "203.0.113.9, 203.0.113.9",
            "10.0.0.1, 203.0.113.9:80, 198.51.100.1",
            "unknown, 203.0.113.9",
            "for=203.0.113.9;proto=https",
            "'203.0.113.9'",
            "::ffff:203.0.113.9",
        ] {
            assert_eq!(ip(text).as_deref(), Ok("203.0.113.9"), "{text}");
        }
        for text in ["[2001:db8::1]:443", "[2001:db8::1]", "2001:db8::1", "2001:db8::1%eth0"] {
            assert_eq!(ip(text).as_deref(), Ok("2001:db8::1"), "{text}");
        }
        for text in ["", "unknown", "localhost", "1.2.3"] {
            assert_eq!(ip(text), Err(Reason::new("no_ip")), "{text}");
        }
        assert_eq!(ip("10.0.0.1, 127.0.0.1"), Err(Reason::new("private_ip")));
    }

    #[test]
    fn an_address_in_disguise_is_recognised() {
        let ip = PublicIp::new("::ffff:203.0.113.9".parse().expect("an address"));

        assert_eq!(serde_json::to_string(&ip).expect("JSON"), "\"203.0.113.9\"");
    }
}
