//! JSON on its way through filters, and how it is printed.

use std::borrow::Cow;

use super::super::json::{Json, Kind, Spelling, tokens, write_text};
use super::{ELEMENTS, Fault, TOO_MANY};

/// JSON that may have been changed: whatever a filter did not touch is still a part of its source, with its
/// order and spelling. No deeper than what the reader lets in, so it may be walked by recursion.
#[derive(Debug, Clone)]
pub(crate) enum Tree<'a> {
    /// Untouched.
    Source(Json<'a>),
    /// Keys are JSON strings as they stand in the source.
    Object(Vec<(Json<'a>, Tree<'a>)>),
    Array(Vec<Tree<'a>>),
}

/// How a JSON tree becomes text. Numbers are always spelled as in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// No white space, strings escaped as [`Spelling`] has it.
    Compact(Spelling),
    /// No white space, strings as in the source.
    Minify,
    /// A space behind each comma and colon, strings escaped as Python does.
    Python,
}

impl Style {
    /// Name and variant, for the table and its complaints.
    pub(super) const ALL: [(&str, Self); 5] = [
        ("compact", Self::Compact(Spelling::Compact)),
        ("minify", Self::Minify),
        ("php", Self::Compact(Spelling::Php)),
        ("php_unicode", Self::Compact(Spelling::PhpUnicode)),
        ("python", Self::Python),
    ];
}

impl<'a> Tree<'a> {
    /// Leaves out the value at `pointer`: an object's member or an array's element. Nothing changes where
    /// nothing stands there.
    pub(super) fn without(self, pointer: &str) -> Self {
        match tokens(pointer) {
            Ok(path) => self.without_path(&path),
            Err(_) => self,
        }
    }

    /// Sorts the members of all objects by the bytes of their keys' text; arrays keep their order.
    pub(super) fn sort(self) -> Self {
        match self.sort_top().opened() {
            Self::Object(members) => {
                Self::Object(members.into_iter().map(|(key, value)| (key, value.sort())).collect())
            }
            Self::Array(elements) => Self::Array(elements.into_iter().map(Self::sort).collect()),
            scalar @ Self::Source(_) => scalar,
        }
    }

    /// Sorts the members of the outermost object only.
    pub(super) fn sort_top(self) -> Self {
        match self.opened() {
            Self::Object(mut members) => {
                members.sort_by_cached_key(|(key, _)| key.scalar());
                Self::Object(members)
            }
            other => other,
        }
    }

    /// The tree as text, at most six times as long as its source.
    pub(super) fn print(&self, style: Style) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(style, &mut out);
        out
    }

    /// The elements of an array, or the values of an object, all of which must be scalars and none `null`.
    pub(super) fn scalars(self) -> Result<Vec<Cow<'a, [u8]>>, Fault> {
        const WHAT: Fault = Fault::Malformed("something else than a JSON array or object of scalars");
        let values: Vec<_> = match self.opened() {
            Self::Object(members) => members.into_iter().map(|(_, value)| value).collect(),
            Self::Array(elements) => elements,
            Self::Source(_) => return Err(WHAT),
        };
        if values.len() > ELEMENTS {
            return Err(TOO_MANY);
        }
        let scalar = |value| match value {
            Self::Source(json) => json.scalar().ok_or(WHAT),
            Self::Object(_) | Self::Array(_) => Err(WHAT),
        };
        values.into_iter().map(scalar).collect()
    }

    /// An object or array with its children as trees of their own; a scalar as it is.
    fn opened(self) -> Self {
        match self {
            Self::Source(json) if json.kind() == Kind::Object => {
                Self::Object(json.members().map(|(key, value)| (key, Self::Source(value))).collect())
            }
            Self::Source(json) if json.kind() == Kind::Array => {
                Self::Array(json.elements().map(Self::Source).collect())
            }
            other => other,
        }
    }

    fn without_path(self, path: &[Cow<'_, str>]) -> Self {
        let Some((token, rest)) = path.split_first() else { return self };
        match self.opened() {
            Self::Object(members) => {
                let change = |(key, value): (Json<'a>, Self)| match key.scalar() {
                    Some(text) if *text != *token.as_bytes() => Some((key, value)),
                    _ if rest.is_empty() => None,
                    _ => Some((key, value.without_path(rest))),
                };
                Self::Object(members.into_iter().filter_map(change).collect())
            }
            Self::Array(elements) => {
                let change = |(index, value): (usize, Self)| match index.to_string() == **token {
                    false => Some(value),
                    true if rest.is_empty() => None,
                    true => Some(value.without_path(rest)),
                };
                Self::Array(elements.into_iter().enumerate().filter_map(change).collect())
            }
            scalar => scalar,
        }
    }

    fn write(&self, style: Style, out: &mut Vec<u8>) {
        match self {
            Self::Object(members) => {
                let write = |(key, value): &(Json<'a>, Self), out: &mut Vec<u8>| {
                    write_member(key, style, out);
                    value.write(style, out);
                };
                write_all(b"{}", style, members.iter(), out, write);
            }
            Self::Array(elements) => {
                write_all(b"[]", style, elements.iter(), out, |value, out| value.write(style, out));
            }
            Self::Source(json) => write_source(json, style, out),
        }
    }
}

fn write_source(json: &Json<'_>, style: Style, out: &mut Vec<u8>) {
    match (json.kind(), style) {
        (Kind::Object, _) => write_all(b"{}", style, json.members(), out, |(key, value), out| {
            write_member(&key, style, out);
            write_source(&value, style, out);
        }),
        (Kind::Array, _) => {
            write_all(b"[]", style, json.elements(), out, |value, out| write_source(&value, style, out));
        }
        (Kind::Text, Style::Compact(spelling)) => write_respelled(json, spelling, out),
        (Kind::Text, Style::Python) => write_respelled(json, Spelling::Python, out),
        (Kind::Text, Style::Minify) | (Kind::Null | Kind::Bool | Kind::Number, _) => {
            out.extend_from_slice(json.bytes());
        }
    }
}

fn write_member(key: &Json<'_>, style: Style, out: &mut Vec<u8>) {
    write_source(key, style, out);
    out.extend_from_slice(if style == Style::Python { b": " } else { b":" });
}

fn write_all<T>(
    brackets: &[u8; 2],
    style: Style,
    children: impl Iterator<Item = T>,
    out: &mut Vec<u8>,
    write: impl Fn(T, &mut Vec<u8>),
) {
    out.push(brackets[0]);
    for (index, child) in children.enumerate() {
        if index > 0 {
            out.extend_from_slice(if style == Style::Python { b", " } else { b"," });
        }
        write(child, out);
    }
    out.push(brackets[1]);
}

fn write_respelled(json: &Json<'_>, spelling: Spelling, out: &mut Vec<u8>) {
    let text = json.scalar().unwrap_or_default();
    // The reader lets nothing but UTF-8 in, so there is nothing to replace.
    write_text(&String::from_utf8_lossy(&text), spelling, out);
}
