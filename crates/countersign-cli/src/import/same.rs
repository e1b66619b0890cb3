//! Which presets say what a scheme says: the very same, however it is written.

use countersign::config::{Node, Value};
use countersign::{Layer, Registry};

/// What is for people, for logs or for filters, and decides nothing.
const PASSED_OVER: [&str; 10] = [
    "name",
    "schema",
    "title",
    "reference",
    "confidence",
    "notes",
    "default_outbound",
    "replaces",
    "event",
    "mistaken",
];

/// What is written in any case.
const CASELESS: [&str; 2] = ["header", "scheme"];

/// What a key means when it is not there.
const DEFAULTS: [(&str, &str); 3] =
    [("extract", "\"raw\""), ("tolerance_seconds", "300"), ("future_seconds", "60")];

/// Their names, sorted.
pub(super) fn presets(registry: &Registry, scheme: &Layer) -> Vec<String> {
    let wanted = plain(scheme);
    let mode = scheme.get(&["mode"]).and_then(Node::text);
    let says_it = |layer: &&Layer| {
        let resolved = registry.resolve_layer(layer, None);
        resolved
            .is_ok_and(|layer| layer.get(&["mode"]).and_then(Node::text) == mode && plain(&layer) == wanted)
    };
    let mut names: Vec<String> =
        registry.presets().filter(|(_, layer)| says_it(layer)).map(|(name, _)| name.to_owned()).collect();
    names.sort();
    names
}

/// One text for all that say the same.
fn plain(layer: &Layer) -> String {
    value("", layer.root())
}

fn value(key: &str, node: &Node) -> String {
    match &node.value {
        Value::Text(text) if CASELESS.contains(&key) => {
            Value::Text(text.to_ascii_lowercase().into()).to_string()
        }
        Value::Array(items) if items.len() == 1 => value(key, &items[0]),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| value(key, item)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Table(table) => {
            let entries = table.iter().filter(|(key, _)| !PASSED_OVER.contains(&&*key.name));
            let mut entries: Vec<(&str, String)> =
                entries.map(|(key, node)| (&*key.name, value(&key.name, node))).collect();
            entries.retain(|(key, value)| {
                value != "{}" && !DEFAULTS.iter().any(|(name, usual)| name == key && usual == value)
            });
            entries.sort();
            let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{{{}}}", entries.join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use countersign::Sources;

    fn of(text: &str) -> String {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", text);
        plain(&Layer::parse(&sources, file).unwrap())
    }

    #[test]
    fn what_decides_counts_and_how_it_is_written_does_not() {
        let base = "mode = \"hmac\"\n[hmac]\nkey = { forms = [{ decode = \"text\" }] }\nsignature_source = { header = \"X-A\", encoding = \"hex\" }\n";
        let same = of(base);
        for other in [
            "title = \"A\"\nmode = \"hmac\"\n[hmac]\nsignature_source = { encoding = \"hex\", extract = \"raw\", header = \"x-a\" }\nkey = { forms = { decode = \"text\" }, mistaken = [] }\n",
            &format!("{base}[event]\ntype = \"{{json:/type}}\"\n[freshness]\ntolerance_seconds = 300\n"),
        ] {
            assert_eq!(of(other), same, "{other}");
        }
        for other in [
            base.replace("X-A", "X-B"),
            base.replace("\"hex\"", "\"base64\""),
            base.replace("text", "hex"),
            format!("{base}[freshness]\ntolerance_seconds = 301\n"),
            format!("{base}[response]\naccepted = {{ status = 204 }}\n"),
        ] {
            assert_ne!(of(&other), same, "{other}");
        }
    }
}
