//! A preset's tree, asked without complaint: what is not there, or is something else, is not told.

use countersign::config::{Node, Table, Value};

/// The text at a key.
pub fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key)?.text().map(|text| &**text)
}

/// The integer at a key.
pub fn integer(table: &Table, key: &str) -> Option<i64> {
    match table.get(key)?.value {
        Value::Integer(number) => Some(number),
        _ => None,
    }
}

/// Whether a key is `true`.
pub fn is_true(table: &Table, key: &str) -> bool {
    matches!(table.get(key).map(|node| &node.value), Some(Value::Boolean(true)))
}

/// The table at a key, or the tables of its array.
pub fn tables<'t>(table: &'t Table, key: &str) -> Vec<&'t Table> {
    table.get(key).map(each).unwrap_or_default().into_iter().filter_map(Node::table).collect()
}

/// The text at a key, or the texts of its array.
pub fn texts<'t>(table: &'t Table, key: &str) -> Vec<&'t str> {
    let nodes = table.get(key).map(each).unwrap_or_default();
    nodes.into_iter().filter_map(|node| node.text().map(|text| &**text)).collect()
}

/// The elements of an array; else the node itself.
pub fn each(node: &Node) -> Vec<&Node> {
    match &node.value {
        Value::Array(items) => items.iter().collect(),
        _ => vec![node],
    }
}
