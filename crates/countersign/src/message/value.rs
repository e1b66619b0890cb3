//! Values: `"literal {source|filter} [optional segment]"`, compiled to a flat list of segments.
//!
//! A value is never text that is put together and then hashed: what it stands for is handed on in pieces that borrow
//! from the request. Types are checked when the preset is compiled, so that no request can meet a filter that does not
//! fit; what a request *can* do is lack something, and that is a refusal, never an empty string.

pub(crate) mod parse;

use super::filter::{Fault, Filter, Keeps, Type, Val};
use super::scope::{Local, Scope};
use super::{CONTENT_ABSENT, CONTENT_MALFORMED};
use crate::config::{Complaints, ConfigCode, ConfigError, Reader, Span, Spanned};
use crate::keys::{KeyError, Vars};
use crate::mode::{Explain, Step};
use crate::outcome::{Reason, Rejection};
use crate::preset::Var;
use crate::request::HeaderName;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

/// How many named parts a table may have.
pub(crate) const MAX_PARTS: usize = 8;

/// What a value came to, in order. Twelve pieces cost no allocation.
pub(crate) type Pieces<'x> = SmallVec<[Cow<'x, [u8]>; 12]>;

/// A compiled value: what a text such as `"{id}.{body|sha256|hex}"` stands for.
#[derive(Clone, Debug)]
pub struct Value {
    pub(crate) segments: Box<[Segment]>,
    pub(crate) span: Span,
}

/// A part of a value.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    Literal(Box<[u8]>),
    Slot(Slot),
    /// Left out, literals included, when any placeholder in it is absent.
    Optional(Box<[Segment]>),
}

/// A placeholder.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) source: Source,
    pub(crate) filters: Box<[Filter]>,
    /// As written between the braces, for people.
    pub(crate) text: Box<str>,
    /// The literal that sets it off from its neighbour in signed content, and so may not be in it.
    pub(crate) without: Option<Box<[u8]>>,
}

/// Where a placeholder's bytes come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    Body,
    Method,
    Url,
    Path,
    Target,
    QueryString,
    Host,
    Header(HeaderName),
    Query(Box<str>),
    Form(Box<str>),
    Param(Box<str>),
    QueryPairs,
    FormPairs,
    Json(Box<str>),
    Item(Box<str>),
    Timestamp,
    Id,
    Sig(Box<str>),
    Part(usize),
    Var(Arc<str>),
    Secret,
    Claim(Box<str>),
}

/// A source's word, its argument (empty: none) and what it means: the reference page is printed from here.
pub(crate) const SOURCES: &[(&str, &str, &str)] = &[
    ("body", "", "every byte of the body as received"),
    ("method", "", "the method in upper case"),
    ("url", "", "the configured public URL, with its query"),
    ("path", "", "the URL's path"),
    ("target", "", "the URL's path and query"),
    ("query_string", "", "the raw query without `?`; absent if there is none"),
    ("host", "", "the URL's host, with its port if one is written"),
    ("header", "NAME", "the one occurrence of a header, outer white space trimmed"),
    ("query", "NAME", "a decoded query parameter; without a name, all pairs in wire order"),
    (
        "form",
        "NAME",
        "a decoded form field; without a name, all pairs in wire order; absent unless the body is a form",
    ),
    ("param", "NAME", "the one occurrence of a parameter in query or form"),
    (
        "json",
        "/POINTER",
        "a value of the JSON body: text unquoted, numbers as spelled; `null` and missing are absent",
    ),
    ("item", "/POINTER", "as `json`, relative to the current element of `each`"),
    ("timestamp", "", "the text on the wire that `timestamp_source` found"),
    ("id", "", "the text on the wire that `id_source` found"),
    ("sig", "NAME", "another field of the same signature: a pair or a named capture"),
    ("part", "NAME", "a value of `parts`, declared above its use"),
    ("var", "NAME", "given per source, declared in `[[var]]`"),
    ("secret", "", "the key's bytes: only in `key.derive`, or where `secret_in_content = true`"),
    ("claim", "NAME", "a claim of the token, by name or `/pointer`: only in modes that have claims"),
];

/// What a value may use, beyond what every value may.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allow {
    /// `item`: the scheme has `each`.
    pub(crate) item: bool,
    /// `timestamp`, `id`, `sig`: the value is read after they are found.
    pub(crate) found: bool,
    /// `secret`.
    pub(crate) secret: bool,
    /// `claim`.
    pub(crate) claims: bool,
    /// The filter `mac`.
    pub(crate) mac: bool,
    /// May end in a list.
    pub(crate) list: bool,
}

/// What is known where a value is compiled.
#[derive(Clone, Copy)]
pub(crate) struct Env<'a> {
    pub(crate) vars: &'a [Var],
    /// The names of `parts` declared so far.
    pub(crate) parts: &'a [Arc<str>],
    pub(crate) allow: Allow,
    pub(crate) complaints: &'a Complaints,
}

impl Value {
    /// Compile one; every mistake in it is told, and then there is none.
    pub(crate) fn compile(text: &Spanned<Arc<str>>, env: Env<'_>) -> Option<Value> {
        let mut parser = parse::Parser { text, at: 0, env, failed: false };
        let segments = parser.segments(false);
        (!parser.failed).then(|| Value { segments: merge(segments), span: text.span.clone() })
    }

    /// Read the table `parts`: names, and the values that they stand for, each of which may use those above it.
    pub(crate) fn parts(table: &Reader<'_>, env: Env<'_>) -> (Vec<Arc<str>>, Vec<Value>) {
        let wrong = |span: &Span, says: &str, help: &str| {
            let error = ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says);
            env.complaints.push(error.help(help));
        };
        let (mut names, mut values) = (Vec::<Arc<str>>::new(), Vec::new());
        for (index, (key, node)) in table.entries("parts").into_iter().enumerate() {
            if index == MAX_PARTS {
                wrong(&key.span, "there are at most 8 parts", "fold some into others");
                break;
            }
            let value = match node.text() {
                Some(text) => {
                    let text = Spanned { value: text.clone(), span: node.span.clone() };
                    Value::compile(&text, Env { parts: &names, ..env })
                }
                None => {
                    let says = format!("part `{}` must be a text, but is {}", key.name, node.value.kind());
                    wrong(&node.span, &says, "write it as a value: `\"{body|sha256|hex}\"`");
                    None
                }
            };
            values.push(value.unwrap_or_else(|| Value { segments: [].into(), span: node.span.clone() }));
            names.push(key.name.clone());
        }
        (names, values)
    }

    /// Put the source's variables in: what is left depends on requests alone.
    pub(crate) fn bind(&self, vars: &Vars) -> Result<Value, KeyError> {
        Ok(Value {
            segments: merge(bind(&self.segments, vars, false)?.unwrap_or_default()),
            span: self.span.clone(),
        })
    }

    /// Every placeholder, and whether it stands in an optional segment.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (&Slot, bool)> {
        self.segments.iter().flat_map(|segment| {
            let (inner, optional): (&[Segment], bool) = match segment {
                Segment::Optional(inner) => (inner, true),
                other => (std::slice::from_ref(other), false),
            };
            inner.iter().filter_map(move |segment| match segment {
                Segment::Slot(slot) => Some((slot, optional)),
                Segment::Literal(_) | Segment::Optional(_) => None,
            })
        })
    }

    /// What complaints call it: its first placeholder.
    pub(crate) fn name(&self) -> &str {
        self.slots().next().map_or("value", |(slot, _)| &slot.text)
    }

    /// The text of a value without placeholders.
    pub(crate) fn literal(&self) -> Option<&[u8]> {
        match &*self.segments {
            [] => Some(b""),
            [Segment::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether any placeholder is of this kind.
    pub(crate) fn uses(&self, is: impl Fn(&Source) -> bool) -> bool {
        self.slots().any(|(slot, _)| is(&slot.source))
    }

    /// Hand on the pieces that the value comes to.
    pub(crate) fn resolve<'x, 'r: 'x>(
        &'x self,
        scope: &Scope<'r>,
        local: &Local<'x>,
        out: &mut Pieces<'x>,
    ) -> Result<(), Rejection> {
        resolve(&self.segments, scope, local, out)
    }

    /// The value as one text; `None` if something in it is absent.
    pub(crate) fn text<'x, 'r: 'x>(
        &'x self,
        scope: &Scope<'r>,
        local: &Local<'x>,
    ) -> Result<Option<Cow<'x, [u8]>>, Fault> {
        if let [Segment::Slot(slot)] = &*self.segments {
            return present(slot.bytes(scope, local));
        }
        let mut pieces = Pieces::new();
        match walk(&self.segments, scope, local, &mut pieces) {
            Ok(()) => {}
            Err((Fault::Absent, _)) => return Ok(None),
            Err((fault, _)) => return Err(fault),
        }
        Ok(Some(match pieces.len() {
            1 => pieces.remove(0),
            _ => pieces.concat().into(),
        }))
    }

    /// The value as a list, for values that end in one.
    pub(crate) fn list<'x, 'r: 'x>(
        &'x self,
        scope: &Scope<'r>,
        local: &Local<'x>,
    ) -> Result<Option<Vec<Cow<'x, [u8]>>>, Fault> {
        let [Segment::Slot(slot)] = &*self.segments else { return Ok(None) };
        match slot.value(scope, local) {
            Ok(Val::List(list)) => Ok(Some(list)),
            Ok(_) => Err(Fault::Malformed("a list is needed here")),
            Err(Fault::Absent) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

impl Slot {
    /// What the placeholder stands for in this request.
    pub(crate) fn bytes<'x, 'r: 'x>(
        &'x self,
        scope: &Scope<'r>,
        local: &Local<'x>,
    ) -> Result<Cow<'x, [u8]>, Fault> {
        // The hot path: nothing to filter, nothing to convert.
        if self.filters.is_empty() {
            match &self.source {
                Source::Body => return Ok(Cow::Borrowed(scope.request.body)),
                Source::Timestamp => return local.timestamp.map(Cow::Borrowed).ok_or(Fault::Absent),
                Source::Id => return local.id.map(Cow::Borrowed).ok_or(Fault::Absent),
                _ => {}
            }
        }
        self.value(scope, local)?.into_bytes()
    }

    fn value<'x, 'r: 'x>(&'x self, scope: &Scope<'r>, local: &Local<'x>) -> Result<Val<'x>, Fault> {
        let mut value = scope.source(&self.source, local);
        for filter in &self.filters {
            value = match (filter, value) {
                (Filter::Default(text), Err(Fault::Absent)) => Ok(Val::Bytes(Cow::Borrowed(text))),
                (Filter::Default(text), Ok(Val::Json(json))) if json.is_null() => {
                    Ok(Val::Bytes(Cow::Borrowed(text)))
                }
                (Filter::Default(_), value) => value,
                (Filter::Mac, Ok(operand)) => {
                    let operand = operand.into_bytes()?;
                    let mac = local.mac.and_then(|mac| mac(&operand));
                    mac.map(|tag| Val::Bytes(Cow::Owned(tag)))
                        .ok_or(Fault::Malformed("no key makes a MAC here"))
                }
                (filter, value) => value.and_then(|value| filter.apply(value, &(scope, local))),
            };
        }
        value
    }

    /// Whether the placeholder can only be of one length, so that its end is known without a literal after it.
    pub(crate) fn is_fixed_width(&self, timestamp_is_fixed: bool) -> bool {
        let stretches = |filter: &&Filter| !matches!(filter.row().name, "hex" | "base64" | "base64url");
        match self.filters.iter().rev().find(stretches) {
            Some(filter) => filter.keeps() == Keeps::Digest,
            None => self.source == Source::Timestamp && timestamp_is_fixed,
        }
    }

    /// Whether it is made of the body in any way.
    pub(crate) fn reads_body(&self) -> bool {
        matches!(
            self.source,
            Source::Body
                | Source::Form(_)
                | Source::Param(_)
                | Source::FormPairs
                | Source::Json(_)
                | Source::Item(_)
        ) || self.filters.iter().any(Filter::looks_up_json)
    }
}

/// Tell the pieces that a segment comes to, each under its placeholder's name.
pub(crate) fn explain<'r>(segment: &Segment, scope: &Scope<'r>, local: &Local<'_>, out: &mut dyn Explain) {
    match segment {
        Segment::Literal(text) => out.step(Step::Part { name: "", bytes: text }),
        Segment::Slot(Slot { source: Source::Secret, text, .. }) => out.step(Step::SecretPart { name: text }),
        Segment::Slot(slot) => {
            if let Ok(bytes) = slot.bytes(scope, local) {
                out.step(Step::Part { name: &slot.text, bytes: &bytes });
            }
        }
        Segment::Optional(inner) => {
            let there = |segment: &Segment| match segment {
                Segment::Slot(slot) => slot.bytes(scope, local).is_ok(),
                _ => true,
            };
            if inner.iter().all(there) {
                inner.iter().for_each(|segment| explain(segment, scope, local, out));
            }
        }
    }
}

/// Absent is an answer, not a fault.
pub(crate) fn present<T>(value: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(Fault::Absent) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// What a request is told when a value cannot be had.
pub(crate) fn refuse(fault: Fault, what: &str) -> Rejection {
    match fault {
        Fault::Absent => Rejection::new(Reason::MissingHeader)
            .detail(CONTENT_ABSENT, format!("`{{{what}}}` is absent from this request")),
        Fault::Malformed(why) => {
            Rejection::new(Reason::MalformedContent).detail(CONTENT_MALFORMED, format!("`{{{what}}}`: {why}"))
        }
    }
}

pub(crate) fn resolve<'x, 'r: 'x>(
    segments: &'x [Segment],
    scope: &Scope<'r>,
    local: &Local<'x>,
    out: &mut Pieces<'x>,
) -> Result<(), Rejection> {
    walk(segments, scope, local, out).map_err(|(fault, slot)| refuse(fault, &slot.text))
}

fn walk<'x, 'r: 'x>(
    segments: &'x [Segment],
    scope: &Scope<'r>,
    local: &Local<'x>,
    out: &mut Pieces<'x>,
) -> Result<(), (Fault, &'x Slot)> {
    for segment in segments {
        match segment {
            Segment::Literal(text) => out.push(Cow::Borrowed(text)),
            Segment::Slot(slot) => {
                let bytes = slot.bytes(scope, local).map_err(|fault| (fault, slot))?;
                if slot
                    .without
                    .as_ref()
                    .is_some_and(|literal| memchr::memmem::find(&bytes, literal).is_some())
                {
                    return Err((Fault::Malformed("it holds the text that ends it"), slot));
                }
                out.push(bytes);
            }
            Segment::Optional(inner) => {
                let before = out.len();
                match walk(inner, scope, local, out) {
                    Err((Fault::Absent, _)) => out.truncate(before),
                    other => other?,
                }
            }
        }
    }
    Ok(())
}

/// `None`: a variable in this optional segment is not set, and so the segment is not there.
fn bind(segments: &[Segment], vars: &Vars, optional: bool) -> Result<Option<Vec<Segment>>, KeyError> {
    let mut bound = Vec::with_capacity(segments.len());
    for segment in segments {
        match segment {
            Segment::Slot(Slot { source: Source::Var(name), filters, text, .. }) => {
                let nothing = Scope::nothing();
                let value = vars.get(name).map(|value| Cow::Borrowed(value.as_bytes())).ok_or(Fault::Absent);
                let mut value = value.map(Val::Bytes);
                for filter in filters {
                    value = match (filter, value) {
                        (Filter::Default(text), Err(Fault::Absent)) => Ok(Val::Bytes(Cow::Borrowed(text))),
                        (Filter::Default(_), value) => value,
                        (filter, value) => {
                            value.and_then(|v| filter.apply(v, &(&nothing, &Local::default())))
                        }
                    };
                }
                match value.and_then(Val::into_bytes) {
                    Ok(bytes) => bound.push(Segment::Literal(bytes.into_owned().into())),
                    Err(Fault::Absent) if optional => return Ok(None),
                    Err(Fault::Absent) => {
                        return Err(KeyError::new(format!(
                            "variable `{name}` is not set, and the preset needs it"
                        )));
                    }
                    Err(Fault::Malformed(why)) => {
                        return Err(KeyError::new(format!(
                            "variable `{name}` does not fit `{{{text}}}`: {why}"
                        )));
                    }
                }
            }
            Segment::Optional(inner) => {
                if let Some(inner) = bind(inner, vars, true)? {
                    bound.push(Segment::Optional(merge(inner)));
                }
            }
            other => bound.push(other.clone()),
        }
    }
    Ok(Some(bound))
}

/// Neighbouring literals are one.
fn merge(segments: Vec<Segment>) -> Box<[Segment]> {
    let mut merged: Vec<Segment> = Vec::with_capacity(segments.len());
    for segment in segments {
        match (merged.last_mut(), segment) {
            (_, Segment::Literal(text)) if text.is_empty() => {}
            (Some(Segment::Literal(before)), Segment::Literal(text)) => {
                *before = [&**before, &*text].concat().into();
            }
            (_, segment) => merged.push(segment),
        }
    }
    merged.into()
}

impl Source {
    /// What it is before any filter.
    fn kind(&self) -> Type {
        match self {
            Source::Json(_) | Source::Item(_) | Source::Claim(_) => Type::Json,
            Source::QueryPairs | Source::FormPairs => Type::Pairs,
            _ => Type::Bytes,
        }
    }
}
