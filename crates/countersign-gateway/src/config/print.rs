//! A configuration as it was understood: every default written out, nothing in it secret.
//!
//! What may hold a secret although it says where one is, a command and the query of a target, is shown by its fingerprint:
//! enough to see that it has changed, and no more.

use super::units::{print_duration, print_rate, print_size};
use super::{
    Accepted, Admin, Audit, Config, Delivery, Egress, Forward, HeaderText, Junk, Keys, Limits, ProxyPlace,
    Rate, Server, Shape, Source, StoreSettings, VarText,
};
use crate::secrets::{KeyPlace, SecretPlace, fingerprint};
use countersign::config::{Key, Node, Span, Value};
use countersign::{HeaderName, Layer, Sources, Timestamp};
use countersign_delivery::Policy;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

impl Config {
    /// As a tree, in the shape of the file.
    pub fn to_layer(&self) -> Layer {
        let Self { file: _, server: s, admin: a, store, egress: e, delivery: d, schemes, sources } = self;
        let mut root = Tree::new();
        root.some("presets", schemes.folder().map(|folder| text(folder.display())));
        root.add("server", server(s));
        root.some("admin", a.as_ref().map(admin));
        root.add("store", store_table(store));
        root.add("egress", egress(e));
        root.add("delivery", delivery(d));
        root.some("module", schemes.table().map(|node| node.value.clone()));
        if !sources.is_empty() {
            root.add("source", list(sources.iter().map(|it| source(it).done())));
        }
        root.layer()
    }

    /// As tidy TOML.
    pub fn to_toml(&self) -> String {
        self.to_layer().to_toml()
    }

    /// As JSON, in the shape of the file.
    pub fn to_json(&self) -> serde_json::Value {
        json(self.to_layer().root())
    }
}

impl Source {
    /// Its table as a tree.
    pub fn to_layer(&self) -> Layer {
        source(self).layer()
    }

    /// Its table as tidy TOML.
    pub fn to_toml(&self) -> String {
        self.to_layer().to_toml()
    }

    /// Its table as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        json(self.to_layer().root())
    }
}

/// A tree of TOML as JSON. Dates become texts.
pub fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Text(text) | Value::Datetime(text) => (**text).into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Array(items) => items.iter().map(json).collect(),
        Value::Table(table) => serde_json::Value::Object(
            table.iter().map(|(key, node)| (key.name.to_string(), json(node))).collect(),
        ),
    }
}

/// A table that is being written.
struct Tree(Vec<(Key, Node)>);

impl Tree {
    fn new() -> Self {
        Tree(Vec::new())
    }

    fn add(&mut self, key: &str, value: Value) {
        self.0.push((Key { name: key.into(), span: nowhere() }, node(value)));
    }

    fn some(&mut self, key: &str, value: Option<Value>) {
        value.into_iter().for_each(|value| self.add(key, value));
    }

    fn done(self) -> Value {
        Value::Table(self.0.into_iter().collect())
    }

    fn layer(self) -> Layer {
        Layer::of(self.0.into_iter().collect(), nowhere())
    }
}

fn nowhere() -> Span {
    Span { file: Sources::new().add("", ""), range: 0..0 }
}

fn node(value: Value) -> Node {
    Node { value, span: nowhere() }
}

fn text(text: impl Display) -> Value {
    Value::Text(text.to_string().into())
}

fn count(number: impl TryInto<i64>) -> Value {
    Value::Integer(number.try_into().unwrap_or(i64::MAX))
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(values.into_iter().map(node).collect())
}

fn texts<T: Display>(all: impl IntoIterator<Item = T>) -> Value {
    list(all.into_iter().map(text))
}

fn time(span: Duration) -> Value {
    text(print_duration(span))
}

fn server(server: &Server) -> Value {
    let Server {
        listen,
        public_url,
        trusted_proxies,
        max_connections,
        header_timeout,
        body_timeout,
        max_headers,
        drain,
        junk,
        audit,
        strict,
        watch,
    } = server;
    let mut out = Tree::new();
    out.add("listen", texts(listen));
    out.some("public_url", public_url.as_ref().map(text));
    out.some("trusted_proxies", (!trusted_proxies.is_empty()).then(|| texts(trusted_proxies)));
    out.add("max_connections", count(*max_connections));
    out.add("header_timeout", time(*header_timeout));
    out.add("body_timeout", time(*body_timeout));
    out.add("max_headers", count(*max_headers));
    out.add("drain", time(*drain));
    out.add(
        "junk",
        junk.as_ref().map_or_else(
            || text("off"),
            |Junk { failures, per, addresses }| {
                let mut junk = Tree::new();
                junk.add("failures", count(*failures));
                junk.add("per", time(*per));
                junk.add("addresses", count(*addresses));
                junk.done()
            },
        ),
    );
    let Audit { refusals, accepted } = audit;
    let mut audit = Tree::new();
    audit.add("refusals", text(print_rate(refusals)));
    audit.add(
        "accepted",
        match accepted {
            Accepted::All => text("all"),
            Accepted::OneIn(number) => text(format_args!("1/{number}")),
        },
    );
    out.add("audit", audit.done());
    out.add("strict", Value::Boolean(*strict));
    out.add("watch", Value::Boolean(*watch));
    out.done()
}

fn admin(Admin { listen, token }: &Admin) -> Value {
    let mut out = Tree::new();
    out.add("listen", text(listen));
    out.add("token", place(token));
    out.done()
}

fn store_table(StoreSettings { path, keep, keep_bytes, key }: &StoreSettings) -> Value {
    let mut out = Tree::new();
    out.add("url", text(format_args!("sqlite:{}", path.display())));
    out.add("keep", time(*keep));
    out.some("keep_bytes", keep_bytes.map(|bytes| text(print_size(bytes))));
    out.some("key", key.as_ref().map(place));
    out.done()
}

fn egress(Egress { networks, ports, plain_http, fetch_hosts, proxy }: &Egress) -> Value {
    let mut out = Tree::new();
    out.some("networks", (!networks.is_empty()).then(|| texts(networks)));
    let port = |range: &std::ops::RangeInclusive<u16>| match range.start() == range.end() {
        true => count(*range.start()),
        false => text(format_args!("{}-{}", range.start(), range.end())),
    };
    out.some("ports", (!ports.is_empty()).then(|| list(ports.iter().map(port))));
    out.some("plain_http", (!plain_http.is_empty()).then(|| texts(plain_http)));
    out.some("fetch_hosts", (!fetch_hosts.is_empty()).then(|| texts(fetch_hosts)));
    if let Some(ProxyPlace { url, credentials }) = proxy {
        let mut table = Tree::new();
        table.add("url", text(url));
        table.some("credentials", credentials.as_ref().map(place));
        out.add("proxy", table.done());
    }
    out.done()
}

fn source(source: &Source) -> Tree {
    let Source { name, path, spelled, digest, pinned, keys, vars, learn, .. } = source;
    let mut out = Tree::new();
    out.add("path", text(path));
    out.add("name", text(name));
    out.add("enabled", Value::Boolean(source.enabled));
    out.0.extend(spelled.0.iter().cloned());
    out.some("pin", pinned.then(|| text(format_args!("sha256:{digest}"))));
    if !vars.is_empty() {
        let mut table = Tree::new();
        for (name, value) in vars {
            let value = match value {
                VarText::Text(value) => text(value),
                VarText::Secret(at) => place(at),
            };
            table.add(name, value);
        }
        out.add("vars", table.done());
    }
    match keys {
        Keys::Found => {}
        Keys::Managed => out.add("secrets", text("managed")),
        Keys::Placed(keys) => out.add("secrets", list(keys.iter().map(key))),
    }
    if let Some(learn) = learn {
        let mut table = Tree::new();
        table.add("until", moment(learn.until));
        out.add("learn", table.done());
    }
    admitted(&mut out, source);
    out
}

/// What of a source is about who and what is let in, and where that goes.
fn admitted(out: &mut Tree, source: &Source) {
    let Source { methods, allow_from, events, limits: most, forward: to, record, enforce, .. } = source;
    out.add("methods", texts(methods));
    out.some("allow_from", allow_from.as_ref().map(texts));
    out.some("events", events.as_ref().map(|events| texts(events.patterns())));
    out.add("limits", limits(most));
    out.add("require_bound", texts(source.require_bound.words()));
    out.some("url", source.url.as_ref().map(text));
    out.add("enforce", text(enforce.word()));
    out.add("record", text(record.word()));
    out.add(
        "forward",
        match &to[..] {
            [] => text("none"),
            [one] => forward(&source.name, one),
            several => list(several.iter().map(|one| forward(&source.name, one))),
        },
    );
}

fn delivery(delivery: &Delivery) -> Value {
    let Delivery { preset, policy: how, topic_header, type_header, certificate } = delivery;
    let mut out = Tree::new();
    out.some("preset", preset.as_ref().map(text));
    policy(&mut out, how);
    out.add("topic_header", text(topic_header.as_str()));
    out.add("type_header", text(type_header.as_str()));
    out.some("certificate", certificate.as_ref().map(place));
    out.done()
}

/// How an endpoint is sent to.
fn policy(out: &mut Tree, policy: &Policy) {
    let (share, stops) = (policy.share(), policy.stops());
    out.add("timeout", time(policy.limits().time));
    out.add("schedule", list(policy.waits().waits().iter().map(|wait| time(*wait))));
    out.add("concurrency", count(share.concurrency));
    out.some("rate", share.rate.map(|rate| text(format_args!("{rate}/s"))));
    out.some("disable_after", stops.after.map(time));
}

fn limits(Limits { body, rate, concurrency }: &Limits) -> Value {
    let mut out = Tree::new();
    out.add("body", text(print_size(*body as u64)));
    out.some("rate", rate.as_ref().map(rate_value));
    out.some("concurrency", concurrency.map(count));
    out.done()
}

fn rate_value(rate: &Rate) -> Value {
    let Shape::Bucket { burst } = rate.shape else { return text(print_rate(rate)) };
    let mut out = Tree::new();
    out.add("count", count(rate.count));
    out.add("per", time(rate.per));
    out.add("shape", text("bucket"));
    out.add("burst", count(burst));
    out.done()
}

fn forward(source: &Arc<str>, forward: &Forward) -> Value {
    let Forward { endpoint, to, timeout, schedule, headers, pass_query, pass_headers, sign } = forward;
    let mut out = Tree::new();
    out.some("name", endpoint.strip_prefix(&**source).and_then(|rest| rest.strip_prefix('/')).map(text));
    let mut shown = to.clone();
    if let Some(query) = to.query() {
        shown.set_query(Some(&format!("not-shown-{}", fingerprint(query.as_bytes()))));
    }
    out.add("to", text(shown));
    out.add("timeout", time(*timeout));
    out.add("schedule", list(schedule.waits().iter().map(|wait| time(*wait))));
    if !headers.is_empty() {
        let mut table = Tree::new();
        for (name, value) in headers {
            let value = match value {
                HeaderText::Text(value) => text(value),
                HeaderText::Secret(at) => place(at),
            };
            table.add(name.as_str(), value);
        }
        out.add("headers", table.done());
    }
    out.add("pass_query", Value::Boolean(*pass_query));
    out.some("sign", sign.as_ref().map(place));
    out.some(
        "pass_headers",
        (!pass_headers.is_empty()).then(|| texts(pass_headers.iter().map(HeaderName::as_str))),
    );
    out.done()
}

fn key(KeyPlace { id, place: at, window, role }: &KeyPlace) -> Value {
    let mut out = Tree::new();
    out.add("id", text(id));
    at_place(&mut out, at);
    out.some("not_before", window.not_before.map(moment));
    out.some("not_after", window.not_after.map(moment));
    out.some("role", role.as_ref().map(text));
    out.done()
}

fn place(at: &SecretPlace) -> Value {
    let mut out = Tree::new();
    at_place(&mut out, at);
    out.done()
}

fn at_place(out: &mut Tree, at: &SecretPlace) {
    match at {
        SecretPlace::Env(name) => out.add("env", text(name)),
        SecretPlace::File(path) => out.add("file", text(path.display())),
        SecretPlace::Command(command) => {
            out.add("command", text(format_args!("not shown ({})", fingerprint(command.as_bytes()))));
        }
    }
}

fn moment(at: Timestamp) -> Value {
    text(at)
}
