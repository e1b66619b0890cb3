//! What a value can see: one request, read no further than something asks for.

use super::filter::{Fault, Lookup, Val};
use super::json::Json;
use super::value::Source;
use super::wire::{self, Url};
use crate::request::{Found, Head, HeaderName, Request};
use std::borrow::Cow;
use std::cell::OnceCell;

/// One request as values read it. The JSON and form readings of its body are made at most once, and only when something
/// needs them.
pub struct Scope<'r> {
    pub(crate) request: Request<'r>,
    /// The current element of `each`.
    pub(crate) item: Option<Json<'r>>,
    json: OnceCell<Result<Json<'r>, Fault>>,
    form: OnceCell<Result<Option<Fields<'r>>, Fault>>,
}

type Fields<'r> = Vec<(Cow<'r, [u8]>, Cow<'r, [u8]>)>;

/// Makes the MAC of a challenge.
pub(crate) type MakeMac<'x> = dyn Fn(&[u8]) -> Option<Vec<u8>> + 'x;

/// What was found on the way, and is not of the request alone.
#[derive(Clone, Copy, Default)]
pub(crate) struct Local<'x> {
    pub(crate) timestamp: Option<&'x [u8]>,
    pub(crate) id: Option<&'x [u8]>,
    pub(crate) sig: &'x [(&'x str, &'x [u8])],
    pub(crate) parts: &'x [Option<Cow<'x, [u8]>>],
    pub(crate) secret: Option<&'x [u8]>,
    pub(crate) mac: Option<&'x MakeMac<'x>>,
    /// Of the token, in modes that have one.
    pub(crate) claims: Option<&'x Json<'x>>,
}

impl<'r> Scope<'r> {
    /// Of a request of which nothing has been read yet. Costs nothing.
    pub fn new(request: &Request<'r>) -> Self {
        Scope { request: *request, item: None, json: OnceCell::new(), form: OnceCell::new() }
    }

    /// No request: for values made of variables alone.
    pub(crate) fn nothing() -> Scope<'static> {
        Scope::new(&Request::new(Head::new("", "", &()), b""))
    }

    /// The same request at another element of `each`.
    pub(crate) fn at_item(&self, item: Json<'r>) -> Scope<'r> {
        Scope { item: Some(item), json: self.json.clone(), ..Scope::new(&self.request) }
    }

    /// Whether what was read of the body could be.
    pub(crate) fn readable(&self) -> bool {
        !matches!(self.json.get(), Some(Err(_))) && !matches!(self.form.get(), Some(Err(_)))
    }

    /// The body as JSON. Refused if it has duplicate keys, is too deep, or is anything but one value.
    pub(crate) fn json(&self) -> Result<&Json<'r>, Fault> {
        self.json.get_or_init(|| Json::parse(self.request.body)).as_ref().map_err(|fault| *fault)
    }

    /// The one value of a header, outer white space trimmed.
    pub(crate) fn header(&self, name: &HeaderName) -> Result<&'r [u8], Fault> {
        match self.request.head.headers.find(name) {
            Found::Absent => Err(Fault::Absent),
            Found::Several => Err(Fault::Malformed("the header occurs more than once")),
            Found::One(value) => {
                let value = wire::ows(value);
                match wire::is_plain_header(value) {
                    true => Ok(value),
                    false => Err(Fault::Malformed("the header holds control characters")),
                }
            }
        }
    }

    /// The one value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Result<Cow<'r, [u8]>, Fault> {
        let query = self.url()?.query().ok_or(Fault::Absent)?;
        match wire::find_pair(query.as_bytes(), name.as_bytes())? {
            wire::FoundPair::Absent => Err(Fault::Absent),
            wire::FoundPair::One(value) => Ok(value),
            wire::FoundPair::Several => Err(Fault::Malformed("the parameter occurs more than once")),
        }
    }

    /// The one value of a form field.
    pub(crate) fn form(&self, name: &str) -> Result<Cow<'r, [u8]>, Fault> {
        let mut values = self.fields()?.iter().filter(|(n, _)| **n == *name.as_bytes());
        match (values.next(), values.next()) {
            (None, _) => Err(Fault::Absent),
            (Some((_, value)), None) => Ok(value.clone()),
            (Some(_), Some(_)) => Err(Fault::Malformed("the field occurs more than once")),
        }
    }

    /// What a source stands for.
    pub(crate) fn source<'x>(&self, source: &'x Source, local: &Local<'x>) -> Result<Val<'x>, Fault>
    where
        'r: 'x,
    {
        let head = &self.request.head;
        let text = |text: &'r str| Ok(Val::Bytes(Cow::Borrowed(text.as_bytes())));
        let found = |text: Option<&'x [u8]>| text.map(|t| Val::Bytes(Cow::Borrowed(t))).ok_or(Fault::Absent);
        match source {
            Source::Body => Ok(Val::Bytes(Cow::Borrowed(self.request.body))),
            Source::Method if head.method.bytes().any(|b| b.is_ascii_lowercase()) => {
                Ok(Val::Bytes(Cow::Owned(head.method.to_ascii_uppercase().into_bytes())))
            }
            Source::Method => text(head.method),
            // Split all the same, so that a URL that cannot be read is not signed either.
            Source::Url => self.url().and_then(|_| text(head.url)),
            Source::Path => text(self.url()?.path()),
            Source::Target => Ok(Val::Bytes(match self.url()?.target() {
                Cow::Borrowed(target) => Cow::Borrowed(target.as_bytes()),
                Cow::Owned(target) => Cow::Owned(target.into_bytes()),
            })),
            Source::QueryString => text(self.url()?.query().ok_or(Fault::Absent)?),
            Source::Host => text(self.url()?.authority()),
            Source::Header(name) => Ok(Val::Bytes(Cow::Borrowed(self.header(name)?))),
            Source::Query(name) => self.query(name).map(Val::Bytes),
            Source::Form(name) => self.form(name).map(Val::Bytes),
            Source::Param(name) => match (self.query(name), self.form(name)) {
                (value, Err(Fault::Absent)) | (Err(Fault::Absent), value) => value.map(Val::Bytes),
                (Err(fault), _) | (_, Err(fault)) => Err(fault),
                (Ok(_), Ok(_)) => Err(Fault::Malformed("the parameter stands in query and form")),
            },
            Source::QueryPairs => {
                let query = self.url()?.query().ok_or(Fault::Absent)?;
                some_pairs(wire::pairs(query.as_bytes())?)
            }
            Source::FormPairs => some_pairs(self.fields()?.clone()),
            Source::Json(pointer) => Ok(Val::json(self.json()?.pointer(pointer).ok_or(Fault::Absent)?)),
            Source::Item(pointer) => {
                let item = self.item.as_ref().ok_or(Fault::Absent)?;
                Ok(Val::json(item.pointer(pointer).ok_or(Fault::Absent)?))
            }
            Source::Timestamp => found(local.timestamp),
            Source::Id => found(local.id),
            Source::Sig(name) => {
                found(local.sig.iter().find(|(n, _)| **n == **name).map(|(_, value)| *value))
            }
            Source::Part(index) => {
                local.parts.get(*index).cloned().flatten().map(Val::Bytes).ok_or(Fault::Absent)
            }
            Source::Secret => found(local.secret),
            Source::Claim(pointer) => {
                let claim = local.claims.and_then(|claims| claims.pointer(pointer)).ok_or(Fault::Absent)?;
                Ok(Val::json(claim))
            }
            // Variables are put in when keys are.
            Source::Var(_) => Err(Fault::Absent),
        }
    }

    fn url(&self) -> Result<Url<'r>, Fault> {
        Url::split(self.request.head.url)
    }

    fn fields(&self) -> Result<&Fields<'r>, Fault> {
        let read = || {
            let name = HeaderName::new("content-type").ok_or(Fault::Absent)?;
            match self.header(&name) {
                Ok(kind) => wire::form(Some(kind), self.request.body),
                Err(Fault::Absent) => Ok(None),
                Err(fault) => Err(fault),
            }
        };
        match self.form.get_or_init(read) {
            Ok(fields) => fields.as_ref().ok_or(Fault::Absent),
            Err(fault) => Err(*fault),
        }
    }
}

/// No pairs at all is absent.
fn some_pairs<'x>(pairs: Fields<'x>) -> Result<Val<'x>, Fault> {
    if pairs.is_empty() { Err(Fault::Absent) } else { Ok(Val::Pairs(pairs)) }
}

/// Filters that look other things up see the request through this.
impl<'x, 'r: 'x> Lookup<'x> for (&Scope<'r>, &Local<'x>) {
    fn header(&self, name: &[u8]) -> Result<Option<Cow<'x, [u8]>>, Fault> {
        let name = std::str::from_utf8(name).ok().and_then(HeaderName::new);
        let name = name.ok_or(Fault::Malformed("a listed name can be no header's"))?;
        super::value::present(self.0.header(&name).map(Cow::Borrowed))
    }

    fn json(&self, pointer: &str) -> Result<Option<Val<'x>>, Fault> {
        Ok(self.0.json()?.pointer(pointer).map(Val::json))
    }
}
