//! The rule: which URLs and which addresses may be called.
//!
//! The table lists what is refused, after the registries of special addresses that IANA keeps (RFC 6890), and for IPv6
//! refuses all that is not handed out for global use. Addresses that carry another (mapped, 6to4, Teredo) are refused
//! whatever they carry, for no honest name leads to one; only NAT64 is looked into, because there honest names do.

use crate::refused::{Refused, Why};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use url::{Host, Url};

/// The longest URL that is called, in bytes.
pub const MAX_URL: usize = 8192;

/// What may be called. Everything public by default, by `https`, on ports 443 and 8443; more only where it is said.
#[derive(Clone, Debug)]
pub struct Reach {
    networks: Vec<IpNet>,
    ports: Vec<RangeInclusive<u16>>,
    plain: Vec<String>,
}

impl Default for Reach {
    fn default() -> Self {
        Self::public()
    }
}

impl Reach {
    /// Public addresses only.
    pub fn public() -> Self {
        Reach { networks: Vec::new(), ports: vec![443..=443, 8443..=8443], plain: Vec::new() }
    }

    /// And these addresses, whatever they are: `10.0.0.0/8` for a network of one's own. Holds for every URL and every name
    /// that leads there, so a client for URLs that strangers write goes without.
    #[must_use]
    pub fn and_network(mut self, network: impl Into<IpNet>) -> Self {
        self.networks.push(network.into());
        self
    }

    /// And these ports: `8080..=8080`.
    #[must_use]
    pub fn and_ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.ports.push(ports);
        self
    }

    /// And this very host by `http`, in the clear: whoever stands between reads and writes what is said. The host as a
    /// URL has it, an IPv6 address in brackets. Its port must be allowed, too.
    #[must_use]
    pub fn and_plain_http(mut self, host: impl Into<String>) -> Self {
        self.plain.push(host.into().to_ascii_lowercase());
        self
    }

    /// Whether this URL may be called, as far as it can be told without looking up its name. Gives it as it was parsed:
    /// `0x7f.1` is `127.0.0.1` by then.
    pub fn judge_url(&self, url: &str) -> Result<Url, Refused> {
        let refused = |why, what: &str| Err(Refused::new(why, what));
        if url.len() > MAX_URL {
            return refused(Why::Url, "the URL is too long");
        }
        let Ok(url) = Url::parse(url) else { return refused(Why::Url, "this is no absolute URL") };
        let plain = || url.host_str().is_some_and(|host| self.plain.iter().any(|plain| plain == host));
        match url.scheme() {
            "https" => {}
            "http" if plain() => {}
            "http" => return refused(Why::Scheme, "`http` can be read and changed on the way"),
            _ => return refused(Why::Scheme, "only `https` is called"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused(Why::Url, "the URL carries a user or a password");
        }
        if url.fragment().is_some() {
            return refused(Why::Url, "the URL carries a fragment, which is never sent");
        }
        match url.port_or_known_default() {
            Some(port) if self.ports.iter().any(|ports| ports.contains(&port)) => {}
            port => return refused(Why::Port, &format!("port {} is not allowed", port.unwrap_or_default())),
        }
        match url.host() {
            Some(Host::Ipv4(address)) => self.judge(address.into())?,
            Some(Host::Ipv6(address)) => self.judge(address.into())?,
            Some(Host::Domain(name)) if is_localhost(name) => {
                self.localhost()?;
            }
            Some(Host::Domain(_)) => {}
            None => return refused(Why::Url, "the URL names no host"),
        }
        Ok(url)
    }

    /// Whether this address may be called.
    pub fn judge(&self, address: IpAddr) -> Result<(), Refused> {
        match special(address) {
            Some(what) if !self.networks.iter().any(|network| network.contains(&address)) => {
                Err(Refused::new(Why::Address, format!("{address} is {what}")))
            }
            _ => Ok(()),
        }
    }

    /// What the names of this machine lead to: no DNS is asked about them (RFC 6761, section 6.3).
    pub(crate) fn localhost(&self) -> Result<Vec<IpAddr>, Refused> {
        let allowed: Vec<_> = OWN.into_iter().filter(|address| self.judge(*address).is_ok()).collect();
        if allowed.is_empty() {
            Err(self.judge(OWN[0]).err().unwrap_or_else(no_localhost))
        } else {
            Ok(allowed)
        }
    }
}

/// What `localhost` means.
pub(crate) const OWN: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

fn no_localhost() -> Refused {
    Refused::new(Why::Address, "the name is this machine's own")
}

/// `localhost`, and every name below it.
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// What is special about an address, if it is no public one.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            SPECIAL_V4.iter().find(|(network, _)| network.contains(&address)).map(|(_, what)| *what)
        }
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            special(Ipv4Addr::new(a, b, c, d).into())
                .map(|_| "a translation of an address that is not public")
        }
        IpAddr::V6(address) => {
            SPECIAL_V6.iter().find(|(network, _)| network.contains(&address)).map(|(_, what)| *what)
        }
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

/// A network by the first three groups of its address: none of those below needs more.
const fn v6(groups: [u16; 3], length: u8) -> Ipv6Net {
    let [a, b, c] = groups;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// IPv4 that is not public: the first row that holds an address tells what it is.
const SPECIAL_V4: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "of this network itself (RFC 791)"),
    (v4(10, 0, 0, 0, 8), "private (RFC 1918)"),
    (v4(100, 64, 0, 0, 10), "shared behind a carrier's NAT (RFC 6598)"),
    (v4(127, 0, 0, 0, 8), "loopback (RFC 1122)"),
    (v4(168, 63, 129, 16, 32), "a cloud's own service on a public address"),
    (v4(169, 254, 0, 0, 16), "link-local, where clouds keep metadata (RFC 3927)"),
    (v4(172, 16, 0, 0, 12), "private (RFC 1918)"),
    (v4(192, 0, 0, 0, 24), "kept for protocols (RFC 6890)"),
    (v4(192, 0, 2, 0, 24), "for documentation (RFC 5737)"),
    (v4(192, 88, 99, 0, 24), "a 6to4 relay (RFC 7526)"),
    (v4(192, 168, 0, 0, 16), "private (RFC 1918)"),
    (v4(198, 18, 0, 0, 15), "for benchmarks (RFC 2544)"),
    (v4(198, 51, 100, 0, 24), "for documentation (RFC 5737)"),
    (v4(203, 0, 113, 0, 24), "for documentation (RFC 5737)"),
    (v4(224, 0, 0, 0, 4), "multicast (RFC 5771)"),
    (v4(255, 255, 255, 255, 32), "broadcast (RFC 919)"),
    (v4(240, 0, 0, 0, 4), "reserved (RFC 1112)"),
];

/// The well-known prefix under which names of IPv4 servers lead honestly to IPv6 addresses (RFC 6052).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0], 96);

/// IPv6 that is not public. The last rows refuse all that is not `2000::/3`: nothing else is handed out.
const SPECIAL_V6: &[(Ipv6Net, &str)] = &[
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), "unspecified (RFC 4291)"),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), "loopback (RFC 4291)"),
    (
        Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
        "an IPv4 address in disguise (RFC 4291)",
    ),
    (v6([0, 0, 0], 96), "an IPv4 address in disguise (RFC 4291)"),
    (v6([0x64, 0xff9b, 1], 48), "a local translation (RFC 8215)"),
    (v6([0x100, 0, 0], 64), "discarded (RFC 6666)"),
    (v6([0x2001, 0, 0], 32), "a Teredo tunnel (RFC 4380)"),
    (v6([0x2001, 0, 0], 23), "kept for protocols (RFC 2928)"),
    (v6([0x2001, 0xdb8, 0], 32), "for documentation (RFC 3849)"),
    (v6([0x2002, 0, 0], 16), "a 6to4 tunnel (RFC 3056)"),
    (v6([0x3fff, 0, 0], 20), "for documentation (RFC 9637)"),
    (v6([0xfc00, 0, 0], 7), "private (RFC 4193)"),
    (v6([0xfe80, 0, 0], 10), "link-local (RFC 4291)"),
    (v6([0xfec0, 0, 0], 10), "site-local (RFC 3879)"),
    (v6([0xff00, 0, 0], 8), "multicast (RFC 4291)"),
    (v6([0, 0, 0], 3), "not handed out for global use"),
    (v6([0x4000, 0, 0], 2), "not handed out for global use"),
    (v6([0x8000, 0, 0], 1), "not handed out for global use"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The first and the last address of each refused network, or one within, and what is said of it.
    const REFUSED: &[(&str, &str)] = &[
        ("0.0.0.0", "this network"),
        ("0.255.255.255", "this network"),
        ("10.0.0.0", "private"),
        ("10.255.255.255", "private"),
        ("100.64.0.0", "carrier"),
        ("100.100.100.200", "carrier"),
        ("100.127.255.255", "carrier"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.255", "loopback"),
        ("168.63.129.16", "cloud"),
        ("169.254.169.254", "metadata"),
        ("169.254.0.0", "link-local"),
        ("169.254.255.255", "link-local"),
        ("172.16.0.0", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.192", "protocols"),
        ("192.0.2.1", "documentation"),
        ("192.88.99.1", "6to4"),
        ("192.168.0.0", "private"),
        ("192.168.255.255", "private"),
        ("198.18.0.0", "benchmarks"),
        ("198.19.255.255", "benchmarks"),
        ("198.51.100.7", "documentation"),
        ("203.0.113.5", "documentation"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.0", "reserved"),
        ("255.255.255.254", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::7f00:1", "disguise"),
        ("::ffff:127.0.0.1", "disguise"),
        ("::ffff:8.8.8.8", "disguise"),
        ("::ffff:0:10.0.0.1", "not handed out"),
        ("64:ff9b::10.0.0.1", "translation"),
        ("64:ff9b::169.254.169.254", "translation"),
        ("64:ff9b:1::8.8.8.8", "local translation"),
        ("100::1", "discarded"),
        ("2001::1", "Teredo"),
        ("2001:1ff::1", "protocols"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::", "6to4"),
        ("2002:808:808::", "6to4"),
        ("3fff:fff::1", "documentation"),
        ("4000::1", "not handed out"),
        ("5f00::1", "not handed out"),
        ("8000::1", "not handed out"),
        ("fc00::1", "private"),
        ("fd00:ec2::254", "private"),
        ("fe80::1", "link-local"),
        ("febf:ffff::1", "link-local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"),
    ];

    /// The neighbours of what is refused, and others.
    const REACHED: &[&str] = &[
        "1.0.0.0",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.114.0",
        "223.255.255.255",
        "64:ff9b::8.8.8.8",
        "2000::1",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700::1111",
        "2a00:1450::1",
        "3ffe:ffff::1",
    ];

    #[test]
    fn what_is_not_public_is_refused_and_said_what_it_is() {
        for (address, what) in REFUSED {
            let refused = Reach::public().judge(address.parse().unwrap()).unwrap_err();
            assert_eq!(refused.why, Why::Address);
            assert!(refused.what.contains(what), "{address}: {}", refused.what);
        }
    }

    #[test]
    fn every_row_of_the_table_is_met_by_an_example() {
        let met =
            |what: &&str| REFUSED.iter().any(|(address, _)| special(address.parse().unwrap()) == Some(what));
        let rows = SPECIAL_V4.iter().map(|(_, what)| *what).chain(SPECIAL_V6.iter().map(|(_, what)| *what));
        let unmet: Vec<_> = rows.filter(|what| !met(what)).collect();
        assert!(unmet.is_empty(), "{unmet:?}");
    }

    #[test]
    fn what_is_public_is_reached() {
        for address in REACHED {
            assert_eq!(Reach::public().judge(address.parse().unwrap()), Ok(()), "{address}");
        }
    }

    #[test]
    fn an_exception_opens_its_own_network_and_nothing_beside_it() {
        let reach = Reach::public().and_network("10.1.0.0/16".parse::<IpNet>().unwrap());
        let judged = |address: &str| reach.judge(address.parse().unwrap()).is_ok();
        assert!(judged("10.1.2.3"));
        for other in ["10.2.0.1", "127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::"] {
            assert!(!judged(other), "{other}");
        }
    }

    #[test]
    fn a_url_is_judged_whole() {
        let reach = Reach::public().and_ports(9000..=9001).and_plain_http("plain.example");
        for (url, why) in [
            ("https://example.com/keys?a=b", None),
            ("https://example.com:8443/", None),
            ("https://example.com:9001/", None),
            ("http://plain.example:9000/", None),
            ("http://plain.example/", Some(Why::Port)),
            ("http://other.example:9000/", Some(Why::Scheme)),
            ("http://plain.example.evil.example:9000/", Some(Why::Scheme)),
            ("ftp://example.com/", Some(Why::Scheme)),
            ("https://user@example.com/", Some(Why::Url)),
            ("https://:password@example.com/", Some(Why::Url)),
            ("https://example.com/#fragment", Some(Why::Url)),
            ("//example.com/", Some(Why::Url)),
            ("https://", Some(Why::Url)),
            ("", Some(Why::Url)),
            ("https://example.com:22/", Some(Why::Port)),
            ("https://example.com:80/", Some(Why::Port)),
            ("https://example.com:0/", Some(Why::Port)),
        ] {
            assert_eq!(reach.judge_url(url).err().map(|refused| refused.why), why, "{url}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_URL));
        assert_eq!(reach.judge_url(&long).unwrap_err().why, Why::Url);
    }
}
