//! The scheme of a source: a preset, perhaps with something laid over it, or all of it written out in the source.

use super::super::values::Around;
use super::super::{Schemes, WarningCode, weak};
use countersign::config::{ConfigCode, ConfigError, Key, Node, Reader, Span, Spanned, Table, Value, one_of};
use countersign::{Compiled, Layer};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// The tables of every preset that a source may write out beside its mode's own.
pub(in crate::config) const OF_PRESETS: [&str; 5] = ["freshness", "event", "replay", "handshake", "response"];

/// What is for people, and no part of a scheme: it may change under a pin.
const FOR_PEOPLE: [&str; 8] =
    ["title", "reference", "confidence", "notes", "default_outbound", "replaces", "name", "schema"];

/// What of the scheme stands in the source: `preset` and `override`, or `mode` and its tables. In the order of the file.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Spelled(pub(in crate::config) Vec<(Key, Node)>);

/// A scheme that was found, and compiled.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) preset: Option<Arc<str>>,
    pub(super) compiled: Arc<Compiled>,
    pub(super) layer: Layer,
    pub(super) digest: Arc<str>,
}

/// Presets that were compiled already, as they are: hundreds of sources may have one.
pub(super) type Compiling = RefCell<HashMap<Arc<str>, Found>>;

/// Read it.
pub(super) fn read(
    around: &Around<'_>,
    schemes: &Schemes,
    compiling: &Compiling,
    table: &Reader<'_>,
    name: &str,
) -> (Option<Found>, Spelled) {
    let preset = table.text("preset");
    let mode = table.text("mode");
    let spelled = spelled(schemes, table, mode.as_ref());
    let found = match (preset, mode) {
        (Some(preset), None) => by_preset(around, schemes, compiling, table, &preset),
        (None, Some(mode)) => written_out(around, schemes, table, &mode, name),
        (Some(_), Some(mode)) => {
            let help = "keep `preset`, and change it by `override = { … }`; or keep `mode` and its table";
            around.wrong(&mode.span, "`preset` and `mode` are two schemes, and a source has one", help);
            None
        }
        (None, None) => {
            if !table.has("preset") && !table.has("mode") {
                let says =
                    format!("`[{}]` has no scheme: nothing would prove who sent a request", table.path());
                let help = "write `preset = \"NAME\"` (`countersign preset list` shows all), or `mode = \"hmac\"` and its table";
                around.wrong(table.span(), says, help);
            }
            None
        }
    };
    let pinned = table.text("pin");
    if let (Some(found), Some(pin)) = (&found, pinned) {
        check_pin(around, found, &pin);
    }
    (found, spelled)
}

/// Every key that a scheme may have here, asked for in any case; and those that belong to the other sort of scheme are told
/// where they belong.
fn spelled(schemes: &Schemes, table: &Reader<'_>, mode: Option<&Spanned<Arc<str>>>) -> Spelled {
    let modes: Vec<&str> = schemes.registry().modes().map(|mode| &*mode.name).collect();
    // A table of a mode is asked for where there is one, so that no complaint lists all of them.
    let there = |name: &&&str| table.peek(name).is_some() || mode.is_some_and(|mode| *mode.value == ***name);
    let tables: Vec<&str> = modes.iter().filter(there).copied().collect();
    let keys = ["preset", "override", "allow_weak", "mode"].into_iter().chain(tables).chain(OF_PRESETS);
    let entry = |key: &str| {
        let node = table.node(key)?.clone();
        Some((Key { name: key.into(), span: node.span.clone() }, node))
    };
    Spelled(keys.filter_map(entry).collect())
}

fn by_preset(
    around: &Around<'_>,
    schemes: &Schemes,
    compiling: &Compiling,
    table: &Reader<'_>,
    preset: &Spanned<Arc<str>>,
) -> Option<Found> {
    let registry = schemes.registry();
    let modes = registry.modes().map(|mode| mode.name.to_string());
    let stray: Vec<String> = modes.chain(OF_PRESETS.map(str::to_owned)).collect();
    for key in stray.iter().filter(|key| table.peek(key).is_some()) {
        if let Some(node) = table.node(key) {
            let says = format!("`{key}` is a part of the preset, and not of the source");
            around.wrong(&node.span, says, format!("write `override = {{ {key} = {{ … }} }}`"));
        }
    }
    let allow_weak = table.boolean("allow_weak").unwrap_or(false);
    let changes = table
        .table("override")
        .and_then(|_| table.node("override"))
        .filter(|node| node.table().is_some_and(|table| !table.is_empty()));
    let base = compile_preset(around, schemes, compiling, preset)?;
    let Some(changes) = changes else { return Some(base) };
    let found = overridden(around, schemes, &preset.value, changes)?;
    let weaker = weak::weaker((&base.compiled, &base.layer), (&found.compiled, &found.layer));
    for weak::Weaker { path, says } in weaker {
        let span = node_at(changes, &path).map_or(&changes.span, |node| &node.span);
        if allow_weak {
            let says = format!("a weaker `{}`: {says}", preset.value);
            around.warn(WarningCode::WeakOverride, span, says, "leave the override out, if it can be");
        } else {
            let says = format!("this makes `{}` weaker: {says}", preset.value);
            let help =
                "leave it out; or, if the provider leaves no choice, write `allow_weak = true` in the source";
            around.wrong(span, says, help);
        }
    }
    Some(found)
}

fn compile_preset(
    around: &Around<'_>,
    schemes: &Schemes,
    compiling: &Compiling,
    preset: &Spanned<Arc<str>>,
) -> Option<Found> {
    if let Some(found) = compiling.borrow().get(&preset.value) {
        return Some(found.clone());
    }
    let registry = schemes.registry();
    let compiled = registry.resolve(&preset.value, None).and_then(|layer| {
        let compiled = registry.compile_layer(&layer)?;
        Ok((compiled, layer))
    });
    match compiled {
        Ok((compiled, layer)) => {
            let digest = digest(&layer);
            let found = Found { preset: Some(preset.value.clone()), compiled, layer, digest };
            compiling.borrow_mut().insert(preset.value.clone(), found.clone());
            Some(found)
        }
        Err(errors) => {
            // That there is none is told where it is named.
            for mut error in errors.0 {
                error.span.get_or_insert_with(|| preset.span.clone());
                around.complaints.push(error);
            }
            None
        }
    }
}

fn overridden(around: &Around<'_>, schemes: &Schemes, preset: &Arc<str>, changes: &Node) -> Option<Found> {
    // A preset is what it is called, and whose likeness it has.
    for key in ["name", "like", "replaces", "schema"] {
        if let Some((key, _)) =
            changes.table().into_iter().flat_map(Table::iter).find(|(known, _)| *known.name == *key)
        {
            let says = format!("`override` cannot change `{}`", key.name);
            around.wrong(
                &key.span,
                says,
                "name another preset, or put one of your own into the folder `presets`",
            );
            return None;
        }
    }
    let registry = schemes.registry();
    let compiled = Layer::from_table(changes.clone()).map_err(Into::into).and_then(|changes| {
        let layer = registry.resolve(preset, Some(changes))?;
        Ok((registry.compile_layer(&layer)?, layer))
    });
    match compiled {
        Ok((compiled, layer)) => {
            let digest = digest(&layer);
            Some(Found { preset: Some(preset.clone()), compiled, layer, digest })
        }
        Err(errors) => {
            around.complaints.extend(errors);
            None
        }
    }
}

/// A preset without a file: the source's own tables, under its name.
fn written_out(
    around: &Around<'_>,
    schemes: &Schemes,
    table: &Reader<'_>,
    mode: &Spanned<Arc<str>>,
    name: &str,
) -> Option<Found> {
    for key in ["override", "allow_weak"] {
        if let Some(node) = table.peek(key) {
            table.node(key);
            let says = format!("`{key}` is for a preset, and this source writes its scheme out");
            around.wrong(&node.span, says, "change the scheme itself");
        }
    }
    let registry = schemes.registry();
    let span = table.span().clone();
    let node = |value: Value| Node { value, span: span.clone() };
    let text = |text: &str| node(Value::Text(text.into()));
    let key = |name: &str| Key { name: name.into(), span: span.clone() };
    let mut entries = vec![(key("name"), text(&preset_name(name)))];
    entries.push((key("mode"), Node { value: Value::Text(mode.value.clone()), span: mode.span.clone() }));
    if let Some(own) = table.node(&mode.value) {
        entries.push((key(&mode.value), own.clone()));
    } else if registry.mode(&mode.value).is_some() {
        let says = format!("the mode `{0}` reads the table `{0}`, and there is none", mode.value);
        around.wrong(
            &mode.span,
            says,
            format!("write `{0} = {{ … }}`; `countersign mode show {0}` has one", mode.value),
        );
        return None;
    } else {
        let known = one_of(registry.modes().map(|mode| &*mode.name));
        let says = format!("unknown mode `{}`: here is {known}", mode.value);
        let error = ConfigError::at(ConfigCode::UnknownMode, mode.span.clone(), says);
        around.complaints.push(error.help("`countersign mode list` shows all"));
        return None;
    }
    entries.extend(OF_PRESETS.iter().filter_map(|name| Some((key(name), table.node(name)?.clone()))));
    entries.extend(declared(table).map(|vars| (key("var"), node(vars))));
    let layer = Layer::from_table(node(Value::Table(entries.into_iter().collect()))).ok()?;
    match registry.compile_layer(&layer) {
        Ok(compiled) => {
            let digest = digest(&layer);
            Some(Found { preset: None, compiled, layer, digest })
        }
        Err(errors) => {
            around.complaints.extend(errors);
            None
        }
    }
}

/// What the source gives is declared by that: who writes both sides need not say it twice.
fn declared(table: &Reader<'_>) -> Option<Value> {
    let span = table.span();
    let node = |value: Value| Node { value, span: span.clone() };
    let key = |name: &str| Key { name: name.into(), span: span.clone() };
    let vars = table.entries("vars").into_iter().map(|(var, value)| {
        let name = node(Value::Text(var.name.clone()));
        let secret = node(Value::Boolean(value.table().is_some()));
        node(Value::Table([(key("name"), name), (key("secret"), secret)].into_iter().collect()))
    });
    let vars: Vec<Node> = vars.collect();
    (!vars.is_empty()).then_some(Value::Array(vars))
}

/// A source's name as a preset's.
fn preset_name(source: &str) -> String {
    let words = source.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    if name.is_empty() { "source".into() } else { name }
}

fn check_pin(around: &Around<'_>, found: &Found, pin: &Spanned<Arc<str>>) {
    let given = pin.value.strip_prefix("sha256:").unwrap_or(&pin.value);
    if given.eq_ignore_ascii_case(&found.digest) {
        return;
    }
    let is = &found.digest;
    if given.len() != 64 || !given.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let says = "`pin` is `sha256:` and 64 hexadecimal digits";
        around.wrong(&pin.span, says, format!("write `pin = \"sha256:{is}\"`"));
        return;
    }
    let what = found.preset.as_deref().map_or("the scheme".into(), |preset| format!("the preset `{preset}`"));
    let says = format!("{what} is not the one that was pinned: it has changed since");
    let help = format!("look at what it is now, and if that is right write `pin = \"sha256:{is}\"`");
    around.wrong(&pin.span, says, help);
}

/// The node at the end of a path that is in the changes, or as much of the path as is.
fn node_at<'n>(changes: &'n Node, path: &str) -> Option<&'n Node> {
    let mut node = changes;
    for key in path.split('.') {
        match node.table().and_then(|table| table.get(key)) {
            Some(next) => node = next,
            None => break,
        }
    }
    Some(node)
}

/// SHA-256 over all of a scheme that is not for people, whatever the order of its keys. Not over its printed text: a new
/// printer is no new scheme.
fn digest(layer: &Layer) -> Arc<str> {
    let mut hash = Sha256::new();
    let root = layer.root().table().into_iter().flat_map(Table::iter);
    hash_table(&mut hash, root.filter(|(key, _)| !FOR_PEOPLE.contains(&&*key.name)).collect());
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}

fn hash_table(hash: &mut Sha256, mut entries: Vec<(&Key, &Node)>) {
    entries.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    hash_part(hash, b'{', &(entries.len() as u64).to_be_bytes());
    for (key, node) in entries {
        hash_part(hash, b'k', key.name.as_bytes());
        hash_node(hash, node);
    }
}

fn hash_node(hash: &mut Sha256, node: &Node) {
    match &node.value {
        Value::Text(text) => hash_part(hash, b't', text.as_bytes()),
        Value::Datetime(text) => hash_part(hash, b'd', text.as_bytes()),
        Value::Integer(number) => hash_part(hash, b'i', &number.to_be_bytes()),
        Value::Float(number) => hash_part(hash, b'f', &number.to_bits().to_be_bytes()),
        Value::Boolean(truth) => hash_part(hash, b'b', &[u8::from(*truth)]),
        Value::Array(items) => {
            hash_part(hash, b'[', &(items.len() as u64).to_be_bytes());
            items.iter().for_each(|item| hash_node(hash, item));
        }
        Value::Table(table) => hash_table(hash, table.iter().collect()),
    }
}

/// A sort, a length and the bytes: nothing can be taken for something else.
fn hash_part(hash: &mut Sha256, sort: u8, bytes: &[u8]) {
    hash.update([sort]);
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

/// For whoever needs a place and has none of its own.
pub(super) fn span_of(table: &Reader<'_>, key: &str) -> Span {
    table.node(key).map_or_else(|| table.span().clone(), |node| node.span.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use countersign::Sources;

    fn of(text: &str) -> Arc<str> {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", text);
        digest(&Layer::parse(&sources, file).unwrap())
    }

    #[test]
    fn a_digest_is_of_the_scheme_and_not_of_how_it_is_written() {
        let one = of("name = \"a\"\nnotes = [\"x\"]\nmode = \"hmac\"\n[hmac]\na = 1\nb = [\"x\", \"y\"]\n");
        assert_eq!(one, of("title = \"A\"\nmode = 'hmac'\nhmac = { b = [\"x\", \"y\"], a = 1 }\n"));
        for other in
            ["a = 2\nb = [\"x\", \"y\"]", "a = 1\nb = [\"xy\"]", "a = \"1\"\nb = [\"x\", \"y\"]", "a = 1"]
        {
            assert_ne!(one, of(&format!("mode = \"hmac\"\n[hmac]\n{other}\n")), "{other}");
        }
        // Written out, so that a change that would break every pin is noticed.
        // It is the digest of `{` 8 1 `k` 4 mode `t` 4 hmac, with lengths and the count in eight bytes.
        let pinned = "bcbe77ed6c34ff898960751cebf57d35f16de6cac91167d6b5ec62691af836b2";
        assert_eq!(&*of("mode = \"hmac\""), pinned);
    }

    #[test]
    fn any_source_has_a_name_that_a_preset_can_have() {
        for (source, name) in [("in-acme", "in-acme"), ("In_Acme.v2", "in-acme-v2"), ("-.-", "source")] {
            assert_eq!(preset_name(source), name);
        }
    }
}
