//! Modes that sign a template: everything but the mathematics.
//!
//! A mode whose only difference is its primitive implements [`Primitive`] and has the whole grammar, streaming,
//! signing, explaining and replay fingerprints for nothing. HMAC is one.

use super::grammar::{Grammar, Message};
use super::held::Held;
use super::place::{Candidate, Candidates, Place};
use super::plain::Tags;
use super::plan::{Algorithm, Case, Plan, Takes, Timed, split_at_body};
use super::scope::{Local, Scope};
use super::stream::{Alternative, InPieces};
use super::test::hold;
use super::value::{Pieces, Source, Value, refuse};
use super::*;
use crate::config::{ConfigErrors, Reader};
use crate::keys::{Key, KeyError, KeyId, KeyIndex, KeyKind, KeySet, Keyring, Vars};
use crate::mode::*;
use crate::outcome::{Fingerprints, Rejection};
use crate::preset::ModeConfig;
use crate::request::{Head, Request};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use std::collections::HashSet;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The mathematics of a mode that signs a template: how a key is prepared, how content is taken in, and whether a
/// signature fits.
///
/// Content comes in pieces and once; nothing is put together for it. A primitive that needs all of it at once keeps
/// the pieces in its `State`. None of this may panic on any input.
pub trait Primitive: Send + Sync + 'static {
    /// A key, prepared once for many verifications.
    type Key: Send + Sync;

    /// Content taken in so far.
    type State: Send;

    /// What all the content came to: a MAC, a digest, or the content itself.
    type Tag;

    /// The words that `algorithm` may be; calls name one by its place in this list.
    fn algorithms(&self) -> &'static [&'static str];

    /// Which kinds of key there may be.
    fn kinds(&self) -> &'static [KeyKind] {
        &[KeyKind::Shared]
    }

    /// Prepare a key from its decoded bytes.
    fn key(&self, algorithm: usize, kind: KeyKind, bytes: &[u8]) -> Result<Self::Key, KeyError>;

    /// Begin.
    fn start(&self, key: &Self::Key) -> Self::State;

    /// Take the next piece of the content.
    fn update(&self, state: &mut Self::State, piece: &[u8]);

    /// The content has ended.
    fn finish(&self, state: Self::State) -> Self::Tag;

    /// What content comes to that is all there. As if begun, taken in and ended; a primitive of several algorithms may
    /// choose between them here once instead of at every step.
    fn whole(&self, key: &Self::Key, pieces: &[&[u8]]) -> Self::Tag {
        let mut state = self.start(key);
        pieces.iter().for_each(|piece| self.update(&mut state, piece));
        self.finish(state)
    }

    /// Whether `signature` is of this content and key. Secrets are compared by [`ct::equal`](crate::ct::equal) alone.
    fn matches(&self, key: &Self::Key, tag: &Self::Tag, signature: &[u8]) -> bool;

    /// What stays the same when the same content comes with another of its signatures: a MAC, cut or zero-padded, or a
    /// digest of the content. Never of a signature.
    fn fingerprint(&self, tag: &Self::Tag) -> [u8; 32];

    /// The content itself, where all of it was kept: what a request is known by is then made of it when somebody asks, and
    /// [`fingerprint`](Self::fingerprint) is not called. `Err`: it was not kept.
    fn kept_content(&self, tag: Self::Tag) -> Result<Vec<u8>, Self::Tag> {
        Err(tag)
    }

    /// Whether some key signs by an algorithm. Where none does by any that a preset allows, it verifies only.
    fn signs_by(&self, _algorithm: usize) -> bool {
        true
    }

    /// Whether a key signs, too. One that does not is a [`KeyError`] when a signer is made.
    fn can_sign(&self, _key: &Self::Key) -> bool {
        true
    }

    /// Make the signature. `None`: this key cannot.
    fn sign(&self, _key: &Self::Key, _tag: &Self::Tag) -> Option<Vec<u8>> {
        None
    }

    /// The MAC, where a tag is one; only MACs answer handshakes.
    fn mac(&self, _tag: &Self::Tag) -> Option<Vec<u8>> {
        None
    }

    /// Whether nothing but the content holds the secret: then `{secret}` may stand in it without more being said, and must stand
    /// in every template, or anybody could sign.
    fn secret_in_content(&self) -> bool {
        false
    }

    /// What an operator should know about an algorithm, such as that it is a legacy.
    fn note(&self, _algorithm: usize) -> Option<&'static str> {
        None
    }

    /// Whether verifying allocates though the content is plain: a primitive that needs all of the content at once does.
    fn allocates(&self) -> bool {
        false
    }

    /// Read the mode's own keys of its table, beside those of the grammar: where its keys are found, if they are not held.
    /// `None`: they are held, and the table has a `key`.
    fn finder(&self, _table: &Reader<'_>, _grammar: &Grammar<'_>) -> Option<Box<dyn Finder<Self::Key>>> {
        None
    }
}

/// Where keys are found that are not held: in a document that the host fetches, or in the message and proven there.
pub trait Finder<K>: Send + Sync {
    /// The kinds of key that it takes all the same, such as anchors that certificates must lead to.
    fn kinds(&self) -> &'static [KeyKind];

    /// What an operator should know, for `preset show`.
    fn notes(&self) -> Vec<Cow<'static, str>> {
        Vec::new()
    }

    /// The values that it reads of a message. Where one is a field of a signature, every signature is asked for by itself.
    fn values(&self) -> Vec<&Value> {
        Vec::new()
    }

    /// Take keys and variables.
    fn bind(&self, keys: &Keyring, vars: &Vars) -> Result<Box<dyn Find<K>>, KeyError>;
}

/// A [`Finder`] that holds what it needs.
pub trait Find<K>: Send + Sync {
    /// The keys that may have made the signatures of this message, for one of the mode's algorithms: at least one, or a
    /// refusal. Called once a request and content; what it costs to parse and to trust a key should be remembered, but
    /// whether that still holds is to be judged at every call, at [`Context::now`].
    fn find(
        &self,
        algorithm: usize,
        message: &Message<'_, '_>,
        cx: &Context<'_>,
    ) -> Result<Vec<FoundKey<K>>, Refusal>;
}

/// A key that was found.
pub struct FoundKey<K> {
    /// Its name: a `kid`, a certificate's URL, a thumbprint.
    pub id: KeyId,

    /// Every held anchor that it leads to: none where the preset itself says where keys live.
    pub anchors: KeySet,

    /// Prepared.
    pub key: Arc<K>,
}

/// A mode made of a primitive.
pub struct TemplateMode<P> {
    info: ModeInfo,
    primitive: Arc<P>,
}

impl<P: Primitive> TemplateMode<P> {
    /// Describe it. The details of reading a message, [`DETAILS`], are added to those of `info`.
    pub fn new(mut info: ModeInfo, primitive: P) -> Self {
        info.details.to_mut().extend_from_slice(DETAILS);
        TemplateMode { info, primitive: Arc::new(primitive) }
    }
}

impl<P: Primitive> Mode for TemplateMode<P> {
    fn info(&self) -> &ModeInfo {
        &self.info
    }

    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        let (primitive, vars) = (self.primitive.clone(), config.vars());
        let (plan, finder) = config.read(|table| {
            let finder = primitive.finder(table, &Grammar::found(vars));
            let values = finder.as_ref().map(|finder| finder.values());
            let takes = Takes {
                algorithms: primitive.algorithms(),
                kinds: primitive.kinds(),
                found: values.as_deref(),
                secret_in_content: primitive.secret_in_content(),
            };
            Some((Plan::read(table, vars, takes)?, finder))
        })?;
        Ok(Box::new(TemplateScheme { plan: Arc::new(plan), primitive, finder }))
    }
}

/// A plan and the mathematics.
struct TemplateScheme<P: Primitive> {
    plan: Arc<Plan>,
    primitive: Arc<P>,
    finder: Option<Box<dyn Finder<P::Key>>>,
}

impl<P: Primitive> Scheme for TemplateScheme<P> {
    fn needs(&self) -> Needs {
        let plan = &self.plan;
        let of_body = |value: &Value| value.slots().any(|(slot, _)| slot.reads_body());
        let reads_body = plan.each.is_some()
            || plan.cases.iter().any(|case| {
                case.templates.iter().any(of_body)
                    || case
                        .when
                        .iter()
                        .chain(&case.late)
                        .chain(&case.early)
                        .flat_map(|test| test.values())
                        .any(of_body)
            })
            || !plan.streams();
        let body = match (plan.streams() && self.finder.is_none(), reads_body) {
            (true, _) => BodyNeed::Stream,
            (false, true) => BodyNeed::Whole,
            (false, false) => BodyNeed::Nothing,
        };
        let kinds = self.finder.as_ref().map_or_else(|| self.primitive.kinds(), |finder| finder.kinds());
        let mut needs = Needs::new(body, kinds).binds(plan.binds).remote(self.finder.is_some());
        needs.signs = self.can_sign().is_ok();
        needs.headers = plan.plain_headers().filter(|_| self.finder.is_none());
        needs.allocates = plan.allocates() || self.primitive.allocates() || self.finder.is_some();
        needs.notes.extend(self.finder.iter().flat_map(|finder| finder.notes()));
        if plan.key.per_request {
            needs.notes.push(
                "the key depends on the request: none is kept, and every request derives its own".into(),
            );
        }
        for algorithm in plan.algorithms() {
            needs.notes.extend(self.primitive.note(algorithm).map(std::borrow::Cow::Borrowed));
        }
        needs
    }

    fn bind(&self, keys: &Keyring, vars: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        Ok(Arc::new(self.bound(keys, vars)?))
    }

    fn signer(&self, keys: &Keyring, vars: &Vars) -> Result<Box<dyn Sign>, KeyError> {
        self.can_sign()?;
        let bound = self.bound(keys, vars)?;
        let mute = bound.keys.iter().find(|key| !key.signs(&*self.primitive));
        if let Some(key) = mute {
            let says = "this key only verifies: give the private one, and an algorithm that signs";
            return Err(KeyError::new(says).key(&key.id));
        }
        Ok(Box::new(bound))
    }

    fn hypotheses<'s>(&'s self, _request: &Request<'s>) -> Box<dyn Iterator<Item = Hypothesis> + 's> {
        let used = self.plan.algorithms();
        let others = self.primitive.algorithms().iter().enumerate();
        Box::new(others.filter(move |(number, _)| !used.contains(number)).map(|(_, word)| Hypothesis {
            code: "algorithm/other".into(),
            says: format!("the sender signs with `{word}`").into(),
            change: Change::Table(format!("algorithm = \"{word}\"\n")),
        }))
    }

    fn could_sign(&self, text: &Alphabet) -> bool {
        let content = |case: &Case, template: &Value| {
            // Some literal that always stands in the content has a byte that no such text has …
            let outside = template.segments.iter().any(|segment| match segment {
                super::value::Segment::Literal(literal) => {
                    literal.iter().any(|b| !text.bytes[usize::from(*b)])
                }
                _ => false,
            });
            // … or the content starts with something that a test keeps from being one.
            let leading = match template.segments.first() {
                Some(super::value::Segment::Slot(slot)) if slot.filters.is_empty() => Some(&slot.source),
                _ => None,
            };
            let mut tests = case.early.iter().chain(&case.late).chain(&case.when);
            let excluded = tests.any(|test| match (&test.check, &*test.value.segments) {
                (super::test::Check::Matches(pattern), [super::value::Segment::Slot(slot)]) => {
                    Some(&slot.source) == leading
                        && slot.filters.is_empty()
                        && pattern.needs_a_byte_outside(text)
                }
                _ => false,
            });
            !outside && !excluded
        };
        self.plan.cases.iter().any(|case| case.templates.iter().any(|template| content(case, template)))
    }
}

impl<P: Primitive> TemplateScheme<P> {
    /// Why nobody can sign by this, if nobody can.
    fn can_sign(&self) -> Result<(), KeyError> {
        if self.finder.is_some() {
            return Err(KeyError::new("this scheme verifies only: its keys lead to anchors"));
        }
        match self.plan.algorithms().iter().any(|algorithm| self.primitive.signs_by(*algorithm)) {
            true => self.plan.can_sign(),
            false => Err(KeyError::new("this scheme verifies only: nothing signs by its algorithm here")),
        }
    }

    fn bound(&self, keys: &Keyring, vars: &Vars) -> Result<Bound<P>, KeyError> {
        let plan = self.plan.bind(vars)?;
        let algorithms = plan.algorithms();
        let held = |(index, key): (KeyIndex, &Key)| {
            let held = Held::prepare(&*self.primitive, &plan.key, &algorithms, index, key);
            held.map_err(|error| error.key(&key.id))
        };
        let (keys, finder) = match &self.finder {
            None => (keys.iter().map(held).collect::<Result<Box<[_]>, _>>()?, None),
            Some(finder) => ([].into(), Some(finder.bind(keys, vars)?)),
        };
        let plain = plan.is_plain() && finder.is_none();
        let several = algorithms.len() > 1;
        Ok(Bound { keys, plain, several, plan, primitive: self.primitive.clone(), finder })
    }
}

/// A plan that holds keys: the hot path.
pub(super) struct Bound<P: Primitive> {
    pub(super) plan: Plan,
    /// The short way is open.
    pub(super) plain: bool,
    /// Content may come under one algorithm and again under another: it is known by a digest of its own, too.
    several: bool,
    pub(super) primitive: Arc<P>,
    pub(super) keys: Box<[Held<P>]>,
    /// What finds the keys that are not held.
    pub(super) finder: Option<Box<dyn Find<P::Key>>>,
}

/// What was found in a request before anything was hashed. The signatures are kept by the caller: they are big, and
/// moving them would cost more than finding them.
pub(super) struct Found<'f, 'p, 'r> {
    pub(super) case: &'p Case,
    pub(super) algorithm: usize,
    pub(super) candidates: &'f [Candidate<'p, 'r>],
    time: Option<Timed<'r>>,
    id: Option<Cow<'r, [u8]>>,
    parts: Vec<Option<Cow<'static, [u8]>>>,
}

/// What content will be known by.
#[derive(Default)]
pub(super) struct Prints {
    tags: SmallVec<[[u8; 32]; 4]>,
    /// Each once: it is the same for every key that keeps it, and another where signatures have fields of their own.
    contents: Vec<Vec<u8>>,
}

impl Prints {
    /// One more tag, of another key or another content.
    #[inline]
    pub(super) fn push<P: Primitive>(&mut self, primitive: &P, tag: P::Tag) {
        match primitive.kept_content(tag) {
            Ok(content) => self.push_content(content),
            Err(tag) => self.tags.push(primitive.fingerprint(&tag)),
        }
    }

    /// The content itself, whose digest depends on neither keys nor algorithm. It is hashed when somebody asks.
    fn push_content(&mut self, content: Vec<u8>) {
        if !self.contents.contains(&content) {
            self.contents.push(content);
        }
    }

    /// The content's own digest, beside whatever depends on keys and algorithm.
    pub(super) fn push_digest(&mut self, digest: Option<Sha256>) {
        self.tags.extend(digest.map(|digest| <[u8; 32]>::from(digest.finalize())));
    }

    /// How much there is, to come back to.
    fn mark(&self) -> (usize, usize) {
        (self.tags.len(), self.contents.len())
    }

    /// Forget what was pushed since.
    fn back_to(&mut self, (tags, contents): (usize, usize)) {
        self.tags.truncate(tags);
        self.contents.truncate(contents);
    }

    #[inline]
    pub(super) fn done(self) -> Fingerprints {
        match self.contents.is_empty() {
            true => Fingerprints::of(self.tags),
            false => self.with_contents(),
        }
    }

    #[cold]
    fn with_contents(mut self) -> Fingerprints {
        if self.contents.len() == 1
            && self.tags.is_empty()
            && let Some(content) = self.contents.pop()
        {
            return Fingerprints::of_content(content);
        }
        self.tags.extend(self.contents.iter().map(|content| <[u8; 32]>::from(Sha256::digest(content))));
        Fingerprints::of(self.tags)
    }
}

/// What the hashing came to.
#[derive(Default)]
struct Matched {
    keys: KeySet,
    /// A key that was found and not held, with the anchors that all such keys lead to.
    found: Option<(KeyId, KeySet)>,
    /// The signatures that count: they matched, and what is required beside them holds of each.
    candidates: SmallVec<[usize; 4]>,
    prints: Prints,
    /// Some key was named that is held.
    known: bool,
    /// What a signature that matched lacked beside.
    late: Option<Rejection>,
    /// Why there is no key for a signature.
    unfound: Option<Rejection>,
}

impl<P: Primitive> Check for Bound<P> {
    fn check<'r>(&self, request: &Request<'r>, cx: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        if self.plain {
            let mut tags = Tags::new();
            if let Some((time, id)) = self.read_plain(request, &mut tags) {
                return self.judge_plain(request.body, &tags, time, id);
            }
        }
        let scope = Scope::new(request);
        let Some(each) = &self.plan.each else { return self.judge(&scope, cx) };
        let fault = |fault| Rejection::new(Reason::MalformedContent).detail(CONTENT_MALFORMED, why(fault));
        let items = scope.json().and_then(|json| json.wildcard(&each.pattern)).map_err(fault)?;
        if items.len() > each.max {
            let says = format!("{} elements, and at most {} are taken", items.len(), each.max);
            return Err(Rejection::new(Reason::MalformedContent).detail(ITEMS_COUNT, says).into());
        }
        let mut all: Option<Evidence<'r>> = None;
        let mut seen = HashSet::new();
        for item in items {
            let one = self.judge(&scope.at_item(item), cx)?;
            // Whoever captured one signed element could otherwise have it acted on as often as a batch has room.
            if one.fingerprints.each().iter().any(|print| seen.contains(print)) {
                let says = "an element stands in it more than once";
                return Err(Rejection::new(Reason::MalformedContent).detail(ITEMS_REPEATED, says).into());
            }
            seen.extend(one.fingerprints.each().iter().copied());
            all = Some(match all {
                None => one,
                Some(all) => both(all, one),
            });
        }
        all.ok_or_else(|| Reason::MissingSignature.into())
    }

    fn begin(
        self: Arc<Self>,
        head: &Head<'_>,
        _: &Context<'_>,
    ) -> Result<Option<Box<dyn Progress>>, Refusal> {
        if !self.plan.streams() || self.finder.is_some() {
            return Ok(None);
        }
        let request = Request::new(*head, b"");
        let scope = Scope::new(&request);
        let mut candidates = Candidates::new();
        let found = self.find(&scope, &mut candidates)?;
        let named = self.named(&found, &scope)?;
        if !named.known() {
            return Err(Reason::UnknownKey.into());
        }
        let late = self.late(&scope, &found, 0).err();
        let (mut hashing, mut broken) = (Vec::new(), None);
        for template in &found.case.templates {
            let local = found.local(&[]);
            let Some((before, after)) = split_at_body(template) else { return Ok(None) };
            let (mut first, mut last) = (Pieces::new(), Pieces::new());
            let resolved = super::value::resolve(before, &scope, &local, &mut first)
                .and_then(|()| super::value::resolve(after, &scope, &local, &mut last));
            if let Err(rejection) = resolved {
                // Only if none before it fits is an alternative missed.
                broken = Some(rejection);
                break;
            }
            let digest = self.digest(&first);
            let mut states = Vec::new();
            for key in &self.keys {
                let Some(prepared) = key.prepared(found.algorithm) else { return Ok(None) };
                let mut state = self.primitive.start(prepared);
                first.iter().for_each(|piece| self.primitive.update(&mut state, piece));
                states.push(state);
            }
            hashing.push(Alternative { states, digest, after: last.concat() });
        }
        if let Some(rejection) = broken.take_if(|_| hashing.is_empty()) {
            return Err(rejection.into());
        }
        let signatures = self.signatures(&found, &named);
        let time = found.time.as_ref().and_then(|(_, at)| *at);
        let id = found.id.as_deref().map(text_of);
        let algorithm = found.algorithm;
        Ok(Some(Box::new(InPieces {
            bound: self.clone(),
            algorithm,
            hashing,
            broken,
            signatures,
            time,
            id,
            late,
        })))
    }

    fn fingerprints(&self, request: &Request<'_>, _: &Context<'_>) -> Option<Fingerprints> {
        self.known_by(request)
    }

    fn explain(&self, request: &Request<'_>, cx: &Context<'_>, out: &mut dyn Explain) {
        let scope = Scope::new(request);
        let mut candidates = Candidates::new();
        let Ok(found) = self.find(&scope, &mut candidates) else { return };
        for candidate in found.candidates {
            out.step(Step::Candidate { place: &candidate.place.label, bytes: &candidate.signature });
        }
        let fields = found.fields(0);
        let local = found.local(&fields);
        for segment in found.case.templates.iter().flat_map(|template| &template.segments) {
            super::value::explain(segment, &scope, &local, out);
        }
        let mut matched = Matched::default();
        if self.hash(&found, &scope, cx, &mut matched).is_ok() {
            for key in &self.keys {
                out.step(Step::Tried { key: &key.id, matched: matched.keys.contains(key.index) });
            }
        }
    }

    fn mac(&self, challenge: &[u8], live: KeySet) -> Option<Vec<u8>> {
        let key = self.keys.iter().find(|key| live.contains(key.index))?;
        let prepared = key.any()?;
        let mut state = self.primitive.start(prepared);
        self.primitive.update(&mut state, challenge);
        self.primitive.mac(&self.primitive.finish(state))
    }
}

impl<P: Primitive> Bound<P> {
    /// One request, or one element of it.
    fn judge<'r>(&self, scope: &Scope<'r>, cx: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        let mut candidates = Candidates::new();
        let mut found = self.find(scope, &mut candidates)?;
        let mut matched = Matched::default();
        self.hash(&found, scope, cx, &mut matched)?;
        if matched.keys.is_empty() && matched.found.is_none() {
            return Err(match (matched.late.or(matched.unfound), matched.known) {
                (Some(rejection), _) => rejection.into(),
                (None, true) => Reason::BadSignature.into(),
                (None, false) => Reason::UnknownKey.into(),
            });
        }
        let time = match &self.plan.time {
            // The keys are of all the signatures that count, and so the time is the oldest of theirs: else a fresh one
            // by an expired key would lend its time to an old one by a live key.
            Some(time) if time.from_signature.is_some() => {
                let mut oldest = None;
                for index in &matched.candidates {
                    let at = time.of_fields(&found.fields(*index))?.and_then(|(_, at)| at);
                    oldest = Some(oldest.map_or(at, |oldest| at.min(oldest)));
                }
                oldest
            }
            Some(time) if !time.before => time.read(scope)?.map(|(_, at)| at),
            _ => found.time.as_ref().map(|(_, at)| *at),
        };
        let id = match &self.plan.id {
            Some(id) if !id.before => id.read(scope)?,
            _ => found.id.take(),
        };
        let signed_by = match matched.found {
            Some((id, anchors)) => SignedBy::Fetched(id, anchors),
            None => SignedBy::Held(matched.keys),
        };
        let mut evidence = Evidence::new(signed_by, matched.prints.done(), self.plan.binds);
        evidence.signed_at = time.flatten();
        evidence.message_id = id.map(id_text);
        Ok(evidence)
    }

    /// Everything that is looked for before anything is hashed, in the order in which refusals are reported.
    pub(super) fn find<'f, 'p, 'r>(
        &'p self,
        scope: &Scope<'r>,
        candidates: &'f mut Candidates<'p, 'r>,
    ) -> Result<Found<'f, 'p, 'r>, Rejection> {
        let case = self.case(scope)?;
        let nothing = Local::default();
        match hold(&case.early, scope, &nothing) {
            Ok(true) => {}
            Ok(false) => {
                let says = "a version or algorithm that the preset requires is not the one sent";
                return Err(Rejection::new(Reason::MalformedSignature).detail(REQUIRE_EARLY, says));
            }
            Err(fault) => {
                return Err(Rejection::new(Reason::MalformedSignature).detail(REQUIRE_EARLY, why(fault)));
            }
        }
        gather(&case.places, case.first_present, &case.wanted, scope, candidates)?;
        let algorithm = algorithm(&case.algorithm, scope)?;
        let time = match &self.plan.time {
            Some(time) if time.before && time.from_signature.is_none() => time.read(scope)?,
            _ => None,
        };
        let id = match &self.plan.id {
            Some(id) if id.before => id.read(scope)?,
            _ => None,
        };
        let mut found = Found { case, algorithm, candidates, time, id, parts: Vec::new() };
        if !self.plan.parts.is_empty() {
            found.parts = self.parts(scope, &found.local(&[]))?;
        }
        Ok(found)
    }

    /// The named parts, each of which may use those above it.
    pub(super) fn parts<'r>(
        &self,
        scope: &Scope<'r>,
        local: &Local<'_>,
    ) -> Result<Vec<Option<Cow<'static, [u8]>>>, Rejection> {
        let mut done: Vec<Option<Cow<'static, [u8]>>> = Vec::new();
        for part in &self.plan.parts {
            let value = {
                let local = Local { parts: &done, ..*local };
                let value = part.text(scope, &local).map_err(|fault| refuse(fault, "part"))?;
                value.map(|value| Cow::Owned(value.into_owned()))
            };
            done.push(value);
        }
        Ok(done)
    }

    /// The first case whose tests hold. One that cannot be read refuses the request: it must not choose another.
    fn case(&self, scope: &Scope<'_>) -> Result<&Case, Rejection> {
        for case in &self.plan.cases {
            match hold(&case.when, scope, &Local::default()) {
                Ok(true) => return Ok(case),
                Ok(false) => {}
                Err(fault) => {
                    return Err(Rejection::new(Reason::MalformedContent).detail(CASE_UNREADABLE, why(fault)));
                }
            }
        }
        Err(Rejection::new(Reason::Disallowed).detail(CASE_NONE, "no case of the preset fits the request"))
    }

    /// What is required beside the signature.
    pub(super) fn late(
        &self,
        scope: &Scope<'_>,
        found: &Found<'_, '_, '_>,
        candidate: usize,
    ) -> Result<(), Rejection> {
        if found.case.late.is_empty() {
            return Ok(());
        }
        let fields = found.fields(candidate);
        let held = hold(&found.case.late, scope, &self.local(found, &fields));
        let says = match held {
            Ok(true) => return Ok(()),
            Ok(false) => "a test that the preset requires does not hold",
            Err(fault) => why(fault),
        };
        Err(Rejection::new(Reason::ClaimMismatch).detail(REQUIRE_LATE, says))
    }

    /// The key that each signature names: by `select`, by its own `key_id`, or none.
    pub(super) fn named<'p, 'r: 'p>(
        &self,
        found: &'p Found<'_, '_, 'r>,
        scope: &Scope<'r>,
    ) -> Result<Named, Rejection> {
        let Some(select) = &self.plan.key.select else {
            if found.case.wanted.is_empty() {
                return Ok(Named::default());
            }
            let id = |c: &Candidate<'_, '_>| {
                c.fields.iter().find(|(n, _)| *n == "key_id").map(|(_, id)| self.place(id))
            };
            return Ok(Named(found.candidates.iter().map(id).collect()));
        };
        let of_candidate = select.uses(|source| matches!(source, Source::Sig(_)));
        let mut named = Named::default();
        for index in 0..found.candidates.len() {
            if index > 0 && !of_candidate {
                named.0.push(named.of(0));
                continue;
            }
            let fields = found.fields(index);
            let id = select.text(scope, &found.local(&fields)).map_err(|fault| refuse(fault, "select"))?;
            let id = id.ok_or_else(|| refuse(super::filter::Fault::Absent, "select"))?;
            named.0.push(Some(self.place(&id)));
        }
        Ok(named)
    }

    /// The place of a held key of this name.
    fn place(&self, id: &[u8]) -> Option<KeyIndex> {
        self.keys.iter().find(|key| key.id.as_str().as_bytes() == id).map(|key| key.index)
    }

    /// Whether a key may be tried on a signature.
    fn may_try(&self, key: &Held<P>, candidate: &Candidate<'_, '_>, named: Option<Option<KeyIndex>>) -> bool {
        (candidate.place.role.is_none() || candidate.place.role == key.role)
            && named.is_none_or(|named| named == Some(key.index))
    }

    /// One MAC a key and content, then only comparisons.
    fn hash<'p, 'r>(
        &'p self,
        found: &Found<'_, 'p, 'r>,
        scope: &Scope<'r>,
        cx: &Context<'_>,
        matched: &mut Matched,
    ) -> Result<(), Refusal> {
        if let Some(finder) = &self.finder {
            matched.known = true;
            let all = found.candidates.len();
            let mut ranges = (0..if found.case.per_candidate { all } else { 1 })
                .map(|index| index..if found.case.per_candidate { index + 1 } else { all });
            return ranges.try_for_each(|range| self.hash_found(&**finder, found, scope, range, cx, matched));
        }
        let named = self.named(found, scope)?;
        matched.known = named.known();
        match found.case.per_candidate {
            _ if !matched.known => Ok(()),
            false => Ok(self.hash_content(found, scope, 0..found.candidates.len(), &named, matched)?),
            // Every signature has its own content or fields: each is tried alone, and every match counts.
            true => Ok((0..found.candidates.len())
                .try_for_each(|index| self.hash_content(found, scope, index..index + 1, &named, matched))?),
        }
    }

    /// What is known beside the request where one signature's fields are.
    pub(super) fn local<'x>(
        &self,
        found: &'x Found<'_, '_, '_>,
        fields: &'x [(&'x str, &'x [u8])],
    ) -> Local<'x> {
        let mut local = found.local(fields);
        if let Some(time) = &self.plan.time
            && let Some(name) = &time.from_signature
        {
            local.timestamp = fields.iter().find(|(n, _)| *n == &**name).map(|(_, text)| *text);
        }
        local
    }

    fn hash_content<'p, 'r>(
        &'p self,
        found: &Found<'_, 'p, 'r>,
        scope: &Scope<'r>,
        candidates: std::ops::Range<usize>,
        named: &Named,
        matched: &mut Matched,
    ) -> Result<(), Rejection> {
        let fields = found.fields(candidates.start);
        let local = self.local(found, &fields);
        if candidates.clone().all(|index| named.of(index) == Some(None)) {
            return Ok(());
        }
        for template in &found.case.templates {
            let mut pieces = Pieces::new();
            if !found.case.per_key {
                template.resolve(scope, &local, &mut pieces)?;
            }
            let mut keys = KeySet::default();
            let printed = matched.prints.mark();
            // With every key, named or not: a replay may come with any of them.
            for key in &self.keys {
                let derived;
                let prepared = match key.prepared(found.algorithm) {
                    Some(prepared) => prepared,
                    None => {
                        derived = self.derive(key, found.algorithm, scope, &local)?;
                        &derived
                    }
                };
                let mut state = self.primitive.start(prepared);
                match found.case.per_key {
                    false => pieces.iter().for_each(|piece| self.primitive.update(&mut state, piece)),
                    true => self.take_in_secret(key, template, scope, &local, &mut state)?,
                }
                let tag = self.primitive.finish(state);
                for index in candidates.clone() {
                    let candidate = &found.candidates[index];
                    if self.may_try(key, candidate, named.of(index))
                        && self.primitive.matches(prepared, &tag, &candidate.signature)
                    {
                        keys.insert(key.index);
                    }
                }
                matched.prints.push(&*self.primitive, tag);
            }
            if keys.is_empty() {
                // Of content that nobody signed nothing is remembered.
                matched.prints.back_to(printed);
                continue;
            }
            match self.late(scope, found, candidates.start) {
                Err(rejection) => matched.late = Some(rejection),
                Ok(()) => {
                    matched.candidates.push(candidates.start);
                    let new = self.keys.iter().map(|key| key.index).filter(|index| keys.contains(*index));
                    new.for_each(|index| matched.keys.insert(index));
                }
            }
            if !found.case.per_key {
                matched.prints.push_digest(self.digest(&pieces));
            }
            break;
        }
        Ok(())
    }

    /// The same with keys that are found: content, and then every signature under every key.
    fn hash_found<'p, 'r>(
        &'p self,
        finder: &dyn Find<P::Key>,
        found: &Found<'_, 'p, 'r>,
        scope: &Scope<'r>,
        candidates: std::ops::Range<usize>,
        cx: &Context<'_>,
        matched: &mut Matched,
    ) -> Result<(), Refusal> {
        let fields = found.fields(candidates.start);
        let local = self.local(found, &fields);
        let keys = match finder.find(found.algorithm, &Message::of(scope, local), cx) {
            Ok(keys) => keys,
            // It does not hide a signature under a key that can be had.
            Err(Refusal::Rejected(rejection)) => {
                matched.unfound = Some(rejection);
                return Ok(());
            }
            Err(unresolved) => return Err(unresolved),
        };
        for template in &found.case.templates {
            let mut pieces = Pieces::new();
            template.resolve(scope, &local, &mut pieces)?;
            let mut signed = false;
            for FoundKey { id, anchors, key } in &keys {
                let mut state = self.primitive.start(key);
                pieces.iter().for_each(|piece| self.primitive.update(&mut state, piece));
                let tag = self.primitive.finish(state);
                let fits =
                    |index: &usize| self.primitive.matches(key, &tag, &found.candidates[*index].signature);
                let Some(index) = candidates.clone().find(fits) else { continue };
                if let Err(rejection) = self.late(scope, found, index) {
                    matched.late = Some(rejection);
                    continue;
                }
                // The content is the same for every key that is found, and another for every signature with fields.
                match signed {
                    true => {}
                    false if self.several => matched.prints.push_content(pieces.concat()),
                    false => matched.prints.push(&*self.primitive, tag),
                }
                signed = true;
                matched.candidates.push(index);
                matched.found = Some(match matched.found.take() {
                    None => (id.clone(), *anchors),
                    Some((id, before)) => (id, before.union(*anchors)),
                });
            }
            if signed {
                break;
            }
        }
        Ok(())
    }

    /// A digest of content, where one is needed: begun with these pieces.
    fn digest(&self, pieces: &Pieces<'_>) -> Option<Sha256> {
        self.several.then(|| pieces.iter().fold(Sha256::new(), |digest, piece| digest.chain_update(piece)))
    }

    /// Take in content that has the key's own secret in it.
    pub(super) fn take_in_secret<'x, 'r: 'x>(
        &'x self,
        key: &'x Held<P>,
        template: &'x Value,
        scope: &Scope<'r>,
        local: &Local<'x>,
        state: &mut P::State,
    ) -> Result<(), Rejection> {
        let local = Local { secret: Some(key.expose()), ..*local };
        let parts = self.parts(scope, &local)?;
        let local = Local { parts: &parts, ..local };
        let mut pieces = Pieces::new();
        template.resolve(scope, &local, &mut pieces)?;
        pieces.iter().for_each(|piece| self.primitive.update(state, piece));
        Ok(())
    }

    /// A key that depends on the request.
    pub(super) fn derive<'r>(
        &self,
        key: &Held<P>,
        algorithm: usize,
        scope: &Scope<'r>,
        local: &Local<'_>,
    ) -> Result<P::Key, Rejection> {
        let underived = || {
            Rejection::new(Reason::MalformedContent)
                .detail(KEY_DERIVED, "no key can be derived from this request")
        };
        let derive = self.plan.key.derive.as_ref().ok_or_else(underived)?;
        let local = Local { secret: Some(key.expose()), ..*local };
        let bytes = derive.text(scope, &local).map_err(|fault| refuse(fault, "derive"))?;
        let bytes =
            Zeroizing::new(bytes.ok_or_else(|| refuse(super::filter::Fault::Absent, "derive"))?.into_owned());
        self.primitive.key(algorithm, key.kind, &bytes).map_err(|_| underived())
    }

    /// Every signature with the keys that may be tried on it: what a stream keeps of the head.
    fn signatures(&self, found: &Found<'_, '_, '_>, named: &Named) -> Vec<(super::place::Tag, KeySet)> {
        let tried = |(index, candidate): (usize, &Candidate<'_, '_>)| {
            let keys = self.keys.iter().filter(|key| self.may_try(key, candidate, named.of(index)));
            (candidate.signature.clone(), keys.map(|key| key.index).collect())
        };
        found.candidates.iter().enumerate().map(tried).collect()
    }
}

/// By signature: nothing named, a key that is held, or one that is not. Empty where signatures name no keys.
#[derive(Default)]
pub(super) struct Named(SmallVec<[Option<Option<KeyIndex>>; 8]>);

impl Named {
    /// What the signature at a place names.
    fn of(&self, index: usize) -> Option<Option<KeyIndex>> {
        self.0.get(index).copied().flatten()
    }

    /// Whether some signature may be of a key that is held.
    fn known(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(|name| *name != Some(None))
    }
}

impl Found<'_, '_, '_> {
    fn local<'x>(&'x self, sig: &'x [(&'x str, &'x [u8])]) -> Local<'x> {
        Local {
            timestamp: self.time.as_ref().map(|(text, _)| &**text),
            id: self.id.as_deref(),
            sig,
            parts: &self.parts,
            ..Local::default()
        }
    }

    /// The other fields of one signature.
    pub(super) fn fields(&self, index: usize) -> SmallVec<[(&str, &[u8]); 2]> {
        match self.candidates.get(index) {
            Some(candidate) if !candidate.fields.is_empty() => {
                candidate.fields.iter().map(|(name, text)| (*name, &**text)).collect()
            }
            _ => SmallVec::new(),
        }
    }
}

/// Every signature of the request: at least one, or the request is refused.
pub(super) fn gather<'p, 'r>(
    places: &'p [Place],
    first_present: bool,
    wanted: &'p [Box<str>],
    scope: &Scope<'r>,
    candidates: &mut Candidates<'p, 'r>,
) -> Result<(), Rejection> {
    let mut trouble = None;
    for place in places {
        match place.candidates(scope, wanted, candidates, &mut trouble) {
            Ok(()) if first_present => break,
            Ok(()) => {}
            Err(rejection) if rejection.reason == Reason::MissingSignature => {}
            Err(rejection) => return Err(rejection),
        }
    }
    match candidates.is_empty() {
        true => Err(trouble.unwrap_or_else(|| Rejection::new(Reason::MissingSignature))),
        false => Ok(()),
    }
}

pub(super) fn algorithm(algorithm: &Algorithm, scope: &Scope<'_>) -> Result<usize, Rejection> {
    let (from, map) = match algorithm {
        Algorithm::Fixed(number) => return Ok(*number),
        Algorithm::Mapped { from, map } => (from, map),
    };
    let unknown = || {
        let says = "the request names an algorithm that the preset does not allow";
        Rejection::new(Reason::MalformedSignature).detail(ALGORITHM_UNKNOWN, says)
    };
    let local = Local::default();
    let word = from.text(scope, &local).ok().flatten().ok_or_else(unknown)?;
    map.iter().find(|(name, _)| name.as_bytes() == &*word).map(|(_, number)| *number).ok_or_else(unknown)
}

/// Evidence for two elements: what both have.
fn both<'r>(a: Evidence<'r>, b: Evidence<'r>) -> Evidence<'r> {
    let signed_by = match (a.signed_by, b.signed_by) {
        (SignedBy::Held(a), SignedBy::Held(b)) => SignedBy::Held(a.intersect(b)),
        (fetched, _) => fetched,
    };
    let (ours, theirs) = (a.fingerprints.each(), b.fingerprints.each());
    let prints = ours.iter().chain(theirs.iter()).copied();
    let mut both = Evidence::new(signed_by, Fingerprints::tags(prints), a.binds.common(b.binds));
    both.signed_at = a.signed_at.min(b.signed_at);
    both.signed_until = a.signed_until.or(a.signed_at).max(b.signed_until.or(b.signed_at));
    both
}

/// An id for evidence. Ids are ASCII: reading them saw to it.
pub(super) fn id_text(id: Cow<'_, [u8]>) -> Cow<'_, str> {
    match id {
        Cow::Borrowed(id) => {
            std::str::from_utf8(id).map_or_else(|_| String::from_utf8_lossy(id), Cow::Borrowed)
        }
        Cow::Owned(id) => Cow::Owned(text_of(&id)),
    }
}

/// Ids and the like, once their alphabet was looked at.
fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn why(fault: super::filter::Fault) -> &'static str {
    match fault {
        super::filter::Fault::Absent => "something is absent",
        super::filter::Fault::Malformed(why) => why,
    }
}
