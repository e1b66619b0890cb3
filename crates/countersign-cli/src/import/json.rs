//! JSON in which every value knows its place, for files that hold secrets.
//!
//! The readers that the workspace has keep no places, and a complaint about one of four hundred endpoints that does not say
//! which is none. The surprising decision is what of the text is kept: nothing that a complaint could show but what
//! [`Shown`] says may be seen. A member that stands twice is refused, for two readers could take two of them.

use super::words::{Holds, snake};
use crate::output::plain;
use countersign::config::{ConfigCode, ConfigError, FileId, MAX_DEPTH, Span};
use std::ops::Range;
use zeroize::Zeroizing;

/// A value and where it stands.
pub(super) struct Item {
    pub(super) value: Json,
    pub(super) span: Span,
}

/// What JSON can say. Texts are wiped: any may be a secret.
pub(super) enum Json {
    Null,
    Boolean(bool),
    /// As it is spelled.
    Number(Box<str>),
    Text(Zeroizing<String>),
    List(Vec<Item>),
    Object(Vec<(Name, Item)>),
}

/// The name of a member.
pub(super) struct Name {
    pub(super) text: String,
    pub(super) span: Span,
}

impl Json {
    /// What sort of value, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Boolean(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }
}

impl Item {
    /// The text that this is.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The members of the object that this is.
    pub(super) fn members(&self) -> Option<&[(Name, Item)]> {
        match &self.value {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }
}

/// Read a text whole.
pub(super) fn parse(text: &str, file: FileId) -> Result<Item, ConfigError> {
    let mut parser = Parser { text, at: 0, file, depth: 0 };
    let read = parser.item().and_then(|item| {
        parser.blank();
        match parser.peek() {
            None => Ok(item),
            Some(_) => Err(parser.wrong("more than one value stands here")),
        }
    });
    read.map_err(|Wrong { range, says }| {
        ConfigError::at(ConfigCode::MalformedConfig, Span { file, range }, format!("this is no JSON: {says}"))
            .help("see it through a program that reads JSON: `python3 -m json.tool FILE`, say")
    })
}

/// What of a text may be seen: its names and marks, and the values of keys that `holds` says hold no secret. All else
/// becomes asterisks. Places stay where they are.
pub(super) fn masked(text: &str, root: &Item, holds: &dyn Fn(&str) -> Option<Holds>) -> String {
    let mut ranges = Vec::new();
    hidden(root, false, holds, &mut ranges);
    let mut out = text.to_owned();
    for range in ranges {
        let stars: String = text[range.clone()]
            .chars()
            .map(|c| if c == '\n' { "\n".into() } else { "*".repeat(c.len_utf8()) })
            .collect();
        out.replace_range(range, &stars);
    }
    out
}

/// The same of a text that is no JSON: nothing but its marks.
pub(super) fn blotted(text: &str) -> String {
    let keep = |c: char| c.is_ascii_whitespace() || "{}[]:,\"".contains(c);
    text.chars().map(|c| if keep(c) { c.to_string() } else { "*".repeat(c.len_utf8()) }).collect()
}

fn hidden(item: &Item, shown: bool, holds: &dyn Fn(&str) -> Option<Holds>, out: &mut Vec<Range<usize>>) {
    match &item.value {
        Json::Object(members) => {
            for (name, item) in members {
                let shown = holds(&snake(&name.text)) == Some(Holds::Plain);
                hidden(item, shown, holds, out);
            }
        }
        Json::List(items) => items.iter().for_each(|item| hidden(item, shown, holds, out)),
        Json::Text(_) | Json::Number(_) if !shown => out.push(item.span.range.clone()),
        _ => {}
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    file: FileId,
    depth: usize,
}

struct Wrong {
    range: Range<usize>,
    says: String,
}

impl Parser<'_> {
    fn item(&mut self) -> Result<Item, Wrong> {
        self.blank();
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::list)?,
            Some(b'"') => Json::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => self.word()?,
            None => return Err(self.wrong("it ends too early")),
        };
        Ok(Item { value, span: self.span(start) })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Json, Wrong>) -> Result<Json, Wrong> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong(format!("it nests more than {MAX_DEPTH} objects and lists")));
        }
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Json, Wrong> {
        let mut members: Vec<(Name, Item)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while self.goes_on(b'}', members.is_empty())? {
            self.blank();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.wrong("the name of a member is a text in quotes"));
            }
            let text = self.string()?.to_string();
            let span = self.span(start);
            if !seen.insert(text.clone()) {
                let says = format!("the member `{}` stands there twice", plain(&text));
                return Err(Wrong { range: span.range, says });
            }
            self.blank();
            if self.peek() != Some(b':') {
                return Err(self.wrong("a colon is missing"));
            }
            self.at += 1;
            members.push((Name { text, span }, self.item()?));
        }
        Ok(Json::Object(members))
    }

    fn list(&mut self) -> Result<Json, Wrong> {
        let mut items = Vec::new();
        while self.goes_on(b']', items.is_empty())? {
            items.push(self.item()?);
        }
        Ok(Json::List(items))
    }

    /// Whether something follows before the closing bracket, which is passed over.
    fn goes_on(&mut self, close: u8, first: bool) -> Result<bool, Wrong> {
        self.blank();
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            Some(_) => Err(self.wrong("a comma or the closing bracket is missing")),
            None => Err(self.wrong("it ends too early")),
        }
    }

    fn string(&mut self) -> Result<Zeroizing<String>, Wrong> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(0..0x20) => {
                    self.at = at;
                    return Err(self.wrong("a text holds a control character, or never ends"));
                }
                Some(_) => at += 1,
                None => return Err(self.wrong("a text never ends")),
            }
        }
        self.at = at + 1;
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        // The error of the library could quote it.
        let text = serde_json::from_str::<String>(quoted).map_err(|_| Wrong {
            range: start..start + 1,
            says: "a text has an escape that there is not".into(),
        })?;
        Ok(Zeroizing::new(text))
    }

    fn number(&mut self) -> Result<Json, Wrong> {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        self.at +=
            rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
        let digits = &self.text[start..self.at];
        match serde_json::from_str::<serde_json::Number>(digits) {
            Ok(_) => Ok(Json::Number(digits.into())),
            Err(_) => Err(Wrong { range: start..self.at, says: "a number is spelled as none is".into() }),
        }
    }

    fn word(&mut self) -> Result<Json, Wrong> {
        let rest = &self.text[self.at..];
        let words = [("null", Json::Null), ("true", Json::Boolean(true)), ("false", Json::Boolean(false))];
        let found = words.into_iter().find(|(word, _)| rest.starts_with(word));
        let (word, value) = found.ok_or_else(|| self.wrong("no value begins like this"))?;
        self.at += word.len();
        Ok(value)
    }

    fn blank(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn span(&self, start: usize) -> Span {
        Span { file: self.file, range: start..self.at }
    }

    fn wrong(&self, says: impl Into<String>) -> Wrong {
        let start = self.at.min(self.text.len());
        let end = (start + 1).min(self.text.len());
        Wrong { range: start..end, says: says.into() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use countersign::config::Sources;

    fn read(text: &str) -> Result<Item, String> {
        let mut sources = Sources::new();
        let file = sources.add("a.json", blotted(text));
        parse(text, file).map_err(|error| countersign::ConfigErrors(vec![error]).render(&sources))
    }

    /// As the library reads it.
    fn value(item: &Item) -> serde_json::Value {
        match &item.value {
            Json::Null => serde_json::Value::Null,
            Json::Boolean(truth) => (*truth).into(),
            Json::Number(digits) => serde_json::from_str(digits).unwrap(),
            Json::Text(text) => text.as_str().into(),
            Json::List(items) => items.iter().map(value).collect(),
            Json::Object(members) => serde_json::Value::Object(
                members.iter().map(|(name, item)| (name.text.clone(), value(item))).collect(),
            ),
        }
    }

    #[test]
    fn what_is_json_is_read_as_others_read_it() {
        for text in [
            "{}",
            " [ ] ",
            "null",
            "\"a\\u00e9\\n\\ud83d\\ude00é\"",
            "[1, -2.5e3, true, false, null, \"\"]",
            "{\"a\": {\"b\": [1, {\"c\": \"\\\\\\\"\"}]}, \"\": 0}",
        ] {
            let item = read(text).unwrap_or_else(|says| panic!("{text}: {says}"));
            assert_eq!(value(&item), serde_json::from_str::<serde_json::Value>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place_and_not_shown() {
        let deep = "[".repeat(40);
        for (text, says) in [
            (
                "{\"a\": \"hunter2\", \"a\": 1}",
                "a.json:1:18: this is no JSON: the member `a` stands there twice",
            ),
            (
                "{\"secret\": \"hunter2\",}",
                "a.json:1:22: this is no JSON: the name of a member is a text in quotes",
            ),
            ("{\"secret\": \"hunter2", "a text never ends"),
            ("{\"secret\": \"hunter2\\", "a text never ends"),
            ("{\"secret\": hunter2}", "no value begins like this"),
            ("{\"secret\": \"hunter2\\x\"}", "an escape that there is not"),
            ("{\"secret\": \"\\ud800\"}", "an escape that there is not"),
            ("[\"hunter2\n\"]", "a control character"),
            ("[01]", "a number is spelled as none is"),
            ("[1e]", "a number is spelled as none is"),
            ("[1 2]", "a comma or the closing bracket is missing"),
            ("{\"a\" 1}", "a colon is missing"),
            ("[1]]", "more than one value stands here"),
            ("", "it ends too early"),
            ("[", "it ends too early"),
            (&deep, "it nests more than 32 objects and lists"),
        ] {
            let said = read(text).err().unwrap_or_else(|| panic!("{text} was read"));
            assert!(said.contains(says), "{text}: {said}");
            assert!(!said.contains("hunter2"), "{text}: {said}");
        }
    }

    #[test]
    fn only_what_is_known_to_be_harmless_is_shown() {
        let text = "{\"path\": \"/a\", \"token\": \"hunter2\", \"odd\": [\"hunter2\", 12345, {\"path\": [\"/b\"]}],\n\"é\": \"é\nx\"}";
        let text = &text.replace('\n', " ");
        let item = read(text).unwrap();
        let holds = |key: &str| (key == "path").then_some(Holds::Plain);
        let shown = masked(text, &item, &holds);
        assert_eq!(shown.len(), text.len());
        assert!(
            shown.contains("\"/a\"") && shown.contains("\"/b\"") && shown.contains("\"token\": *"),
            "{shown}"
        );
        assert!(!shown.contains("hunter2") && !shown.contains("12345") && !shown.contains("é x"), "{shown}");
    }
}
