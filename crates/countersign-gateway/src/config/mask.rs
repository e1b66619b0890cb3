//! What a complaint must not show: a line of this file may hold a secret that somebody wrote where a place belongs, and a
//! complaint about that line, or about another part of it, would put it into a log.
//!
//! Two ways of finding such texts, beside what each reading finds for itself. In the tree it is by the names of keys. Where
//! there is no tree, because the text is not TOML, nobody can tell what stands where: then only words of our own are shown,
//! and a person sees what is wrong by the line, the caret and what is left.

use countersign::config::{FileId, Layer, Node, Sources, Span, Value};
use std::ops::Range;

/// A key that has one of these in its name, in any case, may hold a secret.
const SUSPICIOUS: [&str; 10] = [
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

/// The words that are shown of a text that is not TOML.
#[rustfmt::skip]
const OURS: [&str; 79] = [
    "accepted", "addresses", "admin", "algorithm", "all", "allow_from", "allow_weak", "attempts", "audit", "body",
    "body_timeout", "bucket", "burst", "command", "concurrency", "count", "decode", "drain", "egress", "enabled", "encoding",
    "enforce", "env", "event", "events", "extract", "failures", "false", "fetch_hosts", "file", "forms", "forward", "freshness",
    "handshake", "header", "header_timeout", "headers", "hmac", "id", "junk", "keep", "keep_bytes", "key", "learn", "limits",
    "listen", "managed", "max_connections", "max_headers", "methods", "mode", "module", "name", "networks", "none",
    "not_after", "not_before", "observe", "override", "path", "per", "pin", "plain_http", "ports", "preset", "presets",
    "public_url", "rate", "record", "reject", "replay", "schedule", "secret", "secrets", "server", "source", "store", "token",
    "true",
];

/// Hide what may be a secret, of a text that is TOML.
pub(super) fn tree(sources: &mut Sources, layer: &Layer, mut more: Vec<Span>) {
    find(layer.root(), false, &mut more);
    sources.mask(&more);
}

/// The same of a text that is not.
pub(super) fn text(sources: &mut Sources, file: FileId) {
    let spans: Vec<Span> =
        foreign(sources.text(file)).into_iter().map(|range| Span { file, range }).collect();
    sources.mask(&spans);
}

fn find(node: &Node, suspected: bool, spans: &mut Vec<Span>) {
    let suspicious = |key: &str| {
        let key = key.to_ascii_lowercase();
        SUSPICIOUS.iter().any(|word| key.contains(word))
    };
    match &node.value {
        Value::Text(text) if suspected && &**text != "managed" => spans.push(node.span.clone()),
        // Many a target has its token in the query, and some a password before the host.
        Value::Text(text) if text.contains("://") && text.contains(['?', '@']) => {
            spans.push(node.span.clone())
        }
        Value::Array(items) => items.iter().for_each(|item| find(item, suspected, spans)),
        Value::Table(table) => table.iter().for_each(|(key, node)| find(node, suspicious(&key.name), spans)),
        _ => {}
    }
}

/// Every word that is none of ours.
fn foreign(text: &str) -> Vec<Range<usize>> {
    let is_word = |c: char| c.is_alphanumeric() || !c.is_ascii() || c == '_' || c == '-';
    let (mut found, mut at) = (Vec::new(), 0);
    for word in text.split(|c| !is_word(c)) {
        if !word.is_empty() && !OURS.contains(&word) {
            found.push(at..at + word.len());
        }
        // What a text is split at is ASCII.
        at += word.len() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn of_a_text_that_is_not_toml_only_our_own_words_are_shown() {
        for (text, shown) in [
            ("secret = \"hunter2\"", "secret = \"*******\""),
            ("[admin]\ntoken = hunter2", "[admin]\ntoken = *******"),
            ("a = { id = 1, vaule \"hunter2é\" ]", "* = { id = *, ***** \"*********\" ]"),
            ("key = [\nMfKQ+r8G/Yqr==\n", "key = [\n****+***/***==\n"),
            ("path = \"/in/payments", "path = \"/**/********"),
        ] {
            let mut sources = Sources::new();
            let file = sources.add("a.toml", text);
            super::text(&mut sources, file);
            assert_eq!(sources.text(file), shown);
        }
    }

    #[test]
    fn in_a_tree_the_names_of_keys_tell() {
        let mut sources = Sources::new();
        let text =
            "secrets = \"managed\"\nname = \"a\"\n[x]\nSigningSecret = \"hunter2\"\ntokens = [\"hunter2\"]\n";
        let file = sources.add("a.toml", text);
        let layer = Layer::parse(&sources, file).unwrap();
        tree(&mut sources, &layer, vec![layer.get(&["name"]).unwrap().span.clone()]);
        let shown = sources.text(file);
        assert!(
            !shown.contains("hunter2") && shown.contains("managed") && !shown.contains("\"a\""),
            "{shown}"
        );
    }
}
