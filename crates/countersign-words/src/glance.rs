//! What tells presets from one another in a line.

use crate::tree::{each, tables, text, texts};
use countersign::config::{Node, Table};

/// Every algorithm that a mode's table and its cases allow, each once, as the preset spells it.
pub fn algorithms(table: &Table) -> Vec<&str> {
    let own = own_and_cases(table).filter_map(|own| own.get("algorithm"));
    let words = own.flat_map(allowed).filter_map(|node| node.text().map(|word| &**word));
    once(words.chain(texts(table, "algorithms")))
}

/// Every place of a signature or a token, of a mode's table and of its cases.
pub fn places(table: &Table) -> Vec<&Table> {
    let keys = ["signature_source", "token_source"].into_iter();
    let nodes = keys.flat_map(|key| own_and_cases(table).filter_map(move |own| own.get(key)));
    nodes.flat_map(each).filter_map(Node::table).collect()
}

/// Where a place is: its key, and the name there. `None`: the body itself.
pub fn spot(place: &Table) -> Option<(&'static str, &str)> {
    ["header", "query", "form", "json", "item"].into_iter().find_map(|key| Some((key, text(place, key)?)))
}

/// The kinds of a preset's handshakes, each once.
pub fn handshakes(root: &Table) -> Vec<&str> {
    let mut kinds = once(tables(root, "handshake").into_iter().filter_map(|table| text(table, "kind")));
    kinds.sort_unstable();
    kinds
}

/// Each once, in the order in which they come.
pub fn once<T: PartialEq>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for one in all {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// The algorithm, or those of the list from which a request chooses.
fn allowed(node: &Node) -> Vec<&Node> {
    let map = node.table().and_then(|closed| closed.get("map")?.table());
    map.map_or_else(|| vec![node], |map| map.iter().map(|(_, node)| node).collect())
}

/// A mode's table, and its cases.
fn own_and_cases(table: &Table) -> impl Iterator<Item = &Table> {
    std::iter::once(table).chain(tables(table, "case"))
}
