//! The words of the modes that sign no template, or whose keys are found: tokens and claims, covered components,
//! certificates, documents.
//!
//! They are told by the keys of the table and never by the name of the mode: a mode of someone else's that spells its keys
//! alike is told alike.

use super::{operand, place, quoted, text};
use crate::output::{FAINT, plain};
use countersign::config::{Node, Table, Value};
use std::fmt::Write as _;

/// What is signed where there is no template. `false`: nothing here says.
pub(super) fn signed(out: &mut String, table: &Table) -> bool {
    let mut say = |text: &str| {
        let _ = writeln!(out, "  {text}");
    };
    if let Some(payload) = text(table, "payload") {
        say(&format!("{} and the token's own header, a dot between them", plain(payload)));
        say(match text(table, "payload_encoding") {
            Some("none") => "the payload as it is (RFC 7797); its part of the token is empty",
            _ => "the payload as base64url (RFC 7515, appendix F); its part of the token is empty",
        });
        return true;
    }
    if table.get("token_source").is_some() && table.get("algorithms").is_some() {
        say("the token's header and its claims; of the request, only what a claim is compared with");
        return true;
    }
    if table.get("token_source").is_some() {
        say("nothing: the token is the secret itself, and is compared");
        return true;
    }
    if table.get("required").is_none() {
        return false;
    }
    say(match text(table, "form") {
        Some("cavage") => "what the signature lists, by the draft before RFC 9421 (draft-cavage)",
        _ => "what the signature lists (RFC 9421)",
    });
    let words = table.get("required").map(texts).unwrap_or_default();
    let width = words.iter().map(|word| word.chars().count()).max().unwrap_or(0);
    for word in words {
        say(&format!("  {:<width$}  {FAINT}{}{FAINT:#}", plain(word), component(word)));
    }
    if text(table, "form") != Some("cavage") {
        let parameters = match table.get("required_parameters") {
            Some(node) => texts(node),
            None => vec!["created"],
        };
        say(&format!("{FAINT}with the parameters{FAINT:#} {}", listed(&parameters)));
    }
    true
}

/// What a covered component stands for.
fn component(word: &str) -> &'static str {
    match word {
        "@method" => "the method",
        "@target-uri" => "the whole URL, as configured",
        "@authority" => "the URL's host and port, as configured",
        "@scheme" => "the URL's scheme, as configured",
        "@request-target" => "the URL's path and query",
        "@path" => "the URL's path",
        "@query" => "the URL's query",
        "(request-target)" => "method, path and query",
        "(created)" => "when it was signed, by the signature's own word",
        "(expires)" => "until when it is good, by the signature's own word",
        "host" => "the URL's host, as configured",
        "content-digest" | "digest" => "the body's digest, which is compared with the body",
        "date" => "the header date, which is when it was signed",
        _ if word.starts_with("@query-param") => "one parameter of the query",
        _ => "the header of that name",
    }
}

/// Where the signature is, where no place says so. `None`: nothing here says.
pub(super) fn carried(table: &Table) -> Option<String> {
    let _ = table.get("required")?;
    if text(table, "form") == Some("cavage") {
        return Some(format!("header {}", plain(text(table, "signature_header").unwrap_or("signature"))));
    }
    let which = match (text(table, "label"), text(table, "tag")) {
        (Some(label), _) => format!("the one labelled {}", quoted(label)),
        (None, Some(tag)) => format!("the one tagged {}", quoted(tag)),
        (None, None) => "the only one there is".into(),
    };
    Some(format!("headers signature-input and signature: {which}"))
}

/// What a token must say. Empty: the table is of no token with claims.
pub(super) fn claims(table: &Table) -> Vec<(&'static str, String)> {
    if table.get("token_source").is_none() || table.get("algorithms").is_none() {
        return Vec::new();
    }
    let mut facts = Vec::new();
    for (key, label) in
        [("issuer", "issuer (iss)"), ("audience", "audience (aud)"), ("subject", "subject (sub)")]
    {
        let Some(node) = table.get(key) else { continue };
        let alone = key == "audience" && truth(table, "single_audience");
        let alone = if alone { ", and nobody else" } else { "" };
        facts.push((
            label,
            format!(
                "{}{alone}",
                texts(node).iter().map(|text| quoted(text)).collect::<Vec<_>>().join(" or ")
            ),
        ));
    }
    if let Some(node) = table.get("type") {
        facts.push(("type (typ)", operand(node)));
    }
    let where_from = if table.get("payload").is_some() { "in its header" } else { "in its claims" };
    let required = match table.get("required_claims") {
        Some(node) => texts(node),
        None if table.get("payload").is_some() => Vec::new(),
        None => vec!["exp", "iat"],
    };
    if !required.is_empty() {
        facts.push(("required", format!("{} {where_from}", listed(&required))));
    }
    for (key, usual, label) in [("time", "iat", "signed at"), ("id", "jti", "message id")] {
        let claim = text(table, key).or(required.contains(&usual).then_some(usual));
        if let Some(claim) = claim {
            let format = text(table, "time_format").filter(|_| key == "time");
            let format = format.map_or_else(String::new, |format| format!(", {}", plain(format)));
            facts.push((label, format!("claim {}{format}", plain(claim))));
        }
    }
    let leeway = match table.get("leeway_seconds").map(|node| &node.value) {
        Some(Value::Integer(seconds)) => *seconds,
        _ => 0,
    };
    facts.push(("clocks", format!("exp and nbf are judged with {leeway} s of leeway")));
    facts
}

/// Where keys or certificates are found, and what is asked of them.
pub(super) fn found(table: &Table) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    for (key, what) in [("jwks", "a key set"), ("remote", "a key"), ("certificate", "a certificate")] {
        let Some(table) = table.get(key).and_then(Node::table) else { continue };
        if let Some(value) = text(table, "value") {
            facts.push(("found in", format!("the message: {what}, {}", plain(value))));
        }
        fetched(&mut facts, table, what);
        chain(&mut facts, table);
    }
    if let Some(table) = table.get("x5c").and_then(Node::table) {
        facts.push(("found in", "the token's header: a chain of certificates (x5c)".into()));
        facts.push(("leads to", "a root that you give (--secret)".into()));
        chain(&mut facts, table);
    }
    facts
}

fn fetched(facts: &mut Vec<(&'static str, String)>, table: &Table, what: &str) {
    if let Some(url) = text(table, "url") {
        facts.push(("fetched", format!("{what}, from the URL {}", plain(url))));
        facts.push(("given", given(url)));
        match (table.get("hosts"), url.contains('{')) {
            (Some(hosts), _) => facts.push(("of hosts", operand(hosts))),
            (None, true) => facts.push(("of hosts", "the one in the URL, as configured".into())),
            (None, false) => {}
        }
        if let Some(path) = text(table, "path") {
            facts.push(("of paths", format!("{} (a regular expression, for the whole path)", plain(path))));
        }
    }
    if let Some(name) = text(table, "name") {
        facts.push((
            "fetched",
            format!("{what}, by the name {}, from a source that your host has", plain(name)),
        ));
        facts.push(("given", given(name)));
    }
    if let Some(format) = text(table, "format") {
        let pointer = text(table, "pointer").map_or_else(String::new, |at| format!(", at {}", plain(at)));
        facts.push(("written as", format!("{}{pointer}", plain(format))));
    } else if let Some(pointer) = text(table, "pointer") {
        facts.push(("stands at", format!("{} of the document", plain(pointer))));
    }
    if let Some(id) = text(table, "key_id") {
        facts.push(("chosen by", plain(id)));
    }
    if let Some(at) = text(table, "expired_at") {
        facts.push(("withdrawn", format!("from the moment at {} of the document", plain(at))));
    }
}

/// How a person at a terminal gives what nobody fetches there.
fn given(place: &str) -> String {
    match place.contains('{') {
        true => "at a terminal by --document; `countersign verify` says which is wanted".into(),
        false => format!("at a terminal by --document '{}=FILE'", plain(place)),
    }
}

fn chain(facts: &mut Vec<(&'static str, String)>, table: &Table) {
    match text(table, "roots") {
        Some("web") => facts.push(("leads to", "a root of the web, as browsers know them".into())),
        Some("pinned") => facts.push(("leads to", "a root that you give (--secret)".into())),
        _ => {}
    }
    if let Some(names) = table.get("names") {
        facts.push(("made out to", operand(names)));
    }
    if let Some(Value::Integer(length)) = table.get("chain_length").map(|node| &node.value) {
        facts.push(("chain", format!("of {length} certificates")));
    }
    for (key, label) in [("purposes", "for"), ("leaf_oids", "leaf has"), ("intermediate_oids", "issuer has")]
    {
        if let Some(node) = table.get(key) {
            facts.push((label, operand(node)));
        }
    }
}

/// What the id of a key does, where a mode reads one: `keyid`.
pub(super) fn chosen(table: &Table) -> Option<String> {
    let _ = table.get("required")?;
    Some(match text(table, "keyid") {
        Some("ignored") => "nothing: every key is tried, whatever keyid says".into(),
        _ => "the signature's keyid: --secret id=KEYID@…".into(),
    })
}

/// Where it is; a place can be the body itself.
pub(super) fn whole_or_part(node: &Node) -> String {
    match &node.value {
        Value::Array(items) => items.iter().map(whole_or_part).collect::<Vec<_>>().join(", or "),
        _ => match node.table().and_then(|table| table.get("body")).map(|node| &node.value) {
            Some(Value::Boolean(true)) => "the whole body".into(),
            _ => place(node),
        },
    }
}

fn texts(node: &Node) -> Vec<&str> {
    match &node.value {
        Value::Text(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(|item| item.text().map(|text| &**text)).collect(),
        _ => Vec::new(),
    }
}

fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| plain(word)).collect();
    if words.is_empty() { "none".into() } else { words.join(", ") }
}

fn truth(table: &Table, key: &str) -> bool {
    matches!(table.get(key).map(|node| &node.value), Some(Value::Boolean(true)))
}
