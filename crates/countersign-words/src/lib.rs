//! A preset in words, for whoever shows one to a person: the command does, and so do the pages of the providers.
//!
//! Told is the table of a mode, by its keys and never by the mode's name: a mode of someone else's that spells its keys alike is
//! told alike. What is not known here is left out, so whoever shows words shows the preset beside them.
//!
//! Nothing here lays out a page. What a preset says reaches a person through a [`Voice`], for a terminal has to be guarded from
//! it, and a page sets it apart.
//!
//! ```
//! use countersign::{Layer, Sources};
//! use countersign_words::{Voice, Words};
//!
//! let mut sources = Sources::new();
//! let file = sources.add("acme.toml", r#"at = { header = "x-sig", extract = "prefix", prefix = "v1=", encoding = "hex" }"#);
//! let layer = Layer::parse(&sources, file)?;
//! let table = layer.root().table().expect("a root is a table");
//!
//! let words = Words::of(table, Voice::PLAIN);
//! assert_eq!(words.place(table.get("at").expect("it is there")), "header x-sig, after \"v1=\", hex");
//! assert_eq!(words.slot("json:/id|lower"), "/id of the JSON body, in small letters");
//! # Ok::<(), countersign::ConfigErrors>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod filter;
pub mod glance;
mod keys;
mod place;
pub mod proof;
mod template;
mod token;
pub mod tree;

pub use keys::kinds;
pub use template::{Piece, pieces};
pub use token::component;

use countersign::config::{Node, Table, Value};

/// A label, and what is said under it: one line, or several.
pub type Fact = (&'static str, String);

/// How a preset's own words are written among ours.
#[derive(Clone, Copy)]
pub struct Voice {
    /// A name: of a header, a field, a claim.
    pub name: fn(&str) -> String,

    /// A text that stands in a request as it is.
    pub text: fn(&str) -> String,
}

impl Voice {
    /// As it stands, and texts in quotes: where nothing has to be guarded.
    pub const PLAIN: Voice = Voice { name: str::to_owned, text: |text| format!("\"{text}\"") };
}

/// The words of one mode's table.
#[derive(Clone, Copy)]
pub struct Words<'t> {
    table: &'t Table,
    voice: Voice,
}

impl<'t> Words<'t> {
    /// Those of a mode's table, or of one of its cases.
    pub fn of(table: &'t Table, voice: Voice) -> Self {
        Words { table, voice }
    }

    /// A test, such as `{method} is "GET"`.
    pub fn test(&self, test: &Table) -> String {
        let value = self.name(tree::text(test, "value").unwrap_or("?"));
        let against = |word| test.get(word).map(|node| self.operand(node));
        if let Some(against) = against("equals") {
            return format!("{value} is {against}");
        }
        if let Some(against) = against("in") {
            return format!("{value} is one of {against}");
        }
        for word in ["matches", "contains"] {
            if let Some(against) = against(word) {
                return format!("{value} {word} {against}");
            }
        }
        match test.get("absent") {
            Some(_) => format!("{value} is not there"),
            None => format!("{value} is there"),
        }
    }

    /// Texts that something is compared with.
    pub fn operand(&self, node: &Node) -> String {
        match &node.value {
            Value::Text(text) => self.text(text),
            Value::Array(items) => items.iter().map(|item| self.operand(item)).collect::<Vec<_>>().join(", "),
            _ => String::new(),
        }
    }

    fn name(&self, name: &str) -> String {
        (self.voice.name)(name)
    }

    fn text(&self, text: &str) -> String {
        (self.voice.text)(text)
    }

    fn names(&self, names: &[&str]) -> String {
        match names {
            [] => "none".into(),
            names => names.iter().map(|name| self.name(name)).collect::<Vec<_>>().join(", "),
        }
    }
}
