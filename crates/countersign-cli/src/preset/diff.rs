//! `countersign preset diff`: what differs between two presets once all is resolved.
//!
//! Trees are compared, and no texts: neither the order of keys nor how they are written is a difference. What only one of
//! the two says is, though it be the default, for only a mode knows its defaults.

use crate::args::{DiffArgs, Format};
use crate::error::{Exit, Failure};
use crate::output::{self, GONE, HEAD, NEW, plain, styled};
use crate::scheme::{self, Choice};
use countersign::Layer;
use countersign::config::{Key, Node, Table, Value};
use countersign_gateway::config::json;
use serde::Serialize;

/// What two presets are called and which one takes the other's place is none of what they say.
const NAMES: [&str; 2] = ["name", "replaces"];

/// What is for people.
const PROSE: [&str; 4] = ["title", "reference", "confidence", "notes"];

/// The columns that a value may have which only one of the two has; one that is wider is told by its parts.
const ROOM: usize = 100;

/// Compare them.
pub(super) fn run(args: &DiffArgs) -> Result<Exit, Failure> {
    let DiffArgs { a, b, ignore_prose, overrides, folder, format } = args;
    let mut registry = scheme::registry(folder)?;
    let (_, left) = scheme::resolve_in(&mut registry, &Choice::Either(a), &[], None)?;
    let (_, right) = scheme::resolve_in(&mut registry, &Choice::Either(b), overrides, None)?;
    let passed_over: &[&[&str]] = if *ignore_prose { &[&NAMES, &PROSE] } else { &[&NAMES] };
    let passed_over = passed_over.concat();
    let bare = |layer| passed_over.iter().fold(layer, |layer: Layer, key| layer.without(key));
    let (left, right) = (bare(left), bare(right));
    let mut found = Vec::new();
    compare("", Some(left.root()), Some(right.root()), &mut found);
    match format {
        Format::Json => {
            let differences = found.iter().map(|Difference { key, a, b }| DifferenceJson {
                key,
                a: a.map(json),
                b: b.map(json),
            });
            let differences = differences.collect();
            output::print_json(&DiffJson { a, b, same: found.is_empty(), differences })?;
        }
        Format::Human if found.is_empty() => output::note("they say the same"),
        Format::Human => output::print(&in_lines(a, b, &found))?,
    }
    Ok(if found.is_empty() { Exit::Done } else { Exit::No })
}

#[derive(Serialize)]
struct DiffJson<'a> {
    a: &'a str,
    b: &'a str,
    same: bool,
    differences: Vec<DifferenceJson<'a>>,
}

/// `null` is what one does not say: TOML has none of its own.
#[derive(Serialize)]
struct DifferenceJson<'a> {
    key: &'a str,
    a: Option<serde_json::Value>,
    b: Option<serde_json::Value>,
}

/// Something that the two say differently, or that only one of them says.
struct Difference<'n> {
    /// The keys that lead there, with dots between them; the place in an array is a number from 1.
    key: String,
    a: Option<&'n Node>,
    b: Option<&'n Node>,
}

/// What differs at and below a key.
fn compare<'n>(key: &str, a: Option<&'n Node>, b: Option<&'n Node>, found: &mut Vec<Difference<'n>>) {
    let (left, right) = (a.map(|node| &node.value), b.map(|node| &node.value));
    // What only one has stands whole on its line, if there is room.
    let is_wide = left.xor(right).is_some_and(|one| format!("{key} = {one}").chars().count() > ROOM);
    match (left, right) {
        (Some(Value::Table(a)), Some(Value::Table(b))) => tables(key, Some(a), Some(b), found),
        (Some(Value::Table(a)), None) if is_wide => tables(key, Some(a), None, found),
        (None, Some(Value::Table(b))) if is_wide => tables(key, None, Some(b), found),
        (Some(Value::Array(a)), Some(Value::Array(b))) => arrays(key, a, b, found),
        (Some(Value::Array(a)), None) if is_wide => arrays(key, a, &[], found),
        (None, Some(Value::Array(b))) if is_wide => arrays(key, &[], b, found),
        (Some(a), Some(b)) if a.to_string() == b.to_string() => {}
        _ => found.push(Difference { key: key.into(), a, b }),
    }
}

fn tables<'n>(key: &str, a: Option<&'n Table>, b: Option<&'n Table>, found: &mut Vec<Difference<'n>>) {
    let below = |name: &Key| if key.is_empty() { name.to_string() } else { format!("{key}.{name}") };
    for (name, node) in a.into_iter().flat_map(Table::iter) {
        compare(&below(name), Some(node), b.and_then(|b| b.get(&name.name)), found);
    }
    let is_new = |name: &Key| a.is_none_or(|a| a.get(&name.name).is_none());
    for (name, node) in b.into_iter().flat_map(Table::iter).filter(|(name, _)| is_new(name)) {
        compare(&below(name), None, Some(node), found);
    }
}

/// What begins and ends alike is passed over, so that one item more is one difference.
fn arrays<'n>(key: &str, a: &'n [Node], b: &'n [Node], found: &mut Vec<Difference<'n>>) {
    let before = a.iter().zip(b).take_while(|(a, b)| is_same(a, b)).count();
    let (a, b) = (&a[before..], &b[before..]);
    let after = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| is_same(a, b)).count();
    let (a, b) = (&a[..a.len() - after], &b[..b.len() - after]);
    for at in 0..a.len().max(b.len()) {
        compare(&format!("{key}.{}", before + at + 1), a.get(at), b.get(at), found);
    }
}

fn is_same(a: &Node, b: &Node) -> bool {
    let mut found = Vec::new();
    compare("", Some(a), Some(b), &mut found);
    found.is_empty()
}

fn in_lines(a: &str, b: &str, found: &[Difference<'_>]) -> String {
    let mut out = format!(
        "{}\n{}\n",
        styled(HEAD, &plain(&format!("--- {a}"))),
        styled(HEAD, &plain(&format!("+++ {b}")))
    );
    for Difference { key, a, b } in found {
        for (sign, style, node) in [("-", GONE, a), ("+", NEW, b)] {
            let Some(node) = node else { continue };
            out.push_str(&styled(style, &plain(&format!("{sign} {key} = {}", node.value))));
            out.push('\n');
        }
    }
    out
}
