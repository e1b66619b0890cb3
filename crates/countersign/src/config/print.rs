//! A tree printed as tidy TOML: what `preset show` prints, and what reads back as the same tree.

use super::{Key, Node, Table, Value};
use std::fmt;

/// The columns that [`Layer::to_toml`] tries to keep to.
const LINE: usize = 100;

/// As TOML on one line.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        print_value(&mut out, self);
        f.write_str(&out)
    }
}

/// As TOML: bare, or in quotes if it has to be.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        print_key(&mut out, &self.name);
        f.write_str(&out)
    }
}

/// Whether a value at the root is written under a header of its own.
pub(super) fn is_section(node: &Node) -> bool {
    match &node.value {
        Value::Table(_) => true,
        Value::Array(items) => !items.is_empty() && items.iter().all(|item| item.table().is_some()),
        _ => false,
    }
}

/// Writes a table's plain entries, then its sections under `path`.
pub(super) fn print_table(
    out: &mut String,
    path: &str,
    table: &Table,
    is_section: &dyn Fn(&Key, &Node) -> bool,
) {
    for (key, node) in table.iter().filter(|(key, node)| !is_section(key, node)) {
        let start = out.len();
        print_key(out, &key.name);
        out.push_str(" = ");
        print_value(out, &node.value);
        if let Value::Array(items) = &node.value
            && out[start..].chars().count() > LINE
        {
            out.truncate(start);
            print_key(out, &key.name);
            out.push_str(" = [\n");
            for item in items {
                out.push_str("  ");
                print_value(out, &item.value);
                out.push_str(",\n");
            }
            out.push(']');
        }
        out.push('\n');
    }

    for (key, node) in table.iter().filter(|(key, node)| is_section(key, node)) {
        let mut path = path.to_owned();
        print_key(&mut path, &key.name);
        match &node.value {
            Value::Table(table) => {
                print_header(out, &format!("[{path}]"));
                path.push('.');
                print_table(out, &path, table, &is_wide_table);
            }
            Value::Array(items) => {
                for table in items.iter().filter_map(Node::table) {
                    print_header(out, &format!("[[{path}]]"));
                    print_table(out, "", table, &|_, _| false);
                }
            }
            _ => {}
        }
    }
}

/// Writes a section's header, behind an empty line unless it is the first.
fn print_header(out: &mut String, header: &str) {
    out.push_str(if out.is_empty() { "" } else { "\n" });
    out.push_str(header);
    out.push('\n');
}

/// Whether a value inside a section needs one of its own: a table that does not fit in a line, or an array of such.
pub(super) fn is_wide_table(key: &Key, node: &Node) -> bool {
    let is_wide = |name: &str, value: &Value| {
        let mut line = String::new();
        print_key(&mut line, name);
        line.push_str(" = ");
        print_value(&mut line, value);
        line.chars().count() > LINE
    };
    match &node.value {
        Value::Table(_) => is_wide(&key.name, &node.value),
        // Items of an array stand on lines of their own, behind two spaces and without the name.
        Value::Array(items) => is_section(node) && items.iter().any(|item| is_wide("", &item.value)),
        _ => false,
    }
}

/// Writes a value on one line.
fn print_value(out: &mut String, value: &Value) {
    match value {
        Value::Text(text) => print_text(out, text),
        Value::Integer(integer) => out.push_str(&integer.to_string()),
        Value::Float(float) if float.is_nan() => out.push_str("nan"),
        Value::Float(float) => out.push_str(&format!("{float:?}")),
        Value::Boolean(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Datetime(time) => out.push_str(time),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                print_value(out, &item.value);
            }
            out.push(']');
        }
        Value::Table(table) if table.is_empty() => out.push_str("{}"),
        Value::Table(table) => {
            for (index, (key, node)) in table.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "{ " });
                print_key(out, &key.name);
                out.push_str(" = ");
                print_value(out, &node.value);
            }
            out.push_str(" }");
        }
    }
}

fn print_key(out: &mut String, key: &str) {
    if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        out.push_str(key);
    } else {
        print_text(out, key);
    }
}

/// Writes `"…"` with escapes; or `'…'` where that saves some, as in a regular expression.
fn print_text(out: &mut String, text: &str) {
    if text.contains(['\\', '"']) && !text.contains(|c: char| c == '\'' || c.is_control()) {
        out.extend(["'", text, "'"]);
        return;
    }
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => out.push_str(&format!("\\u{:04X}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}
