//! Reads `limits`, `allow_from`, `events` and `methods`: who and what is let in.

use super::super::units;
use super::super::values::{Around, finish, rate, size, span_of_time};
use super::super::{Limits, MAX_COUNT, MAX_PER, Rate, Shape};
use super::Events;
use countersign::Layer;
use countersign::config::{Node, Reader, Value};
use std::sync::Arc;
use std::time::Duration;

/// The largest body that a source may allow, in bytes.
pub(in crate::config) const MAX_BODY: u64 = 64 << 20;

/// How many event patterns a source may have.
const MAX_PATTERNS: usize = 100;

impl Default for Limits {
    fn default() -> Self {
        Limits { body: 1 << 20, rate: None, concurrency: None }
    }
}

pub(super) fn limits(around: &Around<'_>, source: &Reader<'_>) -> Limits {
    let Some(table) = source.table("limits") else { return Limits::default() };
    let body = size(&table, "body", 1..=MAX_BODY);
    let rate = table.node("rate").and_then(|node| read_rate(around, &table, node));
    let concurrency = table.integer("concurrency", 1..=100_000);
    finish(around, table);
    Limits {
        body: body.map_or(1 << 20, |body| body.value as usize),
        rate,
        concurrency: concurrency.map(|count| count.value as usize),
    }
}

/// `"100/s"`, `true` for 100 in 60 s, `false` for none, or a table.
fn read_rate(around: &Around<'_>, limits: &Reader<'_>, node: &Node) -> Option<Rate> {
    match &node.value {
        Value::Boolean(true) => Some(Rate { count: 100, per: Duration::from_secs(60), shape: Shape::Window }),
        Value::Boolean(false) => None,
        Value::Text(_) => rate(limits, "rate", &limits.text("rate")?),
        Value::Table(_) => {
            let table = limits.table("rate")?;
            let read = rate_table(&table);
            finish(around, table);
            read
        }
        other => {
            let says = format!(
                "`rate` must be a text such as `100/s`, a table, or `true` for 100 in 60 s, but is {}",
                other.kind()
            );
            around.wrong(&node.span, says, "write `rate = \"100/s\"`");
            None
        }
    }
}

fn rate_table(table: &Reader<'_>) -> Option<Rate> {
    let most = i64::from(MAX_COUNT);
    let count = table.integer("count", 1..=most);
    let per = span_of_time(table, "per", Duration::from_millis(1)..=MAX_PER);
    let shape = table.word("shape", &["window", "bucket"]).map(|word| word.value);
    let burst = table.integer("burst", 1..=most);
    for key in ["count", "per"] {
        if !table.has(key) {
            table.missing(key, "write `rate = { count = 100, per = \"1s\" }`, say");
        }
    }
    if let (Some(burst), None | Some("window")) = (&burst, shape) {
        let says = "`burst` is what a bucket holds, and this rate is a window";
        super::super::values::wrong(table.complaints(), &burst.span, says, "write `shape = \"bucket\"`");
    }
    let rate = units::within(count?.value as u64, per?.value).ok()?;
    let burst = burst.map_or(rate.count, |burst| burst.value as u32);
    Some(if shape == Some("bucket") { Rate { shape: Shape::Bucket { burst }, ..rate } } else { rate })
}

/// What is written where no pattern will do.
const SUCH: &str =
    "write `events = [\"invoice.*\", \"charge.refunded\"]`, say, or leave it out: then all are taken";

/// `events`, which need a preset that says where the type is.
pub(super) fn events(around: &Around<'_>, source: &Reader<'_>, scheme: Option<&Layer>) -> Option<Events> {
    let node = source.node("events")?;
    if scheme.is_some_and(|scheme| scheme.get(&["event", "type"]).is_none()) {
        let says =
            "`events` are types, and this scheme does not say where an event's type is: none would fit";
        let help = "say it: `override = { event = { type = \"{json:/type}\" } }`; or leave `events` out";
        around.wrong(&node.span, says, help);
    }
    patterns(around, source)
}

/// `events` as patterns.
pub(in crate::config) fn patterns(around: &Around<'_>, table: &Reader<'_>) -> Option<Events> {
    let node = table.node("events")?;
    let texts = table.texts("events")?;
    if texts.is_empty() {
        around.wrong(&node.span, "`events` is empty, and nothing would be taken", SUCH);
    }
    if texts.len() > MAX_PATTERNS {
        let says = format!("`events` has {} patterns, and at most {MAX_PATTERNS} are looked at", texts.len());
        around.wrong(&node.span, says, "`*` stands for any number of characters: `invoice.*`");
    }
    let mut patterns: Vec<Arc<str>> = Vec::new();
    for text in texts {
        let plain = |c: char| !c.is_whitespace() && !c.is_control();
        if text.value.is_empty() || text.value.len() > 256 || !text.value.chars().all(plain) {
            around.wrong(&text.span, "an event pattern has 1 to 256 characters, and no white space", SUCH);
        } else {
            patterns.push(text.value);
        }
    }
    Some(Events(patterns))
}

/// `methods`: `POST` unless it is said otherwise.
pub(super) fn methods(around: &Around<'_>, source: &Reader<'_>) -> Vec<Arc<str>> {
    let default = || vec!["POST".into()];
    let Some(node) = source.node("methods") else { return default() };
    let Some(texts) = source.texts("methods") else { return default() };
    if texts.is_empty() {
        around.wrong(
            &node.span,
            "`methods` is empty, and nothing could come in",
            "write `methods = [\"POST\"]`",
        );
    }
    let mut methods: Vec<Arc<str>> = Vec::new();
    for text in texts {
        let upper = text.value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        if !upper || !(1..=32).contains(&text.value.len()) {
            let says = format!("`methods`: `{}` is no method as it is on the wire", text.value);
            around.wrong(&text.span, says, "write it in upper case: `POST`");
        } else if ["CONNECT", "TRACE"].contains(&&*text.value) {
            let says = format!("`methods`: `{}` is never a webhook", text.value);
            around.wrong(&text.span, says, "leave it out");
        } else if !methods.contains(&text.value) {
            methods.push(text.value);
        }
    }
    methods
}

/// The methods that the scheme's handshakes are told by: `{method}` in a test of theirs.
pub(super) fn handshake_methods(scheme: &Layer) -> Vec<Arc<str>> {
    let Some(node) = scheme.get(&["handshake"]) else { return Vec::new() };
    let handshakes = match &node.value {
        Value::Array(items) => &items[..],
        _ => std::slice::from_ref(node),
    };
    let mut methods: Vec<Arc<str>> = Vec::new();
    for test in
        handshakes.iter().filter_map(Node::table).filter_map(|table| table.get("when")).flat_map(tests)
    {
        let Some(test) = test.table() else { continue };
        if test.get("value").and_then(Node::text).is_none_or(|value| !value.starts_with("{method")) {
            continue;
        }
        let named = ["equals", "in"].iter().filter_map(|key| test.get(key));
        for word in named.flat_map(super::super::schemes::texts) {
            let word: Arc<str> = word.to_ascii_uppercase().into();
            if !methods.contains(&word) && word.bytes().all(|byte| byte.is_ascii_uppercase()) {
                methods.push(word);
            }
        }
    }
    methods
}

fn tests(node: &Node) -> &[Node] {
    match &node.value {
        Value::Array(items) => items,
        _ => std::slice::from_ref(node),
    }
}
