//! What a preset's templates name, read just far enough to change it.

use super::spots::tables;
use countersign::config::{Node, Table, Value};

/// A placeholder of a template.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Placeholder {
    /// Such as `json:/a` or `body`.
    pub(super) source: String,

    /// Whether the request may lack it: it stands in `[…]` or has a default.
    pub(super) optional: bool,
}

/// The placeholders that every signed content of this mode's table is made of: none where the cases have templates of
/// their own.
pub(super) fn signed(mode: &Table) -> Vec<Placeholder> {
    let own = mode.get("case").into_iter().flat_map(tables).any(|case| case.get("signed_template").is_some());
    if own {
        Vec::new()
    } else {
        mode.get("signed_template").map(first_text).map(placeholders).unwrap_or_default()
    }
}

/// The placeholders of any signed content, of the mode or one of its cases.
pub(super) fn ever_signed(mode: &Table) -> Vec<Placeholder> {
    let cases = mode.get("case").into_iter().flat_map(tables).filter_map(|case| case.get("signed_template"));
    mode.get("signed_template").into_iter().chain(cases).map(first_text).flat_map(placeholders).collect()
}

/// The placeholders of the tests that every request must pass.
pub(super) fn required(mode: &Table) -> Vec<Placeholder> {
    let tests = mode.get("require").into_iter().flat_map(tables);
    let wanting = tests.filter(|test| test.get("absent").is_none());
    wanting.filter_map(|test| test.get("value")).map(first_text).flat_map(placeholders).collect()
}

fn first_text(node: &Node) -> &str {
    match &node.value {
        Value::Array(items) => items.first().map_or("", first_text),
        _ => node.text().map_or("", |text| text),
    }
}

fn placeholders(template: &str) -> Vec<Placeholder> {
    let mut found = Vec::new();
    let mut in_brackets = false;
    let mut rest = template.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '{' | '}' | '[' | ']' if rest.peek() == Some(&character) => {
                rest.next();
            }
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            '{' => {
                let mut text = String::new();
                while let Some(inner) = rest.next().filter(|inner| *inner != '}') {
                    text.push(inner);
                    if inner == '\\' {
                        text.extend(rest.next());
                    }
                }
                let (source, filters) = text.split_once('|').unwrap_or((&text, ""));
                let optional = in_brackets || filters.contains("default:");
                found.push(Placeholder { source: source.to_owned(), optional });
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_literals() {
        let found =
            placeholders(r"{{no}}{header:X|lower}[?{query:a}]{json:/b|replace:\}:x|default:}[[{id}]]");
        let found: Vec<_> = found.iter().map(|p| (&*p.source, p.optional)).collect();
        assert_eq!(found, [("header:X", false), ("query:a", true), ("json:/b", true), ("id", false)]);
    }
}
