//! Reads a source, wherever its table stands: in the file, or in the store.

use super::super::urls::{base_url, check_path, checked_url};
use super::super::values::{Around, finish, networks};
use super::super::{Forward, Record, Schemes, Server, WarningCode, forward};
use super::scheme::{self, Compiling, Found};
use super::{Enforce, Source, is_name, keys, limits};
use countersign::config::{Reader, Span, Spanned, nearest};
use countersign::{Binds, Compiled};
use std::collections::HashMap;
use std::sync::Arc;

/// What reading a source needs of the rest.
pub(in crate::config) struct Bench<'a> {
    pub(in crate::config) around: Around<'a>,
    schemes: &'a Schemes,
    server: &'a Server,
    managed: bool,
    compiling: Compiling,
}

impl<'a> Bench<'a> {
    /// `managed` is whether the store can keep secrets.
    pub(in crate::config) fn new(
        around: Around<'a>,
        schemes: &'a Schemes,
        server: &'a Server,
        managed: bool,
    ) -> Self {
        Bench { around, schemes, server, managed, compiling: Compiling::default() }
    }
}

/// Every `[[source]]`. No two have one name, and no two one path.
pub(in crate::config) fn read_all(bench: &Bench<'_>, root: &Reader<'_>) -> Vec<Arc<Source>> {
    let around = &bench.around;
    let mut seen: HashMap<(&str, String), Span> = HashMap::new();
    let mut sources = Vec::new();
    for table in root.tables("source") {
        let place = |key: &str| table.peek(key).or_else(|| table.peek("path")).map(|node| node.span.clone());
        let places = [("path", place("path")), ("name", place("name"))];
        let called = names(&table);
        for ((what, span), value) in places.into_iter().zip(called) {
            let (Some(span), Some(value)) = (span, value) else { continue };
            match seen.entry((what, value)) {
                std::collections::hash_map::Entry::Vacant(free) => drop(free.insert(span)),
                std::collections::hash_map::Entry::Occupied(taken) => {
                    let first = taken.get().locate(around.sources);
                    let says =
                        format!("two sources have the {what} `{}`: the other is at {first}", taken.key().1);
                    around.wrong(&span, says, format!("give each its own `{what}`"));
                }
            }
        }
        sources.extend(read(bench, table).map(Arc::new));
    }
    sources
}

/// One of them.
pub(in crate::config) fn read(bench: &Bench<'_>, table: Reader<'_>) -> Option<Source> {
    let around = &bench.around;
    let path = path(around, &table);
    let name = name(around, &table);
    let called = name.as_deref().unwrap_or("source");
    let pinned = table.peek("pin").is_some();
    let (found, spelled) = scheme::read(around, bench.schemes, &bench.compiling, &table, called);
    let (compiled, layer) =
        (found.as_ref().map(|found| &*found.compiled), found.as_ref().map(|found| &found.layer));
    let keys = keys::keys(around, &table, compiled, bench.managed);
    let vars = keys::vars(around, &table, compiled);
    let learn = keys::learn(around, &table, keys.as_ref(), layer);
    let limits = limits::limits(around, &table);
    let anybody = "leave it out to let anybody come; to let nobody come, write `enabled = false`";
    let allow_from = networks(around, &table, "allow_from", anybody);
    let events = limits::events(around, &table, layer);
    let methods = limits::methods(around, &table);
    let forward = forward::read_all(bench, &table, called);
    let record = record(around, &table, &forward);
    let enforce = enforce(around, &table);
    let enabled = table.boolean("enabled").unwrap_or(true);
    let require_bound = require_bound(around, &table, compiled);
    let url = url(bench, &table, path.as_deref(), found.as_ref());
    finish(around, table);
    let Found { preset, compiled, layer, digest } = found?;
    Some(Source {
        name: name?,
        path: path?,
        enabled,
        enforce,
        handshake_methods: limits::handshake_methods(&layer),
        compiled,
        scheme: layer,
        preset,
        digest,
        pinned,
        spelled,
        keys: keys?,
        vars,
        methods,
        allow_from,
        events,
        limits,
        forward,
        record,
        require_bound,
        url,
        learn,
    })
}

/// Path and name as they will be, for whoever compares them.
fn names(table: &Reader<'_>) -> [Option<String>; 2] {
    let text = |key: &str| table.peek(key)?.text().map(|text| text.to_string());
    let path = text("path");
    let name = text("name").or_else(|| path.as_deref().map(default_name));
    [path, name]
}

/// What a source is called when it does not say so.
fn default_name(path: &str) -> String {
    path.strip_prefix('/').unwrap_or(path).replace('/', "-")
}

fn name(around: &Around<'_>, table: &Reader<'_>) -> Option<Arc<str>> {
    let given = table.text("name");
    let (name, span) = match &given {
        Some(Spanned { value, span }) => (value.to_string(), span.clone()),
        None => {
            let path = table.text("path")?;
            (default_name(&path.value), path.span)
        }
    };
    if name == countersign_store::PUBLISHED {
        let says =
            format!("`{name}` is what messages come from that are published here: no source is called so");
        around.wrong(&span, says, "give it another `name`");
        return None;
    }
    if is_name(&name) {
        return Some(name.into());
    }
    // What is wrong with the path is told already.
    if given.is_some() || check_path(&name_as_path(&name)).is_ok() {
        let says = match given {
            Some(_) => format!("`{name}` can be no source's name"),
            None => format!("`{name}`, which the path would give, can be no source's name"),
        };
        around.wrong(
            &span,
            says,
            "write `name = \"payments\"`, say: 1 to 64 letters, digits and `_`, `.`, `-`",
        );
    }
    None
}

fn name_as_path(name: &str) -> String {
    format!("/{name}")
}

fn path(around: &Around<'_>, table: &Reader<'_>) -> Option<Arc<str>> {
    if !table.has("path") {
        table.missing("path", "write `path = \"/in/payments\"`, say");
    }
    let text = table.text("path")?;
    match check_path(&text.value) {
        Ok(()) => Some(text.value),
        Err((says, help)) => {
            around.wrong(&text.span, says, help);
            None
        }
    }
}

fn record(around: &Around<'_>, table: &Reader<'_>, forward: &[Forward]) -> Record {
    let record = table.choice("record", &Record::WORDS);
    if let Some(Spanned { value: Record::None, span }) = &record
        && !forward.is_empty()
    {
        let says =
            "`record = \"none\"` keeps nothing, and what is forwarded has to be kept until it has arrived";
        around.wrong(span, says, "leave `record` out, or write `forward = \"none\"`");
    }
    record.map_or(Record::default(), |record| record.value)
}

fn enforce(around: &Around<'_>, table: &Reader<'_>) -> Enforce {
    let enforce = table.choice("enforce", &Enforce::WORDS);
    if let Some(Spanned { value: Enforce::Observe, span }) = &enforce {
        let says = "this source lets through what it would refuse: anybody can send it anything";
        let help = "write `enforce = \"reject\"` once what it would refuse is what it should";
        around.warn(WarningCode::Observing, span, says, help);
    }
    enforce.map_or(Enforce::default(), |enforce| enforce.value)
}

/// What the signatures must cover; the body, unless it is spelled that they need not.
fn require_bound(around: &Around<'_>, table: &Reader<'_>, compiled: Option<&Compiled>) -> Binds {
    let words: Vec<&str> = Binds::WORDS.iter().map(|(_, word)| *word).collect();
    let given = table.texts("require_bound");
    let span = scheme::span_of(table, if given.is_some() { "require_bound" } else { "preset" });
    let mut demanded = if given.is_some() { Binds::default() } else { Binds::BODY };
    for text in given.iter().flatten() {
        match Binds::WORDS.iter().find(|(_, word)| **word == *text.value) {
            Some((part, _)) => demanded = demanded | *part,
            None => {
                let known = countersign::config::one_of(words.iter().copied());
                let says = format!("`require_bound` holds {known}, but not `{}`", text.value);
                let help = nearest(&text.value, words.iter().copied());
                around.wrong(
                    &text.span,
                    says,
                    help.map_or("leave it out".into(), |near| format!("write `\"{near}\"`")),
                );
            }
        }
    }
    let Some(compiled) = compiled else { return demanded };
    let (bound, name) = (compiled.needs().binds, &compiled.preset().name);
    let missing: Vec<&str> =
        demanded.words().filter(|word| !bound.words().any(|bound| bound == *word)).collect();
    if !missing.is_empty() {
        let says = format!("signatures of `{name}` do not cover {}", countersign::config::one_of(missing));
        let help = match given.is_some() {
            true => "demand less, and fetch from the provider what is not covered",
            false => {
                "whoever has seen one request can send another body with it; if the provider has nothing better, \
                 write `require_bound = []`, and fetch from its API what matters"
            }
        };
        around.wrong(&span, says, help);
    } else if !bound.contains(Binds::BODY) {
        let says = format!(
            "signatures of `{name}` do not cover the body: whoever has seen one can send another body with it"
        );
        around.warn(WarningCode::UnboundBody, &span, says, "fetch from the provider's API what matters");
    }
    demanded
}

/// What senders call this source.
fn url(bench: &Bench<'_>, table: &Reader<'_>, path: Option<&str>, found: Option<&Found>) -> Option<Arc<str>> {
    let around = &bench.around;
    if let Some(text) = table.text("url") {
        let url = checked_url(around, "url", &text)?;
        if url.query().is_some() {
            let help = "leave the query out: each request's own is put behind it";
            around.wrong(&text.span, "`url` has a query", help);
        } else {
            // A fragment is told of by the same reading as of `public_url`; a slash at the end is the path's.
            base_url(around, "url", &text)?;
        }
        return Some(text.value);
    }
    if let Some(base) = &bench.server.public_url {
        return path.map(|path| format!("{base}{path}").into());
    }
    let looks = found.is_some_and(|Found { compiled, layer, .. }| {
        super::super::looks_at_url(layer, &compiled.preset().mode.value)
    });
    if looks {
        let says = "signatures of this scheme cover the URL, and nothing says what senders call us";
        let help =
            "write `public_url = \"https://hooks.example.com\"` in `[server]`, or `url` in this source";
        around.wrong(&scheme::span_of(table, "path"), says, help);
    }
    None
}
