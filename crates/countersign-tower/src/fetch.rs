//! Remote keys: had once, kept for a while, had again when it is time.
//!
//! Whoever sends a request can make us want a key, so nothing here may cost more for being asked more often. One
//! document is fetched by one task at a time, and after a fetch it is left alone for a while, whatever came of it.
//!
//! The surprising decision is who fetches: a task of its own, never the request that wants the key. A sender who hangs up
//! would take the fetch with him, having used up the one that was allowed; so he could keep us from ever learning of a
//! new key.

mod held;
mod named;
mod rules;

pub use named::{Fetching, NamedSource};
pub use rules::Rules;

use countersign::{
    Clock, Context, DetailInfo, Document, Finish, KeyCache, KeyRequest, MAX_FETCHES, Outcome, Reason,
    Rejection, Request, RequestKind, Stream, Timestamp, Verified, Verifier, Waiting,
};
use countersign_egress::{Client, Refused};
use held::{Held, Landed, Plan, Trouble};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Fetches the keys that presets ask for, and keeps them. Clones share what is kept: a program has one.
///
/// Give it to a [`Context`] as what has been fetched, and let [`resolve`](Self::resolve) or [`finish`](Self::finish)
/// verify; or ask [`fetch`](Self::fetch) yourself and verify again. Wants a tokio runtime with time and IO.
///
/// ```
/// use countersign::{Clock, KeyRequest, Reason, RequestKind, Timestamp};
/// use countersign_egress::Client;
/// use countersign_tower::KeyFetcher;
///
/// struct Noon; // a host has one that asks the system
/// impl Clock for Noon {
///     fn now(&self) -> Timestamp {
///         Timestamp::from_unix(1_700_000_000)
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let fetcher = KeyFetcher::builder(Client::builder().build()?, std::sync::Arc::new(Noon)).build();
/// let wanted = KeyRequest::new(RequestKind::Url, "https://10.0.0.1/.well-known/jwks.json");
/// let refused = fetcher.fetch(&wanted).await.unwrap_err();
/// assert_eq!(refused.reason, Reason::KeyUnavailable);
/// assert!(refused.to_string().contains("address-refused: 10.0.0.1 is private (RFC 1918)"));
/// # Ok::<_, countersign_egress::Refused>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeyFetcher {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    clock: Arc<dyn Clock>,
    rules: Rules,
    named: Option<Arc<dyn NamedSource>>,
    held: Mutex<Held>,
}

/// Settings of a [`KeyFetcher`].
pub struct Builder {
    client: Client,
    clock: Arc<dyn Clock>,
    rules: Rules,
    named: Option<Arc<dyn NamedSource>>,
}

impl Builder {
    /// Keep other times and sizes.
    #[must_use]
    pub fn rules(self, rules: Rules) -> Self {
        Builder { rules, ..self }
    }

    /// Where named documents come from. Without one, a preset that asks for a name gets `key_unavailable`.
    #[must_use]
    pub fn named(self, source: impl NamedSource + 'static) -> Self {
        Builder { named: Some(Arc::new(source)), ..self }
    }

    /// Make it.
    pub fn build(self) -> KeyFetcher {
        let Builder { client, clock, mut rules, named } = self;
        rules.hosts.iter_mut().for_each(|host| host.make_ascii_lowercase());
        let held = Mutex::new(Held::default());
        KeyFetcher { shared: Arc::new(Shared { client, clock, rules, named, held }) }
    }
}

impl KeyFetcher {
    /// One that calls by `client`, whose rule of addresses holds, and takes the age of what is kept from `clock`.
    pub fn builder(client: Client, clock: Arc<dyn Clock>) -> Builder {
        Builder { client, clock, rules: Rules::default(), named: None }
    }

    /// Judge a whole request at `now`, fetching what is missing: at most [`MAX_FETCHES`] documents, each within
    /// [`Rules::limits`]. A key that cannot be had is `key_unavailable`; one that a fresh copy lacks is `unknown_key`.
    pub async fn resolve<'r>(
        &self,
        verifier: &Verifier,
        request: &Request<'r>,
        now: Timestamp,
    ) -> Result<Verified<'r>, Rejection> {
        self.settle(now, |cx| verifier.verify(request, cx)).await
    }

    /// The same for a body that arrived in pieces.
    pub async fn finish(&self, stream: Stream, now: Timestamp) -> Result<Verified<'static>, Rejection> {
        let (mut stream, mut left): (_, Option<Waiting>) = (Some(stream), None);
        let judge = move |cx: &Context<'_>| {
            let finish = match (stream.take(), left.take()) {
                (Some(stream), _) => stream.finish(cx),
                (None, Some(waiting)) => waiting.finish(cx),
                (None, None) => Finish::Rejected(Rejection::new(Reason::KeyUnavailable)),
            };
            match finish {
                Finish::Verified(verified) => Outcome::Verified(verified),
                Finish::Rejected(rejection) => Outcome::Rejected(rejection),
                Finish::Unresolved(wanted, waiting) => {
                    left = Some(waiting);
                    Outcome::Unresolved(wanted)
                }
            }
        };
        self.settle(now, judge).await
    }

    /// Have what is wanted, if the rules allow: by a fetch, by one that is under way, or because it is here already.
    /// Afterwards [`KeyCache::get`] has it. Dropping this ends the waiting and not the fetch.
    pub async fn fetch(&self, wanted: &KeyRequest) -> Result<(), Rejection> {
        let shared = &self.shared;
        let now = shared.clock.now();
        let refuse = |trouble: &Trouble| shared.held().refusal(wanted, trouble, shared.clock.now());
        shared.allowed(wanted).map_err(|trouble| refuse(&trouble))?;
        let plan = shared.held().plan(&shared.rules, wanted, now);
        let mut landing = match plan {
            Plan::Have => return Ok(()),
            Plan::Refuse(trouble) => return Err(refuse(&trouble)),
            Plan::Join(landing) => landing,
            Plan::Start(landed, landing) => {
                let flight = Flight { shared: shared.clone(), wanted: wanted.clone(), started: now, landed };
                match Handle::try_current() {
                    Ok(runtime) => drop(runtime.spawn(flight.fly())),
                    Err(_) => {
                        flight.land(Err(Trouble::new("fetch/failed", "there is no runtime to fetch in")))
                    }
                }
                landing
            }
        };
        let landed = match landing.wait_for(Option::is_some).await {
            Ok(landed) => landed.clone(),
            Err(_) => None,
        };
        match landed {
            Some(Ok(())) => Ok(()),
            Some(Err(trouble)) => Err(refuse(&trouble)),
            None => Err(refuse(&Trouble::lost())),
        }
    }

    /// As [`countersign::drive`], but a copy past its age is only shown once a newer one could not be had, and the
    /// refusal says why.
    async fn settle<'r>(
        &self,
        now: Timestamp,
        mut judge: impl FnMut(&Context<'_>) -> Outcome<'r>,
    ) -> Result<Verified<'r>, Rejection> {
        let view = View { shared: &self.shared, tried: Mutex::default(), read: Mutex::default() };
        let mut asked = Vec::new();
        // One verification more than fetches: the last document is used, too.
        for round in 0..=MAX_FETCHES {
            let wanted = match judge(&Context::new(now, &view)) {
                Outcome::Verified(verified) => {
                    view.prove();
                    return Ok(verified);
                }
                Outcome::Rejected(rejection) => return Err(rejection),
                Outcome::Unresolved(wanted) => wanted,
            };
            if round == MAX_FETCHES || asked.contains(&wanted) {
                break;
            }
            if let Err(rejection) = self.fetch(&wanted).await
                && !view.falls_back(&wanted)
            {
                return Err(rejection);
            }
            asked.push(wanted);
        }
        Err(Rejection::new(Reason::KeyUnavailable))
    }
}

/// What is kept, for hosts that drive by themselves: fresh copies, and older ones while their server is known to be down.
impl KeyCache for KeyFetcher {
    fn get(&self, kind: RequestKind, name: &str) -> Option<Document> {
        let Shared { clock, rules, .. } = &*self.shared;
        Some(self.shared.held().copy(rules, (kind, name), clock.now(), false)?.1)
    }
}

/// What is kept, as one request sees it.
struct View<'a> {
    shared: &'a Shared,
    /// What could not be had anew: a copy past its age will do.
    tried: Mutex<Vec<Place>>,
    /// What was shown.
    read: Mutex<Vec<Place>>,
}

type Place = (RequestKind, Arc<str>);

impl View<'_> {
    /// Whether there is a copy past its age to fall back on. One that lacked a key is none.
    fn falls_back(&self, wanted: &KeyRequest) -> bool {
        let Shared { clock, rules, .. } = self.shared;
        let place = (wanted.kind, &*wanted.name);
        let found = self.shared.held().copy(rules, place, clock.now(), true);
        match found.filter(|_| wanted.newer_than.is_none()) {
            Some((name, _)) => {
                open(&self.tried).push((wanted.kind, name));
                true
            }
            None => false,
        }
    }

    /// The copies shown led to a proof: they are evicted last.
    fn prove(&self) {
        let mut held = self.shared.held();
        for (kind, name) in &*open(&self.read) {
            held.prove(*kind, name);
        }
    }
}

impl KeyCache for View<'_> {
    fn get(&self, kind: RequestKind, name: &str) -> Option<Document> {
        let Shared { clock, rules, .. } = self.shared;
        let tried = open(&self.tried).iter().any(|(tried, of)| *tried == kind && **of == *name);
        let (name, document) = self.shared.held().copy(rules, (kind, name), clock.now(), tried)?;
        let mut read = open(&self.read);
        if !read.contains(&(kind, name.clone())) {
            read.push((kind, name));
        }
        Some(document)
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        open(&self.held)
    }

    /// Whether this may be asked for at all. Judged before anything is kept, so that refused names take no room.
    fn allowed(&self, wanted: &KeyRequest) -> Result<(), Trouble> {
        let refused = |says: String| Err(Trouble::new("fetch/refused", says));
        match wanted.kind {
            RequestKind::Named if self.named.is_none() => {
                let says = "the preset asks for a named document, and this host has no source of them";
                Err(Trouble::new("fetch/no-source", says))
            }
            RequestKind::Named if wanted.name.len() > rules::MAX_NAME => {
                refused("the name is too long".into())
            }
            RequestKind::Named => Ok(()),
            RequestKind::Url => match self.client.reach().judge_url(&wanted.name) {
                Ok(url) if self.rules.takes(url.host_str().unwrap_or_default()) => Ok(()),
                Ok(url) => refused(format!(
                    "`{}` is none of the hosts that keys may come from",
                    url.host_str().unwrap_or_default()
                )),
                Err(why) => refused(why.to_string()),
            },
        }
    }

    async fn document(&self, wanted: &KeyRequest) -> Landed {
        let Rules { limits, .. } = &self.rules;
        let (bytes, max_age) = match (wanted.kind, &self.named) {
            (RequestKind::Url, _) => {
                let response = self.client.get(&wanted.name, limits).await.map_err(failed)?;
                let page = response.header("content-type").is_some_and(|kind| kind.contains("text/html"));
                let max_age = response.header("cache-control").and_then(rules::max_age);
                (if page { b"<".to_vec() } else { response.body }, max_age)
            }
            (RequestKind::Named, Some(source)) => {
                let says = |says: String| Trouble::new("fetch/failed", says);
                match tokio::time::timeout(limits.time, source.fetch(&wanted.name)).await {
                    Ok(Ok(bytes)) if bytes.len() > limits.bytes => {
                        return Err(says(format!("the document is longer than {} bytes", limits.bytes)));
                    }
                    Ok(Ok(bytes)) => (bytes, None),
                    Ok(Err(why)) => return Err(says(why)),
                    Err(_) => return Err(says(format!("the source did not answer in {:?}", limits.time))),
                }
            }
            (RequestKind::Named, None) => return Err(Trouble::lost()),
        };
        // Pages for people come with 200, too, when a server is being mended: no key begins like one, and it must not
        // replace one.
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None | Some(b'<') => {
                Err(Trouble::new("fetch/no-key", "the answer is a page or empty, and no key"))
            }
            Some(_) => Ok((bytes, max_age)),
        }
    }
}

/// A fetch under way. However it ends, it lands: dropped half-way, it has failed.
struct Flight {
    shared: Arc<Shared>,
    wanted: KeyRequest,
    started: Timestamp,
    landed: watch::Sender<Option<Result<(), Trouble>>>,
}

impl Flight {
    async fn fly(self) {
        let landed = self.shared.document(&self.wanted).await;
        self.land(landed);
    }

    fn land(&self, landed: Landed) {
        let now = self.shared.clock.now();
        let result = landed.as_ref().map(|_| ()).map_err(Trouble::clone);
        self.shared.held().land(&self.shared.rules, &self.wanted, landed, (self.started, now));
        self.landed.send_replace(Some(result));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.landed.borrow().is_none() {
            self.land(Err(Trouble::lost()));
        }
    }
}

fn failed(refused: Refused) -> Trouble {
    let code = if refused.why.is_rule() { "fetch/refused" } else { "fetch/failed" };
    Trouble::new(code, refused.to_string())
}

/// A poisoned lock holds whole entries all the same: nothing is done under it that calls what is not ours.
fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn detail(code: &'static str, reason: Reason, says: &'static str) -> DetailInfo {
    (Cow::Borrowed(code), reason, Cow::Borrowed(says))
}

/// The details that fetching gives, whatever the mode.
pub const DETAILS: &[DetailInfo] = &[
    detail("fetch/failed", Reason::KeyUnavailable, "the key was fetched, and nothing came of it"),
    detail(
        "fetch/refused",
        Reason::KeyUnavailable,
        "the key is where we do not go: by its URL, host or address",
    ),
    detail("fetch/no-key", Reason::KeyUnavailable, "what came is a page for people, or empty"),
    detail(
        "fetch/no-source",
        Reason::KeyUnavailable,
        "the preset names a document, and the host has no source",
    ),
    detail("fetch/waiting", Reason::KeyUnavailable, "the last fetch failed, and the next is not due"),
    detail("fetch/busy", Reason::KeyUnavailable, "too many fetches are under way"),
    detail(
        "fetch/no-newer",
        Reason::UnknownKey,
        "a fresh copy lacks the key, and a newer one cannot be had now",
    ),
];
