//! The words of the grammar, told to a person: what is signed, drawn as the template with its parts, and where things
//! stand. Reads the tree only; a key that is not known here is still seen in the printed preset.

mod own;

use super::heading;
use crate::output::{FAINT, HEAD, facts, plain, styled};
use countersign::TimeFormat;
use countersign::config::{Node, Table, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a mode's table says of content, signatures, time and id.
pub(super) fn scheme(out: &mut String, node: &Node, mode: &str) {
    let Some(table) = node.table() else { return };
    heading(out, "What is signed");
    let templates = std::iter::once(table).chain(tables(table, "case"));
    if !templates.into_iter().any(|table| table.get("signed_template").is_some()) && !own::signed(out, table)
    {
        let _ = writeln!(out, "  what the mode says, and no template: countersign mode show {}", plain(mode));
    }
    if let Some(each) = text(table, "each") {
        let _ = writeln!(out, "  for each element of {}:", plain(each));
    }
    let mut legend = Legend { table, entries: BTreeMap::new() };
    draw(out, table, &mut legend);
    for case in tables(table, "case") {
        let when: Vec<String> = tables(case, "when").into_iter().map(test).collect();
        let _ = writeln!(out, "  {FAINT}when{FAINT:#} {}", when.join(" and "));
        draw(out, case, &mut legend);
    }
    if let Some(parts) = table.get("parts").and_then(Node::table) {
        for (name, value) in parts.iter() {
            if let Some(template) = value.text() {
                let _ = writeln!(out, "  {{part:{}}} = {}", plain(&name.name), template_line(template));
                legend.add(template);
            }
        }
    }
    if let Some(Value::Array(words)) = table.get("algorithms").map(|node| &node.value) {
        let words: Vec<String> = words.iter().filter_map(Node::text).map(|word| plain(word)).collect();
        let _ = writeln!(out, "  {FAINT}with{FAINT:#} {}", words.join(" or "));
    }
    if let Some(algorithm) = table.get("algorithm") {
        let _ = writeln!(out, "  {FAINT}with{FAINT:#} {}", algorithm_words(algorithm));
    }
    legend.print(out);
    places(out, table);
    let claims = own::claims(table);
    if !claims.is_empty() {
        heading(out, "What the token must say");
        facts(out, &claims);
    }
    let required: Vec<&Table> = tables(table, "require");
    if !required.is_empty() {
        heading(out, "What is required besides");
        for require in required {
            let early = matches!(require.get("early").map(|node| &node.value), Some(Value::Boolean(true)));
            let _ = writeln!(out, "  {}{}", test(require), if early { " (looked at first)" } else { "" });
        }
    }
}

/// How secrets become keys, and where keys are found that nobody gives. `what` is the sort of key that is given.
pub(super) fn keys(node: &Node, what: &str) -> Vec<(&'static str, String)> {
    let Some(table) = node.table() else { return Vec::new() };
    let mut facts = table.get("key").map(|node| key(node, what)).unwrap_or_default();
    facts.extend(own::chosen(table).map(|by| ("chosen by", by)));
    facts.extend(own::found(table));
    facts
}

fn key(node: &Node, what: &str) -> Vec<(&'static str, String)> {
    let Some(key) = node.table() else { return Vec::new() };
    let mut facts = Vec::new();
    let forms: Vec<String> = tables(key, "forms").into_iter().map(|table| form(table, what)).collect();
    if !forms.is_empty() {
        facts.push(("forms", forms.join("\n")));
    }
    for (word, label) in [("derive", "derived by"), ("select", "chosen by")] {
        if let Some(template) = text(key, word) {
            facts.push((label, plain(template)));
        }
    }
    if let Some(Value::Array(roles)) = key.get("roles").map(|node| &node.value) {
        let roles: Vec<String> = roles.iter().filter_map(Node::text).map(|role| plain(role)).collect();
        facts.push(("roles", format!("{} (role=ROLE@… in a SPEC)", roles.join(", "))));
    }
    if let Some(Value::Integer(bytes)) = key.get("min_bytes").map(|node| &node.value) {
        facts.push(("at least", format!("{bytes} bytes")));
    }
    facts
}

fn form(form: &Table, what: &str) -> String {
    let decoded = match text(form, "decode") {
        Some("text") | None => format!("its text is the {what}"),
        Some("pem") => "PEM: -----BEGIN …".to_owned(),
        Some(decode) => format!("{} of the {what}", plain(decode)),
    };
    match text(form, "prefix") {
        Some(prefix) => format!("after {}: {decoded}", quoted(prefix)),
        None => decoded,
    }
}

/// The template of a table or case, or its alternatives.
fn draw(out: &mut String, table: &Table, legend: &mut Legend<'_>) {
    let Some(node) = table.get("signed_template") else { return };
    let alternatives: Vec<&str> = match &node.value {
        Value::Text(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(|item| item.text().map(|text| &**text)).collect(),
        _ => Vec::new(),
    };
    for (index, template) in alternatives.iter().enumerate() {
        let or = if index > 0 { "or " } else { "" };
        let _ = writeln!(out, "  {or}{}", template_line(template));
        legend.add(template);
    }
}

/// On one line, placeholders standing out.
fn template_line(template: &str) -> String {
    let pieces = split(template).into_iter().map(|piece| match piece {
        Piece::Literal(text) => plain(&text.replace('\n', "\\n")),
        Piece::Slot(text) => styled(HEAD, &format!("{{{}}}", plain(text))),
    });
    pieces.collect()
}

enum Piece<'t> {
    Literal(&'t str),
    Slot(&'t str),
}

/// A template in pieces. Doubled braces are literal, and a backslash in a slot keeps the next character from ending it.
fn split(template: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut literal, mut at) = (Vec::new(), 0, 0);
    while let Some(found) = template[at..].find('{') {
        let open = at + found;
        if template[open + 1..].starts_with('{') {
            at = open + 2;
            continue;
        }
        let Some(close) = end_of_slot(template, open + 1) else { break };
        pieces.extend((literal < open).then(|| Piece::Literal(&template[literal..open])));
        pieces.push(Piece::Slot(&template[open + 1..close]));
        (literal, at) = (close + 1, close + 1);
    }
    pieces.extend((literal < template.len()).then(|| Piece::Literal(&template[literal..])));
    pieces
}

fn end_of_slot(template: &str, from: usize) -> Option<usize> {
    let mut escaped = false;
    template[from..].char_indices().find_map(|(index, c)| {
        let ends = c == '}' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(from + index)
    })
}

/// What placeholders stand for, each told once.
struct Legend<'t> {
    table: &'t Table,
    entries: BTreeMap<String, String>,
}

impl Legend<'_> {
    fn add(&mut self, template: &str) {
        for piece in split(template) {
            if let Piece::Slot(slot) = piece {
                let says = self.says(slot);
                self.entries.insert(format!("{{{}}}", plain(slot)), says);
            }
        }
    }

    fn says(&self, slot: &str) -> String {
        let mut parts = slot.split('|');
        let source = plain(parts.next().unwrap_or(""));
        let mut says = self.source(&source);
        for filter in parts {
            says.push_str(&format!(", {}", plain(filter)));
        }
        says
    }

    fn source(&self, source: &str) -> String {
        let (word, arg) = source.split_once(':').unwrap_or((source, ""));
        let at =
            |key: &str| self.table.get(key).map_or_else(String::new, |node| format!(": {}", place(node)));
        match word {
            "body" => "every byte of the body".into(),
            "method" => "the method, in upper case".into(),
            "url" => "the URL, as configured".into(),
            "path" => "the URL's path".into(),
            "target" => "the URL's path and query".into(),
            "query_string" => "the URL's query, as it stands".into(),
            "host" => "the URL's host".into(),
            "header" => format!("header {arg}"),
            "param" => format!("query parameter or form field {arg}"),
            "query" if arg.is_empty() => "all pairs of the query".into(),
            "query" => format!("query parameter {arg}"),
            "form" if arg.is_empty() => "all fields of the form".into(),
            "form" => format!("form field {arg}"),
            "json" if arg.is_empty() => "the body, as JSON".into(),
            "json" => format!("{arg} of the JSON body"),
            "item" => format!("{arg} of the element"),
            "timestamp" => format!("the time, as it stands{}", at("timestamp_source")),
            "id" => format!("the message id{}", at("id_source")),
            "sig" => format!("field {arg} of the same signature"),
            "part" => format!("the part {arg}, above"),
            "var" => format!("the variable {arg}"),
            "claim" => format!("claim {arg}"),
            "secret" => "the secret itself".into(),
            _ => source.into(),
        }
    }

    fn print(&self, out: &mut String) {
        let width = self
            .entries
            .keys()
            .map(|slot| slot.chars().count())
            .filter(|width| *width <= 40)
            .max()
            .unwrap_or(0);
        if !self.entries.is_empty() {
            out.push('\n');
        }
        for (slot, says) in &self.entries {
            out.push_str(&match slot.chars().count() <= 40 {
                true => format!("  {slot:<width$}  {says}\n"),
                false => format!("  {slot}\n  {:width$}  {says}\n", ""),
            });
        }
    }
}

fn places(out: &mut String, table: &Table) {
    let words = [
        ("signature_source", "Where the signature is"),
        ("token_source", "Where the token is"),
        ("timestamp_source", "Where the time is"),
        ("id_source", "Where the id is"),
    ];
    for (key, title) in words {
        let in_cases = tables(table, "case").into_iter().filter_map(|case| case.get(key));
        let all: Vec<&Node> = table.get(key).into_iter().chain(in_cases).collect();
        if !all.is_empty() {
            heading(out, title);
        } else if let Some(carried) = own::carried(table).filter(|_| key == "signature_source") {
            heading(out, title);
            let _ = writeln!(out, "  {carried}");
        }
        for node in all {
            let each: &[Node] = match &node.value {
                Value::Array(items) => items,
                _ => std::slice::from_ref(node),
            };
            each.iter().for_each(|node| out.push_str(&format!("  {}\n", own::whole_or_part(node))));
        }
    }
}

/// `header x-signature, after "sha256=", hex`.
fn place(node: &Node) -> String {
    let Some(table) = node.table() else {
        return match &node.value {
            Value::Array(items) => items.iter().map(place).collect::<Vec<_>>().join(" or "),
            _ => "?".into(),
        };
    };
    let at = ["header", "query", "form", "json", "item"].iter().find_map(|word| {
        let name = plain(text(table, word)?);
        Some(match *word {
            "header" => format!("header {name}"),
            "query" => format!("query parameter {name}"),
            "form" => format!("form field {name}"),
            "json" => format!("{name} of the JSON body"),
            _ => format!("{name} of the element"),
        })
    });
    let mut parts = vec![match (at, text(table, "from_signature")) {
        (Some(at), _) => at,
        (None, Some(field)) => format!("field {} of the same signature", plain(field)),
        (None, None) => "the body".into(),
    }];
    if let Some(clean) = text(table, "clean") {
        parts.push(plain(clean));
    }
    if let Some(list) = text(table, "list") {
        parts.push(format!("a list parted by {}", quoted(list)));
    }
    parts.extend(match text(table, "extract") {
        Some("prefix") => text(table, "prefix").map(|prefix| format!("after {}", quoted(prefix))),
        Some("kv_pairs") => text(table, "key").map(|key| format!("the value of {}", plain(key))),
        Some("scheme") => text(table, "scheme").map(|scheme| format!("credentials of {}", plain(scheme))),
        Some("regex") => text(table, "pattern").map(|pattern| format!("cut out by /{}/", plain(pattern))),
        _ => None,
    });
    for key in ["encoding", "format"] {
        if let Some(node) = table.get(key) {
            parts.push(coding(node));
        }
    }
    if let Some(role) = text(table, "role") {
        parts.push(format!("for keys of the role {}", plain(role)));
    }
    parts.join(", ")
}

/// An encoding or a format of times, or several.
fn coding(node: &Node) -> String {
    match &node.value {
        Value::Text(word) => match TimeFormat::WORDS.iter().find(|(known, _)| **known == **word) {
            Some((word, meaning)) => format!("{word} ({meaning})"),
            None => plain(word),
        },
        Value::Array(items) => {
            items.iter().filter_map(Node::text).map(|text| plain(text)).collect::<Vec<_>>().join(" / ")
        }
        _ => "?".into(),
    }
}

fn algorithm_words(node: &Node) -> String {
    match (&node.value, node.table()) {
        (Value::Text(word), _) => plain(word),
        (_, Some(table)) => {
            format!("what {} names, of a closed list", plain(text(table, "from").unwrap_or("?")))
        }
        _ => "?".into(),
    }
}

fn test(table: &Table) -> String {
    let value = plain(text(table, "value").unwrap_or("?"));
    let (word, against) = ["equals", "in", "matches", "contains", "present", "absent"]
        .iter()
        .find_map(|word| Some((*word, table.get(word)?)))
        .map_or(("?", String::new()), |(word, node)| (word, operand(node)));
    match word {
        "present" => format!("{value} is there"),
        "absent" => format!("{value} is not there"),
        "equals" => format!("{value} is {against}"),
        "in" => format!("{value} is one of {against}"),
        word => format!("{value} {word} {against}"),
    }
}

fn operand(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => quoted(text),
        Value::Array(items) => items.iter().map(operand).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", plain(text))
}

fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key)?.text().map(|text| &**text)
}

fn tables<'t>(table: &'t Table, key: &str) -> Vec<&'t Table> {
    match table.get(key).map(|node| &node.value) {
        Some(Value::Array(items)) => items.iter().filter_map(Node::table).collect(),
        Some(Value::Table(one)) => vec![one],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_comes_apart_at_its_braces() {
        let show = |template| {
            let pieces = split(template).into_iter().map(|piece| match piece {
                Piece::Literal(text) => text.to_owned(),
                Piece::Slot(text) => format!("<{text}>"),
            });
            pieces.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(show("v0:{a}.{b|x:\\}}"), "v0: <a> . <b|x:\\}>");
        assert_eq!(show("{{x}} {a}"), "{{x}}  <a>");
        assert_eq!(show("{a"), "{a");
    }
}
