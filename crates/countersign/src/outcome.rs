//! The answer to one request: who signed it and what that covers, or the one reason why not.
//!
//! A reason is for machines and never changes its meaning; a detail is for operators; a sender hears neither, only a
//! class. Accepting is a step of its own: a verified request may still be one that was accepted before.

use crate::keys::{KeyId, KeyRequest};
use crate::replay::{Claim, Replay, ReplayBy, ReplayGuard, ReplayKey};
use crate::time::Timestamp;
use crate::verifier::Origin;
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt;
use std::ops::BitOr;
use std::sync::Arc;

/// The answer to one request. Exhaustive on purpose: a host handles all three.
#[derive(Debug)]
#[must_use = "an unread outcome is an unverified request"]
pub enum Outcome<'r> {
    /// Signed by a key we hold, and recent enough.
    Verified(Verified<'r>),

    /// Not to be trusted, and why.
    Rejected(Rejection),

    /// Undecided: fetch this, cache it, and ask again.
    Unresolved(KeyRequest),
}

impl<'r> Outcome<'r> {
    /// The proof, for hosts whose presets never ask for anything remote: there, unresolved is `key_unavailable`.
    pub fn into_verified(self) -> Result<Verified<'r>, Rejection> {
        match self {
            Outcome::Verified(verified) => Ok(verified),
            Outcome::Rejected(rejection) => Err(rejection),
            Outcome::Unresolved(_) => Err(Rejection::new(Reason::KeyUnavailable)),
        }
    }

    /// The stable code: `ok`, a reason's, or `unresolved`.
    pub fn code(&self) -> &'static str {
        match self {
            Outcome::Verified(_) => "ok",
            Outcome::Rejected(rejection) => rejection.reason.code(),
            Outcome::Unresolved(_) => "unresolved",
        }
    }
}

/// Proof that a request was verified, together with what was. Only a [`Verifier`](crate::Verifier) makes one.
#[derive(Debug)]
pub struct Verified<'r> {
    pub(crate) origin: Arc<Origin>,
    pub(crate) key: Signer,
    pub(crate) message_id: Option<Cow<'r, str>>,
    pub(crate) signed_at: Option<Timestamp>,
    pub(crate) binds: Binds,
    pub(crate) fingerprints: Fingerprints,
    pub(crate) body: Body<'r>,
}

/// Which key signed: a place in the source's ring, so that naming it costs nothing, or a fetched one.
#[derive(Clone, Debug)]
pub(crate) enum Signer {
    Held(u8),
    Fetched(KeyId),
}

pub(crate) enum Body<'r> {
    Borrowed(&'r [u8]),
    /// As it was collected: an `Arc<[u8]>` would copy it once more.
    Shared(Arc<Vec<u8>>),
}

/// Prints nothing: a body may hold what logs must not.
impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(..)")
    }
}

impl<'r> Verified<'r> {
    /// The source whose verifier said yes.
    pub fn source(&self) -> &str {
        &self.origin.source
    }

    /// The preset it was verified by.
    pub fn preset(&self) -> &str {
        &self.origin.preset
    }

    /// The mode that proved it.
    pub fn mode(&self) -> &str {
        &self.origin.mode
    }

    /// Which key signed.
    pub fn key(&self) -> &KeyId {
        match &self.key {
            Signer::Held(index) => &self.origin.keys[usize::from(*index)].0,
            Signer::Fetched(id) => id,
        }
    }

    /// The sender's own name for the message, if it was signed.
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// When the sender says it signed, if that was signed.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.signed_at
    }

    /// What the signature covers: of all else here, nothing is known.
    pub fn binds(&self) -> Binds {
        self.binds
    }

    /// The body that was judged. Trust it only under [`Binds::BODY`].
    pub fn body(&self) -> &[u8] {
        match &self.body {
            Body::Borrowed(body) => body,
            Body::Shared(body) => body,
        }
    }

    /// What to remember so that this request is accepted once, until when. Hashed on demand: verifying alone does not
    /// pay for it. Empty if the preset's `[replay]` says `none`.
    pub fn replay_keys(&self, now: Timestamp) -> Vec<ReplayKey> {
        let Origin { source, mode, replay, .. } = &*self.origin;
        let Replay { key, keep } = *replay;
        let expires = now.after(keep);
        let new = |kind: &str, value: &[u8]| ReplayKey::new(source, mode, kind, value, expires);
        match key {
            ReplayBy::None => Vec::new(),
            ReplayBy::Id if self.message_id.is_some() => {
                self.message_id.iter().map(|id| new("id", id.as_bytes())).collect()
            }
            // A request without the id it should have must not pass as new: its content is remembered instead.
            ReplayBy::Id | ReplayBy::Content => {
                self.fingerprints.each().iter().map(|print| new("content", print)).collect()
            }
        }
    }

    /// Let go of the request: copies the body and the id.
    pub fn into_owned(self) -> Verified<'static> {
        let Verified { origin, key, message_id, signed_at, binds, fingerprints, body } = self;
        let body = match body {
            Body::Borrowed(body) => Body::Shared(Arc::new(body.to_vec())),
            Body::Shared(body) => Body::Shared(body),
        };
        let message_id = message_id.map(|id| Cow::Owned(id.into_owned()));
        Verified { origin, key, message_id, signed_at, binds, fingerprints, body }
    }

    /// Claim the replay keys in `guard` and be done. For hosts with a synchronous guard; a database claims and records
    /// in one step and gives the proof itself.
    #[expect(clippy::result_large_err, reason = "both sides hold the request; boxing one would allocate")]
    pub fn accept(self, guard: &dyn ReplayGuard, now: Timestamp) -> Result<Accepted<'r>, Unaccepted<'r>> {
        let claim = guard.claim(&self.replay_keys(now), now);
        danger::settle(self, claim)
    }
}

/// Proof that a verified request has not been accepted before. It holds that very request, so that nothing else can be
/// stored in its name.
#[derive(Debug)]
pub struct Accepted<'r>(Verified<'r>);

impl<'r> Accepted<'r> {
    /// The request that was accepted.
    pub fn verified(&self) -> &Verified<'r> {
        &self.0
    }
}

/// Why a verified request was not accepted. Either way the host may still want the request: for its log, or to wait.
#[derive(Debug)]
pub enum Unaccepted<'r> {
    /// Accepted before: [`Reason::Replayed`].
    Seen(Verified<'r>),

    /// The guard cannot say. Answered 503, never let through.
    Unknown(Verified<'r>),
}

impl Unaccepted<'_> {
    /// What a host does about it.
    pub fn class(&self) -> Class {
        match self {
            Unaccepted::Seen(_) => Class::Duplicate,
            Unaccepted::Unknown(_) => Class::Unavailable,
        }
    }
}

/// Proofs without their grounds. A use outside a store that claims and records in one step is a bug, or needs a comment
/// saying why not.
pub mod danger {
    use super::{Accepted, Claim, Unaccepted, Verified};

    /// Make the proof from an answer that a guard has already given for exactly these replay keys.
    #[expect(clippy::result_large_err, reason = "both sides hold the request; boxing one would allocate")]
    pub fn settle(verified: Verified<'_>, claim: Claim) -> Result<Accepted<'_>, Unaccepted<'_>> {
        match claim {
            Claim::Fresh => Ok(Accepted(verified)),
            Claim::Seen => Err(Unaccepted::Seen(verified)),
            Claim::Unknown => Err(Unaccepted::Unknown(verified)),
        }
    }
}

/// What a signature covers, as a set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Binds(u16);

impl Binds {
    /// Every byte of the body.
    pub const BODY: Self = Binds(1);

    /// The time in [`Verified::signed_at`].
    pub const TIME: Self = Binds(2);

    /// The id in [`Verified::message_id`].
    pub const ID: Self = Binds(4);

    /// Scheme, host and path, up to the spelling of percent-escapes and the default port.
    pub const URL: Self = Binds(8);

    /// The method.
    pub const METHOD: Self = Binds(16);

    /// The query string.
    pub const QUERY: Self = Binds(32);

    /// All of it.
    pub const ALL: Self = Binds(63);

    /// Every part and its word, as in `preset show` and JSON.
    pub const WORDS: &'static [(Self, &'static str)] = &[
        (Self::BODY, "body"),
        (Self::TIME, "time"),
        (Self::ID, "id"),
        (Self::URL, "url"),
        (Self::METHOD, "method"),
        (Self::QUERY, "query"),
    ];

    /// The set as bits, one for each of [`WORDS`](Self::WORDS) in their order, for whoever carries it across a border. A bit
    /// never changes its meaning.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The set of these bits; `None` if one of them stands for nothing.
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 { Some(Binds(bits)) } else { None }
    }

    /// Whether all of `other` is covered.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together, in constants too.
    pub const fn and(self, other: Self) -> Self {
        Binds(self.0 | other.0)
    }

    /// What both cover.
    pub const fn common(self, other: Self) -> Self {
        Binds(self.0 & other.0)
    }

    /// What of this is none of that.
    pub(crate) const fn without(self, other: Self) -> Self {
        Binds(self.0 & !other.0)
    }

    /// The words for what is covered.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().filter(move |(part, _)| self.contains(*part)).map(|(_, word)| *word)
    }
}

impl BitOr for Binds {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Rejection {
    /// The stable reason.
    pub reason: Reason,

    /// The mode's finer code, for operators. Senders never see it.
    pub detail: Option<Detail>,
}

impl Rejection {
    /// A bare reason.
    pub fn new(reason: Reason) -> Self {
        Rejection { reason, detail: None }
    }

    /// And what a person should know: a code of the mode's and a sentence without key material or expected tags.
    pub fn detail(self, code: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Self {
        Rejection { detail: Some(Detail { code: code.into(), text: text.into() }), ..self }
    }

    /// Of two, the one that was more nearly accepted; the first among equals. For modes that try several things.
    #[must_use]
    pub fn or_nearer(self, other: Rejection) -> Rejection {
        if other.reason.rank() > self.reason.rank() { other } else { self }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.code())?;
        match &self.detail {
            Some(detail) => write!(f, ": {}", detail.text),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Rejection {}

/// A mode's own code under a core reason, such as `jwt/alg-not-allowed`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Detail {
    /// Declared in [`ModeInfo::details`](crate::ModeInfo::details).
    pub code: Cow<'static, str>,

    /// What happened, in words. Never key material, never an expected tag.
    pub text: Cow<'static, str>,
}

macro_rules! reasons {
    ($($variant:ident = $number:literal, $rank:literal, $class:ident, $code:literal, $doc:literal;)+) => {
        /// Why a request was refused.
        ///
        /// Codes and numbers never change meaning, and new ones are added at the end; the enum is closed so that a host
        /// can match it whole. How nearly accepted a request was is [`rank`](Self::rank), which may change. A verified
        /// request's code is `ok`; a preset that cannot be used fails earlier, as
        /// [`ConfigErrors`](crate::ConfigErrors).
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u16)]
        pub enum Reason { $(#[doc = concat!("`", $code, "`: ", $doc)] $variant = $number,)+ }

        impl Reason {
            /// Every reason, by number.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),+];

            /// The snake_case code, as in logs, vectors and APIs.
            pub const fn code(self) -> &'static str { match self { $(Reason::$variant => $code,)+ } }

            /// The sentence for people.
            pub const fn says(self) -> &'static str { match self { $(Reason::$variant => $doc,)+ } }

            /// How nearly accepted: when several keys or signatures all fail, the highest is reported, the first among
            /// equals.
            pub const fn rank(self) -> u8 { match self { $(Reason::$variant => $rank,)+ } }

            /// What a host does about it.
            pub const fn class(self) -> Class { match self { $(Reason::$variant => Class::$class,)+ } }
        }
    };
}
reasons! {
    // variant         number rank class       code                   what it says
    PayloadTooLarge    = 1,    0,  TooLarge,    "payload_too_large",   "the body passed the limit before it ended.";
    MissingHeader      = 2,   10,  Malformed,   "missing_header",      "a header, parameter or field that the signed content needs is absent.";
    MalformedContent   = 3,   20,  Malformed,   "malformed_content",   "what was signed cannot be rebuilt from this request.";
    MissingSignature   = 4,   30,  Unauthentic, "missing_signature",   "the request carries no signature.";
    MalformedSignature = 5,   40,  Unauthentic, "malformed_signature", "present, but unreadable, ambiguous, or of a version we refuse.";
    NoActiveSecret     = 6,   50,  Unauthentic, "no_active_secret",    "no key of this source may be used now.";
    KeyUnavailable     = 7,   60,  Unavailable, "key_unavailable",     "the key exists somewhere, but could not be had in time.";
    UnknownKey         = 8,   70,  Unauthentic, "unknown_key",         "the signature names a key we do not hold.";
    UntrustedKey       = 9,   80,  Unauthentic, "untrusted_key",       "the key came with the request and leads to no root we trust.";
    BadSignature       = 10,  90,  Unauthentic, "bad_signature",       "no held key made this signature over this content.";
    ClaimMismatch      = 11, 100,  Unauthentic, "claim_mismatch",      "the signature is good, but was made for someone or something else.";
    ExpiredSecret      = 12, 110,  Unauthentic, "expired_secret",      "the signature is good, but every key that made it is outside its window.";
    MissingTimestamp   = 13,  10,  Malformed,   "missing_timestamp",   "the preset declares a time and there is none, wherever it belongs.";
    MalformedTimestamp = 14, 120,  Malformed,   "malformed_timestamp", "there is one, and it is not a time.";
    StaleTimestamp     = 15, 130,  Stale,       "stale_timestamp",     "older than the tolerance.";
    FutureTimestamp    = 16, 130,  Stale,       "future_timestamp",    "further ahead than the tolerance.";
    Replayed           = 17, 140,  Duplicate,   "replayed",            "accepted before.";
    Disallowed         = 18,   5,  Malformed,   "disallowed",          "authentic or not, the preset takes no such request: no case of it fits.";
    ModeFault          = 19, 255,  Unavailable, "mode_fault",          "the mode broke its contract or failed; nothing is known of the request.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What a host does about a refusal, and all that the sender is told.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Class {
    /// The request makes no sense.
    Malformed,

    /// The sender is not who it says.
    Unauthentic,

    /// The message is not for now.
    Stale,

    /// The body is too big.
    TooLarge,

    /// Done already: a success for the sender, nothing new for us.
    Duplicate,

    /// We cannot tell yet; the sender should retry.
    Unavailable,
}

impl Class {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Class::Malformed => 400,
            Class::Unauthentic | Class::Stale => 401,
            Class::TooLarge => 413,
            Class::Duplicate => 200,
            Class::Unavailable => 503,
        }
    }
}

/// What stays the same when the same content is sent again with another of its signatures.
///
/// While rotating, senders put two tags on the wire. A guard that remembered only the tag that matched would let the
/// message in again with that tag cut out.
#[derive(Clone)]
pub struct Fingerprints(Prints);

#[derive(Clone)]
enum Prints {
    Made(SmallVec<[[u8; 32]; 4]>),
    /// To be hashed when somebody asks.
    Content(Vec<u8>),
}

impl Fingerprints {
    /// A digest of the signed content, independent of any key. Not of a signature: some can be varied.
    #[inline]
    pub fn content(digest: [u8; 32]) -> Self {
        Self(Prints::Made(SmallVec::from_slice(&[digest])))
    }

    /// The signed content itself, where a mode has all of it in one piece: its SHA-256 is made when the request is to be
    /// remembered, and verifying alone does not pay for it.
    pub fn of_content(content: Vec<u8>) -> Self {
        Self(Prints::Content(content))
    }

    /// The content's tags under all keys of the ring, live or not, cut or zero-padded to 32 bytes: a MAC scheme has
    /// them anyway. Up to four cost no allocation.
    pub fn tags(all: impl IntoIterator<Item = [u8; 32]>) -> Self {
        Self(Prints::Made(all.into_iter().collect()))
    }

    /// The same, where they are together already.
    pub(crate) fn of(tags: SmallVec<[[u8; 32]; 4]>) -> Self {
        Self(Prints::Made(tags))
    }

    /// Each of them, for whoever carries them across a border. They can be valid tags: never print them.
    #[inline]
    pub fn each(&self) -> Cow<'_, [[u8; 32]]> {
        match &self.0 {
            Prints::Made(tags) => Cow::Borrowed(tags),
            Prints::Content(content) => Cow::Owned(vec![Sha256::digest(content).into()]),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.0, Prints::Made(tags) if tags.is_empty())
    }
}

/// Prints nothing: they are valid tags.
impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprints(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_and_numbers_are_unique_and_in_order() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for (i, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, i + 1, "numbers are given once and never again");
            assert!(reason.says().ends_with('.'));
        }
    }

    #[test]
    fn the_most_nearly_accepted_refusal_is_reported_and_the_first_among_equals() {
        let bad = Rejection::new(Reason::BadSignature);
        let expired = Rejection::new(Reason::ExpiredSecret);
        assert_eq!(bad.clone().or_nearer(expired.clone()).reason, Reason::ExpiredSecret);
        assert_eq!(expired.or_nearer(bad).reason, Reason::ExpiredSecret);
        let stale = Rejection::new(Reason::StaleTimestamp);
        assert_eq!(stale.or_nearer(Rejection::new(Reason::FutureTimestamp)).reason, Reason::StaleTimestamp);
    }

    #[test]
    fn what_is_bound_prints_in_words() {
        let some = Binds::BODY | Binds::TIME;
        assert_eq!(some.words().collect::<Vec<_>>(), ["body", "time"]);
        assert!(some.contains(Binds::BODY) && !some.contains(Binds::BODY.and(Binds::ID)));
        assert_eq!(Binds::ALL.words().count(), Binds::WORDS.len());
    }
}
