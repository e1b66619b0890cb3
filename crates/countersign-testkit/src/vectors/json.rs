//! JSON written again as TOML: `schema` and `preset`, then a `[[case]]` for each case, a key to a line.

use serde_json::{Map, Value};
use std::fmt::Write;

/// The same file in TOML.
///
/// # Errors
/// What is wrong, in words: no JSON, no object, or a `null`, which TOML cannot say.
pub(super) fn to_toml(text: &str) -> Result<String, String> {
    let root: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut out = String::new();
    let is_cases = |key: &str, value: &Value| {
        key == "case" && value.as_array().is_some_and(|all| all.iter().all(Value::is_object))
    };
    for (key, value) in root.iter().filter(|(key, value)| !is_cases(key, value)) {
        line(&mut out, key, value)?;
    }
    for case in root
        .get("case")
        .filter(|cases| is_cases("case", cases))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        out.push_str("\n[[case]]\n");
        for (key, value) in case.as_object().into_iter().flatten() {
            line(&mut out, key, value)?;
        }
    }
    Ok(out)
}

fn line(out: &mut String, key: &str, value: &Value) -> Result<(), String> {
    quoted(out, key);
    out.push_str(" = ");
    inline(out, key, value)?;
    out.push('\n');
    Ok(())
}

fn inline(out: &mut String, key: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Null => return Err(format!("`{key}` is null: leave it out")),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => quoted(out, text),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                inline(out, key, item)?;
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push_str("{ ");
            for (at, (name, item)) in entries.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                quoted(out, name);
                out.push_str(" = ");
                inline(out, name, item)?;
            }
            out.push_str(" }");
        }
    }
    Ok(())
}

/// A TOML basic string.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0'..='\x1f' | '\x7f' => {
                let _ = write!(out, "\\u{:04X}", character as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
