//! `countersign preset list`: the presets that fit, in a table of the columns that are asked for.

use super::{FreshnessJson, ReplayJson, test};
use crate::args::{Column, Format, Handshake, ListArgs};
use crate::error::{Exit, Failure};
use crate::mode;
use crate::output::{self, count};
use crate::scheme::{self, Known};
use clap::ValueEnum;
use countersign::config::{Node, Value, one_of};
use countersign::{Compiled, ConfigErrors, Freshness, Layer, Registry, Replay, ReplayBy};
use countersign_testkit::Counted;
use countersign_words::{Piece, Voice, Words, glance, pieces, proof::span};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{IsTerminal, stdout};
use std::sync::Arc;

/// What is told if nothing is asked for: as much as a terminal has room for.
const COLUMNS: [Column; 5] = [Column::Name, Column::Mode, Column::Covers, Column::Proven, Column::Title];

/// List them.
pub(super) fn run(args: &ListArgs) -> Result<Exit, Failure> {
    let ListArgs { words, mode, columns, folder, format, .. } = args;
    let Known { registry, modules } = scheme::known(folder)?;
    if let Some(mode) = mode {
        mode::find(&registry, mode)?;
    }
    let vectors = test::vectors(folder, &modules)?;
    let counts = vectors.iter().map(|(file, text)| (test::stem(file), Counted::of(text))).collect();
    let presets = compiled(&registry)?;
    let all: Vec<Listed<'_>> =
        presets.iter().map(|(layer, preset)| Listed::of(layer, preset, &counts)).collect();
    let mut found: Vec<&Listed<'_>> = all.iter().filter(|listed| listed.fits(args)).collect();
    // Before those that only mention it.
    found.sort_by_key(|listed| !has(&listed.called, words));
    match format {
        Format::Json => output::print_json(&found)?,
        Format::Human => {
            output::print(&table(&found, if columns.is_empty() { &COLUMNS } else { columns }))?;
            output::raw_error(&format!("{}\n", how_many(found.len(), all.len())));
        }
    }
    if found.is_empty() {
        nothing(args, &all, &registry);
    }
    misread(args);
    Ok(Exit::Done)
}

/// Every preset, resolved and compiled, or the mistakes of all of them.
fn compiled(registry: &Registry) -> Result<Vec<(Layer, Arc<Compiled>)>, Failure> {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for (name, _) in registry.presets() {
        let resolved = registry.resolve(name, None);
        match resolved.and_then(|layer| Ok((registry.compile_layer(&layer)?, layer))) {
            Ok((compiled, layer)) => all.push((layer, compiled)),
            Err(more) => errors.extend(more.0),
        }
    }
    match errors.is_empty() {
        true => Ok(all),
        false => Err(Failure::complaints(&ConfigErrors(errors), registry.sources())),
    }
}

/// All that is told of a preset.
#[derive(Serialize)]
struct Listed<'p> {
    name: &'p str,
    title: Option<&'p str>,
    reference: Option<&'p str>,
    confidence: Option<&'p str>,
    mode: &'p str,
    algorithms: Vec<&'p str>,
    signature: Vec<String>,
    binds: Vec<&'static str>,
    freshness: Option<FreshnessJson>,
    replay: ReplayJson,
    handshakes: Vec<&'p str>,
    signs: bool,
    proven: bool,
    published: Option<usize>,
    generated: Option<usize>,
    #[serde(skip)]
    compiled: &'p Compiled,
    /// Name and title, in lower case.
    #[serde(skip)]
    called: String,
    /// All that words are looked for in.
    #[serde(skip)]
    text: String,
}

impl<'p> Listed<'p> {
    fn of(layer: &'p Layer, compiled: &'p Compiled, counts: &BTreeMap<String, Counted>) -> Self {
        let (preset, needs) = (compiled.preset(), compiled.needs());
        let table = layer.get(&[&preset.mode.value]).and_then(Node::table);
        let counted = counts.get(&*preset.name);
        let called =
            format!("{}\n{}", preset.name, preset.title.as_deref().unwrap_or_default()).to_lowercase();
        let mut text = vec![called.as_str()];
        text.extend(preset.reference.as_deref());
        text.extend(preset.notes.iter().map(|note| &**note));
        headers(layer.root(), "", &mut text);
        Listed {
            name: &preset.name,
            title: preset.title.as_deref(),
            reference: preset.reference.as_deref(),
            confidence: preset.confidence.as_deref(),
            mode: &preset.mode.value,
            algorithms: table.map(glance::algorithms).unwrap_or_default(),
            signature: table.map(|table| Words::of(table, Voice::PLAIN).spots()).unwrap_or_default(),
            binds: needs.binds.words().collect(),
            freshness: compiled.freshness().map(Into::into),
            replay: compiled.replay().into(),
            handshakes: layer.root().table().map(glance::handshakes).unwrap_or_default(),
            signs: needs.signs,
            proven: counted.is_some_and(|counted| counted.proven),
            published: counted.map(|counted| counted.published),
            generated: counted.map(|counted| counted.generated),
            compiled,
            text: text.join("\n").to_lowercase(),
            called,
        }
    }

    fn fits(&self, args: &ListArgs) -> bool {
        let ListArgs { words, mode, confidence, handshake, proven, consistent, .. } = args;
        let shakes = |handshake: Handshake| match handshake.kind() {
            Some(kind) => self.handshakes.contains(&kind),
            None => !self.handshakes.is_empty(),
        };
        mode.as_ref().is_none_or(|mode| mode == self.mode)
            && confidence.is_none_or(|confidence| self.confidence == Some(confidence.word()))
            && handshake.is_none_or(shakes)
            && (!proven || self.proven)
            && (!consistent || !self.proven)
            && has(&self.text, words)
    }

    fn cell(&self, column: Column) -> String {
        let number = |number: Option<usize>| number.map_or_else(String::new, |number| number.to_string());
        let cell = match column {
            Column::Name => self.name.into(),
            Column::Title => self.title.unwrap_or_default().into(),
            Column::Mode => self.mode.into(),
            Column::Algorithm => self.algorithms.join(", "),
            Column::Signature => self.signature.join(", "),
            Column::Covers => self.binds.join(" "),
            Column::Time => self.compiled.freshness().map(time).unwrap_or_default(),
            Column::Replay => replay(self.compiled.replay()),
            Column::Handshake => self.handshakes.join(", "),
            Column::Confidence => self.confidence.unwrap_or_default().into(),
            Column::Proven => number(self.published.filter(|_| self.proven)),
            Column::Consistent => number(self.generated),
            Column::Signs => if self.signs { "yes" } else { "no" }.into(),
            Column::Reference => self.reference.unwrap_or_default().into(),
        };
        if cell.is_empty() { "-".into() } else { output::plain(&cell) }
    }
}

/// Every header that a preset names, in a place or in a value.
fn headers<'p>(node: &'p Node, key: &str, found: &mut Vec<&'p str>) {
    match &node.value {
        Value::Text(text) if key == "header" => found.push(text),
        Value::Text(text) => found.extend(pieces(text).into_iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => slot.split('|').next()?.strip_prefix("header:"),
            Piece::Literal(_) => None,
        })),
        Value::Array(items) => items.iter().for_each(|item| headers(item, key, found)),
        Value::Table(table) => table.iter().for_each(|(key, node)| headers(node, &key.name, found)),
        _ => {}
    }
}

/// Whether all words are in a text, which is in lower case.
fn has(text: &str, words: &[String]) -> bool {
    words.iter().all(|word| text.contains(&word.to_lowercase()))
}

fn time(Freshness { tolerance, .. }: Freshness) -> String {
    format!("{} / {}", span(tolerance.past), span(tolerance.future))
}

fn replay(Replay { key, keep }: Replay) -> String {
    match key {
        ReplayBy::None => String::new(),
        key => format!("{}, {}", key.word(), span(keep)),
    }
}

fn table(found: &[&Listed<'_>], columns: &[Column]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let heads: Vec<String> = columns.iter().map(|column| format!("{column:?}").to_uppercase()).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let cells = |listed: &&Listed<'_>| columns.iter().map(|column| listed.cell(*column)).collect();
    let rows: Vec<Vec<String>> = found.iter().map(cells).collect();
    // In a pipe all is wanted; on a screen, lines that wrap are no table.
    let rows = if stdout().is_terminal() { output::fitted(&heads, rows) } else { rows };
    output::table(&heads, &rows)
}

fn how_many(found: usize, all: usize) -> String {
    match found == all {
        true => count(all, "preset"),
        false => format!("{found} of {}", count(all, "preset")),
    }
}

/// That nothing was found is said with what was looked for, and what to look for instead.
fn nothing(args: &ListArgs, all: &[Listed<'_>], registry: &Registry) {
    let ListArgs { words, mode, confidence, handshake, proven, consistent, .. } = args;
    let mut asked = Vec::new();
    asked.extend(mode.as_ref().map(|mode| format!("of the mode `{mode}`")));
    asked.extend(confidence.map(|confidence| format!("of the confidence `{}`", confidence.word())));
    asked.extend(handshake.map(|handshake| match handshake.kind() {
        Some(kind) => format!("with a handshake of the kind `{kind}`"),
        None => "with a handshake".into(),
    }));
    asked.extend(proven.then(|| "that is proven".into()));
    asked.extend(consistent.then(|| "that is consistent only".into()));
    let by_words = all.iter().filter(|listed| has(&listed.text, words)).count();
    let near = registry.near(&words.join(" "));
    let next = match by_words {
        _ if words.is_empty() => "leave out an option;".into(),
        0 if !near.is_empty() => format!("did you mean {}?", one_of(near)),
        0 => "leave out a word, or some letters of one;".into(),
        some => format!("without the options: {};", count(some, "preset")),
    };
    if !words.is_empty() {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let words = words.join(" and ");
        asked.push(format!("with {words} in its name, title, reference, notes or header names"));
    }
    output::note(&format!("there is no preset {}", asked.join(", ")));
    output::help(&format!("{next} `countersign preset list` shows all"));
}

/// A kind behind a space is a word to look for, and was hardly meant as one.
fn misread(args: &ListArgs) {
    let is_kind = |word: &&String| {
        Handshake::value_variants().iter().any(|handshake| handshake.kind() == Some(word.as_str()))
    };
    let any = args.handshake == Some(Handshake::Any);
    if let Some(kind) = args.words.iter().find(is_kind).filter(|_| any) {
        output::note(&format!("`{kind}` is a word to look for here; for the kind, write --handshake={kind}"));
    }
}
