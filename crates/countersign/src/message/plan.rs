//! A flat plan: how to verify in one scheme, before it holds any key.

mod content;
pub(crate) mod read;

use super::filter::Fault;
use super::forms::KeyForms;
use super::place::{At, Extract, Place};
use super::scope::Scope;
use super::test::Test;
use super::value::{Segment, Source, Value, refuse};
use super::{CONTENT_MALFORMED, ID_SHAPE, TIME_AMBIGUOUS, TIME_SHAPE};
use crate::config::Reader;
use crate::keys::{KeyError, KeyKind, Vars};
use crate::outcome::{Binds, Reason, Rejection};
use crate::preset::Var;
use crate::time::{TimeFormats, Timestamp};
use std::borrow::Cow;

/// How many bytes an id may have.
const MAX_ID: usize = 256;

/// How to verify in this scheme.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) cases: Box<[Case]>,
    pub(crate) parts: Box<[Value]>,
    pub(crate) time: Option<Time>,
    pub(crate) id: Option<Id>,
    pub(crate) each: Option<Each>,
    pub(crate) key: KeyPlan,
    pub(crate) binds: Binds,
}

/// One way the provider signs; without `case` there is one that always applies.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) when: Box<[Test]>,
    pub(crate) early: Box<[Test]>,
    pub(crate) late: Box<[Test]>,
    pub(crate) templates: Box<[Value]>,
    pub(crate) places: Box<[Place]>,
    pub(crate) first_present: bool,
    pub(crate) algorithm: Algorithm,
    /// The fields of a signature that something reads.
    pub(crate) wanted: Box<[Box<str>]>,
    /// The content is another for every signature.
    pub(crate) per_candidate: bool,
    /// The content is another for every key.
    pub(crate) per_key: bool,
}

/// Which of the mode's algorithms, by number.
#[derive(Clone, Debug)]
pub(crate) enum Algorithm {
    Fixed(usize),
    /// A closed map, so that a request can only choose what the preset allows.
    Mapped {
        from: Value,
        map: Box<[(Box<str>, usize)]>,
    },
}

/// A time as it stands on the wire, and what it says.
pub(crate) type Timed<'r> = (Cow<'r, [u8]>, Option<Timestamp>);

/// Where the time is.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    pub(crate) places: Box<[Place]>,
    /// The field of the signature's own item that is the time.
    pub(crate) from_signature: Option<Box<str>>,
    pub(crate) formats: TimeFormats,
    /// Looked for before anything is hashed. A time in a body that nothing else parses waits until the body is trusted.
    pub(crate) before: bool,
    /// Every content has it.
    pub(crate) needed: bool,
}

/// Where the id is.
#[derive(Clone, Debug)]
pub(crate) struct Id {
    pub(crate) places: Box<[Place]>,
    /// What follows it in the content, and so may not be in it.
    pub(crate) forbidden: Box<[Box<[u8]>]>,
    pub(crate) before: bool,
    pub(crate) needed: bool,
}

/// Run the scheme once for every element.
#[derive(Clone, Debug)]
pub(crate) struct Each {
    pub(crate) pattern: Box<str>,
    pub(crate) max: usize,
}

/// How a secret becomes a key.
#[derive(Clone, Debug)]
pub(crate) struct KeyPlan {
    /// How it is written; `None` where keys are found and not held.
    pub(crate) forms: Option<KeyForms>,
    pub(crate) derive: Option<Value>,
    /// The key depends on the request.
    pub(crate) per_request: bool,
    pub(crate) select: Option<Value>,
}

/// What the mode behind a plan takes.
#[derive(Clone, Copy)]
pub(crate) struct Takes<'a> {
    pub(crate) algorithms: &'a [&'a str],
    /// Kinds of key.
    pub(crate) kinds: &'a [KeyKind],
    /// Its keys are found, and not held: the values by which they are.
    pub(crate) found: Option<&'a [&'a Value]>,
    /// The secret stands in the content, and nowhere else.
    pub(crate) secret_in_content: bool,
}

impl Plan {
    /// Read a mode's table. The caller asks for its own keys, and ends the reading.
    pub(crate) fn read(table: &Reader<'_>, vars: &[Var], takes: Takes<'_>) -> Option<Plan> {
        read::PlanReader { table, vars, takes }.read()
    }

    /// With the source's variables put in.
    pub(crate) fn bind(&self, vars: &Vars) -> Result<Plan, KeyError> {
        let values = |values: &[Value]| values.iter().map(|v| v.bind(vars)).collect::<Result<Box<[_]>, _>>();
        let tests = |tests: &[Test]| tests.iter().map(|t| t.bind(vars)).collect::<Result<Box<[_]>, _>>();
        let one = |value: &Option<Value>| value.as_ref().map(|v| v.bind(vars)).transpose();
        let at = |places: &[Place]| places.iter().for_each(Place::prepare);
        self.time.iter().for_each(|time| at(&time.places));
        self.id.iter().for_each(|id| at(&id.places));
        let case = |case: &Case| -> Result<Case, KeyError> {
            at(&case.places);
            Ok(Case {
                when: tests(&case.when)?,
                early: tests(&case.early)?,
                late: tests(&case.late)?,
                templates: values(&case.templates)?,
                algorithm: match &case.algorithm {
                    Algorithm::Mapped { from, map } => {
                        Algorithm::Mapped { from: from.bind(vars)?, map: map.clone() }
                    }
                    fixed => fixed.clone(),
                },
                ..case.clone()
            })
        };
        Ok(Plan {
            cases: self.cases.iter().map(case).collect::<Result<_, _>>()?,
            parts: values(&self.parts)?,
            key: KeyPlan {
                derive: one(&self.key.derive)?,
                select: one(&self.key.select)?,
                ..self.key.clone()
            },
            ..self.clone()
        })
    }

    /// The numbers of the algorithms that some case may use.
    pub(crate) fn algorithms(&self) -> Vec<usize> {
        let mut numbers: Vec<usize> = Vec::new();
        for case in &self.cases {
            match &case.algorithm {
                Algorithm::Fixed(number) => numbers.push(*number),
                Algorithm::Mapped { map, .. } => numbers.extend(map.iter().map(|(_, number)| *number)),
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Whether a body can be judged as it arrives: it stands once and bare in the content, and all else is in the head.
    pub(crate) fn streams(&self) -> bool {
        let place = |place: &Place| place.is_in_head();
        self.each.is_none()
            && self.parts.is_empty()
            && !self.key.per_request
            && self.time.iter().all(|time| time.from_signature.is_none() && time.places.iter().all(place))
            && self.id.iter().all(|id| id.places.iter().all(place))
            && self.key.select.iter().all(in_head)
            && self.cases.iter().all(|case| {
                let tests = case.when.iter().chain(&case.early).chain(&case.late);
                !case.per_candidate
                    && !case.per_key
                    && case.places.iter().all(place)
                    && tests.flat_map(Test::values).all(in_head)
                    && match &case.algorithm {
                        Algorithm::Fixed(_) => true,
                        Algorithm::Mapped { from, .. } => in_head(from),
                    }
                    && case.templates.iter().all(|template| split_at_body(template).is_some())
            })
    }

    /// Whether verifying allocates: only plain sources, no reading of JSON or forms, no patterns.
    pub(crate) fn allocates(&self) -> bool {
        let plain = |value: &Value| {
            value.slots().all(|(slot, _)| {
                slot.filters.is_empty()
                    && matches!(
                        slot.source,
                        Source::Body
                            | Source::Header(_)
                            | Source::Method
                            | Source::Url
                            | Source::Path
                            | Source::QueryString
                            | Source::Host
                            | Source::Timestamp
                            | Source::Id
                            | Source::Sig(_)
                    )
            })
        };
        let place = |place: &Place| place.is_plain();
        let test = |test: &Test| {
            use super::test::Check::{Absent, Equals, In, Present};
            matches!(test.check, Equals(_) | In(_) | Present | Absent) && test.values().all(plain)
        };
        let fixed = |case: &Case| {
            matches!(case.algorithm, Algorithm::Fixed(_))
                && case.when.iter().chain(&case.early).chain(&case.late).all(test)
                && case.templates.iter().all(plain)
                && case.places.iter().all(place)
        };
        !(self.each.is_none()
            && self.parts.is_empty()
            && !self.key.per_request
            && self.time.iter().all(|time| time.places.iter().all(place))
            && self.id.iter().all(|id| id.places.iter().all(place))
            && self.key.select.iter().all(plain)
            && self.cases.iter().all(fixed))
    }
}

/// The segments before and after a bare `{body}`, if all of them can be had without it.
pub(crate) fn split_at_body(template: &Value) -> Option<(&[Segment], &[Segment])> {
    let is_body = |segment: &Segment| matches!(segment, Segment::Slot(slot) if slot.source == Source::Body && slot.filters.is_empty());
    let at = template.segments.iter().position(is_body)?;
    let (before, after) = (&template.segments[..at], &template.segments[at + 1..]);
    let slots = template.slots().filter(|(slot, _)| !of_head(&slot.source) || slot.reads_body()).count();
    (slots == 1).then_some((before, after))
}

fn in_head(value: &Value) -> bool {
    value.slots().all(|(slot, _)| of_head(&slot.source) && !slot.reads_body())
}

fn of_head(source: &Source) -> bool {
    !matches!(
        source,
        Source::Body
            | Source::Form(_)
            | Source::Param(_)
            | Source::FormPairs
            | Source::Json(_)
            | Source::Item(_)
            | Source::Part(_)
            | Source::Secret
            | Source::Claim(_)
    )
}

impl Time {
    /// The time as it stands in the request, and what it says. `None`: there is none, and no content needs one.
    pub(crate) fn read<'r>(&self, scope: &Scope<'r>) -> Result<Option<Timed<'r>>, Rejection> {
        for place in &self.places {
            match place.one(scope) {
                Ok(text) => return Ok(Some(self.timed(text)?)),
                Err(Fault::Absent) => {}
                Err(Fault::Malformed(why)) if matches!(place.at, At::Json(_) | At::Form(_) | At::Item(_)) => {
                    // The body cannot be read at all, or the field cannot: either way it is the content that is broken.
                    return Err(match scope.readable() {
                        true => Rejection::new(Reason::MalformedTimestamp).detail(TIME_AMBIGUOUS, why),
                        false => Rejection::new(Reason::MalformedContent).detail(CONTENT_MALFORMED, why),
                    });
                }
                Err(Fault::Malformed(why)) => {
                    return Err(Rejection::new(Reason::MalformedTimestamp).detail(TIME_AMBIGUOUS, why));
                }
            }
        }
        match self.needed {
            true => Err(Rejection::new(Reason::MissingTimestamp)),
            false => Ok(None),
        }
    }

    /// The same, where the time is a field of the signature's own item.
    pub(crate) fn of_fields<'x>(&self, fields: &[(&str, &'x [u8])]) -> Result<Option<Timed<'x>>, Rejection> {
        let name = self.from_signature.as_deref();
        match fields.iter().find(|(field, _)| Some(*field) == name) {
            Some((_, text)) => Ok(Some(self.timed(Cow::Borrowed(text))?)),
            None => Err(Rejection::new(Reason::MissingTimestamp)),
        }
    }

    /// What a text says, once it is cut out.
    pub(crate) fn timed<'r>(&self, text: Cow<'r, [u8]>) -> Result<Timed<'r>, Rejection> {
        match self.formats.parse(&text) {
            Some(at) => Ok((text, Some(at))),
            None if self.formats.is_opaque() => Ok((text, None)),
            None => Err(Rejection::new(Reason::MalformedTimestamp)
                .detail(TIME_SHAPE, "it is not in the format the preset names")),
        }
    }
}

/// The bytes that an id may have: letters, digits and `_.:-`.
const ID_ALPHABET: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'.' | b':' | b'-');
        byte += 1;
    }
    table
};

impl Id {
    /// The id as it stands in the request.
    pub(crate) fn read<'r>(&self, scope: &Scope<'r>) -> Result<Option<Cow<'r, [u8]>>, Rejection> {
        for place in &self.places {
            match place.one(scope) {
                Ok(text) => {
                    self.allows(&text)?;
                    return Ok(Some(text));
                }
                Err(Fault::Absent) => {}
                Err(fault) => return Err(refuse(fault, &place.label)),
            }
        }
        match self.needed {
            true => Err(refuse(Fault::Absent, "id")),
            false => Ok(None),
        }
    }

    /// Whether these bytes can be an id: short, of an alphabet that no separator or log is hurt by, and without what
    /// follows an id in the content.
    pub(crate) fn allows(&self, id: &[u8]) -> Result<(), Rejection> {
        let in_alphabet = |id: &[u8]| id.iter().fold(true, |all, byte| all & ID_ALPHABET[usize::from(*byte)]);
        let holds = |literal: &[u8]| match literal {
            [one] => memchr::memchr(*one, id).is_some(),
            many => memchr::memmem::find(id, many).is_some(),
        };
        match (1..=MAX_ID).contains(&id.len()) && in_alphabet(id) && !self.forbidden.iter().any(|l| holds(l))
        {
            true => Ok(()),
            false => Err(Rejection::new(Reason::MalformedContent)
                .detail(ID_SHAPE, "the id holds bytes that no id has, or the literal that follows it")),
        }
    }
}

impl Place {
    /// Whether reading it allocates nothing.
    fn is_plain(&self) -> bool {
        // A query parameter may have to be decoded.
        matches!(self.at, At::Header(_) | At::Numbered(_))
            && !matches!(self.extract, Extract::Regex { .. })
            && !self.is_cleaned()
    }

    /// The source that has the same bytes, if the place is one whole value.
    pub(crate) fn as_source(&self) -> Option<Source> {
        if self.is_cleaned() {
            return None;
        }
        match &self.at {
            At::Header(name) => Some(Source::Header(name.clone())),
            At::Query(name) => Some(Source::Query(name.clone())),
            At::Form(name) => Some(Source::Form(name.clone())),
            At::Json(pointer) => Some(Source::Json(pointer.clone())),
            At::Item(pointer) => Some(Source::Item(pointer.clone())),
            At::Numbered(_) | At::Body => None,
        }
    }
}
