//! What a preset wants to be told, beside a secret.

use countersign::Layer;
use countersign::config::{Node, Table, Value};

/// The variables that a preset cannot do without.
pub(super) fn required(layer: &Layer) -> Vec<String> {
    let Some(Value::Array(vars)) = layer.get(&["var"]).map(|node| &node.value) else { return Vec::new() };
    let required =
        |table: &Table| !matches!(table.get("required").map(|node| &node.value), Some(Value::Boolean(false)));
    let name = |table: &Table| table.get("name").and_then(Node::text).map(|name| name.to_string());
    vars.iter().filter_map(Node::table).filter(|table| required(table)).filter_map(name).collect()
}

/// That it may be a preset whose variables are not given.
pub(super) fn needs(name: &str, unset: &[String]) -> String {
    let vars: Vec<String> = unset.iter().map(|var| format!("--var {var}=…")).collect();
    format!("it may be the preset `{name}`, which needs {}", vars.join(" "))
}
