//! A page for every provider, and the indexes of them: generated from presets, from what they compile to and from their
//! vectors, and from nothing besides.

mod delivery;
mod drawing;
mod index;
pub(crate) mod markdown;
mod page;
mod seen;
#[cfg(unix)]
mod shell;

use super::{head, root, settle_at};
use countersign::config::{Layer, Node, Table, Value};
use countersign::{Compiled, KeyKind};
use countersign_testkit::{Case, Expect, VectorFile};
use countersign_words::tree::{tables, text, texts};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

/// A preset, and all that is known of it.
pub(crate) struct Provider {
    pub(crate) compiled: Arc<Compiled>,
    /// The resolved tree, as compiled.
    pub(crate) layer: Layer,
    pub(crate) cases: Vec<Case>,
    /// What its mode says of itself.
    summary: String,
}

/// Every preset that ships, by name.
pub(crate) static ALL: LazyLock<Vec<Provider>> = LazyLock::new(|| {
    let registry = countersign_modes::registry().unwrap();
    let mut all: Vec<Provider> = countersign_presets::VECTORS
        .iter()
        .map(|(file, text)| {
            let VectorFile { preset, cases, .. } =
                VectorFile::parse(*file, text).unwrap_or_else(|errors| panic!("\n{errors}"));
            let name = preset.unwrap_or_else(|| panic!("{file}: name the preset at the top"));
            let compiled = registry.named(&name).unwrap();
            let mode = registry.mode(&compiled.preset().mode.value).unwrap();
            let summary = mode.info().summary.to_string();
            Provider { compiled, layer: registry.resolve(&name, None).unwrap(), cases, summary }
        })
        .collect();
    all.sort_by(|a, b| a.name().cmp(b.name()));
    all
});

/// The same in the order in which people look for them.
pub(crate) fn by_title() -> Vec<&'static Provider> {
    let mut all: Vec<_> = ALL.iter().collect();
    all.sort_by_key(|provider| (provider.title().to_lowercase(), provider.name()));
    all
}

impl Provider {
    pub(crate) fn name(&self) -> &str {
        &self.compiled.preset().name
    }

    pub(crate) fn title(&self) -> &str {
        self.compiled.preset().title.as_deref().unwrap_or(self.name())
    }

    pub(crate) fn mode(&self) -> &str {
        &self.compiled.preset().mode.value
    }

    /// The mode's own table.
    fn table(&self) -> &Table {
        self.layer.get(&[self.mode()]).and_then(Node::table).expect("a mode compiles its table")
    }

    /// Whether somebody else says of a delivery that it is good, and it is.
    pub(crate) fn is_proven(&self) -> bool {
        self.cases.iter().any(|case| case.source.is_proof() && case.expect == Expect::Ok)
    }

    /// How many cases come from outside.
    pub(crate) fn published(&self) -> usize {
        self.cases.iter().filter(|case| case.source.is_proof()).count()
    }

    /// Whether a key is a secret that both sides hold.
    fn takes_secrets(&self) -> bool {
        self.compiled.needs().key_kind(false) == KeyKind::Shared
    }

    /// Every content that may be signed, as templates.
    fn contents(&self) -> Vec<&str> {
        let table = self.table();
        let cases = tables(table, "case");
        // A case without a template of its own has that of the table.
        let has_own = !cases.is_empty() && cases.iter().all(|case| case.get("signed_template").is_some());
        let own = cases.into_iter().chain((!has_own).then_some(table));
        own.flat_map(|own| texts(own, "signed_template")).chain(text(table, "payload")).collect()
    }

    /// Whether another URL would not do.
    fn reads_url(&self) -> bool {
        const SOURCES: [&str; 6] = ["{url", "{path", "{target", "{host", "{query", "{param:"];
        const COMPONENTS: [&str; 8] = [
            "@target-uri",
            "@authority",
            "@scheme",
            "@request-target",
            "@path",
            "@query",
            "(request-target)",
            "host",
        ];
        let mut found = false;
        each_text(self.table(), &mut |key, text| {
            found |= key == "query"
                || key == "required" && COMPONENTS.contains(&text)
                || SOURCES.iter().any(|source| text.contains(source));
        });
        found
    }
}

/// Every text of a table, with the key that it stands at.
fn each_text(table: &Table, told: &mut dyn FnMut(&str, &str)) {
    fn visit(key: &str, node: &Node, told: &mut dyn FnMut(&str, &str)) {
        match &node.value {
            Value::Text(text) => told(key, text),
            Value::Array(items) => items.iter().for_each(|item| visit(key, item, told)),
            Value::Table(table) => each_text(table, told),
            _ => {}
        }
    }
    table.iter().for_each(|(key, node)| visit(&key.name, node, told));
}

fn folder() -> PathBuf {
    root().join("docs/providers")
}

#[test]
fn the_pages_of_providers_are_what_presets_and_vectors_say() {
    let mut wanted = BTreeSet::from(["README.md".to_owned(), "index.html".to_owned()]);
    for provider in &*ALL {
        let name = format!("{}.md", provider.name());
        settle_at(&folder().join(&name), &(head("the preset and its vectors") + &page::page(provider)));
        wanted.insert(name);
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !wanted.contains(&name) && std::env::var_os("UPDATE").is_some() {
            std::fs::remove_file(folder().join(&name)).unwrap();
        } else {
            assert!(
                wanted.contains(&name),
                "docs/providers/{name} is of no preset: remove it, or run with UPDATE=1"
            );
        }
    }
}

#[test]
fn the_indexes_of_providers_list_all_of_them() {
    settle_at(&folder().join("README.md"), &(head("the presets and their vectors") + &index::page()));
    settle_at(&folder().join("index.html"), &index::html());
}
