//! Where accepted requests are handed on to.

use super::source::Bench;
use super::urls::checked_url;
use super::values::{Around, finish, place, place_at, span_of_time, spans_of_time};
use crate::secrets::SecretPlace;
use countersign::HeaderName;
use countersign::config::{Node, Reader, Spanned, Value};
use countersign_delivery::{MAX_ATTEMPTS, Schedule};
use countersign_egress::Reach;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// One target of a source.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Forward {
    /// Its name in the queue: the source's, and behind a slash its own, or `forward` where it has none: no endpoint is called so. It
    /// outlives a change of [`to`](Self::to): what waits goes to the new one.
    pub endpoint: Arc<str>,

    /// Where to. Written by the operator, and so allowed as written: see [`reach`].
    pub to: Url,

    /// How long one attempt has: 5 to 300 s. Default: 10 s.
    pub timeout: Duration,

    /// When to try again: 1 to 10 attempts. Default: ten, over some three days.
    pub schedule: Schedule,

    /// Headers added to every attempt.
    pub headers: Vec<(HeaderName, HeaderText)>,

    /// Add the query that the request came with to the target's own.
    pub pass_query: bool,

    /// Headers of the request that are passed on beside the usual ones.
    pub pass_headers: Vec<HeaderName>,

    /// Where the secret is by which every attempt is signed, as [`FORWARD_SCHEME`](crate::FORWARD_SCHEME) says. `None`: it is not.
    pub sign: Option<SecretPlace>,
}

/// What a header says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HeaderText {
    /// This.
    Text(Arc<str>),

    /// What is found there.
    Secret(SecretPlace),
}

/// Networks of one's own, to which a name that the operator wrote may lead. Link-local addresses are not among them: a name
/// that leads to where clouds keep credentials is nobody's application.
const OWN_V4: [Ipv4Net; 5] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
];
const OWN_V6: [Ipv6Net; 2] = [
    Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
];

/// What may be called to get to all of these targets: public addresses as ever, and what the operator wrote. An address that
/// he wrote is allowed, whichever it is; a name may lead to this machine and to private networks. By `http` to the hosts
/// whose URL says so, and to the ports that URLs have. The rule for URLs that strangers write is another:
/// [`Egress::reach`](super::Egress::reach).
pub fn reach<'f>(forwards: impl IntoIterator<Item = &'f Forward>) -> Reach {
    reach_of(forwards.into_iter().map(|forward| &forward.to))
}

/// As [`reach`], for URLs that an operator typed.
pub fn reach_of<'u>(urls: impl IntoIterator<Item = &'u Url>) -> Reach {
    let own = OWN_V4.map(IpNet::from).into_iter().chain(OWN_V6.map(IpNet::from));
    let mut reach = own.fold(Reach::public(), Reach::and_network);
    for to in urls {
        let address: Option<IpAddr> = match to.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        reach = address.into_iter().fold(reach, Reach::and_network);
        reach =
            to.port_or_known_default().into_iter().fold(reach, |reach, port| reach.and_ports(port..=port));
        if to.scheme() == "http" {
            reach = to.host_str().into_iter().fold(reach, Reach::and_plain_http);
        }
    }
    reach
}

/// Prints no query: many a target's has a key in it.
impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, to, timeout, schedule, headers, pass_query, pass_headers, sign } = self;
        let mut shown = to.clone();
        shown.set_query(None);
        let mut out = f.debug_struct("Forward");
        out.field("endpoint", endpoint).field("to", &shown.as_str()).field("timeout", timeout);
        out.field("schedule", schedule).field("headers", headers).field("pass_query", pass_query);
        out.field("pass_headers", pass_headers).field("sign", sign).finish()
    }
}

/// Headers that are the engine's to write.
const OURS: [&str; 6] = ["connection", "content-length", "expect", "host", "te", "transfer-encoding"];

/// `forward` of a source. Absent is `"none"`.
pub(super) fn read_all(bench: &Bench<'_>, table: &Reader<'_>, source: &str) -> Vec<Forward> {
    let around = &bench.around;
    let Some(node) = table.node("forward") else { return Vec::new() };
    if let Some(text) = node.text() {
        if &**text != "none" {
            let says = "`forward` is a table, an array of them, or `none`";
            // It may be a URL, with a password in it.
            around.mask(node);
            let help = "write `forward = { to = \"http://127.0.0.1:3000/hooks\" }`, say";
            around.wrong(&node.span, says, help);
        }
        return Vec::new();
    }
    if matches!(&node.value, Value::Array(items) if items.is_empty()) {
        around.wrong(&node.span, "`forward` is empty", "write `forward = \"none\"`, or name a target");
    }
    let tables = table.tables("forward");
    let several = tables.len() > 1;
    let mut forwards: Vec<Forward> = Vec::new();
    for table in tables {
        let span = table.span();
        let Some(forward) = read(around, table, source, several) else { continue };
        if forwards.iter().any(|other| other.endpoint == forward.endpoint) {
            let says = format!("two targets are called `{}`", forward.endpoint);
            around.wrong(span, says, "give each its own `name`");
        }
        forwards.push(forward);
    }
    forwards
}

fn read(around: &Around<'_>, table: Reader<'_>, source: &str, several: bool) -> Option<Forward> {
    let name = table.text("name").filter(|name| is_name(around, name));
    if several && !table.has("name") {
        let help = "write `name = \"orders\"`, say: what waits for a target is kept under its name";
        table.missing("name", help);
    }
    let to = table.required_text("to").and_then(|text| target(around, &text));
    let second = Duration::from_secs(1);
    let timeout = span_of_time(&table, "timeout", 5 * second..=300 * second);
    let schedule = schedule(around, &table, &Schedule::default());
    let headers = headers(around, &table);
    let pass_query = table.boolean("pass_query").unwrap_or(false);
    let pass_headers = table.texts("pass_headers").unwrap_or_default();
    let pass_headers = pass_headers.iter().filter_map(|text| header(around, "pass_headers", text)).collect();
    let sign = place(around, &table, "sign");
    finish(around, table);
    let endpoint = match name {
        Some(name) => format!("{source}/{}", name.value).into(),
        None => format!("{source}/forward").into(),
    };
    Some(Forward {
        endpoint,
        to: to?,
        timeout: timeout.map_or(10 * second, |time| time.value),
        schedule,
        headers,
        pass_query,
        pass_headers,
        sign,
    })
}

fn is_name(around: &Around<'_>, name: &Spanned<Arc<str>>) -> bool {
    let fits = super::source::is_name(&name.value);
    if !fits {
        let says = format!("`{}` can be no target's name", name.value);
        around.wrong(&name.span, says, "1 to 64 letters, digits and `_`, `.`, `-`");
    }
    fits
}

fn target(around: &Around<'_>, text: &Spanned<Arc<str>>) -> Option<Url> {
    let url = checked_url(around, "to", text)?;
    if url.fragment().is_some() {
        around.wrong(&text.span, "`to` has a fragment, which is never sent", "leave out what follows `#`");
        return None;
    }
    Some(url)
}

/// `schedule` and `attempts`, of which the second makes the first shorter.
pub(super) fn schedule(around: &Around<'_>, table: &Reader<'_>, default: &Schedule) -> Schedule {
    let attempts = table.integer("attempts", 1..=MAX_ATTEMPTS as i64);
    let week = Duration::from_secs(7 * 86_400);
    let waits = spans_of_time(table, "schedule", Duration::from_secs(1)..=week);
    let schedule = waits.and_then(|Spanned { value, span }| {
        let schedule = Schedule::new(value);
        if schedule.is_none() {
            let most = MAX_ATTEMPTS - 1;
            let says = format!(
                "`schedule` has more than {most} waits, and there are at most {MAX_ATTEMPTS} attempts"
            );
            around.wrong(&span, says, format!("leave {most} of them"));
        }
        schedule
    });
    let schedule = schedule.unwrap_or_else(|| default.clone());
    let Some(attempts) = attempts else { return schedule };
    let count = attempts.value as usize;
    if count > schedule.len() {
        let says = format!(
            "`attempts = {count}` needs {} waits between them, and `schedule` has {}",
            count - 1,
            schedule.len() - 1
        );
        around.wrong(&attempts.span, says, "leave `attempts` out, or add waits");
    }
    schedule.attempts(count)
}

fn headers(around: &Around<'_>, table: &Reader<'_>) -> Vec<(HeaderName, HeaderText)> {
    let mut headers: Vec<(HeaderName, HeaderText)> = Vec::new();
    for (key, node) in table.entries("headers") {
        let name = Spanned { value: key.name.clone(), span: key.span.clone() };
        let name = header(around, "headers", &name);
        let Some((name, text)) = name.zip(header_text(around, node, &key.name)) else { continue };
        if headers.iter().any(|(other, _)| *other == name) {
            let says = format!("`headers` has `{}` twice", name.as_str());
            around.wrong(&key.span, says, "keep one of the two: a header's case says nothing");
        }
        headers.push((name, text));
    }
    headers
}

/// A text, or where a secret is.
fn header_text(around: &Around<'_>, node: &Node, name: &str) -> Option<HeaderText> {
    match node.text() {
        None => place_at(around, node, name).map(HeaderText::Secret),
        Some(_) if sounds_secret(name) => {
            super::values::literal(around, node, name);
            None
        }
        Some(_) => plain_header(around, node, name).map(HeaderText::Text),
    }
}

/// Whether a header is, by its name, one that says a secret.
pub(super) fn sounds_secret(name: &str) -> bool {
    let words = ["auth", "token", "secret", "key", "passw", "cookie"];
    words.iter().any(|word| name.to_ascii_lowercase().contains(word))
}

/// A text that is no secret.
pub(super) fn plain_header(around: &Around<'_>, node: &Node, name: &str) -> Option<Arc<str>> {
    let Some(text) = node.text() else {
        let says = format!("the header `{name}` must be a text, but is {}", node.value.kind());
        around.wrong(&node.span, says, format!("write `{name} = \"…\"`"));
        return None;
    };
    // Visible characters and spaces between them: what every server reads alike.
    let plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && text.trim() == &**text;
    if !plain {
        let says = format!("the header `{name}` has characters that no header should have");
        around.wrong(&node.span, says, "printable ASCII, and no space at either end");
    }
    plain.then(|| text.clone())
}

pub(super) fn header(around: &Around<'_>, key: &str, name: &Spanned<Arc<str>>) -> Option<HeaderName> {
    let header = HeaderName::new(&name.value);
    let ours = |header: &HeaderName| {
        OURS.contains(&header.as_str()) || header.as_str().starts_with("x-countersign-")
    };
    match header {
        None => {
            let says = format!("`{key}`: `{}` is no header's name", name.value);
            around.wrong(&name.span, says, "write it as it is on the wire, without the colon");
            None
        }
        Some(header) if ours(&header) => {
            let says = format!("`{key}`: `{}` is written by the gateway itself", header.as_str());
            around.wrong(&name.span, says, "leave it out");
            None
        }
        header => header,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn reaches(to: &str, address: &str) -> bool {
        let forward = Forward {
            endpoint: "a".into(),
            to: Url::parse(to).unwrap(),
            timeout: Duration::from_secs(10),
            schedule: Schedule::default(),
            headers: Vec::new(),
            pass_query: false,
            pass_headers: Vec::new(),
            sign: None,
        };
        let reach = reach([&forward]);
        reach.judge_url(to).is_ok() && reach.judge(address.parse().unwrap()).is_ok()
    }

    #[test]
    fn what_an_operator_wrote_is_reached_and_no_more() {
        for (to, address) in [
            ("http://127.0.0.1:3000/x", "127.0.0.1"),
            ("http://[::1]:3000/x", "::1"),
            ("http://10.1.2.3/x", "10.1.2.3"),
            ("http://localhost:3000/x", "127.0.0.1"),
            ("http://app.internal:8080/x", "10.9.9.9"),
            ("https://app.example.com/x", "8.8.8.8"),
            ("http://169.254.1.1/x", "169.254.1.1"),
        ] {
            assert!(reaches(to, address), "{to}");
        }
        for (to, address) in [
            ("http://169.254.1.1/x", "169.254.169.254"),
            ("http://[fe80::1]/x", "fe80::2"),
            ("http://app.internal:8080/x", "169.254.169.254"),
            ("https://app.example.com/x", "169.254.169.254"),
            ("http://app.internal/x", "fe80::1"),
        ] {
            assert!(!reaches(to, address), "{to} {address}");
        }
    }
}
