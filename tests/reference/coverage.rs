//! The page of coverage: our presets beside what others take in.
//!
//! What others have is `coverage.toml`. Every preset that it names is there, and what is missing has its reason.

use super::head;
use super::providers::markdown::{code, prose, table};
use super::providers::{ALL, Provider, by_title};
use super::settle;
use countersign::config::{Layer, Node, Sources, Table};
use countersign_words::tree::{tables, text, texts};
use std::collections::BTreeMap;
use std::fmt::Write;

/// How notes say that something of a provider is left out.
const LEFT_OUT: [&str; 4] = ["another scheme", "other schemes", "preset can", "crypted"];

/// What somebody else takes in.
struct Catalogue<'t> {
    title: &'t str,
    takes: &'t str,
    source: &'t str,
    generic: Vec<&'t str>,
    /// Their names, and our presets.
    presets: BTreeMap<&'t str, Vec<&'t str>>,
    /// Their names, and why there is none.
    missing: BTreeMap<&'t str, &'t str>,
}

impl<'t> Catalogue<'t> {
    fn read(table: &'t Table) -> Self {
        Catalogue {
            title: text(table, "title").unwrap(),
            takes: text(table, "takes").unwrap(),
            source: text(table, "source").unwrap(),
            generic: texts(table, "generic"),
            presets: keys(table, "presets").map(|(names, name)| (name, texts(names, name))).collect(),
            missing: keys(table, "missing").map(|(names, name)| (name, text(names, name).unwrap())).collect(),
        }
    }

    /// By what name they know a preset of ours.
    fn name_of(&self, preset: &str) -> String {
        let names = self.presets.iter().filter(|(_, ids)| ids.contains(&preset));
        names.map(|(name, _)| code(name)).collect::<Vec<_>>().join(", ")
    }
}

/// A table within, with each of its keys.
fn keys<'t>(table: &'t Table, key: &str) -> impl Iterator<Item = (&'t Table, &'t str)> {
    let table = table.get(key).and_then(Node::table).unwrap_or_else(|| panic!("`[{key}]` is not there"));
    table.iter().map(move |(key, _)| (table, &*key.name))
}

/// The lists of those that have no preset.
const ABSENT: [&str; 2] = ["inexpressible", "waiting"];

fn ours(id: &str) -> Option<&'static Provider> {
    ALL.iter().find(|provider| provider.name() == id)
}

fn data() -> Layer {
    let mut sources = Sources::new();
    let file = sources.add("tests/reference/coverage.toml", include_str!("coverage.toml"));
    Layer::parse(&sources, file).unwrap_or_else(|errors| panic!("\n{}", errors.render(&sources)))
}

#[test]
fn the_page_of_coverage_is_what_the_list_and_the_presets_say() {
    let data = data();
    let root = data.root().table().unwrap();
    let catalogues: Vec<Catalogue<'_>> = tables(root, "catalogue").into_iter().map(Catalogue::read).collect();
    let page = [counts(&catalogues), all(&catalogues), missing(&catalogues, root), beyond(root)].concat();
    settle("coverage.md", &(head("tests/reference/coverage.toml and the presets") + &page));
}

#[test]
fn every_preset_that_the_list_of_others_names_is_there() {
    let data = data();
    let root = data.root().table().unwrap();
    let mut wrong = Vec::new();
    for Catalogue { title, presets, missing, .. } in
        tables(root, "catalogue").into_iter().map(Catalogue::read)
    {
        for (name, id) in presets.iter().flat_map(|(name, ids)| ids.iter().map(move |id| (name, id))) {
            if ours(id).is_none() {
                wrong.push(format!("{title}: `{name}` names a preset `{id}` that is not there: correct it, or give the reason in `missing`"));
            }
        }
        for (name, reason) in &missing {
            if presets.contains_key(name) {
                wrong.push(format!("{title}: `{name}` is in `presets` and in `missing`: keep one"));
            }
            if said(root, reason).is_none() {
                wrong.push(format!(
                    "{title}: `{name}` is missing for `{reason}`, which `[reasons]` does not explain"
                ));
            }
        }
    }
    for (_, id) in ABSENT.iter().flat_map(|list| keys(root, list)) {
        if ours(id).is_some() {
            wrong.push(format!(
                "there is a preset `{id}` now: take it off the list of those that there are not"
            ));
        }
    }
    assert!(wrong.is_empty(), "tests/reference/coverage.toml:\n{}", wrong.join("\n"));
}

fn said<'t>(root: &'t Table, reason: &str) -> Option<&'t str> {
    text(root.get("reasons")?.table()?, reason)
}

fn counts(catalogues: &[Catalogue<'_>]) -> String {
    let cases = ALL.iter().map(|provider| provider.cases.len()).sum::<usize>();
    let published = ALL.iter().map(Provider::published).sum::<usize>();
    let proven = ALL.iter().filter(|provider| provider.is_proven()).count();
    let own =
        [ALL.len(), proven, ALL.len() - proven, cases, published].map(|count| count.to_string()).to_vec();
    let theirs = catalogues.iter().map(|Catalogue { title, takes, presets, missing, .. }| {
        let counts = [presets.len() + missing.len(), presets.len(), missing.len()];
        [format!("{title}: {takes}")].into_iter().chain(counts.map(|count| count.to_string())).collect()
    });
    let mut out = format!(
        "# Coverage\n\nOur presets beside what others take in. *Proven* are those by which a delivery verifies that somebody else has\n\
        published; by the others two programs agree. [The list of providers](../providers/README.md) says more of each.\n\n{}\n{}",
        table(&["presets", "proven", "consistent", "cases", "of these published"], [own]),
        table(&["theirs", "listed", "covered by us", "missing"], theirs)
    );
    for Catalogue { title, source, generic, .. } in catalogues {
        let generic: Vec<String> = generic.iter().map(|name| code(name)).collect();
        let apart = match generic.is_empty() {
            true => String::new(),
            false => format!("; not counted, for they are of no provider: {}", generic.join(", ")),
        };
        let _ = write!(out, "\n- {title}: {}{apart}", prose(source));
    }
    out + "\n\nBelow: [all presets](#all-presets), [what we do not have](#what-others-take-in-and-we-do-not),\n\
        [what data cannot express](#what-data-cannot-express), [what waits for a primary source](#what-waits-for-a-primary-source),\n\
        [what is unsigned by design](#what-is-unsigned-by-design).\n"
}

fn missing(catalogues: &[Catalogue<'_>], root: &Table) -> String {
    let rows = catalogues.iter().flat_map(|Catalogue { title, missing, .. }| {
        let why = |reason| prose(said(root, reason).unwrap_or("?"));
        missing.iter().map(move |(name, reason)| vec![(*title).to_owned(), code(name), why(reason)])
    });
    format!("\n## What others take in and we do not\n\n{}", table(&["theirs", "name", "why"], rows))
}

/// What there is no preset of, and what presets leave out.
fn beyond(root: &Table) -> String {
    let inexpressible = keys(root, "inexpressible").map(|(all, id)| {
        let row = all.get(id).and_then(Node::table).unwrap();
        ["name", "why"].map(|key| prose(text(row, key).unwrap())).to_vec()
    });
    let left_out = ALL.iter().flat_map(|provider| {
        let notes = provider.compiled.preset().notes.iter();
        let notes = notes.filter(|note| LEFT_OUT.iter().any(|words| note.contains(words)));
        notes.map(move |note| format!("- {}: {}\n", link(provider), prose(note)))
    });
    let names = |list| {
        let names: Vec<&str> = keys(root, list).map(|(all, id)| text(all, id).unwrap()).collect();
        prose(&names.join(", "))
    };
    format!(
        "\n## What data cannot express\n\n{}\nAnd of providers that have a preset, what its notes say that it leaves out:\n\n{}\n\
        ## What waits for a primary source\n\n\
        Their schemes are known by hearsay alone, or not whole. A page, code or a delivery of their own would do: {}.\n\n\
        ## What is unsigned by design\n\n\
        Nothing of a delivery is signed. Their presets take a secret that the operator has put into the URL, which is shown to whoever\n\
        sees that; fetch each event back: {}.\n",
        table(&["provider", "why"], inexpressible),
        left_out.collect::<String>(),
        names("waiting"),
        names("unsigned"),
    )
}

fn link(provider: &Provider) -> String {
    format!("[{}](../providers/{}.md)", prose(provider.title()), provider.name())
}

fn all(catalogues: &[Catalogue<'_>]) -> String {
    let titles = catalogues.iter().map(|catalogue| catalogue.title);
    let row = |provider: &Provider| {
        let sure = if provider.is_proven() { "proven" } else { "consistent" };
        let names = catalogues.iter().map(|catalogue| catalogue.name_of(provider.name()));
        [link(provider), sure.into()].into_iter().chain(names).collect()
    };
    let head: Vec<&str> = ["ours", "how sure"].into_iter().chain(titles).collect();
    format!("\n## All presets\n\n{}", table(&head, by_title().into_iter().map(row)))
}
