//! Reads the tables that there is one of: `[server]`, `[admin]`, `[store]`, `[egress]`.

use super::urls::base_url;
use super::values::{Around, finish, networks, place, rate, size, span_of_time};
use super::{
    Accepted, Admin, Audit, Egress, Junk, ProxyPlace, Rate, Server, Shape, StoreSettings, WarningCode,
};
use countersign::config::{Node, Reader, Spanned, Value};
use countersign_egress::Proxy;
use ipnet::IpNet;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// What a server is when nothing is said of it.
pub(super) fn default_server() -> Server {
    Server {
        listen: vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 8080)],
        public_url: None,
        trusted_proxies: Vec::new(),
        max_connections: 1024,
        header_timeout: 10 * SECOND,
        body_timeout: 30 * SECOND,
        max_headers: 100,
        drain: 30 * SECOND,
        junk: Some(Junk::default()),
        audit: Audit::default(),
        strict: false,
        watch: true,
    }
}

impl Default for Junk {
    fn default() -> Self {
        Junk { failures: 20, per: 10 * SECOND, addresses: 65_536 }
    }
}

impl Default for Audit {
    fn default() -> Self {
        let refusals = Rate { count: 10, per: 60 * SECOND, shape: Shape::Window };
        Audit { refusals, accepted: Accepted::All }
    }
}

/// `[server]`.
pub(super) fn server(around: &Around<'_>, root: &Reader<'_>) -> Server {
    let Some(table) = root.table("server") else { return default_server() };
    let default = default_server();
    let count = |key: &str, most: i64| table.integer(key, 1..=most).map(|count| count.value as usize);
    let time = |key: &str| span_of_time(&table, key, SECOND..=3600 * SECOND).map(|time| time.value);
    let listen = listens(around, &table);
    let public_url = table.text("public_url").and_then(|text| base_url(around, "public_url", &text));
    let trusted_proxies = proxies(around, &table);
    let max_connections = count("max_connections", 1_000_000);
    let (header_timeout, body_timeout) = (time("header_timeout"), time("body_timeout"));
    let max_headers = count("max_headers", 1000);
    let drain = span_of_time(&table, "drain", Duration::ZERO..=3600 * SECOND).map(|time| time.value);
    let junk = junk(around, &table);
    let audit = audit(around, &table);
    let (strict, watch) = (table.boolean("strict"), table.boolean("watch"));
    finish(around, table);
    Server {
        listen: listen.unwrap_or(default.listen),
        public_url,
        trusted_proxies: trusted_proxies.unwrap_or_default(),
        max_connections: max_connections.unwrap_or(default.max_connections),
        header_timeout: header_timeout.unwrap_or(default.header_timeout),
        body_timeout: body_timeout.unwrap_or(default.body_timeout),
        max_headers: max_headers.unwrap_or(default.max_headers),
        drain: drain.unwrap_or(default.drain),
        junk: junk.unwrap_or(default.junk),
        audit: audit.unwrap_or(default.audit),
        strict: strict.unwrap_or(default.strict),
        watch: watch.unwrap_or(default.watch),
    }
}

/// `[admin]`, which may not stand where the public does.
pub(super) fn admin(around: &Around<'_>, root: &Reader<'_>, server: &Server) -> Option<Admin> {
    let table = root.table("admin")?;
    let given = table.text("listen");
    let listen = given.as_ref().map(|text| address(around, "listen", text));
    if !table.has("token") {
        table.missing("token", "write `token = { env = \"COUNTERSIGN_ADMIN_TOKEN\" }`, say");
    }
    let token = place(around, &table, "token");
    let span = given.map_or_else(|| table.span().clone(), |text| text.span);
    finish(around, table);
    let listen = listen.unwrap_or(Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 9090)))?;
    if let Some(public) = server.listen.iter().find(|public| overlap(**public, listen)) {
        let says =
            format!("`[admin]` would listen where senders come in: {listen}, and `[server]` has {public}");
        around.wrong(&span, says, "give it a port of its own: `listen = \"127.0.0.1:9090\"`");
    } else if !listen.ip().is_loopback() {
        let says = format!("`[admin]` listens on {listen}: whoever reaches that needs only the token");
        let help = "write `listen = \"127.0.0.1:9090\"`, or see to it that only operators reach it";
        around.warn(WarningCode::AdminExposed, &span, says, help);
    }
    Some(Admin { listen, token: token? })
}

/// `[store]`.
pub(super) fn store(around: &Around<'_>, root: &Reader<'_>) -> StoreSettings {
    let default = StoreSettings {
        path: around.folder.join("countersign.db"),
        keep: 30 * DAY,
        keep_bytes: None,
        key: None,
    };
    let Some(table) = root.table("store") else { return default };
    let path = table.text("url").and_then(|text| database(around, &text));
    let keep = span_of_time(&table, "keep", Duration::from_secs(3600)..=3660 * DAY);
    let keep_bytes = size(&table, "keep_bytes", 1 << 20..=1 << 50);
    let key = place(around, &table, "key");
    if let Some(replicas) = table.integer("replicas", 1..=1000)
        && replicas.value > 1
    {
        let says = format!(
            "{} gateways on files of their own would each accept a request once: that is replay",
            replicas.value
        );
        around.wrong(&replicas.span, says, "run one: `replicas = 1`; a store that several share is to come");
    }
    finish(around, table);
    StoreSettings {
        path: path.unwrap_or(default.path),
        keep: keep.map_or(default.keep, |keep| keep.value),
        keep_bytes: keep_bytes.map(|bytes| bytes.value),
        key,
    }
}

/// `[egress]`.
pub(super) fn egress(around: &Around<'_>, root: &Reader<'_>) -> Egress {
    let Some(table) = root.table("egress") else { return Egress::default() };
    let networks =
        networks(around, &table, "networks", "leave it out: then only public addresses are called");
    let ports = ports(around, &table);
    let hosts = |key: &str| {
        let texts = table.texts(key).unwrap_or_default();
        let fits = |text: &Spanned<Arc<str>>| {
            let host = text.value.strip_prefix("*.").filter(|_| key == "fetch_hosts").unwrap_or(&text.value);
            let is = Url::parse(&format!("http://{host}/")).is_ok_and(|url| url.host_str() == Some(host));
            if !is {
                let says = format!("`{key}`: `{}` is no host as a URL has it", text.value);
                let help =
                    "write the name alone, in lower case: `keys.example.com`; an IPv6 address in brackets";
                around.wrong(&text.span, says, help);
            }
            is
        };
        texts.into_iter().filter(fits).map(|text| text.value).collect()
    };
    let (plain_http, fetch_hosts) = (hosts("plain_http"), hosts("fetch_hosts"));
    let proxy = proxy(around, &table);
    finish(around, table);
    Egress { networks: networks.unwrap_or_default(), ports, plain_http, fetch_hosts, proxy }
}

/// `proxy`: a URL, or a table with what the proxy knows us by.
fn proxy(around: &Around<'_>, table: &Reader<'_>) -> Option<ProxyPlace> {
    let node = table.node("proxy")?;
    let (url, credentials) = match &node.value {
        Value::Table(_) => {
            let table = table.table("proxy")?;
            let (url, credentials) = (table.required_text("url"), place(around, &table, "credentials"));
            finish(around, table);
            (url?, credentials)
        }
        _ => (table.text("proxy")?, None),
    };
    if let Err(refused) = Proxy::new(&url.value) {
        // It may have a password in it.
        around.masks.borrow_mut().push(url.span.clone());
        let help =
            "write `proxy = { url = \"http://proxy.internal:3128\", credentials = { env = \"NAME\" } }`, say";
        around.wrong(&url.span, format!("`proxy`: {}", refused.what), help);
        return None;
    }
    Some(ProxyPlace { url: url.value, credentials })
}

fn listens(around: &Around<'_>, table: &Reader<'_>) -> Option<Vec<SocketAddr>> {
    let span = table.node("listen")?.span.clone();
    let texts = table.texts("listen")?;
    if texts.is_empty() {
        around.wrong(&span, "`listen` is empty", "write `listen = \"0.0.0.0:8080\"`, say");
        return None;
    }
    let mut listen: Vec<SocketAddr> = Vec::new();
    for text in &texts {
        let Some(address) = address(around, "listen", text) else { continue };
        if listen.contains(&address) {
            around.wrong(&text.span, format!("`listen` has {address} twice"), "keep one of the two");
        }
        listen.push(address);
    }
    Some(listen)
}

fn address(around: &Around<'_>, key: &str, text: &Spanned<Arc<str>>) -> Option<SocketAddr> {
    let parsed = text.value.parse().ok();
    if parsed.is_none() {
        let says = format!("`{key}`: `{}` is no address with a port", text.value);
        let help = format!("write `{key} = \"127.0.0.1:8080\"`, `\"0.0.0.0:8080\"` or `\"[::]:8080\"`");
        around.wrong(&text.span, says, help);
    }
    parsed
}

/// Whether what comes to one could come to the other. A port of 0 is any that is free.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let same = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && same
}

fn proxies(around: &Around<'_>, table: &Reader<'_>) -> Option<Vec<IpNet>> {
    let empty = "leave it out: then no `X-Forwarded-For` is believed";
    let networks = networks(around, table, "trusted_proxies", empty)?;
    if let Some(all) = networks.iter().find(|network| network.prefix_len() == 0) {
        let span = table.node("trusted_proxies").map_or_else(|| table.span(), |node| &node.span);
        let says = format!("`trusted_proxies` has {all}: anybody's `X-Forwarded-For` is believed");
        let help = "name the addresses of your own proxies; else `allow_from` and limits stop nobody";
        around.warn(WarningCode::WideProxies, span, says, help);
    }
    Some(networks)
}

fn junk(around: &Around<'_>, table: &Reader<'_>) -> Option<Option<Junk>> {
    let node = table.node("junk")?;
    match node.text() {
        Some(text) if &**text == "off" => return Some(None),
        Some(_) => {
            let help = "write `junk = \"off\"`, or `junk = { failures = 20, per = \"10s\" }`";
            around.wrong(&node.span, "`junk` is a table, or `off`", help);
            return None;
        }
        None => {}
    }
    let (table, default) = (table.table("junk")?, Junk::default());
    let count = |key: &str, most: i64| table.integer(key, 1..=most).map(|count| count.value);
    let (failures, addresses) = (count("failures", 1_000_000), count("addresses", 10_000_000));
    let per = span_of_time(&table, "per", Duration::from_millis(1)..=DAY);
    finish(around, table);
    Some(Some(Junk {
        failures: failures.map_or(default.failures, |count| count as u32),
        per: per.map_or(default.per, |per| per.value),
        addresses: addresses.map_or(default.addresses, |count| count as usize),
    }))
}

fn audit(around: &Around<'_>, table: &Reader<'_>) -> Option<Audit> {
    let (table, default) = (table.table("audit")?, Audit::default());
    let refusals = table.text("refusals").and_then(|text| rate(&table, "refusals", &text));
    let accepted = table.node("accepted").and_then(|node| {
        let accepted = sampled(node);
        if accepted.is_none() {
            let says = "`accepted` is `all`, a part of one such as 0.01, or a text such as `1/100`";
            around.wrong(&node.span, says, "write `accepted = \"all\"` or `accepted = \"1/100\"`");
        }
        accepted
    });
    finish(around, table);
    Some(Audit {
        refusals: refusals.unwrap_or(default.refusals),
        accepted: accepted.unwrap_or(default.accepted),
    })
}

/// `"all"`, `0.01` or `"1/100"`.
fn sampled(node: &Node) -> Option<Accepted> {
    let one_in = |number: u32| match number {
        0 => None,
        1 => Some(Accepted::All),
        number => Some(Accepted::OneIn(number)),
    };
    match &node.value {
        Value::Text(text) if &**text == "all" => Some(Accepted::All),
        Value::Text(text) => one_in(text.strip_prefix("1/")?.parse().ok()?),
        Value::Integer(1) => Some(Accepted::All),
        Value::Float(part) if (1e-6..=1.0).contains(part) => one_in((1.0 / part).round() as u32),
        _ => None,
    }
}

fn database(around: &Around<'_>, text: &Spanned<Arc<str>>) -> Option<std::path::PathBuf> {
    let (says, help) = match text.value.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() && !path.contains(['?', '\0']) && path != ":memory:" => {
            // `sqlite:///var/x.db` is how URLs say it.
            let path = path.strip_prefix("//").unwrap_or(path);
            return Some(around.folder.join(Path::new(path)));
        }
        Some(("sqlite", _)) => ("`url` names no file".to_owned(), "write `url = \"sqlite:countersign.db\"`"),
        Some(("postgres" | "postgresql", _)) => {
            // It may have a password in it.
            around.masks.borrow_mut().push(text.span.clone());
            (
                "a store in Postgres is to come, and is not there yet".to_owned(),
                "write `url = \"sqlite:countersign.db\"`",
            )
        }
        _ => {
            around.masks.borrow_mut().push(text.span.clone());
            ("`url` says of no store that there is".to_owned(), "write `url = \"sqlite:countersign.db\"`")
        }
    };
    around.wrong(&text.span, says, help);
    None
}

fn ports(around: &Around<'_>, table: &Reader<'_>) -> Vec<RangeInclusive<u16>> {
    let Some(node) = table.node("ports") else { return Vec::new() };
    let items = match &node.value {
        Value::Array(items) => &items[..],
        _ => std::slice::from_ref(node),
    };
    let read = |node: &Node| {
        let port = |number: i64| u16::try_from(number).ok().filter(|port| *port > 0);
        let range = match &node.value {
            Value::Integer(number) => port(*number).map(|port| port..=port),
            Value::Text(text) => text.split_once('-').and_then(|(first, last)| {
                let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
                Some(port(first)?..=port(last)?).filter(|range| !range.is_empty())
            }),
            _ => None,
        };
        if range.is_none() {
            let says =
                "`ports` must be ports from 1 to 65535, or ranges of them in quotes, or an array of both";
            around.wrong(&node.span, says, "write `ports = [8080, \"9000-9100\"]`, say");
        }
        range
    };
    items.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn two_addresses_overlap_if_one_is_every_address() {
        let at = |ip: &str, port| SocketAddr::new(ip.parse().unwrap(), port);
        assert!(overlap(at("0.0.0.0", 80), at("127.0.0.1", 80)));
        assert!(overlap(at("::", 80), at("127.0.0.1", 80)));
        assert!(overlap(at("10.0.0.1", 80), at("10.0.0.1", 80)));
        assert!(!overlap(at("10.0.0.1", 80), at("127.0.0.1", 80)));
        assert!(!overlap(at("0.0.0.0", 80), at("0.0.0.0", 81)));
        assert!(!overlap(at("0.0.0.0", 0), at("0.0.0.0", 0)));
    }
}
