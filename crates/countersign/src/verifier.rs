//! Where evidence becomes a verdict.
//!
//! A mode says which keys match and what that covers. Only here is it judged: a key's window against the present, then
//! the age of the message; and only here is a proof made.

use crate::handshake::{Answer, Handshake, HandshakeKind, Responses, event_text};
use crate::keys::{KeyError, KeyId, KeyIndex, KeyRequest, KeySet, Keyring, Secret, Vars, Window};
use crate::message::scope::{Local, Scope};
use crate::message::value::Value;
use crate::message::{json, wire};
use crate::mode::{
    Check, Context, DetailInfo, Draft, Evidence, Explain, Mark, MarkPlace, Progress, Refusal, Sign, SignedBy,
};
use crate::outcome::{Binds, Body, Outcome, Reason, Rejection, Signer as SignedWith, Verified};
use crate::preset::Freshness;
use crate::registry::Compiled;
use crate::replay::Replay;
use crate::request::{Head, HeadBuf, Request};
use crate::time::{Freshness as Age, Timestamp};
use std::borrow::Cow;
use std::sync::Arc;

/// Compiled once, asked many times, shared between threads. Of the keys it holds only names and windows.
pub struct Verifier {
    compiled: Arc<Compiled>,
    check: Arc<dyn Check>,
    origin: Arc<Origin>,
    binds: Binds,
    freshness: Option<Freshness>,
    handshakes: Box<[Handshake]>,
    responses: Responses,
    event: (Option<Value>, Option<Value>),
}

/// What every proof of one verifier has in common: shared, so that a proof costs one reference count.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) source: Arc<str>,
    pub(crate) preset: Arc<str>,
    pub(crate) mode: Arc<str>,
    pub(crate) replay: Replay,
    pub(crate) keys: Vec<(KeyId, Window)>,
}

/// What happened, as far as a preset's `[event]` says where to look. Not covered by the signature unless the body is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// Its type, such as `invoice.paid`.
    pub kind: Option<String>,

    /// The provider's id for it.
    pub id: Option<String>,
}

impl Verifier {
    pub(crate) fn new(
        compiled: Arc<Compiled>,
        check: Arc<dyn Check>,
        source: Arc<str>,
        keys: &Keyring,
        vars: &Vars,
    ) -> Result<Self, KeyError> {
        let preset = compiled.preset();
        let bind = |value: &Option<Value>| value.as_ref().map(|value| value.bind(vars)).transpose();
        let origin = Origin {
            source,
            preset: preset.name.clone(),
            mode: preset.mode.value.clone(),
            replay: compiled.replay(),
            keys: windows(keys),
        };
        Ok(Verifier {
            check,
            origin: Arc::new(origin),
            binds: compiled.needs().binds,
            freshness: compiled.freshness(),
            handshakes: preset
                .handshakes
                .iter()
                .filter(|handshake| handshake.is_set(vars))
                .map(|handshake| handshake.bind(vars))
                .collect::<Result<_, _>>()?,
            responses: preset.responses.bind(vars)?,
            event: (bind(&preset.event.0)?, bind(&preset.event.1)?),
            compiled,
        })
    }

    /// The source whose requests it judges.
    pub fn source(&self) -> &str {
        &self.origin.source
    }

    /// What it was compiled from.
    pub fn compiled(&self) -> &Arc<Compiled> {
        &self.compiled
    }

    /// Judge a whole request. Pure: asking twice changes nothing. Costs one MAC or public-key operation a key; allocates
    /// nothing where [`Needs::allocates`](crate::Needs::allocates) says so, with up to four keys and four signatures.
    pub fn verify<'r>(&self, request: &Request<'r>, cx: &Context<'_>) -> Outcome<'r> {
        self.judge(self.check.check(request, cx), Body::Borrowed(request.body), cx.now)
    }

    /// Judge a body as it arrives, of at most `limit` bytes. Nothing may be passed on before [`Stream::finish`]. A head
    /// that can never verify is refused here.
    pub fn begin(
        self: &Arc<Self>,
        head: &Head<'_>,
        cx: &Context<'_>,
        limit: usize,
    ) -> Result<Stream, Refusal> {
        let progress = self.check.clone().begin(head, cx)?;
        Ok(Stream {
            verifier: self.clone(),
            head: head.to_owned(),
            limit,
            state: State::Open(progress, Vec::new()),
        })
    }

    /// Say every step aloud. For people at terminals.
    pub fn explain(&self, request: &Request<'_>, cx: &Context<'_>, out: &mut dyn Explain) {
        self.check.explain(request, cx, out);
    }

    /// What to answer if this is a set-up challenge that comes unsigned. Ask before [`verify`](Self::verify).
    pub fn handshake(&self, request: &Request<'_>, cx: &Context<'_>) -> Option<Answer> {
        self.answer(false, request, cx)
    }

    /// The same for challenges that are signed. Ask after [`verify`](Self::verify) said yes.
    pub fn signed_handshake(&self, request: &Request<'_>, cx: &Context<'_>) -> Option<Answer> {
        self.answer(true, request, cx)
    }

    /// The secret that a challenge of the kind [`HandshakeKind::Learn`] hands over; `None` if this is none.
    ///
    /// Nobody has proved anything: whoever finds the URL can send one. It is for an operator to confirm, and must never replace
    /// a key by itself. At most [`MAX_CHALLENGE`](crate::MAX_CHALLENGE) bytes.
    pub fn learnt(&self, request: &Request<'_>) -> Option<Secret> {
        let scope = Scope::new(request);
        let recognised = self.handshakes.iter().filter(|handshake| handshake.recognises(&scope));
        recognised.filter_map(|handshake| handshake.learnt(&scope)).next()
    }

    /// What the provider needs to hear, if the preset's `[response]` says so: after accepting, or after a refusal.
    pub fn response(&self, accepted: bool, request: &Request<'_>) -> Option<Answer> {
        let Responses { accepted: yes, refused: no } = &self.responses;
        let template = if accepted { yes } else { no };
        template.as_ref()?.fill(HandshakeKind::Ignore, &Scope::new(request), &Local::default())
    }

    /// What happened, as far as the preset says where to look.
    pub fn event(&self, request: &Request<'_>) -> Event {
        let scope = Scope::new(request);
        Event { kind: event_text(&self.event.0, &scope), id: event_text(&self.event.1, &scope) }
    }

    fn answer(&self, signed: bool, request: &Request<'_>, cx: &Context<'_>) -> Option<Answer> {
        let scope = Scope::new(request);
        let handshake = self.handshakes.iter().find(|h| h.signed == signed && h.recognises(&scope))?;
        let live = live(&self.origin.keys, cx.now);
        let mac = |challenge: &[u8]| self.check.mac(challenge, live);
        let local = Local { mac: Some(&mac), ..Local::default() };
        match &handshake.answer {
            Some(answer) => answer.fill(handshake.kind, &scope, &local),
            None => {
                let (content_type, headers, body) = ("text/plain".into(), Vec::new(), Vec::new());
                Some(Answer { kind: handshake.kind, status: 200, content_type, headers, body })
            }
        }
    }

    /// Modes produce evidence; only this passes sentence: keys' windows first, then freshness.
    fn judge<'r>(
        &self,
        evidence: Result<Evidence<'r>, Refusal>,
        body: Body<'r>,
        now: Timestamp,
    ) -> Outcome<'r> {
        let evidence = match evidence {
            Ok(evidence) => evidence,
            Err(Refusal::Unresolved(wanted)) => return Outcome::Unresolved(wanted),
            // With no key that may be used now nothing could have matched: that is what the operator can mend.
            Err(Refusal::Rejected(Rejection { reason: Reason::BadSignature, .. }))
                if !self.origin.keys.is_empty() && live(&self.origin.keys, now).is_empty() =>
            {
                return Outcome::Rejected(Rejection::new(Reason::NoActiveSecret));
            }
            Err(Refusal::Rejected(rejection)) => return Outcome::Rejected(rejection),
        };
        // Judged where it is: evidence is big, and every move of it costs as much as a look at a header.
        let key = match self.sentence(&evidence, now) {
            Ok(key) => key,
            Err(rejection) => return Outcome::Rejected(rejection),
        };
        let binds = evidence.binds;
        Outcome::Verified(Verified {
            origin: self.origin.clone(),
            key,
            message_id: evidence.message_id.filter(|_| binds.contains(Binds::ID)),
            signed_at: evidence.signed_at.filter(|_| binds.contains(Binds::TIME)),
            binds,
            fingerprints: evidence.fingerprints,
            body,
        })
    }

    /// The key that counts, if the evidence stands.
    fn sentence(&self, evidence: &Evidence<'_>, now: Timestamp) -> Result<SignedWith, Rejection> {
        let Evidence { signed_by, fingerprints, binds, signed_at, signed_until, message_id: _ } = evidence;
        let fault = |says: &'static str| Err(Rejection::new(Reason::ModeFault).detail("core/contract", says));
        if !binds.contains(self.binds) {
            return fault("the mode binds less than it declared");
        }
        if fingerprints.is_empty() {
            return fault("the mode gave nothing to know the content by");
        }
        let in_window = |keys: KeySet| {
            let held = self.origin.keys.iter().enumerate();
            held.filter(|(i, _)| keys.contains(KeyIndex(*i as u8))).find(|(_, (_, window))| window.holds(now))
        };
        let key = match signed_by {
            SignedBy::Held(keys) if keys.is_empty() => return Err(Rejection::new(Reason::BadSignature)),
            SignedBy::Held(keys) => match in_window(*keys) {
                Some((index, _)) => SignedWith::Held(index as u8),
                None => return Err(Rejection::new(Reason::ExpiredSecret)),
            },
            SignedBy::Fetched(id, anchors) if anchors.is_empty() || in_window(*anchors).is_some() => {
                SignedWith::Fetched(id.clone())
            }
            SignedBy::Fetched(..) => return Err(Rejection::new(Reason::ExpiredSecret)),
        };
        let signed_at = signed_at.filter(|_| binds.contains(Binds::TIME));
        if let Some(Freshness { tolerance, required }) = self.freshness {
            if let Some(latest) = signed_until.filter(|_| binds.contains(Binds::TIME))
                && tolerance.judge(latest, now) == Age::Future
            {
                return Err(untimely(Reason::FutureTimestamp, Some(latest), now));
            }
            match signed_at.map(|signed_at| tolerance.judge(signed_at, now)) {
                Some(Age::Fresh) => {}
                Some(Age::Stale) => return Err(untimely(Reason::StaleTimestamp, signed_at, now)),
                Some(Age::Future) => return Err(untimely(Reason::FutureTimestamp, signed_at, now)),
                None if required => return Err(Rejection::new(Reason::MissingTimestamp)),
                None => {}
            }
        }
        Ok(key)
    }
}

/// A verification part-way through a body. It borrows nothing, and keeps the body it will vouch for; one too big to keep
/// is spooled and mapped by the host, and then verified whole.
pub struct Stream {
    verifier: Arc<Verifier>,
    head: HeadBuf,
    limit: usize,
    state: State,
}

enum State {
    Open(Option<Box<dyn Progress>>, Vec<u8>),
    Refused(Rejection),
}

/// The end of a [`Stream`].
#[must_use = "an unread outcome is an unverified request"]
pub enum Finish {
    /// As [`Outcome::Verified`].
    Verified(Verified<'static>),

    /// As [`Outcome::Rejected`].
    Rejected(Rejection),

    /// Fetch this, cache it, and finish what waits.
    Unresolved(KeyRequest, Waiting),
}

impl Stream {
    /// Take the next piece. A refusal is final, whatever is fed afterwards: a body with a hole in it is never judged.
    pub fn update(&mut self, piece: &[u8]) -> Result<(), Rejection> {
        let rejection = match &mut self.state {
            State::Open(progress, body) if piece.len() <= self.limit - body.len() => {
                if let Some(progress) = progress {
                    progress.update(piece);
                }
                body.extend_from_slice(piece);
                return Ok(());
            }
            State::Open(..) => Rejection::new(Reason::PayloadTooLarge),
            State::Refused(rejection) => rejection.clone(),
        };
        self.state = State::Refused(rejection.clone());
        Err(rejection)
    }

    /// The body has ended: judge it.
    pub fn finish(self, cx: &Context<'_>) -> Finish {
        match self.state {
            State::Refused(rejection) => Finish::Rejected(rejection),
            State::Open(progress, body) => {
                let whole = Waiting { verifier: self.verifier, head: self.head, body: Arc::new(body) };
                match progress {
                    Some(progress) => whole.settle(progress.finish(cx), cx),
                    None => whole.finish(cx),
                }
            }
        }
    }
}

/// A body that has ended and waits for a key. It takes no more pieces.
pub struct Waiting {
    verifier: Arc<Verifier>,
    head: HeadBuf,
    body: Arc<Vec<u8>>,
}

impl Waiting {
    /// Judge it again.
    pub fn finish(self, cx: &Context<'_>) -> Finish {
        let evidence = {
            let request = Request::new(self.head.head(), &self.body);
            self.verifier.check.check(&request, cx).map(released)
        };
        self.settle(evidence, cx)
    }

    fn settle(self, evidence: Result<Evidence<'static>, Refusal>, cx: &Context<'_>) -> Finish {
        match self.verifier.judge(evidence, Body::Shared(self.body.clone()), cx.now) {
            Outcome::Verified(verified) => Finish::Verified(verified),
            Outcome::Rejected(rejection) => Finish::Rejected(rejection),
            Outcome::Unresolved(wanted) => Finish::Unresolved(wanted, self),
        }
    }
}

/// The same evidence, without the request.
fn released(evidence: Evidence<'_>) -> Evidence<'static> {
    let Evidence { signed_by, fingerprints, binds, signed_at, signed_until, message_id } = evidence;
    let message_id = message_id.map(|id| Cow::Owned(id.into_owned()));
    Evidence { signed_by, fingerprints, binds, signed_at, signed_until, message_id }
}

/// The other direction.
pub struct Signer {
    sign: Box<dyn Sign>,
    keys: Vec<(KeyId, Window)>,
}

/// What to send so that a draft is signed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Signed {
    /// Headers to add.
    pub headers: Vec<(Arc<str>, Vec<u8>)>,

    /// The URL, if the signature stands in it.
    pub url: Option<String>,

    /// The body, if the signature stands in it.
    pub body: Option<Vec<u8>>,
}

impl Signer {
    pub(crate) fn new(sign: Box<dyn Sign>, keys: &Keyring) -> Self {
        Signer { sign, keys: windows(keys) }
    }

    /// Sign with every key whose window holds `draft.at`. A value the content needs and the draft lacks is
    /// `missing_header`; no such key is `no_active_secret`.
    pub fn sign(&self, draft: &Draft<'_>) -> Result<Signed, Rejection> {
        let live = live(&self.keys, draft.at);
        if live.is_empty() {
            return Err(Rejection::new(Reason::NoActiveSecret));
        }
        let mut signed = Signed { headers: Vec::new(), url: None, body: None };
        let mut fault = None;
        self.sign.sign(draft, live, &mut |mark| fault = fault.take().or(signed.put(mark, draft).err()))?;
        match fault {
            None => Ok(signed),
            Some(rejection) => Err(rejection),
        }
    }
}

impl Signed {
    /// Place one mark, and join it to those that stand there.
    fn put(&mut self, mark: Mark, draft: &Draft<'_>) -> Result<(), Rejection> {
        let Mark { place, text, joined_by } = mark;
        match place {
            MarkPlace::Header(name) => {
                match self.headers.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(&name)) {
                    None => self.headers.push((name, text)),
                    Some((_, there)) => {
                        if let Some(separator) = joined_by {
                            there.extend_from_slice(separator.as_bytes());
                            there.extend_from_slice(&text);
                        }
                    }
                }
            }
            MarkPlace::Query(name) => {
                self.url = Some(wire::with_pair(self.url.as_deref().unwrap_or(draft.url), &name, &text));
            }
            MarkPlace::Form(name) => {
                if !wire::is_form(draft.headers) {
                    let says = "it goes into a form: the message needs `Content-Type: application/x-www-form-urlencoded`";
                    return Err(Rejection::new(Reason::MalformedContent).detail("core/no-form", says));
                }
                self.body = Some(wire::with_field(self.body.as_deref().unwrap_or(draft.body), &name, &text));
            }
            MarkPlace::Json(pointer) => {
                let body = self.body.as_deref().unwrap_or(draft.body);
                let malformed = |_| Rejection::new(Reason::MalformedContent);
                self.body =
                    Some(json::place(body, &pointer, &String::from_utf8_lossy(&text)).map_err(malformed)?);
            }
        }
        Ok(())
    }
}

/// How often a host fetches for one request: discovery and key set, or a stale key set and its successor.
pub const MAX_FETCHES: usize = 2;

/// How a host with an async fetcher drives the sync core. `keep` puts what was fetched where `cache` finds it.
pub async fn drive<'r, E>(
    verifier: &Verifier,
    request: &Request<'r>,
    cx: &Context<'_>,
    mut fetch: impl AsyncFnMut(&KeyRequest) -> Result<Vec<u8>, E>,
    mut keep: impl FnMut(&KeyRequest, crate::keys::Document),
) -> Result<Verified<'r>, Rejection> {
    let mut asked = Vec::new();
    // One verification more than fetches: the last document is used, too.
    for round in 0..=MAX_FETCHES {
        let wanted = match verifier.verify(request, cx) {
            Outcome::Verified(verified) => return Ok(verified),
            Outcome::Rejected(rejection) => return Err(rejection),
            Outcome::Unresolved(wanted) => wanted,
        };
        if round == MAX_FETCHES || asked.contains(&wanted) {
            break;
        }
        let Ok(bytes) = fetch(&wanted).await else { break };
        keep(&wanted, crate::keys::Document::new(bytes, cx.now));
        asked.push(wanted);
    }
    Err(Rejection::new(Reason::KeyUnavailable))
}

/// The details that the core gives itself, whatever the mode.
pub const CORE_DETAILS: &[DetailInfo] = &[
    (
        Cow::Borrowed("core/contract"),
        Reason::ModeFault,
        Cow::Borrowed("the mode's evidence is not what it declared"),
    ),
    (
        Cow::Borrowed("core/stale"),
        Reason::StaleTimestamp,
        Cow::Borrowed("when it was signed, and how long ago"),
    ),
    (
        Cow::Borrowed("core/future"),
        Reason::FutureTimestamp,
        Cow::Borrowed("when it was signed, and how far ahead"),
    ),
    (
        Cow::Borrowed("core/no-form"),
        Reason::MalformedContent,
        Cow::Borrowed("what signs the message is a field of a form, and the message is none"),
    ),
];

/// How far a signed time strays, for the operator.
fn untimely(reason: Reason, signed_at: Option<Timestamp>, now: Timestamp) -> Rejection {
    let rejection = Rejection::new(reason);
    let Some(signed_at) = signed_at else { return rejection };
    match signed_at.skew_seconds(now) {
        ago @ 0.. => rejection.detail("core/stale", format!("signed at {signed_at}, {ago} s ago")),
        ahead => rejection.detail(
            "core/future",
            format!("signed at {signed_at}, {} s ahead of this clock", ahead.unsigned_abs()),
        ),
    }
}

fn windows(keys: &Keyring) -> Vec<(KeyId, Window)> {
    keys.iter().map(|(_, key)| (key.id.clone(), key.window)).collect()
}

/// The keys that may be used now.
fn live(keys: &[(KeyId, Window)], now: Timestamp) -> KeySet {
    let held = keys.iter().enumerate().filter(|(_, (_, window))| window.holds(now));
    held.map(|(index, _)| KeyIndex(index as u8)).collect()
}

const _: () = {
    const fn sendable<T: Send + 'static>() {}
    const fn shareable<T: Send + Sync + 'static>() {}
    sendable::<Stream>();
    sendable::<Outcome<'static>>();
    sendable::<Request<'static>>();
    shareable::<Verifier>();
    shareable::<Signer>();
    shareable::<Compiled>();
    shareable::<crate::Registry>();
};
