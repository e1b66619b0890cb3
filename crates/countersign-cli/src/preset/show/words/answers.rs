//! What a preset says beside its mode's table: what happened, and what is said back.

use super::super::heading;
use super::{GUARDED, part_line, parts, template_line, tests};
use crate::output::{facts, plain};
use countersign::config::{Node, Table};
use countersign_words::tree::{integer, is_true, tables, text};
use countersign_words::{Fact, Words};

/// `[event]`, if the preset says where to look.
pub(in super::super) fn event(out: &mut String, root: &Table) {
    let Some(table) = root.get("event").and_then(Node::table) else { return };
    let said = ["type", "id"].into_iter().filter_map(|key| Some((key, template_line(text(table, key)?))));
    heading(out, "What happened");
    facts(out, &said.collect::<Vec<_>>());
}

/// Every `[[handshake]]`, in the order in which they are tried.
pub(in super::super) fn handshakes(out: &mut String, root: &Table) {
    for (at, table) in tables(root, "handshake").into_iter().enumerate() {
        match at {
            0 => heading(out, "Set-up handshakes"),
            _ => out.push('\n'),
        }
        facts(out, &handshake(table));
    }
}

/// `[response]`, if it says anything.
pub(in super::super) fn responses(out: &mut String, root: &Table) {
    let Some(table) = root.get("response").and_then(Node::table) else { return };
    let said = ["accepted", "refused"].into_iter().filter_map(|key| Some((key, answer(table, key)?)));
    heading(out, "What the provider needs to hear");
    facts(out, &said.collect::<Vec<_>>());
}

fn handshake(table: &Table) -> Vec<Fact> {
    let kind = match text(table, "kind").unwrap_or("?") {
        "answer" => "answer: a challenge, and what it wants to hear".into(),
        "learn" => "learn: it hands over a secret, for an operator to confirm".into(),
        "ignore" => "ignore: a formality, answered and not recorded".into(),
        other => plain(other),
    };
    let signed = match is_true(table, "signed") {
        true => "yes: answered once it has verified",
        false => "no: answered before anything is verified",
    };
    let when = match tests(table, Words::of(table, GUARDED)) {
        none if none.is_empty() => "always".into(),
        tests => tests.join("\nand "),
    };
    let answer = answer(table, "answer").unwrap_or_else(|| "200".into());
    let has_mac = answer.contains("|mac");
    let mut facts = vec![("kind", kind), ("signed", signed.into()), ("when", when), ("answer", answer)];
    let parts: Vec<String> = parts(table).iter().map(|(name, value)| part_line(name, value)).collect();
    if !parts.is_empty() {
        facts.push(("parts", parts.join("\n")));
    }
    if has_mac {
        facts.push(("mac", "a MAC of what stands before it, by the source's first key".into()));
    }
    facts.extend(text(table, "secret").map(|secret| ("secret", template_line(secret))));
    facts
}

/// `200, text/plain: {query:challenge}`, and below it headers.
fn answer(table: &Table, key: &str) -> Option<String> {
    let table = table.get(key)?.table()?;
    let status = integer(table, "status").unwrap_or(200).to_string();
    let mut lines = vec![match text(table, "body") {
        Some(body) => {
            let media = plain(text(table, "content_type").unwrap_or("text/plain"));
            format!("{status}, {media}: {}", template_line(body))
        }
        None => status,
    }];
    let headers = table.get("headers").and_then(Node::table).into_iter().flat_map(Table::iter);
    lines.extend(headers.filter_map(|(name, value)| {
        Some(format!("with {}: {}", plain(&name.name), template_line(value.text()?)))
    }));
    Some(lines.join("\n"))
}
