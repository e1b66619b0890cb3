//! JSON as it is spelled: read into marks, texts and numbers, and written again as any other writer would.
//!
//! Nothing is lost in between that a writer might have kept: the order of keys, keys that come twice, the spelling of numbers. So
//! what comes out is the same document, and only the hand is another's.

/// How deep a document may be.
const DEEPEST: usize = 128;

/// One mark of a document.
#[derive(Clone, Debug)]
enum Token<'j> {
    /// `{`, `}`, `[`, `]`, `,` or `:`.
    Mark(u8),
    /// A text, decoded; lone surrogates stay as escapes in `raw`, and then nothing is decoded.
    Text { raw: &'j [u8], decoded: Option<String> },
    /// A number, `true`, `false` or `null`, as spelled.
    Word(&'j [u8]),
}

/// A document.
#[derive(Clone, Debug)]
pub(crate) struct Document<'j> {
    tokens: Vec<Token<'j>>,
}

/// How one is written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Style {
    /// Between elements.
    pub(crate) comma: &'static str,
    /// Between a name and its value.
    pub(crate) colon: &'static str,
    /// One step of indentation; `None`: all on one line.
    pub(crate) indent: Option<&'static str>,
    /// Which characters are escapes.
    pub(crate) escapes: Escapes,
    /// How numbers are spelled.
    pub(crate) numbers: Numbers,
    /// Members are in the order of their names.
    pub(crate) sorted: bool,
    /// `{}` and `[]` stand on one line even where others do not, as most writers do it.
    pub(crate) end: &'static str,
}

/// Which characters a writer escapes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Escapes {
    /// All that is not ASCII, as `\uXXXX`.
    pub(crate) ascii: bool,
    /// Digits of escapes are large.
    pub(crate) upper: bool,
    /// `\/`.
    pub(crate) slash: bool,
    /// U+2028 and U+2029.
    pub(crate) lines: bool,
    /// These, too, as `\uXXXX`: all of them ASCII.
    pub(crate) also: &'static str,
}

/// How numbers are spelled.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) enum Numbers {
    /// As they came.
    #[default]
    Kept,
    /// The shortest, whole ones without a point: `1`, `12.5`.
    Shortest,
    /// The shortest, but a whole one that was written with a point or exponent keeps `.0`.
    Pointed,
    /// What has a point has two digits behind it.
    Cents,
    /// What has one digit behind the point has two.
    Padded,
}

impl Style {
    pub(crate) const COMPACT: Style = Style {
        comma: ",",
        colon: ":",
        indent: None,
        escapes: Escapes { ascii: false, upper: false, slash: false, lines: false, also: "" },
        numbers: Numbers::Kept,
        sorted: false,
        end: "",
    };
}

impl<'j> Document<'j> {
    /// Read one; `None` if this is no JSON.
    pub(crate) fn read(bytes: &'j [u8]) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut at = 0;
        let mut depth = 0_usize;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => at += 1,
                b'{' | b'}' | b'[' | b']' | b',' | b':' => {
                    match byte {
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth = depth.checked_sub(1)?,
                        _ => {}
                    }
                    if depth > DEEPEST {
                        return None;
                    }
                    tokens.push(Token::Mark(*byte));
                    at += 1;
                }
                b'"' => {
                    let end = end_of_text(bytes, at + 1)?;
                    let raw = &bytes[at + 1..end];
                    tokens.push(Token::Text { raw, decoded: decoded(raw) });
                    at = end + 1;
                }
                _ => {
                    let stop = |b: &u8| b"{}[],:\" \t\r\n".contains(b);
                    let end = bytes[at..].iter().position(stop).map_or(bytes.len(), |n| at + n);
                    let word = &bytes[at..end];
                    if !is_word(word) {
                        return None;
                    }
                    tokens.push(Token::Word(word));
                    at = end;
                }
            }
        }
        let document = Document { tokens };
        let end = document.value(0, DEEPEST)?;
        (depth == 0 && end == document.tokens.len()).then_some(document)
    }

    /// The end of the value that begins at a place; `None` if there is none.
    fn value(&self, at: usize, depth: usize) -> Option<usize> {
        let depth = depth.checked_sub(1)?;
        let (close, object) = match self.tokens.get(at)? {
            Token::Text { .. } | Token::Word(_) => return Some(at + 1),
            Token::Mark(b'{') => (b'}', true),
            Token::Mark(b'[') => (b']', false),
            Token::Mark(_) => return None,
        };
        let mut at = at + 1;
        if matches!(self.tokens.get(at)?, Token::Mark(mark) if *mark == close) {
            return Some(at + 1);
        }
        loop {
            if object {
                let (Token::Text { .. }, Token::Mark(b':')) =
                    (self.tokens.get(at)?, self.tokens.get(at + 1)?)
                else {
                    return None;
                };
                at += 2;
            }
            at = self.value(at, depth)?;
            match self.tokens.get(at)? {
                Token::Mark(b',') => at += 1,
                Token::Mark(mark) if *mark == close => return Some(at + 1),
                _ => return None,
            }
        }
    }

    /// Whether some number has a point or an exponent.
    pub(crate) fn has_fractions(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token, Token::Word(word) if is_fraction(word)))
    }

    /// Whether some text has what writers escape differently.
    pub(crate) fn escapes(&self) -> Seen {
        let mut seen = Seen::default();
        for token in &self.tokens {
            let Token::Text { decoded: Some(text), .. } = token else { continue };
            for c in text.chars() {
                match c {
                    '/' => seen.slash = true,
                    '\u{2028}' | '\u{2029}' => (seen.lines, seen.wide) = (true, true),
                    c if !c.is_ascii() => seen.wide = true,
                    c => seen.ascii |= 1 << u32::from(c),
                }
            }
        }
        seen
    }

    /// Write it.
    pub(crate) fn write(&self, style: Style) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.tokens.len() * 8);
        self.write_value(0, style, 0, &mut out);
        out.extend(style.end.bytes());
        out
    }

    /// Write the value at a place; the place behind it.
    fn write_value(&self, at: usize, style: Style, level: usize, out: &mut Vec<u8>) -> usize {
        let (open, close) = match &self.tokens[at] {
            Token::Text { raw, decoded } => {
                write_text(raw, decoded.as_deref(), style.escapes, out);
                return at + 1;
            }
            Token::Word(word) => {
                write_word(word, style.numbers, out);
                return at + 1;
            }
            Token::Mark(b'{') => (b'{', b'}'),
            Token::Mark(_) => (b'[', b']'),
        };
        out.push(open);
        let mut members = self.members(at);
        if style.sorted && open == b'{' {
            let name = |at: &usize| match &self.tokens[*at] {
                Token::Text { decoded: Some(text), .. } => text.as_bytes(),
                Token::Text { raw, .. } => raw,
                _ => &[],
            };
            members.sort_by(|a, b| name(a).cmp(name(b)));
        }
        let line = |level: usize, out: &mut Vec<u8>| {
            if let Some(step) = style.indent {
                out.push(b'\n');
                (0..level).for_each(|_| out.extend(step.bytes()));
            }
        };
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                out.extend(style.comma.bytes());
            }
            line(level + 1, out);
            let mut at = *member;
            if open == b'{' {
                at = self.write_value(at, style, level + 1, out) + 1;
                out.extend(style.colon.bytes());
            }
            self.write_value(at, style, level + 1, out);
        }
        if !members.is_empty() {
            line(level, out);
        }
        out.push(close);
        self.end(at)
    }

    /// Where the members of an object or array begin.
    fn members(&self, at: usize) -> Vec<usize> {
        let object = matches!(self.tokens[at], Token::Mark(b'{'));
        let (mut at, mut members) = (at + 1, Vec::new());
        while !matches!(self.tokens[at], Token::Mark(b'}' | b']')) {
            if matches!(self.tokens[at], Token::Mark(b',')) {
                at += 1;
            }
            members.push(at);
            at = self.end(if object { at + 2 } else { at });
        }
        members
    }

    /// The end of a value that is known to be one.
    fn end(&self, at: usize) -> usize {
        let mut depth = 0_usize;
        for (index, token) in self.tokens.iter().enumerate().skip(at) {
            match token {
                Token::Mark(b'{' | b'[') => depth += 1,
                Token::Mark(b'}' | b']') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return index + 1;
            }
        }
        self.tokens.len()
    }
}

/// What in a document writers may spell differently.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) slash: bool,
    pub(crate) lines: bool,
    pub(crate) wide: bool,
    /// One bit for each character of ASCII.
    ascii: u128,
}

impl Seen {
    /// Whether some character of a set is there.
    pub(crate) fn any(&self, of: &str) -> bool {
        of.bytes().any(|byte| self.ascii & (1 << byte) != 0)
    }
}

/// The texts of a document with pointers to them; none if it is no JSON.
pub(crate) fn strings(bytes: &[u8]) -> Vec<(String, String)> {
    let Some(document) = Document::read(bytes) else { return Vec::new() };
    let mut found = Vec::new();
    walk(&document, 0, &mut String::new(), &mut found);
    found
}

fn walk(document: &Document<'_>, at: usize, pointer: &mut String, found: &mut Vec<(String, String)>) {
    match &document.tokens[at] {
        Token::Text { decoded: Some(text), .. } => found.push((pointer.clone(), text.clone())),
        Token::Mark(mark) => {
            for (index, member) in document.members(at).into_iter().enumerate() {
                let (step, value) = match (mark, &document.tokens[member]) {
                    (b'{', Token::Text { decoded: Some(name), .. }) => {
                        (name.replace('~', "~0").replace('/', "~1"), member + 2)
                    }
                    (b'{', _) => continue,
                    _ => (index.to_string(), member),
                };
                let length = pointer.len();
                pointer.push('/');
                pointer.push_str(&step);
                walk(document, value, pointer, found);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// The members of an object that holds nothing but texts, numbers and words, as texts; a list of such is a name several times.
pub(crate) fn flat(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let document = Document::read(bytes)?;
    matches!(document.tokens.first()?, Token::Mark(b'{')).then_some(())?;
    let text = |at: usize| match &document.tokens[at] {
        Token::Text { decoded, .. } => decoded.clone(),
        Token::Word(word) => Some(String::from_utf8_lossy(word).into_owned()),
        Token::Mark(_) => None,
    };
    let mut pairs = Vec::new();
    for member in document.members(0) {
        let (name, value) = (text(member)?, member + 2);
        match &document.tokens[value] {
            Token::Mark(b'[') => {
                for item in document.members(value) {
                    pairs.push((name.clone(), text(item)?));
                }
            }
            _ => pairs.push((name, text(value)?)),
        }
    }
    (!pairs.is_empty()).then_some(pairs)
}

/// A text that was written as JSON and then once more as a text of JSON.
pub(crate) fn unwrapped(bytes: &[u8]) -> Option<Vec<u8>> {
    let bytes = bytes.trim_ascii();
    let inner = bytes.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    (end_of_text(bytes, 1)? == bytes.len() - 1).then_some(())?;
    decoded(inner).map(String::into_bytes)
}

/// Text as JSON writes it, quotes included.
pub(crate) fn wrapped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_text(text.as_bytes(), Some(text), Escapes::default(), &mut out);
    out
}

fn end_of_text(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            0..=0x1f => return None,
            _ => at += 1,
        }
    }
}

fn is_word(word: &[u8]) -> bool {
    matches!(word, b"true" | b"false" | b"null")
        || (word.first().is_some_and(|b| b.is_ascii_digit() || *b == b'-')
            && word.iter().all(|b| b.is_ascii_digit() || b"+-.eE".contains(b)))
}

fn is_fraction(word: &[u8]) -> bool {
    word.first().is_some_and(|b| b.is_ascii_digit() || *b == b'-') && word.iter().any(|b| b".eE".contains(b))
}

fn decoded(raw: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(raw).ok()?;
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = rest[at + 1..].chars().next()?;
        rest = &rest[at + 1 + escape.len_utf8()..];
        out.push(match escape {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            '"' | '\\' | '/' => escape,
            'u' => {
                let unit = |text: &str| u16::from_str_radix(text.get(..4)?, 16).ok();
                let first = unit(rest)?;
                rest = &rest[4..];
                match first {
                    0xd800..=0xdbff => {
                        let second = unit(rest.strip_prefix("\\u")?)?;
                        rest = &rest[6..];
                        char::decode_utf16([first, second]).next()?.ok()?
                    }
                    _ => char::from_u32(u32::from(first))?,
                }
            }
            _ => return None,
        });
    }
    out.push_str(rest);
    Some(out)
}

fn write_text(raw: &[u8], decoded: Option<&str>, escapes: Escapes, out: &mut Vec<u8>) {
    out.push(b'"');
    match decoded {
        None => out.extend_from_slice(raw),
        Some(text) => {
            // Most text is plain: copied in stretches.
            let mut plain = 0;
            for (at, c) in text.char_indices() {
                let special = match c {
                    '"' | '\\' | '\0'..='\x1f' => true,
                    '/' => escapes.slash,
                    '\u{2028}' | '\u{2029}' => escapes.lines || escapes.ascii,
                    c if c.is_ascii() => !escapes.also.is_empty() && escapes.also.contains(c),
                    _ => escapes.ascii,
                };
                if special {
                    out.extend_from_slice(&text.as_bytes()[plain..at]);
                    write_escape(c, escapes, out);
                    plain = at + c.len_utf8();
                }
            }
            out.extend_from_slice(&text.as_bytes()[plain..]);
        }
    }
    out.push(b'"');
}

fn write_escape(c: char, escapes: Escapes, out: &mut Vec<u8>) {
    let short: &[u8] = match c {
        '"' if !escapes.also.contains('"') => b"\\\"",
        '\\' => b"\\\\",
        '/' => b"\\/",
        '\n' => b"\\n",
        '\t' => b"\\t",
        '\r' => b"\\r",
        '\u{8}' => b"\\b",
        '\u{c}' => b"\\f",
        c => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let text = if escapes.upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
                out.extend(text.bytes());
            }
            return;
        }
    };
    out.extend_from_slice(short);
}

fn write_word(word: &[u8], numbers: Numbers, out: &mut Vec<u8>) {
    if numbers == Numbers::Kept || !is_fraction(word) {
        return out.extend_from_slice(word);
    }
    let Some(number) = std::str::from_utf8(word).ok().and_then(|text| text.parse::<f64>().ok()) else {
        return out.extend_from_slice(word);
    };
    let text = match numbers {
        Numbers::Cents => format!("{number:.2}"),
        Numbers::Padded => {
            let one = word.iter().rev().position(|b| *b == b'.') == Some(1);
            return out.extend([word, if one { b"0" } else { b"" }].concat());
        }
        Numbers::Pointed if number.fract() == 0.0 && number.abs() < 1e16 => format!("{number:.1}"),
        _ => format!("{number}"),
    };
    out.extend(text.bytes());
}

#[cfg(test)]
mod tests;
