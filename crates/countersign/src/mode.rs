//! What third parties implement: a mode reads a preset's table into a scheme, a scheme takes keys and becomes a check, a
//! check turns a request into evidence.
//!
//! A mode never passes sentence. Key windows, freshness, what makes two requests the same: all that is the core's, so
//! that no mode can get it wrong. A mode whose only difference is its mathematics implements
//! [`Primitive`](crate::template::Primitive) instead, and has the whole grammar for nothing.

use crate::config::ConfigErrors;
use crate::keys::{KeyCache, KeyError, KeyId, KeyKind, KeyRequest, KeySet, Keyring, Vars};
use crate::outcome::{Binds, Fingerprints, Reason, Rejection};
use crate::preset::ModeConfig;
use crate::request::{Head, HeaderName, Headers, Request};
use crate::time::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;

/// A way of proving who sent a request.
///
/// Third parties implement this and what it leads to, and nothing else. The same value can be registered, collected by
/// `inventory`, or exported across the C ABI.
pub trait Mode: Send + Sync {
    /// Its name, and what it declares about itself.
    fn info(&self) -> &ModeInfo;

    /// Read the mode's own table of a preset. No keys yet, so `preset lint` needs none. All complaints are told at once:
    /// see [`Reader`](crate::config::Reader).
    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors>;
}

/// What a mode declares about itself. Constant for a linked mode, owned for a loaded or scripted one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ModeInfo {
    /// The value of `mode =`, and the name of its table.
    pub name: Cow<'static, str>,

    /// One line for `countersign mode list`.
    pub summary: Cow<'static, str>,

    /// A smallest complete table. The conformance kit compiles it.
    pub example: Cow<'static, str>,

    /// Every detail code it can give, under which reason, and what it says.
    pub details: Cow<'static, [DetailInfo]>,

    /// How much weight it can bear.
    pub status: Status,
}

/// A detail code that a mode can give, the reason it comes under, and what it says.
pub type DetailInfo = (Cow<'static, str>, Reason, Cow<'static, str>);

impl ModeInfo {
    /// For a `static`: everything borrowed. A loaded mode sets the fields, which are public, to what it owns.
    pub const fn new(
        name: &'static str,
        summary: &'static str,
        example: &'static str,
        details: &'static [DetailInfo],
        status: Status,
    ) -> Self {
        ModeInfo {
            name: Cow::Borrowed(name),
            summary: Cow::Borrowed(summary),
            example: Cow::Borrowed(example),
            details: Cow::Borrowed(details),
            status,
        }
    }
}

/// How much weight an extension can bear.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Fuzzed, conformant, in use.
    Stable,

    /// Conformant, young.
    Preview,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Stable => "stable",
            Status::Preview => "preview",
        }
    }
}

/// A preset made executable, before it holds any key.
pub trait Scheme: Send + Sync {
    /// What it must be given, and what it proves.
    fn needs(&self) -> Needs;

    /// Take keys and variables and become the hot path. Required variables are there: the core looked. No keys at all is
    /// the core's to refuse; every other key that will not do is a [`KeyError`] here and never during a request.
    fn bind(&self, keys: &Keyring, vars: &Vars) -> Result<Arc<dyn Check>, KeyError>;

    /// Take keys and variables and become a signer. Most schemes can; certificate schemes and content that cannot be
    /// inverted cannot, and say so here and in [`Needs::signs`].
    fn signer(&self, _keys: &Keyring, _vars: &Vars) -> Result<Box<dyn Sign>, KeyError> {
        Err(KeyError::cannot_sign())
    }

    /// This scheme with one likely mistake in it, most likely first: another algorithm, encoding or place. Whoever
    /// explains binds and asks each; one that verifies is a proof of the mistake. Keys, body and URL are varied by the
    /// asker and not here.
    fn hypotheses<'s>(&'s self, _request: &Request<'s>) -> Box<dyn Iterator<Item = Hypothesis> + 's> {
        Box::new(std::iter::empty())
    }

    /// Whether some text of this alphabet and at most this length could be signed content. A set-up challenge is answered
    /// with a MAC only if not: else whoever asks for the answer has a signature. `true` is the safe answer.
    fn could_sign(&self, _text: &Alphabet) -> bool {
        true
    }
}

/// A finite language of challenge texts: which bytes they are made of, and how long they are at most.
#[derive(Clone, Debug)]
pub struct Alphabet {
    /// `true` at the bytes that may occur.
    pub bytes: [bool; 256],

    /// The longest text, in bytes.
    pub longest: usize,
}

/// A change by which a refused request would verify, if this were the mistake.
pub struct Hypothesis {
    /// Stable, such as `hmac/other-hash`.
    pub code: Cow<'static, str>,

    /// What a person would do about it.
    pub says: Cow<'static, str>,

    /// What to try.
    pub change: Change,
}

/// What to try instead of a scheme.
pub enum Change {
    /// Lines of TOML, laid over the mode's own table: they go with other changes, and mend the preset if they are right.
    Table(String),

    /// Another scheme, where no lines say it, such as one that asks less.
    Scheme(Box<dyn Scheme>),
}

/// What a scheme must be given, and what it proves at least.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Needs {
    /// How it reads the body.
    pub body: BodyNeed,

    /// Which kinds of key it takes.
    pub keys: Cow<'static, [KeyKind]>,

    /// Whether it may ask for something remote.
    pub remote: bool,

    /// What every request it verifies is bound to. Freshness without [`Binds::TIME`] is a configuration error.
    pub binds: Binds,

    /// Whether verifying may allocate. `false` is a promise that a counting allocator holds it to.
    pub allocates: bool,

    /// Whether who holds the keys can sign by it, so that [`Scheme::signer`] refuses keys and variables only.
    pub signs: bool,

    /// Whether what is signed differs from request to request. Where it does not, as with a token that is only shown, a
    /// request cannot be known by its content, and `[replay] key = "content"` is a configuration error.
    pub content: bool,

    /// The only headers that verifying looks at, where the scheme can say. `None`: any. Whoever passes requests on need pass
    /// no other.
    pub headers: Option<Vec<HeaderName>>,

    /// What an operator should know about this scheme, for `preset show`.
    pub notes: Vec<Cow<'static, str>>,
}

impl Needs {
    /// Nothing remote, nothing bound and no signing until said, and allocating until said otherwise.
    pub fn new(body: BodyNeed, keys: impl Into<Cow<'static, [KeyKind]>>) -> Self {
        let (binds, notes) = (Binds::default(), Vec::new());
        let (remote, signs, allocates, content) = (false, false, true, true);
        Needs { body, keys: keys.into(), remote, binds, allocates, signs, content, headers: None, notes }
    }

    /// What kind of key a secret is, of which no more is known: to sign, the private half where there is one; else a shared
    /// secret if the mode takes those, and otherwise the first of its kinds.
    pub fn key_kind(&self, signing: bool) -> KeyKind {
        match signing {
            true if self.keys.contains(&KeyKind::Private) => KeyKind::Private,
            _ if self.keys.contains(&KeyKind::Shared) => KeyKind::Shared,
            _ => self.keys.first().copied().unwrap_or(KeyKind::Shared),
        }
    }

    /// It may ask for something remote.
    pub fn remote(self, remote: bool) -> Self {
        Needs { remote, ..self }
    }

    /// What it always binds.
    pub fn binds(self, binds: Binds) -> Self {
        Needs { binds, ..self }
    }

    /// Who holds the keys can sign by it.
    pub fn signs(self, signs: bool) -> Self {
        Needs { signs, ..self }
    }
}

/// How a scheme reads the body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyNeed {
    /// Not at all.
    Nothing,

    /// Once, in order, as it arrives.
    Stream,

    /// All at once.
    Whole,
}

impl BodyNeed {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            BodyNeed::Nothing => "nothing",
            BodyNeed::Stream => "stream",
            BodyNeed::Whole => "whole",
        }
    }
}

/// The hot path: pure, shareable, and free of allocation when it says yes to plain content.
///
/// Given the same request and context, always the same answer. It keeps no state but a [`Memo`](crate::Memo), reads no
/// clock, opens no socket and never panics. A wrong yes is a forged request let in; a wrong no is a delivery that the
/// sender must repeat. When in doubt, no.
pub trait Check: Send + Sync {
    /// Prove which of the bound keys signed `request`, or say why none did. Every key is tried and every match reported,
    /// whatever its window: windows and freshness are the core's.
    fn check<'r>(&self, request: &Request<'r>, cx: &Context<'_>) -> Result<Evidence<'r>, Refusal>;

    /// What the content of `request` would be known by, whether or not any bound key signed it. Where fingerprints depend
    /// on the key, whoever asks several checks of one key each needs those of the keys that did not match, too: else a
    /// message with two signatures is new again once one of them is dropped. `None`: it cannot be read, or a match says
    /// all there is.
    fn fingerprints(&self, _request: &Request<'_>, _cx: &Context<'_>) -> Option<Fingerprints> {
        None
    }

    /// Start on a body that has not arrived. `None`: this scheme reads whole bodies, and the core will call
    /// [`check`](Self::check).
    fn begin(
        self: Arc<Self>,
        _head: &Head<'_>,
        _cx: &Context<'_>,
    ) -> Result<Option<Box<dyn Progress>>, Refusal> {
        Ok(None)
    }

    /// Tell `out` every step of the way: what was read and tried. Slow and candid.
    fn explain(&self, _request: &Request<'_>, _cx: &Context<'_>, _out: &mut dyn Explain) {}

    /// The MAC of a set-up challenge under the first key whose place is in `live`; `None` if this scheme makes no MACs.
    /// The core has proved that no such challenge can be signed content.
    fn mac(&self, _challenge: &[u8], _live: KeySet) -> Option<Vec<u8>> {
        None
    }
}

/// A check part-way through a body. It owns what it needs of the head.
pub trait Progress: Send {
    /// Take the next piece.
    fn update(&mut self, piece: &[u8]);

    /// The body has ended. After [`Refusal::Unresolved`] the core asks [`Check::check`] about the whole.
    fn finish(self: Box<Self>, cx: &Context<'_>) -> Result<Evidence<'static>, Refusal>;
}

/// What the world is like at this moment. The core never looks for itself.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The present.
    pub now: Timestamp,

    /// What has been fetched so far.
    pub remote: &'a dyn KeyCache,
}

impl<'a> Context<'a> {
    /// Now, and what has been fetched.
    pub fn new(now: Timestamp, remote: &'a dyn KeyCache) -> Self {
        Context { now, remote }
    }

    /// Now, with nothing fetched: enough for every scheme whose keys are configured.
    pub fn at(now: Timestamp) -> Context<'static> {
        Context { now, remote: &() }
    }
}

/// What a mode proved. Core, not the mode, turns it into an [`Outcome`](crate::Outcome).
#[derive(Debug)]
#[non_exhaustive]
pub struct Evidence<'r> {
    /// Who signed.
    pub signed_by: SignedBy,

    /// What replay falls back on when there is no id.
    pub fingerprints: Fingerprints,

    /// What this request's signature covers: at least [`Needs::binds`], or the core answers `mode_fault`.
    pub binds: Binds,

    /// The signed time. Believed only under [`Binds::TIME`].
    pub signed_at: Option<Timestamp>,

    /// The latest signed time, where a request has several, such as one for each element of a batch; `signed_at` is the
    /// earliest then. Both are judged.
    pub signed_until: Option<Timestamp>,

    /// The signed message id, borrowed from a header or decoded from the body. Believed only under [`Binds::ID`].
    pub message_id: Option<Cow<'r, str>>,
}

impl<'r> Evidence<'r> {
    /// The least a mode can prove. The fields are public: set the rest.
    #[inline]
    pub fn new(signed_by: SignedBy, fingerprints: Fingerprints, binds: Binds) -> Self {
        Evidence { signed_by, fingerprints, binds, signed_at: None, signed_until: None, message_id: None }
    }
}

/// Whose signature it was.
#[derive(Clone, Debug)]
pub enum SignedBy {
    /// Every held key that matches, never only the first: the core takes the first whose window holds the present, and
    /// only if none does is it `expired_secret`.
    Held(KeySet),

    /// A fetched key, and every held anchor it leads to: none where the preset itself says where keys live.
    Fetched(KeyId, KeySet),
}

/// Why a mode could prove nothing.
#[derive(Debug)]
pub enum Refusal {
    /// And never will, for this request.
    Rejected(Rejection),

    /// Until this is fetched.
    Unresolved(KeyRequest),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Refusal::Rejected(rejection)
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Refusal::Rejected(Rejection::new(reason))
    }
}

/// Hears a check explain itself.
pub trait Explain {
    /// One step.
    fn step(&mut self, step: Step<'_>);
}

/// One step of a check. There is no step for an expected tag, nor for a secret's bytes: what cannot be said cannot leak.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Step<'a> {
    /// A piece of the signed content, in order.
    Part {
        /// The placeholder, or empty for a literal.
        name: &'a str,
        /// What it stood for.
        bytes: &'a [u8],
    },

    /// A piece of the signed content made of the secret.
    SecretPart {
        /// The placeholder.
        name: &'a str,
    },

    /// A signature found on the wire, decoded.
    Candidate {
        /// Where it was.
        place: &'a str,
        /// What it was.
        bytes: &'a [u8],
    },

    /// Something that looked like one and was passed over.
    Unused {
        /// Where it was.
        place: &'a str,
        /// Why.
        why: &'a str,
    },

    /// A key was tried on all candidates.
    Tried {
        /// Which.
        key: &'a KeyId,
        /// With what luck.
        matched: bool,
    },
}

/// Makes signatures in the same scheme.
pub trait Sign: Send + Sync {
    /// Put everything the receiver must read (signatures by each of the `live` keys, time, id) into `out`. The core has
    /// judged the windows, and joins and places what comes.
    fn sign(&self, draft: &Draft<'_>, live: KeySet, out: &mut dyn FnMut(Mark)) -> Result<(), Rejection>;
}

/// Something to sign.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Draft<'m> {
    /// `POST`, unless said.
    pub method: &'m str,

    /// Where it is going.
    pub url: &'m str,

    /// What it carries already; some schemes sign them.
    pub headers: &'m dyn Headers,

    /// What it says.
    pub body: &'m [u8],

    /// Its id; the receiver's replay guard will use it.
    pub id: &'m str,

    /// When it is sent.
    pub at: Timestamp,
}

impl<'m> Draft<'m> {
    /// A POST without headers. The fields are public: set the rest.
    pub fn new(id: &'m str, at: Timestamp, url: &'m str, body: &'m [u8]) -> Self {
        Draft { method: "POST", url, headers: &(), body, id, at }
    }

    /// The request that a receiver would see if nothing were added.
    pub fn request(&self) -> Request<'m> {
        Request::new(Head::new(self.method, self.url, self.headers), self.body)
    }
}

/// One encoded piece for the receiver, such as `v1=5257a8…`.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Where it goes.
    pub place: MarkPlace,

    /// What goes there.
    pub text: Vec<u8>,

    /// What stands between it and the piece before it in the same place. `None`: the place takes one, and the first live
    /// key's goes there.
    pub joined_by: Option<Cow<'static, str>>,
}

/// Where a mark goes.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum MarkPlace {
    /// A header.
    Header(Arc<str>),

    /// A query parameter.
    Query(Arc<str>),

    /// A field of a form body.
    Form(Arc<str>),

    /// A pointer into a JSON body.
    Json(Arc<str>),
}
