//! An endpoint of an older configuration, read: what it was called, how it knew its sender, what else it had.

use super::fields::{Field, Fields, Remark, step};
use super::held::{self, OldSecret, OldVar};
use super::json::{Item, Json};
use super::scheme::{self, Scheme};
use super::tree::{Tree, list, text};
use super::words::{RATE, SOURCE, snake};
use countersign::Registry;
use countersign::config::{Complaints, Span, Value};
use serde::Serialize;
use std::cell::RefCell;

/// Which of the older shapes it had.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// A fixed token.
    Bearer,
    /// An HMAC of the body, in a header.
    HmacSha256,
    /// A preset, or a scheme written out.
    WebhookAuth,
}

/// One endpoint.
pub(super) struct Old<'a> {
    pub(super) pointer: String,
    pub(super) span: &'a Span,
    pub(super) shape: Shape,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) provider: Option<String>,
    pub(super) scheme: Scheme,
    pub(super) secrets: Vec<OldSecret>,
    pub(super) vars: Vec<(String, OldVar)>,
    /// All that is no name, path, scheme or secret, in today's words.
    pub(super) rest: Vec<(&'static str, Value)>,
    pub(super) remarks: Vec<Remark>,
}

/// What reading needs beside the text.
pub(super) struct Bench<'a> {
    pub(super) registry: &'a Registry,
    pub(super) complaints: &'a Complaints,
    /// What stands before a name where there is no path.
    pub(super) prefix: Option<&'a str>,
}

/// Every endpoint of a file: one, a list, or an object whose keys are names.
pub(super) fn read_all<'a>(root: &'a Item, bench: &Bench<'a>) -> Vec<Old<'a>> {
    let whole = Field::new(root, String::new(), bench.complaints);
    match &root.value {
        Json::Object(members) if is_keyed(root) => {
            let each = members.iter().filter_map(|(name, item)| {
                let field = Field::new(item, step("", &name.text), bench.complaints);
                read(&field, Some(&name.text), bench)
            });
            each.collect()
        }
        Json::Object(_) => read(&whole, None, bench).into_iter().collect(),
        Json::List(items) if !items.is_empty() => {
            whole.items().iter().filter_map(|field| read(field, None, bench)).collect()
        }
        _ => {
            let says = "here is no endpoint: it must be an object, a list of objects, or an object of objects by name";
            whole.wrong(says, "give the part of it that holds the endpoints");
            Vec::new()
        }
    }
}

/// Whether the keys of an object are names of endpoints. An endpoint may be called `auth`; so what is in it counts too.
fn is_keyed(root: &Item) -> bool {
    let Some(members) = root.members().filter(|members| !members.is_empty()) else { return false };
    let named = |key: &str, words: &[&str]| {
        let key = snake(key);
        let known = SOURCE.iter().filter(|word| words.is_empty() || words.contains(&word.name));
        known.flat_map(|word| word.spellings()).any(|spelling| spelling == key)
    };
    let has_scheme = |item: &Item| {
        item.members().into_iter().flatten().any(|(name, _)| named(&name.text, &["auth", "webhook_auth"]))
    };
    let all_objects = members.iter().all(|(_, item)| item.members().is_some());
    all_objects
        && (members.iter().any(|(_, item)| has_scheme(item))
            || !members.iter().any(|(name, _)| named(&name.text, &[])))
}

fn read<'a>(field: &Field<'a>, key: Option<&str>, bench: &Bench<'a>) -> Option<Old<'a>> {
    let remarks = RefCell::default();
    let (span, pointer) = (&field.item.span, field.pointer.clone());
    let before = bench.complaints.len();
    let (shape, scheme, secrets, vars, name, path, provider, rest) = {
        let fields = Fields::new(field, &[SOURCE], &remarks)?;
        let name = fields.text("name").or(key.filter(|key| !key.starts_with('/'))).map(str::to_owned);
        let path = path(&fields, key, name.as_deref(), bench);
        let found = scheme::read(&fields, bench.registry);
        let block = found.as_ref().map(|found| &found.block);
        let vars = held::vars(&fields, block, bench.registry);
        let secrets = held::secrets(&fields, block);
        let provider = fields.text("provider").map(str::to_owned);
        let rest = rest(&fields);
        fields.finish();
        let ((shape, scheme), path) = (found?.scheme?, path?);
        let name = name.unwrap_or_else(|| path.trim_start_matches('/').replace('/', "-"));
        (shape, scheme, secrets, vars, name, path, provider, rest)
    };
    if bench.complaints.len() > before {
        return None;
    }
    let remarks = remarks.into_inner();
    Some(Old { pointer, span, shape, name, path, provider, scheme, secrets, vars, rest, remarks })
}

fn path(fields: &Fields<'_>, key: Option<&str>, name: Option<&str>, bench: &Bench<'_>) -> Option<String> {
    if let Some(field) = fields.get("path") {
        return field.text().map(str::to_owned);
    }
    let made = || Some(format!("{}/{}", bench.prefix?.trim_end_matches('/'), name?));
    let path = key.filter(|key| key.starts_with('/')).map(str::to_owned).or_else(made);
    if path.is_none() {
        fields.wrong(
            "`path` is missing, and nobody can tell where senders send to",
            "write `path`; or give --prefix /hooks, say, if each is reached by its name behind that",
        );
    }
    path
}

/// What needs no second look.
fn rest(fields: &Fields<'_>) -> Vec<(&'static str, Value)> {
    let mut rest = Vec::new();
    let mut add = |key, value: Option<Value>| rest.extend(value.map(|value| (key, value)));
    let span = fields.span();
    let texts = |texts: Vec<String>| list(texts.iter().map(|it| text(it)), span);
    add("url", fields.text("url").map(text));
    add("enabled", fields.get("enabled").and_then(|field| field.boolean()).map(Value::Boolean));
    let upper = |all: Vec<&str>| texts(all.into_iter().map(str::to_ascii_uppercase).collect());
    add("methods", fields.get("methods").and_then(|field| field.texts()).map(upper));
    for (key, all) in [("allow_from", "it let everybody come"), ("events", "it took all of them")] {
        let Some((field, found)) = fields.get(key).and_then(|field| Some((field.clone(), field.texts()?)))
        else {
            continue;
        };
        if found.is_empty() && key == "allow_from" {
            // Some take it for everybody, some for nobody: whoever wrote it has to say.
            field.wrong(
                "the list is empty",
                "leave it out if everybody may come; if nobody may, leave the endpoint out",
            );
        } else if found.is_empty() {
            let says = format!("the list is empty, and is left out: {all}");
            fields.remark(&field.pointer, says, format!("if that was not so, write `{key}`"));
        } else {
            add(key, Some(texts(found.into_iter().map(str::to_owned).collect())));
        }
    }
    let mut limits = Tree::new(span);
    limits.add("body", body(fields)).add("rate", rate(fields));
    add("limits", (!limits.is_empty()).then(|| limits.value()));
    add("forward", forward(fields));
    rest
}

fn body(fields: &Fields<'_>) -> Option<Value> {
    let field = fields.get("max_body_bytes")?;
    match field.item.text() {
        Some(_) => field.text().map(text),
        None => field.integer(1..=i64::MAX).map(|bytes| text(&format!("{bytes}B"))),
    }
}

fn rate(fields: &Fields<'_>) -> Option<Value> {
    let field = fields.get("rate_limit")?;
    match &field.item.value {
        Json::Boolean(truth) => return Some(Value::Boolean(*truth)),
        Json::Text(_) => return field.text().map(text),
        _ => {}
    }
    let table = Fields::new(&field, &[RATE], fields.remarks())?;
    let count = table.get("requests").and_then(|field| field.integer(1..=1_000_000));
    let per = table.get("per_seconds").and_then(|field| match field.item.text() {
        Some(_) => field.text().map(str::to_owned),
        None => field.integer(1..=86_400).map(|seconds| format!("{seconds}s")),
    });
    let on = table.get("enabled").and_then(|field| field.boolean());
    table.finish();
    if on == Some(false) {
        table.remark(
            &field.pointer,
            "the rate was switched off, and is left out",
            "write `limits = { rate = … }` for one",
        );
        return None;
    }
    match (count, per) {
        (None, None) if on == Some(true) => Some(Value::Boolean(true)),
        (Some(count), Some(per)) => {
            let mut rate = Tree::new(table.span());
            rate.add("count", Value::Integer(count)).add("per", text(&per));
            Some(rate.value())
        }
        _ => {
            table.wrong("a rate is `requests` and `per_seconds`", "give both, or `true` for 100 in 60 s");
            None
        }
    }
}

fn forward(fields: &Fields<'_>) -> Option<Value> {
    let field = fields.get("forward_to")?;
    let to = field.text()?;
    if to.contains('?') {
        let says = "the target's query stands in the configuration, as it stood here";
        let next =
            "if there is a secret in it, send that in a header: `headers = { name = { file = \"…\" } }`";
        fields.remark(&field.pointer, says, next);
    }
    let mut forward = Tree::new(&field.item.span);
    forward.add("to", text(to));
    Some(forward.value())
}
