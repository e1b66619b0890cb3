//! One source's receiver: everything between a request and whoever handles it.
//!
//! The surprising decision is that a claim is made before the request is handled, and can be given back. Claiming afterwards
//! would hand two copies that come together to two handlers; claiming for good would lose the message whose handler failed,
//! since its sender tries again and is told that it is a duplicate.

use crate::body::too_large;
use crate::{
    Keys, Proof, PublicUrl, Refusal, SystemClock, UrlError, UrlRoom, Verdict, collect, judge, respond,
};
use bytes::Bytes;
use countersign::config::ConfigErrors;
use countersign::{
    Answer, Binds, Claim, Class, Clock, Head, Reason, Rejection, ReplayGuard, Request, Timestamp, Verifier,
};
use http::request::Parts;
use http::{Response, StatusCode, Uri};
use http_body::Body;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Bytes of a body, unless said otherwise: 1 MiB.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// How long a body may take as a whole, unless said otherwise.
pub const BODY_TIME: Duration = Duration::from_secs(10);

/// Receives the requests of one source. Clones are the same receiver: they cost one reference count.
///
/// **Without a [replay guard](Settings::replay_guard) a genuine request that is sent again is received again.** Most senders
/// do that by themselves, after every time-out.
#[derive(Clone)]
pub struct Receiver {
    shared: Arc<Shared>,
}

struct Shared {
    /// A lock that is written when keys rotate. Reading it costs a request two atomic operations and waits for nobody.
    verifier: RwLock<Arc<Verifier>>,
    url: PublicUrl,
    limit: usize,
    time: Duration,
    clock: Arc<dyn Clock>,
    keys: Keys,
    guard: Option<Arc<dyn ReplayGuard>>,
    bound: Binds,
}

/// Settings of a [`Receiver`].
pub struct Settings {
    verifier: Arc<Verifier>,
    url: String,
    limit: usize,
    time: Duration,
    clock: Arc<dyn Clock>,
    keys: Keys,
    guard: Option<Arc<dyn ReplayGuard>>,
    bound: Binds,
}

impl Settings {
    /// Take bodies of at most so many bytes: [`BODY_LIMIT`], unless said otherwise.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        Settings { limit: bytes, ..self }
    }

    /// Wait so long for the whole of a body: [`BODY_TIME`], unless said otherwise.
    #[must_use]
    pub fn body_time(self, time: Duration) -> Self {
        Settings { time, ..self }
    }

    /// Take the time from here: from [`SystemClock`], unless said otherwise.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Settings { clock, ..self }
    }

    /// Have remote keys from here, for presets that want some.
    #[must_use]
    pub fn keys(self, keys: Keys) -> Self {
        Settings { keys, ..self }
    }

    /// Receive what is the same only once: a duplicate is answered 200, as its sender wants to hear, and nobody handles it.
    /// What is the same, the preset's `[replay]` says; with `key = "none"` nothing is. Without a guard, duplicates are
    /// received.
    ///
    /// [`countersign::MemoryGuard`] is one for a program that runs once, and forgets when it ends. A guard is asked on the
    /// thread that serves the request.
    #[must_use]
    pub fn replay_guard(self, guard: Arc<dyn ReplayGuard>) -> Self {
        Settings { guard: Some(guard), ..self }
    }

    /// Demand of every signature that it covers this, instead of [`Binds::BODY`]. Demanding more is always safe. With less,
    /// whoever saw one genuine request sends what body he likes in its place: then use nothing of a body but the id to ask
    /// the provider about.
    #[must_use]
    pub fn danger_require_bound(self, bound: Binds) -> Self {
        Settings { bound, ..self }
    }

    /// Make it. What could not work, or would not be safe, is said now.
    pub fn build(self) -> Result<Receiver, SetupError> {
        let Settings { verifier, url, limit, time, clock, keys, guard, bound } = self;
        let url = PublicUrl::parse(&url).map_err(SetupError::Url)?;
        fit(&verifier, bound, &keys)?;
        let verifier = RwLock::new(verifier);
        Ok(Receiver { shared: Arc::new(Shared { verifier, url, limit, time, clock, keys, guard, bound }) })
    }
}

impl Receiver {
    /// One for the source of `verifier`. `public_url` is the URL that senders were given, up to where the path of a request
    /// begins: `https://hooks.example.com`. It matters to the schemes that sign the URL, and is never taken from a request.
    pub fn builder(verifier: Arc<Verifier>, public_url: impl Into<String>) -> Settings {
        Settings {
            verifier,
            url: public_url.into(),
            limit: BODY_LIMIT,
            time: BODY_TIME,
            clock: Arc::new(SystemClock),
            keys: Keys::None,
            guard: None,
            bound: Binds::BODY,
        }
    }

    /// Judge by another verifier from now on, in every clone: keys rotate. Requests that are being judged go on by the old
    /// one. The new one is held to the same demands, and refused it changes nothing.
    pub fn replace(&self, verifier: Arc<Verifier>) -> Result<(), SetupError> {
        let Shared { verifier: held, keys, bound, .. } = &*self.shared;
        fit(&verifier, *bound, keys)?;
        *held.write().unwrap_or_else(PoisonError::into_inner) = verifier;
        Ok(())
    }

    /// What requests are judged by now.
    pub fn verifier(&self) -> Arc<Verifier> {
        self.shared.verifier.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The present, by the clock of this.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// A request as the core reads it: borrowed, with the public URL put together in `room`.
    pub fn request<'r>(&self, parts: &'r Parts, body: &'r [u8], room: &'r mut UrlRoom) -> Request<'r> {
        let url = self.shared.url.of(uri(parts), room);
        Request::new(Head::new(parts.method.as_str(), url, &parts.headers), body)
    }

    /// Read the body, judge the request, and claim it: the proof, or what is to be answered instead.
    ///
    /// This is all that the layer and the extractors do. Costs what [`collect`] and [`judge`] cost, a few reference counts, one
    /// allocation for the proof, and one for a message id if there is one.
    pub async fn receive<B>(&self, parts: &Parts, body: B) -> Result<Proof, Answered>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let Shared { limit, time, .. } = &*self.shared;
        match collect(body, *limit, *time).await {
            Ok(body) => self.receive_bytes(parts, body).await,
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// The same with a body that is here.
    pub async fn receive_bytes(&self, parts: &Parts, body: Bytes) -> Result<Proof, Answered> {
        let Shared { limit, keys, .. } = &*self.shared;
        if body.len() > *limit {
            return Err(too_large(*limit).into());
        }
        let (verifier, now, mut room) = (self.verifier(), self.now(), UrlRoom::default());
        let request = self.request(parts, &body, &mut room);
        let verified = match judge(&verifier, keys, &request, now).await {
            Verdict::Verified(verified) => verified,
            Verdict::Handshake { answer, signed } => {
                return Err(Answered { why: Why::Handshake { signed }, answer: Some(answer) });
            }
            Verdict::Learn(_) => return Err(Refusal::from(unasked()).into()),
            Verdict::Refused(rejection) => {
                // What a provider has to hear is no answer to a body without end, or while a key cannot be had.
                let answer = match rejection.reason.class() {
                    Class::Malformed | Class::Unauthentic | Class::Stale => {
                        verifier.response(false, &request)
                    }
                    Class::TooLarge | Class::Duplicate | Class::Unavailable => None,
                };
                return Err(Answered { why: Why::Refused(rejection.into()), answer });
            }
        };
        let answer = verifier.response(true, &request);
        let (claim, claimed) = match &self.shared.guard {
            None => (Claim::Fresh, Vec::new()),
            Some(guard) => {
                let keys = verified.replay_keys(now);
                match guard.claim(&keys, now) {
                    Claim::Fresh => (Claim::Fresh, keys),
                    other => (other, Vec::new()),
                }
            }
        };
        let proof = |answer| Proof::new(self, verifier.clone(), &verified, (body.clone(), answer), claimed);
        match claim {
            Claim::Fresh => Ok(proof(answer)),
            Claim::Seen => Err(Answered { why: Why::Duplicate(proof(answer.clone())), answer }),
            Claim::Unknown => Err(Refusal::Unsure.into()),
        }
    }

    pub(crate) fn guard(&self) -> Option<&dyn ReplayGuard> {
        self.shared.guard.as_deref()
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("source", &self.verifier().source()).finish_non_exhaustive()
    }
}

/// What a sender is answered instead of being handled.
#[derive(Debug)]
pub struct Answered {
    why: Why,
    answer: Option<Answer>,
}

/// Why a request was answered and not handled. Goes along in the extensions of the response, for the host's log; no sender
/// sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Why {
    /// Refused: see [`Refusal::status`].
    Refused(Refusal),

    /// A set-up challenge, answered as the preset says.
    Handshake {
        /// Whether it was verified before it was answered.
        signed: bool,
    },

    /// Genuine, and received before: answered 200, or as the preset says.
    Duplicate(Proof),
}

impl Answered {
    /// Why.
    pub fn why(&self) -> &Why {
        &self.why
    }

    /// The response: what the preset says, or the generic one. [`Why`] is in its extensions.
    pub fn into_response<B: From<Bytes>>(self) -> Response<B> {
        let mut response = match (self.answer, &self.why) {
            (Some(answer), _) => respond(answer),
            (None, Why::Refused(refusal)) => return refusal.clone().into_response(),
            (None, Why::Handshake { .. } | Why::Duplicate(_)) => Response::new(Bytes::new().into()),
        };
        response.extensions_mut().insert(self.why);
        response
    }

    /// What its status will be.
    pub fn status(&self) -> StatusCode {
        match (&self.answer, &self.why) {
            (Some(answer), _) => {
                StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            (None, Why::Refused(refusal)) => refusal.status(),
            (None, Why::Handshake { .. } | Why::Duplicate(_)) => StatusCode::OK,
        }
    }
}

impl From<Refusal> for Answered {
    fn from(refusal: Refusal) -> Self {
        Answered { why: Why::Refused(refusal), answer: None }
    }
}

/// A receiver that would not work, or would not be safe: found before the first request.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// The public URL is none.
    Url(UrlError),

    /// The preset's signatures do not cover what is demanded.
    Unbound(ConfigErrors),

    /// The preset, of this name, fetches keys, and the receiver has them from nowhere.
    NoKeys(String),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::Url(error) => error.fmt(f),
            SetupError::Unbound(errors) => errors.fmt(f),
            SetupError::NoKeys(preset) => write!(
                f,
                "`{preset}` fetches keys, and this receiver has them from nowhere: give it \
                 `.keys(Keys::Fetched(fetcher))`, with the feature `fetch`, or what it holds by other means"
            ),
        }
    }
}

impl Error for SetupError {}

fn fit(verifier: &Verifier, bound: Binds, keys: &Keys) -> Result<(), SetupError> {
    let compiled = verifier.compiled();
    compiled.require_bound(bound).map_err(SetupError::Unbound)?;
    match keys {
        Keys::None if compiled.needs().remote => Err(SetupError::NoKeys(compiled.preset().name.to_string())),
        _ => Ok(()),
    }
}

/// The URI as it came. A router that takes a prefix off keeps the whole for us.
fn uri(parts: &Parts) -> &Uri {
    #[cfg(feature = "axum")]
    if let Some(::axum::extract::OriginalUri(uri)) = parts.extensions.get() {
        return uri;
    }
    &parts.uri
}

/// A request that hands over a secret, where nobody waits for one.
fn unasked() -> Rejection {
    let says = "the request hands over a secret, which only an operator may take";
    Rejection::new(Reason::MissingSignature).detail("handshake/learn", says)
}
