//! Places: where a signature, a time or an id stands in a request, how it is cut out, and how it is decoded.
//!
//! Everything is strict, because the sender chooses these bytes before anything is known about it. What one word means
//! is one spelling; several occurrences where one is meant are refused rather than chosen between; candidates are counted
//! before anything is hashed.

pub(crate) mod read;

use super::filter::{Fault, Filter, Val};
use super::pattern::Pattern;
use super::scope::{Local, Scope};
use super::wire;
use super::{SIGNATURE_AMBIGUOUS, SIGNATURE_COUNT, SIGNATURE_SHAPE};
use crate::outcome::{Reason, Rejection};
use crate::request::{Found, HeaderName};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

/// How many signatures a request may carry, unless the preset says otherwise.
pub(crate) const MAX_CANDIDATES: usize = 8;

/// Where something stands and how it is cut out.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) at: At,
    pub(crate) repeat: bool,
    clean: Box<[Filter]>,
    pub(crate) list: Option<Box<str>>,
    pub(crate) max: usize,
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
    Prefix {
        prefix: Box<str>,
        optional: bool,
    },
    Pairs {
        between: Box<str>,
        separator: Box<str>,
        key: Box<str>,
    },
    /// Credentials of an authentication scheme: RFC 9110, section 11.4.
    Scheme(Box<str>),
    Regex {
        regex: Pattern,
        capture: &'static str,
    },
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
    /// Something shown as it is: a token, a JWT. It may be encoded.
    Token,
}

impl What {
    fn capture(self) -> &'static str {
        match self {
            What::Signature => "signature",
            What::Timestamp => "timestamp",
            What::Id => "id",
            What::Token => "token",
        }
    }
}

/// A decoded signature. Sixty-four bytes cost no allocation: every MAC, Ed25519, ECDSA over P-256.
pub(crate) type Tag = SmallVec<[u8; 64]>;

/// Fields of a signature's item, by name.
pub(crate) type Fields<'p, 'r> = SmallVec<[(&'p str, Cow<'r, [u8]>); 2]>;

/// A signature found on the wire, with the other fields of its item.
#[derive(Debug)]
pub(crate) struct Candidate<'p, 'r> {
    pub(crate) place: &'p Place,
    pub(crate) signature: Tag,
    pub(crate) fields: Fields<'p, 'r>,
}

/// The signatures of one request: four cost no allocation.
pub(crate) type Candidates<'p, 'r> = SmallVec<[Candidate<'p, 'r>; 4]>;

impl Place {
    /// Whether what stands here is the body as it is.
    pub(crate) fn is_the_body(&self) -> bool {
        self.at == At::Body
            && matches!(self.extract, Extract::Raw)
            && !self.is_cleaned()
            && self.list.is_none()
            && self.encoding.is_empty()
    }

    /// Whether it can be read before the body is there.
    pub(crate) fn is_in_head(&self) -> bool {
        matches!(self.at, At::Header(_) | At::Numbered(_) | At::Query(_))
    }

    /// Whether its text is changed before it is cut.
    pub(crate) fn is_cleaned(&self) -> bool {
        !self.clean.is_empty()
    }

    /// Build what its pattern needs, so that the first request need not wait for it.
    pub(crate) fn prepare(&self) {
        if let Extract::Regex { regex, .. } = &self.extract {
            regex.prepare();
        }
    }

    /// The names of fields that its items have beside the signature.
    pub(crate) fn captures(&self, name: &str) -> bool {
        match &self.extract {
            Extract::Regex { regex, .. } => regex.has_name(name),
            Extract::Pairs { .. } => true,
            Extract::Raw | Extract::Prefix { .. } | Extract::Scheme(_) => false,
        }
    }

    /// The one text at this place, cut out; for times and ids. `Absent` if there is none.
    #[inline]
    pub(crate) fn one<'r>(&self, scope: &Scope<'r>) -> Result<Cow<'r, [u8]>, Fault> {
        self.cut(self.cleaned(self.found(scope)?, scope)?)
    }

    /// The one thing in the text at this place.
    #[inline]
    pub(crate) fn cut<'r>(&self, text: Cow<'r, [u8]>) -> Result<Cow<'r, [u8]>, Fault> {
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
            Extract::Scheme(scheme) => credentials(&text, scheme)
                .map(|rest| part(&text, rest))
                .ok_or(Fault::Malformed(NO_CREDENTIALS)),
            Extract::Regex { regex, capture } => {
                let found = regex.captures(&text).and_then(|captures| captures.name(capture));
                found.map(|found| part(&text, found)).ok_or(Fault::Malformed("the pattern does not match"))
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
                    _ => self.shape(fault),
                }),
            },
        }
    }

    /// A refusal of what stands here.
    pub(crate) fn shape(&self, fault: Fault) -> Rejection {
        match self.at {
            At::Json(_) | At::Item(_) | At::Form(_) => super::value::refuse(fault, &self.label),
            _ => shape(fault, &self.label),
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

    #[inline]
    fn cleaned<'r>(&self, text: Cow<'r, [u8]>, scope: &Scope<'r>) -> Result<Cow<'r, [u8]>, Fault> {
        if self.clean.is_empty() {
            return Ok(text);
        }
        self.wash(text, scope)
    }

    fn wash<'r>(&self, text: Cow<'r, [u8]>, scope: &Scope<'r>) -> Result<Cow<'r, [u8]>, Fault> {
        let local = Local::default();
        let cleaned = self
            .clean
            .iter()
            .try_fold(Val::Bytes(text), |value, filter| filter.apply(value, &(scope, &local)));
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

// Whether a text is borrowed from the request decides how its parts are: so `&Cow` and not `&[u8]`.
#[expect(clippy::ptr_arg, reason = "see above")]
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
                let fields = |name: &'p str| {
                    let mut values = pairs(item, between, separator).filter(|(n, _)| *n == name.as_bytes());
                    match (values.next(), values.next()) {
                        (Some((_, value)), None) => Some((name, part(text, value))),
                        _ => None,
                    }
                };
                for (_, value) in pairs(item, between, separator).filter(|(name, _)| *name == key) {
                    any = true;
                    self.signature(
                        value,
                        self.wanted.iter().map(|name| &**name).filter_map(fields).collect(),
                    )?;
                }
                if any { Ok(()) } else { self.passed_over("there is no signature among the pairs") }
            }
            Extract::Scheme(scheme) => match credentials(item, scheme) {
                Some(rest) => self.signature(rest, SmallVec::new()),
                None => self.passed_over(NO_CREDENTIALS),
            },
            Extract::Regex { regex, capture } => {
                let Some(captures) = regex.captures(item) else {
                    return self.passed_over("the pattern does not match");
                };
                let Some(signature) = captures.name(capture) else {
                    return self.passed_over("the pattern captures no signature");
                };
                let field = |name: &'p str| captures.name(name).map(|value| (name, part(text, value)));
                self.signature(signature, self.wanted.iter().map(|name| &**name).filter_map(field).collect())
            }
        }
    }

    fn signature(&mut self, encoded: &[u8], fields: Fields<'p, 'r>) -> Result<(), Rejection> {
        self.count()?;
        let mut signature = Tag::new();
        match decode(encoded, &self.place.encoding, &mut signature) {
            Some(()) => self.out.push(Candidate { place: self.place, signature, fields }),
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

const NO_CREDENTIALS: &str = "these are no credentials of the scheme that the preset names";

/// What follows the name of an authentication scheme, whose case does not matter, and spaces: one word, so that no list of
/// several is taken for one.
fn credentials<'t>(text: &'t [u8], scheme: &str) -> Option<&'t [u8]> {
    let (name, rest) = text.split_at_checked(scheme.len())?;
    let word = rest.trim_ascii_start();
    let spaces = &rest[..rest.len() - word.len()];
    let spaced = !spaces.is_empty() && spaces.iter().all(|byte| *byte == b' ');
    let one_word = !word.is_empty() && word.iter().all(|byte| byte.is_ascii_graphic() && *byte != b',');
    (name.eq_ignore_ascii_case(scheme.as_bytes()) && spaced && one_word).then_some(word)
}

/// Undo a signature's encodings, outermost first. `None` for anything but the one spelling, and for nothing at all.
#[inline]
pub(crate) fn decode(encoded: &[u8], encodings: &[Encoding], bytes: &mut Tag) -> Option<()> {
    match encodings.split_first() {
        None => bytes.extend_from_slice(encoded),
        Some((outermost, inner)) => {
            decode_one(encoded, *outermost, bytes)?;
            for encoding in inner {
                let text = std::mem::take(bytes);
                decode_one(&text, *encoding, bytes)?;
            }
        }
    }
    (!bytes.is_empty()).then_some(())
}

/// Apply a signature's encodings, innermost first.
pub(crate) fn encode(signature: &[u8], encodings: &[Encoding]) -> Vec<u8> {
    encodings.iter().rev().fold(signature.to_vec(), |bytes, encoding| match encoding {
        Encoding::Hex => const_hex::encode(&bytes).into_bytes(),
        Encoding::Base64 => base64_simd::STANDARD.encode_to_string(&bytes).into_bytes(),
        Encoding::Base64Url => base64_simd::URL_SAFE_NO_PAD.encode_to_string(&bytes).into_bytes(),
    })
}

#[inline]
fn decode_one(text: &[u8], encoding: Encoding, bytes: &mut Tag) -> Option<()> {
    use base64_simd::{AsOut, STANDARD, URL_SAFE_NO_PAD};
    match encoding {
        // `0x` would be taken off by the decoder; on the wire it is another spelling.
        Encoding::Hex if !text.len().is_multiple_of(2) || text.starts_with(b"0x") => return None,
        Encoding::Hex => {
            make_room(bytes, text.len() / 2);
            const_hex::decode_to_slice(text, bytes).ok()?;
        }
        Encoding::Base64 => {
            make_room(bytes, STANDARD.decoded_length(text).ok()?);
            let len = STANDARD.decode(text, bytes.as_mut_slice().as_out()).ok()?.len();
            bytes.truncate(len);
        }
        Encoding::Base64Url => {
            let bare = match text.len() % 4 {
                0 => text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text),
                _ => text,
            };
            make_room(bytes, URL_SAFE_NO_PAD.decoded_length(bare).ok()?);
            let len = URL_SAFE_NO_PAD.decode(bare, bytes.as_mut_slice().as_out()).ok()?.len();
            bytes.truncate(len);
        }
    }
    Some(())
}

/// So many zeros, to be written over. `resize` would put them down one by one.
#[inline]
fn make_room(bytes: &mut Tag, length: usize) {
    bytes.clear();
    match [0; 64].get(..length) {
        Some(zeros) => bytes.extend_from_slice(zeros),
        None => bytes.resize(length, 0),
    }
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

fn pairs<'t>(
    text: &'t [u8],
    between: &'t str,
    separator: &'t str,
) -> impl Iterator<Item = (&'t [u8], &'t [u8])> {
    split(text, between.as_bytes()).filter_map(move |pair| {
        let at = match separator.as_bytes() {
            // It stands early, behind a short name.
            [one] => pair.iter().position(|byte| byte == one)?,
            many => memchr::memmem::find(pair, many)?,
        };
        Some((&pair[..at], &pair[at + separator.len()..]))
    })
}

pub(crate) fn split<'t>(text: &'t [u8], separator: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
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
