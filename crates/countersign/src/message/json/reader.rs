//! Reading: one pass, no recursion, every rule of RFC 8259 and our refusals beyond it.

use std::borrow::Cow;

use super::{DEPTH, Fault, Kind, Node, TABLED, Table, hex4, past, unescape};

/// What has been read so far.
pub(super) struct Reader<'s> {
    source: &'s [u8],
    pos: usize,
    pub(super) nodes: Vec<Node>,
    /// The containers that are not closed yet, outermost first.
    open: Vec<u32>,
    pub(super) tables: Vec<Table>,
    /// The keys of the object that is being closed; kept for its memory.
    keys: Vec<(Cow<'s, [u8]>, u32)>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(source: &'s [u8]) -> Result<Self, Fault> {
        if source.starts_with(b"\xEF\xBB\xBF") {
            return Err(Fault::Malformed("a byte order mark before JSON"));
        }
        if std::str::from_utf8(source).is_err() {
            return Err(Fault::Malformed("JSON that is not UTF-8"));
        }
        // Offsets and node numbers are 32 bits wide; a node needs at least one byte.
        if source.len() >= u32::MAX as usize {
            return Err(Fault::Malformed("JSON of 4 GiB or more"));
        }
        let (nodes, open, tables, keys) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Ok(Self { source, pos: 0, nodes, open, tables, keys })
    }

    pub(super) fn document(&mut self) -> Result<(), Fault> {
        loop {
            if self.value()? {
                continue;
            }
            // A value has ended: it closes its container, or that one's container, or another value follows.
            loop {
                let Some(&container) = self.open.last() else {
                    return match self.peek() {
                        None => Ok(()),
                        Some(_) => Err(Fault::Malformed("something after the end of the JSON value")),
                    };
                };
                if self.another(container)? {
                    break;
                }
            }
        }
    }

    /// Reads a scalar or an empty container (`false`), or opens a container that has something in it (`true`).
    fn value(&mut self) -> Result<bool, Fault> {
        let start = self.pos_of_next()?;
        let kind = match self.source[start] {
            b'{' | b'[' => return self.open(start),
            b'"' => {
                self.text()?;
                Kind::Text
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                Kind::Number
            }
            b't' => self.word(b"true", Kind::Bool)?,
            b'f' => self.word(b"false", Kind::Bool)?,
            b'n' => self.word(b"null", Kind::Null)?,
            _ => return Err(Fault::Malformed("something that begins no JSON value")),
        };
        self.push(kind, start);
        Ok(false)
    }

    fn open(&mut self, start: usize) -> Result<bool, Fault> {
        if self.open.len() == DEPTH {
            return Err(Fault::Malformed("JSON of more than 64 levels"));
        }
        let (kind, close) =
            if self.source[start] == b'{' { (Kind::Object, b'}') } else { (Kind::Array, b']') };
        self.pos += 1;
        let container = self.push(kind, start);
        self.open.push(container);
        if self.pos_of_next().is_ok_and(|next| self.source[next] == close) {
            self.close(container)?;
            return Ok(false);
        }
        if kind == Kind::Object {
            self.key()?;
        }
        Ok(true)
    }

    /// After a value in `container`: whether another follows (its key is read already), or the container ended.
    fn another(&mut self, container: u32) -> Result<bool, Fault> {
        let next = self.pos_of_next()?;
        match (self.source[next], self.nodes[container as usize].kind) {
            (b',', Kind::Object) => {
                self.pos += 1;
                self.key()?;
                Ok(true)
            }
            (b',', _) => {
                self.pos += 1;
                Ok(true)
            }
            (b'}', Kind::Object) | (b']', Kind::Array) => {
                self.close(container)?;
                Ok(false)
            }
            _ => Err(Fault::Malformed("neither a comma nor the end of an array or object")),
        }
    }

    fn key(&mut self) -> Result<(), Fault> {
        let start = self.pos_of_next()?;
        if self.source[start] != b'"' {
            return Err(Fault::Malformed("an object member without a quoted key"));
        }
        self.text()?;
        self.push(Kind::Text, start);
        let colon = self.pos_of_next()?;
        if self.source[colon] != b':' {
            return Err(Fault::Malformed("an object key without a colon"));
        }
        self.pos += 1;
        Ok(())
    }

    /// Ends `container` at its closing bracket, which is the next byte.
    fn close(&mut self, container: u32) -> Result<(), Fault> {
        self.pos += 1;
        self.open.pop();
        let all = self.nodes.len() as u32;
        let node = &mut self.nodes[container as usize];
        (node.end, node.past) = (self.pos as u32, all);
        let kind = node.kind;
        self.keys.clear();
        let mut children = Vec::new();
        let mut child = container + 1;
        while child < all {
            if kind == Kind::Object {
                let Node { start, end, .. } = self.nodes[child as usize];
                self.keys.push((unescape(&self.source[start as usize + 1..end as usize - 1]), child));
            } else {
                children.push(child);
            }
            child = past(&self.nodes, child, kind);
        }
        self.keys.sort_unstable();
        if self.keys.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Fault::Malformed("a JSON object with the same key twice"));
        }
        children.extend(self.keys.iter().map(|&(_, at)| at));
        if children.len() > TABLED {
            self.tables.push(Table { at: container, children: children.into() });
        }
        Ok(())
    }

    /// Steps over a quoted text, checking it.
    fn text(&mut self) -> Result<(), Fault> {
        self.pos += 1;
        loop {
            match self.source.get(self.pos) {
                None => return Err(Fault::Malformed(ENDS)),
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(..b' ') => return Err(Fault::Malformed("a control character in a JSON string")),
                Some(_) => self.pos += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        const LONE: &str = "an escaped lone surrogate in a JSON string";
        match self.source.get(self.pos + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.pos += 2,
            Some(b'u') => match hex4(self.source, self.pos + 2) {
                None => return Err(Fault::Malformed("a JSON escape `\\u` without four digits")),
                Some(0xDC00..0xE000) => return Err(Fault::Malformed(LONE)),
                Some(0xD800..0xDC00) => {
                    let escaped = self.source[self.pos + 6..].starts_with(b"\\u");
                    match hex4(self.source, self.pos + 8) {
                        Some(0xDC00..0xE000) if escaped => self.pos += 12,
                        _ => return Err(Fault::Malformed(LONE)),
                    }
                }
                Some(_) => self.pos += 6,
            },
            _ => return Err(Fault::Malformed("an escape that JSON does not have")),
        }
        Ok(())
    }

    /// Steps over `-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?`.
    fn number(&mut self) -> Result<(), Fault> {
        self.pos += usize::from(self.source[self.pos] == b'-');
        let zero = self.source.get(self.pos) == Some(&b'0');
        if self.digits()? > 1 && zero {
            return Err(Fault::Malformed("a JSON number with leading zeros"));
        }
        if self.source.get(self.pos) == Some(&b'.') {
            self.pos += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.source.get(self.pos) {
            self.pos += 1;
            self.pos += usize::from(matches!(self.source.get(self.pos), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, Fault> {
        let count = self.source[self.pos..].iter().take_while(|b| b.is_ascii_digit()).count();
        self.pos += count;
        if count == 0 { Err(Fault::Malformed("a JSON number without its digits")) } else { Ok(count) }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<Kind, Fault> {
        if !self.source[self.pos..].starts_with(word) {
            return Err(Fault::Malformed("something that begins no JSON value"));
        }
        self.pos += word.len();
        Ok(kind)
    }

    fn push(&mut self, kind: Kind, start: usize) -> u32 {
        let at = self.nodes.len() as u32;
        self.nodes.push(Node { kind, start: start as u32, end: self.pos as u32, past: at + 1 });
        at
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.source.get(self.pos) {
            self.pos += 1;
        }
        self.source.get(self.pos).copied()
    }

    fn pos_of_next(&mut self) -> Result<usize, Fault> {
        match self.peek() {
            Some(_) => Ok(self.pos),
            None => Err(Fault::Malformed(ENDS)),
        }
    }
}

const ENDS: &str = "JSON that ends too early";
