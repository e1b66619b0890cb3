//! The words of a preset, laid out for a terminal: what is signed, drawn as the template with its parts, and where things
//! stand.

mod answers;

pub(super) use answers::{event, handshakes, responses};

use super::heading;
use crate::output::{FAINT, HEAD, facts, plain, styled};
use countersign::config::{Node, Table};
use countersign_words::tree::{each, integer, is_true, tables, text, texts};
use countersign_words::{Piece, Voice, Words, component, pieces};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a preset says may come from anyone.
pub(super) const GUARDED: Voice = Voice { name: plain, text: |text| format!("\"{}\"", plain(text)) };

/// What a mode's table says of content, signatures, time and id.
pub(super) fn scheme(out: &mut String, table: &Table, mode: &str) {
    let words = Words::of(table, GUARDED);
    heading(out, "What is signed");
    let templates = std::iter::once(table).chain(tables(table, "case"));
    if !templates.into_iter().any(|table| table.get("signed_template").is_some())
        && !without_template(out, table)
    {
        let _ = writeln!(out, "  what the mode says, and no template: countersign mode show {}", plain(mode));
    }
    if let Some(each) = text(table, "each") {
        let most = integer(table, "max_items").map_or_else(String::new, |most| format!(", at most {most}"));
        let _ = writeln!(out, "  for each element of {}{most}, and all must verify:", plain(each));
    }
    let mut legend = Legend { words, entries: BTreeMap::new() };
    draw(out, table, &mut legend);
    for case in tables(table, "case") {
        if case.get("signed_template").or(case.get("algorithm")).is_some() {
            let _ = writeln!(out, "  {}", when(case, words));
            draw(out, case, &mut legend);
        }
        if let Some(algorithm) = case.get("algorithm") {
            let _ = writeln!(out, "  {FAINT}with{FAINT:#} {}", algorithm_words(algorithm));
        }
    }
    for (name, template) in parts(table) {
        let _ = writeln!(out, "  {}", part_line(name, template));
        legend.add(template);
    }
    let algorithms = texts(table, "algorithms");
    if !algorithms.is_empty() {
        let algorithms: Vec<String> = algorithms.into_iter().map(plain).collect();
        let _ = writeln!(out, "  {FAINT}with{FAINT:#} {}", algorithms.join(" or "));
    }
    if let Some(algorithm) = table.get("algorithm") {
        let _ = writeln!(out, "  {FAINT}with{FAINT:#} {}", algorithm_words(algorithm));
    }
    legend.print(out);
    places(out, table, words);
    let claims = words.claims();
    if !claims.is_empty() {
        heading(out, "What the token must say");
        facts(out, &claims);
    }
    let required = own_and_of_cases(table, words, |table| tables(table, "require"));
    if !required.is_empty() {
        heading(out, "What is required besides");
    }
    for (when, require) in required {
        let early = if is_true(require, "early") { " (looked at first)" } else { "" };
        let _ = writeln!(out, "  {when}{}{early}", words.test(require));
    }
}

/// What a table has, and what its cases have: each of those behind the words for when it counts.
fn own_and_of_cases<'t, T>(
    table: &'t Table,
    words: Words<'_>,
    of: impl Fn(&'t Table) -> Vec<T>,
) -> Vec<(String, T)> {
    let mut all: Vec<_> = of(table).into_iter().map(|one| (String::new(), one)).collect();
    for case in tables(table, "case") {
        all.extend(of(case).into_iter().map(|one| (format!("{}: ", when(case, words)), one)));
    }
    all
}

/// When a case is the one that counts.
fn when(case: &Table, words: Words<'_>) -> String {
    match tests(case, words)[..] {
        [] => format!("{FAINT}otherwise{FAINT:#}"),
        ref tests => format!("{FAINT}when{FAINT:#} {}", tests.join(" and ")),
    }
}

/// What a request is recognised by.
fn tests(table: &Table, words: Words<'_>) -> Vec<String> {
    tables(table, "when").into_iter().map(|test| words.test(test)).collect()
}

/// What is signed where there is no template. `false`: nothing here says.
fn without_template(out: &mut String, table: &Table) -> bool {
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
    let is_draft = text(table, "form") == Some("cavage");
    say(match is_draft {
        true => "what the signature lists, by the draft before RFC 9421 (draft-cavage)",
        false => "what the signature lists (RFC 9421)",
    });
    let components = texts(table, "required");
    let width = components.iter().map(|word| word.chars().count()).max().unwrap_or(0);
    for word in components {
        say(&format!("  {:<width$}  {FAINT}{}{FAINT:#}", plain(word), component(word)));
    }
    if !is_draft {
        let parameters: Vec<String> = Words::of(table, GUARDED).parameters().into_iter().map(plain).collect();
        say(&format!("{FAINT}with the parameters{FAINT:#} {}", parameters.join(", ")));
    }
    true
}

/// The template of a table or case, or its alternatives.
fn draw(out: &mut String, table: &Table, legend: &mut Legend<'_>) {
    for (index, template) in texts(table, "signed_template").into_iter().enumerate() {
        let or = if index > 0 { "or " } else { "" };
        let _ = writeln!(out, "  {or}{}", template_line(template));
        legend.add(template);
    }
}

/// The values that others are made of, by name.
fn parts(table: &Table) -> Vec<(&str, &str)> {
    let parts = table.get("parts").and_then(Node::table).into_iter().flat_map(Table::iter);
    parts.filter_map(|(name, value)| Some((&*name.name, &**value.text()?))).collect()
}

fn part_line(name: &str, template: &str) -> String {
    format!("{{part:{}}} = {}", plain(name), template_line(template))
}

/// On one line, placeholders standing out.
fn template_line(template: &str) -> String {
    let pieces = pieces(template).into_iter().map(|piece| match piece {
        Piece::Literal(text) => plain(&text.replace('\n', "\\n")),
        Piece::Slot(text) => styled(HEAD, &format!("{{{}}}", plain(text))),
    });
    pieces.collect()
}

/// What placeholders stand for, each told once.
struct Legend<'t> {
    words: Words<'t>,
    entries: BTreeMap<String, String>,
}

impl Legend<'_> {
    fn add(&mut self, template: &str) {
        for piece in pieces(template) {
            if let Piece::Slot(slot) = piece {
                self.entries.insert(format!("{{{}}}", plain(slot)), self.words.slot(slot));
            }
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

fn places(out: &mut String, table: &Table, words: Words<'_>) {
    for (key, title) in [
        ("signature_source", "Where the signature is"),
        ("token_source", "Where the token is"),
        ("timestamp_source", "Where the time is"),
        ("id_source", "Where the id is"),
    ] {
        let all = own_and_of_cases(table, words, |table| table.get(key).map(each).unwrap_or_default());
        let carried = words.carried().filter(|_| key == "signature_source" && all.is_empty());
        if carried.is_some() || !all.is_empty() {
            heading(out, title);
        }
        let all = all.into_iter().map(|(when, place)| format!("{when}{}", words.place(place)));
        for place in carried.into_iter().chain(all) {
            let _ = writeln!(out, "  {place}");
        }
    }
}

fn algorithm_words(node: &Node) -> String {
    match (node.text(), node.table()) {
        (Some(word), _) => plain(word),
        (_, Some(table)) => {
            let words = table.get("map").and_then(Node::table).into_iter().flat_map(Table::iter);
            let words =
                words.map(|(word, node)| format!("{} is {}", plain(&word.name), algorithm_words(node)));
            let words: Vec<String> = words.collect();
            format!("what {} names: {}", plain(text(table, "from").unwrap_or("?")), words.join(", "))
        }
        _ => "?".into(),
    }
}
