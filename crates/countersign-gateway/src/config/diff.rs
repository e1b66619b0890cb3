//! What a reload would change: which sources come and go, which keys of which tables say something else, and what of that
//! only a restart brings about. Of what is compared nothing is secret: see [`Config::to_layer`].

use super::{Config, Source};
use countersign::config::{Node, Table, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What only a restart brings about, and all below it: sockets that are bound, a database that is open, code that is loaded, tables of a
/// fixed size.
const RESTART: [&str; 12] = [
    "server.listen",
    "server.max_connections",
    "server.header_timeout",
    "server.max_headers",
    "server.drain",
    "server.junk",
    "server.audit.refusals",
    "admin.listen",
    "store.url",
    "store.key",
    "egress",
    "module",
];

/// One thing that is otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// A source that was not there, by its name.
    Added(Arc<str>),

    /// A source that is not there any more.
    Removed(Arc<str>),

    /// A source that says something else.
    Source(Arc<str>, Vec<KeyChange>),

    /// One of the other tables, by its name, or a key beside them.
    Table(Arc<str>, Vec<KeyChange>),
}

/// A key that says something else.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct KeyChange {
    /// Keys with dots between them, within the table.
    pub key: String,

    /// What it said, as TOML; `None`: nothing.
    pub from: Option<String>,

    /// What it says.
    pub to: Option<String>,

    /// It is as it was until the gateway is started anew.
    pub restart: bool,
}

impl Change {
    /// Whether some of it only comes about by a restart.
    pub fn needs_restart(&self) -> bool {
        match self {
            Change::Added(_) | Change::Removed(_) => false,
            Change::Source(_, keys) | Change::Table(_, keys) => keys.iter().any(|key| key.restart),
        }
    }
}

/// On one line, for a log: what, and which keys.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = |keys: &[KeyChange]| keys.iter().map(|key| &*key.key).collect::<Vec<_>>().join(", ");
        match self {
            Change::Added(name) => write!(f, "source `{name}` is new"),
            Change::Removed(name) => write!(f, "source `{name}` is gone"),
            Change::Source(name, changed) => write!(f, "source `{name}` changes: {}", keys(changed)),
            Change::Table(name, changed) => write!(f, "`{name}` changes: {}", keys(changed)),
        }
    }
}

/// What is otherwise in the second than in the first: first the tables there is one of, then the sources, those that go,
/// those that come, those that change. Empty if it comes to the same, however it is written.
pub fn diff(old: &Config, new: &Config) -> Vec<Change> {
    let (before, after) = (old.to_layer(), new.to_layer());
    let mut changes = Vec::new();
    for name in ["presets", "server", "admin", "store", "egress", "delivery", "module"] {
        let mut keys = compare(before.get(&[name]), after.get(&[name]));
        for key in &mut keys {
            let whole = if key.key.is_empty() { name.to_owned() } else { format!("{name}.{}", key.key) };
            let within = |of: &&str| {
                whole.strip_prefix(*of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            key.restart = RESTART.iter().any(within);
            if key.key.is_empty() {
                key.key = name.into();
            }
        }
        if !keys.is_empty() {
            changes.push(Change::Table(name.into(), keys));
        }
    }
    let named = |config: &Config, name: &str| config.sources.iter().find(|it| *it.name == *name).cloned();
    let gone = old.sources.iter().filter(|it| named(new, &it.name).is_none());
    changes.extend(gone.map(|it| Change::Removed(it.name.clone())));
    let come = new.sources.iter().filter(|it| named(old, &it.name).is_none());
    changes.extend(come.map(|it| Change::Added(it.name.clone())));
    for after in &new.sources {
        let Some(before) = named(old, &after.name) else { continue };
        let keys = diff_source(&before, after);
        if !keys.is_empty() {
            changes.push(Change::Source(after.name.clone(), keys));
        }
    }
    changes
}

/// What is otherwise in a source. The key `scheme` is that of a preset that itself has changed, by its digest.
pub fn diff_source(old: &Source, new: &Source) -> Vec<KeyChange> {
    let (before, after) = (old.to_layer(), new.to_layer());
    let mut keys = compare(Some(before.root()), Some(after.root()));
    let spelled = |name: &str| {
        let first = name.split('.').next().unwrap_or_default();
        [&old.spelled, &new.spelled].iter().any(|it| it.0.iter().any(|(key, _)| *key.name == *first))
    };
    if old.digest != new.digest && !keys.iter().any(|key| spelled(&key.key)) {
        let value = |source: &Source| Some(format!("sha256:{}", source.digest));
        keys.push(KeyChange { key: "scheme".into(), from: value(old), to: value(new), restart: false });
    }
    keys
}

fn compare(old: Option<&Node>, new: Option<&Node>) -> Vec<KeyChange> {
    let mut both: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
    for (side, node) in [old, new].into_iter().enumerate() {
        let mut found = Vec::new();
        node.into_iter().for_each(|node| flatten(String::new(), node, &mut found));
        for (key, value) in found {
            both.entry(key).or_default()[side] = Some(value);
        }
    }
    let changed = both.into_iter().filter(|(_, [from, to])| from != to);
    changed.map(|(key, [from, to])| KeyChange { key, from, to, restart: false }).collect()
}

/// Every value that is no table, with the keys that lead to it.
fn flatten(path: String, node: &Node, found: &mut Vec<(String, String)>) {
    match &node.value {
        Value::Table(table) if !table.is_empty() => {
            for (key, node) in Table::iter(table) {
                let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
                flatten(path, node, found);
            }
        }
        value => found.push((path, value.to_string())),
    }
}
