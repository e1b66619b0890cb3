//! The rules for pages: what the docs name must be there, and what must be explained is.

use super::rust::pieces;
use super::tree::{File, Package, files, packages, root};
use super::{caught, clean, package};
use std::collections::BTreeSet;

#[test]
fn every_reason_has_its_heading() {
    caught(headingless("# Reasons\n"));
    let page = std::fs::read_to_string(root().join("docs/reference/reasons.md")).unwrap_or_default();
    clean(headingless(&page));
}

fn headingless(page: &str) -> Vec<String> {
    let heading =
        |reason: &&countersign::Reason| !page.lines().any(|line| line == format!("## `{}`", reason.code()));
    let missing = countersign::Reason::ALL.iter().filter(heading);
    missing.map(|reason| format!("docs/reference/reasons.md: no heading for `{reason}`; add what to do in tests/reference.rs, then UPDATE=1 cargo test")).collect()
}

#[test]
fn every_test_that_the_architecture_names_is_there() {
    let page = "Held by `a_test_there_is`, `a_test_there_is_not`.\n";
    let source =
        File::new("crates/x/src/a.rs", "#[test]\nfn a_test_there_is() {}\nfn a_test_there_is_not() {}");
    assert_eq!(unheld(page, std::slice::from_ref(&source)).len(), 1, "only tests count");
    caught(unheld("An invariant without a test.", &[source]));
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    clean(unheld(&page, &files()));
}

/// An invariant ends in "Held by", and the names of tests behind it.
fn unheld(page: &str, files: &[File]) -> Vec<String> {
    let mut tests = BTreeSet::new();
    for File { text, .. } in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let all = pieces(text);
        for at in 0..all.len() {
            let opens = matches!(&all[at], (_, piece) if piece.as_str() == "test");
            // What stands in brackets behind it is how it is run.
            let end =
                all[at..].iter().take(24).position(|(_, piece)| piece.as_str() == "]").filter(|_| opens);
            let Some(end) = end else { continue };
            let next: Vec<&str> = all[at + end..].iter().take(4).map(|(_, piece)| piece.as_str()).collect();
            if let ["]", "fn", name, _] | ["]", "async", "fn", name] = next[..] {
                tests.insert(name.to_owned());
            }
        }
    }
    let held = page.split("Held by").skip(1).map(|rest| rest.split("\n\n").next().unwrap_or_default());
    let names: Vec<&str> = held.flat_map(|rest| rest.split('`').skip(1).step_by(2)).collect();
    if names.is_empty() {
        return vec!["docs/architecture.md: no invariant says by which test it is held".into()];
    }
    let gone = names.into_iter().filter(|name| !tests.contains(*name));
    gone.map(|name| {
        format!("docs/architecture.md: there is no test `{name}`; name the one that holds it now")
    })
    .collect()
}

#[test]
fn every_dependency_has_its_reason() {
    caught(unexplained("## serde\n", &[package("countersign", "crates/countersign", &["left-pad"])]));
    let page = std::fs::read_to_string(root().join("docs/reference/dependencies.md")).unwrap();
    clean(unexplained(&page, &packages()));
}

/// A row a dependency: `| \`name\` | used by | for | licence |`.
fn unexplained(page: &str, packages: &[Package]) -> Vec<String> {
    let ours: BTreeSet<&str> = packages.iter().map(|package| &*package.name).collect();
    let rows: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let used = packages.iter().flat_map(|package| &package.needs).map(|(name, _)| &**name);
    let used: BTreeSet<&str> = used.filter(|name| !ours.contains(name)).collect();
    let missing = used.difference(&rows).map(|name| {
        format!("docs/reference/dependencies.md: no row for `{name}`; say what it is for, and its licence")
    });
    let idle = rows.difference(&used).map(|name| {
        format!("docs/reference/dependencies.md: nothing uses `{name}` any more; remove its row")
    });
    missing.chain(idle).collect()
}

#[test]
fn every_link_of_the_docs_leads_somewhere() {
    caught(broken_links(&[File::new("docs/a.md", "[x](b.md)")]));
    clean(broken_links(&[
        File::new("docs/a.md", "[x](https://example.com) [y](#here) `[z](q)`"),
        File::new("b.md", "[a](docs/a.md#x)"),
    ]));
    clean(broken_links(&files()));
}

fn broken_links(files: &[File]) -> Vec<String> {
    let known: BTreeSet<&str> = files.iter().map(|file| &*file.path).collect();
    let is_folder =
        |path: &str| known.iter().any(|file| file.starts_with(&format!("{}/", path.trim_end_matches('/'))));
    let mut found = Vec::new();
    for File { path, text } in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (number, line) in text.lines().enumerate() {
            // What stands in backticks is no link.
            let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
            for link in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let target = link.split('#').next().unwrap_or_default();
                if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let wanted = joined(path, target);
                if !known.contains(&*wanted) && !is_folder(&wanted) {
                    found.push(format!(
                        "{path}:{}: the link to `{target}` leads nowhere; correct or remove it",
                        number + 1
                    ));
                }
            }
        }
    }
    found
}

/// A relative link, from the root.
fn joined(from: &str, link: &str) -> String {
    let mut steps: Vec<&str> = from.split('/').collect();
    steps.pop();
    for step in link.split('/') {
        match step {
            "." | "" => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}
