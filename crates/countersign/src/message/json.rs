//! JSON as it was written: a strict reader that keeps the exact bytes, the order of members and the spelling of
//! numbers.
//!
//! Signed content is often rebuilt from a JSON body, and a signature covers bytes. A general reader loses what
//! is needed for that (a number becomes a float, a later duplicate key wins without a word), and each of these
//! losses is a way to make two readers of one request see two different things. So this reader is our own: it
//! reads RFC 8259 and nothing beside it, refuses duplicate keys in any object, and never re-prints a value.
//!
//! The document is one flat list of nodes in source order, each with its range of bytes and the number of the
//! node after its last descendant; nothing recurses while reading, so a body of a million `[` is one error.

mod reader;
mod spelling;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::filter::Fault;
use reader::Reader;
pub(crate) use spelling::{Spelling, write_escape, write_text};

/// How deep arrays and objects may lie in one another: `[[1]]` is 2 deep.
pub(crate) const DEPTH: usize = 64;

/// Containers with more children than this keep a table of them, so that a thousand pointers into a big body
/// cost a thousand searches and not a thousand walks.
const TABLED: usize = 32;

/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    Array,
    Object,
}

/// One value of a JSON document: the whole, or a part that a pointer found. A clone costs a reference count.
#[derive(Clone)]
pub(crate) struct Json<'a> {
    document: Arc<Document<'a>>,
    at: u32,
}

impl<'a> Json<'a> {
    /// Reads `source` as one JSON value with nothing but white space around it.
    ///
    /// Refuses what RFC 8259 refuses, and also: a byte order mark, an escaped lone surrogate, the same key
    /// twice in an object (keys compared as decoded text), more than [`DEPTH`] levels. Time is linear but for
    /// the sorting of each object's keys; memory is 16 bytes a node, some 20 times the source for a text of
    /// nothing but the smallest values.
    pub(crate) fn parse(source: &'a [u8]) -> Result<Self, Fault> {
        Self::read(Cow::Borrowed(source))
    }

    /// As [`Json::parse`], for text that may belong to nobody else: what a filter decoded, for one.
    pub(crate) fn read(source: Cow<'a, [u8]>) -> Result<Self, Fault> {
        let mut reader = Reader::new(&source)?;
        reader.document()?;
        let Reader { nodes, mut tables, .. } = reader;
        tables.sort_unstable_by_key(|table| table.at);
        Ok(Self { document: Arc::new(Document { source, nodes, tables }), at: 0 })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.node().kind
    }

    pub(crate) fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The bytes of this value as they stand in the source, borrowed from this handle.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.document.bytes(self.at)
    }

    /// The bytes of this value as they stand in the source. Copies only where the source is not borrowed.
    pub(crate) fn source(&self) -> Cow<'a, [u8]> {
        let Node { start, end, .. } = self.node();
        match &self.document.source {
            Cow::Borrowed(source) => Cow::Borrowed(&source[start as usize..end as usize]),
            Cow::Owned(source) => Cow::Owned(source[start as usize..end as usize].to_vec()),
        }
    }

    /// The text of a string without its quotes and escapes; a number or boolean as it is spelled; `None` for
    /// objects, arrays and `null`.
    pub(crate) fn scalar(&self) -> Option<Cow<'a, [u8]>> {
        match (self.kind(), self.source()) {
            (Kind::Text, Cow::Borrowed(quoted)) => Some(unescape(&quoted[1..quoted.len() - 1])),
            (Kind::Text, Cow::Owned(quoted)) => {
                Some(Cow::Owned(unescape(&quoted[1..quoted.len() - 1]).into_owned()))
            }
            (Kind::Number | Kind::Bool, source) => Some(source),
            (Kind::Null | Kind::Array | Kind::Object, _) => None,
        }
    }

    /// The value at an RFC 6901 pointer, counted from this value; `""` is this value. `None` where nothing
    /// stands there, and for a pointer that is none (see [`check_pointer`]). Logarithmic in the size of big
    /// objects, constant in that of big arrays.
    pub(crate) fn pointer(&self, pointer: &str) -> Option<Self> {
        let mut here = self.clone();
        for token in tokens(pointer).ok()? {
            here.at = here.document.child(here.at, &token)?;
        }
        Some(here)
    }

    /// All values that a pointer with `*` for "every element" finds, in source order.
    ///
    /// A `*` that meets something else than an array, and a rest that is missing in any element, are faults:
    /// a list that is signed in parts must be whole.
    pub(crate) fn wildcard(&self, pattern: &str) -> Result<Vec<Self>, Fault> {
        let mut found = vec![self.clone()];
        for token in tokens(pattern).map_err(Fault::Malformed)? {
            let mut next = Vec::with_capacity(found.len());
            for json in &found {
                if token == "*" {
                    if json.kind() != Kind::Array {
                        return Err(Fault::Malformed("something else than the array of items"));
                    }
                    next.extend(json.elements());
                } else {
                    let at = json.document.child(json.at, &token);
                    let at = at.ok_or(Fault::Malformed("an item without its expected part"))?;
                    next.push(Self { at, document: Arc::clone(&json.document) });
                }
            }
            found = next;
        }
        Ok(found)
    }

    /// The elements of an array in order; none for anything else.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Json<'a>> {
        self.children(Kind::Array)
    }

    /// The members of an object in source order; none for anything else. The key is a JSON string, so that its
    /// own spelling is at hand: `key.scalar()` is its text, `key.bytes()` its source.
    pub(crate) fn members(&self) -> impl Iterator<Item = (Json<'a>, Json<'a>)> {
        self.children(Kind::Object).map(|key| {
            let value = Json { document: Arc::clone(&key.document), at: key.at + 1 };
            (key, value)
        })
    }

    fn node(&self) -> Node {
        self.document.nodes[self.at as usize]
    }

    fn children(&self, of: Kind) -> impl Iterator<Item = Json<'a>> {
        let document = Arc::clone(&self.document);
        let (mut next, past) = match self.node() {
            Node { kind, past, .. } if kind == of => (self.at + 1, past),
            _ => (0, 0),
        };
        std::iter::from_fn(move || {
            (next < past).then(|| {
                let at = next;
                next = document.past(at, of);
                Json { document: Arc::clone(&document), at }
            })
        })
    }
}

/// The kind and the length only: a body is not something to print by accident.
impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({:?}, {} bytes)", self.kind(), self.bytes().len())
    }
}

/// Says what is wrong with an RFC 6901 pointer, if anything is; for configuration, where a pointer that can
/// never find anything should be a complaint.
pub(crate) fn check_pointer(pointer: &str) -> Result<(), &'static str> {
    tokens(pointer).map(drop)
}

/// The unescaped parts of an RFC 6901 pointer; none for `""`.
pub(crate) fn tokens(pointer: &str) -> Result<Vec<Cow<'_, str>>, &'static str> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let rest = pointer.strip_prefix('/').ok_or("a JSON pointer that does not begin with `/`")?;
    rest.split('/')
        .map(|token| {
            if !token.contains('~') {
                return Ok(Cow::Borrowed(token));
            }
            // What follows a `~` is 0 or 1; `~1` first, else `~01` would become a slash.
            if token.split('~').skip(1).any(|after| !after.starts_with(['0', '1'])) {
                return Err("a JSON pointer with a `~` that is neither `~0` nor `~1`");
            }
            Ok(Cow::Owned(token.replace("~1", "/").replace("~0", "~")))
        })
        .collect()
}

/// `source` with the value at `pointer` replaced by the JSON string `text`, or with that string put in at the
/// end of its parent object, missing parents being made as objects. Every other byte stays as it is. Where the
/// present value is a number and `text` spells a whole number, it stays a bare number.
///
/// For writing signatures and times into bodies that are about to be signed. A fault if `source` is not JSON,
/// `pointer` is none, or a parent is there and is no object (elements are never added to an array).
pub(crate) fn place(source: &[u8], pointer: &str, text: &str) -> Result<Vec<u8>, Fault> {
    let mut here = Json::parse(source)?;
    let tokens = tokens(pointer).map_err(Fault::Malformed)?;
    for (depth, token) in tokens.iter().enumerate() {
        match here.document.child(here.at, token) {
            Some(at) => here.at = at,
            None => return insert(source, &here, &tokens[depth..], text),
        }
    }
    let Node { start, end, .. } = here.node();
    let mut out = source[..start as usize].to_vec();
    if here.kind() == Kind::Number && is_whole_number(text) {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_text(text, Spelling::Compact, &mut out);
    }
    out.extend_from_slice(&source[end as usize..]);
    Ok(out)
}

struct Document<'a> {
    source: Cow<'a, [u8]>,
    /// In source order; the members of an object are a text node (the key) followed by the value's nodes.
    nodes: Vec<Node>,
    /// By `at`, ascending.
    tables: Vec<Table>,
}

#[derive(Clone, Copy)]
struct Node {
    kind: Kind,
    start: u32,
    end: u32,
    /// The number of the first node that is no descendant of this one.
    past: u32,
}

/// The children of one big container: an array's in order, an object's keys by their text.
struct Table {
    at: u32,
    children: Box<[u32]>,
}

impl Document<'_> {
    fn bytes(&self, at: u32) -> &[u8] {
        let Node { start, end, .. } = self.nodes[at as usize];
        &self.source[start as usize..end as usize]
    }

    /// The child after the child `at` of a container of kind `of`.
    fn past(&self, at: u32, of: Kind) -> u32 {
        past(&self.nodes, at, of)
    }

    fn key(&self, at: u32) -> Cow<'_, [u8]> {
        let quoted = self.bytes(at);
        unescape(&quoted[1..quoted.len() - 1])
    }

    fn child(&self, at: u32, token: &str) -> Option<u32> {
        let Node { kind, past, .. } = self.nodes[at as usize];
        let table = self.tables.binary_search_by_key(&at, |table| table.at).ok();
        let table = table.map(|found| &self.tables[found].children);
        let mut walk = std::iter::successors((at + 1 < past).then_some(at + 1), |&child| {
            Some(self.past(child, kind)).filter(|&next| next < past)
        });
        match kind {
            Kind::Object => {
                let name = token.as_bytes();
                let key = match table {
                    Some(keys) => keys[keys.binary_search_by(|&key| (*self.key(key)).cmp(name)).ok()?],
                    None => walk.find(|&key| *self.key(key) == *name)?,
                };
                Some(key + 1)
            }
            Kind::Array if is_whole_number(token) => {
                let index = token.parse().ok()?;
                table.map_or_else(|| walk.nth(index), |elements| elements.get(index).copied())
            }
            _ => None,
        }
    }
}

/// The child after the child `at` of a container of kind `of`: in an object `at` is a key, its value follows.
fn past(nodes: &[Node], at: u32, of: Kind) -> u32 {
    nodes[at as usize + usize::from(of == Kind::Object)].past
}

fn hex4(source: &[u8], at: usize) -> Option<u16> {
    source.get(at..at + 4)?.iter().try_fold(0, |unit, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(unit << 4 | digit as u16)
    })
}

/// The text between the quotes of a string that the reader has checked. Borrowed where nothing is escaped.
fn unescape(inner: &[u8]) -> Cow<'_, [u8]> {
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut pos = 0;
    while let Some(&byte) = inner.get(pos) {
        let escape = if byte == b'\\' { inner.get(pos + 1) } else { None };
        let Some(&escape) = escape else {
            out.push(byte);
            pos += 1;
            continue;
        };
        pos += 2;
        out.push(match escape {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let units = [hex4(inner, pos), hex4(inner, pos + 6)].map(Option::unwrap_or_default);
                // The second unit counts only after a leading surrogate, which the reader found to be followed by one.
                let pair = (0xD800..0xDC00).contains(&units[0]);
                pos += if pair { 10 } else { 4 };
                for c in char::decode_utf16(units.into_iter().take(1 + usize::from(pair))) {
                    let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                continue;
            }
            itself => itself,
        });
    }
    Cow::Owned(out)
}

fn insert(source: &[u8], parent: &Json<'_>, missing: &[Cow<'_, str>], text: &str) -> Result<Vec<u8>, Fault> {
    let node = parent.node();
    if node.kind != Kind::Object {
        return Err(Fault::Malformed("no object to put the value into"));
    }
    // After the last member, or after the opening bracket: white space before the closing one stays there.
    let last = parent.members().last().map(|(_, value)| value.node().end);
    let at = last.unwrap_or(node.start + 1) as usize;
    let mut out = source[..at].to_vec();
    if last.is_some() {
        out.push(b',');
    }
    for (depth, key) in missing.iter().enumerate() {
        if depth > 0 {
            out.push(b'{');
        }
        write_text(key, Spelling::Compact, &mut out);
        out.push(b':');
    }
    write_text(text, Spelling::Compact, &mut out);
    out.resize(out.len() + missing.len() - 1, b'}');
    out.extend_from_slice(&source[at..]);
    Ok(out)
}

/// Digits without leading zeros: a JSON number, and an array index of RFC 6901.
fn is_whole_number(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0'))
}

#[cfg(test)]
pub(super) mod tests;
