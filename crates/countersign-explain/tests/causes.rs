//! The page of causes tells every code, and no other.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

const FAMILIES: [&str; 12] = [
    "secret",
    "body",
    "url",
    "message",
    "signature",
    "algorithm",
    "jwt",
    "mode",
    "transport",
    "time",
    "control",
    "preset",
];

/// Whether a text is spelt as a code: a family, and a name.
fn is_code(text: &str) -> bool {
    let named = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.split_once('/').is_some_and(|(family, name)| FAMILIES.contains(&family) && named(name))
}

/// Every code that stands as a text in the source of a folder, without its tests.
fn codes_of(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes_of(&path, codes);
        } else if !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
            codes.extend(shipped.split('"').filter(|text| is_code(text)).map(str::to_owned));
        }
    }
}

#[test]
fn the_page_of_causes_tells_every_code_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut codes = BTreeSet::new();
    codes_of(&root.join("src"), &mut codes);
    assert!(codes.len() > 100 && codes.contains("jwt/clock") && codes.contains("url/host"), "{codes:?}");

    let page = include_str!("../../../docs/reference/causes.md");
    let row = |line: &str| line.strip_prefix("| `")?.split_once("` |").map(|(code, _)| code.to_owned());
    let rows: Vec<String> = page.lines().filter_map(row).filter(|code| is_code(code)).collect();
    let told: BTreeSet<String> = rows.iter().cloned().collect();
    assert_eq!(rows.len(), told.len(), "a code has two rows");
    let missing: Vec<&String> = codes.difference(&told).collect();
    assert!(missing.is_empty(), "docs/reference/causes.md has no row for {missing:?}");
    let gone: Vec<&String> = told.difference(&codes).collect();
    assert!(gone.is_empty(), "docs/reference/causes.md tells {gone:?}, which nothing finds any more");

    // What the page names in its prose and in the table of causes is there as well.
    let named = page.split('`').skip(1).step_by(2).filter(|text| is_code(text));
    let unknown: Vec<&str> = named.filter(|code| !codes.contains(*code)).collect();
    assert!(unknown.is_empty(), "docs/reference/causes.md names {unknown:?}, which are no codes");
}

/// What a mode guesses beside lines of a preset is told by a code of its own, and not by the one for all others.
#[test]
fn every_guess_of_a_mode_that_ships_is_known() {
    let mode = include_str!("../../../plugins/jwt/src/scheme.rs");
    let guesses = mode.split("guess(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let guesses: BTreeSet<&str> = guesses.filter(|text| is_code(text)).collect();
    assert!(guesses.len() > 5, "{guesses:?}");
    let known = include_str!("../src/schemes.rs");
    for code in guesses {
        assert!(known.contains(&format!("\"{code}\"")), "`{code}` is not among KNOWN in schemes.rs");
    }
}

/// The lines of the guide are those of the example in the documentation, which is run.
#[test]
fn what_the_guide_shows_of_the_library_works() {
    let guide = include_str!("../../../docs/guide/explain.md");
    let block = guide.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let example: Vec<&str> =
        include_str!("../src/lib.rs").lines().filter_map(|line| line.strip_prefix("//! ")).collect();
    for line in block.lines() {
        assert!(
            example.contains(&line),
            "docs/guide/explain.md: the example of the crate has no line {line}"
        );
    }
}
