//! The tables that there is one of: where is listened, what is kept, what may be called.

use super::Rate;
use crate::secrets::SecretPlace;
use countersign_egress::Reach;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// `[server]`: the address that senders come in by.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Server {
    /// Where to listen; at least one. Default: `127.0.0.1:8080`.
    pub listen: Vec<SocketAddr>,

    /// What senders call us: scheme, host, perhaps a path; no trailing slash. What a source's URL is made of when its
    /// signature covers one.
    pub public_url: Option<Arc<str>>,

    /// Whose `X-Forwarded-For` is believed. Empty: nobody's.
    pub trusted_proxies: Vec<IpNet>,

    /// How many connections at the same time. Default: 1024.
    pub max_connections: usize,

    /// How long a sender has for the head of a request. Default: 10 s.
    pub header_timeout: Duration,

    /// How long for the body. Default: 30 s.
    pub body_timeout: Duration,

    /// How many headers a request may have. Default: 100.
    pub max_headers: usize,

    /// How long requests under way have when the gateway is stopped. Default: 30 s.
    pub drain: Duration,

    /// How many failures an address has. `None`: `junk = "off"`.
    pub junk: Option<Junk>,

    /// Which requests get an audit row.
    pub audit: Audit,

    /// Refuse secret files that every user of the machine can read, instead of warning.
    pub strict: bool,

    /// Read the configuration, and files with secrets, anew when they change. Default: yes.
    pub watch: bool,
}

/// How many refused requests an address may send before it is refused unread.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Junk {
    /// So many failures. Default: 20.
    pub failures: u32,

    /// Within this time. Default: 10 s.
    pub per: Duration,

    /// How many addresses are remembered; memory is taken for so many and no more. Default: 65 536.
    pub addresses: usize,
}

/// Which requests get an audit row of their own; all are counted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Audit {
    /// Requests that were refused: so many per source and address. Default: 10 in 60 s.
    pub refusals: Rate,

    /// Requests that were accepted by a source with `record = "none"`; any other's always get one. Default: all.
    pub accepted: Accepted,
}

/// How many accepted requests of a pure verifier get an audit row.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Accepted {
    /// Every one.
    #[default]
    All,

    /// One in so many, at least 2.
    OneIn(u32),
}

/// `[admin]`: the address that operators come in by.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Admin {
    /// Where to listen. Default: `127.0.0.1:9090`. Never an address of the [`Server`]'s.
    pub listen: SocketAddr,

    /// What an operator has to show.
    pub token: SecretPlace,
}

/// `[store]`: what is remembered, and for how long.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StoreSettings {
    /// The file of the database, beside which SQLite makes others. Default: `countersign.db` in the folder of the
    /// configuration.
    pub path: PathBuf,

    /// How long events and audit rows are kept. Default: 30 days.
    pub keep: Duration,

    /// How many bytes of heads and bodies are kept at most. `None`: as many as come in that time.
    pub keep_bytes: Option<u64>,

    /// Where the key is that managed secrets are sealed with: 32 bytes. `None`: there are no managed secrets.
    pub key: Option<SecretPlace>,
}

/// `[egress]`: what may be called beside what the operator wrote down as the target of a forward, and public addresses
/// by `https`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Egress {
    /// Networks of one's own.
    pub networks: Vec<IpNet>,

    /// Ports beside 443 and 8443.
    pub ports: Vec<RangeInclusive<u16>>,

    /// Hosts that are called by `http`, as a URL has them.
    pub plain_http: Vec<Arc<str>>,

    /// Hosts that remote keys may come from. Empty: those of the presets.
    pub fetch_hosts: Vec<Arc<str>>,

    /// By which proxy. It is told judged addresses alone.
    pub proxy: Option<ProxyPlace>,
}

/// A proxy, and where what it knows us by is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ProxyPlace {
    /// `http://HOST:PORT`, without user and password.
    pub url: Arc<str>,

    /// Where `USER:PASSWORD` is.
    pub credentials: Option<SecretPlace>,
}

impl Egress {
    /// What may be called, as the one client of this program takes it.
    pub fn reach(&self) -> Reach {
        let Self { networks, ports, plain_http, .. } = self;
        let reach = networks.iter().fold(Reach::public(), |reach, network| reach.and_network(*network));
        let reach = ports.iter().fold(reach, |reach, ports| reach.and_ports(ports.clone()));
        plain_http.iter().fold(reach, |reach, host| reach.and_plain_http(&**host))
    }
}
