//! What a complaint must not show: a line of this file may hold a secret that somebody wrote where a place belongs, and a
//! complaint about that line, or about another part of it, would put it into a log.
//!
//! Two ways of finding such texts: in the tree, by the names of keys; and, when there is no tree because the text is not
//! TOML, in the text itself. The second hides more than it has to. Both are beside what each reading finds for itself.

use countersign::config::{FileId, Layer, Node, Sources, Span, Value};
use std::ops::Range;

/// A key that has one of these in its name, in any case, may hold a secret.
const WORDS: [&str; 10] = [
    "secret",
    "token",
    "passw",
    "passphrase",
    "credential",
    "private",
    "apikey",
    "api_key",
    "api-key",
    "signing",
];

/// Keys that hold one where there is no tree to tell where they stand.
const KEYS: [&str; 3] = ["value", "literal", "env"];

/// Hide what may be a secret, of a text that is TOML.
pub(super) fn tree(sources: &mut Sources, layer: &Layer) {
    let mut spans = Vec::new();
    find(layer.root(), false, &mut spans);
    spans.iter().for_each(|span| sources.mask(span));
}

/// The same of a text that is not.
pub(super) fn text(sources: &mut Sources, file: FileId) {
    let ranges = assigned(sources.text(file));
    ranges.into_iter().for_each(|range| sources.mask(&Span { file, range }));
}

fn suspicious(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    WORDS.iter().any(|word| key.contains(word))
}

fn find(node: &Node, suspected: bool, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Text(text) if suspected && &**text != "managed" => spans.push(node.span.clone()),
        Value::Array(items) => items.iter().for_each(|item| find(item, suspected, spans)),
        Value::Table(table) => table.iter().for_each(|(key, node)| find(node, suspicious(&key.name), spans)),
        _ => {}
    }
}

/// The texts behind `key =`, and behind a quote that never ends the rest of its line.
fn assigned(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('=') {
        let before = text[..at].trim_end_matches([' ', '\t', '"', '\'']);
        let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let key = &before[before.trim_end_matches(is_key).len()..];
        if !suspicious(key) && !KEYS.contains(&key) {
            continue;
        }
        let start = at + 1 + text[at + 1..].bytes().take_while(|byte| b" \t[".contains(byte)).count();
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let end = match bytes.get(start) {
            Some(quote @ (b'"' | b'\'')) => {
                let quote = char::from(*quote);
                let triple = quote.to_string().repeat(3);
                if text[start..].starts_with(&triple) {
                    text[start + 3..].find(&triple).map_or(text.len(), |end| start + 3 + end + 3)
                } else {
                    text[start + 1..line_end].find(quote).map_or(line_end, |end| start + 1 + end + 1)
                }
            }
            // No quote at all: `secret = hunter2`.
            Some(byte) if !b"{[".contains(byte) => line_end,
            _ => continue,
        };
        found.push(start..end);
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_assigned_to_a_secret_is_found_however_it_is_written() {
        for text in [
            "secret = \"hunter2\"",
            "secret = hunter2",
            "secret = 'hunter2",
            "\"secret\" = \"hunter2",
            "a = { id = 1, value = \"hunter2\" ]",
            "secrets = [\"hunter2\"",
            "CLIENT_SECRET=\"\"\"hunter2\nhunter2\"\"\" x",
            "[a\nadmin_token = \"hunter2\"",
        ] {
            let mut sources = Sources::new();
            let file = sources.add("a.toml", text);
            super::text(&mut sources, file);
            assert!(!sources.text(file).contains("hunter2"), "{text}: {}", sources.text(file));
        }
        let mut sources = Sources::new();
        let file = sources.add("a.toml", "path = \"/in\"\nsecrets = [{ id = \"a\" ]\n");
        super::text(&mut sources, file);
        assert_eq!(sources.text(file), "path = \"/in\"\nsecrets = [{ id = \"a\" ]\n");
    }

    #[test]
    fn in_a_tree_the_names_of_keys_tell() {
        let mut sources = Sources::new();
        let text =
            "secrets = \"managed\"\nname = \"a\"\n[x]\nSigningSecret = \"hunter2\"\ntokens = [\"hunter2\"]\n";
        let file = sources.add("a.toml", text);
        let layer = Layer::parse(&sources, file).unwrap();
        tree(&mut sources, &layer);
        let shown = sources.text(file);
        assert!(
            !shown.contains("hunter2") && shown.contains("managed") && shown.contains("\"a\""),
            "{shown}"
        );
    }
}
