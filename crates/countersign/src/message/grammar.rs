//! The grammar for modes of any shape: values, places and tests, read from a table and asked about a request.
//!
//! A mode that signs a template has all this through [`TemplateMode`](crate::template::TemplateMode). One that does not,
//! such as a token or a JWT, reads its own table with a [`Grammar`] and asks a [`Message`]. What a value reads, how a place
//! is cut, when a test holds: all of it means the same in every mode, because it is the same code.

use super::filter::{Fault, Filter, Keeps};
use super::json::{Json, Kind};
use super::place::{Candidates, Place, Tag, What};
use super::scope::{Local, Scope};
use super::test::{Check, Test, hold};
use super::value::{Allow, Env, Segment, Slot, Source, Value, refuse};
use super::wire::{self, Url};
use super::{CASE_NONE, CASE_UNREADABLE, REQUIRE_EARLY, REQUIRE_LATE};
use crate::config::{ConfigCode, ConfigError, Reader};
use crate::keys::{KeyError, Vars};
use crate::outcome::{Binds, Reason, Rejection};
use crate::preset::{ModeConfig, Var};
use std::borrow::Cow;

/// Reads values, places and tests out of a mode's table. Every mistake is complained of at its place, all at once.
#[derive(Clone, Copy)]
pub struct Grammar<'a> {
    vars: &'a [Var],
    allow: Allow,
}

impl<'a> Grammar<'a> {
    /// For a mode's table: the variables that its preset declares may be named.
    pub fn of(config: &'a ModeConfig) -> Self {
        Grammar { vars: config.vars(), allow: Allow::default() }
    }

    /// For a table of a template mode, read after time, id and signatures are found.
    pub(crate) fn found(vars: &'a [Var]) -> Self {
        Grammar { vars, allow: Allow { found: true, ..Allow::default() } }
    }

    /// With `{claim:…}`.
    pub fn with_claims(self) -> Self {
        Grammar { allow: Allow { claims: true, ..self.allow }, ..self }
    }

    /// The value at a key.
    pub fn value(&self, table: &Reader<'_>, key: &str) -> Option<Value> {
        Value::compile(&table.text(key)?, self.env(table))
    }

    /// The values at a key: one text, or an array of them.
    pub fn values(&self, table: &Reader<'_>, key: &str) -> Option<Vec<Value>> {
        let texts = table.texts(key)?;
        let values: Vec<Value> =
            texts.iter().filter_map(|text| Value::compile(text, self.env(table))).collect();
        (values.len() == texts.len()).then_some(values)
    }

    /// The places at a key, where something is shown as it stands; `encoding` may be said and need not be.
    pub fn places(&self, table: &Reader<'_>, key: &str) -> Option<Places> {
        let tables = table.tables(key);
        let (mut places, mut first_present, wanted) = (Vec::new(), false, tables.len());
        for table in tables {
            first_present |= table.boolean("first_present").unwrap_or(false);
            places.extend(Place::read(&table, What::Token, false));
            table.finish();
        }
        (places.len() == wanted && wanted > 0).then(|| Places { places: places.into(), first_present })
    }

    /// What is required: the tests of `require`, and of each `[[case]]`.
    pub fn rules(&self, table: &Reader<'_>) -> Rules {
        let own = self.tests(table);
        let read = |table: Reader<'_>| {
            let when = Test::read_all(&table, "when", Env { allow: Allow::default(), ..self.env(&table) });
            if !table.has("when") {
                let help = "say when it applies: `when = [{ value = \"{method}\", equals = \"GET\" }]`";
                table.missing("when", help);
            }
            let require = self.tests(&table);
            table.finish();
            RuleCase { when: when.into_iter().map(|(test, _)| test).collect(), require }
        };
        let tables = table.tables("case");
        if tables.len() > super::plan::read::MAX_CASES {
            let error = ConfigError::at(
                ConfigCode::MalformedConfig,
                table.span().clone(),
                "a preset has at most 8 cases",
            );
            table.complaints().push(error.help("fold some into others"));
        }
        Rules { own, cases: tables.into_iter().map(read).collect() }
    }

    fn tests(&self, table: &Reader<'_>) -> Require {
        let (early, late): (Vec<_>, Vec<_>) = Test::read_all(table, "require", self.env(table))
            .into_iter()
            .partition(|(_, early)| *early == Some(true));
        let bare = |tests: Vec<(Test, Option<bool>)>| tests.into_iter().map(|(test, _)| test).collect();
        Require { early: bare(early), late: bare(late) }
    }

    fn env<'e>(&'e self, table: &'e Reader<'_>) -> Env<'e> {
        Env { vars: self.vars, parts: &[], allow: self.allow, complaints: table.complaints() }
    }
}

impl Value {
    /// The same with a source's variables put in.
    pub fn with_vars(&self, vars: &Vars) -> Result<Self, KeyError> {
        self.bind(vars)
    }

    /// What it stands for, if no request can change that.
    pub fn constant(&self) -> Option<Cow<'_, [u8]>> {
        self.literal().map(Cow::Borrowed)
    }

    /// Whether a request can change it: whether it has placeholders other than variables.
    pub fn reads_the_request(&self) -> bool {
        self.slots().any(|(slot, _)| !matches!(slot.source, Source::Var(_)))
    }

    /// Whether it reads anything of the body.
    pub fn reads_the_body(&self) -> bool {
        self.slots().any(|(slot, _)| slot.reads_body())
    }

    /// Whether every byte of the body reaches it, such that no two bodies give the same. Not where bytes could move between
    /// the body and another placeholder: at most one may be of any length, and none may be missing.
    pub fn covers_the_body(&self) -> bool {
        let is_body =
            |segment: &Segment| matches!(segment, Segment::Slot(slot) if slot.is_whole(&Source::Body, &[]));
        let Some(body) = self.segments.iter().position(is_body) else { return false };
        let is_var = |slot: &Slot| matches!(slot.source, Source::Var(_));
        let loose = |(at, segment): &(usize, &Segment)| match segment {
            Segment::Slot(slot) => {
                !is_var(slot) && !slot.is_fixed_width(false) && !self.is_set_off(slot, *at, body)
            }
            _ => false,
        };
        self.slots().all(|(slot, optional)| !optional || is_var(slot))
            && self.segments.iter().enumerate().filter(loose).count() <= 1
    }

    /// Whether a placeholder ends before a space towards the body, and never holds one: method and URL have alphabets of
    /// their own.
    fn is_set_off(&self, slot: &Slot, at: usize, body: usize) -> bool {
        let of_url = [Source::Method, Source::Url, Source::Path, Source::Target, Source::Host];
        let between = match at < body {
            true => self.segments.get(at + 1),
            false => at.checked_sub(1).map(|before| &self.segments[before]),
        };
        let space = |literal: &[u8]| {
            let nearest = if at < body { literal.first() } else { literal.last() };
            nearest.is_some_and(u8::is_ascii_whitespace)
        };
        slot.filters.is_empty()
            && of_url.contains(&slot.source)
            && matches!(between, Some(Segment::Literal(literal)) if space(literal))
    }
}

impl Slot {
    fn is_whole(&self, source: &Source, also: &[Keeps]) -> bool {
        self.source == *source && self.keeps(also)
    }
}

/// Where something is shown: one place or several.
#[derive(Clone, Debug)]
pub struct Places {
    places: Box<[Place]>,
    first_present: bool,
}

impl Places {
    /// What they are called, for people: `header authorization`.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| &*place.label)
    }

    /// Build what their patterns need, so that the first request need not wait for it: when a mode is given its keys.
    pub fn prepare(&self) {
        self.places.iter().for_each(Place::prepare);
    }

    /// Whether all of them can be read before the body is there.
    pub fn are_in_head(&self) -> bool {
        self.places.iter().all(Place::is_in_head)
    }

    /// Whether what stands there is the body, every byte of it.
    pub fn are_the_body(&self) -> bool {
        self.places.iter().all(Place::is_the_body)
    }

    /// The first place as a header's or parameter's mark, for whoever signs: see [`Mark`](crate::Mark). `None` where what
    /// is cut out of it cannot be put back.
    pub fn mark(&self, text: &[u8]) -> Option<crate::mode::Mark> {
        super::sign::mark(self.places.first()?, text)
    }
}

/// Tests that must hold: those of all requests, and those of the case that a request is.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    own: Require,
    cases: Box<[RuleCase]>,
}

#[derive(Clone, Debug, Default)]
struct Require {
    early: Box<[Test]>,
    late: Box<[Test]>,
}

#[derive(Clone, Debug)]
struct RuleCase {
    when: Box<[Test]>,
    require: Require,
}

impl Rules {
    /// The same with a source's variables put in.
    pub fn with_vars(&self, vars: &Vars) -> Result<Self, KeyError> {
        let tests =
            |tests: &[Test]| tests.iter().map(|test| test.bind(vars)).collect::<Result<Box<[_]>, _>>();
        let require = |require: &Require| -> Result<Require, KeyError> {
            Ok(Require { early: tests(&require.early)?, late: tests(&require.late)? })
        };
        let case = |case: &RuleCase| -> Result<RuleCase, KeyError> {
            Ok(RuleCase { when: tests(&case.when)?, require: require(&case.require)? })
        };
        let cases = self.cases.iter().map(case).collect::<Result<_, _>>()?;
        Ok(Rules { own: require(&self.own)?, cases })
    }

    /// What every request that passes is bound to beside what the mode itself binds: something is, where a test equates it,
    /// or a digest of it, with a claim. Errs on one side, as [decision 8] says.
    ///
    /// [decision 8]: https://github.com/countersign/countersign/blob/main/docs/decisions/0008-what-binds.md
    pub fn bound_by_claims(&self) -> Binds {
        let of = |require: &Require| {
            require
                .early
                .iter()
                .chain(&require.late)
                .map(equated_with_claim)
                .fold(Binds::default(), Binds::and)
        };
        let cases = self.cases.iter().map(|case| {
            // A body that is said to be empty is known whole.
            let empty = case.when.iter().filter(|test| says_empty_body(test)).map(|_| Binds::BODY);
            empty.fold(of(&case.require), Binds::and)
        });
        of(&self.own).and(cases.reduce(Binds::common).unwrap_or_default())
    }

    /// The claims that tests equate with something of the request, and what they must be for it: for whoever signs. A claim
    /// is named by its pointer.
    pub fn demanded(&self, message: &Message<'_, '_>) -> Result<Vec<(&str, Vec<u8>)>, Rejection> {
        let case = self.of(message)?;
        let tests = std::iter::once(&self.own).chain(case.map(|case| &case.require));
        let tests = tests.flat_map(|require| require.early.iter().chain(&require.late));
        let demand = |(pointer, value)| match message.text(value) {
            Ok(Some(text)) => Some(Ok((pointer, text.into_owned()))),
            // What is not there is no value: the test will say so.
            Ok(None) => None,
            Err(rejection) => Some(Err(rejection)),
        };
        tests.filter_map(claim_and_other).filter_map(demand).collect()
    }

    /// Whether a test equates the claim at this pointer with something, in whichever case.
    pub fn names_claim(&self, pointer: &str) -> bool {
        let requires = std::iter::once(&self.own).chain(self.cases.iter().map(|case| &case.require));
        let mut tests = requires.flat_map(|require| require.early.iter().chain(&require.late));
        tests.any(|test| claim_and_other(test).is_some_and(|(claim, _)| claim == pointer))
    }

    /// Whether anything in it reads the body.
    pub fn read_the_body(&self) -> bool {
        let all = |require: &Require| -> bool {
            require.early.iter().chain(&require.late).flat_map(Test::values).any(Value::reads_the_body)
        };
        let when = |case: &RuleCase| case.when.iter().flat_map(Test::values).any(Value::reads_the_body);
        all(&self.own) || self.cases.iter().any(|case| all(&case.require) || when(case))
    }

    fn of<'s>(&'s self, message: &Message<'_, '_>) -> Result<Option<&'s RuleCase>, Rejection> {
        if self.cases.is_empty() {
            return Ok(None);
        }
        for case in &self.cases {
            match hold(&case.when, message.scope, &Local::default()) {
                Ok(true) => return Ok(Some(case)),
                Ok(false) => {}
                Err(fault) => {
                    let why = super::template::why(fault);
                    return Err(Rejection::new(Reason::MalformedContent).detail(CASE_UNREADABLE, why));
                }
            }
        }
        Err(Rejection::new(Reason::Disallowed).detail(CASE_NONE, "no case of the preset fits the request"))
    }
}

/// What a test proves of a request whose claims are signed.
fn equated_with_claim(test: &Test) -> Binds {
    let Check::Equals(other) = &test.check else { return Binds::default() };
    // One that names what is read elsewhere says nothing of what stands there.
    let looks_up = |filter: &Filter| filter.looks_up_headers() || filter.looks_up_json();
    let claim = |value: &Value| match single(value) {
        Some(Slot { source: Source::Claim(_), filters, .. }) => !filters.iter().any(looks_up),
        _ => false,
    };
    let request = match (claim(&test.value), claim(other)) {
        (true, false) => other,
        (false, true) => &test.value,
        _ => return Binds::default(),
    };
    let Some(slot) = single(request) else { return Binds::default() };
    // The claim may be decoded or changed in case, but by no filter may two bodies become one.
    let whole = |source: &Source, also: &[Keeps]| slot.is_whole(source, also);
    let url = [Keeps::Port, Keeps::QueryDrop, Keeps::PercentDecode];
    [
        (whole(&Source::Body, &[]), Binds::BODY),
        (whole(&Source::Url, &url), Binds::URL),
        (whole(&Source::Url, &[Keeps::Port]) || whole(&Source::QueryString, &[]), Binds::QUERY),
        (whole(&Source::Method, &[]), Binds::METHOD),
    ]
    .into_iter()
    .filter(|(bound, _)| *bound)
    .fold(Binds::default(), |all, (_, binds)| all.and(binds))
}

/// The claim, as it stands, that a test equates with something else.
fn claim_and_other(test: &Test) -> Option<(&str, &Value)> {
    let Check::Equals(other) = &test.check else { return None };
    match (bare_claim(&test.value), bare_claim(other)) {
        (Some(claim), None) => Some((claim, other)),
        (None, Some(claim)) => Some((claim, &test.value)),
        _ => None,
    }
}

fn bare_claim(value: &Value) -> Option<&str> {
    match single(value)? {
        Slot { source: Source::Claim(pointer), filters, .. } if filters.is_empty() => Some(pointer),
        _ => None,
    }
}

fn says_empty_body(test: &Test) -> bool {
    let bare = |value: &Value| {
        single(value).is_some_and(|slot| slot.source == Source::Body && slot.filters.is_empty())
    };
    matches!(&test.check, Check::Equals(other) if bare(&test.value) && other.literal() == Some(b""))
}

fn single(value: &Value) -> Option<&Slot> {
    match &*value.segments {
        [Segment::Slot(slot)] => Some(slot),
        _ => None,
    }
}

/// A token's claims, or any JSON that a mode has proved: an object, read strictly. No member occurs twice, at any depth.
#[derive(Clone, Debug)]
pub struct Claims<'c>(Json<'c>);

impl<'c> Claims<'c> {
    /// Read them; the error says what is wrong, without their text.
    pub fn parse(text: &'c [u8]) -> Result<Self, &'static str> {
        match Json::parse(text) {
            Ok(json) if json.kind() == Kind::Object => Ok(Claims(json)),
            Ok(_) => Err("it is no JSON object"),
            Err(fault) => Err(super::template::why(fault)),
        }
    }

    /// The text of a string at a JSON pointer; `None` if there is no string.
    pub fn text(&self, pointer: &str) -> Option<Cow<'c, str>> {
        let json = self.0.pointer(pointer).filter(|json| json.kind() == Kind::Text)?;
        match json.scalar()? {
            Cow::Borrowed(text) => std::str::from_utf8(text).ok().map(Cow::Borrowed),
            Cow::Owned(text) => String::from_utf8(text).ok().map(Cow::Owned),
        }
    }

    /// The spelling of a number at a JSON pointer; `None` if there is no number.
    pub fn number(&self, pointer: &str) -> Option<Cow<'c, str>> {
        let json = self.0.pointer(pointer).filter(|json| json.kind() == Kind::Number)?;
        match json.source() {
            Cow::Borrowed(text) => std::str::from_utf8(text).ok().map(Cow::Borrowed),
            Cow::Owned(text) => String::from_utf8(text).ok().map(Cow::Owned),
        }
    }

    /// The truth at a JSON pointer; `None` if there is none.
    pub fn truth(&self, pointer: &str) -> Option<bool> {
        let json = self.0.pointer(pointer).filter(|json| json.kind() == Kind::Bool)?;
        Some(*json.source() == *b"true")
    }

    /// Whatever stands at a JSON pointer, `null` too, as it is written.
    pub fn source(&self, pointer: &str) -> Option<Cow<'c, [u8]>> {
        Some(self.0.pointer(pointer)?.source())
    }

    /// The texts of an array of strings at a JSON pointer; `None` if it is no array, or holds anything else.
    pub fn texts(&self, pointer: &str) -> Option<Vec<Cow<'c, str>>> {
        let json = self.0.pointer(pointer).filter(|json| json.kind() == Kind::Array)?;
        let text = |json: Json<'c>| match (json.kind(), json.scalar()?) {
            (Kind::Text, Cow::Borrowed(text)) => std::str::from_utf8(text).ok().map(Cow::Borrowed),
            (Kind::Text, Cow::Owned(text)) => String::from_utf8(text).ok().map(Cow::Owned),
            _ => None,
        };
        json.elements().map(text).collect()
    }

    /// Whether anything but `null` stands at a JSON pointer.
    pub fn has(&self, pointer: &str) -> bool {
        self.0.pointer(pointer).is_some_and(|json| !json.is_null())
    }

    /// The names of the members.
    pub fn names(&self) -> impl Iterator<Item = Cow<'c, [u8]>> {
        self.0.members().filter_map(|(key, _)| key.scalar())
    }
}

/// A request's URL, cut into what signatures cover: nothing is decoded and nothing repaired.
#[derive(Clone, Copy, Debug)]
pub struct Address<'r> {
    scheme: &'r str,
    url: Url<'r>,
}

/// A decoded name of a query and its decoded value.
pub type Parameter<'r> = (Cow<'r, [u8]>, Cow<'r, [u8]>);

impl<'r> Address<'r> {
    /// Cut a URL; the error says why it is none that was ever sent: not `http` or `https`, no host, beyond ASCII, with a
    /// fragment. Linear; no allocation.
    pub fn parse(url: &'r str) -> Result<Self, &'static str> {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        Url::split(url).map(|url| Address { scheme, url }).map_err(super::template::why)
    }

    /// `http` or `https`, as written.
    pub fn scheme(&self) -> &'r str {
        self.scheme
    }

    /// `host` or `host:port`, as written, without user information.
    pub fn authority(&self) -> &'r str {
        self.url.authority()
    }

    /// As written, and `/` where nothing is.
    pub fn path(&self) -> &'r str {
        self.url.path()
    }

    /// As written, without `?`. An empty query is not an absent one.
    pub fn query(&self) -> Option<&'r str> {
        self.url.query()
    }

    /// Path and query, as a request line has them.
    pub fn target(&self) -> Cow<'r, str> {
        self.url.target()
    }

    /// The query's pairs, decoded as a form, in wire order; the error says what is wrong with one, or that there are more
    /// than 1000.
    pub fn parameters(&self) -> Result<Vec<Parameter<'r>>, &'static str> {
        wire::pairs(self.query().unwrap_or_default().as_bytes()).map_err(super::template::why)
    }
}

/// A request with what has been found of it so far: what values, places and tests are asked about.
#[derive(Clone, Copy)]
pub struct Message<'m, 'r> {
    scope: &'m Scope<'r>,
    local: Local<'m>,
}

impl<'m, 'r> Message<'m, 'r> {
    /// Of a request alone.
    pub fn new(scope: &'m Scope<'r>) -> Self {
        Message { scope, local: Local::default() }
    }

    /// Of a template mode, with what it has found.
    pub(crate) fn of(scope: &'m Scope<'r>, local: Local<'m>) -> Self {
        Message { scope, local }
    }

    /// With claims.
    pub fn with_claims<'n>(self, claims: &'n Claims<'n>) -> Message<'n, 'r>
    where
        'm: 'n,
    {
        Message { scope: self.scope, local: Local { claims: Some(&claims.0), ..self.local } }
    }

    /// What a value stands for. `None` if something in it is absent.
    pub fn text<'v>(&self, value: &'v Value) -> Result<Option<Cow<'v, [u8]>>, Rejection>
    where
        'm: 'v,
        'r: 'v,
    {
        value.text(self.scope, &self.local).map_err(|fault| refuse(fault, value.name()))
    }

    /// The one text at the first of the places where there is one, cut out and decoded. None anywhere is
    /// `missing_signature`; one that cannot be cut out, or several where one is meant, is `malformed_signature`.
    pub fn one(&self, places: &Places) -> Result<Cow<'r, [u8]>, Rejection> {
        for place in &places.places {
            match place.one(self.scope) {
                Ok(text) if text.is_empty() => return Err(place.shape(Fault::Malformed("it is empty"))),
                Ok(text) if place.encoding.is_empty() => return Ok(text),
                Ok(text) => {
                    let mut tag = Tag::new();
                    return super::place::decode(&text, &place.encoding, &mut tag)
                        .map(|()| Cow::Owned(tag.to_vec()))
                        .ok_or_else(|| place.shape(Fault::Malformed("it is not in its encoding")));
                }
                Err(Fault::Absent) => {}
                Err(fault) => return Err(place.shape(fault)),
            }
        }
        Err(Rejection::new(Reason::MissingSignature))
    }

    /// Everything at the places, cut out and decoded, with the role that its place has; at least one. Where `first_present`
    /// is said, the first place that is there decides. Refusals are those of signatures.
    pub fn all<'p>(&self, places: &'p Places) -> Result<Vec<(Tag, Option<&'p str>)>, Rejection> {
        let mut candidates = Candidates::new();
        super::template::gather(&places.places, places.first_present, &[], self.scope, &mut candidates)?;
        Ok(candidates.into_iter().map(|found| (found.signature, found.place.role.as_deref())).collect())
    }

    /// Whether what is required before anything is proven holds: else `malformed_signature`, or what the case says.
    pub fn early(&self, rules: &Rules) -> Result<(), Rejection> {
        let case = rules.of(self)?;
        let tests = std::iter::once(&rules.own).chain(case.map(|case| &case.require));
        self.judge(tests.map(|require| &*require.early), Reason::MalformedSignature, REQUIRE_EARLY)
    }

    /// Whether what is required beside the proof holds: else `claim_mismatch`.
    pub fn late(&self, rules: &Rules) -> Result<(), Rejection> {
        let case = rules.of(self)?;
        let tests = std::iter::once(&rules.own).chain(case.map(|case| &case.require));
        self.judge(tests.map(|require| &*require.late), Reason::ClaimMismatch, REQUIRE_LATE)
    }

    fn judge<'t>(
        &self,
        mut tests: impl Iterator<Item = &'t [Test]>,
        reason: Reason,
        code: &'static str,
    ) -> Result<(), Rejection> {
        tests.try_for_each(|tests| match hold(tests, self.scope, &self.local) {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err(Rejection::new(reason).detail(code, "a test that the preset requires does not hold"))
            }
            Err(fault) => Err(Rejection::new(reason).detail(code, super::template::why(fault))),
        })
    }
}
