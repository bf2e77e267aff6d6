//! The customer's phone number and IP address: the network takes no lead without them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

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

        for public in ["203.0.113.9", "12.34.56.78", "100.63.0.1", "2001:db8::1", "2a00:1::1"] {
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
    fn an_address_in_disguise_is_recognised() {
        let ip = PublicIp::new("::ffff:203.0.113.9".parse().expect("an address"));

        assert_eq!(serde_json::to_string(&ip).expect("JSON"), "\"203.0.113.9\"");
    }
}
