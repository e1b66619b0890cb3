//! Who is at the other end: the peer, or whom our own proxies say it is.
//!
//! `X-Forwarded-For` is text that anybody can send. It is read only on a connection from a proxy that the operator named, from
//! the right, for each hop appends to it: the first address that is none of our proxies is the sender's. What cannot be read
//! ends the walk, and the hop before it is taken: an address that somebody made up is never believed.

use http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr};

/// The most hops that are looked at: a chain of proxies has a handful.
const MAX_HOPS: usize = 32;

/// The sender's address, IPv4-mapped IPv6 unmapped.
pub(crate) fn sender(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut hop = peer.to_canonical();
    if trusted.is_empty() {
        return hop;
    }
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for text in hops.take(MAX_HOPS) {
        if !contains(trusted, hop) {
            break;
        }
        match parse(text) {
            Some(before) => hop = before,
            None => break,
        }
    }
    hop
}

/// Whether one of the networks has it. Nothing is in no network.
pub(crate) fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// What one sender can have many of is one: the /64 of an IPv6 address.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & (u128::MAX << 64)).into(),
    }
}

/// An address alone, as proxies write it: no port, no bracket, no name.
fn parse(text: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn told(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", http::HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        sender(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn without_trusted_proxies_the_header_is_not_read() {
        assert_eq!(told("198.51.100.9", &["192.0.2.1"], &[]), "198.51.100.9");
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(told("198.51.100.9", &["192.0.2.1"], &["10.0.0.0/8"]), "198.51.100.9");
    }

    #[test]
    fn the_first_hop_from_the_right_that_is_no_proxy_is_the_sender() {
        let trusted = &["10.0.0.0/8", "fd00::/8"];
        assert_eq!(told("10.0.0.1", &["203.0.113.7"], trusted), "203.0.113.7");
        assert_eq!(told("10.0.0.1", &["192.0.2.1, 203.0.113.7"], trusted), "203.0.113.7");
        assert_eq!(told("10.0.0.1", &["192.0.2.1, 203.0.113.7, 10.9.9.9"], trusted), "203.0.113.7");
        assert_eq!(told("fd00::1", &["192.0.2.1", "203.0.113.7 , 10.9.9.9"], trusted), "203.0.113.7");
        assert_eq!(told("10.0.0.1", &["10.0.0.3"], trusted), "10.0.0.3");
        assert_eq!(told("10.0.0.1", &[], trusted), "10.0.0.1");
    }

    #[test]
    fn what_cannot_be_read_ends_the_walk_at_the_hop_before() {
        let trusted = &["10.0.0.0/8"];
        for hop in
            ["garbage", "", "unknown", "203.0.113.7:80", "[2001:db8::1]", "010.0.0.1", "_hidden", "1.2.3"]
        {
            assert_eq!(told("10.0.0.1", &[&format!("1.2.3.4, {hop}")], trusted), "10.0.0.1", "{hop}");
        }
        assert_eq!(told("10.0.0.1", &["1.2.3.4, garbage, 10.0.0.2"], trusted), "10.0.0.2");
    }

    #[test]
    fn a_mapped_address_is_the_one_it_maps() {
        assert_eq!(told("::ffff:10.0.0.1", &["::ffff:192.0.2.1"], &["10.0.0.0/8"]), "192.0.2.1");
    }

    #[test]
    fn a_chain_without_end_is_not_followed_to_its_end() {
        let chain = vec!["10.0.0.1"; 100_000].join(",");
        assert_eq!(told("10.0.0.1", &[&format!("192.0.2.1,{chain}")], &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn neighbours_of_one_64_are_one() {
        let one = neighbourhood("2001:db8:0:1::1".parse().unwrap());
        assert_eq!(one, neighbourhood("2001:db8:0:1:ffff::2".parse().unwrap()));
        assert_ne!(one, neighbourhood("2001:db8:0:2::1".parse().unwrap()));
        assert_eq!(neighbourhood("192.0.2.1".parse().unwrap()).to_string(), "192.0.2.1");
    }
}
