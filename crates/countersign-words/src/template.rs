//! Templates in pieces, and what their placeholders stand for.

use crate::{Words, filter};

/// A piece of a template.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Piece<'t> {
    /// Text, as the preset spells it: a brace that is meant as such stands there twice.
    Literal(&'t str),

    /// What stands between braces.
    Slot(&'t str),
}

/// A template in pieces. Doubled braces are literal, and a backslash in a slot keeps the next character from ending it.
pub fn pieces(template: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut literal, mut at) = (Vec::new(), 0, 0);
    while let Some(found) = template[at..].find('{') {
        let open = at + found;
        if template[open + 1..].starts_with('{') {
            at = open + 2;
            continue;
        }
        let Some(close) = end_of_slot(template, open + 1) else { break };
        pieces.extend((literal < open).then(|| Piece::Literal(&template[literal..open])));
        pieces.push(Piece::Slot(&template[open + 1..close]));
        (literal, at) = (close + 1, close + 1);
    }
    pieces.extend((literal < template.len()).then(|| Piece::Literal(&template[literal..])));
    pieces
}

fn end_of_slot(template: &str, from: usize) -> Option<usize> {
    let mut escaped = false;
    template[from..].char_indices().find_map(|(index, c)| {
        let ends = c == '}' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(from + index)
    })
}

impl Words<'_> {
    /// What a slot stands for, with its filters.
    pub fn slot(&self, slot: &str) -> String {
        let mut parts = filter::parts(slot);
        let source = self.source(&parts.remove(0));
        [source].into_iter().chain(parts.iter().map(|part| self.filter(part))).collect::<Vec<_>>().join(", ")
    }

    fn source(&self, source: &str) -> String {
        let (word, arg) = source.split_once(':').unwrap_or((source, ""));
        let name = self.name(arg);
        let at = |key: &str| {
            self.table.get(key).map_or_else(String::new, |node| format!(": {}", self.place(node)))
        };
        match word {
            "body" => "every byte of the body".into(),
            "method" => "the method, in upper case".into(),
            "url" => "the URL, as configured".into(),
            "path" => "the URL's path".into(),
            "target" => "the URL's path and query".into(),
            "query_string" => "the URL's query, as it stands".into(),
            "host" => "the URL's host".into(),
            "header" => format!("header {name}"),
            "param" => format!("query parameter or form field {name}"),
            "query" if arg.is_empty() => "all pairs of the query".into(),
            "query" => format!("query parameter {name}"),
            "form" if arg.is_empty() => "all fields of the form".into(),
            "form" => format!("form field {name}"),
            "json" if arg.is_empty() => "the body, as JSON".into(),
            "json" => format!("{name} of the JSON body"),
            "item" => format!("{name} of the element"),
            "timestamp" => format!("the time, as it stands{}", at("timestamp_source")),
            "id" => format!("the message id{}", at("id_source")),
            "sig" => format!("field {name} of the same signature"),
            "part" => format!("the part {name}"),
            "var" => format!("the variable {name}"),
            "claim" => format!("claim {name}"),
            "secret" => "the secret itself".into(),
            _ => self.name(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_comes_apart_at_its_braces() {
        let show = |template| {
            let pieces = pieces(template).into_iter().map(|piece| match piece {
                Piece::Literal(text) => text.to_owned(),
                Piece::Slot(text) => format!("<{text}>"),
            });
            pieces.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(show("v0:{a}.{b|x:\\}}"), "v0: <a> . <b|x:\\}>");
        assert_eq!(show("{{x}} {a}"), "{{x}}  <a>");
        assert_eq!(show("{a"), "{a");
    }
}
