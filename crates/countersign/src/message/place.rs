//! Places: where a signature, a time or an id stands in a request, how it is cut out, and how it is decoded.
//!
//! Everything is strict, because the sender chooses these bytes before anything is known about it. What one word means
//! is one spelling; several occurrences where one is meant are refused rather than chosen between; candidates are counted
//! before anything is hashed.

use super::filter::{Fault, Filter, Type, Val};
use super::scope::{Local, Scope};
use super::wire;
use super::{SIGNATURE_AMBIGUOUS, SIGNATURE_COUNT, SIGNATURE_SHAPE};
use crate::config::{ConfigCode, ConfigError, Reader, Spanned};
use crate::outcome::{Reason, Rejection};
use crate::request::{Found, HeaderName};
use regex::bytes::Regex;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

/// How many signatures a request may carry, unless the preset says otherwise.
pub(crate) const MAX_CANDIDATES: usize = 8;

/// How many bytes a compiled regular expression may take.
const REGEX_SIZE: usize = 1 << 20;

/// Where something stands and how it is cut out.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) at: At,
    repeat: bool,
    clean: Box<[Filter]>,
    pub(crate) list: Option<Box<str>>,
    max: usize,
    pub(crate) extract: Extract,
    pub(crate) encoding: Box<[Encoding]>,
    pub(crate) role: Option<Arc<str>>,
    /// For people: `header stripe-signature`.
    pub(crate) label: Box<str>,
}

/// Where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum At {
    Header(HeaderName),
    /// `X-Signature-1`, `X-Signature-2` … up to the first gap.
    Numbered(Box<[HeaderName]>),
    Query(Box<str>),
    Form(Box<str>),
    Json(Box<str>),
    Item(Box<str>),
    Body,
}

/// How an item is cut.
#[derive(Clone, Debug)]
pub(crate) enum Extract {
    Raw,
    Prefix { prefix: Box<str>, optional: bool },
    Pairs { between: Box<str>, separator: Box<str>, key: Box<str> },
    Regex { regex: Regex, capture: &'static str },
}

/// One layer of a signature's encoding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Encoding {
    Hex,
    Base64,
    Base64Url,
}

impl Encoding {
    pub(crate) const WORDS: [(&'static str, Encoding); 3] =
        [("hex", Encoding::Hex), ("base64", Encoding::Base64), ("base64url", Encoding::Base64Url)];
}

/// What is looked for at a place: decides which keys it may have and what a regular expression must capture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum What {
    Signature,
    Timestamp,
    Id,
}

impl What {
    fn capture(self) -> &'static str {
        match self {
            What::Signature => "signature",
            What::Timestamp => "timestamp",
            What::Id => "id",
        }
    }
}

/// A decoded signature. Sixty-four bytes cost no allocation: every MAC, Ed25519, ECDSA over P-256.
pub(crate) type Tag = SmallVec<[u8; 64]>;

/// A signature found on the wire, with the other fields of its item.
#[derive(Debug)]
pub(crate) struct Candidate<'p, 'r> {
    pub(crate) place: &'p Place,
    pub(crate) signature: Tag,
    pub(crate) fields: SmallVec<[(&'p str, Cow<'r, [u8]>); 2]>,
}

/// The signatures of one request: four cost no allocation.
pub(crate) type Candidates<'p, 'r> = SmallVec<[Candidate<'p, 'r>; 4]>;

impl Place {
    /// Read a place's table. The keys of the time's own (`format`, `from_signature`) are the caller's to ask for.
    pub(crate) fn read(table: &Reader<'_>, what: What, has_items: bool) -> Option<Place> {
        let complaints = table.complaints().len();
        let (at, label) = read_at(table, has_items)?;
        let extract = read_extract(table, what);
        let clean = table.text("clean").and_then(|text| read_clean(&text, table)).unwrap_or_default();
        let list = table.text("list").filter(|text| not_empty(text, "list", table)).map(|text| (*text.value).into());
        let repeat = table.boolean("repeat").unwrap_or(false);
        let max = table.integer("max_candidates", 1..=100).map_or(MAX_CANDIDATES, |n| n.value as usize);
        let role = table.text("role").map(|role| role.value);
        let encoding = match what {
            What::Signature => read_encoding(table),
            What::Timestamp | What::Id => Vec::new(),
        };
        if repeat && !matches!(at, At::Header(_)) {
            let help = "only a header occurs several times: leave `repeat` out";
            wrong(table, table.span(), "`repeat` is for a `header`", help);
        }
        (table.complaints().len() == complaints).then_some(())?;
        let (clean, encoding) = (clean.into(), encoding.into());
        Some(Place { at, repeat, clean, list, max, extract: extract?, encoding, role, label })
    }

    /// Whether it can be read before the body is there.
    pub(crate) fn is_in_head(&self) -> bool {
        matches!(self.at, At::Header(_) | At::Numbered(_) | At::Query(_))
    }

    /// Whether its text is changed before it is cut.
    pub(crate) fn is_cleaned(&self) -> bool {
        !self.clean.is_empty()
    }

    /// The names of fields that its items have beside the signature.
    pub(crate) fn captures(&self, name: &str) -> bool {
        match &self.extract {
            Extract::Regex { regex, .. } => regex.capture_names().flatten().any(|known| known == name),
            Extract::Pairs { .. } => true,
            Extract::Raw | Extract::Prefix { .. } => false,
        }
    }

    /// The one text at this place, cut out; for times and ids. `Absent` if there is none.
    pub(crate) fn one<'r>(&self, scope: &Scope<'r>) -> Result<Cow<'r, [u8]>, Fault> {
        let text = self.cleaned(self.found(scope)?, scope)?;
        match &self.extract {
            Extract::Raw => Ok(text),
            Extract::Prefix { prefix, optional } => match (text.strip_prefix(prefix.as_bytes()), optional) {
                (Some(rest), _) => Ok(part(&text, rest)),
                (None, true) => Ok(text),
                (None, false) => Err(Fault::Malformed("the prefix is missing")),
            },
            Extract::Pairs { between, separator, key } => {
                let mut values = pairs(&text, between, separator).filter(|(name, _)| *name == key.as_bytes());
                match (values.next(), values.next()) {
                    (None, _) => Err(Fault::Absent),
                    (Some((_, value)), None) => Ok(part(&text, value)),
                    (Some(_), Some(_)) => Err(Fault::Malformed("the key occurs more than once")),
                }
            }
            Extract::Regex { regex, capture } => {
                let found = regex.captures(&text).and_then(|captures| captures.name(capture));
                found.map(|found| part(&text, found.as_bytes())).ok_or(Fault::Malformed("the pattern does not match"))
            }
        }
    }

    /// Put this place's signatures to the others. `wanted` names the fields worth keeping.
    ///
    /// An item that cannot be read beside one that can is passed over, as is one of an unknown version; what was wrong
    /// with the last comes back in `trouble` and is said if there is no other.
    pub(crate) fn candidates<'p, 'r>(
        &'p self,
        scope: &Scope<'r>,
        wanted: &'p [Box<str>],
        out: &mut Candidates<'p, 'r>,
        trouble: &mut Option<Rejection>,
    ) -> Result<(), Rejection> {
        let mut add = |text: Cow<'r, [u8]>| -> Result<(), Rejection> {
            let text = self.cleaned(text, scope).map_err(|fault| shape(fault, &self.label))?;
            let mut gather = Gather { place: self, wanted, count: 0, out, trouble };
            gather.text(&text)
        };
        match &self.at {
            At::Numbered(names) => {
                let mut any = false;
                for name in names {
                    match scope.header(name) {
                        Ok(text) => add(Cow::Borrowed(text))?,
                        Err(Fault::Absent) => break,
                        Err(_) => return Err(ambiguous(&self.label)),
                    }
                    any = true;
                }
                if any { Ok(()) } else { Err(Rejection::new(Reason::MissingSignature)) }
            }
            At::Header(name) if self.repeat => {
                let headers = scope.request.head.headers;
                let mut texts = (0..=self.max).map_while(|index| headers.nth(name, index)).peekable();
                if texts.peek().is_none() {
                    return Err(Rejection::new(Reason::MissingSignature));
                }
                for (count, text) in texts.enumerate() {
                    if count == self.max {
                        return Err(too_many(&self.label, self.max));
                    }
                    add(Cow::Borrowed(wire::ows(text)))?;
                }
                Ok(())
            }
            _ => match self.found(scope) {
                Ok(text) => add(text),
                Err(Fault::Absent) => Err(Rejection::new(Reason::MissingSignature)),
                Err(fault) => Err(match &self.at {
                    At::Header(name) if matches!(scope.request.head.headers.find(name), Found::Several) => {
                        ambiguous(&self.label)
                    }
                    At::Json(_) | At::Item(_) | At::Form(_) => super::value::refuse(fault, &self.label),
                    _ => shape(fault, &self.label),
                }),
            },
        }
    }

    /// The text at this place, as it stands there.
    fn found<'r>(&self, scope: &Scope<'r>) -> Result<Cow<'r, [u8]>, Fault> {
        match &self.at {
            At::Header(name) => scope.header(name).map(Cow::Borrowed),
            At::Numbered(names) => scope.header(&names[0]).map(Cow::Borrowed),
            At::Query(name) => scope.query(name),
            At::Form(name) => scope.form(name),
            At::Json(pointer) => scalar(scope.json()?.pointer(pointer)),
            At::Item(pointer) => scalar(scope.item.as_ref().and_then(|item| item.pointer(pointer))),
            At::Body => Ok(Cow::Borrowed(scope.request.body)),
        }
    }

    fn cleaned<'r>(&self, text: Cow<'r, [u8]>, scope: &Scope<'r>) -> Result<Cow<'r, [u8]>, Fault> {
        if self.clean.is_empty() {
            return Ok(text);
        }
        let local = Local::default();
        let cleaned = self.clean.iter().try_fold(Val::Bytes(text), |value, filter| filter.apply(value, &(scope, &local)));
        cleaned?.into_bytes()
    }
}

/// Cuts one text into candidates.
struct Gather<'g, 'p, 'r> {
    place: &'p Place,
    wanted: &'p [Box<str>],
    count: usize,
    out: &'g mut Candidates<'p, 'r>,
    trouble: &'g mut Option<Rejection>,
}

impl<'p, 'r> Gather<'_, 'p, 'r> {
    fn text(&mut self, text: &Cow<'r, [u8]>) -> Result<(), Rejection> {
        match &self.place.list {
            None => self.item(text, text),
            Some(separator) => {
                for item in split(text, separator.as_bytes()) {
                    let item = wire::ows(item);
                    if !item.is_empty() {
                        self.item(text, item)?;
                    }
                }
                if self.count == 0 {
                    self.trouble("no item of the list is a signature");
                }
                Ok(())
            }
        }
    }

    fn item(&mut self, text: &Cow<'r, [u8]>, item: &[u8]) -> Result<(), Rejection> {
        let place = self.place;
        match &place.extract {
            Extract::Raw => self.signature(item, SmallVec::new()),
            Extract::Prefix { prefix, optional } => match (item.strip_prefix(prefix.as_bytes()), optional) {
                (Some(rest), _) => self.signature(rest, SmallVec::new()),
                (None, true) => self.signature(item, SmallVec::new()),
                (None, false) => self.passed_over("the prefix is missing"),
            },
            Extract::Pairs { between, separator, key } => {
                let (key, mut any) = (key.as_bytes(), false);
                let fields = |name: &'p Box<str>| {
                    let mut values = pairs(item, between, separator).filter(|(n, _)| *n == name.as_bytes());
                    match (values.next(), values.next()) {
                        (Some((_, value)), None) => Some((&**name, part(text, value))),
                        _ => None,
                    }
                };
                for (_, value) in pairs(item, between, separator).filter(|(name, _)| *name == key) {
                    any = true;
                    self.signature(value, self.wanted.iter().filter_map(fields).collect())?;
                }
                if any { Ok(()) } else { self.passed_over("there is no signature among the pairs") }
            }
            Extract::Regex { regex, capture } => {
                let Some(captures) = regex.captures(item) else { return self.passed_over("the pattern does not match") };
                let Some(signature) = captures.name(capture) else {
                    return self.passed_over("the pattern captures no signature");
                };
                let field = |name: &'p Box<str>| {
                    captures.name(name).map(|value| (&**name, part(text, value.as_bytes())))
                };
                self.signature(signature.as_bytes(), self.wanted.iter().filter_map(field).collect())
            }
        }
    }

    fn signature(
        &mut self,
        encoded: &[u8],
        fields: SmallVec<[(&'p str, Cow<'r, [u8]>); 2]>,
    ) -> Result<(), Rejection> {
        self.count()?;
        match decode(encoded, &self.place.encoding) {
            Some(signature) => self.out.push(Candidate { place: self.place, signature, fields }),
            None if encoded.is_empty() => self.trouble("the signature is empty"),
            None => self.trouble("the signature is not in the encoding the preset names"),
        }
        Ok(())
    }

    fn passed_over(&mut self, why: &'static str) -> Result<(), Rejection> {
        self.count()?;
        self.trouble(why);
        Ok(())
    }

    fn count(&mut self) -> Result<(), Rejection> {
        self.count += 1;
        if self.count > self.place.max || self.out.len() >= self.place.max {
            return Err(too_many(&self.place.label, self.place.max));
        }
        Ok(())
    }

    /// Static text: passing something over costs no allocation if another one verifies.
    fn trouble(&mut self, why: &'static str) {
        *self.trouble = Some(Rejection::new(Reason::MalformedSignature).detail(SIGNATURE_SHAPE, why));
    }
}

/// Undo a signature's encodings, outermost first. `None` for anything but the one spelling, and for nothing at all.
pub(crate) fn decode(encoded: &[u8], encodings: &[Encoding]) -> Option<Tag> {
    let mut bytes = Tag::new();
    for (depth, encoding) in encodings.iter().enumerate() {
        bytes = if depth == 0 { decode_one(encoded, *encoding)? } else { decode_one(&bytes, *encoding)? };
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// Apply a signature's encodings, innermost first.
pub(crate) fn encode(signature: &[u8], encodings: &[Encoding]) -> Vec<u8> {
    encodings.iter().rev().fold(signature.to_vec(), |bytes, encoding| match encoding {
        Encoding::Hex => const_hex::encode(&bytes).into_bytes(),
        Encoding::Base64 => base64_simd::STANDARD.encode_to_string(&bytes).into_bytes(),
        Encoding::Base64Url => base64_simd::URL_SAFE_NO_PAD.encode_to_string(&bytes).into_bytes(),
    })
}

fn decode_one(text: &[u8], encoding: Encoding) -> Option<Tag> {
    use base64_simd::{AsOut, STANDARD, URL_SAFE_NO_PAD};
    let mut bytes = Tag::new();
    match encoding {
        // `0x` would be taken off by the decoder; on the wire it is another spelling.
        Encoding::Hex if text.len() % 2 != 0 || text.starts_with(b"0x") => return None,
        Encoding::Hex => {
            bytes.resize(text.len() / 2, 0);
            const_hex::decode_to_slice(text, &mut bytes).ok()?;
        }
        Encoding::Base64 => {
            bytes.resize(STANDARD.decoded_length(text).ok()?, 0);
            let len = STANDARD.decode(text, bytes.as_mut_slice().as_out()).ok()?.len();
            bytes.truncate(len);
        }
        Encoding::Base64Url => {
            let bare = match text.len() % 4 {
                0 => text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text),
                _ => text,
            };
            bytes.resize(URL_SAFE_NO_PAD.decoded_length(bare).ok()?, 0);
            let len = URL_SAFE_NO_PAD.decode(bare, bytes.as_mut_slice().as_out()).ok()?.len();
            bytes.truncate(len);
        }
    }
    Some(bytes)
}

/// A part of a text, borrowed from the request where the text is.
fn part<'r>(text: &Cow<'r, [u8]>, part: &[u8]) -> Cow<'r, [u8]> {
    match text {
        Cow::Borrowed(whole) => {
            let start = part.as_ptr() as usize - whole.as_ptr() as usize;
            Cow::Borrowed(&whole[start..start + part.len()])
        }
        Cow::Owned(_) => Cow::Owned(part.to_vec()),
    }
}

fn pairs<'t>(text: &'t [u8], between: &'t str, separator: &'t str) -> impl Iterator<Item = (&'t [u8], &'t [u8])> {
    split(text, between.as_bytes()).filter_map(move |pair| {
        let at = memchr::memmem::find(pair, separator.as_bytes())?;
        Some((&pair[..at], &pair[at + separator.len()..]))
    })
}

fn split<'t>(text: &'t [u8], separator: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let at = match separator {
            [one] => memchr::memchr(*one, text),
            many => memchr::memmem::find(text, many),
        };
        rest = at.map(|at| &text[at + separator.len()..]);
        Some(&text[..at.unwrap_or(text.len())])
    })
}

fn scalar<'r>(value: Option<super::json::Json<'r>>) -> Result<Cow<'r, [u8]>, Fault> {
    match value {
        None => Err(Fault::Absent),
        Some(value) if value.is_null() => Err(Fault::Absent),
        Some(value) => value.scalar().ok_or(Fault::Malformed("an object or array where text is needed")),
    }
}

fn shape(fault: Fault, label: &str) -> Rejection {
    let why = match fault {
        Fault::Absent => "absent",
        Fault::Malformed(why) => why,
    };
    Rejection::new(Reason::MalformedSignature).detail(SIGNATURE_SHAPE, format!("{label}: {why}"))
}

fn ambiguous(label: &str) -> Rejection {
    let says = format!("{label} occurs more than once, and nothing says which is meant");
    Rejection::new(Reason::MalformedSignature).detail(SIGNATURE_AMBIGUOUS, says)
}

fn too_many(label: &str, max: usize) -> Rejection {
    let says = format!("{label} has more than {max} signatures");
    Rejection::new(Reason::MalformedSignature).detail(SIGNATURE_COUNT, says)
}

fn wrong(table: &Reader<'_>, span: &crate::config::Span, says: &str, help: &str) {
    table.complaints().push(ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says).help(help));
}

fn not_empty(text: &Spanned<Arc<str>>, key: &str, table: &Reader<'_>) -> bool {
    if text.value.is_empty() {
        wrong(table, &text.span, &format!("`{key}` is empty"), "give the text that stands there");
    }
    !text.value.is_empty()
}

const WHERE: [&str; 6] = ["header", "query", "form", "json", "item", "body"];

fn read_at(table: &Reader<'_>, has_items: bool) -> Option<(At, Box<str>)> {
    let named: Vec<&str> = WHERE.into_iter().filter(|key| table.has(key)).collect();
    let numbered = table.integer("numbered", 1..=100);
    let [key] = named[..] else {
        let says = match named.len() {
            0 => "this names no place".into(),
            _ => format!("this names {} places", named.len()),
        };
        let help = "name exactly one of `header`, `query`, `form`, `json`, `item` or `body = true`";
        wrong(table, table.span(), &says, help);
        return None;
    };
    if key == "body" {
        return match table.boolean("body")? {
            true => Some((At::Body, "body".into())),
            false => {
                wrong(table, table.span(), "`body = false` names no place", "leave it out, and name another place");
                None
            }
        };
    }
    let name = table.text(key)?;
    let text = &*name.value;
    let label = format!("{key} {text}").into();
    let at = match (key, &numbered) {
        ("header", Some(most)) => {
            let names = (1..=most.value).map(|n| HeaderName::new(&text.replace("{n}", &n.to_string())));
            match names.collect::<Option<Vec<_>>>() {
                Some(names) if text.contains("{n}") => At::Numbered(names.into()),
                _ => {
                    let help = "write the number's place as `{n}`: `header = \"X-Signature-{n}\"`";
                    wrong(table, &name.span, "a numbered header needs `{n}` in its name", help);
                    return None;
                }
            }
        }
        ("header", None) => match HeaderName::new(text) {
            Some(name) => At::Header(name),
            None => {
                let help = match text.contains("{n}") {
                    true => "a numbered header needs `numbered = 100`, say: how many at most",
                    false => "letters, digits and hyphens, without the colon",
                };
                wrong(table, &name.span, &format!("`{text}` can be no header's name"), help);
                return None;
            }
        },
        ("query", _) => At::Query(text.into()),
        ("form", _) => At::Form(text.into()),
        (kind, _) => {
            if let Err(why) = super::json::check_pointer(text) {
                wrong(table, &name.span, &format!("`{text}` is no JSON pointer: {why}"), "write it as `/a/b`");
                return None;
            }
            if kind == "item" && !has_items {
                wrong(table, &name.span, "`item` needs `each`", "say over what: `each = \"/items/*\"`");
                return None;
            }
            if kind == "json" { At::Json(text.into()) } else { At::Item(text.into()) }
        }
    };
    Some((at, label))
}

fn read_extract(table: &Reader<'_>, what: What) -> Option<Extract> {
    const WORDS: [&str; 4] = ["raw", "prefix", "kv_pairs", "regex"];
    let word = if table.has("extract") { table.word("extract", &WORDS)?.value } else { "raw" };
    let other = [("prefix", "prefix"), ("optional", "prefix"), ("pair_separator", "kv_pairs"), ("separator", "kv_pairs"), ("key", "kv_pairs"), ("pattern", "regex")];
    for (key, of) in other {
        // An inherited key of another way of cutting means nothing here, but is no mistake either: `like` and overrides
        // lay one table over another. Written without any `extract` it is one.
        if of != word && table.has(key) && !table.has("extract") {
            wrong(table, table.span(), &format!("`{key}` needs `extract = \"{of}\"`"), &format!("write `extract = \"{of}\"`"));
        }
    }
    let text = |key: &str, default: &str| match table.text(key) {
        Some(text) => not_empty(&text, key, table).then(|| Box::from(&*text.value)),
        None => Some(Box::from(default)),
    };
    Some(match word {
        "raw" => Extract::Raw,
        "prefix" => {
            let prefix = table.required_text("prefix")?;
            not_empty(&prefix, "prefix", table);
            Extract::Prefix { prefix: (*prefix.value).into(), optional: table.boolean("optional").unwrap_or(false) }
        }
        "kv_pairs" => {
            let key = table.required_text("key")?;
            not_empty(&key, "key", table);
            let (between, separator) = (text("pair_separator", ","), text("separator", "="));
            Extract::Pairs { between: between?, separator: separator?, key: (*key.value).into() }
        }
        _ => {
            let pattern = table.required_text("pattern")?;
            let regex = compile_regex(&pattern, table)?;
            let capture = what.capture();
            if !regex.capture_names().flatten().any(|name| name == capture) {
                let help = format!("name the part that is meant: `(?<{capture}>…)`");
                wrong(table, &pattern.span, &format!("the pattern captures no `{capture}`"), &help);
                return None;
            }
            Extract::Regex { regex, capture }
        }
    })
}

/// A regular expression, anchored at both ends: the whole text matches or none of it does.
pub(crate) fn compile_regex(pattern: &Spanned<Arc<str>>, table: &Reader<'_>) -> Option<Regex> {
    let anchored = format!("^(?:{})$", pattern.value);
    match regex::bytes::RegexBuilder::new(&anchored).size_limit(REGEX_SIZE).build() {
        Ok(regex) => Some(regex),
        Err(error) => {
            let why = match error {
                regex::Error::CompiledTooBig(_) => "it is too big".into(),
                error => error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
            };
            let help = "patterns are linear-time: no back-references, no look-around; the whole text must match";
            wrong(table, &pattern.span, &format!("the pattern does not compile: {why}"), help);
            None
        }
    }
}

fn read_encoding(table: &Reader<'_>) -> Vec<Encoding> {
    let known: Vec<&str> = Encoding::WORDS.iter().map(|(word, _)| *word).collect();
    let Some(words) = table.texts("encoding") else {
        if !table.has("encoding") {
            table.missing("encoding", "write `encoding = \"hex\"`, `\"base64\"` or `\"base64url\"`; several: outermost first");
        }
        return Vec::new();
    };
    if words.is_empty() {
        wrong(table, table.span(), "`encoding` is empty", "write `encoding = \"hex\"`, say");
    }
    let read = |word: Spanned<Arc<str>>| {
        let found = Encoding::WORDS.iter().find(|(known, _)| **known == *word.value);
        if found.is_none() {
            let near = crate::config::nearest(&word.value, known.iter().copied()).unwrap_or("hex");
            let says = format!("unknown encoding `{}`: {}", word.value, crate::config::one_of(known.iter().copied()));
            wrong(table, &word.span, &says, &format!("write `encoding = \"{near}\"`"));
        }
        found.map(|(_, encoding)| *encoding)
    };
    words.into_iter().filter_map(read).collect()
}

/// Filters on the found text, before it is cut.
fn read_clean(text: &Spanned<Arc<str>>, table: &Reader<'_>) -> Option<Vec<Filter>> {
    let (mut filters, mut kind, mut at) = (Vec::new(), Type::Bytes, 0);
    for word in text.value.split('|') {
        let span = text.part(at..at + word.len());
        at += word.len() + 1;
        let (name, args) = match word.split_once(':') {
            Some((name, args)) => (name, Some(args)),
            None => (word, None),
        };
        match Filter::parse(name, args) {
            Ok(Filter::Mac | Filter::Default(_)) => {
                wrong(table, &span, &format!("`{name}` has no meaning here"), "leave it out");
                return None;
            }
            Ok(filter) => {
                let Some(after) = filter.output(kind) else {
                    wrong(table, &span, &format!("`{word}` does not take {kind}"), "see the table of filters");
                    return None;
                };
                kind = after;
                filters.push(filter);
            }
            Err(error) => {
                wrong(table, &span, &error.message, &error.help);
                return None;
            }
        }
    }
    if !kind.is_text() {
        wrong(table, &text.span, &format!("`clean` ends in {kind}, where text is needed"), "end in text");
        return None;
    }
    Some(filters)
}
