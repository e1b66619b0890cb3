//! A preset's tree, changed.

use countersign::config::{FileId, Key, Node, Span, Table, Value};
use countersign::{Layer, Sources};

/// Lines of TOML as a layer; `None` if they are none.
pub(crate) fn parse(text: &str) -> Option<Layer> {
    let mut sources = Sources::new();
    let file: FileId = sources.add("change", text);
    Layer::parse(&sources, file).ok()
}

/// Text as TOML writes it.
pub(crate) fn quoted(text: &str) -> String {
    Value::Text(text.into()).to_string()
}

/// The name of a preset's mode, which is that of its mode's table.
pub(crate) fn mode(layer: &Layer) -> &str {
    layer.get(&["mode"]).and_then(Node::text).map_or("", |mode| mode)
}

/// The table of a preset's mode.
pub(crate) fn table(layer: &Layer) -> Option<&Table> {
    layer.get(&[mode(layer)])?.table()
}

/// Every text below a node, at any depth.
pub(crate) fn texts<'n>(node: &'n Node, found: &mut Vec<&'n str>) {
    match &node.value {
        Value::Text(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Table(table) => table.iter().for_each(|(_, node)| texts(node, found)),
        _ => {}
    }
}

/// The same table with every entry passed through `change`, which may drop it.
pub(crate) fn map(table: &Table, mut change: impl FnMut(&str, &Node) -> Option<Node>) -> Table {
    table.iter().filter_map(|(key, node)| Some((key.clone(), change(&key.name, node)?))).collect()
}

/// A preset's tree with its mode's table replaced.
pub(crate) fn with_table(layer: &Layer, table: Table) -> Option<Layer> {
    let name = mode(layer);
    let root = map(layer.root().table()?, |key, node| {
        let value = if key == name { Value::Table(table.clone()) } else { node.value.clone() };
        Some(Node { value, span: node.span.clone() })
    });
    Layer::from_table(Node { value: Value::Table(root), span: layer.root().span.clone() }).ok()
}

/// The tables in which a scheme says where its signature is and what is signed: the mode's own, and every `case`'s.
pub(crate) fn everywhere(table: &Table, change: &mut dyn FnMut(&Table) -> Table) -> Table {
    let own = change(table);
    map(&own, |key, node| {
        let value = match (key, &node.value) {
            ("case", Value::Array(cases)) => Value::Array(
                cases
                    .iter()
                    .map(|case| match &case.value {
                        Value::Table(table) => {
                            Node { value: Value::Table(change(table)), span: case.span.clone() }
                        }
                        _ => case.clone(),
                    })
                    .collect(),
            ),
            (_, value) => value.clone(),
        };
        Some(Node { value, span: node.span.clone() })
    })
}

/// The same table with one key set, whether or not it was there.
pub(crate) fn set(table: &Table, name: &str, node: &Node) -> Table {
    let key = Key { name: name.into(), span: node.span.clone() };
    let others = table.iter().filter(|(key, _)| &*key.name != name);
    others.map(|(key, node)| (key.clone(), node.clone())).chain([(key, node.clone())]).collect()
}

/// A text as a node whose place is nowhere in particular.
pub(crate) fn text_node(text: &str, span: &Span) -> Node {
    Node { value: Value::Text(text.into()), span: span.clone() }
}
